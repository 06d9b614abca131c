//! POSTs with an `Idempotency-Key`: claimed before they run, answered in the transaction of what they did.
//!
//! A claim that was never answered (the process was killed) can be taken over once its time has run out; since the
//! answer is written together with the action, taking over never repeats one that was committed.

use gavel_core::{ids::ApplicationId, time::Timestamp};
use uuid::Uuid;

use super::{StoreError, Tx};

/// How long an answer is kept, in seconds.
pub const KEPT: i64 = 24 * 3600;
/// How long a claim without an answer holds, in seconds.
const CLAIMED: i64 = 60;

/// A POST that runs under an `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct Claim {
    /// SHA-256 of the key as sent.
    pub key: [u8; 32],
    /// SHA-256 of method, path and body.
    pub request: [u8; 32],
    /// Proves that the claim is still ours.
    pub token: Uuid,
    /// What its path names first; an erasure of it takes the answer.
    pub object: Option<Uuid>,
}

/// What is known under a key.
pub enum Found {
    /// Nothing: the claim is ours now.
    Claimed,
    /// The same request was answered; encrypted.
    Answered(Vec<u8>),
    /// The same request is running.
    Running,
    /// The key belongs to another request.
    OtherRequest,
}

/// Claims a key, or says who has it.
pub async fn claim(tx: &mut Tx, application: ApplicationId, claim: &Claim, now: Timestamp) -> Result<Found, StoreError> {
    let oldest = now.plus_seconds(-KEPT);
    let until = now.plus_seconds(CLAIMED);
    let rows = tx
        .execute(
            "INSERT INTO idempotency (application_id, key_digest, request_digest, claim, claimed_until, created_at, object_id)
             VALUES ($1, $2, $3, $4, $5, $6, $8)
             ON CONFLICT (application_id, key_digest) DO UPDATE
             SET request_digest = excluded.request_digest, claim = excluded.claim, claimed_until = excluded.claimed_until,
                 created_at = excluded.created_at, object_id = excluded.object_id, answer = NULL
             WHERE idempotency.created_at < $7
                OR (idempotency.answer IS NULL AND idempotency.claimed_until < $6
                    AND idempotency.request_digest = excluded.request_digest)",
            &[
                application.0.into(),
                claim.key.into(),
                claim.request.into(),
                claim.token.into(),
                until.into(),
                now.into(),
                oldest.into(),
                claim.object.into(),
            ],
        )
        .await?;
    if rows == 1 {
        return Ok(Found::Claimed);
    }
    let row = tx
        .query_opt(
            "SELECT request_digest, answer FROM idempotency WHERE application_id = $1 AND key_digest = $2",
            &[application.0.into(), claim.key.into()],
        )
        .await?
        .ok_or_else(|| StoreError::unreadable("idempotency row"))?;
    let mut c = row.columns();
    let request: Vec<u8> = c.take()?;
    Ok(match c.take::<Option<Vec<u8>>>()? {
        _ if request != claim.request => Found::OtherRequest,
        Some(answer) => Found::Answered(answer),
        None => Found::Running,
    })
}

/// Keeps the answer. `false`: somebody else has taken the claim over, so the action must not be committed.
pub async fn set_answer(tx: &mut Tx, application: ApplicationId, claim: &Claim, answer: Vec<u8>) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE idempotency SET answer = $4 WHERE application_id = $1 AND key_digest = $2 AND claim = $3",
            &[application.0.into(), claim.key.into(), claim.token.into(), answer.into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Holds a claim for another while: its request takes long. `false`: somebody else has taken it over.
pub async fn renew(tx: &mut Tx, application: ApplicationId, claim: &Claim, now: Timestamp) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE idempotency SET claimed_until = $4 WHERE application_id = $1 AND key_digest = $2 AND claim = $3",
            &[application.0.into(), claim.key.into(), claim.token.into(), now.plus_seconds(CLAIMED).into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Gives a claim back after a refusal: nothing was done, so the key may be used again.
pub async fn release(tx: &mut Tx, application: ApplicationId, claim: &Claim) -> Result<(), StoreError> {
    tx.send(
        "DELETE FROM idempotency WHERE application_id = $1 AND key_digest = $2 AND claim = $3 AND answer IS NULL",
        &[application.0.into(), claim.key.into(), claim.token.into()],
    )
    .await?;
    Ok(())
}

/// Forgets answers older than a day.
pub async fn remove_old(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM idempotency WHERE created_at < $1", &[now.plus_seconds(-KEPT).into()]).await
}
