//! `gavel list import|export|diff|lookup|release`: beside a running server, on the same database.

use std::{io::Write, path::PathBuf};

use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use futures_util::stream;
use gavel_core::ids::{ApplicationId, ListId};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::AsyncReadExt;

use super::{CliError, Common, key::open};
use crate::{
    actions::{
        Caller, Error, export,
        import::{self, How, rows::Format},
        list_history, list_settings, lists, lookup,
    },
    app::App,
    store::{applications, imports::Part, lists::Filter},
};

/// Options of `gavel list`.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    common: Common,
    /// Application the list belongs to [default: the first]
    #[arg(long, value_name = "UUID", global = true)]
    application: Option<uuid::Uuid>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add the rows of a file; what is there already is passed over, so it is safe to run again
    ///
    /// A CSV file names its columns in the first row: value, and if you like
    /// display_label, comment, metadata (JSON), expires_at, reference_object_uuid.
    /// A file of JSON has one object with these members per line.
    ///
    ///   gavel list import "Email Blocklist" bad.csv --dry-run
    ///   gavel list import "Email Blocklist" bad.csv --rejects rejects.ndjson
    #[command(verbatim_doc_comment)]
    Import {
        /// The list: its name or its id
        list: String,
        /// The file; - reads standard input
        file: PathBuf,
        #[command(flatten)]
        how: Importing,
        /// Where to write the refused rows, to be corrected and sent again
        #[arg(long, value_name = "FILE")]
        rejects: Option<PathBuf>,
    },
    /// Write the entries of a list, as they stand or stood
    Export {
        /// The list: its name or its id
        list: String,
        /// How to write them
        #[arg(long, value_enum, default_value = "csv")]
        format: FileFormat,
        /// A revision number, or a time such as 2026-05-02T09:00:00Z
        #[arg(long, value_name = "STATE")]
        as_of: Option<String>,
        /// Where to write [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show what two states of a list differ in
    Diff {
        /// The list: its name or its id
        list: String,
        /// A revision number or a time
        #[arg(long, value_name = "STATE")]
        from: String,
        /// A revision number or a time [default: now]
        #[arg(long, value_name = "STATE")]
        to: Option<String>,
    },
    /// Take a list out from under four eyes: when nobody is left who could approve a change
    Release {
        /// The list: its name or its id
        list: String,
    },
    /// Say which lists hold a value
    Lookup {
        /// Its type: phone, email, ip_address, document, …
        entry_type: String,
        /// The value, in any spelling
        value: String,
        /// A revision number or a time [default: now]
        #[arg(long, value_name = "STATE")]
        as_of: Option<String>,
    },
}

#[derive(Args)]
struct Importing {
    /// How the file is written [default: by its ending, else csv]
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Only say what would become of every row
    #[arg(long)]
    dry_run: bool,
    /// What a row that is not acceptable means for the others
    #[arg(long, value_enum, default_value = "skip")]
    on_error: OnError,
}

#[derive(Clone, Copy, ValueEnum)]
enum FileFormat {
    Csv,
    Ndjson,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// Pass over it
    Skip,
    /// End there
    Abort,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Ndjson => Self::Ndjson,
        }
    }
}

/// The command.
pub async fn run(options: &Options) -> Result<(), CliError> {
    let app = open(&options.common).await?;
    let done = with(&app, options).await;
    app.store.close().await;
    done
}

async fn with(app: &App, options: &Options) -> Result<(), CliError> {
    let route = match &options.command {
        Command::Import { .. } => "gavel list import",
        Command::Export { .. } => "gavel list export",
        Command::Diff { .. } => "gavel list diff",
        Command::Lookup { .. } => "gavel list lookup",
        Command::Release { .. } => "gavel list release",
    };
    let caller = caller(app, options.application.map(ApplicationId), route).await?;
    match &options.command {
        Command::Import { list, file, how, rejects } => {
            let list = find(app, &caller, list).await?;
            take_in(app, &caller, list, file, how, rejects.as_deref()).await
        }
        Command::Export { list, format, as_of, output } => {
            let list = find(app, &caller, list).await?;
            let mut export = export::start(app, &caller, list, (*format).into(), as_of.clone()).await.map_err(told)?;
            let mut out: Box<dyn Write> = match output {
                Some(path) => Box::new(std::io::BufWriter::new(std::fs::File::create(path)?)),
                None => Box::new(std::io::stdout().lock()),
            };
            while let Some(part) = export.next().await.map_err(told)? {
                out.write_all(&part)?;
            }
            Ok(out.flush()?)
        }
        Command::Diff { list, from, to } => {
            let list = find(app, &caller, list).await?;
            diff(app, &caller, list, (from, to.as_deref())).await
        }
        Command::Release { list } => {
            let list = find(app, &caller, list).await?;
            list_settings::release(app, &caller, list).await.map_err(told)?;
            print("changes of this list need nobody else any more; the audit trail says so")
        }
        Command::Lookup { entry_type, value, as_of } => {
            let asked = (Some(entry_type.clone()), Some(value.clone()), as_of.clone());
            let found = lookup::look_up(app, &caller, asked.0, asked.1, asked.2).await.map_err(told)?;
            print(&serde_json::to_string_pretty(&found)?)
        }
    }
}

