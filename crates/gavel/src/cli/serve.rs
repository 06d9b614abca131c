//! `gavel serve`: migrate, make what an empty database needs, listen, work, end politely.

use std::{
    fs::{File, TryLockError},
    io::Write,
    path::Path,
};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::{CliError, Common, start_logging};
use crate::{
    actions::{applications, audit_keys, links, subjects},
    app::App,
    clock::Clock,
    config::Config,
    http,
    secrets::Secrets,
    store::{Store, db::Target, migrate},
    workers,
};

/// A server that is ready: its parts, its listener and what must live as long.
pub struct Ready {
    /// The server.
    pub app: App,
    /// Where it listens.
    pub listener: TcpListener,
    /// The first API key, when it was made now.
    pub first_key: Option<String>,
    /// Keeps a second server off the same SQLite file.
    _lock: Option<File>,
}

/// Opens everything a server needs and migrates its database.
pub async fn prepare(mut config: Config) -> Result<Ready, CliError> {
    let lock = open_data_folder(&config)?;
    let secrets = match &config.server_key {
        Some(text) => Secrets::from_text(text)?,
        None => Secrets::in_folder(&config.data)?,
    };
    let applied = migrate::run(&config.target).await?;
    for name in applied {
        tracing::info!(migration = name, "applied");
    }
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|e| CliError::new(format!("cannot listen on {}: {e}. Choose another address with --listen", config.listen)))?;
    let bound = listener.local_addr()?;
    if config.public_url == format!("http://{}", config.listen) {
        config.public_url = format!("http://{bound}"); // Port 0 was asked for: links name the one that was given.
    }
    config.listen = bound;
    let store = Store::open(&config.target).await?;
    let app = App::new(config, Clock::default(), secrets, store)?;
    let first_key = applications::bootstrap(&app).await?;
    let completed = subjects::upgrade::complete(&app).await?;
    if completed > 0 {
        tracing::info!(completed, "users and businesses of earlier sessions");
    }
    audit_keys::prepare(&app).await?;
    Ok(Ready { app, listener, first_key, _lock: lock })
}

impl Ready {
    /// Serves until `stop` is ready.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let workers = workers::start(&self.app);
        http::serve::serve(self.listener, http::server(self.app.clone()), stop).await;
        workers.stop().await;
        self.app.store.close().await;
    }
}

/// The command.
pub async fn run(common: &Common) -> Result<(), CliError> {
    start_logging();
    let ready = prepare(common.load()?).await?;
    let sign_up = links::sign_up(&ready.app).await?;
    announce(&ready, sign_up.as_deref());
    let stop = stop_signal()?;
    ready.run(stop).await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what a person or a script waits for")]
fn announce(ready: &Ready, sign_up: Option<&str>) {
    match (&ready.first_key, &ready.app.config.bootstrap_api_key) {
        (Some(_), Some(_)) => println!("api key: the one given in GAVEL_BOOTSTRAP_API_KEY"),
        (Some(key), None) => println!("api key: {key}\n         shown this once; `gavel key create` makes more"),
        (None, _) => {}
    }
    if let Some(link) = sign_up {
        println!("sign up: {link}\n         makes the first owner, once, within a day; `gavel member invite` makes another link");
    }
    println!("listening on http://{}", ready.app.config.listen);
}

/// Ready when the process is asked to end.
pub fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing requests in flight");
    })
}

/// Makes the data folder, sees that it can be written to, and on SQLite takes the lock that keeps a second server away.
fn open_data_folder(config: &Config) -> Result<Option<File>, CliError> {
    let data = &config.data;
    let unusable = |e: std::io::Error| {
        CliError::new(format!("the data folder {} cannot be written to: {e}. Choose another one with --data", data.display()))
    };
    make_private(data).map_err(unusable)?;
    // A file without a name: several servers may share the folder, and start at once.
    tempfile::tempfile_in(data).and_then(|mut probe| probe.write_all(b"gavel")).map_err(unusable)?;
    match &config.target {
        Target::Sqlite(path) => take_lock(path).map(Some),
        Target::Postgres(_) => Ok(None),
    }
}

/// What is inside is personal: a new folder is its owner's alone. One that is there keeps what its owner gave it.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The operating system lets go of the lock when the process ends, however it ends.
fn take_lock(database: &Path) -> Result<File, CliError> {
    let path = database.with_extension("lock");
    let file = File::create(&path).map_err(|e| CliError::new(format!("{} cannot be opened: {e}", path.display())))?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => CliError::new(format!(
            "another gavel server uses {}. Stop it first, or give this one its own folder with --data; several servers \
             share one PostgreSQL with --database",
            database.display()
        )),
        TryLockError::Error(error) => CliError::new(format!("{} cannot be locked: {error}", path.display())),
    })?;
    Ok(file)
}
