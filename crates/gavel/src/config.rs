//! What an operator can set. Every setting is a flag, an environment variable and a key of the TOML file; the flag wins
//! over the variable, the variable over the file, the file over the default.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use gavel_core::webhook::RetrySchedule;
use ipnet::IpNet;
use lettre::message::Mailbox;
use serde::Deserialize;

use crate::{
    authorities::Authorities,
    limits::{LimitSettings, RateLimits},
    mailer::Mailer,
    store::db::{PostgresOptions, Target},
};

/// Settings as given; what is missing has a default.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "GAVEL_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Folder for the database file, media and the server key [default: ./gavel-data]
    #[arg(long, env = "GAVEL_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// postgres://user:password@host/database; without it a SQLite file in the data folder
    #[arg(long, env = "GAVEL_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// Address the world reaches this server under, for links in answers [default: http:// and the listen address]
    #[arg(long, env = "GAVEL_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Most connections to PostgreSQL [default: 16]
    #[arg(long, env = "GAVEL_DATABASE_CONNECTIONS", value_name = "N")]
    pub database_connections: Option<usize>,
    /// The server key, 32 bytes in base64; without it the file server.key in the data folder
    #[arg(long, env = "GAVEL_SERVER_KEY", value_name = "BASE64", hide_env_values = true)]
    pub server_key: Option<String>,
    /// Proxies whose X-Forwarded-For is believed: addresses and ranges, comma-separated [default: none]
    #[arg(long, env = "GAVEL_TRUSTED_PROXIES", value_name = "RANGES")]
    pub trusted_proxies: Option<String>,
    /// Wrong API keys allowed per client address within 60 s, 1 to 10000 [default: 60]
    #[arg(long, env = "GAVEL_FAILED_AUTHENTICATIONS", value_name = "N")]
    pub failed_authentications: Option<usize>,
    /// How many requests an API key may make.
    #[command(flatten)]
    #[serde(default)]
    pub rate_limits: LimitSettings,
    /// Largest stored file in bytes [default: 20971520]
    #[arg(long, env = "GAVEL_MEDIA_MAX_BYTES", value_name = "BYTES")]
    pub media_max_bytes: Option<usize>,
    /// 1: webhooks and image links may use plain http
    #[arg(long, env = "GAVEL_WEBHOOK_ALLOW_HTTP", value_name = "0|1")]
    pub webhook_allow_http: Option<Switch>,
    /// 1: webhooks and image links may reach private and loopback addresses
    #[arg(long, env = "GAVEL_WEBHOOK_ALLOW_PRIVATE", value_name = "0|1")]
    pub webhook_allow_private: Option<Switch>,
    /// Waits between attempts, such as 1s,2s,5s [default: 1m,4m,15m,1h,4h,12h,24h,24h]
    #[arg(long, env = "GAVEL_WEBHOOK_RETRY_SCHEDULE", value_name = "LIST")]
    pub webhook_retry_schedule: Option<String>,
    /// Time a receiver has to answer, 1s to 60s [default: 5s]
    #[arg(long, env = "GAVEL_WEBHOOK_TIMEOUT", value_name = "DURATION")]
    pub webhook_timeout: Option<String>,
    /// Only failures for so long pause a destination, 1h to 365d [default: 3d]
    #[arg(long, env = "GAVEL_WEBHOOK_PAUSE_AFTER", value_name = "DURATION")]
    pub webhook_pause_after: Option<String>,
    /// How long deliveries, dead letters and paused queues are kept, 1d to 365d [default: 30d]
    #[arg(long, env = "GAVEL_WEBHOOK_RETENTION", value_name = "DURATION")]
    pub webhook_retention: Option<String>,
    /// How long a session stays a reviewer's who does nothing, 30s to 24h [default: 10m]
    #[arg(long, env = "GAVEL_CLAIM_IDLE", value_name = "DURATION")]
    pub claim_idle: Option<String>,
    /// PEM file with certificates of private authorities that e-mail, webhooks and image links believe as well [default: none]
    #[arg(long, env = "GAVEL_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// smtps://user:password@host (TLS), smtp://host?tls=required (STARTTLS), smtp://host (none) [default: no e-mail is sent]
    #[arg(long, env = "GAVEL_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// File whose first line is the SMTP password, in the place of one in the URL
    #[arg(long, env = "GAVEL_SMTP_PASSWORD_FILE", value_name = "FILE")]
    pub smtp_password_file: Option<PathBuf>,
    /// Sender of e-mail, such as "Gavel <gavel@example.com>"; needed with --smtp-url
    #[arg(long, env = "GAVEL_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// 0: no sessions, transactions or rules are taken from files of other systems [default: 1]
    #[arg(long, env = "GAVEL_IMPORTS", value_name = "0|1")]
    pub imports: Option<Switch>,
    /// Key of the first application of an empty database; at least 24 characters [default: a random one, printed once]
    #[arg(long, env = "GAVEL_BOOTSTRAP_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub bootstrap_api_key: Option<String>,
}

