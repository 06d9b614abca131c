//! `gavel config`: the settings in force, as a TOML file that would set them.

use super::{CliError, Common};
use crate::store::db::Target;

/// The command. Secrets are not shown.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub fn run(common: &Common) -> Result<(), CliError> {
    let config = common.load()?;
    println!("# Settings in force. Each is a flag (--listen), a variable (GAVEL_LISTEN) and a key of the --config file.");
    println!("listen = \"{}\"", config.listen);
    println!("data = \"{}\"", config.data.display());
    match &config.target {
        Target::Sqlite(path) => println!("# database: SQLite file {}", path.display()),
        Target::Postgres(options) => {
            println!("database = \"{}\"", without_password(&options.url));
            println!("database_connections = {}", options.connections);
        }
    }
    println!("public_url = \"{}\"", config.public_url);
    println!("# server_key: {}", if config.server_key.is_some() { "given" } else { "server.key in the data folder" });
    let proxies: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    println!("trusted_proxies = \"{}\"", proxies.join(","));
    println!("failed_authentications = {}", config.failed_authentications);
    println!("media_max_bytes = {}", config.media_max_bytes);
    println!("webhook_allow_http = {}", config.outbound.allow_http);
    println!("webhook_allow_private = {}", config.outbound.allow_private);
    let waits: Vec<String> = config.retry_schedule.waits().iter().map(|wait| format!("{}s", wait.as_secs_f64())).collect();
    println!("webhook_retry_schedule = \"{}\"", waits.join(","));
    println!("webhook_timeout = \"{}s\"", config.outbound.timeout.as_secs());
    Ok(())
}

/// A database URL that can be shown.
fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut url) => {
            if url.password().is_some() {
                let _ = url.set_password(Some("…"));
            }
            url.to_string()
        }
        Err(_) => "(not readable)".to_owned(),
    }
}
