//! Webhook destinations (contract, webhooks §6, §7).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Engine, Receiver, Server, shown, text},
};

const PATH: &str = "/v3/webhook/destinations/";
const NOT_FOUND: &str = "Webhook destination not found.";

db_test!(made_shown_listed_changed_deleted, server => {
    let body = json!({
        "label": "  Ops  ", "url": "https://hooks.example.com/x?y=1", "webhook_version": "v2",
        "subscribed_events": ["data.updated", "status.updated", "data.updated"],
    });
    let made = server.client.post(PATH, body).await.ok(201);
    assert_eq!(text(&made["secret_shared_key"]).len(), 43);
    let mut shape = made.clone();
    shape["secret_shared_key"] = json!("[secret]");
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&shape), @r#"
        {
          "uuid": "[uuid]",
          "label": "Ops",
          "url": "https://hooks.example.com/x?y=1",
          "enabled": true,
          "webhook_version": "v2",
          "secret_shared_key": "[secret]",
          "subscribed_events": [
            "data.updated",
            "status.updated"
          ],
          "created_at": "[time]",
          "updated_at": "[time]",
          "summary": {
            "total_deliveries": 0,
            "failed_deliveries": 0,
            "error_rate_percentage": 0,
            "min_response_time_ms": null,
            "avg_response_time_ms": null,
            "max_response_time_ms": null,
            "last_delivery_at": null
          }
        }
        "#);
    }
    let path = format!("{PATH}{}/", text(&made["uuid"]));
    assert_eq!(server.client.get(&path).await.ok(200), made);
    let second = server.client.post(PATH, json!({ "label": "b", "url": "https://b.example.com" })).await.ok(201);
    assert_eq!((&second["subscribed_events"], &second["webhook_version"]), (&json!([]), &json!("v3")));
    let all = server.client.get(PATH).await.ok(200);
    assert_eq!(all[1]["uuid"], second["uuid"], "oldest first, a bare array");
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&all[0]), @r#"
        {
          "uuid": "[uuid]",
          "label": "Ops",
          "url": "https://hooks.example.com/x?y=1",
          "enabled": true,
          "webhook_version": "v2",
          "subscribed_events_count": 2,
          "subscribed_events": [
            "data.updated",
            "status.updated"
          ],
          "deliveries_count": 0,
          "failed_deliveries_count": 0,
          "average_response_time_ms": null,
          "error_rate_percentage": 0,
          "last_delivery_at": null,
          "created_at": "[time]",
          "updated_at": "[time]"
        }
        "#);
    }
    let change = json!({ "label": "New", "enabled": false, "subscribed_events": ["transaction.created"], "secret_shared_key": "x" });
    let changed = server.client.patch(&path, change).await.ok(200);
    assert_eq!((&changed["label"], &changed["enabled"]), (&json!("New"), &json!(false)));
    assert_eq!(changed["subscribed_events"], json!(["transaction.created"]));
    for kept in ["uuid", "url", "webhook_version", "secret_shared_key", "created_at"] {
        assert_eq!(changed[kept], made[kept], "{kept}");
    }
    assert!(text(&changed["updated_at"]) > text(&made["updated_at"]));
    assert_eq!(server.client.patch(&path, json!({})).await.ok(200)["label"], "New");
    server.client.delete(&path).await.ok(204);
    for answer in [
        server.client.delete(&path).await,
        server.client.get(&path).await,
        server.client.patch(&path, json!({ "label": "" })).await,
        server.client.get(&format!("{path}deliveries/?date_from=x")).await,
        server.client.get(&format!("{path}deliveries/{}/", text(&made["uuid"]))).await,
    ] {
        answer.is(404, json!({ "detail": NOT_FOUND }));
    }
    // Its URL is free again.
    server.client.post(PATH, json!({ "label": "again", "url": "https://hooks.example.com/x?y=1" })).await.ok(201);
    server.stop().await;
});

db_test!(foreign_destinations_do_not_exist, server => {
    let made = server.client.post(PATH, json!({ "label": "a", "url": "https://a.example.com/" })).await.ok(201);
    let path = format!("{PATH}{}/", text(&made["uuid"]));
    let foreign = server.foreign_client().await;
    foreign.get(&path).await.is(404, json!({ "detail": NOT_FOUND }));
    foreign.patch(&path, json!({ "label": "mine" })).await.is(404, json!({ "detail": NOT_FOUND }));
    foreign.delete(&path).await.is(404, json!({ "detail": NOT_FOUND }));
    assert_eq!(foreign.get(PATH).await.ok(200), json!([]));
    // The same URL at another application is no conflict.
    foreign.post(PATH, json!({ "label": "a", "url": "https://a.example.com/" })).await.ok(201);
    server.stop().await;
});

