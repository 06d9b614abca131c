//! The single-URL configuration (contract, webhooks §8).

use gavel_core::webhook::verify;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, text},
};

const PATH: &str = "/v3/webhook/";
const DESTINATIONS: &str = "/v3/webhook/destinations/";

async fn change(server: &Server, body: Value) -> Value {
    server.client.patch(PATH, body).await.ok(200)
}

async fn destinations(server: &Server) -> Vec<Value> {
    server.client.get(DESTINATIONS).await.ok(200).as_array().unwrap().clone()
}

db_test!(starts_without_a_url_and_with_a_secret, server => {
    let shown = server.client.get(PATH).await.ok(200);
    let secret = text(&shown["secret_shared_key"]);
    assert_eq!(secret.len(), 43);
    let expected = format!(
        r#"{{"webhook_url":null,"webhook_version":"v3","secret_shared_key":"{secret}","capture_method":"both","data_retention_months":null}}"#
    );
    assert_eq!(shown.to_string(), expected, "members in the contract's order");
    assert_eq!(change(&server, json!({})).await, shown, "nothing sent, nothing changed");
    server.stop().await;
});

db_test!(a_url_is_a_destination_named_default, server => {
    let receiver = Receiver::start().await;
    let secret = text(&server.client.get(PATH).await.ok(200)["secret_shared_key"]);
    let set = change(&server, json!({ "webhook_url": receiver.url(), "webhook_version": "v2" })).await;
    assert_eq!((&set["webhook_url"], &set["webhook_version"]), (&json!(receiver.url()), &json!("v2")));
    assert_eq!(set["secret_shared_key"], secret.as_str());
    let all = destinations(&server).await;
    assert_eq!((all.len(), &all[0]["label"]), (1, &json!("Default")));
    assert_eq!(all[0]["subscribed_events"], json!(["status.updated", "data.updated"]));
    let own = format!("{DESTINATIONS}{}/", text(&all[0]["uuid"]));
    assert_eq!(server.client.get(&own).await.ok(200)["secret_shared_key"], secret.as_str());
    server.session().await;
    let received = &receiver.wait_for(1).await[0];
    assert!(verify::signature(&secret, &received.body, received.header("x-signature")));

    // Moved, not made a second time; what is changed through its own address shows here.
    change(&server, json!({ "webhook_url": "https://b.example.com/" })).await;
    assert_eq!(destinations(&server).await.len(), 1);
    server.client.patch(&own, json!({ "webhook_version": "v1", "url": "https://c.example.com/" })).await.ok(200);
    let shown = server.client.get(PATH).await.ok(200);
    assert_eq!((&shown["webhook_url"], &shown["webhook_version"]), (&json!("https://c.example.com/"), &json!("v1")));
    server.client.post(&format!("/x/webhook/destinations/{}/rotate-secret/", text(&all[0]["uuid"])), json!({})).await.ok(200);
    let rotated = text(&server.client.get(PATH).await.ok(200)["secret_shared_key"]);
    assert_ne!(rotated, secret);

    server.client.delete(&own).await.ok(204);
    let shown = server.client.get(PATH).await.ok(200);
    assert_eq!((&shown["webhook_url"], &shown["webhook_version"]), (&Value::Null, &json!("v1")));
    assert_eq!(shown["secret_shared_key"], rotated.as_str(), "the secret outlives its destination");
    server.stop().await;
});

db_test!(null_deletes_the_destination, server => {
    change(&server, json!({ "webhook_url": "https://a.example.com/" })).await;
    assert_eq!(change(&server, json!({ "webhook_url": null })).await["webhook_url"], Value::Null);
    assert!(destinations(&server).await.is_empty());
    change(&server, json!({ "webhook_url": null })).await;
    change(&server, json!({ "webhook_url": "https://a.example.com/" })).await;
    assert_eq!(destinations(&server).await.len(), 1, "and may be made again");
    server.stop().await;
});

db_test!(a_new_secret_is_valid_at_once_and_alone, server => {
    let receiver = Receiver::start().await;
    let old = text(&change(&server, json!({ "webhook_url": receiver.url() })).await["secret_shared_key"]);
    let unchanged = change(&server, json!({ "rotate_secret_key": false })).await;
    assert_eq!(unchanged["secret_shared_key"], old.as_str());
    let new = text(&change(&server, json!({ "rotate_secret_key": true })).await["secret_shared_key"]);
    assert_ne!(new, old);
    server.session().await;
    let received = &receiver.wait_for(1).await[0];
    assert!(verify::signature(&new, &received.body, received.header("x-signature")));
    assert!(!received.header("webhook-signature").contains(' '), "one signature");
    server.stop().await;
});

db_test!(many_at_once_make_one_destination, server => {
    let calls = (0..8).map(|n| {
        let client = server.client.clone();
        tokio::spawn(async move { client.patch(PATH, json!({ "webhook_url": format!("https://{n}.example.com/") })).await.ok(200) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(destinations(&server).await.len(), 1);
    server.stop().await;
});

db_test!(settings_are_stored, server => {
    let changed = change(&server, json!({ "capture_method": "mobile", "data_retention_months": 12 })).await;
    assert_eq!((&changed["capture_method"], &changed["data_retention_months"]), (&json!("mobile"), &json!(12)));
    assert_eq!(server.client.get(PATH).await.ok(200), changed);
    assert_eq!(change(&server, json!({ "data_retention_months": null })).await["data_retention_months"], Value::Null);
    server.stop().await;
});

db_test!(bad_fields_are_named_and_nothing_is_written, server => {
    server.client.post(DESTINATIONS, json!({ "label": "a", "url": "https://a.example.com/" })).await.ok(201);
    let before = server.client.get(PATH).await.ok(200);
    for (field, value, error) in [
        ("webhook_url", json!("nonsense"), "Enter a valid URL."),
        ("webhook_url", json!("https://user:pass@example.com/"), "Enter a valid URL."),
        ("webhook_url", json!(""), "This field may not be blank."),
        ("webhook_url", json!("https://a.example.com/"), "This webhook destination already exists for the application."),
        ("webhook_version", json!("v4"), "\"v4\" is not a valid choice."),
        ("capture_method", json!("tablet"), "\"tablet\" is not a valid choice."),
        ("rotate_secret_key", json!("perhaps"), "Must be a valid boolean."),
        ("data_retention_months", json!(0), "Ensure this value is greater than or equal to 1."),
        ("data_retention_months", json!(121), "Ensure this value is less than or equal to 120."),
    ] {
        server.client.patch(PATH, json!({ field: value, "rotate_secret_key": if field == "rotate_secret_key" { value.clone() } else { json!(true) } }))
            .await.is(400, json!({ field: [error] }));
    }
    assert_eq!(server.client.get(PATH).await.ok(200), before);
    server.stop().await;
});
