//! Comments and tags on users and businesses, under `/x/users/` and `/x/businesses/`.

use futures_util::future::join_all;
use gavel_core::access::Role;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";

/// A new user or business; its id.
async fn subject(server: &Server, nouns: &str, vendor_data: &str) -> String {
    let made = server.client.post(&format!("/v3/{nouns}/create/"), json!({ "vendor_data": vendor_data })).await.ok(201);
    text(&made["didit_internal_id"])
}

async fn comments(server: &Server) -> Vec<Value> {
    server.client.get("/v3/users/ana/").await.ok(200)["comments"].as_array().unwrap().clone()
}

db_test!(a_comment_is_a_row_of_the_user, server => {
    let user = subject(&server, "users", "ana").await;
    let business = subject(&server, "businesses", "acme").await;
    let path = format!("/x/users/{user}/comments/");
    let before = server.counts().await;
    let answer = server.client.post_once("k", &path, json!({ "comment": " Called twice \n" })).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer), @r#"
    {
      "uuid": "[uuid]",
      "comment_type": "COMMENT",
      "comment": " Called twice \n",
      "actor_email": null,
      "actor_name": "API Client",
      "previous_status": null,
      "new_status": null,
      "previous_value": null,
      "new_value": null,
      "changed_fields": [],
      "metadata": null,
      "mentioned_emails": [],
      "created_at": "[time]"
    }
    "#); }
    assert_eq!(server.client.post_once("k", &path, json!({ "comment": " Called twice \n" })).await.ok(201), answer);
    assert_eq!(comments(&server).await, [answer]);
    let after = server.counts().await;
    assert_eq!((after["audit_events"] - before["audit_events"], after["events"] - before["events"]), (1, 0));
    let person = server.member("lea@acme.example", Role::ComplianceOfficer).await;
    let second = person.post(&path, json!({ "comment": "Second" })).await.ok(201);
    assert_eq!((&second["actor_email"], &second["actor_name"]), (&json!("lea@acme.example"), &json!("lea")));
    assert_eq!(comments(&server).await[0], second, "newest first");
    for (body, errors) in [
        (json!({}), json!({ "comment": ["This field is required."] })),
        (json!({ "comment": "" }), json!({ "comment": ["This field may not be blank."] })),
        (json!({ "comment": "😀".repeat(10_001) }), json!({ "comment": ["Ensure this field has no more than 10000 characters."] })),
        (json!({ "comment": "\0" }), json!({ "comment": ["Null characters are not allowed."] })),
    ] {
        server.client.post(&path, body).await.is(400, errors);
    }
    for id in [UNKNOWN, &business] {
        server.client.post(&format!("/x/users/{id}/comments/"), json!({})).await.is(404, json!({ "detail": "Not found." }));
    }
    server.client.post(&format!("/x/businesses/{business}/comments/"), json!({ "comment": "c" })).await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(comments(&server).await.len(), 2);
    server.stop().await;
});

db_test!(a_tag_is_seen_in_rows_and_details, server => {
    let (user, other) = (subject(&server, "users", "ana").await, subject(&server, "users", "bob").await);
    let business = subject(&server, "businesses", "acme").await;
    let before = server.counts().await;
    let link = server.client.post(&format!("/x/users/{user}/tags/"), json!({ "tag": " VIP ", "color": "#AABBCC" })).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&link), @r##"
    {
      "uuid": "[uuid]",
      "tag": {
        "uuid": "[uuid]",
        "name": "VIP",
        "color": "#aabbcc"
      },
      "added_by_email": null,
      "added_by_name": "API Client",
      "created_at": "[time]"
    }
    "##); }
    let again = server.client.post(&format!("/x/users/{user}/tags/"), json!({ "tag": "vip", "color": "#000000" })).await.ok(201);
    assert_eq!(again, link, "it is there, and stays as it is");
    let after = server.counts().await;
    assert_eq!((after["audit_events"] - before["audit_events"], after["subject_comments"] - before["subject_comments"], after["events"] - before["events"]), (1, 1, 0));
    for path in [format!("/x/users/{other}/tags/"), format!("/x/businesses/{business}/tags/")] {
        assert_eq!(server.client.post(&path, json!({ "tag": "Vip" })).await.ok(201)["tag"], link["tag"], "one tag of one name");
    }
    let plain = server.client.post(&format!("/x/businesses/{business}/tags/"), json!({ "tag": "späti" })).await.ok(201)["tag"].clone();
    assert_eq!(plain["color"], "#6b7280");
    assert_eq!(server.client.get("/v3/users/ana/").await.ok(200)["tags"], json!([link]));
    assert_eq!(server.client.get(&format!("/x/users/{user}/")).await.ok(200)["tags"], json!([link]));
    let rows = server.client.get("/v3/users/?search=ana").await.ok(200);
    assert_eq!(rows["results"][0]["tags"], json!([link["tag"]]));
    for shown in [
        server.client.get("/v3/businesses/acme/").await.ok(200),
        server.client.get("/v3/businesses/").await.ok(200)["results"][0].clone(),
    ] {
        assert_eq!(shown["tags"], json!([link["tag"], plain]));
    }
    let listed = server.client.get(&format!("/x/businesses/{business}/tags/?limit=1&offset=1")).await.ok(200);
    assert_eq!((&listed["count"], &listed["results"][0]["tag"]), (&json!(2), &plain));

    server.client.delete(&format!("/x/users/{user}/tags/%20vIP/")).await.ok(204);
    server.client.delete(&format!("/x/users/{user}/tags/vip/")).await.is(404, json!({ "detail": "Not found." }));
    server.client.delete(&format!("/x/businesses/{business}/tags/SP%C3%84TI/")).await.ok(204);
    assert_eq!(server.client.get("/v3/users/ana/").await.ok(200)["tags"], json!([]));
    assert_eq!(server.client.get("/v3/users/bob/").await.ok(200)["tags"][0]["tag"], link["tag"]);
    assert_eq!(server.counts().await["tags"], 1, "a tag nobody bears is gone");
    let rows = comments(&server).await;
    let told: Vec<Value> = rows.iter().map(|row| json!([row["comment_type"], row["previous_value"], row["new_value"], row["changed_fields"]])).collect();
    let expected = [
        json!(["TAG_REMOVED", { "tag": "VIP" }, null, ["tags"]]), json!(["TAG_ADDED", null, { "tag": "VIP" }, ["tags"]]),
    ];
    assert_eq!(told, expected);
    server.client.post("/v3/users/delete/", json!({ "delete_all": true })).await.ok(200);
    server.client.post("/v3/businesses/delete/", json!({ "delete_all": true })).await.ok(200);
    assert_eq!((server.counts().await["subject_tags"], server.counts().await["tags"]), (0, 0));
    server.stop().await;
});

