//! Looks at past sessions after additions to a blocklist.
//!
//! What a sweep has found is also what it has done: a session it has a row for is passed over, so that it can go on
//! wherever its process was killed.

use gavel_core::{
    entry::{EntryType, EntryValue},
    guard::Sweep as Mode,
    ids::{ApplicationId, EntryId, ImportId, ListId, SessionId, SweepId},
    session::SessionStatus,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value, preview::address_range, sessions::read_status};

/// A sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Its id.
    pub id: SweepId,
    /// Where.
    pub application: ApplicationId,
    /// The list that was added to.
    pub list: ListId,
    /// What becomes of what it finds.
    pub mode: Mode,
    /// The import it follows.
    pub import: Option<ImportId>,
    /// Entries looked at.
    pub entries: u64,
    /// Sessions found.
    pub found: u64,
    /// Of these: put back for review.
    pub reviewed: u64,
    /// `api`, a person's e-mail address, or `system`.
    pub made_by: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When nothing was left.
    pub finished_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, application_id, list_id, mode, import_id, entries, found, reviewed, made_by, created_at, finished_at";

fn from_row(row: &Row) -> Result<Sweep, StoreError> {
    let mut c = row.columns();
    Ok(Sweep {
        id: SweepId(c.take()?),
        application: ApplicationId(c.take()?),
        list: ListId(c.take()?),
        mode: Mode::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("sweep"))?,
        import: c.take::<Option<Uuid>>()?.map(ImportId),
        entries: c.take()?,
        found: c.take()?,
        reviewed: c.take()?,
        made_by: c.take()?,
        created_at: c.take()?,
        finished_at: c.take()?,
    })
}

/// Writes a sweep that begins.
pub async fn insert_sweep(tx: &mut Tx, sweep: &Sweep) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO sweeps (id, application_id, list_id, mode, import_id, entries, found, reviewed, made_by, created_at,
             leased_until)
         VALUES ($1, $2, $3, $4, $5, 0, 0, 0, $6, $7, 0)",
        &[
            sweep.id.0.into(),
            sweep.application.0.into(),
            sweep.list.0.into(),
            sweep.mode.as_str().into(),
            sweep.import.map(|id| id.0).into(),
            (&sweep.made_by).into(),
            sweep.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Has a sweep look at what a revision brought. One that was at its end goes on.
pub async fn insert_part(tx: &mut Tx, id: SweepId, revision: u64) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO sweep_parts (sweep_id, revision, is_done) VALUES ($1, $2, $3)",
        &[id.0.into(), revision.into(), false.into()],
    )
    .await?;
    tx.send("UPDATE sweeps SET finished_at = NULL WHERE id = $1", &[id.0.into()]).await?;
    Ok(())
}

/// The sweep that follows an import.
pub async fn find_of_import(tx: &mut Tx, list: ListId, import: ImportId) -> Result<Option<SweepId>, StoreError> {
    let sql = "SELECT id FROM sweeps WHERE list_id = $1 AND import_id = $2";
    tx.query_opt(sql, &[list.0.into(), import.0.into()]).await?.map(|row| row.get(0).map(SweepId)).transpose()
}