/// `1`, `true`, `yes`, `on` and their opposites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "bool")]
pub struct Switch(pub bool);

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        Self(on)
    }
}

impl std::str::FromStr for Switch {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Self(true)),
            "0" | "false" | "no" | "off" | "" => Ok(Self(false)),
            _ => Err("use 1 or 0".into()),
        }
    }
}

/// Settings with defaults filled in, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Data folder.
    pub data: PathBuf,
    /// Which database.
    pub target: Target,
    /// Without a slash at the end.
    pub public_url: String,
    /// Server key in base64, when not in the data folder.
    pub server_key: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Wrong keys per client address and minute.
    pub failed_authentications: usize,
    /// How many requests an API key may make.
    pub rate_limits: RateLimits,
    /// Largest stored file in bytes.
    pub media_max_bytes: usize,
    /// Outbound calls.
    pub outbound: Outbound,
    /// Private authorities whose certificates are believed.
    pub authorities: Authorities,
    /// Waits between delivery attempts.
    pub retry_schedule: RetrySchedule,
    /// Only failures for so long pause a destination.
    pub webhook_pause_after: Duration,
    /// How long deliveries, dead letters and paused queues are kept.
    pub webhook_retention: Duration,
    /// How long a session stays a reviewer's who does nothing.
    pub claim_idle: Duration,
    /// Whether files of other systems are taken.
    pub imports: bool,
    /// How e-mail is sent, if it is.
    pub mail: Option<Mail>,
    /// First API key of an empty database.
    pub bootstrap_api_key: Option<String>,
}

/// What outbound calls may do.
#[derive(Debug, Clone, Copy)]
pub struct Outbound {
    /// Plain http is allowed.
    pub allow_http: bool,
    /// Private, loopback and link-local targets are allowed.
    pub allow_private: bool,
    /// From the start of a connection to the end of the answer's headers.
    pub timeout: Duration,
}

/// How e-mail is sent.
#[derive(Clone)]
pub struct Mail {
    /// Where to, with user name and, if it is there, password.
    pub url: String,
    /// Password that is not in the URL.
    pub password: Option<String>,
    /// The sender.
    pub from: Mailbox,
    /// Who may vouch for the server beside the public authorities.
    pub authorities: Authorities,
}

/// Without the password: debug output ends up in logs.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

/// A setting that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct ConfigError {
    setting: &'static str,
    reason: String,
}

impl ConfigError {
    /// A setting that cannot be used.
    pub fn new(setting: &'static str, reason: impl ToString) -> Self {
        Self { setting, reason: reason.to_string() }
    }
}

