//! Events that wait for a destination.
//!
//! A *lane* is one destination and one object: its events leave in order. Only the first of a lane can be claimed, and
//! while it is leased or waits for a retry nothing behind it moves. What is behind one that waits for a retry is not due
//! before it, so that looking for work never wades through what cannot go anyway. A claim carries a fencing token:
//! whoever comes back after its lease has run out finds another token and writes nothing.

use gavel_core::{
    ids::{ApplicationId, DestinationId, EventId, SessionId},
    time::Timestamp,
    webhook::EventType,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value, db::parts, destinations::Destination, events::Event};

/// Puts an event into the queue of a destination, due at once or with the last of its lane. The lone `+` keeps the search
/// off the index by time, which would go through the whole queue of a destination that is down instead of one lane.
pub async fn insert_waiting(tx: &mut Tx, id: EventId, event: &Event, destination: &Destination) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO outbox (id, event_id, destination_id, object_id, sequence, attempts, due_at, leased_until)
         VALUES ($1, $2, $3, $4, $5, 0, COALESCE((
             SELECT max(+o.due_at) FROM outbox o
             WHERE o.destination_id = $3 AND o.object_id = $4 AND +o.due_at > $6), $6), 0)",
        &[id.0.into(), event.id.into(), destination.id.0.into(), event.object.into(), event.sequence.into(), event.at.into()],
    )
    .await?;
    Ok(())
}

/// A claimed event with everything an attempt needs.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The event at this destination.
    pub id: EventId,
    /// The event itself.
    pub event: Uuid,
    /// The destination.
    pub destination: DestinationId,
    /// Its application.
    pub application: ApplicationId,
    /// Attempts that have ended.
    pub attempts: u64,
    /// Proves that the claim is still ours.
    pub token: Uuid,
    /// Where to POST, now.
    pub url: String,
    /// Form of the decision.
    pub webhook_version: String,
    /// Encrypted.
    pub secret: Vec<u8>,
    /// The secret before a rotation, encrypted, and until when it is valid.
    pub previous: Option<(Vec<u8>, Timestamp)>,
    /// What happened.
    pub event_type: EventType,
    /// For events about a session.
    pub session: Option<SessionId>,
    /// The payload but for what each delivery adds.
    pub payload: String,
    /// A test sent by hand, of something that did not happen.
    pub is_test: bool,
}

/// The destinations for which something is due.
pub async fn list_due_destinations(tx: &mut Tx, now: Timestamp) -> Result<Vec<DestinationId>, StoreError> {
    let rows = tx
        .query(
            "SELECT d.id FROM destinations d
             WHERE d.enabled AND d.deleted_at IS NULL AND d.paused_at IS NULL
                 AND EXISTS (SELECT 1 FROM outbox o WHERE o.destination_id = d.id AND o.due_at <= $1)
             ORDER BY d.id",
            &[now.into()],
        )
        .await?;
    rows.iter().map(|row| row.get(0).map(DestinationId)).collect()
}

/// Claims lanes of one destination whose first event is due: at most `limit`, oldest first, each leased until `until`.
/// Answers how many; [`list_claimed`] reads them.
pub async fn claim_due(
    tx: &mut Tx,
    destination: DestinationId,
    (now, until): (Timestamp, Timestamp),
    token: Uuid,
    limit: usize,
) -> Result<u64, StoreError> {
    let lock = tx.skip_locked();
    tx.execute(
        &format!(
            "UPDATE outbox SET leased_until = $3, lease_token = $4
             WHERE id IN (
                 SELECT o.id FROM outbox o
                 WHERE o.destination_id = $1 AND o.due_at <= $2 AND o.leased_until <= $2 AND NOT EXISTS (
                     SELECT 1 FROM outbox p
                     WHERE p.destination_id = o.destination_id AND p.object_id = o.object_id AND p.sequence < o.sequence)
                 ORDER BY o.due_at, o.id LIMIT $5{lock})"
        ),
        &[destination.0.into(), now.into(), until.into(), token.into(), (limit as u64).into()],
    )
    .await
}

