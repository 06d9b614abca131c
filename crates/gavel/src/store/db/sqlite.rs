//! SQLite: one writer thread, a few reader threads, one thread that keeps the log short.
//!
//! **Group commit.** The writer takes the jobs that have arrived (at most [`BATCH`]), runs each in a savepoint, commits
//! once with `synchronous=FULL`, and only then answers every caller. A job that fails is rolled back to its savepoint
//! and leaves the others alone. An error of the engine (disk full, input or output) may roll back the whole
//! transaction; then every job of the batch is answered with "not available" and none of it is written.
//!
//! **The log.** SQLite's own automatic checkpoints run inside a commit and set its slowest cases, so they are off. The
//! keeper thread copies the log into the database from a second connection when it passes [`LOG_SOFT`]; when the writer
//! is too busy for that to finish and the log passes [`LOG_HARD`], the writer restarts the log itself between two
//! batches. Sizes are counted in pages of the log in use, not by the file, which stays as long as it once was.

use std::{
    cell::Cell,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use futures_util::FutureExt;
use rusqlite::{Connection, ErrorCode, OpenFlags, types::ToSqlOutput};
use tokio::sync::mpsc as queue;

use super::{Job, JobEnd, Row, StoreError, Tx, TxEngine, Value, WakeSet, Wakes, refuse};

/// Most jobs of one commit.
const BATCH: usize = 256;
/// Most jobs that may wait for the writer, and for the readers; more are refused as "not available".
const QUEUE: usize = 4_096;
/// Reader threads.
const READERS: usize = 4;
/// Pages of the log (4 KiB each) from which it is copied into the database in the background: 16 MiB.
const LOG_SOFT: u64 = (16 << 20) / 4_096;
/// Pages of the log at which the writer stops for a moment to restart it: 256 MiB.
const LOG_HARD: u64 = (256 << 20) / 4_096;
/// How long the writer waits for readers of the old log when it restarts it; then it tries again many pages later.
const RESTART: Duration = Duration::from_millis(500);
/// How long a statement waits for another process (a command beside the server) to release the file.
const BUSY: Duration = Duration::from_secs(5);

thread_local! {
    /// Pages in the log after this thread's last commit, as SQLite tells [`note_log`].
    static LOG: Cell<u64> = const { Cell::new(0) };
}

#[derive(Clone)]
pub(super) struct Handle {
    writes: queue::Sender<Order>,
    reads: queue::Sender<Job>,
}

enum Order {
    Run(Job),
    EmptyLog(tokio::sync::oneshot::Sender<bool>),
    Close(tokio::sync::oneshot::Sender<()>),
}

impl Handle {
    pub(super) fn open(path: &Path, wakes: Arc<Wakes>) -> Result<Self, StoreError> {
        let (writes, orders) = queue::channel(QUEUE);
        let (reads, jobs) = queue::channel(QUEUE);
        let (log_grew, keeper) = mpsc::sync_channel(1);

        let connection = connect(path)?;
        let copying = Arc::new(Mutex::new(()));
        let turn = copying.clone();
        let keeper = thread::Builder::new()
            .name("gavel-log".into())
            .spawn(move || {
                while keeper.recv().is_ok() {
                    let _copying = turn.lock();
                    if let Err(error) = checkpoint(&connection, "PASSIVE", BUSY) {
                        tracing::warn!(%error, "the log could not be copied into the database");
                    }
                }
            })
            .map_err(thread_error)?;

        let connection = connect(path)?;
        connection.wal_hook(Some(note_log));
        let writer = Writer { connection: Some(connection), orders, wakes, log_grew, keeper, copying, next_restart: LOG_HARD };
        thread::Builder::new().name("gavel-writer".into()).spawn(move || writer.run()).map_err(thread_error)?;

        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..READERS {
            let connection = connect_read_only(path)?;
            let jobs = jobs.clone();
            thread::Builder::new()
                .name(format!("gavel-reader-{n}"))
                .spawn(move || serve_reads(connection, &jobs))
                .map_err(thread_error)?;
        }
        Ok(Self { writes, reads })
    }

    pub(super) async fn write(&self, job: Job) {
        if let Err(full) = self.writes.try_send(Order::Run(job))
            && let Order::Run(job) = full.into_inner()
        {
            refuse(job, StoreError::Unavailable("too many writes are waiting".into())).await;
        }
    }

    pub(super) async fn read(&self, job: Job) {
        if let Err(full) = self.reads.try_send(job) {
            refuse(full.into_inner(), StoreError::Unavailable("too many reads are waiting".into())).await;
        }
    }

    pub(super) async fn empty_log(&self) -> Result<bool, StoreError> {
        let (done, emptied) = tokio::sync::oneshot::channel();
        let closed = || StoreError::Unavailable("the database is closed".into());
        self.writes.send(Order::EmptyLog(done)).await.map_err(|_| closed())?;
        emptied.await.map_err(|_| closed())
    }

    pub(super) async fn close(&self) {
        let (done, closed) = tokio::sync::oneshot::channel();
        if self.writes.send(Order::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

struct Writer {
    /// `None` only while a batch holds it inside its [`Tx`].
    connection: Option<Connection>,
    orders: queue::Receiver<Order>,
    wakes: Arc<Wakes>,
    log_grew: mpsc::SyncSender<()>,
    keeper: thread::JoinHandle<()>,
    /// Held by whoever copies the log: the writer waits for the keeper's copy, which it would have to make itself.
    copying: Arc<Mutex<()>>,
    /// Pages of the log at which it is restarted: more than [`LOG_HARD`] after an attempt that readers did not let through.
    next_restart: u64,
}

impl Writer {
    fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut closing = None;
        while closing.is_none() && self.orders.blocking_recv_many(&mut batch, BATCH) > 0 {
            let mut jobs = Vec::with_capacity(batch.len());
            let mut emptying = Vec::new();
            for order in batch.drain(..) {
                match order {
                    Order::Run(job) => jobs.push(job),
                    Order::EmptyLog(done) => emptying.push(done),
                    Order::Close(done) => closing = Some(done),
                }
            }
            if !jobs.is_empty() {
                self.commit(jobs);
                self.keep_log_short();
            }
            self.empty_log(emptying);
        }
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            if let Order::Run(job) = order {
                now(refuse(job, StoreError::Unavailable("the database is closed".into())));
            }
        }
        drop(self.log_grew);
        let _ = self.keeper.join();
        if let Some(connection) = self.connection.take() {
            // Beside a busy server this is not the last connection; that server looks after the log, and must not wait long.
            let _ = checkpoint(&connection, "TRUNCATE", RESTART);
        }
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Runs the jobs, commits once, answers all.
    fn commit(&mut self, jobs: Vec<Job>) {
        let Some(connection) = self.connection.take() else { return };
        if let Err(failed) = begin(&connection) {
            let text = error(failed).to_string();
            for job in jobs {
                now(refuse(job, StoreError::Unavailable(text.clone())));
            }
            self.connection = Some(connection);
            return;
        }
        let mut tx = Tx::new(TxEngine::Sqlite(connection));
        let mut batch = run_all(&mut tx, jobs);
        let TxEngine::Sqlite(connection) = tx.engine else { return };
        if batch.failure.is_none()
            && let Err(failed) = connection.execute_batch("COMMIT")
        {
            batch.failure = Some(error(failed).to_string());
        }
        if batch.failure.is_some() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.connection = Some(connection);
        match &batch.failure {
            None => self.wakes.fire(batch.wake),
            Some(reason) => tracing::error!(reason, jobs = batch.answers.len(), "a batch of writes was rolled back"),
        }
        for (answer, settled) in batch.answers {
            answer(batch.failure.clone().map_or(settled, |reason| Err(StoreError::Unavailable(reason))));
        }
    }

    /// Empties the log for those who ask, after everything they may have written.
    fn empty_log(&self, asked: Vec<tokio::sync::oneshot::Sender<bool>>) {
        let Some(connection) = self.connection.as_ref().filter(|_| !asked.is_empty()) else { return };
        let _copying = self.copying.lock();
        let empty = checkpoint(connection, "TRUNCATE", RESTART).unwrap_or(false);
        for done in asked {
            let _ = done.send(empty);
        }
    }

    fn keep_log_short(&mut self) {
        let pages = LOG.replace(0); // A commit that wrote nothing leaves it at zero.
        if pages > LOG_SOFT {
            let _ = self.log_grew.try_send(());
        }
        if pages > self.next_restart
            && let Some(connection) = &self.connection
        {
            let _copying = self.copying.lock();
            let restarted = checkpoint(connection, "TRUNCATE", RESTART);
            // Readers of an old snapshot hold it: every further wait is paid for by many more pages.
            self.next_restart = if matches!(restarted, Ok(true)) { LOG_HARD } else { pages + 4 * LOG_SOFT };
            if self.next_restart > LOG_HARD {
                tracing::warn!(pages, "the log could not be restarted: a long read holds it");
            }
        }
    }
}

/// BEGIN; should an earlier ROLLBACK have failed, that is made up for first.
fn begin(connection: &Connection) -> rusqlite::Result<()> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    connection.execute_batch("BEGIN IMMEDIATE")
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What came of the jobs of one transaction before its COMMIT.
#[derive(Default)]
struct Batch {
    /// A refusal is answered after the commit as well: it may rest on what a predecessor wrote.
    answers: Vec<(Answer, Result<(), StoreError>)>,
    wake: WakeSet,
    /// Why none of it can be committed.
    failure: Option<String>,
}

fn run_all(tx: &mut Tx, jobs: Vec<Job>) -> Batch {
    let mut batch = Batch::default();
    for job in jobs {
        if batch.failure.is_some() {
            now(refuse(job, StoreError::Unavailable("the transaction was rolled back".into())));
            continue;
        }
        (tx.wake, tx.failed) = (WakeSet::default(), false);
        let ended = savepoint(tx, job);
        if let Ok(Ended { answer, settled, kept }) = ended {
            if kept {
                batch.wake = batch.wake.or(tx.wake);
            }
            batch.answers.push((answer, settled));
        } else if let Err(Broken::Savepoint(reason, answer)) = ended {
            batch.answers.extend(answer.map(|answer| (answer, Ok(()))));
            batch.failure = Some(reason);
        }
        if let TxEngine::Sqlite(connection) = &tx.engine
            && connection.is_autocommit()
        {
            batch.failure = Some("the transaction was rolled back".to_owned());
        }
    }
    batch
}

/// A job that ran to its end, and whether what it wrote is part of the batch.
struct Ended {
    answer: Answer,
    settled: Result<(), StoreError>,
    kept: bool,
}

/// Why a job has no end of its own.
enum Broken {
    /// It panicked; its caller has been told by the closed channel.
    Job,
    /// Its savepoint could not be set, kept or rolled back: what the transaction holds now is not what was asked for.
    Savepoint(String, Option<Answer>),
}

/// Runs one job between SAVEPOINT and RELEASE or ROLLBACK TO.
fn savepoint(tx: &mut Tx, job: Job) -> Result<Ended, Broken> {
    let statement = |tx: &mut Tx, sql: &str| match &tx.engine {
        TxEngine::Sqlite(connection) => {
            connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map(drop).map_err(|e| error(e).to_string())
        }
        TxEngine::Postgres(_) => Err("a savepoint of SQLite on PostgreSQL".to_owned()),
    };
    if let Err(reason) = statement(tx, "SAVEPOINT job") {
        now(refuse(job, StoreError::Unavailable(reason.clone())));
        return Err(Broken::Savepoint(reason, None));
    }
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| now(job(Ok(&mut *tx)))));
    let kept = matches!(end, Ok(JobEnd { keep: true, .. })) && !tx.failed;
    let undone = if kept { Ok(()) } else { statement(tx, "ROLLBACK TO job") };
    match (end, undone.and_then(|()| statement(tx, "RELEASE job"))) {
        (Ok(end), Err(reason)) => Err(Broken::Savepoint(reason, Some(end.answer))),
        (Ok(end), Ok(())) => {
            let settled = if end.keep && !kept { Err(super::went_on()) } else { Ok(()) };
            Ok(Ended { answer: end.answer, settled, kept })
        }
        (Err(_), Err(reason)) => Err(Broken::Savepoint(reason, None)),
        (Err(_), Ok(())) => Err(Broken::Job),
    }
}

/// Runs a future of the store, which on SQLite never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap_or_else(|| panic!("a job on SQLite waited for something other than the database"))
}

