//! A place for one server's data: a folder, and on PostgreSQL a database of its own.

use std::path::{Path, PathBuf};

use tokio_postgres::NoTls;

/// Which engine a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// PostgreSQL at `GAVEL_TEST_POSTGRES`.
    Postgres,
}

/// A folder that is deleted at the end, and a database URL.
pub struct Place {
    folder: tempfile::TempDir,
    url: Option<String>,
}

impl Place {
    /// Makes one; `None` when the engine is not to be had here.
    pub async fn make(engine: Engine) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        match engine {
            Engine::Sqlite => Some(Self { folder, url: None }),
            Engine::Postgres => Some(Self { folder, url: Some(new_database(false).await?) }),
        }
    }

    /// Makes one whose PostgreSQL database has this version's schema already: a copy is made in a fifth of the time that
    /// the migrations take.
    pub async fn migrated(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => Self::make(engine).await,
            Engine::Postgres => Some(Self { folder: tempfile::tempdir().unwrap(), url: Some(new_database(true).await?) }),
        }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The SQLite file.
    pub fn sqlite_file(&self) -> PathBuf {
        self.folder.path().join("gavel.db")
    }

    /// Runs statements on its PostgreSQL, behind the back of whoever serves it.
    pub async fn execute(&self, statements: &str) {
        let (client, connection) = tokio_postgres::connect(self.url.as_ref().unwrap(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(statements).await.unwrap();
    }

    /// The PostgreSQL URL, if it is one.
    pub fn url(&self) -> Option<String> {
        self.url.clone()
    }
}

impl Drop for Place {
    /// The database goes with the test: hundreds of them would fill a disk.
    fn drop(&mut self) {
        let Some(url) = self.url.take() else { return };
        let gone = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let name = url::Url::parse(&url).unwrap().path().trim_start_matches('/').to_owned();
                let (client, connection) = tokio_postgres::connect(&std::env::var("GAVEL_TEST_POSTGRES").unwrap(), NoTls).await?;
                tokio::spawn(connection);
                client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await
            })
        });
        if let Ok(Err(error)) = gone.join() {
            eprintln!("the database of this test stays: {error}");
        }
    }
}

/// Makes a database on the test server, empty or with this version's schema.
async fn new_database(migrated: bool) -> Option<String> {
    let Ok(base) = std::env::var("GAVEL_TEST_POSTGRES") else {
        let required = std::env::var("GAVEL_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
        assert!(!required, "GAVEL_REQUIRE_POSTGRES=1, but GAVEL_TEST_POSTGRES names no server; run scripts/test");
        return None;
    };
    let name = format!("gavel_{}", uuid::Uuid::new_v4().simple());
    let (client, connection) = tokio_postgres::connect(&base, NoTls).await.unwrap();
    tokio::spawn(connection);
    let template = if migrated { format!("TEMPLATE {}", template(&client, &base).await) } else { String::new() };
    client.batch_execute(&format!("CREATE DATABASE {name} {template}")).await.unwrap();
    Some(url_of(&base, &name))
}

fn url_of(base: &str, database: &str) -> String {
    let mut url = url::Url::parse(base).unwrap();
    url.set_path(database);
    url.to_string()
}

/// A database that this build has migrated. The first test that asks makes it, others wait.
async fn template(client: &tokio_postgres::Client, base: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_gavel");
    let built = std::fs::metadata(binary).unwrap().modified().unwrap();
    let name = format!("template_{}", built.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos());
    client.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    if client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap().is_none() {
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}_new")).await.unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}_new")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let migrate = ["migrate", "--database", &url_of(base, &format!("{name}_new")), "--data", folder.path().to_str().unwrap()];
        assert!(std::process::Command::new(binary).args(migrate).output().unwrap().status.success());
        client.batch_execute(&format!("ALTER DATABASE {name}_new RENAME TO {name}")).await.unwrap();
    }
    client.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    name
}

/// A PostgreSQL database nobody can reach for a while.
pub struct Unreachable {
    server: tokio_postgres::Client,
    database: String,
}

impl Unreachable {
    /// Ends all connections to the database of this URL and lets no new one in.
    pub async fn make(url: &str) -> Self {
        let mut url = url::Url::parse(url).unwrap();
        let database = url.path().trim_start_matches('/').to_owned();
        url.set_path("postgres");
        let (server, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.unwrap();
        tokio::spawn(connection);
        server.batch_execute(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).await.unwrap();
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1";
        server.query(end, &[&database]).await.unwrap();
        Self { server, database }
    }

    /// Lets connections in again.
    pub async fn end(self) {
        self.server.batch_execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.database)).await.unwrap();
    }
}
