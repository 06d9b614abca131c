//! `gavel audit export|verify|keys`: the audit trail out of a server, and its check without one.

use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use gavel_core::{
    audit::{LINE_LIMIT, PublicKey, Report, SignedCheckpoint, Verifier},
    ids::ApplicationId,
    json::Value,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    CliError, Common,
    key::{open, parse},
};
use crate::{
    actions::{Caller, Error, audit_keys, audit_trail},
    app::App,
    store::applications,
};

/// Options of `gavel audit`.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the audit trail of an application to a file that anybody can verify
    ///
    /// One line of JSON per event, behind a signed first line. The export itself is recorded.
    ///
    ///   gavel audit export --output audit.ndjson
    ///   gavel audit export --values --output audit-with-values.ndjson
    #[command(verbatim_doc_comment)]
    Export(Box<Export>),
    /// Check an exported file: needs neither a server nor a database
    ///
    /// Finds a row that was edited, removed, added or moved, and a tail that was cut off, and names the
    /// first one. The exit status is 0 only when everything holds. The public key comes from
    /// `gavel audit keys list` or GET /x/audit/public-key/; ask for it on another way than the file came.
    ///
    /// A file cannot tell that a newer one exists: a checkpoint kept from earlier can. Then a file that ends
    /// before it, or whose rows up to there were written anew, is refused.
    ///
    ///   gavel audit verify audit.ndjson --public-key 8a88e3dd...
    ///   gavel audit verify audit.ndjson --public-key key.json --checkpoint remembered.json
    #[command(verbatim_doc_comment)]
    Verify {
        /// The file; - reads standard input
        file: PathBuf,
        /// 64 hex digits, or a file that holds them or the answer of /x/audit/public-key/
        #[arg(long, value_name = "KEY")]
        public_key: String,
        /// A file of remembered checkpoints: one per line, or the answer of /x/audit/checkpoints/
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
    },
    /// List the signing keys, or go over to a new one
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
}

#[derive(Args)]
struct Export {
    #[command(flatten)]
    common: Common,
    /// Application whose trail it is [default: the first]
    #[arg(long, value_name = "UUID")]
    application: Option<String>,
    /// With paths, addresses and e-mails, and the salts that prove them
    #[arg(long)]
    values: bool,
    /// Where to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// List all public keys, the newest first
    List(Box<Common>),
    /// Go over to a new key: signed by the old one and the new one, and recorded in every application's trail
    ///
    /// Running servers sign with the new key at once. Whoever trusts the old public key follows to the new one.
    Rotate(Box<Rotate>),
}

#[derive(Args)]
struct Rotate {
    #[command(flatten)]
    common: Common,
    /// The file of the old key is gone: the new one signs alone, and everybody who verifies must be given it
    #[arg(long)]
    lost: bool,
}

/// The command.
pub async fn run(options: &Options) -> Result<(), CliError> {
    match &options.command {
        Command::Export(options) => {
            let app = open(&options.common).await?;
            let done = export(&app, options).await;
            app.store.close().await;
            done
        }
        Command::Verify { file, public_key, checkpoint } => verify(file, public_key, checkpoint),
        Command::Keys { command: KeysCommand::List(common) } => {
            let app = open(common).await?;
            for (place, key) in audit_keys::list(&app).await?.iter().rev().enumerate() {
                let state = if place == 0 { "in use" } else { "earlier" };
                print(&format!("{}  id {}  since {}  {state}", key.public, key.public.id(), key.since))?;
            }
            app.store.close().await;
            Ok(())
        }
        Command::Keys { command: KeysCommand::Rotate(options) } => {
            let app = open(&options.common).await?;
            let done = audit_keys::rotate(&app, options.lost).await;
            app.store.close().await;
            let key = done?;
            print(&format!("public key: {}\nkey id: {}", key.public, key.public.id()))
        }
    }
}

async fn export(app: &App, options: &Export) -> Result<(), CliError> {
    let wanted = options.application.as_deref().map(parse::<ApplicationId>).transpose()?;
    let all = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?) })).await?;
    let found = all.iter().find(|known| wanted.is_none_or(|id| known.id == id));
    let found = found.ok_or_else(|| CliError::new("there is no such application"))?;
    let caller = Caller::system(found.id, "CLI", "gavel audit export");
    let mut export = audit_trail::export(app, &caller, options.values).await?;
    let mut out: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(std::io::BufWriter::new(File::create(path).map_err(|e| named(path, e))?)),
        None => Box::new(std::io::stdout().lock()),
    };
    while let Some(part) = export.next().await? {
        out.write_all(&part)?;
    }
    Ok(out.flush()?)
}

