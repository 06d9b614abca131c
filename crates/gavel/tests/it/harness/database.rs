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
            Engine::Postgres => Some(Self { folder, url: Some(new_database().await?) }),
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

/// Makes an empty database on the test server. They go with that server.
async fn new_database() -> Option<String> {
    let Ok(base) = std::env::var("GAVEL_TEST_POSTGRES") else {
        let required = std::env::var("GAVEL_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
        assert!(!required, "GAVEL_REQUIRE_POSTGRES=1, but GAVEL_TEST_POSTGRES names no server; run scripts/test");
        return None;
    };
    let name = format!("gavel_{}", uuid::Uuid::new_v4().simple());
    let (client, connection) = tokio_postgres::connect(&base, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut url = url::Url::parse(&base).unwrap();
    url.set_path(&name);
    Some(url.to_string())
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
