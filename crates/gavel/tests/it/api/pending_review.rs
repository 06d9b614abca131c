//! `/x/sessions/{session_id}/pending-review/`: decisions that can be undone.

use gavel::actions::{self, pending_review::PendingBody};
use gavel_core::{access::Role, json::Value as Json};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, eventually, shown, text},
};

fn path(session: &str) -> String {
    format!("/x/sessions/{session}/pending-review/")
}

async fn decide(server: &Server, session: &str, body: Value) -> Value {
    server.client.post(&path(session), body).await.ok(201)
}

/// Waits until something has become of the decision.
async fn settled(server: &Server, session: &str) -> Value {
    eventually("a settled decision", || async {
        Some(server.client.get(&path(session)).await.ok(200)).filter(|pending| pending["state"] != "pending")
    })
    .await
}

db_test!(is_carried_out_when_its_time_is_over, server => {
    let session = server.in_review().await;
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let body = json!({ "new_status": "Declined", "comment": "Another person.", "undo_seconds": 60 });
    let pending = decide(&server, &session, body).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&pending), @r#"
        {
          "uuid": "[uuid]",
          "session_id": "[uuid]",
          "state": "pending",
          "reason": null,
          "user": "API Client",
          "new_status": "Declined",
          "comment": "Another person.",
          "created_at": "[time]",
          "due_at": "[time]",
          "settled_at": null
        }
        "#); }
    let before = server.counts().await;
    server.app.clock.advance(58);
    assert_eq!(server.decision(&session).await["status"], "In Review");
    server.client.post("/x/queue/next/", json!({})).await.is(200, json!({ "session": null, "item": null }));
    server.client.post(&format!("/x/sessions/{session}/claim/"), json!({})).await
        .is(409, json!({ "detail": "A decision on this session is pending." }));
    assert_eq!(server.counts().await, before);
    server.app.clock.advance(3);
    let done = settled(&server, &session).await;
    assert_eq!((&done["state"], &done["comment"], &done["reason"]), (&json!("done"), &Value::Null, &Value::Null));
    let after = server.counts().await;
    for table in ["activities", "activity_values", "events", "audit_events", "versions", "session_events"] {
        assert_eq!(after[table] - before[table], 1, "{table}");
    }
    let feed = server.client.get(&format!("/v3/sessions/{session}/reviews/")).await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&feed["results"]), @r#"
        [
          {
            "uuid": "[uuid]",
            "activity_type": "STATUS_UPDATED",
            "actor_display": "API Client",
            "actor_email": null,
            "actor_type": "API_KEY",
            "previous_status": "In Review",
            "new_status": "Declined",
            "comment": "Another person.",
            "mentioned_emails": [],
            "previous_value": {
              "status": "In Review"
            },
            "new_value": {
              "status": "Declined"
            },
            "changed_fields": [
              "status"
            ],
            "metadata": null,
            "created_at": "[time]"
          }
        ]
        "#); }
    let sent = receiver.wait_for(1).await[0].json();
    assert_eq!((&sent["status"], &sent["decision"]["reviews"][0]["user"]), (&json!("Declined"), &json!("API Client")));
    server.client.delete(&path(&session)).await.is(409, json!({ "detail": "It is too late to undo this decision." }));
    server.stop().await;
});

db_test!(can_be_undone_before, server => {
    let session = server.in_review().await;
    decide(&server, &session, json!({ "new_status": "Approved" })).await;
    let again = server.client.post(&path(&session), json!({ "new_status": "Declined" })).await;
    again.is(409, json!({ "detail": "A decision on this session is pending." }));
    server.client.delete(&path(&session)).await.ok(204);
    server.client.delete(&path(&session)).await.is(404, json!({ "detail": "Not found." }));
    server.app.clock.advance(100);
    decide(&server, &session, json!({ "new_status": "Declined", "undo_seconds": 1 })).await;
    assert_eq!(settled(&server, &session).await["state"], "done");
    let reviews = server.decision(&session).await["reviews"].clone();
    assert_eq!(reviews.as_array().unwrap().len(), 1);
    assert_eq!(reviews[0]["new_status"], "Declined");
    server.stop().await;
});

db_test!(is_refused_when_the_session_has_changed, server => {
    let changed = server.in_review().await;
    decide(&server, &changed, json!({ "new_status": "Approved", "comment": "fine" })).await;
    server.client.post(&format!("/v3/sessions/{changed}/reviews/"), json!({ "new_status": "Declined" })).await.ok(201);
    server.app.clock.advance(11);
    let refused = settled(&server, &changed).await;
    let reason = json!("The session was changed by someone else.");
    assert_eq!((&refused["state"], &refused["reason"], &refused["comment"]), (&json!("refused"), &reason, &Value::Null));
    assert_eq!(server.decision(&changed).await["status"], "Declined");
    server.client.delete(&path(&changed)).await.is(409, json!({ "detail": "It is too late to undo this decision." }));

    let deleted = server.in_review().await;
    decide(&server, &deleted, json!({ "new_status": "Approved" })).await;
    server.client.delete(&format!("/v3/session/{deleted}/delete/")).await.ok(204);
    server.client.get(&path(&deleted)).await.is(404, json!({ "detail": "Session not found." }));
    let noted = server.in_review().await;
    decide(&server, &noted, json!({ "new_status": "Approved" })).await;
    server.set_reviews_change_status(false).await;
    server.app.clock.advance(11);
    assert_eq!(settled(&server, &noted).await["reason"], "Reviews do not change the status in this application.");
    assert_eq!(server.decision(&noted).await["status"], "In Review");
    server.client.post(&path(&noted), json!({ "new_status": "Approved" })).await
        .is(409, json!({ "detail": "Reviews do not change the status in this application." }));
    server.stop().await;
});