impl Settings {
    /// Reads a TOML file whose keys are the long flags with underscores.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::new("--config", format!("{}: {e}", path.display())))?;
        toml::from_str(&text).map_err(|e| {
            // The key is named, the value is not shown: it may be a secret.
            let key = e.span().map_or("", |span| key_at(&text, span.start));
            let reason = match e.message().split_once(", expected ") {
                Some((wrong, expected)) if wrong.starts_with("invalid") => format!("expected {expected}"),
                _ => e.message().to_owned(),
            };
            ConfigError::new("--config", format!("{}: {key}: {reason}", path.display()))
        })
    }

    /// These settings, and the other's where these say nothing.
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            data: self.data.or(other.data),
            database: self.database.or(other.database),
            public_url: self.public_url.or(other.public_url),
            database_connections: self.database_connections.or(other.database_connections),
            server_key: self.server_key.or(other.server_key),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            failed_authentications: self.failed_authentications.or(other.failed_authentications),
            rate_limits: self.rate_limits.or(other.rate_limits),
            media_max_bytes: self.media_max_bytes.or(other.media_max_bytes),
            webhook_allow_http: self.webhook_allow_http.or(other.webhook_allow_http),
            webhook_allow_private: self.webhook_allow_private.or(other.webhook_allow_private),
            webhook_retry_schedule: self.webhook_retry_schedule.or(other.webhook_retry_schedule),
            webhook_timeout: self.webhook_timeout.or(other.webhook_timeout),
            webhook_pause_after: self.webhook_pause_after.or(other.webhook_pause_after),
            webhook_retention: self.webhook_retention.or(other.webhook_retention),
            claim_idle: self.claim_idle.or(other.claim_idle),
            imports: self.imports.or(other.imports),
            ca_file: self.ca_file.or(other.ca_file),
            smtp_url: self.smtp_url.or(other.smtp_url),
            smtp_password_file: self.smtp_password_file.or(other.smtp_password_file),
            mail_from: self.mail_from.or(other.mail_from),
            bootstrap_api_key: self.bootstrap_api_key.or(other.bootstrap_api_key),
        }
    }

    /// Fills in defaults and checks everything.
    pub fn check(self) -> Result<Config, ConfigError> {
        let listen = self.listen.unwrap_or(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 8080));
        let data = self.data.unwrap_or_else(|| PathBuf::from("gavel-data"));
        let target = match self.database.filter(|url| !url.is_empty()) {
            None => Target::Sqlite(data.join("gavel.db")),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let connections = self.database_connections.unwrap_or(16);
                if !(1..=1_000).contains(&connections) {
                    return Err(ConfigError::new("--database-connections", "must be 1 to 1000"));
                }
                Target::Postgres(PostgresOptions { url, connections })
            }
            Some(_) => return Err(ConfigError::new("--database", "must be a postgres:// URL; leave it out for SQLite")),
        };
        let failed_authentications = self.failed_authentications.unwrap_or(60);
        if !(1..=10_000).contains(&failed_authentications) {
            return Err(ConfigError::new("--failed-authentications", "must be 1 to 10000"));
        }
        if let Some(key) = &self.bootstrap_api_key {
            if key.chars().count() < 24 {
                return Err(ConfigError::new("GAVEL_BOOTSTRAP_API_KEY", "must have at least 24 characters"));
            }
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                // No request could carry it in a header.
                return Err(ConfigError::new(
                    "GAVEL_BOOTSTRAP_API_KEY",
                    "must consist of visible ASCII characters without blanks",
                ));
            }
        }
        let authorities = match self.ca_file {
            Some(path) => Authorities::from_file(&path).map_err(|reason| ConfigError::new("--ca-file", reason))?,
            None => Authorities::default(),
        };
        Ok(Config {
            public_url: public_url(self.public_url, listen)?,
            listen,
            data,
            target,
            server_key: self.server_key,
            trusted_proxies: ranges(self.trusted_proxies.as_deref().unwrap_or_default())?,
            failed_authentications,
            rate_limits: self.rate_limits.check()?,
            media_max_bytes: self.media_max_bytes.unwrap_or(20 << 20),
            outbound: Outbound {
                allow_http: self.webhook_allow_http.is_some_and(|on| on.0),
                allow_private: self.webhook_allow_private.is_some_and(|on| on.0),
                timeout: timeout(self.webhook_timeout.as_deref().unwrap_or("5s"))?,
            },
            retry_schedule: match self.webhook_retry_schedule {
                Some(text) => text.parse().map_err(|e| ConfigError::new("--webhook-retry-schedule", e))?,
                None => RetrySchedule::default(),
            },
            webhook_pause_after: long_wait("--webhook-pause-after", self.webhook_pause_after.as_deref().unwrap_or("3d"), "1h")?,
            webhook_retention: long_wait("--webhook-retention", self.webhook_retention.as_deref().unwrap_or("30d"), "1d")?,
            claim_idle: wait_between("--claim-idle", self.claim_idle.as_deref().unwrap_or("10m"), ("30s", "24h"))?,
            imports: self.imports.is_none_or(|on| on.0),
            mail: mail(self.smtp_url, self.smtp_password_file.as_deref(), self.mail_from, &authorities)?,
            authorities,
            bootstrap_api_key: self.bootstrap_api_key,
        })
    }
}

/// The key of the line that holds this place.
fn key_at(text: &str, place: usize) -> &str {
    let start = text.get(..place).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    line.split_once('=').map_or("", |(key, _)| key.trim_end())
}

fn public_url(given: Option<String>, listen: SocketAddr) -> Result<String, ConfigError> {
    let text = given.unwrap_or_else(|| format!("http://{listen}"));
    let url = url::Url::parse(&text).map_err(|e| ConfigError::new("--public-url", e))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(ConfigError::new("--public-url", "must be an http or https URL with a host"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn mail(
    url: Option<String>,
    password_file: Option<&Path>,
    from: Option<String>,
    authorities: &Authorities,
) -> Result<Option<Mail>, ConfigError> {
    let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(None) };
    let from = from.ok_or_else(|| ConfigError::new("--mail-from", "is needed with --smtp-url"))?;
    let from = from.parse().map_err(|_| ConfigError::new("--mail-from", "must be an address, such as gavel@example.com"))?;
    let password = match password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|e| ConfigError::new("--smtp-password-file", format!("{}: {e}", path.display())))?;
            Some(text.lines().next().unwrap_or_default().to_owned())
        }
        None => None,
    };
    let mail = Mail { url, password, from, authorities: authorities.clone() };
    Mailer::new(&mail, "localhost").map_err(|reason| ConfigError::new("--smtp-url", reason))?;
    Ok(Some(mail))
}

