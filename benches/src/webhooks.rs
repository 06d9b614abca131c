//! Webhooks to receivers on this machine: how many a server delivers in a second, and how long one takes from the commit
//! of its cause to its arrival when nothing else is going on.
//!
//! One process holds the server, the client and the receivers, so all share the machine. For the rate a number of events
//! waits behind a pause; the clock runs from the resume to the last arrival, so nothing but delivering is measured. For
//! the latency sessions are made one at a time, with a rest between them, and the arrival is compared with the
//! answer to the request, which is given right after the commit.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use gavel::{
    cli::serve::prepare,
    config::{Settings, Switch},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const KEY: &str = "bench-key-0123456789abcdef";
const DESTINATIONS: &str = "/v3/webhook/destinations/";
/// Between two events when the latency is measured.
const REST: Duration = Duration::from_millis(20);

#[derive(Parser)]
struct Options {
    /// postgres:// URL of an empty database; without it SQLite in a temporary folder
    #[arg(long)]
    database: Option<String>,
    /// Deliveries of one round; with ten destinations a tenth as many events
    #[arg(long, default_value_t = 5_000)]
    deliveries: usize,
    /// Events of one round of the latency
    #[arg(long, default_value_t = 200)]
    idle: usize,
    /// Rounds of everything
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Milliseconds the receivers take to answer
    #[arg(long, default_value_t = 0)]
    answer_after: u64,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Settings {
        listen: "127.0.0.1:0".parse().ok(),
        data: Some(folder.path().to_owned()),
        database: options.database.clone(),
        webhook_allow_http: Some(Switch(true)),
        webhook_allow_private: Some(Switch(true)),
        bootstrap_api_key: Some(KEY.into()),
        ..Settings::default()
    };
    let ready = prepare(settings.check().expect("settings")).await.map_err(|e| println!("{e:?}")).expect("a server");
    let address = ready.app.config.listen.to_string();
    tokio::spawn(ready.run(std::future::pending()));

    let mut client = Client::open(&address).await;
    let workflow = client.call("GET", "/v3/workflows/", None).await["results"][0]["workflow_id"].clone();
    let new_session = json!({ "workflow_id": workflow });
    let (mut one, mut ten, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        one.push(drain(&mut client, &new_session, 1, &options).await);
        ten.push(drain(&mut client, &new_session, 10, &options).await);
        idle.push(latency(&mut client, &new_session, &options).await);
    }
    for (name, rounds) in [("1 destination", one), ("10 destinations", ten)] {
        let (rates, processor): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
        println!("{name:<18} {} deliveries/s, {} ms of processor each", summary(rates, 0), summary(processor, 3));
    }
    for (n, name) in ["idle, p50", "idle, p99", "request alone, p50"].into_iter().enumerate() {
        println!("{name:<18} {} ms", summary(idle.iter().map(|round| round[n]).collect(), 2));
    }
}

/// Median and spread.
fn summary(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (least, middle, most) = (values[0], values[values.len() / 2], values[values.len() - 1]);
    format!("{middle:.digits$} ({least:.digits$}..{most:.digits$})")
}

/// Deliveries per second to this many destinations, none of which has anything to do beside it, and milliseconds of
/// processor time each of them takes: server and receiver together, without PostgreSQL.
async fn drain(client: &mut Client, new_session: &Value, count: usize, options: &Options) -> (f64, f64) {
    let arrived = Arc::new(Arrived::default());
    let mut destinations = Vec::new();
    for _ in 0..count {
        let destination = subscribe(client, listen(arrived.clone(), options.answer_after).await).await;
        client.call("POST", &format!("/x/webhook/destinations/{destination}/pause/"), None).await;
        destinations.push(destination);
    }
    let events = options.deliveries / count;
    for _ in 0..events {
        client.call("POST", "/v3/session/", Some(new_session)).await;
    }
    let (began, used) = (Instant::now(), processor_ms());
    for destination in &destinations {
        client.call("POST", &format!("/x/webhook/destinations/{destination}/resume/"), None).await;
    }
    while arrived.count.load(Ordering::Relaxed) < events * count {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (seconds, used) = (began.elapsed().as_secs_f64(), processor_ms() - used);
    client.reopen().await;
    for destination in destinations {
        let path = format!("/x/webhook/destinations/{destination}/");
        while client.call("GET", &path, None).await["queue_length"] != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.call("DELETE", &format!("{DESTINATIONS}{destination}/"), None).await;
    }
    let deliveries = (events * count) as f64;
    (deliveries / seconds, used / deliveries)
}

/// Processor time of this process so far, in milliseconds; the system counts in hundredths of a second.
fn processor_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}

