//! `gavel demo`: the whole product on sample data, and nothing to clean up afterwards.
//!
//! A server on a temporary folder, people from two dozen countries ([`people`], [`countries`]) with drawn documents and
//! selfies ([`pictures`]), what happened to them in the past weeks ([`stories`], [`evidence`], [`fill`], [`past`]), and a
//! receiver that checks the webhooks ([`receiver`]). Everything goes in over the server's own HTTP API ([`api`]), so
//! warnings, matches and statuses are the product's, not the demo's; what only time brings about is the exception, in
//! [`past`]. Nothing is random but ids, tokens and keys, so two demos look the same.

pub mod api;
pub mod countries;
pub mod evidence;
pub mod fill;
pub mod past;
pub mod people;
pub mod pictures;
pub mod receiver;
pub mod stories;
pub mod terminal;
pub mod transactions;

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use clap::Args;
use gavel_core::{access::Role, entry::email::Email};
use tokio::sync::oneshot;

use self::{api::Api, terminal::Terminal};
use super::{
    CliError,
    serve::{prepare, stop_signal},
};
use crate::{
    actions::{
        Error,
        members::{self, Invitation},
    },
    app::App,
    clock::random_text,
    config::{Config, Settings, Switch},
    store::applications,
};

/// Options of `gavel demo`.
#[derive(Args)]
pub struct Options {
    /// Address and port to listen on [default: 127.0.0.1:8080, or a free port when that one is taken]
    #[arg(long, env = "GAVEL_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// The command: runs until it is asked to end.
pub async fn run(options: &Options) -> Result<(), CliError> {
    start_logging();
    let mut stop = Box::pin(stop_signal()?);
    let terminal = Terminal::of_this_process();
    terminal.hello();
    let folder = tempfile::Builder::new().prefix("gavel-demo-").tempdir()?;
    let ready = prepare(config(address(options, terminal), folder.path())?).await?;
    let key = ready.first_key.clone().ok_or_else(|| CliError::new("the demo's own server has no key"))?;
    let app = ready.app.clone();
    let (end, ended) = oneshot::channel::<Infallible>();
    let server = tokio::spawn(ready.run(async move {
        let _ = ended.await; // Ready when the sender is dropped.
    }));
    let outcome = tokio::select! {
        failed = show(&app, key, terminal) => failed.map(|never| match never {}),
        () = &mut stop => Ok(()),
    };
    drop(end);
    server.await?;
    folder.close()?;
    if outcome.is_ok() {
        terminal.goodbye();
    }
    outcome
}

/// Fills the server, says what is there, and lets the receiver speak, until somebody drops it.
async fn show(app: &App, key: String, terminal: Terminal) -> Result<Infallible, CliError> {
    let api = Api::new(app.clone(), key);
    let (filled, receiver) = fill::fill(app, &api, terminal).await?;
    let login = login(app).await?;
    terminal.ready(api.base(), api.key(), &login, &filled);
    receiver.speak();
    std::future::pending().await
}

/// An account to sign in with: address and password.
async fn login(app: &App) -> Result<(String, String), CliError> {
    let email = Email::parse("owner@gavel.example").map_err(|_| CliError::new("the demo's address is none"))?;
    let (address, password) = (email.stored().to_owned(), random_text::<9>());
    let read = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?) }));
    let first = read.await?.first().map(|application| application.id).ok_or_else(|| CliError::new("there is no application"))?;
    let owner = Invitation { email, role: Role::Owner, name: "Demo Owner".to_owned() };
    members::add_active(app, first, owner, password.clone()).await?;
    Ok((address, password))
}

/// Where to listen: as told, else the usual place, else any free port.
fn address(options: &Options, terminal: Terminal) -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    match options.listen {
        Some(told) => told,
        None if TcpListener::bind(usual).is_ok() => usual,
        None => {
            terminal.elsewhere(usual);
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
        }
    }
}

/// A server for one person at one machine. Webhooks may go where only a demo sends them: to this machine, in the clear.
fn config(listen: SocketAddr, data: &Path) -> Result<Config, CliError> {
    let settings = Settings {
        listen: Some(listen),
        data: Some(data.to_owned()),
        webhook_allow_http: Some(Switch(true)),
        webhook_allow_private: Some(Switch(true)),
        webhook_retry_schedule: Some("1s,2s,5s,10s".into()),
        ..Settings::default()
    };
    settings.check().map_err(CliError::from_display)
}

/// Only what is wrong, so that the terminal belongs to the demo; `GAVEL_LOG` asks for more.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GAVEL_LOG").unwrap_or_else(|_| "gavel=warn".into());
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    drop(started); // Somebody else has set up logging: fine.
}
