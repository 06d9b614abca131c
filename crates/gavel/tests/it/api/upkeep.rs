//! What Gavel adds to destinations: `/x/webhook/destinations/`.

use std::time::Duration;

use gavel::{actions::Error, workers::forget};
use gavel_core::webhook::verify;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, eventually, text},
};

const DAY: i64 = 86_400;

async fn shown(server: &Server, id: &str) -> Value {
    server.client.get(&format!("/x/webhook/destinations/{id}/")).await.ok(200)
}

async fn post(server: &Server, id: &str, what: &str, body: Value) -> Value {
    server.client.post(&format!("/x/webhook/destinations/{id}/{what}/"), body).await.ok(200)
}

async fn audited(server: &Server, kind: &'static str) -> i64 {
    let read = server.app.store.read::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let row = tx.query_opt("SELECT count(*) FROM audit_events WHERE kind = $1", &[kind.into()]).await?;
            Ok(row.unwrap().get(0)?)
        })
    });
    read.await.unwrap()
}

async fn until_shown(server: &Server, id: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    eventually(what, || async {
        let view = shown(server, id).await;
        holds(&view).then_some(view)
    })
    .await
}

db_test!(a_test_is_marked_signed_and_recorded, server => {
    let receiver = Receiver::start().await;
    let (id, secret) = server.destination(&receiver).await;
    post(&server, &id, "pause", json!({})).await;
    let sent = post(&server, &id, "test", json!({})).await;
    assert_eq!((&sent["status"], &sent["response_status"]), (&json!("success"), &json!(200)));
    let received = &receiver.received()[0];
    assert_eq!(received.header("x-didit-test-webhook"), "true");
    assert_eq!(received.json()["metadata"], json!({ "test_webhook": true }));
    assert!(verify::v2(&secret, &received.body, received.header("x-signature-v2")));
    let own = format!("/v3/webhook/destinations/{id}/deliveries/{}/", text(&sent["uuid"]));
    assert_eq!(server.client.get(&own).await.ok(200), sent);
    assert_eq!(audited(&server, "destination.tested").await, 1);
    server.stop().await;
});

db_test!(a_rotated_secret_overlaps_with_the_old_one, server => {
    let receiver = Receiver::start().await;
    let (id, old) = server.destination(&receiver).await;
    let rotated = post(&server, &id, "rotate-secret", json!({})).await;
    let new = text(&rotated["secret_shared_key"]);
    assert!(new != old && rotated["previous_secret_valid_until"].is_string());
    server.session().await;
    let first = receiver.wait_for(1).await.remove(0);
    let standard = |secret: &str, it: &crate::harness::receiver::Received| {
        let (id, at) = (it.header("webhook-id"), it.header("webhook-timestamp"));
        verify::standard(secret, id, at, &it.body, it.header("webhook-signature"))
    };
    for (name, check) in [("x-signature", verify::signature as fn(&str, &[u8], &str) -> bool), ("x-signature-v2", verify::v2), ("x-signature-simple", verify::simple)] {
        assert!(check(&old, &first.body, first.header(name)) && !check(&new, &first.body, first.header(name)), "{name}");
    }
    assert!(standard(&old, &first) && standard(&new, &first), "both");

    server.app.clock.advance(DAY);
    server.session().await;
    let second = receiver.wait_for(2).await.remove(1);
    assert!(verify::signature(&new, &second.body, second.header("x-signature")));
    assert!(standard(&new, &second) && !standard(&old, &second));
    assert_eq!(shown(&server, &id).await["previous_secret_valid_until"], Value::Null);

    let path = format!("/x/webhook/destinations/{id}/rotate-secret/");
    let refused = server.client.post(&path, json!({ "overlap_hours": 721 })).await;
    refused.is(400, json!({ "overlap_hours": ["Ensure this value is less than or equal to 720."] }));
    let alone = server.client.post(&path, json!({ "overlap_hours": 0 })).await.ok(200);
    assert_eq!(alone["previous_secret_valid_until"], Value::Null);
    server.stop().await;
});

