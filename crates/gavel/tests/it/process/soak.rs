//! Deliveries through crashes: events to 20 destinations of which 5 misbehave, while processes die by `kill -9` (two of
//! them on PostgreSQL, one on SQLite). 200 events by default; `GAVEL_SCALE=100` makes it 20,000 (`scripts/scale webhooks`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::{
    harness::{
        Client, Engine,
        database::Place,
        ledger::Ledger,
        process::{Process, serve_command},
        raw::{Behaviour, RawReceiver},
        text,
    },
    on_both_engines,
};

const HEALTHY: usize = 15;
const STATUSES: [&str; 5] = ["Not Started", "Declined", "Approved", "Declined", "Approved"];
/// Clients that make sessions at the same time.
const WORKERS: usize = 4;

async fn serve(place: &Place) -> Process {
    let mut command = serve_command(place);
    command.env("GAVEL_WEBHOOK_RETRY_SCHEDULE", "1s,1h").env("GAVEL_WEBHOOK_TIMEOUT", "1s");
    Process::start(command).await
}

async fn subscribe(client: &Client, url: String) {
    let body = json!({ "label": url, "url": url, "subscribed_events": ["status.updated"] });
    client.post("/v3/webhook/destinations/", body).await.ok(201);
}

/// The misbehaving five.
async fn troublemakers() -> Vec<RawReceiver> {
    let behaviours = [
        Behaviour::status(500, &[]),
        Behaviour::status(429, &["Retry-After: 60"]),
        Behaviour::Close,
        Behaviour::Silence,
        Behaviour::EndlessHeaders,
    ];
    let mut receivers = Vec::new();
    for behaviour in behaviours {
        receivers.push(RawReceiver::start(move |_| behaviour.clone()).await);
    }
    receivers
}

/// The servers of a run and what is asked of them.
struct Run {
    place: Place,
    /// Locked for reading during a request and for writing while a process is replaced: what is killed are deliveries.
    servers: RwLock<Vec<Process>>,
    workflow: Value,
    /// Sessions to make, and how many are begun.
    sessions: usize,
    begun: AtomicUsize,
}

impl Run {
    /// A request to one of the servers.
    async fn post(&self, n: usize, path: &str, body: Value) -> Value {
        let servers = self.servers.read().await;
        servers[n % servers.len()].client().post(path, body).await.ok(201)
    }

    /// Makes sessions and changes them until there are enough.
    async fn work(&self) {
        loop {
            let n = self.begun.fetch_add(1, Ordering::Relaxed);
            if n >= self.sessions {
                return;
            }
            let made = self.post(n, "/v3/session/", json!({ "workflow_id": self.workflow })).await;
            let path = format!("/v3/sessions/{}/reviews/", text(&made["session_id"]));
            for status in &STATUSES[1..] {
                self.post(n, &path, json!({ "new_status": status })).await;
            }
        }
    }

    /// `kill -9` for the oldest process, and another one in its place.
    async fn replace(&self) {
        let mut servers = self.servers.write().await;
        servers.remove(0).kill();
        servers.push(serve(&self.place).await);
    }
}

on_both_engines!(healthy_destinations_get_everything_in_order_through_crashes);
async fn healthy_destinations_get_everything_in_order_through_crashes(engine: Engine) {
    let scale: usize = std::env::var("GAVEL_SCALE").map_or(1, |scale| scale.parse().unwrap());
    let Some(place) = Place::make(engine).await else { return };
    let mut servers = vec![serve(&place).await];
    if engine == Engine::Postgres {
        servers.push(serve(&place).await);
    }
    let client = servers[0].client();
    let mut healthy = Vec::new();
    for _ in 0..HEALTHY {
        let receiver = Ledger::start(&STATUSES).await;
        subscribe(&client, receiver.url()).await;
        healthy.push(receiver);
    }
    let bad = troublemakers().await;
    for receiver in &bad {
        subscribe(&client, receiver.url()).await;
    }
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    let sessions = 40 * scale;
    let run = Arc::new(Run { place, servers: RwLock::new(servers), workflow, sessions, begun: AtomicUsize::new(0) });
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let run = run.clone();
            tokio::spawn(async move { run.work().await })
        })
        .collect();

    let (began, events) = (Instant::now(), sessions * STATUSES.len());
    let kills = kill_until_all_have_arrived(&run, &healthy, events, scale).await;
    for worker in workers {
        worker.await.unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    let balances: Vec<_> = healthy.iter().map(Ledger::balance).collect();
    for balance in &balances {
        assert_eq!(balance.wrong, [""; 0], "every event once by its id, in order");
        assert_eq!((balance.events, balance.complete), (events, sessions));
    }
    let duplicates: usize = balances.iter().map(|balance| balance.duplicates).sum();
    eprintln!(
        "{engine:?}: {events} events, {} deliveries to {HEALTHY} healthy destinations in {seconds:.0} s ({:.0} per s), {kills} kills, \
         {duplicates} repeated under the same id; attempts at the misbehaving five: {:?}",
        events * HEALTHY,
        (events * HEALTHY) as f64 / seconds,
        bad.iter().map(RawReceiver::requests).collect::<Vec<_>>(),
    );
    assert!(bad.iter().all(|receiver| receiver.requests() > 0), "they were tried");
    let run = Arc::into_inner(run).unwrap();
    for process in run.servers.into_inner() {
        process.stop().await;
    }
}

/// Leases of the dead run out within twelve seconds, so this waits longer than other tests: two minutes, and more at scale.
/// At scale it kills to the end; a small run is over too soon for that and gets four kills. Answers how many it were.
async fn kill_until_all_have_arrived(run: &Run, healthy: &[Ledger], events: usize, scale: usize) -> usize {
    let (between, most, limit) = match scale {
        1 => (Duration::from_millis(600), 4, Duration::from_secs(120)),
        _ => (Duration::from_secs(3), usize::MAX, Duration::from_secs(120 + 15 * scale as u64)),
    };
    let (began, mut killed, mut kills) = (Instant::now(), Instant::now(), 0);
    while healthy.iter().any(|receiver| receiver.events() < events) {
        let standing = || healthy.iter().map(Ledger::events).collect::<Vec<_>>();
        assert!(began.elapsed() < limit, "arrived of {events} after {kills} kills: {:?}", standing());
        if kills < most && killed.elapsed() > between {
            run.replace().await;
            (killed, kills) = (Instant::now(), kills + 1);
            if scale > 1 && kills % 10 == 0 {
                eprintln!("{:.0} s, {kills} kills: {:?}", began.elapsed().as_secs_f64(), standing());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kills
}
