//! Many reviewers at once, and decisions that wait while processes die. One process on SQLite, two on PostgreSQL.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{
        Client, Engine,
        client::send,
        database::Place,
        eventually,
        process::{Process, serve_command},
        text,
    },
    on_both_engines,
};

const REVIEWERS: usize = 50;

/// Sessions in the queue: a fifth of full scale, unless `DESK_ITEMS` says otherwise.
fn items() -> usize {
    std::env::var("DESK_ITEMS").map_or(200, |text| text.parse().unwrap())
}

async fn serve(place: &Place, engine: Engine) -> Vec<Process> {
    let count = if engine == Engine::Postgres { 2 } else { 1 };
    let mut processes = Vec::new();
    for _ in 0..count {
        processes.push(Process::start(serve_command(place)).await);
    }
    processes
}

/// Fills the queue; the sessions.
async fn fill(client: &Client, count: usize) -> HashSet<String> {
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    let mut makers = tokio::task::JoinSet::new();
    for maker in 0..8 {
        let (client, workflow) = (client.clone(), workflow.clone());
        makers.spawn(async move {
            let mut made = Vec::new();
            for n in (maker..count).step_by(8) {
                let session = text(&client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
                let evidence =
                    json!({ "email_verifications": [{ "email": format!("p{n}@example.com"), "status": "In Review" }] });
                client.post(&format!("/x/sessions/{session}/evidence/"), evidence).await.ok(200);
                made.push(session);
            }
            made
        });
    }
    makers.join_all().await.into_iter().flatten().collect()
}

/// How many reviews each of these sessions has.
async fn reviews(client: &Client, sessions: &HashSet<String>) -> HashMap<u64, usize> {
    let mut found: HashMap<u64, usize> = HashMap::new();
    for session in sessions {
        let count = client.get(&format!("/v3/sessions/{session}/reviews/")).await.ok(200)["count"].as_u64().unwrap();
        *found.entry(count).or_default() += 1;
    }
    found
}

/// One reviewer: takes what comes, gives a tenth of it back, decides on the rest; ends when there is nothing left. Answers
/// what he decided on.
async fn work(client: Client, name: String, held: Arc<Mutex<HashSet<String>>>) -> Vec<String> {
    let mut decided = Vec::new();
    for n in 0.. {
        let next = client.post("/x/queue/next/", json!({ "reviewer": name })).await;
        assert_eq!(next.status, 200, "{}", next.body);
        let Value::String(session) = next.body["item"]["session_id"].clone() else { break };
        assert!(held.lock().unwrap().insert(session.clone()), "{session} was given to two");
        if n % 10 == 3 {
            held.lock().unwrap().remove(&session);
            client.post(&format!("/x/sessions/{session}/release/"), json!({ "reviewer": name })).await.ok(200);
            continue;
        }
        let review = client.request(Method::POST, &format!("/v3/sessions/{session}/reviews/"));
        let review = review.header("if-match", next.header("etag")).json(&json!({ "new_status": "Approved", "comment": name }));
        send(review).await.ok(201);
        decided.push(session);
    }
    decided
}

on_both_engines!(every_session_is_decided_once_and_none_is_lost);
async fn every_session_is_decided_once_and_none_is_lost(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let servers = serve(&place, engine).await;
    let sessions = fill(&servers[0].client(), items()).await;
    let held: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut decided: Vec<String> = Vec::new();
    // A reviewer may find nothing while another is about to give the last ones back: they come again.
    for round in 0..5 {
        let mut crowd = tokio::task::JoinSet::new();
        for n in 0..REVIEWERS {
            crowd.spawn(work(servers[n % servers.len()].client(), format!("reviewer {round} {n}"), held.clone()));
        }
        decided.extend(crowd.join_all().await.into_iter().flatten());
        if decided.len() == sessions.len() {
            break;
        }
    }
    assert_eq!(decided.len(), sessions.len());
    assert_eq!(decided.iter().cloned().collect::<HashSet<_>>(), sessions);
    let client = servers[0].client();
    let queue = client.get("/x/queue/").await.ok(200);
    assert_eq!((&queue["in_review"], &queue["claimed"]), (&json!(0), &json!(0)));
    assert_eq!(reviews(&client, &sessions).await, HashMap::from([(1, sessions.len())]));
    for server in servers {
        server.stop().await;
    }
}

on_both_engines!(fifty_claimers_of_few_sessions_get_each_once);
async fn fifty_claimers_of_few_sessions_get_each_once(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let servers = serve(&place, engine).await;
    for round in 0..5 {
        let sessions = fill(&servers[0].client(), 20).await;
        let mut crowd = tokio::task::JoinSet::new();
        for n in 0..REVIEWERS {
            let client = servers[n % servers.len()].client();
            crowd.spawn(async move {
                let next = client.post("/x/queue/next/", json!({ "reviewer": format!("{round} {n}") })).await.ok(200);
                next["item"]["session_id"].as_str().map(str::to_owned)
            });
        }
        let given: Vec<String> = crowd.join_all().await.into_iter().flatten().collect();
        assert_eq!(given.len(), sessions.len(), "there were more hands than sessions");
        assert_eq!(given.into_iter().collect::<HashSet<_>>(), sessions);
    }
    for server in servers {
        server.stop().await;
    }
}

on_both_engines!(decisions_that_wait_are_carried_out_once_whoever_dies);
async fn decisions_that_wait_are_carried_out_once_whoever_dies(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let mut servers = serve(&place, engine).await;
    let (mut wanted, mut unwanted) = (HashSet::new(), HashSet::new());
    for round in 0..4_u64 {
        let client = servers[0].client();
        let sessions = fill(&client, 40).await;
        for (n, session) in sessions.iter().enumerate() {
            let path = format!("/x/sessions/{session}/pending-review/");
            let body = json!({ "new_status": "Declined", "comment": "c", "undo_seconds": if n % 4 == 0 { 60 } else { 1 } });
            client.post(&path, body).await.ok(201);
            match n % 4 {
                0 => {
                    client.delete(&path).await.ok(204);
                    unwanted.insert(session.clone());
                }
                _ => {
                    wanted.insert(session.clone());
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(600 + round * 150)).await;
        for server in servers {
            server.kill();
        }
        servers = serve(&place, engine).await;
    }
    let client = servers[0].client();
    for session in &wanted {
        eventually("a decision", || async {
            let pending = client.get(&format!("/x/sessions/{session}/pending-review/")).await.ok(200);
            (pending["state"] == "done").then_some(())
        })
        .await;
    }
    assert_eq!(reviews(&client, &wanted).await, HashMap::from([(1, wanted.len())]));
    assert_eq!(reviews(&client, &unwanted).await, HashMap::from([(0, unwanted.len())]));
    for server in servers {
        server.stop().await;
    }
}
