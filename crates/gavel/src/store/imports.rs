//! Imports: jobs, what became of their rows, and many entries in one statement.

use std::collections::HashSet;

use gavel_core::{
    ids::{ApplicationId, EntryId, ImportId, ListId},
    time::Timestamp,
};

use super::{
    Row, StoreError, Tx, Value,
    db::{Dialect, placeholders},
    entries::{Addition, Entry, INSERT_COLUMNS, insert_params},
};

/// A job.
#[derive(Debug, Clone)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// The list it fills.
    pub list: ListId,
    /// `csv` or `ndjson`.
    pub format: String,
    /// Nothing is added.
    pub dry_run: bool,
    /// `skip` or `abort`.
    pub on_error: String,
    /// `running`, `completed`, `aborted` or `interrupted`.
    pub state: String,
    /// Rows that have their verdict.
    pub rows: u64,
    /// Of these: in the list since.
    pub added: u64,
    /// Of these: in the list before.
    pub duplicates: u64,
    /// Of these: not acceptable.
    pub refused: u64,
    /// Why it ended early.
    pub message: String,
    /// `api`, a person's e-mail address, or `system`.
    pub made_by: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last came on.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, list_id, format, dry_run, on_error, state, rows, added, duplicates, refused, message, made_by,
    created_at, updated_at, finished_at";

fn from_row(row: &Row) -> Result<Import, StoreError> {
    let mut c = row.columns();
    Ok(Import {
        id: ImportId(c.take()?),
        list: ListId(c.take()?),
        format: c.take()?,
        dry_run: c.take()?,
        on_error: c.take()?,
        state: c.take()?,
        rows: c.take()?,
        added: c.take()?,
        duplicates: c.take()?,
        refused: c.take()?,
        message: c.take()?,
        made_by: c.take()?,
        created_at: c.take()?,
        updated_at: c.take()?,
        finished_at: c.take()?,
    })
}

/// Writes a new job.
pub async fn insert_import(tx: &mut Tx, application: ApplicationId, import: &Import) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO imports (application_id, id, list_id, format, dry_run, on_error, state, rows, added, duplicates, refused,
             message, made_by, created_at, updated_at, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &[
            application.0.into(),
            import.id.0.into(),
            import.list.0.into(),
            (&import.format).into(),
            import.dry_run.into(),
            (&import.on_error).into(),
            (&import.state).into(),
            import.rows.into(),
            import.added.into(),
            import.duplicates.into(),
            import.refused.into(),
            (&import.message).into(),
            (&import.made_by).into(),
            import.created_at.into(),
            import.updated_at.into(),
            import.finished_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Writes how far a job has come.
pub async fn set_progress(tx: &mut Tx, import: &Import) -> Result<(), StoreError> {
    tx.send(
        "UPDATE imports SET state = $2, rows = $3, added = $4, duplicates = $5, refused = $6, message = $7, updated_at = $8,
             finished_at = $9
         WHERE id = $1",
        &[
            import.id.0.into(),
            (&import.state).into(),
            import.rows.into(),
            import.added.into(),
            import.duplicates.into(),
            import.refused.into(),
            (&import.message).into(),
            import.updated_at.into(),
            import.finished_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Writes what became of a batch of rows.
pub async fn insert_batch(tx: &mut Tx, import: ImportId, ordinal: u64, verdicts: &str, rejects: &str) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO import_batches (import_id, ordinal, verdicts, rejects) VALUES ($1, $2, $3, $4)",
        &[import.0.into(), ordinal.into(), verdicts.into(), rejects.into()],
    )
    .await?;
    Ok(())
}

/// Which text of a batch is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A line for every row.
    Verdicts,
    /// A line for every refused row.
    Rejects,
}

/// The next batch from a place on with such a text, and its place.
pub async fn find_batch(tx: &mut Tx, import: ImportId, from: u64, part: Part) -> Result<Option<(u64, String)>, StoreError> {
    let column = match part {
        Part::Verdicts => "verdicts",
        Part::Rejects => "rejects",
    };
    let sql = format!(
        "SELECT ordinal, {column} FROM import_batches WHERE import_id = $1 AND ordinal >= $2 AND {column} <> ''
         ORDER BY ordinal LIMIT 1"
    );
    let row = tx.query_opt(&sql, &[import.0.into(), from.into()]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// A job of this list.
pub async fn find_import(tx: &mut Tx, list: ListId, id: ImportId) -> Result<Option<Import>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM imports WHERE list_id = $1 AND id = $2");
    tx.query_opt(&sql, &[list.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Seconds without progress after which a job has lost its process.
pub const LOST: i64 = 120;

/// Whether a job may still bring rows.
pub async fn is_running(tx: &mut Tx, id: ImportId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM imports WHERE id = $1 AND state = 'running' AND updated_at >= $2";
    Ok(tx.query_opt(sql, &[id.0.into(), now.plus_seconds(-LOST).into()]).await?.is_some())
}

/// A page of a list's jobs, newest first, and how many there are.
pub async fn list_imports(tx: &mut Tx, list: ListId, (limit, offset): (u64, u64)) -> Result<(Vec<Import>, u64), StoreError> {
    let total = tx.query_opt("SELECT count(*) FROM imports WHERE list_id = $1", &[list.0.into()]).await?;
    let sql = format!("SELECT {COLUMNS} FROM imports WHERE list_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3");
    let rows = tx.query(&sql, &[list.0.into(), limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}

/// Entries of one statement: 20 parameters each, and engines take 32,766.
const AT_ONCE: usize = 128;

/// Adds entries whose keys the list does not hold; of two with one key the first. Answers which were added.
pub async fn insert_entries(tx: &mut Tx, new: &[(Addition<'_>, Entry)]) -> Result<HashSet<EntryId>, StoreError> {
    let mut added = HashSet::with_capacity(new.len());
    for chunk in new.chunks(AT_ONCE) {
        let mut params: Vec<Value> = Vec::with_capacity(chunk.len() * INSERT_COLUMNS.1);
        let mut tuples = Vec::with_capacity(chunk.len());
        for (addition, entry) in chunk {
            tuples.push(format!("({})", placeholders(params.len() + 1, INSERT_COLUMNS.1)));
            params.extend(insert_params(addition, entry));
        }
        let sql = format!(
            "INSERT INTO entries ({}) VALUES {} ON CONFLICT (list_id, key_digest) WHERE removed_rev IS NULL DO NOTHING RETURNING id",
            INSERT_COLUMNS.0,
            tuples.join(", ")
        );
        for row in tx.query(&sql, &params).await? {
            added.insert(EntryId(row.get(0)?));
        }
    }
    Ok(added)
}

/// Has PostgreSQL look at what has come: while its statistics know nothing of a fast-growing list, it takes a look-up of many
/// keys for a reason to read the whole list. SQLite chooses by the indexes alone.
pub async fn refresh_statistics(tx: &mut Tx) -> Result<(), StoreError> {
    match tx.dialect() {
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => tx.batch("ANALYZE entries").await,
    }
}
