//! Mentions in comments, and what members are told.

use std::time::Instant;

use gavel_core::access::Role;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Client, Server, shown, text},
};

async fn review(client: &Client, session: &str, comment: &str) -> Value {
    let body = json!({ "new_status": "In Review", "comment": comment });
    client.post(&format!("/v3/sessions/{session}/reviews/"), body).await.ok(201)
}

/// The addresses the last row mentions.
async fn mentioned(server: &Server, session: &str) -> Value {
    let feed = server.client.get(&format!("/v3/sessions/{session}/reviews/")).await.ok(200);
    feed["results"][0]["mentioned_emails"].clone()
}

async fn inbox(client: &Client) -> Vec<Value> {
    client.get("/x/notifications/").await.ok(200)["results"].as_array().unwrap().clone()
}

async fn kinds(client: &Client) -> Vec<String> {
    inbox(client).await.iter().map(|row| text(&row["kind"])).collect()
}

db_test!(members_are_mentioned_each_once_and_nobody_else, server => {
    let other = server.another_application().await;
    server.account("lea@acme.example", Role::Admin).await;
    server.account("josé@bücher.example", Role::Reader).await;
    server.account_in(other, "far@acme.example", Role::Owner).await;
    server.client.post("/x/members/", json!({ "email": "invited@acme.example", "role": "Reader" })).await.ok(201);
    let gone = server.account("gone@acme.example", Role::Reader).await;
    assert_eq!(server.client.delete(&format!("/x/members/{gone}/")).await.status, 204);
    let session = server.session().await;
    let comment = "@JOSÉ@Bücher.example. and @Lea@ACME.example, @lea@acme.example @far@acme.example @invited@acme.example \
                   @gone@acme.example @nobody@acme.example mail@lea@acme.example";
    assert_eq!(review(&server.client, &session, comment).await["comment"], comment);
    assert_eq!(mentioned(&server, &session).await, json!(["josé@bücher.example", "lea@acme.example"]));
    review(&server.client, &session, "nobody").await;
    assert_eq!(mentioned(&server, &session).await, json!([]));
    server.stop().await;
});

db_test!(at_most_fifty_are_recorded_and_a_storm_costs_little, server => {
    let base = server.account("m00@acme.example", Role::Reader).await;
    for number in 1..60 {
        server.sql(
            "INSERT INTO members (id, email, email_key, name, status, totp_step, notify_mention, notify_comment, notify_activity, created_at, updated_at)
             SELECT $1, $2, $2, name, status, totp_step, notify_mention, notify_comment, notify_activity, created_at, updated_at FROM members WHERE id = $3",
            vec![uuid::Uuid::from_u128(number).into(), format!("m{number:02}@acme.example").into(), base.0.into()],
        )
        .await;
        server.sql("INSERT INTO member_roles SELECT $1, application_id, role, created_at FROM member_roles WHERE member_id = $2",
            vec![uuid::Uuid::from_u128(number).into(), base.0.into()]).await;
    }
    let session = server.session().await;
    let all: String = (0..60).rev().map(|number| format!("@m{number:02}@acme.example ")).collect();
    review(&server.client, &session, &all).await;
    let expected: Vec<String> = (10..60).rev().map(|number| format!("m{number:02}@acme.example")).collect();
    assert_eq!(mentioned(&server, &session).await, json!(expected));
    let told = server.app.store.read::<i64, gavel::actions::Error, _>(|tx| {
        Box::pin(async move { Ok(tx.query_opt("SELECT count(*) FROM notifications", &[]).await?.unwrap().get(0)?) })
    });
    assert_eq!(told.await.unwrap(), 50);
    // 10,000 marks; then as many different addresses as a comment holds.
    let many: String = (0..1_600).map(|number| format!("@{number:x}@b ")).collect::<String>().chars().take(10_000).collect();
    for storm in ["@".repeat(10_000), "@a".repeat(5_000), many] {
        let began = Instant::now();
        review(&server.client, &session, &storm).await;
        assert_eq!(mentioned(&server, &session).await, json!([]));
        assert!(began.elapsed().as_secs() < 5, "a pass that is not linear would take far longer");
    }
    server.stop().await;
});

