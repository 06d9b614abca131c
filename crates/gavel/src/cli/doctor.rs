//! `gavel doctor`: looks at everything a server needs and says what is wrong, without changing anything.

use super::{CliError, Common};
use crate::{
    config::Config,
    secrets::Secrets,
    store::{Store, StoreError, applications, db::Target},
};

/// The command: one line per thing looked at; an error when any of them is bad.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub async fn run(common: &Common) -> Result<(), CliError> {
    let config = common.load()?;
    let mut bad = 0;
    let mut say = |what: &str, found: Result<String, String>| match found {
        Ok(text) => println!("ok    {what}: {text}"),
        Err(text) => {
            bad += 1;
            println!("BAD   {what}: {text}");
        }
    };
    say("settings", Ok(format!("listening on {}, known as {}", config.listen, config.public_url)));
    say("data folder", folder(&config));
    say("server key", key(&config).map(|secrets| format!("fingerprint {}", secrets.fingerprint())));
    let database = database(&config).await;
    say("database", database);
    say("immutable rows", Ok("triggers refuse UPDATE and DELETE on activities and audit rows".into()));
    say("webhook targets", Ok(targets(&config)));
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

async fn database(config: &Config) -> Result<String, String> {
    let name = match &config.target {
        Target::Sqlite(path) if !path.exists() => return Ok("SQLite, not made yet; `gavel serve` makes it".into()),
        Target::Sqlite(path) => format!("SQLite {}", path.display()),
        Target::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let store = Store::open(&config.target).await.map_err(|e| e.to_string())?;
    let asked = store.read::<_, StoreError, _>(|tx| Box::pin(applications::list_applications(tx))).await;
    let applications = asked.map_err(|e| format!("{name} cannot be used: {e}"))?;
    Ok(format!("{name}, {} application(s)", applications.len()))
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