db_test!(tags_are_refused_for_what_is_wrong_with_them, server => {
    let user = subject(&server, "users", "ana").await;
    let path = format!("/x/users/{user}/tags/");
    let before = server.counts().await;
    for (body, errors) in [
        (json!({}), json!({ "tag": ["This field is required."] })),
        (json!({ "tag": " " }), json!({ "tag": ["This field may not be blank."] })),
        (json!({ "tag": "x".repeat(65) }), json!({ "tag": ["Ensure this field has no more than 64 characters."] })),
        (json!({ "tag": "\0", "color": 3 }), json!({ "tag": ["Null characters are not allowed."], "color": ["Enter a color as #rrggbb."] })),
        (json!({ "tag": "a", "color": "#12345g" }), json!({ "color": ["Enter a color as #rrggbb."] })),
        (json!({ "tag": "a", "color": "#12345é" }), json!({ "color": ["Enter a color as #rrggbb."] })),
        (json!({ "tag": "a", "color": "red" }), json!({ "color": ["Enter a color as #rrggbb."] })),
    ] {
        server.client.post(&path, body).await.is(400, errors);
    }
    for (nouns, id) in [("users", UNKNOWN), ("businesses", &user)] {
        let path = format!("/x/{nouns}/{id}/tags/");
        server.client.get(&path).await.is(404, json!({ "detail": "Not found." }));
        server.client.post(&path, json!({})).await.is(404, json!({ "detail": "Not found." }));
        server.client.delete(&format!("{path}x/")).await.is(404, json!({ "detail": "Not found." }));
    }
    server.client.delete(&format!("{path}%00/")).await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.counts().await, before);
    for n in 0..50 {
        server.client.post(&path, json!({ "tag": format!("t{n}") })).await.ok(201);
    }
    server.client.post(&path, json!({ "tag": "one more" })).await.is(400, json!({ "tag": ["A user or business has at most 50 tags."] }));
    assert_eq!(server.counts().await["tags"], 50, "a refused tag is not kept");
    let reader = server.member("lea@acme.example", Role::Reader).await;
    let masked = reader.get(&path).await.ok(200)["results"][0].clone();
    assert_eq!(json!([masked["tag"]["name"], masked["added_by_name"]]), json!(["***", "***"]));
    server.stop().await;
});

db_test!(a_tag_put_on_and_taken_off_at_once_is_one_or_none, server => {
    let users = join_all((0..8).map(|n| { let server = &server; async move { subject(server, "users", &format!("user {n}")).await } })).await;
    for _ in 0..6 {
        let paths: Vec<String> = users.iter().map(|user| format!("/x/users/{user}/tags/")).collect();
        let changes = paths.iter().map(async |path| {
            server.client.post(path, json!({ "tag": "vip" })).await.ok(201);
            server.client.delete(&format!("{path}vip/")).await.ok(204);
        });
        join_all(changes).await;
    }
    assert_eq!((server.counts().await["tags"], server.counts().await["subject_tags"]), (0, 0));
    server.stop().await;
});