db_test!(the_longest_comment_may_mention, server => {
    server.account("lea@acme.example", Role::Reader).await;
    let session = server.session().await;
    let mention = "@lea@acme.example";
    let longest = format!("{}{mention}", "😀".repeat(10_000 - mention.len()));
    assert_eq!(review(&server.client, &session, &longest).await["comment"], longest.as_str());
    assert_eq!(mentioned(&server, &session).await, json!(["lea@acme.example"]));
    let body = json!({ "new_status": "In Review", "comment": format!("😀{longest}") });
    let refused = json!({ "comment": ["Ensure this field has no more than 10000 characters."] });
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), body).await.is(400, refused);
    let lea = server.sign_in("lea@acme.example").await;
    let rows = inbox(&lea).await;
    assert_eq!((rows.len(), text(&rows[0]["comment"])), (1, "***".to_owned()), "a refused one tells nobody; a Reader sees no comment");
    server.stop().await;
});

db_test!(a_notice_says_what_happened, server => {
    let lea = server.member("lea@acme.example", Role::ComplianceOfficer).await;
    let session = server.session().await;
    review(&server.client, &session, &format!("@lea@acme.example {}", "ü".repeat(300))).await;
    let row = inbox(&lea).await.remove(0);
    assert_eq!(text(&row["comment"]).chars().count(), 200);
    assert_eq!(row["url"], format!("{}/sessions/{session}", server.url()));
    let feed = server.client.get(&format!("/v3/sessions/{session}/reviews/")).await.ok(200);
    assert_eq!(row["activity_uuid"], feed["results"][0]["uuid"]);
    let mut seen = row.clone();
    (seen["comment"], seen["url"]) = ("[comment]".into(), "[link]".into());
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&seen), @r#"
        {
          "uuid": "[uuid]",
          "kind": "mention",
          "session_id": "[uuid]",
          "session_number": 1,
          "activity_uuid": "[uuid]",
          "activity_type": "STATUS_UPDATED",
          "actor_display": "API Client",
          "actor_email": null,
          "comment": "[comment]",
          "destination_uuid": null,
          "destination_label": null,
          "url": "[link]",
          "created_at": "[time]",
          "read_at": null
        }
        "#); }
    server.stop().await;
});

db_test!(mention_comes_before_comment_before_activity, server => {
    let lea = server.member("lea@acme.example", Role::ComplianceOfficer).await;
    let bo = server.member("bo@acme.example", Role::Admin).await;
    let reader = server.member("far@acme.example", Role::Reader).await;
    let session = server.session().await;
    review(&lea, &session, "mine; I call myself @lea@acme.example").await;
    assert_eq!(mentioned(&server, &session).await, json!(["lea@acme.example"]), "recorded");
    assert_eq!((kinds(&lea).await, kinds(&bo).await), (vec![], vec![]), "and not told");
    review(&bo, &session, "seen").await;
    assert_eq!(kinds(&lea).await, ["activity"]);
    review(&bo, &session, "@lea@acme.example @bo@acme.example").await;
    assert_eq!(kinds(&lea).await, ["mention", "activity"], "one per row");
    assert_eq!(kinds(&bo).await, Vec::<String>::new(), "nobody is told of what they did");
    review(&server.client, &session, "by key").await;
    assert_eq!((kinds(&lea).await.len(), kinds(&bo).await), (3, vec!["activity".to_owned()]));
    server.set_reviews_change_status(false).await;
    let note = json!({ "comment": "a note" });
    bo.post(&format!("/v3/sessions/{session}/reviews/"), note).await.ok(201);
    assert_eq!(kinds(&lea).await[0], "comment");
    assert_eq!(kinds(&reader).await, Vec::<String>::new(), "who never wrote here hears nothing");
    // Another session is another story.
    let other = server.session().await;
    bo.post(&format!("/v3/sessions/{other}/reviews/"), json!({ "comment": "x" })).await.ok(201);
    assert_eq!(kinds(&lea).await.len(), 4);
    server.stop().await;
});

