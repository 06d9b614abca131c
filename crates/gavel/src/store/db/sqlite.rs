//! SQLite: one writer thread, a few reader threads, one thread that keeps the log short.
//!
//! **Group commit.** The writer takes the jobs that have arrived (at most [`BATCH`]), runs each in a savepoint, commits
//! once with `synchronous=FULL`, and only then answers every caller. A job that fails is rolled back to its savepoint
//! and leaves the others alone. An error of the engine (disk full, input or output) may roll back the whole
//! transaction; then every job of the batch is answered with "not available" and none of it is written.
//!
//! **The log.** SQLite's own automatic checkpoints run inside a commit and set its slowest cases, so they are off. The
//! keeper thread copies the log into the database from a second connection when it passes [`LOG_SOFT`]; when readers
//! keep it from finishing and the log passes [`LOG_HARD`], the writer restarts the log itself between two batches.

use std::{
    path::{Path, PathBuf},
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
/// Log size in bytes from which it is copied into the database in the background.
const LOG_SOFT: u64 = 16 << 20;
/// Log size in bytes at which the writer stops for a moment to restart it.
const LOG_HARD: u64 = 256 << 20;
/// How long a statement waits for another process (a command beside the server) to release the file.
const BUSY: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Handle {
    writes: queue::Sender<Order>,
    reads: queue::Sender<Job>,
}

enum Order {
    Run(Job),
    Close(tokio::sync::oneshot::Sender<()>),
}

impl Handle {
    pub(super) fn open(path: &Path, wakes: Arc<Wakes>) -> Result<Self, StoreError> {
        let (writes, orders) = queue::channel(QUEUE);
        let (reads, jobs) = queue::channel(QUEUE);
        let (log_grew, keeper) = mpsc::sync_channel(1);
        let log = wal_path(path);

        let connection = connect(path)?;
        thread::Builder::new()
            .name("gavel-writer".into())
            .spawn(move || Writer { connection: Some(connection), orders, wakes, log, log_grew }.run())
            .map_err(thread_error)?;

        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..READERS {
            let connection = connect_read_only(path)?;
            let jobs = jobs.clone();
            thread::Builder::new()
                .name(format!("gavel-reader-{n}"))
                .spawn(move || serve_reads(connection, &jobs))
                .map_err(thread_error)?;
        }

        let connection = connect(path)?;
        thread::Builder::new()
            .name("gavel-log".into())
            .spawn(move || {
                while keeper.recv().is_ok() {
                    if let Err(error) = checkpoint(&connection, "PASSIVE") {
                        tracing::warn!(%error, "the log could not be copied into the database");
                    }
                }
            })
            .map_err(thread_error)?;
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
    log: PathBuf,
    log_grew: mpsc::SyncSender<()>,
}

impl Writer {
    fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut closing = None;
        while closing.is_none() && self.orders.blocking_recv_many(&mut batch, BATCH) > 0 {
            let mut jobs = Vec::with_capacity(batch.len());
            for order in batch.drain(..) {
                match order {
                    Order::Run(job) => jobs.push(job),
                    Order::Close(done) => closing = Some(done),
                }
            }
            if !jobs.is_empty() {
                self.commit(jobs);
                self.keep_log_short();
            }
        }
        if let Some(connection) = &self.connection {
            let _ = checkpoint(connection, "TRUNCATE");
        }
        drop(self.connection.take());
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Runs the jobs, commits once, answers all.
    fn commit(&mut self, jobs: Vec<Job>) {
        let Some(connection) = self.connection.take() else { return };
        if let Err(failed) = connection.execute_batch("BEGIN IMMEDIATE") {
            let text = error(failed).to_string();
            for job in jobs {
                now(refuse(job, StoreError::Unavailable(text.clone())));
            }
            self.connection = Some(connection);
            return;
        }
        let mut tx = Tx { engine: TxEngine::Sqlite(connection), wake: WakeSet::default() };
        let mut wake = WakeSet::default();
        let mut answers = Vec::with_capacity(jobs.len());
        let mut failure = None;
        for job in jobs {
            if failure.is_some() {
                now(refuse(job, StoreError::Unavailable("the transaction was rolled back".into())));
                continue;
            }
            tx.wake = WakeSet::default();
            match savepoint(&mut tx, job) {
                Ok((answer, keep)) => {
                    if keep {
                        wake = WakeSet { deliveries: wake.deliveries | tx.wake.deliveries, lists: wake.lists | tx.wake.lists };
                    }
                    answers.push(answer); // A refusal waits too: it may rest on what a predecessor wrote.
                }
                Err(JobLost) => {}
            }
            if let TxEngine::Sqlite(connection) = &tx.engine
                && connection.is_autocommit()
            {
                failure = Some("the transaction was rolled back".to_owned());
            }
        }
        let TxEngine::Sqlite(connection) = tx.engine else { return };
        if failure.is_none()
            && let Err(failed) = connection.execute_batch("COMMIT")
        {
            failure = Some(error(failed).to_string());
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.connection = Some(connection);
        if failure.is_none() {
            self.wakes.fire(wake);
        } else {
            tracing::error!(jobs = answers.len(), "a batch of writes was rolled back");
        }
        for answer in answers {
            answer(failure.clone().map_or(Ok(()), |text| Err(StoreError::Unavailable(text))));
        }
    }

    fn keep_log_short(&self) {
        let size = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if size > LOG_SOFT {
            let _ = self.log_grew.try_send(());
        }
        if size > LOG_HARD
            && let Some(connection) = &self.connection
            && let Err(error) = checkpoint(connection, "TRUNCATE")
        {
            tracing::warn!(%error, size, "the log could not be restarted");
        }
    }
}

/// The job panicked; its caller has been told by the closed channel.
struct JobLost;

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Runs one job between SAVEPOINT and RELEASE or ROLLBACK TO.
fn savepoint(tx: &mut Tx, job: Job) -> Result<(Answer, bool), JobLost> {
    let statement = |tx: &mut Tx, sql: &str| match &tx.engine {
        TxEngine::Sqlite(connection) => connection.prepare_cached(sql).and_then(|mut s| s.execute([])).is_ok(),
        TxEngine::Postgres(_) => false,
    };
    if !statement(tx, "SAVEPOINT job") {
        now(refuse(job, StoreError::Unavailable("a savepoint could not be set".into())));
        return Err(JobLost);
    }
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| now(job(Ok(&mut *tx)))));
    match end {
        Ok(JobEnd { keep: true, answer }) => {
            statement(tx, "RELEASE job");
            Ok((answer, true))
        }
        other => {
            statement(tx, "ROLLBACK TO job");
            statement(tx, "RELEASE job");
            other.map(|end| (end.answer, false)).map_err(|_| JobLost)
        }
    }
}

/// Runs a future of the store, which on SQLite never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap_or_else(|| panic!("a job on SQLite waited for something other than the database"))
}

fn serve_reads(connection: Connection, jobs: &Mutex<queue::Receiver<Job>>) {
    let mut tx = Tx { engine: TxEngine::Sqlite(connection), wake: WakeSet::default() };
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
             PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA recursive_triggers=ON;",
        )
        .map_err(error)?;
    connection.set_prepared_statement_cache_capacity(512);
    Ok(connection)
}

fn connect_read_only(path: &Path) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(error)?;
    connection.busy_timeout(BUSY).map_err(error)?;
    connection.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY;").map_err(error)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

fn checkpoint(connection: &Connection, mode: &str) -> Result<(), StoreError> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(())).map_err(error)
}

fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

pub(super) fn execute(connection: &mut Connection, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(&numbered(sql)).map_err(error)?;
    statement.execute(rusqlite::params_from_iter(params)).map(|rows| rows as u64).map_err(error)
}

pub(super) fn query(connection: &mut Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
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
