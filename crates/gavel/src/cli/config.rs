//! `gavel config`: the settings in force, as a TOML file that would set them.

use std::{borrow::Cow, time::Duration};

use super::{CliError, Common};
use crate::{limits::RateLimits, store::db::Target};

/// The command. Secrets are not shown.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub fn run(common: &Common) -> Result<(), CliError> {
    let config = common.load()?;
    println!("# Settings in force. Each is a flag (--listen), a variable (GAVEL_LISTEN) and a key of the --config file.");
    println!("listen = {}", quoted(&config.listen));
    println!("data = {}", quoted(&config.data.display()));
    match &config.target {
        Target::Sqlite(path) => println!("# database: SQLite file {}", path.display()),
        Target::Postgres(options) => {
            println!("database = {}", quoted(&without_password(&options.url)));
            println!("database_connections = {}", options.connections);
        }
    }
    println!("public_url = {}", quoted(&config.public_url));
    println!("# server_key: {}", if config.server_key.is_some() { "given" } else { "server.key in the data folder" });
    let proxies: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    println!("trusted_proxies = \"{}\"", proxies.join(","));
    println!("failed_authentications = {}", config.failed_authentications);
    println!("media_max_bytes = {}", config.media_max_bytes);
    println!("webhook_allow_http = {}", config.outbound.allow_http);
    println!("webhook_allow_private = {}", config.outbound.allow_private);
    let waits: Vec<String> = config.retry_schedule.waits().iter().map(duration).collect();
    println!("webhook_retry_schedule = \"{}\"", waits.join(","));
    println!("webhook_pause_after = \"{}\"", duration(&config.webhook_pause_after));
    println!("webhook_retention = \"{}\"", duration(&config.webhook_retention));
    println!("imports = {}", config.imports);
    println!("claim_idle = \"{}\"", duration(&config.claim_idle));
    let private = config.authorities.private().count();
    if private > 0 {
        println!("# ca_file: given, with {private} certificate(s)");
    }
    match &config.mail {
        Some(mail) => {
            println!("smtp_url = {}", quoted(&without_password(&mail.url)));
            println!("mail_from = {}", quoted(&mail.from));
            if mail.password.is_some() {
                println!("# smtp_password_file: given");
            }
        }
        None => println!("# smtp_url: none, no e-mail is sent"),
    }
    println!("webhook_timeout = \"{}\"", duration(&config.outbound.timeout));
    show_limits(&config.rate_limits);
    Ok(())
}

/// A table of its own, so it stands last.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn show_limits(set: &RateLimits) {
    println!("[rate_limits]\nenabled = {}", set.enabled);
    println!("generic_get = {}\ngeneric_write = {}", set.generic_get, set.generic_write);
    println!("session_create = {}\nsession_generate_pdf = {}", set.session_create, set.session_generate_pdf);
    println!("session_update_kyc = {}\nsession_update_poa = {}", set.session_update_kyc, set.session_update_poa);
    println!("sandbox_sessions = {}", set.sandbox_sessions);
}

/// A TOML string.
fn quoted(text: &impl ToString) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// As a schedule is read: whole numbers with a unit.
fn duration(wait: &Duration) -> String {
    match wait.subsec_millis() {
        0 => format!("{}s", wait.as_secs()),
        _ => format!("{}ms", wait.as_millis()),
    }
}

/// A database URL that can be shown: a password may stand before the host or among the parameters.
fn without_password(url: &str) -> String {
    let Ok(mut url) = url::Url::parse(url) else { return "(not readable)".to_owned() };
    if url.password().is_some() {
        let _ = url.set_password(Some("***"));
    }
    let hidden = |(name, value): (Cow<'_, str>, Cow<'_, str>)| match name.as_ref() {
        "password" | "sslpassword" => (name.into_owned(), "***".to_owned()),
        _ => (name.into_owned(), value.into_owned()),
    };
    let pairs: Vec<_> = url.query_pairs().map(hidden).collect();
    if !pairs.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        assert_eq!(without_password("postgres://u:s3cret@db/gavel?sslmode=disable"), "postgres://u:***@db/gavel?sslmode=disable");
        assert_eq!(without_password("postgres://db/gavel?user=u&password=s3cret"), "postgres://db/gavel?user=u&password=***");
        assert_eq!(without_password("postgres://u@db/gavel"), "postgres://u@db/gavel");
        assert!(!without_password("host=db password=s3cret").contains("s3cret"));
    }

    #[test]
    fn durations_are_shown_as_they_are_read() {
        for text in ["50ms", "1500ms", "5s", "14400s"] {
            let schedule: gavel_core::webhook::RetrySchedule = text.parse().unwrap();
            assert_eq!(duration(&schedule.waits()[0]), text);
        }
    }
}
