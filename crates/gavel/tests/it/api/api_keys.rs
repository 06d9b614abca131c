//! API keys over the API (`/x/api-keys/`), and the application they belong to.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{eventually, shown, text},
};

db_test!(a_key_is_shown_once_and_does_what_it_may, server => {
    let body = json!({ "name": " Reports ", "scopes": { "lists": "read", "sessions": "none" }, "ip_allowlist": ["127.0.0.1", "10.0.0.0/8"] });
    let made = server.client.post("/x/api-keys/", body).await.ok(201);
    let key = text(&made["key"]);
    let mut seen = made.clone();
    (seen["key"], seen["prefix"]) = (json!("[key]"), json!("[prefix]"));
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&seen), @r#"
        {
          "uuid": "[uuid]",
          "name": "Reports",
          "prefix": "[prefix]",
          "scopes": {
            "sessions": "none",
            "lists": "read",
            "users": "none",
            "businesses": "none",
            "transactions": "none",
            "workflows": "none",
            "webhooks": "none",
            "audit": "none"
          },
          "ip_allowlist": [
            "127.0.0.1/32",
            "10.0.0.0/8"
          ],
          "expires_at": null,
          "created_at": "[time]",
          "revoked_at": null,
          "key": "[key]"
        }
        "#);
    }
    let theirs = server.client.with_key(&key);
    theirs.get("/v3/lists/").await.ok(200);
    let forbidden = json!({ "detail": "You do not have permission to perform this action." });
    theirs.get("/v3/sessions/").await.is(403, forbidden.clone());
    theirs.get("/x/api-keys/").await.is(403, forbidden);
    let rows = server.client.get("/x/api-keys/").await.ok(200);
    assert_eq!((&rows["count"], &rows["results"][0]["name"]), (&json!(2), &json!("Reports")));
    assert!(rows["results"].as_array().unwrap().iter().all(|row| row.get("key").is_none()));
    let path = format!("/x/api-keys/{}/", text(&made["uuid"]));
    assert_eq!(server.client.delete(&path).await.status, 204);
    server.client.delete(&path).await.is(404, json!({ "detail": "Not found." }));
    eventually("the key's end", || async { (theirs.get("/v3/lists/").await.status == 401).then_some(()) }).await;
    assert!(server.client.get("/x/api-keys/").await.ok(200)["results"][0]["revoked_at"].is_string());
    server.stop().await;
});

db_test!(keys_are_refused_field_by_field, server => {
    let path = "/x/api-keys/";
    server.client.post(path, json!({})).await.is(400, json!({
        "name": ["This field is required."], "scopes": ["This field is required."],
    }));
    let body = json!({ "name": " ", "scopes": { "lists": "all", "pets": "read" }, "ip_allowlist": ["x", 7, "10.0.0.1"], "expires_at": "soon" });
    server.client.post(path, body).await.is(400, json!({
        "name": ["This field may not be blank."],
        "scopes": { "lists": ["\"all\" is not a valid choice."], "pets": ["There is no such resource."] },
        "ip_allowlist": { "0": ["Enter a valid IP address or CIDR range."], "1": ["Not a valid string."] },
        "expires_at": ["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."],
    }));
    server.client.post(path, json!({ "name": "x", "scopes": { "lists": "none" } })).await
        .is(400, json!({ "scopes": ["Give at least one resource a level."] }));
    server.client.post(path, json!({ "name": "x", "scopes": "some" })).await
        .is(400, json!({ "scopes": ["Invalid data. Expected a dictionary, but got str."] }));
    server.stop().await;
});

db_test!(a_key_sees_its_own_application, server => {
    let own = server.client.get("/x/applications/").await.ok(200);
    assert_eq!((&own["count"], &own["results"][0]["name"]), (&json!(1), &json!("Default")));
    let theirs: Value = server.foreign_client().await.get("/x/applications/").await.ok(200);
    assert_eq!((&theirs["count"], &theirs["results"][0]["name"]), (&json!(1), &json!("Other")));
    server.stop().await;
});
