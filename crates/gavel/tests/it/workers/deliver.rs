//! Delivery to real receivers (contract, webhooks §3–§5, §7).

use std::time::Duration;

use gavel::{actions::Error, clock::new_id, config::Switch, store::outbox};
use gavel_core::{time::Timestamp, webhook::verify};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Engine, Receiver, Server, eventually,
        raw::{Behaviour, RawReceiver},
        text,
    },
};

pub(super) const DESTINATIONS: &str = "/v3/webhook/destinations/";

pub(super) async fn destination_at(server: &Server, url: &str) -> String {
    let body = json!({ "label": url, "url": url, "subscribed_events": ["status.updated"] });
    text(&server.client.post(DESTINATIONS, body).await.ok(201)["uuid"])
}

pub(super) async fn deliveries_of(server: &Server, destination: &str) -> Vec<Value> {
    let page = server.client.get(&format!("{DESTINATIONS}{destination}/deliveries/?limit=200")).await.ok(200);
    page["results"].as_array().unwrap().clone()
}

/// Waits until this many attempts are recorded; newest first.
pub(super) async fn recorded(server: &Server, destination: &str, count: usize) -> Vec<Value> {
    eventually(&format!("attempt {count}"), || async {
        let rows = deliveries_of(server, destination).await;
        (rows.len() >= count).then_some(rows)
    })
    .await
}

pub(super) async fn waiting(server: &Server) -> i64 {
    server
        .app
        .store
        .read::<_, Error, _>(|tx| {
            Box::pin(async move { Ok(tx.query_opt("SELECT count(*) FROM outbox", &[]).await?.unwrap().get(0)?) })
        })
        .await
        .unwrap()
}

pub(super) async fn nothing_waits(server: &Server) {
    eventually("an empty queue", || async { (waiting(server).await == 0).then_some(()) }).await;
}

pub(super) async fn review(server: &Server, session: &str, to: &str) {
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": to })).await.ok(201);
}

