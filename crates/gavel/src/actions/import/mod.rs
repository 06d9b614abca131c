//! Files of entries into a list (`/x/`): any size, bounded memory, a verdict for every row.
//!
//! Rows are read as they arrive ([`rows`]) and applied a batch at a time ([`batch`]). A batch is one transaction, one
//! revision of the lists, and one step of the job's progress, so the job always says exactly what was applied, whatever
//! ends it: the file's end, its first refused row under `on_error=abort`, a client that goes away, a process that is
//! killed. Sending the same file again is safe: what is there already is a duplicate.

mod batch;
pub(in crate::actions) mod reading;
pub mod rows;

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::Stream;
use gavel_core::{
    guard::Sweep,
    ids::{ImportId, ListId},
    json::{FieldError, FieldErrors, Value},
    time::Timestamp,
};
use serde::Serialize;

use super::{Caller, Error, approval::Gate, entries::NewEntry};
use crate::{
    app::App,
    clock::new_id,
    store::{
        imports::{self, Import, Part},
        lists,
    },
};
use reading::Reading;
use rows::{Format, Shape};

/// Rows of one batch.
pub const BATCH: usize = 1_000;
/// Most rows of a dry run: it remembers the keys it has seen.
const DRY_RUN: u64 = 2_000_000;

/// Rows that are entries.
static ENTRIES: Shape<NewEntry> = Shape {
    columns: &["value", "display_label", "comment", "metadata", "expires_at", "reference_object_uuid", "reference_session_id"],
    needed: &["value"],
    no_columns: "The first row must name the columns, `value` among them.",
    read: read_entry,
};

fn read_entry(sent: &Value<'_>) -> Result<NewEntry, FieldErrors> {
    let new = NewEntry::read(sent)?;
    if new.reference_session.is_some() {
        let text = "Entries of a file are not made from sessions.";
        return Err(FieldErrors::default().with("reference_session_id", FieldError::text(text)));
    }
    if new.value.is_none() {
        return Err(FieldErrors::default().with("value", FieldError::required()));
    }
    Ok(new)
}

/// How to import.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// How the file is written.
    pub format: Format,
    /// Add nothing, only say what would become of every row.
    pub dry_run: bool,
    /// End at the first refused row, without its batch.
    pub abort: bool,
    /// What is asked to become of past sessions that have shown what comes.
    pub sweep: Option<Sweep>,
}

/// A job as answered.
#[derive(Debug, Serialize)]
pub struct ImportView {
    uuid: ImportId,
    list_uuid: ListId,
    format: String,
    dry_run: bool,
    on_error: String,
    status: String,
    rows: u64,
    added: u64,
    duplicates: u64,
    refused: u64,
    message: Option<String>,
    made_by: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl ImportView {
    fn of(job: Import, now: Timestamp) -> Self {
        let lost = job.state == RUNNING && job.updated_at.plus_seconds(imports::LOST) < now;
        Self {
            uuid: job.id,
            list_uuid: job.list,
            format: job.format,
            dry_run: job.dry_run,
            on_error: job.on_error,
            status: if lost { INTERRUPTED.to_owned() } else { job.state },
            rows: job.rows,
            added: job.added,
            duplicates: job.duplicates,
            refused: job.refused,
            message: (!job.message.is_empty()).then_some(job.message),
            made_by: job.made_by,
            created_at: job.created_at,
            updated_at: job.updated_at,
            finished_at: job.finished_at,
        }
    }

    /// The job.
    pub fn id(&self) -> ImportId {
        self.uuid
    }

    /// Rows by what became of them: added, duplicates, refused.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.added, self.duplicates, self.refused)
    }

    /// How it stands, and why it ended early.
    pub fn outcome(&self) -> (&str, Option<&str>) {
        (&self.status, self.message.as_deref())
    }
}

const RUNNING: &str = "running";
const COMPLETED: &str = "completed";
const ABORTED: &str = "aborted";
const INTERRUPTED: &str = "interrupted";

/// What a run of an import carries from batch to batch.
struct Run {
    app: App,
    caller: Caller,
    how: How,
    job: Import,
    batches: u64,
    /// Of a dry run: the keys seen, by the row that brought them.
    seen: HashMap<u64, u64>,
}

