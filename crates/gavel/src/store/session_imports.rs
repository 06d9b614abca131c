//! Files of sessions from elsewhere: jobs, the files, refused rows.

use gavel_core::{
    ids::{ApplicationId, SessionImportId},
    time::Timestamp,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Row, StoreError, Tx};

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: SessionImportId,
    /// Where.
    pub application: ApplicationId,
    /// `user_verification`, `business_verification`, `status_rules` or `transactions`.
    pub import_type: String,
    /// The workflow or version that was named.
    pub workflow: Option<Uuid>,
    /// `csv` or `ndjson`.
    pub format: String,
    /// What the file is called.
    pub filename: String,
    /// `PENDING`, `PROCESSING`, `COMPLETED` or `FAILED`.
    pub state: String,
    /// Rows of the file; 0 until they are counted.
    pub total: u64,
    /// Rows that are done with.
    pub processed: u64,
    /// Of these: became something new.
    pub created: u64,
    /// Of these: changed what was there.
    pub updated: u64,
    /// Of these: were there already, just so.
    pub skipped: u64,
    /// Of these: were refused.
    pub failed: u64,
    /// Size of all pictures that came with it.
    pub media_bytes: u64,
    /// How often a fault stopped it where it stands.
    pub tries: u64,
    /// Why it failed.
    pub last_error: Option<String>,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it last came on.
    pub updated_at: Timestamp,
    /// When its rows were counted.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, application_id, import_type, workflow_id, format, filename, state, total, processed, created, updated,
    skipped, failed, media_bytes, tries, last_error, created_at, updated_at, started_at, completed_at";

fn from_row(row: &Row) -> Result<Job, StoreError> {
    let mut c = row.columns();
    Ok(Job {
        id: SessionImportId(c.take()?),
        application: ApplicationId(c.take()?),
        import_type: c.take()?,
        workflow: c.take()?,
        format: c.take()?,
        filename: c.take()?,
        state: c.take()?,
        total: c.take()?,
        processed: c.take()?,
        created: c.take()?,
        updated: c.take()?,
        skipped: c.take()?,
        failed: c.take()?,
        media_bytes: c.take()?,
        tries: c.take()?,
        last_error: c.take()?,
        created_at: c.take()?,
        updated_at: c.take()?,
        started_at: c.take()?,
        completed_at: c.take()?,
    })
}

