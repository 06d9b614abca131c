//! PostgreSQL: a pool of connections; every write is a task with a transaction of its own.
//!
//! Writes run at READ COMMITTED with explicit row locks, in the one order session, user or business, revision,
//! counters. Reads run over one REPEATABLE READ snapshot, so that an answer made of several statements never shows
//! half of a change.

use std::{sync::Arc, task::Poll, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::Semaphore;
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode},
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use super::{Job, JobEnd, Row, StoreError, Tx, TxEngine, Value, WakeSet, Wakes, refuse};

/// How to reach PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=…`
    pub url: String,
    /// Most connections this process opens.
    pub connections: usize,
}

impl PostgresOptions {
    pub(super) fn config(&self) -> Result<Config, StoreError> {
        let mut config: Config =
            self.url.parse().map_err(|_| StoreError::Fault("the database URL is not a valid postgres:// URL".into()))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(WAIT);
        }
        // A database host that vanished without a word is noticed within a minute, not after hours.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(SILENCE);
        Ok(config)
    }
}

/// A connection outside the pool, for migrations.
pub(in crate::store) async fn migration_connection(options: &PostgresOptions) -> Result<tokio_postgres::Client, StoreError> {
    let config = options.config()?;
    if wants_tls(&config) {
        let (client, connection) = config.connect(tls_connector()?).await.map_err(error)?;
        tokio::spawn(connection);
        Ok(client)
    } else {
        let (client, connection) = config.connect(NoTls).await.map_err(error)?;
        tokio::spawn(connection);
        Ok(client)
    }
}

#[derive(Clone)]
pub(super) struct Handle {
    pool: Pool,
    /// A turn to write. Writes that wait for each other's locks never hold all connections: some are kept for reads.
    turns: Arc<Semaphore>,
    options: PostgresOptions,
}

/// How long a request waits for a free connection or a new one before it is told that the database is not available.
const WAIT: Duration = Duration::from_secs(5);

/// How long a write waits for its turn: a burst is worked off in order before anybody is told that the server is busy.
const TURN: Duration = Duration::from_secs(10);

/// How long a connection may be silent before the network is asked whether the other side is still there.
const SILENCE: Duration = Duration::from_secs(30);
/// Most statements of a transaction that are not waited for.
const ON_THE_WAY: usize = 64;
/// A write that cannot get its locks (a process that hangs holds them) gives its connection back.
const BEGIN_WRITE: &str = "BEGIN; SET LOCAL lock_timeout = '10s'";
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl Handle {
    pub(super) fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let config = options.config()?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if wants_tls(&config) {
            Manager::from_config(config, tls_connector()?, recycling)
        } else {
            Manager::from_config(config, NoTls, recycling)
        };
        let pool = Pool::builder(manager)
            .max_size(options.connections)
            .timeouts(Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| StoreError::Fault(e.to_string()))?;
        let turns = Arc::new(Semaphore::new(options.connections - options.connections / 4));
        Ok(Self { pool, turns, options: options.clone() })
    }

    pub(super) fn options(&self) -> &PostgresOptions {
        &self.options
    }

    pub(super) fn write(&self, job: Job, wakes: Arc<Wakes>) {
        let (pool, turns) = (self.pool.clone(), self.turns.clone());
        tokio::spawn(async move {
            let Ok(Ok(_turn)) = tokio::time::timeout(TURN, turns.acquire()).await else {
                return refuse(job, StoreError::Unavailable("too many writes are waiting".into())).await;
            };
            if let Some(wake) = run(&pool, job, BEGIN_WRITE).await {
                wakes.fire(wake);
            }
        });
    }

    /// A task of its own, as a write: dropped half-way with its caller, a read would give its connection back with the
    /// transaction open, and the next one would see an old snapshot.
    pub(super) fn read(&self, job: Job) {
        let pool = self.pool.clone();
        tokio::spawn(async move { run(&pool, job, BEGIN_READ).await });
    }
}

/// Runs a job between BEGIN and COMMIT. `Some` when it was committed.
async fn run(pool: &Pool, job: Job, begin: &str) -> Option<WakeSet> {
    let client = match connect(pool, begin).await {
        Ok(client) => client,
        Err(error) => {
            refuse(job, error).await;
            return None;
        }
    };
    let mut tx = Tx::new(TxEngine::Postgres(Client::new(client)));
    // The call itself is inside: a job may panic before it has a future.
    let end = std::panic::AssertUnwindSafe(async { job(Ok(&mut tx)).await }).catch_unwind().await;
    let TxEngine::Postgres(mut client) = tx.engine else { return None };
    let Ok(JobEnd { keep, answer }) = end else {
        client.discard(); // A connection in an unknown state is not given back.
        return None;
    };
    let went_on = keep && tx.failed;
    let (ended, usable) = client.end(if keep && !went_on { "COMMIT" } else { "ROLLBACK" }).await;
    if !usable {
        client.discard();
    }
    let settled = ended.and(if went_on { Err(super::went_on()) } else { Ok(()) });
    let committed = keep && settled.is_ok();
    answer(settled);
    committed.then_some(tx.wake)
}

