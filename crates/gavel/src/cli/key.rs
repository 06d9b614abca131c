//! `gavel key create|list|revoke`: beside a running server, on the same database.

use std::path::Path;

use clap::{Args, Subcommand};
use gavel_core::{
    access::Scopes,
    ids::{ApplicationId, KeyId},
};

use super::{CliError, Common};
use crate::{
    actions::keys,
    app::App,
    clock::Clock,
    config::Config,
    secrets::Secrets,
    store::{Store, db::Target},
};

/// Options of `gavel key`.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key and print it; it cannot be shown again
    Create {
        /// What people call it
        #[arg(long, default_value = "API key")]
        name: String,
        /// `full`, or resources with `read` or `write`, such as sessions:write,lists:read
        #[arg(long, default_value = "full")]
        scopes: String,
        /// Days until it is refused
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
        expires_in: Option<i64>,
        /// Application it belongs to [default: the first]
        #[arg(long, value_name = "UUID")]
        application: Option<String>,
    },
    /// List all keys: id, first characters, name, scopes, state
    List,
    /// Revoke a key; servers refuse it within a second
    Revoke {
        /// Its id, as `gavel key list` shows it
        id: String,
    },
}

/// The command.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub async fn run(options: &Options) -> Result<(), CliError> {
    let app = open(&options.common).await?;
    match &options.command {
        Command::Create { name, scopes, expires_in, application } => {
            let scopes: Scopes = scopes.parse().map_err(|_| {
                CliError::new(format!("{scopes} is not a list of scopes; use `full` or such as sessions:write,lists:read"))
            })?;
            let application = application.as_deref().map(parse::<ApplicationId>).transpose()?;
            let expires_at = expires_in.map(|days| app.clock.now().plus_seconds(days * 86_400));
            let (id, secret) = keys::create(&app, application, name.clone(), scopes, expires_at).await?;
            println!("api key: {secret}\nid: {id}");
        }
        Command::List => {
            for key in keys::list(&app).await? {
                let state = match (key.revoked_at, key.expires_at) {
                    (Some(at), _) => format!("revoked {at}"),
                    (None, Some(at)) if at <= app.clock.now() => format!("expired {at}"),
                    (None, Some(at)) => format!("until {at}"),
                    (None, None) => "active".to_owned(),
                };
                println!("{}  {}…  {}  {}  {state}", key.id, key.prefix, key.name, key.scopes);
            }
        }
        Command::Revoke { id } => {
            keys::revoke(&app, parse::<KeyId>(id)?).await?;
            println!("revoked");
        }
    }
    app.store.close().await;
    Ok(())
}

pub(super) fn parse<T: std::str::FromStr>(text: &str) -> Result<T, CliError> {
    text.parse().map_err(|_| CliError::new(format!("{text} is not an id")))
}

/// Opens the database of a server that may be running.
pub(super) async fn open(common: &Common) -> Result<App, CliError> {
    let config = common.load()?;
    // In a wrong folder nothing is made: a second database or key would only hide the mistake.
    if let Target::Sqlite(path) = &config.target
        && !path.exists()
    {
        return Err(no_server(&config, path));
    }
    let secrets = match &config.server_key {
        Some(text) => Secrets::from_text(text)?,
        None => {
            let path = config.data.join("server.key");
            if !path.exists() {
                return Err(no_server(&config, &path));
            }
            Secrets::in_folder(&config.data)?
        }
    };
    crate::store::migrate::run(&config.target).await?;
    let store = Store::open(&config.target).await?;
    Ok(App::new(config, Clock::default(), secrets, store)?)
}

fn no_server(config: &Config, missing: &Path) -> CliError {
    CliError::new(format!(
        "there is no {}: {} is not the data folder of a server. Start one first, or name its folder with --data",
        missing.display(),
        config.data.display()
    ))
}
