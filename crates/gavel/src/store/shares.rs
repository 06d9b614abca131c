//! Which application has made its copy of which session, and what such a copy takes over.

use gavel_core::{
    ids::{ApplicationId, RecordId, SessionId},
    time::Timestamp,
};

use super::{StoreError, Tx};

/// The copy an application has made of a session, also when it is deleted by now.
pub async fn find_copy(tx: &mut Tx, original: SessionId, by: ApplicationId) -> Result<Option<SessionId>, StoreError> {
    let sql = "SELECT copy_id FROM shares WHERE original_id = $1 AND application_id = $2";
    let row = tx.query_opt(sql, &[original.0.into(), by.0.into()]).await?;
    row.map(|row| row.get(0).map(SessionId)).transpose()
}

/// Notes a copy. `false`: there is one.
pub async fn insert_share(
    tx: &mut Tx,
    (original, by): (SessionId, ApplicationId),
    copy: SessionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let written = tx
        .execute(
            "INSERT INTO shares (original_id, application_id, copy_id, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (original_id, application_id) DO NOTHING",
            &[original.0.into(), by.0.into(), copy.0.into(), now.into()],
        )
        .await?;
    Ok(written == 1)
}

/// Copies the normalised values of a record, and what corrections have made of them.
pub async fn copy_signals(
    tx: &mut Tx,
    of: RecordId,
    (application, session, record): (ApplicationId, SessionId, RecordId),
) -> Result<(), StoreError> {
    let params = [of.0.into(), record.0.into(), application.0.into(), session.0.into()];
    tx.send(
        "INSERT INTO signals (record_id, entry_type, application_id, session_id, value, match_key, key_digest, address, created_at)
         SELECT $2, entry_type, $3, $4, value, match_key, key_digest, address, created_at FROM signals WHERE record_id = $1",
        &params,
    )
    .await?;
    tx.send(
        "INSERT INTO corrected_signals (record_id, entry_type, application_id, session_id, key_digest, created_at)
         SELECT $2, entry_type, $3, $4, key_digest, created_at FROM corrected_signals WHERE record_id = $1",
        &params,
    )
    .await
}