db_test!(what_is_retried_and_what_is_not, server => {
    let close = Behaviour::Close;
    for (first, retried, shown) in [
        (Behaviour::status(500, &[]), true, json!(500)),
        (Behaviour::status(503, &[]), true, json!(503)),
        (Behaviour::status(404, &[]), true, json!(404)),
        (Behaviour::status(408, &[]), true, json!(408)),
        (Behaviour::status(429, &[]), true, json!(429)),
        (close, true, Value::Null),
        (Behaviour::Answer("this is not HTTP\r\n\r\n".into()), true, Value::Null),
        (Behaviour::Silence, true, Value::Null),
        (Behaviour::EndlessHeaders, true, Value::Null),
        (Behaviour::Answer("HTTP/1.1 200 OK\r\nContent-Len".into()), true, Value::Null), // Ends inside the head.
        (Behaviour::Answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".into()), false, json!(200)), // Inside the body.
        (Behaviour::status(400, &[]), false, json!(400)),
        (Behaviour::status(401, &[]), false, json!(401)),
        (Behaviour::status(410, &[]), false, json!(410)),
        (Behaviour::status(301, &["Location: /elsewhere"]), false, json!(301)),
        (Behaviour::status(307, &["Location: /elsewhere"]), false, json!(307)),
        (Behaviour::status(204, &[]), false, json!(204)),
        (Behaviour::EndlessBody, false, json!(200)),
    ] {
        let name = format!("{first:?}");
        let receiver = RawReceiver::start(move |n| if n == 0 { first.clone() } else { Behaviour::status(200, &[]) }).await;
        let destination = destination_at(&server, &receiver.url()).await;
        server.session().await;
        let attempts = if retried { 2 } else { 1 };
        let rows = recorded(&server, &destination, attempts).await;
        nothing_waits(&server).await;
        assert_eq!(receiver.bodies().len(), attempts, "{name}: a redirect is not followed, a final failure not repeated");
        let first = rows.last().unwrap();
        assert_eq!(first["response_status"], shown, "{name}");
        assert_eq!(first["response_time_ms"].is_null(), shown.is_null(), "{name}");
        let succeeded = shown.as_i64().is_some_and(|status| status / 100 == 2);
        assert_eq!(first["status"], if succeeded { "success" } else { "failed" }, "{name}");
        server.client.delete(&format!("{DESTINATIONS}{destination}/")).await.ok(204);
    }
    server.stop().await;
});

db_test!(a_receiver_that_speaks_no_tls_is_tried_again, server => {
    let receiver = RawReceiver::start(|_| Behaviour::status(200, &[])).await;
    let destination = destination_at(&server, &receiver.url().replace("http://", "https://")).await;
    server.session().await;
    let rows = recorded(&server, &destination, 4).await;
    nothing_waits(&server).await;
    assert!(rows.iter().all(|row| row["response_status"].is_null() && row["status"] == "failed"), "{rows:?}");
    assert!(receiver.bodies().is_empty(), "nothing was said in the clear");
    server.stop().await;
});

db_test!(given_up_after_the_schedule, server => {
    let receiver = RawReceiver::start(|_| Behaviour::status(500, &[])).await;
    let destination = destination_at(&server, &receiver.url()).await;
    server.session().await;
    let rows = recorded(&server, &destination, 4).await; // Three waits: four attempts.
    nothing_waits(&server).await;
    assert_eq!(rows.len(), 4);
    let bodies = receiver.bodies();
    assert!(bodies.iter().all(|body| body["event_id"] == bodies[0]["event_id"] && body["created_at"] == bodies[0]["created_at"]));
    let summary = server.client.get(&format!("{DESTINATIONS}{destination}/")).await.ok(200)["summary"].clone();
    assert_eq!((&summary["total_deliveries"], &summary["failed_deliveries"]), (&json!(4), &json!(4)));
    assert_eq!(summary["error_rate_percentage"], 100);
    assert!(summary["min_response_time_ms"].is_i64(), "an answer is an answer: {summary}");
    server.stop().await;
});

/// The waits are counted on the server's clock: an hour's wait passes when the clock says so, and not before.
async fn waits(engine: Engine) {
    let Some(server) = Server::start_with(engine, |s| s.webhook_retry_schedule = Some("1h,2h".into())).await else { return };
    let receiver = RawReceiver::start(|n| match n {
        0 => Behaviour::status(503, &["Retry-After: 7200"]),
        1 => Behaviour::status(429, &["Retry-After: 5"]),
        _ => Behaviour::status(200, &[]),
    })
    .await;
    let destination = destination_at(&server, &receiver.url()).await;
    let session = server.session().await;
    recorded(&server, &destination, 1).await;
    review(&server, &session, "Approved").await; // Waits behind the first.
    for (hours_in, attempts) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 4)] {
        if hours_in > 0 {
            server.app.clock.advance(3_605);
        }
        // A poll and more: whoever would send too early has had the time to.
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        assert_eq!(recorded(&server, &destination, attempts).await.len(), attempts, "after {hours_in} h");
    }
    let bodies = receiver.bodies();
    assert_eq!(bodies[0]["event_id"], bodies[2]["event_id"]);
    assert_eq!(bodies[0]["created_at"], bodies[2]["created_at"]);
    assert!(bodies[2]["timestamp"].as_i64().unwrap() >= bodies[0]["timestamp"].as_i64().unwrap() + 4 * 3_600);
    assert_eq!(bodies[3]["status"], "Approved");
    server.stop().await;
}

/// Chance moves a retry by up to three seconds and what is behind it along; the longest draw is the test's.
async fn spread(engine: Engine) {
    let Some(server) = Server::start_with(engine, |s| s.webhook_retry_schedule = Some("1h".into())).await else { return };
    let receiver = RawReceiver::start(|_| Behaviour::status(503, &[])).await;
    let destination = destination_at(&server, &receiver.url()).await;
    for (n, (chance, least)) in [(0, 3_600_000), (u32::MAX, 3_602_999)].into_iter().enumerate() {
        server.app.clock.fix_chance(chance);
        let session = server.session().await;
        let began = text(&recorded(&server, &destination, n + 1).await[0]["created_at"]);
        review(&server, &session, "Approved").await;
        let session: uuid::Uuid = session.parse().unwrap();
        let read = server.app.store.read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let rows =
                    tx.query("SELECT due_at FROM outbox WHERE object_id = $1 ORDER BY sequence", &[session.into()]).await?;
                Ok((rows[0].get::<i64>(0)?, rows[1].get::<i64>(0)?))
            })
        });
        let (due, behind) = read.await.unwrap();
        let waits = (due - Timestamp::parse(&began).unwrap().as_micros()) / 1_000;
        assert!(waits >= least && waits < least + 2_500, "{waits} ms"); // The attempt itself takes a second at most.
        assert_eq!(behind, due, "not due before what it waits for");
    }
    server.stop().await;
}