fn named(path: &Path, error: impl std::fmt::Display) -> CliError {
    CliError::new(format!("{}: {error}", path.display()))
}

fn verify(path: &Path, key: &str, checkpoints: &[PathBuf]) -> Result<(), CliError> {
    let key = read_key(key)?;
    let remembered = checkpoints.iter().map(|path| read_checkpoints(path)).collect::<Result<Vec<_>, _>>()?.concat();
    let (input, size): (Box<dyn Read>, Option<u64>) = if path == Path::new("-") {
        (Box::new(std::io::stdin()), None)
    } else {
        let file = File::open(path).map_err(|e| named(path, e))?;
        let size = file.metadata().map_err(|e| named(path, e))?.len();
        (Box::new(file), Some(size))
    };
    let report = check(BufReader::with_capacity(1 << 20, input), key, remembered, size).map_err(|e| named(path, e))?;
    let Report { end, key_id, values, without_values, checkpoints } = report;
    print(&format!("ok: {} rows of application {} up to {}, signed with key {key_id}", end.count, end.application, end.at))?;
    match values {
        true => print(&format!("personal values: {without_values} rows have none, all others are as they were recorded"))?,
        false => print("personal values: not in this file")?,
    }
    match checkpoints {
        0 => print("checkpoints: none given, so this may be an older export than the newest one"),
        met => print(&format!("checkpoints: {met} met")),
    }
}

/// Reads a line at a time, and never more than a line.
fn check(
    mut input: impl BufRead,
    key: PublicKey,
    checkpoints: Vec<SignedCheckpoint>,
    size: Option<u64>,
) -> Result<Report, Box<dyn std::error::Error>> {
    let (mut verifier, mut line, mut rows) = (Verifier::new(key, checkpoints), Vec::new(), 0_u64);
    let bar = bar(size);
    let mut read = 0;
    loop {
        line.clear();
        let bytes = (&mut input).take(LINE_LIMIT as u64 + 2).read_until(b'\n', &mut line)?;
        if bytes == 0 {
            break;
        }
        verifier.line(&line)?;
        (rows, read) = (rows + 1, read + bytes as u64);
        if rows.is_multiple_of(8_192) {
            bar.set_position(read);
            bar.set_message(format!("{rows} rows"));
        }
    }
    bar.finish_and_clear();
    Ok(verifier.finish()?)
}

/// On a terminal; elsewhere nothing is drawn.
fn bar(size: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, style) = match size {
        Some(size) => (ProgressBar::new(size), "{bar:40} {bytes}/{total_bytes}  {msg}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {msg}"),
    };
    bar.with_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The key itself, or a file of it.
fn read_key(sent: &str) -> Result<PublicKey, CliError> {
    if let Ok(key) = sent.parse() {
        return Ok(key);
    }
    let text = std::fs::read_to_string(sent)
        .map_err(|e| CliError::new(format!("{sent} is neither 64 lower-case hex digits nor a file that can be read: {e}")))?;
    let member = match Value::parse(text.as_bytes()) {
        Ok(value) => value.as_object().and_then(|object| object.get("public_key")?.as_text().map(str::to_owned)),
        Err(_) => None,
    };
    let key = member.as_deref().unwrap_or(text.trim()).parse();
    key.map_err(|_| CliError::new(format!("{sent} holds no public key")))
}

/// One per line, or a page of them.
fn read_checkpoints(path: &Path) -> Result<Vec<SignedCheckpoint>, CliError> {
    let named = |said: &dyn std::fmt::Display| CliError::new(format!("the checkpoint file {}: {said}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| named(&e))?;
    let refused = || named(&"holds something else than checkpoints");
    let one = |value: &Value<'_>| SignedCheckpoint::read(value).map_err(|_| refused());
    if let Ok(value) = Value::parse(text.as_bytes()) {
        return match value.as_object().and_then(|page| page.get("results")?.as_array()) {
            Some(page) => page.iter().map(one).collect(),
            None => Ok(vec![one(&value)?]),
        };
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| one(&Value::parse(line.as_bytes()).map_err(|_| refused())?)).collect()
}

fn print(text: &str) -> Result<(), CliError> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
