//! The command line: one file per command.

pub mod audit;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod key;
pub mod list;
pub mod member;
pub mod migrate;
pub mod serve;
pub mod webhook;

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Settings};

/// A self-hosted decision desk for identity verification.
///
/// Sessions come in with evidence, every value is screened against your lists, people decide, signed webhooks tell your
/// systems. `gavel demo` shows all of it on sample data; `gavel serve` runs a server.
#[derive(Parser)]
#[command(name = "gavel", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(Common),
    /// Run a server on a temporary folder with sample data, and a webhook receiver beside it
    Demo(demo::Options),
    /// Bring the database up to this version, without serving
    Migrate(Common),
    /// Make, list and revoke API keys
    Key(key::Options),
    /// Invite, list and remove people, change their roles, reset passwords
    Member(member::Options),
    /// Import, export and compare lists, and look values up
    List(list::Options),
    /// Receive webhooks for local development, and send past events again
    Webhook(webhook::Options),
    /// Export and verify the audit trail, and change the key that signs it
    Audit(audit::Options),
    /// Check settings, folder, key and database, and say what is wrong
    Doctor(Common),
    /// Show the settings in force and where they can be set
    Config(Common),
}

/// What every command that needs a server's settings takes.
#[derive(Args, Clone)]
pub struct Common {
    /// TOML file with settings; its keys are the long flags with underscores
    #[arg(long, env = "GAVEL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Common {
    /// Flags and variables first, then the file.
    fn settings(&self) -> Result<Settings, CliError> {
        let given = self.settings.clone();
        Ok(match &self.config {
            Some(path) => given.or(Settings::from_file(path).map_err(CliError::from_display)?),
            None => given,
        })
    }

    /// The checked settings.
    pub fn load(&self) -> Result<Config, CliError> {
        self.settings()?.check().map_err(CliError::from_display)
    }
}

/// What a command ends with when it does not succeed: a sentence for a person.
#[derive(Debug)]
pub struct CliError(String);

impl CliError {
    /// A sentence.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whatever the error says.
    pub fn from_display(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl<E: std::error::Error> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::from_display(error)
    }
}

/// Runs the command line of this process.
#[expect(clippy::print_stderr, reason = "the command line speaks to a person")]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: threads cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(common) => serve::run(&common).await,
            Command::Demo(options) => demo::run(&options).await,
            Command::Migrate(common) => migrate::run(&common).await,
            Command::Key(options) => key::run(&options).await,
            Command::Member(options) => member::run(&options).await,
            Command::List(options) => list::run(&options).await,
            Command::Webhook(options) => webhook::run(&options).await,
            Command::Audit(options) => audit::run(&options).await,
            Command::Doctor(common) => doctor::run(&common).await,
            Command::Config(common) => config::run(&common),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError(text)) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Logs for an operator: to standard error, `GAVEL_LOG` says how much, `GAVEL_LOG_FORMAT=json` for machines.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GAVEL_LOG").unwrap_or_else(|_| "gavel=info".into());
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let started = match std::env::var("GAVEL_LOG_FORMAT").as_deref() {
        Ok("json") => lines.json().try_init(),
        _ => lines.with_target(false).try_init(),
    };
    drop(started); // Somebody else has set up logging: fine.
}
