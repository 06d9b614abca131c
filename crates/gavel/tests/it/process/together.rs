//! Several processes on one PostgreSQL.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{
    Client, Engine,
    database::Place,
    process::{Process, finish, serve_command},
    text,
};

async fn decide(client: &Client, workflow: &Value, email: &str) -> Value {
    let session = text(&client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
    let evidence = json!({ "email_verifications": [{ "email": email }] });
    client.post(&format!("/x/sessions/{session}/evidence/"), evidence).await.ok(200)["status"].clone()
}

async fn screen(client: &Client, email: &str) -> Value {
    let body = json!({ "values": [{ "entry_type": "email", "value": email }] });
    client.post("/x/screen/", body).await.ok(200)["hits"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_made_in_one_is_enforced_by_the_other_at_once() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = tokio::join!(Process::serve(&place), Process::serve(&place)); // Both find an empty database.
    let clients = [first.client(), second.client()];
    let workflow = clients[0].get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    let lists = clients[1].get("/v3/lists/?entry_type=email&is_system=true").await.ok(200);
    assert_eq!(lists["count"], 1, "one of the two made the application");
    let path = format!("/v3/lists/{}/entries/", text(&lists["results"][0]["uuid"]));
    for n in 0..50 {
        let (here, there) = (&clients[n % 2], &clients[(n + 1) % 2]);
        let email = format!("person{n}@example.com");
        let entry = text(&here.post(&path, json!({ "value": email })).await.ok(201)["uuid"]);
        // Alternating which of the two questions is asked first, so that neither warms the index for the other.
        if n % 4 < 2 {
            assert_eq!(decide(there, &workflow, &email).await, "Declined", "{n}");
            assert_eq!(screen(there, &email).await[0]["entry"]["uuid"], json!(entry), "{n}");
        } else {
            assert_eq!(screen(there, &email).await[0]["entry"]["uuid"], json!(entry), "{n}");
            assert_eq!(decide(there, &workflow, &email).await, "Declined", "{n}");
        }
        there.delete(&format!("{path}{entry}/")).await.ok(204);
        if n % 4 < 2 {
            assert_eq!(screen(here, &email).await, json!([]), "{n}");
            assert_eq!(decide(here, &workflow, &email).await, "Approved", "{n}");
        } else {
            assert_eq!(decide(here, &workflow, &email).await, "Approved", "{n}");
            assert_eq!(screen(here, &email).await, json!([]), "{n}");
        }
    }
    first.stop().await;
    decide(&clients[1], &workflow, "after@example.com").await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_key_is_refused() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let keyed = |byte: u8| {
        let mut command = serve_command(&place);
        command.env("GAVEL_SERVER_KEY", STANDARD.encode([byte; 32]));
        command
    };
    let server = Process::start(keyed(1)).await;
    let (succeeded, out, said) = finish(keyed(2));
    assert!(!succeeded && !out.contains("listening"), "{out}");
    assert!(said.contains("this database belongs to another server key"), "{said}");
    let same = Process::start(keyed(1)).await;
    same.stop().await;
    server.stop().await;
}

/// Both deliver from one queue: every event once, in order per session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_deliver_from_one_queue() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = (Process::serve(&place).await, Process::serve(&place).await);
    let receiver = crate::harness::Receiver::start().await;
    let clients = [first.client(), second.client()];
    let body = json!({ "label": "x", "url": receiver.url(), "subscribed_events": ["status.updated"] });
    clients[0].post("/v3/webhook/destinations/", body).await.ok(201);
    let workflow = clients[0].get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    for n in 0..30 {
        let client = &clients[n % 2];
        let session = text(&client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
        for (n, to) in ["Approved", "Declined"].into_iter().enumerate() {
            clients[n].post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": to })).await.ok(201);
        }
    }
    let received: Vec<Value> = receiver.wait_for(90).await.iter().map(|r| r.json()).collect();
    let ids: std::collections::HashSet<String> = received.iter().map(|body| text(&body["event_id"])).collect();
    assert_eq!((ids.len(), received.len()), (90, 90));
    let mut statuses: std::collections::HashMap<String, Vec<String>> = std::collections::HashMap::new();
    for body in &received {
        statuses.entry(text(&body["session_id"])).or_default().push(text(&body["status"]));
    }
    assert!(statuses.values().all(|all| all == &["Not Started", "Approved", "Declined"]), "{statuses:?}");
    first.stop().await;
    second.stop().await;
}
