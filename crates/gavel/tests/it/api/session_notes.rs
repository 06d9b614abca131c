//! Comments, tags and files on a session, under `/x/sessions/`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, inside::upload, shown, text},
};

const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";
const NOT_FOUND: &str = "Not found.";

fn path(session: &str, what: &str) -> String {
    format!("/x/sessions/{session}/{what}/")
}

async fn listed(server: &Server, session: &str, what: &str) -> Vec<Value> {
    server.client.get(&path(session, what)).await.ok(200)["results"].as_array().unwrap().clone()
}

fn kinds(feed: &[Value]) -> Vec<&str> {
    feed.iter().map(|row| row["activity_type"].as_str().unwrap()).collect()
}

db_test!(comments_are_rows_and_nothing_else, server => {
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let session = server.finished("In Review").await;
    let decision = server.decision(&session).await;
    receiver.wait_for(2).await;
    let before = server.counts().await;
    let answer = server.client.post(&path(&session, "comments"), json!({ "comment": " Looks odd, see page 2 \n" })).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer), @r#"
        {
          "uuid": "[uuid]",
          "activity_type": "COMMENT",
          "actor_display": "API Client",
          "actor_email": null,
          "actor_type": "API_KEY",
          "previous_status": null,
          "new_status": null,
          "comment": " Looks odd, see page 2 \n",
          "mentioned_emails": [],
          "previous_value": null,
          "new_value": null,
          "changed_fields": [],
          "metadata": null,
          "created_at": "[time]"
        }
        "#); }
    assert_eq!(server.feed(&session).await[0], answer);
    let after = server.counts().await;
    assert_eq!((after["events"] - before["events"], after["versions"] - before["versions"], after["audit_events"] - before["audit_events"]), (0, 1, 1));
    assert_eq!(server.decision(&session).await, decision, "a comment is no review");
    let once = server.client.post_once("k", &path(&session, "comments"), json!({ "comment": "once" })).await.ok(201);
    assert_eq!(server.client.post_once("k", &path(&session, "comments"), json!({ "comment": "once" })).await.ok(201), once);
    assert_eq!(kinds(&server.feed(&session).await), ["COMMENT", "COMMENT"]);

    let before = server.counts().await;
    for (body, answer) in [
        (json!({}), json!({ "comment": ["This field is required."] })),
        (json!({ "comment": "" }), json!({ "comment": ["This field may not be blank."] })),
        (json!({ "comment": "😀".repeat(10_001) }), json!({ "comment": ["Ensure this field has no more than 10000 characters."] })),
        (json!({ "comment": "\0" }), json!({ "comment": ["Null characters are not allowed."] })),
        (json!({ "comment": [] }), json!({ "comment": ["Not a valid string."] })),
    ] {
        server.client.post(&path(&session, "comments"), body).await.is(400, answer);
    }
    let stale = server.client.request(Method::POST, &path(&session, "comments")).header("if-match", "\"1\"");
    send(stale.json(&json!({ "comment": "c" }))).await.is(412, json!({ "detail": "The session was changed by someone else." }));
    let business = server.business_session().await;
    for session in [UNKNOWN, business.as_str()] {
        server.client.post(&path(session, "comments"), json!({})).await.is(404, json!({ "detail": NOT_FOUND }));
    }
    assert_eq!(server.counts().await["activities"], before["activities"]);
    server.client.post(&path(&session, "comments"), json!({ "comment": "😀".repeat(10_000) })).await.ok(201);
    server.stop().await;
});