async fn field_errors(engine: Engine) {
    let change = |s: &mut gavel::config::Settings| {
        (s.webhook_allow_http, s.webhook_allow_private) = (None, None);
    };
    let Some(server) = Server::start_with(engine, change).await else { return };
    let taken = server.client.post(PATH, json!({ "label": "a", "url": "https://a.example.com/" })).await.ok(201);
    let other = server.client.post(PATH, json!({ "label": "b", "url": "https://b.example.com/" })).await.ok(201);
    let (long_label, long_url) = ("x".repeat(256), format!("https://e.example.com/{}", "x".repeat(2_040)));
    let good = |field: &str, value: Value| {
        let mut body = json!({ "label": "x", "url": "https://x.example.com/" });
        body[field] = value;
        body
    };
    let not_valid = json!(["Enter a valid URL."]);
    let not_allowed = json!(["This host is not allowed."]);
    for (field, value, errors) in [
        ("label", json!(""), json!(["This field may not be blank."])),
        ("label", json!("   "), json!(["This field may not be blank."])),
        ("label", json!(null), json!(["This field may not be null."])),
        ("label", json!(long_label), json!(["Ensure this field has no more than 255 characters."])),
        ("url", json!(""), json!(["This field may not be blank."])),
        ("url", json!("/hook"), not_valid.clone()),
        ("url", json!("ftp://x.example.com/"), not_valid.clone()),
        ("url", json!("http://user:pass@localhost/"), not_valid.clone()),
        ("url", json!("https://user@x.example.com/"), not_valid.clone()),
        ("url", json!("http://localhost/"), json!(["Only https URLs are allowed."])),
        ("url", json!("https://localhost/"), not_allowed.clone()),
        ("url", json!("https://a.b.localhost/"), not_allowed.clone()),
        ("url", json!("https://10.0.0.1/"), not_allowed.clone()),
        ("url", json!("https://[::1]/"), not_allowed.clone()),
        ("url", json!("https://169.254.169.254/"), not_allowed.clone()),
        ("url", json!(long_url), json!(["Ensure this field has no more than 2048 characters."])),
        ("url", json!("https://a.example.com/"), json!(["This webhook destination already exists for the application."])),
        ("enabled", json!("perhaps"), json!(["Must be a valid boolean."])),
        ("webhook_version", json!("v4"), json!(["\"v4\" is not a valid choice."])),
        ("subscribed_events", json!([]), json!(["At least one subscribed event is required."])),
        ("subscribed_events", json!(["foo.bar", "status.updated", "x.y"]), json!(["Unsupported webhook events: foo.bar, x.y"])),
        ("subscribed_events", json!("status.updated"), json!(["Expected a list of items but got type \"str\"."])),
    ] {
        let expected = json!({ field: errors });
        server.client.post(PATH, good(field, value.clone())).await.is(400, expected.clone());
        let path = format!("{PATH}{}/", text(&other["uuid"]));
        server.client.patch(&path, json!({ field: value })).await.is(400, expected);
    }
    let missing = json!({ "label": ["This field is required."], "url": ["This field is required."] });
    server.client.post(PATH, json!({})).await.is(400, missing);
    // All that is wrong is told at once; nothing of it was written.
    let both = server
        .client
        .post(PATH, json!({ "label": "", "url": "https://y.example.com/", "subscribed_events": ["x"] }))
        .await
        .ok(400);
    assert_eq!(both.as_object().unwrap().len(), 2, "{both}");
    assert_eq!(server.client.get(PATH).await.ok(200).as_array().unwrap().len(), 2);
    assert_eq!(server.client.get(&format!("{PATH}{}/", text(&other["uuid"]))).await.ok(200), other);
    // Its own URL is no conflict with itself.
    let own = format!("{PATH}{}/", text(&taken["uuid"]));
    server.client.patch(&own, json!({ "url": "https://a.example.com/" })).await.ok(200);
    server.stop().await;
}

mod every_field_error {
    use super::*;
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        field_errors(Engine::Sqlite).await;
    }
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        field_errors(Engine::Postgres).await;
    }
}

db_test!(deliveries_are_listed_and_shown, server => {
    let receiver = Receiver::start().await;
    let (destination, _) = server.destination(&receiver).await;
    let path = format!("{PATH}{destination}/deliveries/");
    assert_eq!(server.client.get(&path).await.ok(200), json!({ "count": 0, "next": null, "previous": null, "results": [] }));
    let (first, second) = (server.session().await, server.session().await);
    let page = crate::harness::eventually("two deliveries", || async {
        let page = server.client.get(&path).await.ok(200);
        (page["count"] == 2).then_some(page)
    }).await;
    let mut row = page["results"][0].clone();
    assert!(row["response_time_ms"].is_i64());
    row["response_time_ms"] = json!(1);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&row), @r#"
        {
          "uuid": "[uuid]",
          "session_id": "[uuid]",
          "request_url": "[server]/hook",
          "response_status": 200,
          "response_time_ms": 1,
          "status": "success",
          "webhook_type": "status.updated",
          "created_at": "[time]"
        }
        "#);
    }
    let sessions: Vec<String> = page["results"].as_array().unwrap().iter().map(|row| text(&row["session_id"])).collect();
    assert!(sessions.contains(&first) && sessions.contains(&second));
    assert!(text(&page["results"][0]["created_at"]) >= text(&page["results"][1]["created_at"]), "newest first");
    let one = server.client.get(&format!("{path}{}/", text(&page["results"][0]["uuid"]))).await.ok(200);
    let names: Vec<&String> = one.as_object().unwrap().keys().collect();
    assert_eq!(names[8..], ["request_header", "request_body"]);
    let limited = server.client.get(&format!("{path}?limit=1")).await.ok(200);
    assert_eq!((limited["results"].as_array().unwrap().len(), &limited["count"]), (1, &json!(2)));
    assert!(limited["next"].is_string());
    let today = text(&page["results"][0]["created_at"])[..10].to_owned();
    for (query, count) in [
        (format!("date_from={today}&date_to={today}"), 2),
        ("date_from=2999-01-01".to_owned(), 0),
        ("date_to=2000-01-01".to_owned(), 0),
    ] {
        assert_eq!(server.client.get(&format!("{path}?{query}")).await.ok(200)["count"], count, "{query}");
    }
    server.client.get(&format!("{path}?date_to=31.12.2026")).await.is(400, json!({ "date_to": ["Enter a valid date."] }));
    server.client.get(&format!("{path}{destination}/")).await.is(404, json!({ "detail": "Not found." }));
    server.client.get(&format!("{path}nonsense/")).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});