/// Opens the transaction; a pooled connection that died meanwhile is replaced once.
async fn connect(pool: &Pool, begin: &str) -> Result<Object, StoreError> {
    let mut last = StoreError::Unavailable("no connection".into());
    for _ in 0..2 {
        let client = pool.get().await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        match client.batch_execute(begin).await {
            Ok(()) => return Ok(client),
            Err(failed) => {
                last = error(failed);
                let _ = Object::take(client);
            }
        }
    }
    Err(last)
}

/// The connection of a transaction. Statements go out in order; those of [`Client::send`] are not waited for one by one.
pub(super) struct Client {
    connection: Arc<Object>,
    /// What was sent and has not answered yet, oldest first.
    sent: Vec<BoxFuture<'static, Result<(), StoreError>>>,
}

impl Client {
    fn new(connection: Object) -> Self {
        Self { connection: Arc::new(connection), sent: Vec::new() }
    }

    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let connection = self.connection.clone();
        let statement = connection.prepare_cached(sql).await.map_err(error)?;
        let params = borrowed(params);
        self.after_sent(connection.execute(&statement, &params)).await
    }

    pub(super) async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection.clone();
        let statement = connection.prepare_cached(sql).await.map_err(error)?;
        let params = borrowed(params);
        let rows = self.after_sent(connection.query(&statement, &params)).await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        let connection = self.connection.clone();
        self.after_sent(connection.batch_execute(sql)).await
    }

    /// Sends a statement and goes on; whoever waits next is told when it failed.
    pub(super) async fn send(&mut self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        let connection = self.connection.clone();
        let statement = connection.prepare_cached(sql).await.map_err(error)?;
        let params = params.to_vec();
        let mut answer: BoxFuture<'static, Result<(), StoreError>> =
            Box::pin(async move { connection.execute(&statement, &borrowed(&params)).await.map(drop).map_err(error) });
        // Its first step puts the statement on the way.
        match futures_util::poll!(&mut answer) {
            Poll::Ready(answered) => answered,
            Poll::Pending => {
                self.sent.push(answer);
                if self.sent.len() < ON_THE_WAY { Ok(()) } else { self.hear().await }
            }
        }
    }

    /// Puts a statement on the way and hears what was sent before it, then its own answer. What failed first is the reason.
    async fn after_sent<T>(
        &mut self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        let (sent, answered) = self.in_turn(statement).await;
        sent.and(answered.map_err(error))
    }

    /// Puts a statement on the way; answers what came of those sent before it, and of itself.
    async fn in_turn<T>(&mut self, statement: impl Future<Output = T>) -> (Result<(), StoreError>, T) {
        let mut statement = std::pin::pin!(statement);
        let early = futures_util::poll!(&mut statement);
        let sent = self.hear().await;
        match early {
            Poll::Ready(answered) => (sent, answered),
            Poll::Pending => (sent, statement.await),
        }
    }

    /// Waits for everything that was sent; answers with the first failure.
    async fn hear(&mut self) -> Result<(), StoreError> {
        for answer in std::mem::take(&mut self.sent) {
            answer.await?;
        }
        Ok(())
    }

    /// COMMIT or ROLLBACK, and whether the connection can be used again. After a statement that failed a COMMIT is a rollback,
    /// which PostgreSQL does not call an error: then the failure is the answer.
    async fn end(&mut self, how: &str) -> (Result<(), StoreError>, bool) {
        let connection = self.connection.clone();
        let (sent, ended) = self.in_turn(connection.batch_execute(how)).await;
        let usable = ended.is_ok();
        (sent.and(ended.map_err(error)), usable)
    }

    /// Does not give the connection back.
    fn discard(self) {
        drop(self.sent);
        if let Some(connection) = Arc::into_inner(self.connection) {
            let _ = Object::take(connection);
        }
    }
}

fn borrowed(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

pub(super) fn error(error: tokio_postgres::Error) -> StoreError {
    use tokio_postgres::error::SqlState;
    // Connections, resources, operators and the system by class: any of these may pass. The rest one by one.
    let passing = |code: &SqlState| {
        ["08", "53", "57", "58"].iter().any(|class| code.code().starts_with(class))
            || [
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::LOCK_NOT_AVAILABLE,
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                SqlState::READ_ONLY_SQL_TRANSACTION,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            ]
            .contains(code)
    };
    match error.as_db_error() {
        // The message names tables and columns, the detail would repeat values: only the first is kept.
        Some(db) if !passing(db.code()) => StoreError::Fault(format!("{}: {}", db.code().code(), db.message())),
        Some(db) => StoreError::Unavailable(format!("{}: {}", db.code().code(), db.message())),
        None if error.is_closed() || std::error::Error::source(&error).is_some_and(|source| source.is::<std::io::Error>()) => {
            StoreError::Unavailable(error.to_string())
        }
        None => StoreError::Fault(error.to_string()),
    }
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bool(value) => value.to_sql(ty, out),
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
            Self::Uuid(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // The statement's own column types decide; a mismatch is an error of the server.
    }

    to_sql_checked!();
}

/// TLS unless the URL says `sslmode=disable` or the server is on this machine.
pub(super) fn wants_tls(config: &Config) -> bool {
    let local = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    });
    config.get_ssl_mode() != SslMode::Disable && !local
}

pub(super) fn tls_connector() -> Result<tokio_postgres_rustls::MakeRustlsConnect, StoreError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| StoreError::Fault(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}