db_test!(comments_tags_and_corrections_tell_people_too, server => {
    let lea = server.member("lea@acme.example", Role::Admin).await;
    let session = server.session().await;
    let notes = format!("/x/sessions/{session}");
    let told = server.client.post(&format!("{notes}/comments/"), json!({ "comment": "@lea@acme.example look" })).await.ok(201);
    assert_eq!(told["mentioned_emails"], json!(["lea@acme.example"]));
    review(&lea, &session, "mine now").await;
    server.client.post(&format!("{notes}/comments/"), json!({ "comment": "look again" })).await.ok(201);
    server.client.post(&format!("{notes}/tags/"), json!({ "tag": "vip" })).await.ok(201);
    assert_eq!(kinds(&lea).await, ["activity", "comment", "mention"]);
    server.stop().await;
});

db_test!(preferences_decide_how_far_a_notice_reaches, server => {
    let lea = server.member("lea@acme.example", Role::ComplianceOfficer).await;
    lea.patch("/x/me/", json!({ "notifications": { "mention": "off", "activity": "inbox" } })).await.ok(200);
    let session = server.session().await;
    review(&lea, &session, "mine").await;
    review(&server.client, &session, "@lea@acme.example").await;
    assert_eq!(kinds(&lea).await, Vec::<String>::new(), "a mention does not become an activity");
    assert_eq!(mentioned(&server, &session).await, json!(["lea@acme.example"]), "recorded all the same");
    review(&server.client, &session, "x").await;
    assert_eq!(kinds(&lea).await, ["activity"]);
    server.stop().await;
});

db_test!(notices_are_read_one_by_one_or_all, server => {
    let lea = server.member("lea@acme.example", Role::ComplianceOfficer).await;
    let bo = server.member("bo@acme.example", Role::ComplianceOfficer).await;
    let session = server.session().await;
    for number in 0..3 {
        review(&server.client, &session, &format!("{number} @lea@acme.example @bo@acme.example")).await;
    }
    let rows = inbox(&lea).await;
    let one = json!({ "uuids": [rows[1]["uuid"], "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10"] });
    bo.post("/x/notifications/read/", one.clone()).await.is(200, json!({ "marked": 0, "unread": 3 }));
    lea.post("/x/notifications/read/", one.clone()).await.is(200, json!({ "marked": 1, "unread": 2 }));
    lea.post("/x/notifications/read/", one).await.is(200, json!({ "marked": 0, "unread": 2 }));
    let page = lea.get("/x/notifications/?unread=true&limit=1").await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["uuid"]), (&json!(2), &rows[0]["uuid"]));
    assert_eq!(page["next"], format!("{}/x/notifications/?unread=true&limit=1&offset=1", server.url()));
    assert_eq!(lea.get("/x/notifications/?unread=false").await.ok(200)["count"], 1);
    lea.post("/x/notifications/read/", json!({ "all": true })).await.is(200, json!({ "marked": 2, "unread": 0 }));
    lea.post("/x/notifications/read/", json!({})).await.is(400, json!({ "uuids": ["This field is required."] }));
    lea.post("/x/notifications/read/", json!({ "uuids": ["x"] })).await.is(400, json!({ "uuids": { "0": ["Must be a valid UUID."] } }));
    lea.post("/x/notifications/read/", json!({ "uuids": [] })).await.is(400, json!({ "uuids": ["This list may not be empty."] }));
    server.client.delete(&format!("/v3/session/{session}/delete/")).await;
    assert_eq!(inbox(&lea).await.len(), 0, "a deleted session hides them");
    bo.post("/x/notifications/read/", json!({ "all": true })).await.is(200, json!({ "marked": 0, "unread": 0 }));
    server.stop().await;
});
