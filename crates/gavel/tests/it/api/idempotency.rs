//! `Idempotency-Key` on POSTs (contract, conventions §10).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, client::send, text},
};

fn list(name: &str) -> Value {
    json!({ "name": name, "list_type": "custom", "entry_type": "key" })
}

fn other_request() -> Value {
    json!({ "detail": "Idempotency-Key was used with a different request." })
}

async fn count(server: &Server) -> Value {
    server.client.get("/v3/lists/?is_system=false").await.ok(200)["count"].clone()
}

db_test!(a_repeat_gets_the_same_bytes_and_does_nothing, server => {
    let first = server.client.post_once("k", "/v3/lists/", list("a")).await;
    let second = server.client.post_once("k", "/v3/lists", list("a")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(second.header("content-type"), "application/json");
    assert_eq!(count(&server).await, 1);
    let path = format!("/v3/lists/{}/", text(&first.body["uuid"]));
    server.client.patch(&path, json!({ "name": "changed since" })).await.ok(200);
    assert_eq!(server.client.post_once("k", "/v3/lists/", list("a")).await.bytes, first.bytes, "the answer as it was then");
    server.stop().await;
});

db_test!(entries_sessions_and_media_repeat_too, server => {
    let (entries, workflow) = (format!("/v3/lists/{}/entries/", server.system_list("email").await), server.workflow().await);
    for (path, body) in [(entries.as_str(), json!({ "value": "a@example.com" })), ("/v3/session/", json!({ "workflow_id": workflow }))] {
        let first = server.client.post_once(path, path, body.clone()).await;
        assert_eq!(first.status, 201);
        assert_eq!(server.client.post_once(path, path, body).await.bytes, first.bytes);
    }
    assert_eq!(server.client.get(&entries).await.ok(200)["count"], 1);
    let upload = || server.client.request(reqwest::Method::POST, "/x/media/").header("idempotency-key", "m").body("%PDF-1.4");
    let first = send(upload()).await;
    assert_eq!(first.status, 201);
    assert_eq!(send(upload()).await.bytes, first.bytes);
    server.stop().await;
});

db_test!(a_screening_repeats_its_answer, server => {
    let list = server.system_list("email").await;
    let body = json!({ "values": [{ "entry_type": "email", "value": "a@example.com" }] });
    let first = server.client.post_once("s", "/x/screen/", body.clone()).await;
    server.add(&list, "a@example.com").await;
    assert_eq!(server.client.post_once("s", "/x/screen/", body).await.bytes, first.bytes);
    server.stop().await;
});

db_test!(one_key_is_for_one_request, server => {
    server.client.post_once("k", "/v3/lists/", list("a")).await.ok(201);
    server.client.post_once("k", "/v3/lists/", list("b")).await.is(422, other_request());
    server.client.post_once("k", "/x/screen/", list("a")).await.is(422, other_request());
    assert_eq!(count(&server).await, 1);
    server.client.post_once("K", "/v3/lists/", list("b")).await.ok(201);
    let stranger = server.foreign_client().await;
    stranger.post_once("k", "/v3/lists/", list("b")).await.ok(201);
    server.stop().await;
});

db_test!(a_key_is_looked_at_after_the_body_and_before_objects, server => {
    server.client.post_once("k", "/v3/lists/", list("a")).await.ok(201);
    let keyed = |path: &str| server.client.request(reqwest::Method::POST, path).header("idempotency-key", "k");
    send(keyed("/v3/lists/not-an-id/entries/").json(&json!({}))).await.is(404, json!({ "detail": "Not found." }));
    send(keyed("/v3/lists/").header("content-type", "text/plain").body("x")).await
        .is(415, json!({ "detail": "Unsupported media type \"text/plain\" in request." }));
    let broken = send(keyed("/v3/lists/").body("{")).await;
    assert_eq!(broken.status, 400);
    assert!(text(&broken.body["detail"]).starts_with("JSON parse error - "), "{}", broken.body);
    let unknown = format!("/v3/lists/{}/entries/", uuid::Uuid::new_v4());
    send(keyed(&unknown).json(&json!({}))).await.is(422, other_request());
    server.client_with("lists:read").await.post_once("k", "/v3/lists/", list("a")).await
        .is(403, json!({ "detail": "You do not have permission to perform this action." }));
    server.stop().await;
});

db_test!(a_refusal_gives_the_key_back, server => {
    server.list("taken", "custom", "key").await;
    server.client.post_once("k", "/v3/lists/", list("taken")).await.ok(400);
    server.client.post_once("k", "/v3/lists/", json!({})).await.ok(400);
    server.client.post_once("k", &format!("/v3/lists/{}/entries/", uuid::Uuid::new_v4()), json!({})).await.ok(404);
    server.client.post_once("k", "/v3/lists/", list("free")).await.ok(201);
    server.stop().await;
});

db_test!(requests_at_once_have_one_effect, server => {
    let answers = join_all((0..10).map(|_| server.client.post_once("k", "/v3/lists/", list("a")))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty());
    assert!(made.iter().all(|answer| answer.bytes == made[0].bytes));
    for running in answers.iter().filter(|answer| answer.status != 201) {
        running.is(409, json!({ "detail": "A request with this Idempotency-Key is still running." }));
    }
    assert_eq!(count(&server).await, 1);
    server.stop().await;
});

db_test!(an_answer_is_kept_for_a_day, server => {
    let first = server.client.post_once("k", "/v3/lists/", list("a")).await;
    server.app.clock.advance(24 * 3600 - 60);
    assert_eq!(server.client.post_once("k", "/v3/lists/", list("a")).await.bytes, first.bytes);
    server.app.clock.advance(120);
    server.client.post_once("k", "/v3/lists/", list("b")).await.ok(201);
    assert_eq!(count(&server).await, 2);
    server.stop().await;
});

db_test!(a_key_has_a_form, server => {
    for bad in ["", &"k".repeat(256)] {
        let refused = json!({ "detail": "Idempotency-Key must be 1 to 255 visible ASCII characters." });
        server.client.post_once(bad, "/v3/lists/", list("a")).await.is(400, refused);
    }
    server.client.post_once(&"k".repeat(255), "/v3/lists/", list("a")).await.ok(201);
    server.stop().await;
});

db_test!(other_methods_ignore_it, server => {
    let path = format!("/v3/lists/{}/", server.list("a", "custom", "key").await);
    for n in 0..2 {
        let change = server.client.request(reqwest::Method::PATCH, &path).header("idempotency-key", "k").json(&json!({ "description": format!("{n}") }));
        assert_eq!(send(change).await.ok(200)["description"], format!("{n}"));
    }
    server.stop().await;
});