/// What was claimed under this token.
pub async fn list_claimed(tx: &mut Tx, token: Uuid) -> Result<Vec<Claimed>, StoreError> {
    let rows = tx
        .query(
            "SELECT o.id, o.event_id, o.destination_id, e.application_id, o.attempts, o.lease_token, d.url, d.webhook_version,
                 d.secret, e.webhook_type, e.session_id, e.payload, d.previous_secret, d.previous_until
             FROM outbox o JOIN events e ON e.id = o.event_id JOIN destinations d ON d.id = o.destination_id
             WHERE o.lease_token = $1 ORDER BY o.due_at, o.id",
            &[token.into()],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

pub(super) fn from_row(row: &Row) -> Result<Claimed, StoreError> {
    let mut c = row.columns();
    Ok(Claimed {
        id: EventId(c.take()?),
        event: c.take()?,
        destination: DestinationId(c.take()?),
        application: ApplicationId(c.take()?),
        attempts: c.take()?,
        token: c.take()?,
        url: c.take()?,
        webhook_version: c.take()?,
        secret: c.take()?,
        event_type: EventType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("event type"))?,
        session: c.take::<Option<Uuid>>()?.map(SessionId),
        payload: c.take()?,
        previous: c.take::<Option<Vec<u8>>>()?.zip(c.take()?),
        is_test: false,
    })
}

/// Takes delivered and given-up events out. Answers which it were: of the others the claim is no longer ours, or the
/// destination is gone.
pub async fn remove_claimed(tx: &mut Tx, claimed: &[&Claimed]) -> Result<Vec<EventId>, StoreError> {
    let mut removed = Vec::with_capacity(claimed.len());
    for part in parts(claimed) {
        let pairs: Vec<String> =
            (0..part.len()).map(|n| format!("(id = ${} AND lease_token = ${})", 2 * n + 1, 2 * n + 2)).collect();
        let sql = format!("DELETE FROM outbox WHERE {} RETURNING id", pairs.join(" OR "));
        let params: Vec<Value> = part.iter().flat_map(|claim| [claim.id.0.into(), claim.token.into()]).collect();
        for row in tx.query(&sql, &params).await? {
            removed.push(EventId(row.get(0)?));
        }
    }
    Ok(removed)
}

/// Lets a claimed event wait for its next attempt, and with it what is behind it. `false`: the claim is no longer ours. For
/// the lone `+` see [`insert_waiting`].
pub async fn set_due(tx: &mut Tx, claimed: &Claimed, due_at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE outbox SET attempts = attempts + 1, due_at = $3, leased_until = 0, lease_token = NULL
             WHERE id = $1 AND lease_token = $2",
            &[claimed.id.0.into(), claimed.token.into(), due_at.into()],
        )
        .await?;
    if rows == 1 {
        tx.send(
            "UPDATE outbox SET due_at = $3
             WHERE destination_id = $2 AND object_id = (SELECT object_id FROM outbox WHERE id = $1) AND +due_at < $3",
            &[claimed.id.0.into(), claimed.destination.0.into(), due_at.into()],
        )
        .await?;
    }
    Ok(rows == 1)
}

/// Makes everything due that waits for a destination: after a pause nothing waits for the rest of a retry.
pub async fn set_all_due(tx: &mut Tx, destination: DestinationId, now: Timestamp) -> Result<(), StoreError> {
    tx.send("UPDATE outbox SET due_at = $2 WHERE destination_id = $1 AND due_at > $2", &[destination.0.into(), now.into()])
        .await?;
    Ok(())
}

/// How many events wait for a destination.
pub async fn count_waiting(tx: &mut Tx, destination: DestinationId) -> Result<u64, StoreError> {
    let row = tx.query_opt("SELECT count(*) FROM outbox WHERE destination_id = $1", &[destination.0.into()]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// Drops what waits for a destination that was disabled or deleted.
pub async fn drop_waiting(tx: &mut Tx, destination: DestinationId) -> Result<(), StoreError> {
    tx.send("DELETE FROM outbox WHERE destination_id = $1", &[destination.0.into()]).await?;
    Ok(())
}

/// Frees every lease. Only the one process of a SQLite file does this, at its start: nobody else can hold one.
pub async fn free_leases(tx: &mut Tx) -> Result<(), StoreError> {
    tx.send("UPDATE outbox SET leased_until = 0, lease_token = NULL WHERE lease_token IS NOT NULL", &[]).await?;
    Ok(())
}

/// When the next event becomes due. What is due already does not count: it is leased, or waits behind another one of its
/// lane, or its destination has no place free, and whatever ends that wakes the worker.
pub async fn next_due(tx: &mut Tx, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT min((SELECT min(o.due_at) FROM outbox o WHERE o.destination_id = d.id AND o.due_at > $1))
             FROM destinations d WHERE d.enabled AND d.deleted_at IS NULL AND d.paused_at IS NULL",
            &[now.into()],
        )
        .await?;
    row.map_or(Ok(None), |row| row.get(0))
}