db_test!(refuses_and_writes_nothing, server => {
    let session = server.in_review().await;
    let before = server.counts().await;
    for (body, wrong) in [
        (json!({}), json!({ "new_status": ["This field is required."] })),
        (
            json!({ "new_status": "Resubmitted", "comment": [], "undo_seconds": 61, "take_over": 2 }),
            json!({
                "new_status": ["\"Resubmitted\" is not a valid choice."], "comment": ["Not a valid string."],
                "undo_seconds": ["Ensure this value is less than or equal to 60."], "take_over": ["Must be a valid boolean."],
            }),
        ),
        (
            json!({ "new_status": "Approved", "undo_seconds": 0 }),
            json!({ "undo_seconds": ["Ensure this value is greater than or equal to 1."] }),
        ),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.post(&path(&session), body).await.is(400, wrong);
    }
    let stale = server.client.request(Method::POST, &path(&session)).header("if-match", "\"1\"");
    send(stale.json(&json!({ "new_status": "Approved" }))).await.is(412, json!({ "detail": "The session was changed by someone else." }));
    server.client.get(&path(&session)).await.is(404, json!({ "detail": "Not found." }));
    server.client.delete(&path(&session)).await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.counts().await, before);
    let company = server.business_session().await;
    server.client.post(&path(&company), json!({ "new_status": "Approved" })).await.is(404, json!({ "detail": "Session not found." }));
    server.stop().await;
});

db_test!(of_a_console_user_is_signed_by_him, server => {
    let (lea, max) = (server.acting_member("Lea").await, server.acting_member("Max").await);
    let session = server.in_review().await;
    let id = session.parse().unwrap();
    let body = || PendingBody::read(&Json::parse(br#"{"new_status":"Approved","undo_seconds":1,"comment":"ok"}"#).unwrap());
    actions::queue::claim(&server.app, &max, id, Ok(actions::queue::ClaimBody { reviewer: None, take_over: false }), None).await.unwrap();
    let refused = actions::pending_review::create(&server.app, &lea, id, body(), None).await;
    assert_eq!(refused.unwrap_err().to_string(), "This session is claimed by someone else.");
    actions::pending_review::create(&server.app, &max, id, body(), None).await.unwrap();
    assert_eq!(settled(&server, &session).await["user"], "max@acme.example");
    let review = server.decision(&session).await["reviews"][0].clone();
    assert_eq!((&review["user"], &review["comment"]), (&json!("max@acme.example"), &json!("ok")));
    let row = server.client.get(&format!("/v3/sessions/{session}/reviews/")).await.ok(200)["results"][0].clone();
    assert_eq!((&row["actor_type"], &row["actor_display"]), (&json!("CONSOLE_USER"), &json!("Max")));
    server.stop().await;
});

db_test!(of_whoever_may_not_decide_any_more_is_refused, server => {
    let gone = server.member("gone@acme.example", Role::Admin).await;
    let less = server.member("less@acme.example", Role::ComplianceOfficer).await;
    let more = server.member("more@acme.example", Role::ComplianceOfficer).await;
    let members = server.client.get("/x/members/").await.ok(200)["results"].clone();
    let member = |place: usize| format!("/x/members/{}/", text(&members[place]["uuid"]));
    let made = server.client.post("/x/api-keys/", json!({ "name": "k", "scopes": { "sessions": "write" } })).await.ok(201);
    let key = server.client.with_key(&text(&made["key"]));
    let mut sessions = Vec::new();
    for client in [&gone, &less, &key, &more] {
        sessions.push(server.in_review().await);
        client.post(&path(sessions.last().unwrap()), json!({ "new_status": "Approved" })).await.ok(201);
    }
    server.client.delete(&member(0)).await.ok(204);
    server.client.patch(&member(1), json!({ "role": "Reader" })).await.ok(200);
    server.client.patch(&member(2), json!({ "role": "Owner" })).await.ok(200);
    server.client.delete(&format!("/x/api-keys/{}/", text(&made["uuid"]))).await.ok(204);
    server.app.clock.advance(11);
    for session in &sessions[..3] {
        let refused = settled(&server, session).await;
        assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &json!("Whoever decided may not decide any more.")));
        assert_eq!(server.decision(session).await["status"], "In Review");
    }
    assert_eq!(settled(&server, &sessions[3]).await["state"], "done");
    server.stop().await;
});