/// A sweep of this list.
pub async fn find_sweep(tx: &mut Tx, list: ListId, id: SweepId) -> Result<Option<Sweep>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sweeps WHERE list_id = $1 AND id = $2");
    tx.query_opt(&sql, &[list.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// A page of a list's sweeps, newest first, and how many there are.
pub async fn list_sweeps(tx: &mut Tx, list: ListId, (limit, offset): (u64, u64)) -> Result<(Vec<Sweep>, u64), StoreError> {
    let total = tx.query_opt("SELECT count(*) FROM sweeps WHERE list_id = $1", &[list.0.into()]).await?;
    let sql = format!("SELECT {COLUMNS} FROM sweeps WHERE list_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3");
    let rows = tx.query(&sql, &[list.0.into(), limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}

/// Whether there is a sweep nobody works on.
pub async fn is_waiting(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM sweeps WHERE finished_at IS NULL AND leased_until <= $1 LIMIT 1";
    Ok(tx.query_opt(sql, &[now.into()]).await?.is_some())
}

/// Takes a sweep nobody works on; the oldest first.
pub async fn claim(tx: &mut Tx, now: Timestamp, until: Timestamp) -> Result<Option<Sweep>, StoreError> {
    let sql = format!(
        "UPDATE sweeps SET leased_until = $2 WHERE id IN (
             SELECT id FROM sweeps WHERE finished_at IS NULL AND leased_until <= $1 ORDER BY created_at, id LIMIT 1{})
         RETURNING {COLUMNS}",
        tx.skip_locked()
    );
    tx.query_opt(&sql, &[now.into(), until.into()]).await?.as_ref().map(from_row).transpose()
}

/// Holds a claimed sweep for another while; a time that has passed gives it back.
pub async fn set_leased(tx: &mut Tx, id: SweepId, until: Timestamp) -> Result<(), StoreError> {
    tx.send("UPDATE sweeps SET leased_until = $2 WHERE id = $1", &[id.0.into(), until.into()]).await?;
    Ok(())
}

/// Frees every lease. Only the one process of a SQLite file does this, at its start: nobody else can hold one.
pub async fn free_leases(tx: &mut Tx) -> Result<(), StoreError> {
    tx.send("UPDATE sweeps SET leased_until = 0 WHERE finished_at IS NULL", &[]).await?;
    Ok(())
}

/// The next part that is not done, and the last entry of it that is.
pub async fn find_part(tx: &mut Tx, id: SweepId) -> Result<Option<(u64, Option<EntryId>)>, StoreError> {
    let sql = "SELECT revision, done_entry FROM sweep_parts WHERE sweep_id = $1 AND NOT is_done ORDER BY revision LIMIT 1";
    let row = tx.query_opt(sql, &[id.0.into()]).await?;
    row.map(|row| Ok((row.get(0)?, row.get::<Option<Uuid>>(1)?.map(EntryId)))).transpose()
}

/// The next entry a revision brought to a list, and what it says; none of it where it no longer stands.
pub async fn find_entry(
    tx: &mut Tx,
    (list, entry_type): (ListId, EntryType),
    revision: u64,
    after: Option<EntryId>,
    now: Timestamp,
) -> Result<Option<(EntryId, Option<EntryValue>)>, StoreError> {
    let sql = "SELECT id, value, match_key, removed_rev IS NULL AND (expires_at IS NULL OR expires_at > $4)
         FROM entries WHERE list_id = $1 AND added_rev = $2 AND id > $3 ORDER BY id LIMIT 1";
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let row = tx.query_opt(sql, &[list.0.into(), revision.into(), after.into(), now.into()]).await?;
    row.map(|row| {
        let stored: String = row.get(1)?;
        let key = row.get::<Option<String>>(2)?.unwrap_or_else(|| stored.clone());
        let value = row.get::<bool>(3)?.then(|| EntryValue::from_store(entry_type, stored, key));
        Ok((EntryId(row.get(0)?), value))
    })
    .transpose()
}

/// Notes that an entry of a part is done with; the last one ends the part.
pub async fn set_done(tx: &mut Tx, id: SweepId, revision: u64, entry: Option<EntryId>) -> Result<(), StoreError> {
    match entry {
        Some(entry) => {
            let sql = "UPDATE sweep_parts SET done_entry = $3 WHERE sweep_id = $1 AND revision = $2";
            tx.send(sql, &[id.0.into(), revision.into(), entry.0.into()]).await?;
            tx.send("UPDATE sweeps SET entries = entries + 1 WHERE id = $1", &[id.0.into()]).await?;
        }
        None => {
            let sql = "UPDATE sweep_parts SET is_done = $3 WHERE sweep_id = $1 AND revision = $2";
            tx.send(sql, &[id.0.into(), revision.into(), true.into()]).await?;
        }
    }
    Ok(())
}

/// Ends a sweep, unless a part has come meanwhile.
pub async fn set_finished(tx: &mut Tx, id: SweepId, now: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "UPDATE sweeps SET finished_at = $2, leased_until = 0 WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM sweep_parts p WHERE p.sweep_id = $1 AND NOT p.is_done)",
        &[id.0.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Ends a sweep with what is left of it.
pub async fn set_abandoned(tx: &mut Tx, id: SweepId, now: Timestamp) -> Result<(), StoreError> {
    tx.send("UPDATE sweep_parts SET is_done = $2 WHERE sweep_id = $1", &[id.0.into(), true.into()]).await?;
    set_finished(tx, id, now).await
}

/// Approved sessions that have shown a value, or are a person's a list names, and that the sweep has no row for.
pub async fn list_approved(
    tx: &mut Tx,
    (application, sweep): (ApplicationId, SweepId),
    value: &EntryValue,
    most: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let open = "s.application_id = $1 AND s.status = $2 AND s.deleted_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM sweep_items i WHERE i.sweep_id = $3 AND i.session_id = s.id)";
    let mut params: Vec<Value> = vec![application.0.into(), SessionStatus::Approved.as_str().into(), sweep.0.into(), most.into()];
    let sql = match (value.entry_type(), value.network()) {
        (EntryType::User | EntryType::Business, _) => {
            let kind = if value.entry_type() == EntryType::Business { "business" } else { "user" };
            params.extend([kind.into(), value.key().into()]);
            format!("SELECT s.id FROM sessions s WHERE {open} AND s.kind = $5 AND s.vendor_folded = $6 LIMIT $4")
        }
        (entry_type, network) => {
            params.push(entry_type.as_str().into());
            let condition = match network {
                None => {
                    params.push(value.digest().into());
                    "g.key_digest = $6"
                }
                Some(network) => {
                    let (first, last) = address_range(network);
                    params.extend([first.into(), last.into()]);
                    "g.address >= $6 AND g.address <= $7"
                }
            };
            format!(
                "SELECT DISTINCT s.id FROM signals g JOIN sessions s ON s.id = g.session_id
                 WHERE g.application_id = $1 AND g.entry_type = $5 AND {condition} AND {open} LIMIT $4"
            )
        }
    };
    tx.query(&sql, &params).await?.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// Writes that a session was found. `false`: it was before.
pub async fn insert_item(
    tx: &mut Tx,
    sweep: SweepId,
    (session, entry): (SessionId, EntryId),
    outcome: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "INSERT INTO sweep_items (sweep_id, session_id, entry_id, outcome, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (sweep_id, session_id) DO NOTHING",
            &[sweep.0.into(), session.0.into(), entry.0.into(), outcome.into(), at.into()],
        )
        .await?;
    if rows == 1 {
        let reviewed = u64::from(outcome == "reviewed");
        let sql = "UPDATE sweeps SET found = found + 1, reviewed = reviewed + $2 WHERE id = $1";
        tx.send(sql, &[sweep.0.into(), reviewed.into()]).await?;
    }
    Ok(rows == 1)
}

/// A session a sweep has found.
#[derive(Debug)]
pub struct Item {
    /// The session.
    pub session: SessionId,
    /// Its number.
    pub number: i64,
    /// Whose it is.
    pub vendor_data: Option<String>,
    /// Where it stands now.
    pub status: SessionStatus,
    /// The first entry it was found by.
    pub entry: EntryId,
    /// `listed`, `reviewed`, or `passed_over` when it was no longer approved by then.
    pub outcome: String,
    /// When it was found.
    pub at: Timestamp,
}

/// A page of the sessions a sweep has found, in the order it found them, and how many there are; deleted ones are not shown.
pub async fn list_items(tx: &mut Tx, id: SweepId, (limit, offset): (u64, u64)) -> Result<(Vec<Item>, u64), StoreError> {
    let from = "FROM sweep_items i JOIN sessions s ON s.id = i.session_id WHERE i.sweep_id = $1 AND s.deleted_at IS NULL";
    let total = tx.query_opt(&format!("SELECT count(*) {from}"), &[id.0.into()]).await?;
    let sql = format!(
        "SELECT s.id, s.number, s.vendor_data, s.status, i.entry_id, i.outcome, i.at {from}
         ORDER BY i.at, i.session_id LIMIT $2 OFFSET $3"
    );
    let rows = tx.query(&sql, &[id.0.into(), limit.into(), offset.into()]).await?;
    let item = |row: &Row| {
        let mut c = row.columns();
        Ok(Item {
            session: SessionId(c.take()?),
            number: c.take()?,
            vendor_data: c.take()?,
            status: read_status(&c.take::<String>()?)?,
            entry: EntryId(c.take()?),
            outcome: c.take()?,
            at: c.take()?,
        })
    };
    Ok((rows.iter().map(item).collect::<Result<_, StoreError>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}