mod retries_are_spread_by_chance {
    use super::*;
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        spread(Engine::Sqlite).await;
    }
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        spread(Engine::Postgres).await;
    }
}

mod waits_follow_the_schedule_and_retry_after {
    use super::*;
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        waits(Engine::Sqlite).await;
    }
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        waits(Engine::Postgres).await;
    }
}

db_test!(every_attempt_is_signed_anew, server => {
    let receiver = Receiver::answering(|n| (if n < 2 { StatusCode::BAD_GATEWAY } else { StatusCode::OK }, Duration::ZERO)).await;
    let (destination, secret) = server.destination(&receiver).await;
    server.session_with(json!({ "vendor_data": "Ünïcode 😀", "metadata": { "n": 1e3, "z": -0.0 } })).await;
    let received = receiver.wait_for(3).await;
    for delivery in &received {
        let at = delivery.header("webhook-timestamp");
        assert!(verify::signature(&secret, &delivery.body, delivery.header("x-signature")));
        assert!(verify::v2(&secret, &delivery.body, delivery.header("x-signature-v2")));
        assert!(verify::simple(&secret, &delivery.body, delivery.header("x-signature-simple")));
        assert!(verify::standard(&secret, delivery.header("webhook-id"), at, &delivery.body, delivery.header("webhook-signature")));
        assert_eq!((delivery.header("x-timestamp"), delivery.header("content-type")), (at, "application/json"));
        assert!(delivery.header("user-agent").starts_with("DiditWebhook/2.0 (compatible; Gavel/"));
    }
    // The record holds exactly what was sent.
    let rows = recorded(&server, &destination, 3).await;
    let path = format!("{DESTINATIONS}{destination}/deliveries/{}/", text(&rows[0]["uuid"]));
    let shown = server.client.get(&path).await.ok(200);
    assert_eq!(shown["request_body"].as_str().unwrap().as_bytes(), received[2].body);
    let headers: Value = serde_json::from_str(shown["request_header"].as_str().unwrap()).unwrap();
    for name in ["X-Signature", "X-Signature-V2", "X-Signature-Simple", "X-Timestamp", "webhook-id", "webhook-signature", "User-Agent"] {
        assert_eq!(headers[name], received[2].header(name), "{name}");
    }
    server.stop().await;
});

db_test!(events_of_one_session_keep_their_order_and_others_pass, server => {
    // The first session's first event fails twice; everything else is taken.
    let receiver = RawReceiver::start(|n| if n == 0 { Behaviour::Silence } else { Behaviour::status(200, &[]) }).await;
    let destination = destination_at(&server, &receiver.url()).await;
    let slow = server.session().await;
    receiver.wait_for(1).await;
    for to in ["Approved", "Declined"] {
        review(&server, &slow, to).await;
    }
    let other = server.session().await;
    review(&server, &other, "Approved").await;
    let bodies = receiver.wait_for(6).await;
    let of = |session: &str| -> Vec<Value> {
        bodies.iter().filter(|body| body["session_id"] == session).map(|body| body["status"].clone()).collect()
    };
    assert_eq!(of(&slow), ["Not Started", "Not Started", "Approved", "Declined"]);
    assert_eq!(of(&other), ["Not Started", "Approved"]);
    assert_eq!(bodies[1]["session_id"], json!(other), "the other session does not wait");
    assert_eq!(recorded(&server, &destination, 6).await.len(), 6);
    server.stop().await;
});

