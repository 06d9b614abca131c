//! Doing an import: its rows are counted, then taken a batch at a time, each batch in a transaction that moves the job on.
//!
//! Whoever holds the job's lease works; a batch is only applied when the job stands where it was left, so that two workers
//! never take the same rows. Pictures are fetched between transactions; those of a batch that is not applied are deleted.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::BoxFuture, stream};
use gavel_core::{
    evidence::MediaRef,
    ids::{MediaId, SessionImportId},
    time::Timestamp,
};
use serde_json::{Value as Json, json, value::RawValue};

use super::{
    COMPLETED, FAILED, ImportType, PROCESSING, format_of,
    rows::{Imported, What, told},
    rules, sessions, transactions,
};
use crate::{
    actions::{
        Caller, Error, discard_if_refused,
        import::{reading::Reading, rows::Row},
        media,
    },
    app::App,
    clock::new_id,
    secrets::digest,
    store::{
        Tx,
        db::without_null,
        imported,
        media::Media,
        session_imports::{self, Job, RowError},
    },
};

/// Seconds a process has for a batch before another one goes on.
pub const LEASE: i64 = 15;
/// Rows of one transaction.
const BATCH: usize = 200;
/// Transactions after which a job lets others go first.
const TURN: u64 = 10;
/// Most refused rows that are kept of a job; more are only counted.
const KEPT: u64 = 100_000;
/// How often a fault may stop a job at one place before it ends: a row that cannot be taken must not keep out all later files.
const TRIES: u64 = 5;
/// Pictures of one batch, fetched at the same time: each may take ten seconds.
const PICTURES: usize = 8;

/// A row that is taken.
pub(super) struct Good {
    pub(super) number: u64,
    /// Digest of its id elsewhere.
    pub(super) key: [u8; 32],
    pub(super) row: Imported,
    pub(super) raw: Json,
    /// Pictures that are stored for it.
    pub(super) files: Vec<Media>,
}

/// A row that is not, and why.
pub(super) struct Bad {
    pub(super) number: u64,
    pub(super) external_id: Option<String>,
    pub(super) error: String,
    pub(super) raw: Json,
}

impl Good {
    pub(super) fn refused(self, error: impl Into<String>) -> Bad {
        Bad { number: self.number, external_id: Some(self.row.external_id), error: error.into(), raw: self.raw }
    }
}

/// What became of the rows of a batch.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) skipped: u64,
    pub(super) refused: Vec<Bad>,
    /// Files nothing shows any more.
    pub(super) gone: Vec<MediaId>,
}

/// Does what is left of a job. Ends early when another process has taken over, and when the job lets others go first.
pub async fn run(app: &App, job: Job) -> Result<(), Error> {
    let id = job.id;
    let done = go_on(app, job).await;
    if matches!(done, Err(Error::Fault(_))) {
        note_fault(app, id).await?;
    }
    done
}

async fn go_on(app: &App, mut job: Job) -> Result<(), Error> {
    let import_type = ImportType::from_name(&job.import_type).ok_or_else(|| Error::fault("an import of an unknown type"))?;
    if job.started_at.is_none() {
        let counted = count(app, &job, import_type).await?;
        let Some(next) = start(app, &job, counted).await? else { return Ok(()) };
        job = next;
    }
    let mut file = Reading::of(parts(app, job.id), format_of(&job)?, import_type.shape(), BATCH);
    let mut taken = 0;
    while job.completed_at.is_none() {
        // The rows were counted, so the file can be read.
        let rows = file.next_batch().await.map_err(|broken| Error::fault(broken.0))?;
        if file.cut {
            return Err(Error::Unavailable("the file of an import could not be read to its end".into()));
        }
        let done = match rows.is_empty() {
            true => end(app, &job).await?,
            false => {
                let left = rows.into_iter().filter(|row| row.number > job.processed).collect();
                apply_some(app, &job, import_type, left, &mut taken).await?
            }
        };
        match done {
            Some(next) => job = next,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The file as it was stored.
fn parts(app: &App, id: SessionImportId) -> impl Stream<Item = Result<Bytes, Error>> + Unpin + use<> {
    let app = app.clone();
    Box::pin(stream::try_unfold(0, move |ordinal| {
        let app = app.clone();
        async move {
            let read = app
                .store
                .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(session_imports::find_part(tx, id, ordinal).await?) }));
            Ok(read.await?.map(|content| (Bytes::from(content), ordinal + 1)))
        }
    }))
}

/// How many rows the file has, or why it is none.
async fn count(app: &App, job: &Job, import_type: ImportType) -> Result<Result<u64, &'static str>, Error> {
    let mut file = Reading::of(parts(app, job.id), format_of(job)?, import_type.shape(), BATCH);
    let mut total = 0;
    loop {
        match file.next_batch().await {
            Err(broken) => return Ok(Err(broken.0)),
            Ok(_) if file.cut => return Err(Error::Unavailable("the file of an import could not be read to its end".into())),
            Ok(rows) if rows.is_empty() => return Ok(Ok(total)),
            Ok(rows) => total += rows.len() as u64,
        }
    }
}