db_test!(a_pause_keeps_everything_and_a_resume_sends_it_in_order, server => {
    let receiver = Receiver::start().await;
    let (id, _) = server.destination(&receiver).await;
    let paused = post(&server, &id, "pause", json!({})).await;
    assert!(paused["paused_at"].is_string() && paused["pause_reason"] == "requested", "{paused}");
    assert_eq!(post(&server, &id, "pause", json!({})).await["paused_at"], paused["paused_at"], "paused once");
    let session = server.session().await;
    for status in ["Declined", "Approved"] {
        let body = json!({ "new_status": status });
        server.client.post(&format!("/v3/sessions/{session}/reviews/"), body).await.ok(201);
    }
    assert_eq!(shown(&server, &id).await["queue_length"], 3);
    assert!(receiver.received().is_empty());
    assert_eq!(shown(&server, &id).await["summary"]["total_deliveries"], 0);
    let resumed = post(&server, &id, "resume", json!({})).await;
    assert_eq!((&resumed["paused_at"], &resumed["pause_reason"]), (&Value::Null, &Value::Null));
    let statuses: Vec<String> = receiver.wait_for(3).await.iter().map(|it| text(&it.json()["status"])).collect();
    assert_eq!(statuses, ["Not Started", "Declined", "Approved"]);
    assert_eq!((audited(&server, "destination.paused").await, audited(&server, "destination.resumed").await), (1, 1));
    server.stop().await;
});

db_test!(days_of_nothing_but_failures_pause_a_destination, server => {
    let receiver = Receiver::answering(|_| (StatusCode::GONE, Duration::ZERO)).await;
    let (id, _) = server.destination(&receiver).await;
    server.session().await;
    until_shown(&server, &id, "the first dead letter", |view| view["dead_letters_count"] == 1).await;
    server.app.clock.advance(3 * DAY - 60);
    server.session().await;
    let view = until_shown(&server, &id, "the second dead letter", |view| view["dead_letters_count"] == 2).await;
    assert_eq!(view["paused_at"], Value::Null, "a minute too early");
    server.app.clock.advance(60);
    server.session().await;
    let view = until_shown(&server, &id, "the pause", |view| view["paused_at"].is_string()).await;
    assert_eq!((&view["pause_reason"], &view["enabled"]), (&json!("failing"), &json!(true)));
    assert_eq!(audited(&server, "destination.paused").await, 1);
    server.session().await;
    assert_eq!(shown(&server, &id).await["queue_length"], 1, "kept");
    // Resumed, it has as many days again.
    post(&server, &id, "resume", json!({})).await;
    let view = until_shown(&server, &id, "the last dead letter", |view| view["dead_letters_count"] == 4).await;
    assert_eq!(view["paused_at"], Value::Null);
    server.stop().await;
});

db_test!(given_up_events_are_kept_and_replayed_under_their_ids, server => {
    let receiver = Receiver::answering(|n| (if n < 2 { StatusCode::GONE } else { StatusCode::OK }, Duration::ZERO)).await;
    let (id, _) = server.destination(&receiver).await;
    let since = server.app.clock.now().to_string();
    let first = server.session().await;
    until_shown(&server, &id, "a dead letter", |view| view["dead_letters_count"] == 1).await;
    server.session().await;
    until_shown(&server, &id, "two dead letters", |view| view["dead_letters_count"] == 2).await;
    server.session().await; // Delivered.
    let sent = receiver.wait_for(3).await;
    until_shown(&server, &id, "an empty queue", |view| view["queue_length"] == 0).await;
    let letters = server.client.get(&format!("/x/webhook/destinations/{id}/dead-letters/")).await.ok(200);
    assert_eq!((&letters["count"], &letters["results"][1]["session_id"]), (&json!(2), &json!(first)), "newest first");
    assert_eq!(letters["results"][1]["event_id"], sent[0].json()["event_id"]);
    assert_eq!((&letters["results"][1]["attempts"], &letters["results"][1]["reason"]), (&json!(1), &json!("rejected")));

    assert_eq!(post(&server, &id, "replay", json!({ "since": since, "only": "failed" })).await, json!({ "queued": 2 }));
    let again = receiver.wait_for(5).await;
    let ids = |range: &[crate::harness::receiver::Received]| {
        let mut ids: Vec<String> = range.iter().map(|it| text(&it.json()["event_id"])).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&again[3..]), ids(&again[..2]));
    until_shown(&server, &id, "no dead letters", |view| view["dead_letters_count"] == 0 && view["queue_length"] == 0).await;
    assert_eq!(post(&server, &id, "replay", json!({ "since": since, "only": "failed" })).await, json!({ "queued": 0 }));
    assert_eq!(post(&server, &id, "replay", json!({ "since": since })).await, json!({ "queued": 3 }), "all of them");
    assert_eq!(ids(&receiver.wait_for(8).await[5..]), ids(&again[..3]));
    assert_eq!(post(&server, &id, "replay", json!({ "since": since, "until": since_next(&since) })).await["queued"], 0);
    let path = format!("/x/webhook/destinations/{id}/replay/");
    server.client.post(&path, json!({})).await.is(400, json!({ "since": ["This field is required."] }));
    let turned = server.client.post(&path, json!({ "since": since, "until": since })).await;
    turned.is(400, json!({ "until": ["Must be later than since."] }));
    server.client.post(&path, json!({ "since": since, "only": "all" })).await.is(400, json!({ "only": ["\"all\" is not a valid choice."] }));
    server.client.patch(&format!("/v3/webhook/destinations/{id}/"), json!({ "enabled": false })).await.ok(200);
    assert_eq!(server.client.post(&path, json!({ "since": since })).await.status, 400);
    server.stop().await;
});

