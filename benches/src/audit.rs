//! The audit trail: rows chained and written as an export, the file verified; and rows sealed in a server's database.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Seek, Write},
    path::Path,
    time::Instant,
};

use clap::Parser;
use gavel::{
    actions::{Caller, Error, seal},
    app::App,
    cli::serve::prepare,
    clock::{new_id, random},
    config::Settings,
    store::applications,
};
use gavel_core::{
    audit::{Checkpoint, Event, Head, Personal, SigningKey, Verifier, commitment, genesis},
    time::Timestamp,
};
use uuid::Uuid;

#[derive(Parser)]
struct Options {
    /// postgres:// URL of an empty database; without it SQLite in a temporary folder
    #[arg(long)]
    database: Option<String>,
    /// Rows of the export
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Rows to be sealed in the database
    #[arg(long, default_value_t = 100_000)]
    sealed: u64,
    /// Keep the export here, to run other verifiers on it
    #[arg(long)]
    keep: Option<std::path::PathBuf>,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = options.keep.clone().unwrap_or_else(|| folder.path().join("audit.ndjson"));
    let key = SigningKey::from_seed(&random());
    report("chained and written", options.rows, || write(&file, options.rows, &key));
    println!("file                  {} MB   public key {}", size_mb(&file), key.public());
    report("verified", options.rows, || verify(&file, &key));
    println!("peak memory           {} MB", peak_mb());
    seal_in_database(&options, folder.path()).await;
}

fn report(what: &str, rows: u64, run: impl FnOnce()) {
    let began = Instant::now();
    run();
    let seconds = began.elapsed().as_secs_f64();
    println!("{what:<21} {:>8.0} rows/s   {seconds:.2} s", rows as f64 / seconds);
}

/// An export as the server makes it, with personal values.
fn write(path: &Path, rows: u64, key: &SigningKey) {
    let application = new_id();
    let at = Timestamp::from_micros(1_777_713_242_118_450);
    let mut previous = genesis(application);
    // The head comes first and knows the end: one of the same length keeps its place.
    let head = |hash| {
        let end = Checkpoint { application, count: rows, head: hash, at };
        Head { end, rotations: Vec::new(), values: true }.line(key) + "\n"
    };
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    out.write_all(head(previous).as_bytes()).expect("written");
    let mut line = String::new();
    for seq in 1..=rows {
        let personal = Personal {
            salt: random(),
            text: format!(r#"{{"path":"/v3/sessions/{seq}/reviews/","ip":"192.0.2.1","email":null}}"#),
        };
        let event = Event {
            seq,
            id: new_id(),
            kind: "review.created".into(),
            actor_type: "API_KEY".into(),
            actor_id: Some(Uuid::from_u128(7)),
            method: "POST".into(),
            route: "/v3/sessions/{session_id}/reviews/".into(),
            status_code: 201,
            objects: [("session".to_owned(), new_id()), ("activity".to_owned(), new_id())].into(),
            commitment: commitment(&personal.salt, &personal.text),
            at,
        };
        previous = event.hash(&previous);
        line.clear();
        event.write_line(&mut line, &previous, Some(&personal));
        out.write_all(line.as_bytes()).expect("written");
    }
    out.rewind().expect("at the beginning");
    out.write_all(head(previous).as_bytes()).expect("written");
    out.flush().expect("written");
}

fn verify(path: &Path, key: &SigningKey) {
    let mut verifier = Verifier::new(key.public(), Vec::new());
    let mut input = BufReader::with_capacity(1 << 20, File::open(path).expect("the file"));
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).expect("a line") > 0 {
        verifier.line(&line).expect("a good line");
        line.clear();
    }
    verifier.finish().expect("a good file");
}

/// Rows as changes write them, then one sealer over all of them.
async fn seal_in_database(options: &Options, folder: &Path) {
    let settings = Settings {
        listen: "127.0.0.1:0".parse().ok(),
        data: Some(folder.join("data")),
        database: options.database.clone(),
        ..Settings::default()
    };
    // Prepared and not run: no worker seals beside what is measured.
    let ready = prepare(settings.check().expect("settings")).await.map_err(|e| println!("{e:?}")).expect("a server");
    let app = ready.app.clone();
    append(&app, options.sealed).await;
    let began = Instant::now();
    let sealed = seal::seal_all(&app).await.expect("sealed");
    let seconds = began.elapsed().as_secs_f64();
    println!("{:<21} {:>8.0} rows/s   {seconds:.2} s", "sealed", sealed as f64 / seconds);
    app.store.close().await;
}

async fn append(app: &App, rows: u64) {
    let all = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?) }));
    let (application, now) = (all.await.expect("applications")[0].id, app.clock.now());
    let (mut left, mut caller) = (rows, Caller::system(application, "POST", "/v3/sessions/{session_id}/reviews/"));
    caller.path = format!("/v3/sessions/{}/reviews/", Uuid::from_u128(9));
    while left > 0 {
        let part = left.min(1_000);
        let caller = caller.clone();
        let written = app.store.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                for _ in 0..part {
                    let objects = [("session", new_id()), ("activity", new_id())];
                    caller.audit(tx, "review.created", &objects, now).await?;
                }
                Ok(())
            })
        });
        written.await.expect("written");
        left -= part;
    }
}

fn size_mb(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len() / 1_000_000)
}

/// The most memory this process has had, in megabytes.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1_000
}