/// A step: a transaction that finds the job where it was left, does something, and writes where it stands then. `None`:
/// another process has gone on.
async fn step<T, F>(app: &App, left: &Job, work: F) -> Result<Option<(Job, T)>, Error>
where
    F: for<'t> FnOnce(&'t mut Tx, &'t mut Job) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
    T: Send + 'static,
{
    let (left, now) = (left.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(mut job) = session_imports::lock_job(tx, left.id).await? else { return Ok(None) };
                if (job.processed, job.started_at, job.completed_at) != (left.processed, left.started_at, left.completed_at) {
                    return Ok(None);
                }
                let done = work(tx, &mut job).await?;
                job.tries = 0;
                keep(tx, &mut job, now).await?;
                Ok(Some((job, done)))
            })
        })
        .await
}

/// Writes where a job stands; when that is its end, its file goes.
async fn keep(tx: &mut Tx, job: &mut Job, now: Timestamp) -> Result<(), Error> {
    job.updated_at = now;
    if job.completed_at.is_some() {
        session_imports::remove_parts(tx, job.id).await?;
        worker(job).audit(tx, "session_import.ended", &[("import", job.id.0)], now).await?;
    }
    Ok(session_imports::set_progress(tx, job, now.plus_seconds(LEASE)).await?)
}

/// A fault of ours is met again when the lease has ended; one that stays ends the job.
async fn note_fault(app: &App, id: SessionImportId) -> Result<(), Error> {
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(mut job) = session_imports::lock_job(tx, id).await?.filter(|job| job.completed_at.is_none()) else {
                    return Ok(());
                };
                job.tries += 1;
                if job.tries >= TRIES {
                    fail(&mut job, "The server failed at the same place again and again; its log says why.", now);
                }
                keep(tx, &mut job, now).await
            })
        })
        .await
}

pub(super) fn worker(job: &Job) -> Caller {
    Caller::system(job.application, "WORKER", "")
}

async fn start(app: &App, job: &Job, counted: Result<u64, &'static str>) -> Result<Option<Job>, Error> {
    let now = app.clock.now();
    let started = step(app, job, move |_, job| {
        Box::pin(async move {
            job.started_at = Some(now);
            match counted {
                Ok(total) => (job.state, job.total) = (PROCESSING.to_owned(), total),
                Err(text) => fail(job, text, now),
            }
            Ok(())
        })
    });
    Ok(started.await?.map(|(job, ())| job))
}

fn fail(job: &mut Job, text: &str, now: Timestamp) {
    job.state = FAILED.to_owned();
    job.last_error = Some(text.to_owned());
    job.completed_at = Some(now);
}

async fn end(app: &App, job: &Job) -> Result<Option<Job>, Error> {
    let now = app.clock.now();
    let ended = step(app, job, move |_, job| {
        Box::pin(async move {
            job.state = COMPLETED.to_owned();
            job.completed_at = Some(now);
            Ok(())
        })
    });
    Ok(ended.await?.map(|(job, ())| job))
}

/// Applies the rows of a batch, in parts when many come with pictures. `None`: it is not ours to go on.
async fn apply_some(
    app: &App,
    job: &Job,
    import_type: ImportType,
    rows: Vec<Row<Imported>>,
    taken: &mut u64,
) -> Result<Option<Job>, Error> {
    let mut job = job.clone();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() && job.completed_at.is_none() {
        let (mut part, mut pictures) = (Vec::new(), 0);
        while let Some(row) = rows.next_if(|_| pictures < PICTURES) {
            pictures += row.read.as_ref().map_or(0, links);
            part.push(row);
        }
        match apply(app, &job, import_type, part).await? {
            Some(next) => job = next,
            None => return Ok(None),
        }
        *taken += 1;
        if taken.is_multiple_of(TURN) && gives_way(app, &job).await? {
            return Ok(None);
        }
    }
    Ok(Some(job))
}

/// Applications take turns: when another job waits, this one stands behind it.
async fn gives_way(app: &App, job: &Job) -> Result<bool, Error> {
    let (id, now) = (job.id, app.clock.now());
    app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(session_imports::give_way(tx, id, now).await?) })).await
}

fn links(row: &Imported) -> usize {
    match &row.what {
        What::Session(session) => session.items.iter().map(|item| item.media.len()).sum(),
        What::Rule(_) | What::Transaction(_) => 0,
    }
}

