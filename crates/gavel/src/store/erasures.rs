//! Erasures: which sessions, how far they have come, and in the end the receipt. Nothing here says who was erased, but for
//! what is kept encrypted until they have been looked for.

use std::collections::BTreeMap;

use gavel_core::{
    ids::{ApplicationId, ErasureId, SessionId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx, sessions::fold};

/// How much of what was removed.
pub type Counts = BTreeMap<String, u64>;

/// An erasure.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// Where.
    pub application: ApplicationId,
    /// `subject` or `session`.
    pub kind: String,
    /// Live entries of lists go as well.
    pub list_entries: bool,
    /// What is being done.
    pub stage: String,
    /// Where the stage goes on.
    pub place: String,
    /// What has been removed so far.
    pub counts: Counts,
    /// `API_KEY`, `CONSOLE_USER` or `SYSTEM`.
    pub actor_type: String,
    /// The key or the person.
    pub actor_id: Option<Uuid>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When nothing was left.
    pub finished_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, application_id, kind, list_entries, stage, place, counts, actor_type, actor_id, created_at, finished_at";

fn from_row(row: &Row) -> Result<Erasure, StoreError> {
    let mut c = row.columns();
    Ok(Erasure {
        id: ErasureId(c.take()?),
        application: ApplicationId(c.take()?),
        kind: c.take()?,
        list_entries: c.take()?,
        stage: c.take()?,
        place: c.take()?,
        counts: serde_json::from_str(&c.take::<String>()?).map_err(|_| StoreError::unreadable("counts"))?,
        actor_type: c.take()?,
        actor_id: c.take()?,
        created_at: c.take()?,
        finished_at: c.take()?,
    })
}

/// Writes an erasure that begins; it is the caller's until `leased_until`.
pub async fn insert_erasure(tx: &mut Tx, erasure: &Erasure, leased_until: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO erasures (id, application_id, kind, list_entries, stage, place, counts, actor_type, actor_id, created_at,
             leased_until)
         VALUES ($1, $2, $3, $4, $5, $6, '{}', $7, $8, $9, $10)",
        &[
            erasure.id.0.into(),
            erasure.application.0.into(),
            (&erasure.kind).into(),
            erasure.list_entries.into(),
            (&erasure.stage).into(),
            (&erasure.place).into(),
            (&erasure.actor_type).into(),
            erasure.actor_id.into(),
            erasure.created_at.into(),
            leased_until.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The sessions of a person or company that have something left to erase, deleted or not, locked.
pub async fn lock_sessions_of(tx: &mut Tx, application: ApplicationId, vendor_data: &str) -> Result<Vec<SessionId>, StoreError> {
    let sql = format!(
        "SELECT id FROM sessions WHERE application_id = $1 AND vendor_folded = $2 AND vendor_data = $3 AND erased_at IS NULL
         ORDER BY number{}",
        tx.for_update()
    );
    let rows = tx.query(&sql, &[application.0.into(), fold(vendor_data).into(), vendor_data.into()]).await?;
    rows.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// One session that has something left to erase, deleted or not, locked.
pub async fn lock_session(tx: &mut Tx, application: ApplicationId, id: SessionId) -> Result<Vec<SessionId>, StoreError> {
    let lock = tx.for_update();
    let sql = format!("SELECT id FROM sessions WHERE application_id = $1 AND id = $2 AND erased_at IS NULL{lock}");
    let rows = tx.query(&sql, &[application.0.into(), id.0.into()]).await?;
    rows.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// Makes a session a part of an erasure: from now on nobody sees it, and nothing is added to it.
pub async fn insert_session(tx: &mut Tx, erasure: ErasureId, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    tx.send("INSERT INTO erasure_sessions (erasure_id, session_id) VALUES ($1, $2)", &[erasure.0.into(), id.0.into()]).await?;
    set_session_erased(tx, id, now).await
}

/// Takes a session out of sight for good.
pub async fn set_session_erased(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "UPDATE sessions SET deleted_at = COALESCE(deleted_at, $2), erased_at = $2 WHERE id = $1",
        &[id.0.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Whether a session was erased, or is being.
pub async fn is_erased(tx: &mut Tx, application: ApplicationId, id: SessionId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM sessions WHERE application_id = $1 AND id = $2 AND erased_at IS NOT NULL";
    Ok(tx.query_opt(sql, &[application.0.into(), id.0.into()]).await?.is_some())
}

/// The next sessions of an erasure, by id, and how many it has in all.
pub async fn list_sessions(
    tx: &mut Tx,
    erasure: ErasureId,
    after: Option<SessionId>,
    most: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let sql = "SELECT session_id FROM erasure_sessions WHERE erasure_id = $1 AND session_id > $2 ORDER BY session_id LIMIT $3";
    let rows = tx.query(sql, &[erasure.0.into(), after.into(), most.into()]).await?;
    rows.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// How many sessions an erasure has.
pub async fn count_sessions(tx: &mut Tx, erasure: ErasureId) -> Result<u64, StoreError> {
    let row = tx.query_opt("SELECT count(*) FROM erasure_sessions WHERE erasure_id = $1", &[erasure.0.into()]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// An erasure of this application.
pub async fn find_erasure(tx: &mut Tx, application: ApplicationId, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM erasures WHERE application_id = $1 AND id = $2");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// A page of an application's erasures, newest first, and how many there are.
pub async fn list_erasures(
    tx: &mut Tx,
    application: ApplicationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Erasure>, u64), StoreError> {
    let total = tx.query_opt("SELECT count(*) FROM erasures WHERE application_id = $1", &[application.0.into()]).await?;
    let sql =
        format!("SELECT {COLUMNS} FROM erasures WHERE application_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3");
    let rows = tx.query(&sql, &[application.0.into(), limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}

/// Whether there is an erasure nobody works on.
pub async fn is_waiting(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM erasures WHERE finished_at IS NULL AND leased_until <= $1 LIMIT 1";
    Ok(tx.query_opt(sql, &[now.into()]).await?.is_some())
}

/// Takes an erasure nobody works on; the oldest first.
pub async fn claim(tx: &mut Tx, now: Timestamp, until: Timestamp) -> Result<Option<Erasure>, StoreError> {
    let sql = format!(
        "UPDATE erasures SET leased_until = $2 WHERE id IN (
             SELECT id FROM erasures WHERE finished_at IS NULL AND leased_until <= $1 ORDER BY created_at, id LIMIT 1{})
         RETURNING {COLUMNS}",
        tx.skip_locked()
    );
    tx.query_opt(&sql, &[now.into(), until.into()]).await?.as_ref().map(from_row).transpose()
}

/// An erasure as it stands, locked: whoever goes on looks first whether it is still where they left it.
pub async fn lock_erasure(tx: &mut Tx, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM erasures WHERE id = $1{}", tx.for_update());
    tx.query_opt(&sql, &[id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Writes how far an erasure has come.
pub async fn set_progress(tx: &mut Tx, erasure: &Erasure, leased_until: Timestamp) -> Result<(), StoreError> {
    let counts = serde_json::to_string(&erasure.counts).map_err(|_| StoreError::unreadable("counts"))?;
    tx.send(
        "UPDATE erasures SET stage = $2, place = $3, counts = $4, finished_at = $5, leased_until = $6 WHERE id = $1",
        &[
            erasure.id.0.into(),
            (&erasure.stage).into(),
            (&erasure.place).into(),
            counts.into(),
            erasure.finished_at.into(),
            leased_until.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Keeps what the record of a user or business said, encrypted, while it is looked for; nothing from then on.
pub async fn set_about(tx: &mut Tx, id: ErasureId, sealed: Option<Vec<u8>>) -> Result<(), StoreError> {
    tx.send("UPDATE erasures SET about = $2 WHERE id = $1", &[id.0.into(), sealed.into()]).await?;
    Ok(())
}

/// What the record said, encrypted.
pub async fn find_about(tx: &mut Tx, id: ErasureId) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.query_opt("SELECT about FROM erasures WHERE id = $1", &[id.0.into()]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// Frees every lease. Only the one process of a SQLite file does this, at its start: nobody else can hold one.
pub async fn free_leases(tx: &mut Tx) -> Result<(), StoreError> {
    tx.send("UPDATE erasures SET leased_until = 0 WHERE finished_at IS NULL", &[]).await?;
    Ok(())
}
