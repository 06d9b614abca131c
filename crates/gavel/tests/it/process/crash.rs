//! `kill -9` in the middle of a burst of writes: what was acknowledged is there, and nothing is half there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use gavel::store::{
    Store, StoreError,
    db::{PostgresOptions, Target},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{
        Client, Engine,
        database::Place,
        process::{Process, serve_command},
        text,
    },
    on_both_engines,
};

/// What the server has answered for with a success.
#[derive(Default)]
struct Acknowledged {
    /// How many changes of each session: its creation, evidence, reviews.
    sessions: HashMap<Uuid, i64>,
    entries: Vec<Uuid>,
}

/// Writes until the server is gone. A request that got no answer may or may not have been done.
async fn burst(client: Client, path: String, workflow: Value, worker: usize, known: Arc<Mutex<Acknowledged>>) {
    for n in 0.. {
        let Some(made) = post(&client, "/v3/session/", json!({ "workflow_id": workflow })).await else { return };
        let session: Uuid = text(&made["session_id"]).parse().unwrap();
        known.lock().unwrap().sessions.insert(session, 1);
        let email = format!("p{worker}-{n}-{session}@example.com");
        let evidence = json!({ "email_verifications": [{ "email": email }] });
        let steps = [
            (format!("/x/sessions/{session}/evidence/"), evidence),
            (format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Declined", "comment": "no" })),
            (format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })),
        ];
        for (path, body) in steps {
            if post(&client, &path, body).await.is_none() {
                return;
            }
            *known.lock().unwrap().sessions.get_mut(&session).unwrap() += 1;
        }
        let Some(entry) = post(&client, &path, json!({ "value": email })).await else { return };
        known.lock().unwrap().entries.push(text(&entry["uuid"]).parse().unwrap());
    }
}

async fn post(client: &Client, path: &str, body: Value) -> Option<Value> {
    let answer = client.request(reqwest::Method::POST, path).json(&body).send().await.ok()?;
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.ok()
}

on_both_engines!(nothing_acknowledged_is_lost_and_nothing_is_half_there);
async fn nothing_acknowledged_is_lost_and_nothing_is_half_there(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let known = Arc::new(Mutex::new(Acknowledged::default()));
    for round in 0..4_u64 {
        let mut command = serve_command(&place);
        command.env("GAVEL_WEBHOOK_RETRY_SCHEDULE", "24h");
        let server = Process::start(command).await;
        let client = server.client();
        if round == 0 {
            // Nobody listens there: every event stays in the queue and can be counted.
            let body = json!({ "label": "x", "url": "http://127.0.0.1:9/", "subscribed_events": ["status.updated"] });
            client.post("/v3/webhook/destinations/", body).await.ok(201);
        }
        let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
        let lists = client.get("/v3/lists/?entry_type=email&is_system=true").await.ok(200);
        let path = format!("/v3/lists/{}/entries/", text(&lists["results"][0]["uuid"]));
        let mut crowd = tokio::task::JoinSet::new();
        for worker in 0..8 {
            crowd.spawn(burst(client.clone(), path.clone(), workflow.clone(), worker, known.clone()));
        }
        tokio::time::sleep(Duration::from_millis(400 + round * 130)).await;
        server.kill();
        crowd.join_all().await;
        check(&place, &known).await;
    }
    let known = known.lock().unwrap();
    assert!(known.sessions.len() > 20 && known.entries.len() > 10, "{} sessions", known.sessions.len());
}

async fn check(place: &Place, known: &Mutex<Acknowledged>) {
    let target = match place.url() {
        Some(url) => Target::Postgres(PostgresOptions { url, connections: 2 }),
        None => Target::Sqlite(place.sqlite_file()),
    };
    let store = Store::open(&target).await.unwrap();
    for (what, sql) in BROKEN {
        assert_eq!(number(&store, sql).await, 0, "{what}");
    }
    let statuses = rows(&store, "SELECT s.id, s.status, s.version, e.payload FROM sessions s JOIN events e ON e.object_id = s.id AND e.sequence = s.version").await;
    assert_eq!(i64::try_from(statuses.len()).unwrap(), number(&store, "SELECT count(*) FROM sessions").await);
    let (sessions, entries) = {
        let known = known.lock().unwrap();
        (known.sessions.clone(), known.entries.clone())
    };
    let mut versions = HashMap::new();
    for (id, status, version, payload) in statuses {
        let payload: Value = serde_json::from_str(&payload).unwrap();
        assert_eq!(payload["status"], json!(status), "the newest event of {id}");
        versions.insert(id, version);
    }
    for (id, changes) in sessions {
        let version = versions.get(&id).copied().unwrap_or(0);
        assert!(version >= changes, "session {id}: {changes} changes acknowledged, {version} found");
    }
    for entry in entries {
        let found = store
            .read::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    Ok(tx.query("SELECT 1 FROM entries WHERE id = $1 AND removed_rev IS NULL", &[entry.into()]).await?.len())
                })
            })
            .await
            .unwrap();
        assert_eq!(found, 1, "entry {entry}");
    }
    store.close().await;
}

