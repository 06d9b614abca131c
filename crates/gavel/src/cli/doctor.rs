//! `gavel doctor`: looks at everything a server needs and says what is wrong, without changing anything.

use super::{CliError, Common};
use crate::{
    config::Config,
    secrets::Secrets,
    store::{Store, StoreError, applications, db::Target, migrate},
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
    say("database", database.as_ref().map(|found| found.0.clone()).map_err(Clone::clone));
    if let Ok((_, Some(guards))) = database {
        say("immutable rows", guards);
    }
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

/// What the database is, and whether its rows are guarded; the second only where there is one.
async fn database(config: &Config) -> Result<(String, Option<Result<String, String>>), String> {
    let name = match &config.target {
        Target::Sqlite(path) if !path.exists() => return Ok(("SQLite, not made yet; `gavel serve` makes it".into(), None)),
        Target::Sqlite(path) => format!("SQLite {}", path.display()),
        Target::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let store = Store::open(&config.target).await.map_err(|e| e.to_string())?;
    let asked = store
        .read::<_, StoreError, _>(|tx| {
            Box::pin(async move { Ok((applications::list_applications(tx).await?.len(), migrate::list_unguarded(tx).await?)) })
        })
        .await;
    store.close().await;
    let (applications, unguarded) = asked.map_err(|e| format!("{name} cannot be used: {e}"))?;
    let guards = match unguarded.is_empty() {
        true => Ok("triggers refuse changes of activities and audit rows".to_owned()),
        false => Err(format!("triggers are missing: {}", unguarded.join(", "))),
    };
    Ok((format!("{name}, {applications} application(s)"), Some(guards)))
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