async fn caller(app: &App, application: Option<ApplicationId>, route: &'static str) -> Result<Caller, CliError> {
    let all = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?) })).await?;
    let found = all.iter().find(|known| application.is_none_or(|id| known.id == id));
    let found = found.ok_or_else(|| CliError::new("there is no such application"))?;
    Ok(Caller::system(found.id, "CLI", route))
}

/// The list of this id or name.
async fn find(app: &App, caller: &Caller, name: &str) -> Result<ListId, CliError> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let (all, _) = lists::list(app, caller, Filter::default(), (10_000, 0)).await?;
    let named = all.iter().find(|list| list.name() == name).map(|list| list.id());
    named.ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|list| format!("  {}", list.name())).collect();
        CliError::new(format!("there is no list \"{name}\"; there are:\n{}", names.join("\n")))
    })
}

async fn take_in(
    app: &App,
    caller: &Caller,
    list: ListId,
    path: &std::path::Path,
    options: &Importing,
    rejects: Option<&std::path::Path>,
) -> Result<(), CliError> {
    let by_ending = path.extension().and_then(|ending| ending.to_str()).and_then(|ending| match ending {
        "ndjson" | "jsonl" | "json" => Some(Format::Ndjson),
        _ => None,
    });
    let format = options.format.map(Format::from).or(by_ending).unwrap_or(Format::Csv);
    let how = How { format, dry_run: options.dry_run, abort: options.on_error == OnError::Abort, sweep: None };
    let (input, size): (Box<dyn tokio::io::AsyncRead + Unpin>, Option<u64>) = if path == std::path::Path::new("-") {
        (Box::new(tokio::io::stdin()), None)
    } else {
        let named = |error| CliError::new(format!("{}: {error}", path.display()));
        let file = tokio::fs::File::open(path).await.map_err(named)?;
        let size = file.metadata().await.map_err(named)?.len();
        (Box::new(file), Some(size))
    };
    let bar = bar(size);
    let counted = bar.clone();
    let pieces = stream::try_unfold((input, counted), async |(mut input, bar)| {
        let mut piece = vec![0; 64 << 10];
        let read = input.read(&mut piece).await?;
        piece.truncate(read);
        bar.inc(read as u64);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), (input, bar))))
    });
    let shown = bar.clone();
    let done = import::import(app, caller, list, how, Box::pin(pieces), |rows| shown.set_message(format!("{rows} rows"))).await;
    bar.finish_and_clear();
    let job = done.map_err(told)?;
    let (added, duplicates, refused) = job.counts();
    let would = if options.dry_run { "would be " } else { "" };
    print(&format!("{added} {would}added, {duplicates} there already, {refused} refused (import {})", job.id()))?;
    if let (Some(path), true) = (rejects, refused > 0) {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        let mut from = 0;
        while let Some((next, text)) = import::lines(app, job.id(), from, Part::Rejects).await.map_err(told)? {
            file.write_all(text.as_bytes())?;
            from = next;
        }
        file.flush()?;
        print(&format!("refused rows: {}", path.display()))?;
    }
    match job.outcome() {
        ("completed", _) => Ok(()),
        (_, message) => Err(CliError::new(message.unwrap_or("the import did not come to its end"))),
    }
}

/// On a terminal; elsewhere nothing is drawn.
fn bar(size: Option<u64>) -> ProgressBar {
    let (bar, style) = match size {
        Some(size) => (ProgressBar::new(size), "{bar:40} {bytes}/{total_bytes}  {msg}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {msg}"),
    };
    bar.with_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

async fn diff(app: &App, caller: &Caller, list: ListId, (from, to): (&str, Option<&str>)) -> Result<(), CliError> {
    let (mut offset, page) = (0, 200);
    loop {
        let between = (Some(from.to_owned()), to.map(str::to_owned));
        let (rows, total) = list_history::diff(app, caller, list, between, (page, offset)).await.map_err(told)?;
        for row in &rows {
            print(&row.line())?;
        }
        offset += page;
        if offset >= total {
            return print(&format!("{total} differences"));
        }
    }
}

/// What is wrong with what was asked, by field, for a person.
fn told(error: Error) -> CliError {
    match error {
        Error::Invalid(errors) => CliError::new(serde_json::to_string(&errors).unwrap_or_else(|_| "not acceptable".to_owned())),
        Error::NotFound(_) => CliError::new("there is no such list"),
        other => CliError::from_display(other),
    }
}

fn print(text: &str) -> Result<(), CliError> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