/// Writes a new job. `false`: the application has one that is not at its end.
pub async fn insert_job(tx: &mut Tx, job: &Job) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "INSERT INTO session_imports (id, application_id, import_type, workflow_id, format, filename, state, total, processed,
                 created, updated, skipped, failed, media_bytes, leased_until, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0, 0, 0, 0, $8, $8)
             ON CONFLICT (application_id) WHERE completed_at IS NULL DO NOTHING",
            &[
                job.id.0.into(),
                job.application.0.into(),
                (&job.import_type).into(),
                job.workflow.into(),
                (&job.format).into(),
                (&job.filename).into(),
                (&job.state).into(),
                job.created_at.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Whether the application has a job that is not at its end.
pub async fn is_active(tx: &mut Tx, application: ApplicationId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM session_imports WHERE application_id = $1 AND completed_at IS NULL";
    Ok(tx.query_opt(sql, &[application.0.into()]).await?.is_some())
}

/// Writes how far a job has come, and until when it is held.
pub async fn set_progress(tx: &mut Tx, job: &Job, until: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "UPDATE session_imports SET state = $2, total = $3, processed = $4, created = $5, updated = $6, skipped = $7, failed = $8,
             media_bytes = $9, last_error = $10, updated_at = $11, started_at = $12, completed_at = $13, leased_until = $14,
             tries = $15
         WHERE id = $1",
        &[
            job.id.0.into(),
            (&job.state).into(),
            job.total.into(),
            job.processed.into(),
            job.created.into(),
            job.updated.into(),
            job.skipped.into(),
            job.failed.into(),
            job.media_bytes.into(),
            job.last_error.as_ref().into(),
            job.updated_at.into(),
            job.started_at.into(),
            job.completed_at.into(),
            until.into(),
            job.tries.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A job of this application.
pub async fn find_job(tx: &mut Tx, application: ApplicationId, id: SessionImportId) -> Result<Option<Job>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM session_imports WHERE application_id = $1 AND id = $2");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// A job, locked.
pub async fn lock_job(tx: &mut Tx, id: SessionImportId) -> Result<Option<Job>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM session_imports WHERE id = $1{}", tx.for_update());
    tx.query_opt(&sql, &[id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Whether there is a job nobody works on.
pub async fn is_waiting(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM session_imports WHERE completed_at IS NULL AND leased_until <= $1 LIMIT 1";
    Ok(tx.query_opt(sql, &[now.into()]).await?.is_some())
}

/// Takes a job nobody works on; the one that has waited longest first.
pub async fn claim(tx: &mut Tx, now: Timestamp, until: Timestamp) -> Result<Option<Job>, StoreError> {
    let sql = format!(
        "UPDATE session_imports SET leased_until = $2 WHERE id IN (
             SELECT id FROM session_imports WHERE completed_at IS NULL AND leased_until <= $1 ORDER BY updated_at, id LIMIT 1{})
         RETURNING {COLUMNS}",
        tx.skip_locked()
    );
    tx.query_opt(&sql, &[now.into(), until.into()]).await?.as_ref().map(from_row).transpose()
}

/// Ends the lease of a job if another one waits, and puts it behind that.
pub async fn give_way(tx: &mut Tx, id: SessionImportId, now: Timestamp) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE session_imports SET leased_until = $2, updated_at = $2
             WHERE id = $1 AND completed_at IS NULL
                 AND EXISTS (SELECT 1 FROM session_imports o WHERE o.completed_at IS NULL AND o.leased_until <= $2 AND o.id <> $1)",
            &[id.0.into(), now.into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Frees every lease. Only the one process of a SQLite file does this, at its start: nobody else can hold one.
pub async fn free_leases(tx: &mut Tx) -> Result<(), StoreError> {
    tx.send("UPDATE session_imports SET leased_until = 0 WHERE completed_at IS NULL", &[]).await?;
    Ok(())
}

/// Writes the next part of a file.
pub async fn insert_part(tx: &mut Tx, id: SessionImportId, ordinal: u64, content: &[u8]) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO session_import_parts (import_id, ordinal, content) VALUES ($1, $2, $3)",
        &[id.0.into(), ordinal.into(), content.into()],
    )
    .await?;
    Ok(())
}

/// A part of a file; `None`: there are no more.
pub async fn find_part(tx: &mut Tx, id: SessionImportId, ordinal: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT content FROM session_import_parts WHERE import_id = $1 AND ordinal = $2";
    tx.query_opt(sql, &[id.0.into(), ordinal.into()]).await?.map(|row| row.get(0)).transpose()
}

/// Removes a file.
pub async fn remove_parts(tx: &mut Tx, id: SessionImportId) -> Result<(), StoreError> {
    tx.send("DELETE FROM session_import_parts WHERE import_id = $1", &[id.0.into()]).await?;
    Ok(())
}

/// A refused row.
#[derive(Debug, Clone)]
pub struct RowError {
    /// Its id.
    pub id: Uuid,
    /// Its place in the file, from 1.
    pub row_number: u64,
    /// What it is called elsewhere.
    pub external_id: Option<String>,
    /// Why it was refused.
    pub error: String,
    /// As sent, an object.
    pub raw_row: Box<RawValue>,
    /// When it was refused.
    pub created_at: Timestamp,
}

/// Writes a refused row.
pub async fn insert_error(tx: &mut Tx, import: SessionImportId, row: &RowError) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO session_import_errors (import_id, id, row_number, external_id, error, raw_row, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            import.0.into(),
            row.id.into(),
            row.row_number.into(),
            row.external_id.as_ref().into(),
            (&row.error).into(),
            row.raw_row.get().into(),
            row.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A page of a job's refused rows in their order, and how many there are.
pub async fn list_errors(
    tx: &mut Tx,
    import: SessionImportId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<RowError>, u64), StoreError> {
    let total = tx.query_opt("SELECT count(*) FROM session_import_errors WHERE import_id = $1", &[import.0.into()]).await?;
    let sql = "SELECT id, row_number, external_id, error, raw_row, created_at FROM session_import_errors
         WHERE import_id = $1 ORDER BY row_number LIMIT $2 OFFSET $3";
    let rows = tx.query(sql, &[import.0.into(), limit.into(), offset.into()]).await?;
    let read = |row: &Row| {
        let mut c = row.columns();
        Ok(RowError {
            id: c.take()?,
            row_number: c.take()?,
            external_id: c.take()?,
            error: c.take()?,
            raw_row: RawValue::from_string(c.take()?).map_err(|_| StoreError::unreadable("row of an import"))?,
            created_at: c.take()?,
        })
    };
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}