fn serve_reads(connection: Connection, jobs: &Mutex<queue::Receiver<Job>>) {
    let mut tx = Tx::new(TxEngine::Sqlite(connection));
    loop {
        let job = match jobs.lock() {
            Ok(mut jobs) => jobs.blocking_recv(),
            Err(_) => None,
        };
        let Some(job) = job else { return };
        let begun = now(tx.batch("BEGIN"));
        let end = match begun {
            Ok(()) => std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| now(job(Ok(&mut tx))))),
            Err(failed) => Ok(now(job(Err(failed)))),
        };
        let _ = now(tx.batch("ROLLBACK"));
        if let Ok(end) = end {
            (end.answer)(Ok(()));
        }
    }
}

/// A connection that may write; migrations use one of their own.
pub(in crate::store) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(error)?;
    connection.busy_timeout(BUSY).map_err(error)?;
    connection
        .execute_batch(
            "PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;
             PRAGMA foreign_keys=ON; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY; PRAGMA recursive_triggers=ON;",
        )
        .map_err(error)?;
    connection.set_prepared_statement_cache_capacity(512);
    Ok(connection)
}

fn connect_read_only(path: &Path) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(error)?;
    connection.busy_timeout(BUSY).map_err(error)?;
    connection.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;").map_err(error)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Copies the log into the database; `true` when nothing kept it from doing all its mode says. Waits at most `wait` for
