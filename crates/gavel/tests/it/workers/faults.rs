//! The bad days: receivers, the database, the network and the clock, each at its worst.

use std::time::Duration;

use gavel::{
    actions::Error,
    store::{
        Store, StoreError,
        db::{PostgresOptions, Target},
    },
};
use http::StatusCode;
use serde_json::{Value, json};

use super::deliver::{DESTINATIONS, deliveries_of, destination_at, nothing_waits, recorded, review, waiting};
use crate::{
    db_test,
    harness::{
        Engine, Receiver, Server,
        database::Unreachable,
        eventually,
        raw::{Behaviour, RawReceiver},
        text,
        tls::{Authority, TlsReceiver},
    },
};

const DAY: i64 = 86_400;

/// A server whose receivers have three seconds, for those that use most of them.
async fn patient(engine: Engine) -> Option<Server> {
    Server::start_with(engine, |s| s.webhook_timeout = Some("3s".into())).await
}

/// Why attempts failed, as the store has it; newest last.
async fn reasons(server: &Server) -> Vec<Option<String>> {
    let read = server.app.store.read::<_, Error, _>(|tx| {
        Box::pin(async move {
            let rows = tx.query("SELECT error FROM deliveries ORDER BY created_at, id", &[]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, StoreError>>()?)
        })
    });
    read.await.unwrap()
}

