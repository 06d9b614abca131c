//! `gavel doctor`: looks at everything a server needs and says what is wrong, without changing anything.
//!
//! `BAD` is what keeps a server from starting or from being trusted; `note` is what somebody should look at: work that is
//! left lying, or a list nobody can change. Nothing it says is a secret or about a person.

mod work;

use super::{CliError, Common};
use crate::{
    config::Config,
    secrets::Secrets,
    signing::Signing,
    store::{Store, StoreError, Tx, applications, audit_keys, db::Target, migrate},
};

/// What was found of one thing.
pub(super) enum Found {
    Good(String),
    Note(String),
    Bad(String),
}

impl From<Result<String, String>> for Found {
    fn from(found: Result<String, String>) -> Self {
        found.map_or_else(Self::Bad, Self::Good)
    }
}

/// The command: one line per thing looked at; an error when any of them is bad.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub async fn run(common: &Common) -> Result<(), CliError> {
    let config = common.load()?;
    let mut bad = 0;
    let mut say = |what: &str, found: Found| match found {
        Found::Good(text) => println!("ok    {what}: {text}"),
        Found::Note(text) => println!("note  {what}: {text}"),
        Found::Bad(text) => {
            bad += 1;
            println!("BAD   {what}: {text}");
        }
    };
    say("settings", Found::Good(format!("listening on {}, known as {}", config.listen, config.public_url)));
    say("data folder", folder(&config).into());
    say("server key", key(&config).map(|secrets| format!("fingerprint {}", secrets.fingerprint())).into());
    let (named, inside) = database(&config).await;
    say("database", named.into());
    inside.into_iter().for_each(|(what, found)| say(what, found));
    say("webhook targets", Found::Good(targets(&config)));
    match bad {
        0 => Ok(()),
        n => Err(CliError::new(format!("{n} of these must be mended before `gavel serve`"))),
    }
}

fn folder(config: &Config) -> Result<String, String> {
    let shown = config.data.display();
    match std::fs::metadata(&config.data) {
        Err(_) => Ok(format!("{shown} does not exist yet; `gavel serve` makes it")),
        Ok(found) if !found.is_dir() => Err(format!("{shown} is not a folder")),
        Ok(found) if found.permissions().readonly() => Err(format!("{shown} is read-only")),
        Ok(_) => Ok(shown.to_string()),
    }
}

fn key(config: &Config) -> Result<Secrets, String> {
    match &config.server_key {
        Some(text) => Secrets::from_text(text).map_err(|e| e.to_string()),
        None if config.data.join("server.key").exists() => Secrets::in_folder(&config.data).map_err(|e| e.to_string()),
        None => Err("none yet; `gavel serve` makes one on its first start".into()),
    }
}

/// What the database is, and what was found inside.
async fn database(config: &Config) -> (Result<String, String>, Vec<(&'static str, Found)>) {
    let name = match &config.target {
        Target::Sqlite(path) if !path.exists() => {
            return (Ok("SQLite, not made yet; `gavel serve` makes it".into()), Vec::new());
        }
        Target::Sqlite(path) => format!("SQLite {}", path.display()),
        Target::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let store = match Store::open(&config.target).await {
        Ok(store) => store,
        Err(error) => return (Err(error.to_string()), Vec::new()),
    };
    let data = config.data.clone();
    let asked = store
        .read::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                let applications = applications::list_applications(tx).await?;
                let mut found = vec![("immutable rows", guards(tx).await?), ("audit key", audit_key(tx, &data).await?)];
                found.extend(work::look(tx, &applications).await?);
                Ok((applications.len(), found))
            })
        })
        .await;
    store.close().await;
    match asked {
        Ok((applications, found)) => (Ok(format!("{name}, {applications} application(s)")), found),
        Err(error) => (Err(format!("{name} cannot be used: {error}")), Vec::new()),
    }
}

async fn guards(tx: &mut Tx) -> Result<Found, StoreError> {
    let unguarded = migrate::list_unguarded(tx).await?;
    Ok(match unguarded.is_empty() {
        true => Found::Good("triggers refuse changes of activities and audit rows".to_owned()),
        false => Found::Bad(format!("triggers are missing: {}", unguarded.join(", "))),
    })
}

/// The key the database names must be here, readable, and that one.
async fn audit_key(tx: &mut Tx, data: &std::path::Path) -> Result<Found, StoreError> {
    let keys = audit_keys::list_keys(tx).await?;
    let Some(current) = keys.last() else { return Ok(Found::Good("none yet; `gavel serve` makes one".into())) };
    let id = current.public.id();
    Ok(match Signing::new(data).key(&id) {
        Ok(_) => Found::Good(format!("{id}, number {}", current.number)),
        Err(error) => Found::Bad(error.to_string()),
    })
}

fn targets(config: &Config) -> String {
    match (config.outbound.allow_http, config.outbound.allow_private) {
        (false, false) => "public https only".into(),
        (http, private) => format!(
            "plain http {}, private addresses {}: for development",
            if http { "allowed" } else { "refused" },
            if private { "allowed" } else { "refused" }
        ),
    }
}