/// Fetches what must be fetched, then applies the rows in one transaction.
async fn apply(app: &App, job: &Job, import_type: ImportType, rows: Vec<Row<Imported>>) -> Result<Option<Job>, Error> {
    let count = rows.len() as u64;
    let (mut good, mut bad) = judge(rows);
    fetch_pictures(app, job, &mut good, &mut bad).await?;
    let fetched: Vec<MediaId> = good.iter().flat_map(|good| &good.files).map(|file| file.id).collect();
    let index = app.live.snapshot(job.application).await?;
    let now = app.clock.now();
    let done = step(app, job, move |tx, job| {
        Box::pin(async move {
            let media_bytes: u64 = good.iter().flat_map(|good| &good.files).map(|file| file.size).sum();
            let applied = match import_type {
                ImportType::Users | ImportType::Businesses => sessions::apply(tx, job, good, now).await?,
                ImportType::StatusRules => rules::apply(tx, job, good, now).await?,
                ImportType::Transactions => transactions::apply(tx, job, good, &index, now).await?,
            };
            let Some(mut outcome) = applied else {
                fail(job, "The workflow was deleted.", now);
                return Ok(None);
            };
            outcome.refused.extend(bad);
            job.processed += count;
            job.created += outcome.created;
            job.updated += outcome.updated;
            job.skipped += outcome.skipped;
            let kept = KEPT.saturating_sub(job.failed);
            job.failed += outcome.refused.len() as u64;
            job.media_bytes += media_bytes;
            for (bad, _) in outcome.refused.into_iter().zip(0..kept) {
                session_imports::insert_error(tx, job.id, &error_of(bad, now)?).await?;
            }
            Ok(Some(outcome.gone))
        })
    })
    .await;
    match done {
        Ok(Some((job, Some(gone)))) => {
            app.media.remove(&gone).await;
            Ok(Some(job))
        }
        // Nothing was written that shows what was fetched.
        Ok(Some((job, None))) => {
            app.media.remove(&fetched).await;
            Ok(Some(job))
        }
        Ok(None) => {
            app.media.remove(&fetched).await;
            Ok(None)
        }
        Err(error) => {
            let refused = Err::<(), _>(error);
            discard_if_refused(app, &refused, &fetched).await;
            refused.map(|()| None)
        }
    }
}

fn judge(rows: Vec<Row<Imported>>) -> (Vec<Good>, Vec<Bad>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for Row { number, read, raw } in rows {
        let raw = object_of(raw);
        match read {
            Ok(row) => {
                let key = digest(row.external_id.as_bytes());
                good.push(Good { number, key, row, raw, files: Vec::new() });
            }
            Err(errors) => {
                let id = ["external_id", "transaction_id"].iter().find_map(|name| raw.get(name));
                let external_id = id.and_then(Json::as_str).map(|id| id.trim().chars().take(255).collect());
                bad.push(Bad { number, external_id, error: told(&errors), raw });
            }
        }
    }
    (good, bad)
}

/// A row as it was sent, as an object.
fn object_of(raw: Json) -> Json {
    match raw {
        Json::Object(cells) => Json::Object(cells),
        Json::String(line) => match serde_json::from_str(&line) {
            Ok(object @ Json::Object(_)) => object,
            _ => json!({ "_line": line }),
        },
        _ => json!({}), // Too long.
    }
}

fn error_of(bad: Bad, now: Timestamp) -> Result<RowError, Error> {
    Ok(RowError {
        id: new_id(),
        row_number: bad.number,
        external_id: bad.external_id.filter(|id| !id.is_empty()).map(|id| without_null(&id)),
        error: without_null(&bad.error),
        // Escaped: U+0000 may stand in it.
        raw_row: RawValue::from_string(bad.raw.to_string()).map_err(Error::fault)?,
        created_at: now,
    })
}

/// Stores the pictures of rows that say something new. A row whose picture cannot be had is refused.
async fn fetch_pictures(app: &App, job: &Job, good: &mut Vec<Good>, bad: &mut Vec<Bad>) -> Result<(), Error> {
    let with_pictures: Vec<[u8; 32]> = good.iter().filter(|good| links(&good.row) > 0).map(|good| good.key).collect();
    if with_pictures.is_empty() {
        return Ok(());
    }
    let application = job.application;
    let known = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(imported::find_known(tx, application, sessions::KIND, &with_pictures).await?) })
        })
        .await?;
    let is_new = |good: &Good| known.get(&good.key).is_none_or(|known| known.content != good.row.content);
    let fetches = std::mem::take(good).into_iter().map(|mut row| {
        let (app, fetches) = (app.clone(), is_new(&row));
        async move {
            let refused = if fetches { fetch(&app, &mut row).await? } else { None };
            Ok::<_, Error>((row, refused))
        }
    });
    let mut fetches = stream::iter(fetches.collect::<Vec<_>>()).buffered(PICTURES);
    while let Some(fetched) = fetches.next().await {
        match fetched? {
            (row, None) => good.push(row),
            (row, Some(text)) => bad.push(row.refused(format!("portrait_image_url: {text}"))),
        }
    }
    Ok(())
}

/// Answers why it could not be done.
async fn fetch(app: &App, good: &mut Good) -> Result<Option<String>, Error> {
    let What::Session(session) = &mut good.row.what else { return Ok(None) };
    for item in &mut session.items {
        for field in std::mem::take(&mut item.media) {
            let MediaRef::Link(url) = &field.sent else { continue };
            match media::fetch(app, url.as_str()).await.map_err(|error| error.at(String::new())) {
                Ok(stored) => {
                    item.set_media(&field.pointer, stored.id);
                    good.files.push(stored);
                }
                Err(Error::Invalid(errors)) => return Ok(Some(told(&errors))),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(None)
}
