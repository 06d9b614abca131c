//! Whole servers over loopback: sessions, evidence, reviews and screening per second, with their latencies.
//!
//! One process holds the server and the clients, so both share the machine; what is printed is what is left for the
//! server. Every load runs a fixed number of requests and stops. Rounds are interleaved and reported as median and
//! spread, because shared machines drift.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::{sync::Arc, time::Instant};

use clap::Parser;
use gavel::{cli::serve::prepare, config::Settings};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const KEY: &str = "bench-key-0123456789abcdef";

#[derive(Parser)]
struct Options {
    /// postgres:// URL of an empty database; without it SQLite in a temporary folder
    #[arg(long)]
    database: Option<String>,
    /// Connections that send requests at the same time
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests of one round
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Rounds of every load
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Settings {
        listen: "127.0.0.1:0".parse().ok(),
        data: Some(folder.path().to_owned()),
        database: options.database.clone(),
        database_connections: Some(32),
        bootstrap_api_key: Some(KEY.into()),
        ..Settings::default()
    };
    let ready = prepare(settings.check().expect("settings")).await.map_err(|e| println!("{e:?}")).expect("a server");
    let address = ready.app.config.listen.to_string();
    tokio::spawn(ready.run(std::future::pending()));

    let setup = Setup::make(&address).await;
    let mut results: Vec<(&str, Vec<Round>)> = setup.loads().iter().map(|load| (load.name, Vec::new())).collect();
    for _ in 0..options.rounds {
        for (load, (_, rounds)) in setup.loads().into_iter().zip(&mut results) {
            rounds.push(run(&address, Arc::new(load.requests), &options).await);
        }
    }
    println!("{:<22} {:>12} {:>16} {:>10} {:>10}", "load", "per s", "spread", "p50 ms", "p99 ms");
    for (name, rounds) in results {
        report(name, rounds);
    }
}

/// A kind of request, in as many variants as it takes to spread over rows.
struct Load {
    name: &'static str,
    requests: Vec<Vec<u8>>,
}

struct Setup {
    workflow: String,
    sessions: Vec<String>,
}

impl Setup {
    /// A thousand sessions with evidence, and lists with ten thousand entries.
    async fn make(address: &str) -> Self {
        let mut client = Connection::open(address).await;
        let workflows = client.json(&request("GET", "/v3/workflows/", None)).await;
        let workflow = workflows["results"][0]["workflow_id"].as_str().expect("a workflow").to_owned();
        let lists = client.json(&request("GET", "/v3/lists/?entry_type=email", None)).await;
        let list = lists["results"][0]["uuid"].as_str().expect("a list").to_owned();
        for n in 0..10_000 {
            let body = json!({ "value": format!("listed{n}@example.com") });
            client.json(&request("POST", &format!("/v3/lists/{list}/entries/"), Some(&body))).await;
        }
        let mut sessions = Vec::new();
        for _ in 0..1_000 {
            let made = client.json(&request("POST", "/v3/session/", Some(&json!({ "workflow_id": workflow })))).await;
            let id = made["session_id"].as_str().expect("a session").to_owned();
            client.json(&request("POST", &format!("/x/sessions/{id}/evidence/"), Some(&evidence()))).await;
            sessions.push(id);
        }
        Self { workflow, sessions }
    }

    fn loads(&self) -> Vec<Load> {
        let of_session = |method: &str, path: &dyn Fn(&str) -> String, body: Option<Value>| {
            self.sessions.iter().map(|id| request(method, &path(id), body.as_ref())).collect()
        };
        let review = json!({ "new_status": "Declined", "comment": "Selfie shows another person." });
        let values = json!({ "values": [
            { "entry_type": "email", "value": "somebody@example.com" },
            { "entry_type": "phone", "value": "+14155552671" },
            { "entry_type": "ip_address", "value": "203.0.113.7" },
        ] });
        vec![
            Load { name: "review POST", requests: of_session("POST", &|id| format!("/v3/sessions/{id}/reviews/"), Some(review)) },
            Load { name: "decision GET", requests: of_session("GET", &|id| format!("/v3/session/{id}/decision/"), None) },
            Load { name: "screen POST, 3 values", requests: vec![request("POST", "/x/screen/", Some(&values))] },
            Load {
                name: "session POST",
                requests: vec![request("POST", "/v3/session/", Some(&json!({ "workflow_id": self.workflow })))],
            },
            Load { name: "sessions GET, 50 rows", requests: vec![request("GET", "/v3/sessions/", None)] },
        ]
    }
}

fn evidence() -> Value {
    json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "X1234567", "first_name": "Ana", "last_name": "Silva" }],
        "phone_verifications": [{ "full_number": "+14155552671" }],
        "email_verifications": [{ "email": "ana@example.com" }],
        "ip_analyses": [{ "ip_address": "203.0.113.7", "device_fingerprint": "ab:cd:ef:01:23" }],
    })
}

fn request(method: &str, path: &str, body: Option<&Value>) -> Vec<u8> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// A connection that is kept open: sends the bytes of a request, reads one answer.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Status and where the body lies in the buffer.
    async fn send(&mut self, request: &[u8]) -> (u16, std::ops::Range<usize>) {
        self.stream.write_all(request).await.expect("sent");
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.expect("an answer");
            assert!(read > 0, "the server closed the connection");
            filled += read;
            let Some(end) = self.buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).expect("headers");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if filled >= end + 4 + length {
                let status = head[9..12].parse().expect("a status");
                return (status, end + 4..end + 4 + length);
            }
        }
    }

    async fn json(&mut self, request: &[u8]) -> Value {
        let (status, body) = self.send(request).await;
        let text = &self.buffer[body];
        assert!((200..300).contains(&status), "{status} {}", String::from_utf8_lossy(text));
        serde_json::from_slice(text).unwrap_or_default()
    }
}

struct Round {
    per_second: f64,
    p50: f64,
    p99: f64,
}

async fn run(address: &str, requests: Arc<Vec<Vec<u8>>>, options: &Options) -> Round {
    let each = options.requests / options.connections;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for n in 0..options.connections {
        let (mut client, requests) = (Connection::open(address).await, requests.clone());
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::with_capacity(each);
            for k in 0..each {
                let began = Instant::now();
                let (status, _) = client.send(&requests[(n * each + k) % requests.len()]).await;
                assert!((200..300).contains(&status), "{status}");
                times.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a client"));
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    Round { per_second: times.len() as f64 / seconds, p50: times[times.len() / 2], p99: times[times.len() * 99 / 100] }
}

fn report(name: &str, rounds: Vec<Round>) {
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let mut rates: Vec<f64> = rounds.iter().map(|round| round.per_second).collect();
    let middle = median(&mut rates);
    let spread = format!("{:.0}..{:.0}", rates[0], rates[rates.len() - 1]);
    let p50 = median(&mut rounds.iter().map(|round| round.p50).collect());
    let p99 = median(&mut rounds.iter().map(|round| round.p99).collect());
    println!("{name:<22} {middle:>12.0} {spread:>16} {p50:>10.2} {p99:>10.2}");
}