/// Takes a file into a list. Answers when the file has been taken; `progress` is told the rows so far.
pub async fn import<S, E>(
    app: &App,
    caller: &Caller,
    list: ListId,
    how: How,
    file: S,
    progress: impl Fn(u64),
) -> Result<ImportView, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                if how.dry_run { Ok(()) } else { Gate::of(tx, application, list).await.map(drop) }
            })
        })
        .await?;
    let broken = |rows::Broken(text)| Error::Invalid(FieldErrors::one("file", text));
    let mut file = Reading::of(file, how.format, &ENTRIES, BATCH);
    let mut first = file.next_batch().await.map_err(broken)?; // A file that is none of its format leaves nothing behind.
    let mut run = Run::start(app, caller, list, how).await?;
    while !first.is_empty() && run.job.state == RUNNING {
        run.apply(std::mem::take(&mut first)).await?;
        progress(run.job.rows);
        if run.job.state == RUNNING {
            first = match file.next_batch().await {
                Ok(rows) => rows,
                Err(error) => {
                    run.job.message = broken(error).to_string();
                    file.cut = true;
                    Vec::new()
                }
            };
        }
    }
    if file.cut && run.job.state == RUNNING {
        run.job.state = INTERRUPTED.to_owned();
        if run.job.message.is_empty() {
            run.job.message = format!("The file ended early. {} rows have their verdict; send it again to go on.", run.job.rows);
        }
    }
    run.end().await
}

impl Run {
    async fn start(app: &App, caller: &Caller, list: ListId, how: How) -> Result<Self, Error> {
        let now = app.clock.now();
        let job = Import {
            id: new_id(),
            list,
            format: how.format.as_str().to_owned(),
            dry_run: how.dry_run,
            on_error: if how.abort { "abort" } else { "skip" }.to_owned(),
            state: RUNNING.to_owned(),
            rows: 0,
            added: 0,
            duplicates: 0,
            refused: 0,
            message: String::new(),
            made_by: caller.actor.added_by().to_owned(),
            created_at: now,
            updated_at: now,
            finished_at: None,
        };
        let (caller_, row) = (caller.clone(), job.clone());
        app.store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    lists::find_list(tx, caller_.application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                    imports::insert_import(tx, caller_.application, &row).await?;
                    caller_.audit(tx, "import.started", &[("list", list.0), ("import", row.id.0)], now).await?;
                    Ok(())
                })
            })
            .await?;
        Ok(Self { app: app.clone(), caller: caller.clone(), how, job, batches: 0, seen: HashMap::new() })
    }

    /// Writes how the job ended, and under an `Idempotency-Key` the answer.
    async fn end(mut self) -> Result<ImportView, Error> {
        let now = self.app.clock.now();
        if self.job.state == RUNNING {
            self.job.state = COMPLETED.to_owned();
        }
        (self.job.updated_at, self.job.finished_at) = (now, Some(now));
        let (job, caller) = (self.job, self.caller.clone());
        self.app
            .act(&self.caller, move |tx| {
                Box::pin(async move {
                    imports::set_progress(tx, &job).await?;
                    caller.audit(tx, "import.ended", &[("list", job.list.0), ("import", job.id.0)], now).await?;
                    Ok(ImportView::of(job, now))
                })
            })
            .await
    }
}

/// A page of a list's jobs, newest first.
pub async fn list(app: &App, caller: &Caller, list: ListId, window: (u64, u64)) -> Result<(Vec<ImportView>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                let (rows, total) = imports::list_imports(tx, list, window).await?;
                Ok((rows.into_iter().map(|job| ImportView::of(job, now)).collect(), total))
            })
        })
        .await
}

/// One job.
pub async fn show(app: &App, caller: &Caller, list: ListId, id: ImportId) -> Result<ImportView, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                let job = imports::find_import(tx, list, id).await?.ok_or(Error::NOT_FOUND)?;
                Ok(ImportView::of(job, now))
            })
        })
        .await
}

/// The next lines of a job's verdicts or rejects from a batch on, and where the ones after them begin.
pub async fn lines(app: &App, import: ImportId, from: u64, part: Part) -> Result<Option<(u64, String)>, Error> {
    let read =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(imports::find_batch(tx, import, from, part).await?) }));
    Ok(read.await?.map(|(ordinal, text)| (ordinal + 1, text)))
}