/// From the answer to the arrival, p50 and p99, and p50 of the request alone; milliseconds.
async fn latency(client: &mut Client, new_session: &Value, options: &Options) -> [f64; 3] {
    let arrived = Arc::new(Arrived::default());
    let destination = subscribe(client, listen(arrived.clone(), options.answer_after).await).await;
    let (mut answered, mut requests) = (Vec::new(), Vec::new());
    for _ in 0..options.idle {
        tokio::time::sleep(REST).await;
        let began = Instant::now();
        let session = client.call("POST", "/v3/session/", Some(new_session)).await["session_id"].clone();
        answered.push((session.as_str().expect("an id").to_owned(), Instant::now()));
        requests.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    while arrived.count.load(Ordering::Relaxed) < options.idle {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    client.call("DELETE", &format!("{DESTINATIONS}{destination}/"), None).await;
    let at = arrived.at.lock().expect("not poisoned");
    let waits =
        answered.iter().map(|(session, answered)| at[session].saturating_duration_since(*answered).as_secs_f64() * 1_000.0);
    let (waits, requests) = (sorted(waits.collect()), sorted(requests));
    [waits[waits.len() / 2], waits[waits.len() * 99 / 100], requests[requests.len() / 2]]
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

async fn subscribe(client: &mut Client, url: String) -> String {
    let body = json!({ "label": url, "url": url, "subscribed_events": ["status.updated"] });
    client.call("POST", DESTINATIONS, Some(&body)).await["uuid"].as_str().expect("an id").to_owned()
}

/// What came to some receivers.
#[derive(Default)]
struct Arrived {
    count: AtomicUsize,
    /// When the first event of each session came.
    at: Mutex<HashMap<String, Instant>>,
}

/// A receiver on a port of its own that answers 200 to everything and keeps its connections open; its URL.
async fn listen(arrived: Arc<Arrived>, answer_after: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let arrived = arrived.clone();
            tokio::spawn(async move {
                let mut connection = Connection::over(stream);
                while let Some((_, body)) = connection.read().await {
                    let body = String::from_utf8_lossy(&connection.buffer[body]);
                    let session = body.split_once("\"session_id\":\"").map_or("", |(_, rest)| &rest[..36]);
                    arrived.at.lock().expect("not poisoned").entry(session.to_owned()).or_insert_with(Instant::now);
                    arrived.count.fetch_add(1, Ordering::Relaxed);
                    if answer_after > 0 {
                        tokio::time::sleep(Duration::from_millis(answer_after)).await;
                    }
                    if connection.stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// A kept-open connection that reads messages one at a time: requests on one side, answers on the other.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("no delay");
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// The first line and where the body lies in the buffer.
    async fn read(&mut self) -> Option<(String, std::ops::Range<usize>)> {
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.ok().filter(|read| *read > 0)?;
            filled += read;
            let Some(end) = self.buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            while filled < end + 4 + length {
                filled += self.stream.read(&mut self.buffer[filled..]).await.ok().filter(|read| *read > 0)?;
            }
            return Some((head.lines().next()?.to_owned(), end + 4..end + 4 + length));
        }
    }
}

struct Client {
    address: String,
    connection: Connection,
}

impl Client {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        Self { address: address.to_owned(), connection: Connection::over(stream) }
    }

    /// A connection that was idle for long is closed by the server.
    async fn reopen(&mut self) {
        *self = Self::open(&self.address).await;
    }

    /// The body of an answer that has to be a success.
    async fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        self.connection.stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.expect("sent");
        let (line, body) = self.connection.read().await.expect("an answer");
        let text = &self.connection.buffer[body];
        assert!(line.contains(" 20"), "{method} {path}: {line} {}", String::from_utf8_lossy(text));
        serde_json::from_slice(text).unwrap_or_default()
    }
}
