//! What is older than an application keeps it: found, counted, taken away a bounded part at a time.

use gavel_core::{
    ids::{ApplicationId, SessionId},
    session::SessionStatus,
    time::Timestamp,
};
use uuid::Uuid;

use super::{StoreError, Tx, Value, db::placeholders};

/// Sessions nothing happens to any more: finished, deleted, or never ended in time. `$1` to `$2` are application and border,
/// the statuses follow.
fn over(from: usize) -> (String, Vec<Value>) {
    let finished: Vec<&str> = SessionStatus::ALL.iter().filter(|s| !s.is_unfinished()).map(|s| s.as_str()).collect();
    let clause = format!(
        "s.application_id = $1 AND s.created_at < $2 AND s.erased_at IS NULL
             AND (s.deleted_at IS NOT NULL OR s.expires_at < $2 OR s.status IN ({}))",
        placeholders(from, finished.len())
    );
    (clause, finished.into_iter().map(Value::from).collect())
}

/// The oldest sessions from before a border that still hold something.
pub async fn list_sessions(
    tx: &mut Tx,
    application: ApplicationId,
    before: Timestamp,
    most: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let (clause, statuses) = over(4);
    let sql = format!("SELECT s.id FROM sessions s WHERE {clause} ORDER BY s.created_at, s.id LIMIT $3{}", tx.for_update());
    let mut params: Vec<Value> = vec![application.0.into(), before.into(), most.into()];
    params.extend(statuses);
    tx.query(&sql, &params).await?.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// How many those are.
pub async fn count_sessions(tx: &mut Tx, application: ApplicationId, before: Timestamp) -> Result<u64, StoreError> {
    let (clause, statuses) = over(3);
    let mut params: Vec<Value> = vec![application.0.into(), before.into()];
    params.extend(statuses);
    count(tx, &format!("SELECT count(*) FROM sessions s WHERE {clause}"), &params).await
}

async fn count(tx: &mut Tx, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
    tx.query_opt(sql, params).await?.map_or(Ok(0), |row| row.get(0))
}

/// Such sessions that show files.
pub async fn list_with_files(
    tx: &mut Tx,
    application: ApplicationId,
    before: Timestamp,
    most: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let (clause, statuses) = over(4);
    let sql = format!(
        "SELECT s.id FROM sessions s WHERE {clause} AND EXISTS (SELECT 1 FROM media_uses u WHERE u.session_id = s.id)
         ORDER BY s.created_at, s.id LIMIT $3"
    );
    let mut params: Vec<Value> = vec![application.0.into(), before.into(), most.into()];
    params.extend(statuses);
    tx.query(&sql, &params).await?.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// How many files such sessions show.
pub async fn count_files(tx: &mut Tx, application: ApplicationId, before: Timestamp) -> Result<u64, StoreError> {
    let (clause, statuses) = over(3);
    let mut params: Vec<Value> = vec![application.0.into(), before.into()];
    params.extend(statuses);
    let sql =
        format!("SELECT count(DISTINCT u.media_id) FROM sessions s JOIN media_uses u ON u.session_id = s.id WHERE {clause}");
    count(tx, &sql, &params).await
}

/// The instant up to which a kind has been looked through.
pub async fn find_reached(tx: &mut Tx, application: ApplicationId, kind: &str) -> Result<Timestamp, StoreError> {
    let sql = "SELECT reached FROM retention_marks WHERE application_id = $1 AND kind = $2";
    let row = tx.query_opt(sql, &[application.0.into(), kind.into()]).await?;
    row.map_or(Ok(Timestamp::from_micros(0)), |row| row.get(0))
}

/// Writes it.
pub async fn set_reached(tx: &mut Tx, application: ApplicationId, kind: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO retention_marks (application_id, kind, reached) VALUES ($1, $2, $3)
         ON CONFLICT (application_id, kind) DO UPDATE SET reached = excluded.reached",
        &[application.0.into(), kind.into(), at.into()],
    )
    .await?;
    Ok(())
}

/// Audit rows of a time, the oldest first.
pub async fn list_audit(
    tx: &mut Tx,
    application: ApplicationId,
    (from, before): (Timestamp, Timestamp),
    most: u64,
) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
    let sql = "SELECT id, created_at FROM audit_events WHERE application_id = $1 AND created_at >= $2 AND created_at < $3
         ORDER BY created_at, id LIMIT $4";
    let rows = tx.query(sql, &[application.0.into(), from.into(), before.into(), most.into()]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Takes the values beside audit rows.
pub async fn remove_audit_values(tx: &mut Tx, events: &[Uuid]) -> Result<u64, StoreError> {
    let mut removed = 0;
    for chunk in events.chunks(256) {
        let params: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let sql = format!("DELETE FROM audit_values WHERE event_id IN ({})", placeholders(1, params.len()));
        removed += tx.execute(&sql, &params).await?;
    }
    Ok(removed)
}

/// How many values stand beside audit rows of a time.
pub async fn count_audit_values(
    tx: &mut Tx,
    application: ApplicationId,
    (from, before): (Timestamp, Timestamp),
) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM audit_events e JOIN audit_values v ON v.event_id = e.id
         WHERE e.application_id = $1 AND e.created_at >= $2 AND e.created_at < $3";
    count(tx, sql, &[application.0.into(), from.into(), before.into()]).await
}

/// Takes what imports from before a border keep of their rows, a few batches at a time. One whose process was killed stays
/// `running` and has not come on since.
pub async fn remove_batches(tx: &mut Tx, application: ApplicationId, before: Timestamp, most: u64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM import_batches WHERE (import_id, ordinal) IN (
             SELECT b.import_id, b.ordinal FROM imports i JOIN import_batches b ON b.import_id = i.id
             WHERE i.application_id = $1 AND i.created_at < $2 AND (i.state <> 'running' OR i.updated_at < $2) LIMIT $3)";
    tx.execute(sql, &[application.0.into(), before.into(), most.into()]).await
}

/// Takes rows away that files of other systems from before a border were refused, a few at a time.
pub async fn remove_row_errors(tx: &mut Tx, application: ApplicationId, before: Timestamp, most: u64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM session_import_errors WHERE (import_id, row_number) IN (
             SELECT e.import_id, e.row_number FROM session_imports i JOIN session_import_errors e ON e.import_id = i.id
             WHERE i.application_id = $1 AND i.created_at < $2 AND i.completed_at IS NOT NULL LIMIT $3)";
    tx.execute(sql, &[application.0.into(), before.into(), most.into()]).await
}

/// How many rows those imports have told of.
pub async fn count_import_rows(tx: &mut Tx, application: ApplicationId, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT CAST(COALESCE(sum(i.rows), 0) AS bigint) FROM imports i
         WHERE i.application_id = $1 AND i.created_at < $2 AND (i.state <> 'running' OR i.updated_at < $2)
             AND EXISTS (SELECT 1 FROM import_batches b WHERE b.import_id = i.id)";
    let told = count(tx, sql, &[application.0.into(), before.into()]).await?;
    let sql = "SELECT count(*) FROM session_imports i JOIN session_import_errors e ON e.import_id = i.id
         WHERE i.application_id = $1 AND i.created_at < $2 AND i.completed_at IS NOT NULL";
    Ok(told + count(tx, sql, &[application.0.into(), before.into()]).await?)
}
