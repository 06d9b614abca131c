//! One small adapter over two engines.
//!
//! Everything above speaks to a [`Tx`]: one static SQL text with `$1…` placeholders, [`Value`]s in, [`Row`]s out. A
//! write is a boxed job run to its end whatever happens to the caller, so a client that hangs up never leaves half a
//! write: on SQLite by the one writer thread, which commits many jobs at once ([`sqlite`]); on PostgreSQL by a task
//! with a connection of its own ([`postgres`]). The functions of the store are `async` and written once; on SQLite
//! their futures are ready at once, on PostgreSQL they really wait.
//!
//! Where the dialects differ there is a named method ([`Tx::for_update`], [`Tx::skip_locked`]), never an `if` in the
//! middle of a statement. A job that answers `Err` leaves nothing behind.

mod neighbours;
mod postgres;
mod sqlite;
mod value;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, oneshot};

pub use postgres::PostgresOptions;
pub(super) use postgres::migration_connection as migration_connection_postgres;
pub(super) use sqlite::connect as migration_connection_sqlite;
pub use value::{Columns, Row, Value};

/// What went wrong below the rules. None of these texts reaches a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is full, or has more work than it can take. Trying again can help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A statement failed or a row is not what the store wrote: a fault of ours.
    #[error("database: {0}")]
    Fault(String),
}

impl StoreError {
    /// A row or a stored text that does not read back as what was written.
    pub fn unreadable(what: &str) -> Self {
        Self::Fault(format!("stored {what} cannot be read"))
    }
}

/// Which SQL the engine speaks; for the few places where the text differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, inside the process.
    Sqlite,
    /// PostgreSQL 14 or later.
    Postgres,
}

/// Which database to open.
#[derive(Debug, Clone)]
pub enum Target {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL.
    Postgres(PostgresOptions),
}

/// The database of this process. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    wakes: Arc<Wakes>,
}

#[derive(Clone)]
enum Engine {
    Sqlite(sqlite::Handle),
    Postgres(postgres::Handle),
}

/// Who is told after a commit. A wake-up only shortens a wait: every worker also looks by itself from time to time.
#[derive(Default)]
pub struct Wakes {
    /// Something waits to be delivered.
    pub deliveries: Notify,
    /// A list has changed.
    pub lists: Notify,
    /// An audit row waits to be sealed.
    pub audit: Notify,
    /// What was committed here since other processes were told last.
    unsaid: Mutex<WakeSet>,
    /// There is something to tell them.
    elsewhere: Notify,
}

/// What the transaction asks to be woken when, and only when, it is committed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WakeSet {
    deliveries: bool,
    lists: bool,
    audit: bool,
}

impl WakeSet {
    fn or(self, other: Self) -> Self {
        Self { deliveries: self.deliveries | other.deliveries, lists: self.lists | other.lists, audit: self.audit | other.audit }
    }
}

impl Wakes {
    /// After a commit of this process.
    fn fire(&self, set: WakeSet) {
        self.fire_here(set);
        let told = WakeSet { audit: false, ..set }; // Whoever wrote the row can seal it.
        if told != WakeSet::default() {
            let mut unsaid = self.unsaid.lock().unwrap_or_else(|e| e.into_inner());
            *unsaid = unsaid.or(told);
            self.elsewhere.notify_one();
        }
    }

    /// Waits until there is something other processes have not been told.
    async fn committed(&self) -> WakeSet {
        loop {
            let set = std::mem::take(&mut *self.unsaid.lock().unwrap_or_else(|e| e.into_inner()));
            if set != WakeSet::default() {
                return set;
            }
            self.elsewhere.notified().await;
        }
    }

    /// Wakes workers of this process.
    fn fire_here(&self, set: WakeSet) {
        if set.deliveries {
            self.deliveries.notify_one();
        }
        if set.lists {
            self.lists.notify_one();
        }
        if set.audit {
            self.audit.notify_one();
        }
    }
}

/// A transaction, or for reads a snapshot.
pub struct Tx {
    engine: TxEngine,
    wake: WakeSet,
    /// A statement has failed. PostgreSQL then answers COMMIT by rolling back without an error, so nothing such a job did
    /// is ever kept, on either engine.
    failed: bool,
}

enum TxEngine {
    Sqlite(rusqlite::Connection),
    Postgres(postgres::Client),
}

