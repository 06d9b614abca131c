//! Deliveries through crashes, at a hundredth of full scale: 200 events to 20 destinations of which 5 misbehave, while
//! processes die by `kill -9` (two of them on PostgreSQL, one on SQLite).

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    harness::{
        Client, Engine, Receiver,
        database::Place,
        process::{Process, serve_command},
        raw::{Behaviour, RawReceiver},
        text,
    },
    on_both_engines,
};

const HEALTHY: usize = 15;
const SESSIONS: usize = 40;
const STATUSES: [&str; 5] = ["Not Started", "Declined", "Approved", "Declined", "Approved"];

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

/// Bodies by the first time each `event_id` was seen.
fn first_seen(receiver: &Receiver) -> Vec<Value> {
    let mut seen = HashSet::new();
    let bodies = receiver.received().into_iter().map(|it| it.json());
    bodies.filter(|body| seen.insert(text(&body["event_id"]))).collect()
}

/// Leases of the dead run out within twelve seconds, so this waits longer than other tests; two minutes at most.
async fn all_have_arrived(receivers: &[Receiver]) {
    for _ in 0..1_200 {
        if receivers.iter().all(|receiver| first_seen(receiver).len() >= SESSIONS * STATUSES.len()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("arrived: {:?}", receivers.iter().map(|receiver| first_seen(receiver).len()).collect::<Vec<_>>());
}

on_both_engines!(healthy_destinations_get_everything_in_order_through_crashes);
async fn healthy_destinations_get_everything_in_order_through_crashes(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let mut running = vec![serve(&place).await];
    if engine == Engine::Postgres {
        running.push(serve(&place).await);
    }
    let client = running[0].client();
    let mut healthy = Vec::new();
    for _ in 0..HEALTHY {
        let receiver = Receiver::start().await;
        subscribe(&client, receiver.url()).await;
        healthy.push(receiver);
    }
    let bad = troublemakers().await;
    for receiver in &bad {
        subscribe(&client, receiver.url()).await;
    }
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    let mut sessions = Vec::new();
    for n in 0..SESSIONS {
        let client = running[0].client();
        let session = text(&client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
        for status in &STATUSES[1..] {
            client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": status })).await.ok(201);
        }
        sessions.push(session);
        if n % 10 == 9 {
            running.remove(0).kill();
            running.push(serve(&place).await);
        }
    }
    all_have_arrived(&healthy).await;
    for receiver in &healthy {
        let mut statuses: HashMap<String, Vec<String>> = HashMap::new();
        for body in first_seen(receiver) {
            statuses.entry(text(&body["session_id"])).or_default().push(text(&body["status"]));
        }
        assert_eq!(statuses.len(), SESSIONS);
        for session in &sessions {
            assert_eq!(statuses[session], STATUSES, "every event once by its id, in order");
        }
    }
    assert!(bad.iter().all(|receiver| !receiver.bodies().is_empty()), "they were tried");
    for process in running {
        process.stop().await;
    }
}