// Hundreds of events for receivers that never answer, and some for one that does.
db_test!(slow_receivers_delay_nobody_else, server => {
    let mut silent = Vec::new();
    for _ in 0..3 {
        let receiver = RawReceiver::start(|_| Behaviour::Silence).await;
        destination_at(&server, &receiver.url()).await;
        silent.push(receiver);
    }
    let workflow = server.workflow().await;
    for _ in 0..150 {
        server.client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201);
    }
    let good = Receiver::start().await;
    destination_at(&server, &good.url()).await;
    for _ in 0..40 {
        server.client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201);
    }
    good.wait_for(40).await;
    // Hundreds of attempts of a second each still lie before the silent ones: the good one did not stand in their queue.
    assert!(waiting(&server).await > 100);
    assert!(silent.iter().all(|receiver| !receiver.bodies().is_empty()));
    server.stop().await;
});

db_test!(disabling_or_deleting_drops_what_waits, server => {
    let receiver = RawReceiver::start(|_| Behaviour::Silence).await;
    for end in ["disable", "delete"] {
        let destination = destination_at(&server, &receiver.url()).await;
        let path = format!("{DESTINATIONS}{destination}/");
        let session = server.session().await;
        review(&server, &session, "Approved").await;
        assert_eq!(waiting(&server).await, 2);
        match end {
            "disable" => {
                server.client.patch(&path, json!({ "enabled": false })).await.ok(200);
                assert_eq!(waiting(&server).await, 0);
                review(&server, &session, "Declined").await; // Nobody wants it now.
                server.client.patch(&path, json!({ "enabled": true })).await.ok(200);
                assert_eq!(waiting(&server).await, 0, "enabling brings nothing back");
                server.client.delete(&path).await.ok(204);
            }
            _ => {
                server.client.delete(&path).await.ok(204);
                assert_eq!(waiting(&server).await, 0);
            }
        }
    }
    server.stop().await;
});

// Fan-out, delivery and disabling at the same time: nothing waits for a disabled destination, nobody waits for ever.
db_test!(disabling_under_load_leaves_nothing_behind, server => {
    let receiver = Receiver::start().await;
    let (destination, _) = server.destination(&receiver).await;
    let path = format!("{DESTINATIONS}{destination}/");
    let workflow = server.workflow().await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (client, workflow) = (server.client.clone(), workflow.clone());
        crowd.spawn(async move {
            for _ in 0..60 {
                client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201);
            }
        });
    }
    for _ in 0..25 {
        for enabled in [false, true] {
            server.client.patch(&path, json!({ "enabled": enabled })).await.ok(200);
        }
    }
    server.client.patch(&path, json!({ "enabled": false })).await.ok(200);
    crowd.join_all().await;
    assert_eq!(waiting(&server).await, 0);
    server.stop().await;
});

db_test!(older_forms_of_the_decision, server => {
    let receiver = Receiver::start().await;
    let body = json!({ "label": "v1", "url": receiver.url(), "subscribed_events": ["status.updated"], "webhook_version": "v1" });
    server.client.post(DESTINATIONS, body).await.ok(201);
    server.session_with_evidence(json!({ "email_verifications": [{ "email": "a@example.com" }, { "email": "b@example.com" }] })).await;
    let received = receiver.wait_for(2).await;
    let decision = received[1].json()["decision"].clone();
    assert_eq!(decision["email"]["email"], "a@example.com", "{decision}");
    assert_eq!(decision["phone"], Value::Null);
    assert!(decision.as_object().unwrap().contains_key("nfc"));
    for newer in ["email_verifications", "phone_verifications", "liveness_checks", "ip_analyses"] {
        assert_eq!(decision.get(newer), None);
    }
    server.stop().await;
});

async fn refused_targets(engine: Engine) {
    let Some(server) = Server::start_with(engine, |s| s.webhook_allow_private = Some(Switch(false))).await else { return };
    let receiver = Receiver::start().await;
    let port = receiver.url().rsplit(':').next().unwrap().to_owned();
    // The names of this machine that its own files resolve to itself; `localhost` is refused by its name already.
    let mut targets = vec![receiver.url(), format!("http://localhost:{port}")];
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    for name in ["ip6-localhost".to_owned(), host] {
        let found = tokio::net::lookup_host((name.as_str(), 80)).await.map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        if !name.is_empty() && !found.is_empty() && found.iter().all(|address| address.ip().is_loopback()) {
            targets.push(format!("http://{name}:{port}"));
        }
    }
    for (n, target) in targets.into_iter().enumerate() {
        let destination = destination_at(&server, &format!("http://example.com/{n}")).await;
        let (id, url): (uuid::Uuid, _) = (destination.parse().unwrap(), target.clone());
        server
            .app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    Ok(tx.execute("UPDATE destinations SET url = $2 WHERE id = $1", &[id.into(), url.into()]).await?)
                })
            })
            .await
            .unwrap();
        server.session().await;
        let rows = recorded(&server, &destination, 1).await;
        nothing_waits(&server).await;
        assert_eq!(rows.len(), 1, "{target}: refused for good");
        assert_eq!((&rows[0]["response_status"], &rows[0]["status"]), (&Value::Null, &json!("failed")), "{target}");
        server.client.delete(&format!("{DESTINATIONS}{destination}/")).await.ok(204);
    }
    assert!(receiver.received().is_empty());
    server.stop().await;
}