/// A job with its types erased: runs (or learns why it cannot), says whether to keep its writes, and answers its caller
/// once that is settled.
type Job = Box<dyn for<'t> FnOnce(Result<&'t mut Tx, StoreError>) -> BoxFuture<'t, JobEnd> + Send>;

struct JobEnd {
    keep: bool,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

impl Store {
    /// Opens the database. It must have been migrated ([`crate::store::migrate`]) before anything is asked of it.
    pub async fn open(target: &Target) -> Result<Self, StoreError> {
        let wakes = Arc::new(Wakes::default());
        let engine = match target {
            Target::Sqlite(path) => Engine::Sqlite(sqlite::Handle::open(path, wakes.clone())?),
            Target::Postgres(options) => Engine::Postgres(postgres::Handle::open(options)?),
        };
        Ok(Self { engine, wakes })
    }

    /// Which engine this is.
    pub fn dialect(&self) -> Dialect {
        match self.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Who is told after a commit.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Tells other processes on this database what was committed here and wakes workers here for what they commit; does not
    /// end. SQLite has no other process.
    pub async fn relay_wakes(&self) {
        match &self.engine {
            Engine::Sqlite(_) => std::future::pending().await,
            Engine::Postgres(handle) => neighbours::relay(handle.options(), &self.wakes).await,
        }
    }

    /// Runs a write in a transaction of its own. `Ok` means committed to disk; `Err` means nothing was written, but for one
    /// case nobody can tell: PostgreSQL's connection breaks while the commit is on its way.
    /// The job runs to its end even when the caller stops waiting.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, answer) = erase(job);
        match &self.engine {
            Engine::Sqlite(handle) => handle.write(job).await,
            Engine::Postgres(handle) => handle.write(job, self.wakes.clone()),
        }
        answer.await.unwrap_or_else(|_| Err(lost().into()))
    }

    /// Runs a read over one consistent snapshot of what is committed.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, answer) = erase(job);
        match &self.engine {
            Engine::Sqlite(handle) => handle.read(job).await,
            Engine::Postgres(handle) => handle.read(job),
        }
        answer.await.unwrap_or_else(|_| Err(lost().into()))
    }

    /// Copies the whole log into the database and empties it, so that nothing stands there that is no longer in a table.
    /// `false`: a read under way still needs it. PostgreSQL looks after its log itself.
    pub async fn empty_log(&self) -> Result<bool, StoreError> {
        match &self.engine {
            Engine::Sqlite(handle) => handle.empty_log().await,
            Engine::Postgres(_) => Ok(true),
        }
    }

    /// Waits for queued writes and closes the log; used once, at the end of the process.
    pub async fn close(&self) {
        if let Engine::Sqlite(handle) = &self.engine {
            handle.close().await;
        }
    }
}

/// Tells a job that it cannot run.
async fn refuse(job: Job, error: StoreError) {
    (job(Err(error)).await.answer)(Ok(()));
}

fn lost() -> StoreError {
    StoreError::Fault("a job ended without an answer".into())
}

fn erase<T, E, F>(job: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job: Job = Box::new(move |tx| {
        let running = tx.map(job);
        Box::pin(async move {
            let result = match running {
                Ok(running) => running.await,
                Err(refused) => Err(refused.into()),
            };
            JobEnd {
                keep: result.is_ok(),
                answer: Box::new(move |settled| {
                    let _ = reply.send(settled.map_err(E::from).and(result));
                }),
            }
        })
    });
    (job, answer)
}

/// What a job that says "keep" after a failed statement is answered.
fn went_on() -> StoreError {
    StoreError::Fault("a job went on after a failed statement".into())
}

impl Tx {
    fn new(engine: TxEngine) -> Self {
        Self { engine, wake: WakeSet::default(), failed: false }
    }