/// readers and for another writer.
fn checkpoint(connection: &Connection, mode: &str, wait: Duration) -> Result<bool, StoreError> {
    connection.busy_timeout(wait).map_err(error)?;
    let busy: Result<i64, _> = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(0));
    connection.busy_timeout(BUSY).map_err(error)?;
    busy.map(|busy| busy == 0).map_err(error)
}

fn note_log(_: &rusqlite::hooks::Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    LOG.set(u64::try_from(pages).unwrap_or_default());
    Ok(())
}

/// After an error of the engine the transaction may be gone; a statement run then would commit by itself.
fn must_be_open(connection: &Connection) -> Result<(), StoreError> {
    match connection.is_autocommit() {
        true => Err(StoreError::Unavailable("the transaction was rolled back".into())),
        false => Ok(()),
    }
}

pub(super) fn execute(connection: &mut Connection, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
    must_be_open(connection)?;
    let mut statement = connection.prepare_cached(&numbered(sql)).map_err(error)?;
    statement.execute(rusqlite::params_from_iter(params)).map(|rows| rows as u64).map_err(error)
}

pub(super) fn query(connection: &mut Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    must_be_open(connection)?;
    let mut statement = connection.prepare_cached(&numbered(sql)).map_err(error)?;
    let width = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(error)?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let mut values = Vec::with_capacity(width);
        for place in 0..width {
            values.push(match row.get_ref(place).map_err(error)? {
                rusqlite::types::ValueRef::Null => Value::Null,
                rusqlite::types::ValueRef::Integer(value) => Value::Int(value),
                rusqlite::types::ValueRef::Text(bytes) => {
                    Value::Text(String::from_utf8(bytes.to_vec()).map_err(|_| StoreError::unreadable("text"))?)
                }
                rusqlite::types::ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                rusqlite::types::ValueRef::Real(_) => return Err(StoreError::unreadable("number")),
            });
        }
        answer.push(Row::Sqlite(values));
    }
    Ok(answer)
}

/// `$1` is a *name* to SQLite, numbered by first appearance; `?1` is the number itself. No literal of ours holds a `$`.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(value) => ValueRef::Integer(i64::from(*value)),
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
            Self::Uuid(value) => ValueRef::Blob(value.as_bytes()),
        }))
    }
}

pub(super) fn error(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(
                code.code,
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::OutOfMemory
            ) =>
        {
            StoreError::Unavailable(code.to_string())
        }
        // Messages name tables and columns; the SQL text, which has only placeholders, stays out as well.
        rusqlite::Error::SqlInputError { msg, .. } => StoreError::Fault(msg.clone()),
        other => StoreError::Fault(other.to_string()),
    }
}

fn thread_error(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("a thread could not be started: {error}"))
}