mod a_private_target_is_refused_at_delivery {
    use super::*;
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        refused_targets(Engine::Sqlite).await;
    }
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        refused_targets(Engine::Postgres).await;
    }
}

// As if the process had died between the post and the record: the lease is taken over, and the late one writes nothing.
db_test!(an_attempt_whose_lease_was_taken_over_records_nothing, server => {
    let receiver = Receiver::answering(|n| (StatusCode::OK, Duration::from_millis(if n == 0 { 800 } else { 0 }))).await;
    let (destination, _) = server.destination(&receiver).await;
    server.session().await;
    receiver.wait_for(1).await; // In flight, and slow.
    server.app.store.write::<_, Error, _>(|tx| Box::pin(async move {
        tx.execute("UPDATE outbox SET leased_until = 0, lease_token = NULL", &[]).await?;
        tx.wake_deliveries();
        Ok(())
    })).await.unwrap();
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].json()["event_id"], received[1].json()["event_id"]);
    nothing_waits(&server).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await; // The late one has come back by now.
    assert_eq!(deliveries_of(&server, &destination).await.len(), 1);
    let shown = server.client.get(&format!("{DESTINATIONS}{destination}/")).await.ok(200);
    assert_eq!(shown["summary"]["total_deliveries"], 1);
    server.stop().await;
});

db_test!(a_lease_that_ran_out_is_claimed_again, server => {
    // A receiver that never answers in time: the events stay, however long the test takes to get to them.
    let receiver = Receiver::answering(|_| (StatusCode::OK, Duration::from_secs(30))).await;
    let (destination, _) = server.destination(&receiver).await;
    let (store, now) = (&server.app.store, server.app.clock.now());
    let id: gavel_core::ids::DestinationId = destination.parse().unwrap();
    let session = server.session().await;
    review(&server, &session, "Approved").await;
    // The worker passes over it from here on: the queue is this test's alone.
    server.app.store.write::<_, Error, _>(move |tx| Box::pin(async move {
        Ok(tx.execute("UPDATE destinations SET enabled = $2 WHERE id = $1", &[id.0.into(), false.into()]).await?)
    })).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await; // A pass that began before has claimed what it claims.
    server.app.store.write::<_, Error, _>(move |tx| Box::pin(async move {
        tx.execute("UPDATE outbox SET leased_until = 0, lease_token = NULL, attempts = 0, due_at = $1", &[now.into()]).await?;
        Ok(())
    })).await.unwrap();
    let claim = |at: i64| {
        let (from, until, token) = (now.plus_seconds(at), now.plus_seconds(at + 15), new_id());
        store.write::<_, Error, _>(move |tx| Box::pin(async move {
            outbox::claim_due(tx, id, (from, until), token, 10).await?;
            Ok(outbox::list_claimed(tx, token).await?)
        }))
    };
    let first = claim(0).await.unwrap();
    assert_eq!(first.len(), 1, "only the head of the lane");
    assert!(claim(1).await.unwrap().is_empty(), "leased");
    let second = claim(15).await.unwrap();
    assert_eq!((second.len(), second[0].id), (1, first[0].id), "the same event, under another token");
    assert_ne!(second[0].token, first[0].token);
    let (late, holder) = (first[0].clone(), second[0].clone());
    let (late, holder) = store.write::<_, Error, _>(move |tx| Box::pin(async move {
        let waits = outbox::set_due(tx, &late, now).await?;
        Ok((waits, outbox::remove_claimed(tx, &[&late, &holder]).await?))
    })).await.unwrap();
    assert_eq!((late, holder), (false, vec![second[0].id]), "once, by the holder");
    assert_eq!(claim(15).await.unwrap().len(), 1, "the next of the lane");
    server.stop().await;
});

