//! What benchmarks over loopback share: a server, requests written by hand, and the memory of this process.

use std::path::Path;

use gavel::{app::App, cli::serve::prepare, config::Settings};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The key of every server that is measured.
pub(crate) const KEY: &str = "bench-key-0123456789abcdef";

/// A server that runs to the end of the process, on `database` or on SQLite in the folder.
pub(crate) async fn serve(folder: &Path, database: Option<String>) -> App {
    let settings = Settings {
        listen: "127.0.0.1:0".parse().ok(),
        data: Some(folder.to_owned()),
        database,
        bootstrap_api_key: Some(KEY.into()),
        ..Settings::default()
    };
    let ready = prepare(settings.check().expect("settings")).await.map_err(|e| println!("{e:?}")).expect("a server");
    let app = ready.app.clone();
    tokio::spawn(ready.run(std::future::pending()));
    app
}

/// The head of a request; `more`: further lines, each with its end.
pub(crate) fn head(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: bench\r\nx-api-key: {KEY}\r\nconnection: close\r\n{more}\r\n")
}

/// Sends a request with a JSON body; the connection is where the answer comes.
pub(crate) async fn post(address: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let more = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    stream.write_all((head("POST", path, &more) + body).as_bytes()).await.expect("sent");
    stream
}

/// The JSON that is answered.
pub(crate) async fn answer(mut stream: TcpStream) -> Value {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let text = String::from_utf8(bytes).expect("text");
    let (_, body) = text.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).expect("JSON")
}

/// The most memory this process has had, in megabytes.
pub(crate) fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1_000
}
