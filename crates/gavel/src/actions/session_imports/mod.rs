//! Files of other systems: sessions of people and companies, status rules, transactions (contract, sessions §16).
//!
//! A call stores the file and a job beside it ([`create`]); a worker does the job ([`run()`]), a batch of rows at a time, each
//! one transaction that also moves the job on. So a job that loses its process goes on where it was, and no row counts
//! twice. A row is known by its id elsewhere (`external_id`): sent again with other values it changes what is there, with the
//! same values it is passed over. Rows that cannot be taken are kept with their reason. The file goes when the job ends.
//!
//! The cast: [`body`] is what is sent, [`rows`] what a row of each type says, [`sessions`], [`rules`] and [`transactions`] what
//! becomes of it. Nothing of an import is screened, and nobody is told.

mod body;
mod file;
mod rows;
mod rules;
mod run;
mod sessions;
mod transactions;

use gavel_core::{
    ids::SessionImportId,
    json::FieldErrors,
    session::{Environment, SessionKind},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Caller, Error, import::rows::Format, steps::kind_of};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications,
        session_imports::{self, Job, RowError},
        workflows,
    },
};
pub use body::{NewImport, Upload};
pub use file::LARGEST;
pub use rows::ImportType;
pub use run::{LEASE, run};

const PENDING: &str = "PENDING";
const PROCESSING: &str = "PROCESSING";
const COMPLETED: &str = "COMPLETED";
const FAILED: &str = "FAILED";

/// Bytes of a file in one row.
const PART: usize = 256 << 10;

/// A job as answered.
#[derive(Debug, Serialize)]
pub struct JobView {
    uuid: SessionImportId,
    status: String,
    import_type: String,
    source_format: String,
    source_filename: String,
    total_rows: u64,
    processed_rows: u64,
    /// The last row that will not be looked at again: the same, since rows are done in their order.
    checkpoint_row: u64,
    created_count: u64,
    updated_count: u64,
    skipped_count: u64,
    failed_count: u64,
    total_media_bytes: u64,
    last_error: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            uuid: job.id,
            status: job.state,
            import_type: job.import_type,
            source_format: job.format,
            source_filename: job.filename,
            total_rows: job.total,
            processed_rows: job.processed,
            checkpoint_row: job.processed,
            created_count: job.created,
            updated_count: job.updated,
            skipped_count: job.skipped,
            failed_count: job.failed,
            total_media_bytes: job.media_bytes,
            last_error: job.last_error,
            created_at: job.created_at,
            updated_at: job.updated_at,
            started_at: job.started_at,
            completed_at: job.completed_at,
        }
    }
}

/// A refused row as answered.
#[derive(Debug, Serialize)]
pub struct RowErrorView {
    uuid: Uuid,
    row_number: u64,
    external_id: Option<String>,
    error: String,
    raw_row: Box<RawValue>,
    created_at: Timestamp,
}

impl From<RowError> for RowErrorView {
    fn from(row: RowError) -> Self {
        Self {
            uuid: row.id,
            row_number: row.row_number,
            external_id: row.external_id,
            error: row.error,
            raw_row: row.raw_row,
            created_at: row.created_at,
        }
    }
}

/// Takes a file. What becomes of it is the job's to say.
pub async fn create(app: &App, caller: &Caller, body: Result<NewImport, FieldErrors>) -> Result<JobView, Error> {
    let new = body?;
    if !app.config.imports {
        return Err(Error::NotAllowed("Verification imports are not enabled for this organization."));
    }
    let (caller_, import_type, workflow) = (caller.clone(), new.import_type, new.workflow);
    app.store
        .read::<_, Error, _>(move |tx| Box::pin(async move { must_be_welcome(tx, &caller_, import_type, workflow).await }))
        .await?;
    let (format, file) = file::settle(app, new.source, new.format).await?;
    let now = app.clock.now();
    let job = Job {
        id: new_id(),
        application: caller.application,
        import_type: import_type.as_str().to_owned(),
        workflow,
        format: format.as_str().to_owned(),
        filename: file.name,
        state: PENDING.to_owned(),
        total: 0,
        processed: 0,
        created: 0,
        updated: 0,
        skipped: 0,
        failed: 0,
        media_bytes: 0,
        tries: 0,
        last_error: None,
        created_at: now,
        updated_at: now,
        started_at: None,
        completed_at: None,
    };
    let (caller_, content) = (caller.clone(), file.content);
    app.act(caller, move |tx| {
        Box::pin(async move {
            if !session_imports::insert_job(tx, &job).await? {
                return Err(BUSY);
            }
            for (ordinal, part) in (0..).zip(content.chunks(PART)) {
                session_imports::insert_part(tx, job.id, ordinal, part).await?;
            }
            caller_.audit(tx, "session_import.created", &[("import", job.id.0)], now).await?;
            Ok(JobView::from(job))
        })
    })
    .await
}

const BUSY: Error =
    Error::Busy("This application already has an active import job. Wait for it to finish before starting another.");

/// Whether the application takes files, knows the workflow, and has no other file at hand.
async fn must_be_welcome(tx: &mut Tx, caller: &Caller, import_type: ImportType, workflow: Option<Uuid>) -> Result<(), Error> {
    let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
    if application.environment == Environment::Sandbox {
        return Err(Error::NotAllowed("Verification imports are not enabled for sandbox applications."));
    }
    if let Some(id) = workflow {
        let found = workflows::find_for_session(tx, caller.application, id).await?;
        let kind = found.as_ref().map(kind_of).transpose()?;
        let fits = match import_type {
            ImportType::Users => kind == Some(SessionKind::User),
            ImportType::Businesses => kind == Some(SessionKind::Business),
            ImportType::StatusRules | ImportType::Transactions => kind.is_some(),
        };
        if !fits {
            return Err(Error::field("workflow_id", "Invalid workflow_id."));
        }
    }
    if session_imports::is_active(tx, caller.application).await? { Err(BUSY) } else { Ok(()) }
}

/// One job.
pub async fn show(app: &App, caller: &Caller, id: SessionImportId) -> Result<JobView, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let job = session_imports::find_job(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                Ok(JobView::from(job))
            })
        })
        .await
}

/// A page of a job's refused rows, and how many there are.
pub async fn errors(
    app: &App,
    caller: &Caller,
    id: SessionImportId,
    window: (u64, u64),
) -> Result<(Vec<RowErrorView>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                session_imports::find_job(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                let (rows, total) = session_imports::list_errors(tx, id, window).await?;
                Ok((rows.into_iter().map(RowErrorView::from).collect(), total))
            })
        })
        .await
}

/// The first line of a CSV file of this type.
pub fn template(import_type: ImportType) -> String {
    import_type.columns().join(",") + "\n"
}

fn format_of(job: &Job) -> Result<Format, Error> {
    Format::from_name(&job.format).ok_or_else(|| Error::fault("an import of an unknown format"))
}