// With an event that waits for its retry and another one behind it, the worker sleeps.
db_test!(nothing_spins_while_events_wait, server => {
    let destination = destination_at(&server, "http://127.0.0.1:9/").await;
    let session = server.session().await;
    recorded(&server, &destination, 4).await;
    let now = server.app.clock.now();
    review(&server, &session, "Approved").await;
    review(&server, &session, "Declined").await;
    server.app.store.write::<_, Error, _>(move |tx| Box::pin(async move {
        tx.execute("UPDATE outbox SET due_at = $1 WHERE sequence = 2", &[now.plus_seconds(3_600).into()]).await?;
        Ok(())
    })).await.unwrap();
    let next = server.app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(outbox::next_due(tx, now).await?) })).await.unwrap();
    assert!(next.is_none_or(|due| due.as_micros() > now.as_micros()), "what is due already and cannot go is not waited for");
    server.stop().await;
});

db_test!(resend_goes_out_at_once_and_beside_the_queue, server => {
    let receiver = Receiver::answering(|n| (if n == 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK }, Duration::ZERO)).await;
    let (destination, secret) = server.destination(&receiver).await;
    server.session().await;
    let first = recorded(&server, &destination, 1).await[0].clone();
    server.client.patch(&format!("{DESTINATIONS}{destination}/"), json!({ "enabled": false })).await.ok(200);
    let path = format!("{DESTINATIONS}{destination}/deliveries/{}/resend/", text(&first["uuid"]));
    let again = server.client.request(http::Method::POST, &path).send().await.unwrap();
    assert_eq!(again.status(), 200);
    let again: Value = again.json().await.unwrap();
    assert_eq!((&again["status"], &again["response_status"]), (&json!("success"), &json!(200)));
    assert_ne!(again["uuid"], first["uuid"]);
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].json()["event_id"], received[1].json()["event_id"]);
    assert!(verify::v2(&secret, &received[1].body, received[1].header("x-signature-v2")));
    assert_eq!(deliveries_of(&server, &destination).await.len(), 2);
    assert_eq!(waiting(&server).await, 0);
    let unknown = format!("{DESTINATIONS}{destination}/deliveries/{destination}/resend/");
    server.client.post(&unknown, json!({})).await.is(404, json!({ "detail": "Not found." }));
    let summary = server.client.get(&format!("{DESTINATIONS}{destination}/")).await.ok(200)["summary"].clone();
    assert_eq!((&summary["total_deliveries"], &summary["failed_deliveries"], &summary["error_rate_percentage"]), (&json!(2), &json!(1), &json!(50)));
    server.stop().await;
});

db_test!(what_waited_at_the_end_is_sent_after_the_next_start, server => {
    // An event whose lease a dead process holds: on SQLite the start frees it, on PostgreSQL the lease runs out.
    let receiver = Receiver::start().await;
    let (_, _) = server.destination(&receiver).await;
    server.session().await;
    receiver.wait_for(1).await;
    nothing_waits(&server).await;
    let (now, store) = (server.app.clock.now(), server.app.store.clone());
    store.write::<_, Error, _>(move |tx| Box::pin(async move {
        tx.execute(
            "INSERT INTO outbox (id, event_id, destination_id, object_id, sequence, attempts, due_at, leased_until, lease_token)
             SELECT e.id, e.id, d.id, e.object_id, e.sequence, 0, e.created_at, $1, e.id FROM events e, destinations d",
            &[now.plus_seconds(12).into()],
        ).await?;
        Ok(())
    })).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(receiver.received().len(), 1, "somebody else's lease");
    server.app.clock.advance(12);
    receiver.wait_for(2).await;
    nothing_waits(&server).await;
    let kept = store.read::<_, Error, _>(|tx| Box::pin(async move {
        Ok(tx.query_opt("SELECT count(*) FROM deliveries", &[]).await?.unwrap().get::<i64>(0)?)
    })).await.unwrap();
    assert_eq!(kept, 2);
    server.stop().await;
});