db_test!(a_certificate_nobody_vouched_for_is_not_trusted, server => {
    let receiver = TlsReceiver::self_signed().await;
    let destination = destination_at(&server, &format!("{}/hook?token=very-secret", receiver.url())).await;
    server.session().await;
    let rows = recorded(&server, &destination, 4).await;
    nothing_waits(&server).await;
    assert!(rows.iter().all(|row| row["response_status"].is_null() && row["status"] == "failed"), "{rows:?}");
    let (connections, bytes) = receiver.seen();
    assert!(connections >= 4, "it was asked every time: {connections}");
    assert_eq!(bytes, 0, "and told nothing");
    for reason in reasons(&server).await {
        let reason = reason.unwrap();
        assert!(reason.starts_with("no connection: invalid peer certificate"), "{reason}");
        assert!(!reason.contains("very-secret") && !reason.contains("hook"), "{reason}");
    }
    let letters = server.client.get(&format!("/x/webhook/destinations/{destination}/dead-letters/")).await.ok(200);
    assert_eq!(letters["results"][0]["reason"], "exhausted");
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_authority_is_believed_where_the_operator_says_so() {
    let (ours, theirs, folder) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ours.pem()).unwrap();
    let server = Server::start_with(Engine::Sqlite, |s| s.ca_file = Some(file)).await.unwrap();
    let [known, unknown] = [&ours, &theirs].map(|authority| TlsReceiver::with(authority.acceptor("127.0.0.1")));
    let (known, unknown) = (known.await, unknown.await);
    for receiver in [&known, &unknown] {
        destination_at(&server, &receiver.url()).await;
    }
    server.session().await;
    eventually("the event", || async { (known.seen().1 > 0).then_some(()) }).await;
    eventually("four attempts", || async { (unknown.seen().0 >= 4).then_some(()) }).await;
    assert_eq!(unknown.seen().1, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_just_in_time_counts() {
    let server = patient(Engine::Sqlite).await.unwrap();
    let late = |n| Behaviour::Late(Duration::from_millis(2_400), format!("HTTP/1.1 {n} Late\r\nContent-Length: 0\r\n\r\n"));
    let receiver = RawReceiver::start(move |_| late(200)).await;
    let destination = destination_at(&server, &receiver.url()).await;
    server.session().await;
    let rows = recorded(&server, &destination, 1).await;
    nothing_waits(&server).await;
    assert_eq!((&rows[0]["status"], receiver.bodies().len()), (&json!("success"), 1));
    assert!((2_400..3_000).contains(&rows[0]["response_time_ms"].as_i64().unwrap()), "{}", rows[0]);
    server.stop().await;
}

db_test!(a_gigabyte_of_answer_is_not_taken, server => {
    let receiver = RawReceiver::start(|_| Behaviour::HugeBody).await;
    let destination = destination_at(&server, &receiver.url()).await;
    server.session().await;
    let rows = recorded(&server, &destination, 1).await;
    nothing_waits(&server).await;
    assert_eq!((&rows[0]["status"], receiver.bodies().len()), (&json!("success"), 1), "the headers are the answer");
    let poured = receiver.poured();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.poured(), poured, "the connection is given up");
    assert!(poured < 32 << 20, "{poured} bytes, nearly all of them in the system's buffers");
    server.stop().await;
});

db_test!(jumps_of_the_clock_lose_nothing, server => {
    let receiver = RawReceiver::start(|n| Behaviour::status(if n == 1 { 500 } else { 200 }, &[])).await;
    let destination = destination_at(&server, &receiver.url()).await;
    let mut sent = Vec::new();
    for (n, jump) in [0, 7_200, -7_200].into_iter().enumerate() {
        server.app.clock.advance(jump);
        sent.push(server.session().await);
        recorded(&server, &destination, [1, 3, 4][n]).await; // The second is tried twice.
    }
    nothing_waits(&server).await;
    let mut arrived: Vec<String> = receiver.bodies().iter().map(|body| text(&body["session_id"])).collect();
    arrived.dedup();
    assert_eq!(arrived, sent);
    server.stop().await;
});

// A day forward while an attempt is under way: its lease seems to have run out.
db_test!(a_jump_of_the_clock_during_an_attempt_repeats_it_at_most, server => {
    let receiver = Receiver::answering(|n| (StatusCode::OK, Duration::from_millis(if n == 0 { 900 } else { 0 }))).await;
    server.destination(&receiver).await;
    for jump in [DAY, -DAY] {
        let before = receiver.received().len();
        let session = server.session().await;
        receiver.wait_for(before + 1).await;
        server.app.clock.advance(jump);
        nothing_waits(&server).await;
        let bodies: Vec<Value> = receiver.received()[before..].iter().map(|it| it.json()).collect();
        assert!((1..=2).contains(&bodies.len()), "{bodies:?}");
        assert!(bodies.iter().all(|body| body["event_id"] == bodies[0]["event_id"] && body["session_id"] == json!(session)));
    }
    server.stop().await;
});

/// One attempt is under way when the database goes, and is answered while it is gone.
async fn recorded_after_the_outage(server: &Server, receiver: &RawReceiver, destination: &str) {
    nothing_waits(server).await;
    let rows = recorded(server, destination, 1).await;
    assert_eq!((rows.len(), &rows[0]["status"]), (1, &json!("success")), "recorded when it came back");
    assert_eq!(receiver.bodies().len(), 1, "and not sent again");
    let summary = server.client.get(&format!("{DESTINATIONS}{destination}/")).await.ok(200)["summary"].clone();
    assert_eq!(summary["total_deliveries"], 1, "counted once");
    review(server, &text(&receiver.bodies()[0]["session_id"]), "Approved").await;
    assert_eq!(receiver.wait_for(2).await[1]["status"], "Approved", "and life goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_gone_during_an_attempt() {
    let Some(server) = patient(Engine::Postgres).await else { return };
    let receiver = slow_at_first().await;
    let destination = destination_at(&server, &receiver.url()).await;
    let workflow = server.workflow().await;
    server.session().await;
    receiver.wait_for(1).await;
    let Target::Postgres(PostgresOptions { url, .. }) = &server.app.config.target else { panic!("not PostgreSQL") };
    let outage = Unreachable::make(url).await;
    let refused = server.client.post("/v3/session/", json!({ "workflow_id": workflow })).await;
    assert_eq!(refused.status, 503);
    tokio::time::sleep(Duration::from_millis(2_000)).await; // The receiver has answered.
    outage.end().await;
    recorded_after_the_outage(&server, &receiver, &destination).await;
    server.stop().await;
}

/// Takes a second and a half for its first answer.
async fn slow_at_first() -> RawReceiver {
    let late = Behaviour::Late(Duration::from_millis(1_500), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into());
    RawReceiver::start(move |n| if n == 0 { late.clone() } else { Behaviour::status(200, &[]) }).await
}

/// Another process of the machine holds the file for longer than a statement waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_locked_during_an_attempt() {
    let server = patient(Engine::Sqlite).await.unwrap();
    let receiver = slow_at_first().await;
    let destination = destination_at(&server, &receiver.url()).await;
    server.session().await;
    receiver.wait_for(1).await;
    let other = Store::open(&server.app.config.target).await.unwrap();
    let held = other.write::<_, StoreError, _>(|_| {
        Box::pin(async move {
            std::thread::sleep(Duration::from_secs(7));
            Ok(())
        })
    });
    held.await.unwrap();
    recorded_after_the_outage(&server, &receiver, &destination).await;
    other.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_full_during_an_attempt() {
    let server = patient(Engine::Sqlite).await.unwrap();
    let receiver = slow_at_first().await;
    let destination = destination_at(&server, &receiver.url()).await;
    // What was sent is longer than the room left on any page.
    server.session_with(json!({ "metadata": { "long": "x".repeat(12_000) } })).await;
    receiver.wait_for(1).await;
    let store = &server.app.store;
    for sql in ["CREATE TABLE filler (x BLOB)", "PRAGMA max_page_count = 1"] {
        // The limit never falls below what is there.
        store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.query(sql, &[]).await })).await.unwrap();
    }
    for size in [4_000, 400, 40, 1] {
        let fill = || {
            store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { tx.execute("INSERT INTO filler VALUES (zeroblob($1))", &[i64::from(size).into()]).await })
            })
        };
        while fill().await.is_ok() {}
    }
    tokio::time::sleep(Duration::from_millis(2_500)).await; // The receiver has answered.
    assert_eq!((deliveries_of(&server, &destination).await.len(), waiting(&server).await), (0, 1));
    let more = store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move { tx.query("PRAGMA max_page_count = 1000000", &[]).await.map(drop) })
    });
    more.await.unwrap();
    recorded_after_the_outage(&server, &receiver, &destination).await;
    server.stop().await;
}