fn ranges(text: &str) -> Result<Vec<IpNet>, ConfigError> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| ConfigError::new("--trusted-proxies", format!("{part} is neither an address nor a range")))
        })
        .collect()
}

/// One wait of at least `least` and at most a year.
fn long_wait(setting: &'static str, text: &str, least: &str) -> Result<Duration, ConfigError> {
    wait_between(setting, text, (least, "365d"))
}

/// One wait between two others.
fn wait_between(setting: &'static str, text: &str, (least, most): (&str, &str)) -> Result<Duration, ConfigError> {
    let parse = |text: &str| text.parse::<RetrySchedule>().map_err(|e| ConfigError::new(setting, e));
    match (parse(text)?.waits(), parse(least)?.waits(), parse(most)?.waits()) {
        ([wait], [shortest], [longest]) if wait >= shortest && wait <= longest => Ok(*wait),
        _ => Err(ConfigError::new(setting, format!("must be {least} to {most}"))),
    }
}

fn timeout(text: &str) -> Result<Duration, ConfigError> {
    let one: RetrySchedule = text.parse().map_err(|e| ConfigError::new("--webhook-timeout", e))?;
    match one.waits() {
        [wait] if (1..=60).contains(&wait.as_secs()) => Ok(*wait),
        _ => Err(ConfigError::new("--webhook-timeout", "must be 1s to 60s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_a_local_sqlite_server() {
        let config = Settings::default().check().unwrap();
        assert_eq!(config.public_url, "http://127.0.0.1:8080");
        assert!(matches!(config.target, Target::Sqlite(path) if path == Path::new("gavel-data/gavel.db")));
        assert_eq!(config.outbound.timeout, Duration::from_secs(5));
        assert!(!config.outbound.allow_http && !config.outbound.allow_private);
    }

    #[test]
    fn the_first_source_wins() {
        let flag = Settings { listen: "127.0.0.1:1".parse().ok(), ..Settings::default() };
        let file: Settings = toml::from_str("listen = '127.0.0.1:2'\nwebhook_allow_http = true").unwrap();
        let config = flag.or(file).check().unwrap();
        assert_eq!(config.listen.port(), 1);
        assert!(config.outbound.allow_http);
        let limits: Settings = toml::from_str("[rate_limits]\nenabled = true\ngeneric_get = 7").unwrap();
        let limits = limits.check().unwrap().rate_limits;
        assert_eq!((limits.enabled, limits.generic_get, limits.generic_write), (true, 7, 300));
        assert!(toml::from_str::<Settings>("rate_limits.generic_got = 7").is_err());
        assert!(toml::from_str::<Settings>("listne = '127.0.0.1:2'").is_err(), "a misspelt key is not ignored");
    }

    #[test]
    fn mail_needs_a_server_and_a_sender() {
        let settings = |url: &str, from: Option<&str>| {
            Settings { smtp_url: Some(url.into()), mail_from: from.map(str::to_owned), ..Settings::default() }.check()
        };
        for url in ["smtps://u:s3cret@mail.example", "smtp://mail.example?tls=required", "smtp://127.0.0.1:25"] {
            let config = settings(url, Some("Gavel <g@gavel.example>")).unwrap();
            assert!(!format!("{config:?}").contains("s3cret"));
        }
        let refused = |url: &str, from: Option<&str>| settings(url, from).unwrap_err().to_string();
        assert_eq!(refused("smtp://h", None), "--mail-from: is needed with --smtp-url");
        assert_eq!(refused("smtp://h", Some("x")), "--mail-from: must be an address, such as gavel@example.com");
        for url in ["http://u:s3cret@h", "smtp://u:s3cret@h?tls=perhaps", "s3cret"] {
            let said = refused(url, Some("g@gavel.example"));
            assert!(said.starts_with("--smtp-url: must be") && !said.contains("s3cret"), "{said}");
        }
        assert!(settings("", None).unwrap().mail.is_none());
    }

    #[test]
    fn unusable_settings_are_named() {
        let refused = |settings: Settings| settings.check().unwrap_err().to_string();
        assert_eq!(
            refused(Settings { database: Some("mysql://x".into()), ..Settings::default() }),
            "--database: must be a postgres:// URL; leave it out for SQLite"
        );
        assert!(
            refused(Settings { bootstrap_api_key: Some("short".into()), ..Settings::default() }).starts_with("GAVEL_BOOTSTRAP")
        );
        assert!(
            refused(Settings { trusted_proxies: Some("10.0.0.0/8,x".into()), ..Settings::default() }).contains("x is neither")
        );
        assert!(refused(Settings { webhook_timeout: Some("2m".into()), ..Settings::default() }).contains("1s to 60s"));
        assert!(
            refused(Settings { public_url: Some("id.example.com".into()), ..Settings::default() }).starts_with("--public-url")
        );
    }
}