    /// Runs a statement; answers how many rows it touched.
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let result = match &mut self.engine {
            TxEngine::Sqlite(connection) => sqlite::execute(connection, sql, params),
            TxEngine::Postgres(client) => client.execute(sql, params).await,
        };
        self.failed |= result.is_err();
        result
    }

    /// Runs a statement whose rows nobody counts. On PostgreSQL it is only on its way when this returns, so a row of writes
    /// costs one journey instead of one each; that it failed is told by the next statement or by the commit.
    pub async fn send(&mut self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        let result = match &mut self.engine {
            TxEngine::Sqlite(connection) => sqlite::execute(connection, sql, params).map(drop),
            TxEngine::Postgres(client) => client.send(sql, params).await,
        };
        self.failed |= result.is_err();
        result
    }

    /// Runs a query; answers all its rows.
    pub async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let result = match &mut self.engine {
            TxEngine::Sqlite(connection) => sqlite::query(connection, sql, params),
            TxEngine::Postgres(client) => client.query(sql, params).await,
        };
        self.failed |= result.is_err();
        result
    }

    /// Runs a query of which at most one row is wanted.
    pub async fn query_opt(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs several statements without parameters.
    pub async fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(connection) => connection.execute_batch(sql).map_err(sqlite::error),
            TxEngine::Postgres(client) => client.batch(sql).await,
        }
    }

    /// Which SQL this transaction speaks.
    pub fn dialect(&self) -> Dialect {
        match self.engine {
            TxEngine::Sqlite(_) => Dialect::Sqlite,
            TxEngine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The clause that locks the selected rows until the end. SQLite has one writer and needs none.
    pub fn for_update(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE",
        }
    }

    /// The clause that keeps the selected rows from being deleted or locked for a change until the end; many may hold it.
    pub fn for_key_share(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR KEY SHARE",
        }
    }

    /// The clause that locks the selected rows for a change of anything but their key; it does not keep anybody from
    /// [`Tx::for_key_share`].
    pub fn for_no_key_update(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR NO KEY UPDATE",
        }
    }

    /// The clause that locks the selected rows and passes over those somebody else holds.
    pub fn skip_locked(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Holds names until the end of the transaction, for what has no row to lock (yet): the first ones together with
    /// others, the second ones alone, in this order. SQLite has one writer and needs no names.
    pub async fn hold(&mut self, together: &[i64], alone: &[i64]) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Sqlite || together.len() + alone.len() == 0 {
            return Ok(());
        }
        let shared = (1..).take(together.len()).map(|n| format!("pg_advisory_xact_lock_shared(${n})"));
        let exclusive = (together.len() + 1..).take(alone.len()).map(|n| format!("pg_advisory_xact_lock(${n})"));
        let sql = format!("SELECT {}", shared.chain(exclusive).collect::<Vec<_>>().join(", "));
        let params: Vec<Value> = together.iter().chain(alone).map(|name| Value::from(*name)).collect();
        self.execute(&sql, &params).await?;
        Ok(())
    }

    /// After the commit, wake the delivery worker.
    pub fn wake_deliveries(&mut self) {
        self.wake.deliveries = true;
    }

    /// After the commit, wake the follower of the lists.
    pub fn wake_lists(&mut self) {
        self.wake.lists = true;
    }

    /// After the commit, wake the sealer.
    pub fn wake_sealer(&mut self) {
        self.wake.audit = true;
    }
}

/// `$from, $from+1, …`: the placeholders of an `IN (…)` with `count` members.
pub fn placeholders(from: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 4);
    for n in from..from + count {
        if n > from {
            text.push(',');
        }
        text.push('$');
        text.push_str(&n.to_string());
    }
    text
}

/// Slices for statements over many rows: 32, 16, 8 and so on long, so that few texts have to be prepared.
pub fn parts<T>(rest: &[T]) -> impl Iterator<Item = &[T]> {
    parts_of(32, rest)
}

/// The same, beginning with another power of two.
pub fn parts_of<T>(most: usize, mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = most.min(1_usize.checked_shl(rest.len().checked_ilog2()?)?);
        let (part, more) = rest.split_at(size);
        rest = more;
        Some(part)
    })
}

/// A text as it can be stored and compared: PostgreSQL takes no U+0000 in one.
pub fn without_null(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A text in small letters in which both small sigmas are one: a Σ becomes another letter at the end of a word than inside,
/// and the end of what is searched for need not be the end of a word.
pub fn one_sigma(lowered: &str) -> String {
    lowered.replace('ς', "σ")
}

/// The condition that a folded column holds a folded text, which is the second of the answer, for the parameter at this place;
/// in both, the two sigmas are one ([`one_sigma`]).
pub fn holds(column: &str, place: &str, folded: &str) -> (String, String) {
    let text = one_sigma(folded);
    let column = if text.contains('σ') { format!("replace({column}, 'ς', 'σ')") } else { column.to_owned() };
    (format!("{column} LIKE {place} ESCAPE '\\'"), format!("%{}%", escape_like(&text)))
}

/// Takes the special meaning of `%`, `_` and `\` from a text searched for with `LIKE … ESCAPE '\'`.
pub fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