/// What must not be, and how many of it there are.
const BROKEN: [(&str, &str); 16] = [
    (
        "a session version without its event",
        "SELECT count(*) FROM sessions s WHERE s.version <> (SELECT count(*) FROM events e WHERE e.object_id = s.id)",
    ),
    (
        "an event beyond its session's version",
        "SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = e.object_id AND s.version >= e.sequence)",
    ),
    (
        "an event that waits for nobody",
        "SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = e.id)",
    ),
    (
        "a status that is not that of the newest activity",
        "SELECT count(*) FROM sessions s JOIN activities a ON a.session_id = s.id AND a.session_version = s.version
         WHERE a.new_status <> s.status",
    ),
    (
        "an activity without its event",
        "SELECT count(*) FROM activities a WHERE NOT EXISTS (
             SELECT 1 FROM events e WHERE e.object_id = a.session_id AND e.sequence = a.session_version)",
    ),
    (
        "an activity without its values",
        "SELECT count(*) FROM activities a WHERE NOT EXISTS (SELECT 1 FROM activity_values v WHERE v.activity_id = a.id)",
    ),
    (
        "a reviewed status without its activity",
        "SELECT abs((SELECT count(*) FROM activities) - (SELECT count(*) FROM audit_events WHERE kind = 'review.created'))",
    ),
    (
        "a session without its audit row",
        "SELECT abs((SELECT count(*) FROM sessions) - (SELECT count(*) FROM audit_events WHERE kind = 'session.created'))",
    ),
    (
        "an audit row for nothing",
        "SELECT abs((SELECT count(*) FROM events) - (SELECT count(*) FROM audit_events
             WHERE kind IN ('session.created', 'evidence.recorded', 'review.created')))",
    ),
    (
        "an audit row without its values or its place in the queue",
        "SELECT count(*) FROM audit_events a WHERE NOT EXISTS (SELECT 1 FROM audit_values v WHERE v.event_id = a.id)
             OR NOT EXISTS (SELECT 1 FROM audit_unsealed u WHERE u.event_id = a.id)
                 AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.event_id = a.id)",
    ),
    (
        "an audit row that is sealed and waits",
        "SELECT count(*) FROM audit_unsealed u WHERE EXISTS (SELECT 1 FROM audit_chain c WHERE c.event_id = u.event_id)",
    ),
    ("a gap in the chain", "SELECT COALESCE(max(seq), 0) - count(*) FROM audit_chain"),
    (
        "a checkpoint of something else than the chain",
        "SELECT count(*) FROM audit_checkpoints p WHERE NOT EXISTS (
             SELECT 1 FROM audit_chain c WHERE c.application_id = p.application_id AND c.seq = p.row_count AND c.hash = p.head)",
    ),
    ("evidence without its screening", "SELECT abs((SELECT count(*) FROM records) - (SELECT count(*) FROM screenings))"),
    (
        "a revision that was counted and not written, or the other way round",
        "SELECT abs((SELECT value FROM counters WHERE name = 'lists_revision') - (SELECT COALESCE(max(added_rev), 1) FROM entries))",
    ),
    (
        "a list that counts wrong",
        "SELECT count(*) FROM lists l WHERE l.entry_count <> (
             SELECT count(*) FROM entries e WHERE e.list_id = l.id AND e.removed_rev IS NULL)",
    ),
];

async fn number(store: &Store, sql: &'static str) -> i64 {
    store
        .read::<_, StoreError, _>(move |tx| Box::pin(async move { tx.query_opt(sql, &[]).await?.unwrap().get(0) }))
        .await
        .unwrap()
}

async fn rows(store: &Store, sql: &'static str) -> Vec<(Uuid, String, i64, String)> {
    store
        .read::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let rows = tx.query(sql, &[]).await?;
                rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).collect()
            })
        })
        .await
        .unwrap()
}