/// One microsecond later: a period before everything.
fn since_next(since: &str) -> String {
    let at = gavel_core::time::Timestamp::parse(since).unwrap();
    gavel_core::time::Timestamp::from_micros(at.as_micros() + 1).to_string()
}

// A month of pause: nothing vanishes, and what is given up then is sent again on request, in its order.
db_test!(a_queue_paused_for_a_month_becomes_dead_letters, server => {
    let receiver = Receiver::start().await;
    let (id, _) = server.destination(&receiver).await;
    let since = server.app.clock.now().to_string();
    let old = server.session().await;
    receiver.wait_for(1).await;
    server.app.clock.advance(DAY);
    post(&server, &id, "pause", json!({})).await;
    for status in ["Approved", "Declined"] {
        server.client.post(&format!("/v3/sessions/{old}/reviews/"), json!({ "new_status": status })).await.ok(201);
    }
    server.app.clock.advance(28 * DAY);
    let young = server.session().await;
    assert_eq!(forget::pass(&server.app).await.unwrap(), (0, 0), "nothing is a month old");
    server.app.clock.advance(2 * DAY + 60);
    assert_eq!(forget::pass(&server.app).await.unwrap().1, 2);
    let view = shown(&server, &id).await;
    assert_eq!((&view["queue_length"], &view["dead_letters_count"]), (&json!(1), &json!(2)));
    let letters = server.client.get(&format!("/x/webhook/destinations/{id}/dead-letters/")).await.ok(200);
    for letter in letters["results"].as_array().unwrap() {
        assert_eq!((&letter["reason"], &letter["attempts"], &letter["session_id"]), (&json!("paused"), &json!(0), &json!(old)));
    }
    post(&server, &id, "resume", json!({})).await;
    assert_eq!(receiver.wait_for(2).await[1].json()["session_id"], json!(young));
    assert_eq!(post(&server, &id, "replay", json!({ "since": since, "only": "failed" })).await, json!({ "queued": 2 }));
    let statuses: Vec<String> = receiver.wait_for(4).await[2..].iter().map(|it| text(&it.json()["status"])).collect();
    assert_eq!(statuses, ["Approved", "Declined"]);
    server.stop().await;
});

db_test!(what_is_old_is_removed, server => {
    let receiver = Receiver::answering(|n| (if n == 0 { StatusCode::GONE } else { StatusCode::OK }, Duration::ZERO)).await;
    let (id, _) = server.destination(&receiver).await;
    server.session().await;
    until_shown(&server, &id, "a dead letter", |view| view["dead_letters_count"] == 1).await;
    post(&server, &id, "pause", json!({})).await;
    server.session().await;
    let count = async || {
        let page = server.client.get(&format!("/v3/webhook/destinations/{id}/deliveries/")).await.ok(200)["count"].clone();
        let view = shown(&server, &id).await;
        (page, view["dead_letters_count"].clone(), view["queue_length"].clone())
    };
    server.app.clock.advance(29 * DAY);
    assert_eq!(forget::pass(&server.app).await.unwrap(), (0, 0));
    assert_eq!(count().await, (json!(1), json!(1), json!(1)));
    server.app.clock.advance(2 * DAY);
    let removed = forget::pass(&server.app).await.unwrap();
    assert_eq!(removed, (3, 1), "a delivery, a dead letter and its event; what waited is given up");
    assert_eq!(count().await, (json!(0), json!(1), json!(0)));
    server.app.clock.advance(31 * DAY);
    assert_eq!(forget::pass(&server.app).await.unwrap(), (2, 0), "in its turn, with its event");
    assert_eq!(count().await, (json!(0), json!(0), json!(0)));
    assert_eq!(shown(&server, &id).await["summary"]["total_deliveries"], 1, "the counters stay");
    server.stop().await;
});
