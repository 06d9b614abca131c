//! Which values of a user's profile were taken over from which session, so that they can go with it. Of a value only a
//! digest is kept.

use gavel_core::{
    ids::{SessionId, SubjectId},
    subject::Adopted,
};
use sha2::{Digest, Sha256};

use super::{StoreError, Tx};

/// What stands for a value.
pub fn digest(value: &str) -> Vec<u8> {
    Sha256::digest(value).to_vec()
}

/// Notes that a session has shown a value of the profile.
pub async fn insert_origin(
    tx: &mut Tx,
    subject: SubjectId,
    session: SessionId,
    (field, value): (Adopted, &str),
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO subject_origins (subject_id, field, value_digest, session_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (subject_id, field, value_digest, session_id) DO NOTHING",
        &[subject.0.into(), field.as_str().into(), digest(value).into(), session.0.into()],
    )
    .await
}

/// Whether a value of the profile was taken over from any session.
pub async fn is_adopted(tx: &mut Tx, subject: SubjectId, (field, value): (Adopted, &str)) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM subject_origins WHERE subject_id = $1 AND field = $2 AND value_digest = $3 LIMIT 1";
    Ok(tx.query_opt(sql, &[subject.0.into(), field.as_str().into(), digest(value).into()]).await?.is_some())
}

/// Users whose profiles hold something of a session.
pub async fn list_subjects(tx: &mut Tx, session: SessionId) -> Result<Vec<SubjectId>, StoreError> {
    let sql = "SELECT DISTINCT subject_id FROM subject_origins WHERE session_id = $1 ORDER BY subject_id";
    tx.query(sql, &[session.0.into()]).await?.iter().map(|row| row.get(0).map(SubjectId)).collect()
}

/// Digests of what a profile holds of a session and of no other one that is there, by field.
pub async fn list_only_of(tx: &mut Tx, subject: SubjectId, session: SessionId) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let sql = "SELECT o.field, o.value_digest FROM subject_origins o WHERE o.subject_id = $1 AND o.session_id = $2
         AND NOT EXISTS (
             SELECT 1 FROM subject_origins x JOIN sessions s ON s.id = x.session_id
             WHERE x.subject_id = o.subject_id AND x.field = o.field AND x.value_digest = o.value_digest
                 AND x.session_id <> o.session_id AND s.deleted_at IS NULL)";
    let rows = tx.query(sql, &[subject.0.into(), session.0.into()]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}