db_test!(tags_are_put_on_and_taken_off, server => {
    let session = server.session().await;
    let tags = path(&session, "tags");
    let answer = server.client.post(&tags, json!({ "tag": "  Müller/VIP " })).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer), @r#"
        {
          "tag": "Müller/VIP",
          "added_by": "API Client",
          "created_at": "[time]"
        }
        "#); }
    let version = server.client.get(&format!("/v3/session/{session}/decision/")).await.header("etag").to_owned();
    assert_eq!(server.client.post(&tags, json!({ "tag": "MÜLLER/vip" })).await.ok(201), answer, "it is there");
    server.client.post(&tags, json!({ "tag": "b" })).await.ok(201);
    assert_eq!((kinds(&server.feed(&session).await), version.as_str()), (vec!["TAG_ADDED", "TAG_ADDED"], "\"2\""));
    let first = server.client.get(&format!("{tags}?limit=1")).await.ok(200);
    assert_eq!((&first["count"], &first["results"]), (&json!(2), &json!([answer])));
    assert!(text(&first["next"]).ends_with(&format!("{tags}?limit=1&offset=1")));

    let one = format!("{tags}m%C3%BCller%2Fvip/");
    let stale = send(server.client.request(Method::DELETE, &one).header("if-match", "\"2\"")).await;
    stale.is(412, json!({ "detail": "The session was changed by someone else." }));
    send(server.client.request(Method::DELETE, &one).header("if-match", "\"3\"")).await.ok(204);
    server.client.delete(&one).await.is(404, json!({ "detail": NOT_FOUND }));
    let row = &server.feed(&session).await[0];
    assert_eq!((&row["activity_type"], &row["changed_fields"]), (&json!("TAG_REMOVED"), &json!(["tags"])));
    assert_eq!((&row["previous_value"], &row["new_value"]), (&json!({ "tag": "Müller/VIP" }), &Value::Null));
    assert_eq!(listed(&server, &session, "tags").await.len(), 1);

    let before = server.counts().await;
    for (body, answer) in [
        (json!({}), json!({ "tag": ["This field is required."] })),
        (json!({ "tag": "  " }), json!({ "tag": ["This field may not be blank."] })),
        (json!({ "tag": "x".repeat(65) }), json!({ "tag": ["Ensure this field has no more than 64 characters."] })),
    ] {
        server.client.post(&tags, body).await.is(400, answer);
    }
    server.client.delete(&format!("{tags}a%00/")).await.is(404, json!({ "detail": NOT_FOUND }));
    for method in [Method::GET, Method::POST] {
        send(server.client.request(method, &path(UNKNOWN, "tags"))).await.is(404, json!({ "detail": NOT_FOUND }));
    }
    assert_eq!(server.counts().await, before);
    for number in 1..50 {
        server.client.post(&tags, json!({ "tag": format!("t{number}") })).await.ok(201);
    }
    let before = server.counts().await;
    server.client.post(&tags, json!({ "tag": "one more" })).await.is(400, json!({ "tag": ["A session has at most 50 tags."] }));
    server.client.post(&tags, json!({ "tag": "T49" })).await.ok(201);
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(files_are_attached_and_taken_off, server => {
    let media = upload(&server.client).await;
    let session = server.session().await;
    let files = path(&session, "files");
    let answer = server.client.post(&files, json!({ "media": format!("media:{media}"), "name": "Letter.png" })).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer), @r#"
        {
          "uuid": "[uuid]",
          "name": "Letter.png",
          "content_type": "image/png",
          "size": 32,
          "url": "[server]/media/[uuid]",
          "added_by": "API Client",
          "created_at": "[time]"
        }
        "#); }
    let row = &server.feed(&session).await[0];
    assert_eq!((&row["activity_type"], &row["changed_fields"], &row["previous_value"]), (&json!("FILE_ADDED"), &json!(["files"]), &json!(null)));
    assert_eq!(row["new_value"], json!({
        "uuid": answer["uuid"], "media": format!("media:{media}"), "name": "Letter.png", "content_type": "image/png", "size": 32,
    }));
    let link = text(&listed(&server, &session, "files").await[0]["url"]);
    let link = link.strip_prefix(&server.app.config.public_url).unwrap();
    server.client.without_key().get(link).await.ok(200);

    let before = server.counts().await;
    let foreign = upload(&server.foreign_client().await).await;
    for (body, answer) in [
        (json!({}), json!({ "media": ["This field is required."] })),
        (json!({ "media": "x", "name": "x".repeat(256) }), json!({
            "media": ["Must be a valid UUID."], "name": ["Ensure this field has no more than 255 characters."],
        })),
        (json!({ "media": foreign }), json!({ "media": ["Media not found."] })),
        (json!({ "media": UNKNOWN }), json!({ "media": ["Media not found."] })),
        (json!({ "media": media }), json!({ "media": ["This file is attached already."] })),
    ] {
        server.client.post(&files, body).await.is(400, answer);
    }
    let stale = server.client.request(Method::POST, &files).header("if-match", "\"1\"").json(&json!({ "media": upload(&server.client).await }));
    send(stale).await.is(412, json!({ "detail": "The session was changed by someone else." }));
    for what in [format!("{files}{UNKNOWN}/"), format!("{}{}/", path(UNKNOWN, "files"), text(&answer["uuid"]))] {
        server.client.delete(&what).await.is(404, json!({ "detail": NOT_FOUND }));
    }
    assert_eq!(server.counts().await["activities"], before["activities"]);

    server.client.delete(&format!("{files}{}/", text(&answer["uuid"]))).await.ok(204);
    assert_eq!(server.client.without_key().get(link).await.status, 404, "nobody shows it any more");
    let row = &server.feed(&session).await[0];
    assert_eq!((&row["activity_type"], &row["new_value"]), (&json!("FILE_REMOVED"), &json!(null)));
    assert_eq!(row["previous_value"]["name"], "Letter.png");
    assert!(listed(&server, &session, "files").await.is_empty());
    server.stop().await;
});

db_test!(a_file_stays_as_long_as_anything_shows_it, server => {
    let media = upload(&server.client).await;
    let session = text(&server.session_with_evidence(json!({
        "id_verifications": [{ "document_type": "P", "front_image": format!("media:{media}"), "warnings": [{ "risk": "DATA_INCONSISTENT" }] }],
    })).await["session_id"]);
    let link = text(&server.decision(&session).await["id_verifications"][0]["front_image"]);
    let link = link.strip_prefix(&server.app.config.public_url).unwrap().to_owned();
    let there = async || server.client.without_key().get(&link).await.status == 200;
    let files = path(&session, "files");
    let attach = async || text(&server.client.post(&files, json!({ "media": media })).await.ok(201)["uuid"]);
    let file = attach().await;
    server.client.delete(&format!("{files}{file}/")).await.ok(204);
    assert!(there().await, "the document shows it");
    let file = attach().await;
    server.client.patch(&format!("/v3/session/{session}/update-status/"), json!({ "new_status": "Resubmitted" })).await.ok(200);
    assert!(there().await, "it is attached");
    server.client.delete(&format!("{files}{file}/")).await.ok(204);
    assert!(!there().await);
    let media = upload(&server.client).await;
    let file = server.client.post(&files, json!({ "media": media })).await.ok(201);
    let link = text(&file["url"]);
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    let link = link.strip_prefix(&server.app.config.public_url).unwrap();
    assert_eq!(server.client.without_key().get(link).await.status, 404, "it goes with the session");
    server.stop().await;
});
