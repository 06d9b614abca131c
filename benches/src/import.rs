//! A file of entries into a list over loopback: rows per second, and how much memory the server takes.
//!
//! One process holds the server and the client, which makes the rows as it sends them; what is printed is the peak of
//! both. The file is sent once, its verdicts are counted, and the same file is sent again: all duplicates. Somebody screens
//! ten times a second meanwhile, so that the index is in use and follows.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

mod wire;

use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use wire::{answer, head, peak_mb, post, serve};

#[derive(Parser)]
struct Options {
    /// postgres:// URL of an empty database; without it SQLite in a temporary folder
    #[arg(long)]
    database: Option<String>,
    /// Rows of the file
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = serve(folder.path(), options.database.clone()).await.config.listen.to_string();

    tokio::spawn(screen_now_and_then(address.clone()));
    let lists = get(&address, "/v3/lists/?entry_type=email").await;
    let list = lists["results"][0]["uuid"].as_str().expect("a list").to_owned();
    for (name, expected) in [("a new file", "added"), ("the same again", "duplicates")] {
        let began = Instant::now();
        let job = import(&address, &list, options.rows).await;
        let seconds = began.elapsed().as_secs_f64();
        assert_eq!(job[expected].as_u64(), Some(options.rows), "{job}");
        println!("{name:<16} {:>8.0} rows/s   {seconds:.1} s   peak {} MB", options.rows as f64 / seconds, peak_mb());
        let path = format!("/x/lists/{list}/imports/{}/verdicts/", job["uuid"].as_str().expect("an id"));
        assert_eq!(count_lines(&address, &path).await, options.rows, "a verdict for every row");
    }
    println!("after verdicts   peak {} MB", peak_mb());
}

async fn get(address: &str, path: &str) -> Value {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(head("GET", path, "").as_bytes()).await.expect("sent");
    answer(stream).await
}

async fn screen_now_and_then(address: String) {
    loop {
        let body = r#"{"values":[{"entry_type":"email","value":"person7@example.com"}]}"#;
        let stream = post(&address, "/x/screen/", body).await;
        let screened = answer(stream).await;
        assert!(screened["verdict"].is_string(), "{screened}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sends rows as they are made, in chunks.
async fn import(address: &str, list: &str, rows: u64) -> Value {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let path = format!("/x/lists/{list}/entries/import/");
    stream.write_all(head("POST", &path, "transfer-encoding: chunked\r\n").as_bytes()).await.expect("sent");
    let mut piece = "value,comment\n".to_owned();
    for n in 0..rows {
        piece.push_str(&format!("person{n}@example.com,row {n}\n"));
        if piece.len() > 60_000 || n + 1 == rows {
            stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await.expect("sent");
            piece.clear();
        }
    }
    stream.write_all(b"0\r\n\r\n").await.expect("sent");
    answer(stream).await
}

/// The lines of a body, without keeping them. Verdicts hold no `{"row"` of their own.
async fn count_lines(address: &str, path: &str) -> u64 {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(head("GET", path, "").as_bytes()).await.expect("sent");
    let (mut lines, mut count) = (BufReader::new(stream).split(b'\n'), 0);
    while let Some(line) = lines.next_segment().await.expect("a line") {
        count += u64::from(line.starts_with(b"{\"row\""));
    }
    count
}
