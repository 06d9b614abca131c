//! `kill -9` between sending an event and recording that it was sent.

use std::time::Duration;

use gavel::store::{
    Store, StoreError,
    db::{PostgresOptions, Target},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{
        Engine, Receiver,
        database::Place,
        eventually,
        process::{Process, serve_command},
        text,
    },
    on_both_engines,
};

async fn serve(place: &Place) -> Process {
    let mut command = serve_command(place);
    command.env("GAVEL_WEBHOOK_TIMEOUT", "2s");
    Process::start(command).await
}

/// A body without what is new on every attempt.
fn lasting(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("timestamp");
    body
}

on_both_engines!(the_same_event_comes_again_and_then_the_next);
async fn the_same_event_comes_again_and_then_the_next(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    // The first answer is held for so long that the process is gone before it is given.
    let receiver = Receiver::answering(|n| (StatusCode::OK, Duration::from_millis(if n == 0 { 1_500 } else { 0 }))).await;
    let server = serve(&place).await;
    let client = server.client();
    let body = json!({ "label": "x", "url": receiver.url(), "subscribed_events": ["status.updated"] });
    let destination = text(&client.post("/v3/webhook/destinations/", body).await.ok(201)["uuid"]);
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    let session = text(&client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
    receiver.wait_for(1).await;
    let review = json!({ "new_status": "Approved" });
    client.post(&format!("/v3/sessions/{session}/reviews/"), review).await.ok(201);
    server.kill();

    let server = serve(&place).await;
    // SQLite frees the lease at once; on PostgreSQL it might be another process's and runs out by itself after 12 s.
    for _ in 0..2 {
        let again = async {
            while receiver.received().len() < 3 {
                tokio::time::sleep(Duration::from_millis(20)).await
            }
        };
        if tokio::time::timeout(Duration::from_secs(10), again).await.is_ok() {
            break;
        }
    }
    let bodies: Vec<Value> = receiver.received().iter().map(|it| it.json()).collect();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
    assert_eq!(lasting(bodies[0].clone()), lasting(bodies[1].clone()), "the same in all but its timestamp");
    assert_ne!(bodies[1]["event_id"], bodies[2]["event_id"]);
    assert_eq!(bodies[2]["status"], "Approved", "behind it");
    let client = server.client();
    let path = format!("/v3/webhook/destinations/{destination}/");
    let shown = eventually("two recorded attempts", || async {
        let shown = client.get(&path).await.ok(200)["summary"].clone();
        (shown["total_deliveries"] == 2).then_some(shown)
    })
    .await;
    assert_eq!(shown["failed_deliveries"], 0, "the interrupted attempt is not counted, it is repeated");
    server.stop().await;
    assert_eq!(waiting(&place).await, 0);
}

async fn waiting(place: &Place) -> i64 {
    let target = match place.url() {
        Some(url) => Target::Postgres(PostgresOptions { url, connections: 2 }),
        None => Target::Sqlite(place.sqlite_file()),
    };
    let store = Store::open(&target).await.unwrap();
    let count = store.read::<_, StoreError, _>(|tx| {
        Box::pin(async move { tx.query_opt("SELECT count(*) FROM outbox", &[]).await?.unwrap().get(0) })
    });
    let count = count.await.unwrap();
    store.close().await;
    count
}
