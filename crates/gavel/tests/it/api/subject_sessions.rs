//! Users and the sessions that are theirs.

use gavel::{
    actions::Error,
    store::{
        subject_locks,
        subjects::{self, key_of},
    },
};
use gavel_core::session::SessionKind;
use http::Method;
use serde_json::{Value, json};

use super::{transactions::with, users::path};
use crate::{
    db_test,
    harness::{Server, client::send, inside::upload, shown, text},
};

async fn user(server: &Server, name: &str) -> Value {
    server.client.get(&path(name)).await.ok(200)
}

fn evidence() -> Value {
    json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "X1", "full_name": "Ana Ruiz", "date_of_birth": "1990-01-02",
            "issuing_state": "ESP" }],
        "email_verifications": [{ "email": "Ana@Example.com" }],
        "phone_verifications": [{ "full_number": "+14155552671" }],
    })
}

db_test!(the_first_session_makes_the_user, server => {
    let session = server.session_with(json!({ "vendor_data": " ana " })).await;
    let ana = user(&server, "ana").await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&ana), @r#"
        {
          "didit_internal_id": "[uuid]",
          "vendor_data": "ana",
          "display_name": null,
          "full_name": null,
          "date_of_birth": null,
          "effective_name": null,
          "status": "ACTIVE",
          "portrait_image_url": null,
          "issuing_states": [],
          "approved_emails": [],
          "approved_phones": [],
          "session_count": 1,
          "approved_count": 0,
          "declined_count": 0,
          "in_review_count": 0,
          "features": {},
          "features_list": [],
          "last_session_at": "[time]",
          "first_session_at": "[time]",
          "last_activity_at": "[time]",
          "tags": [],
          "created_at": "[time]",
          "metadata": {},
          "comments": [],
          "updated_at": "[time]"
        }
    "#); }
    let rows = server.client.get("/v3/sessions/").await.ok(200);
    let id = ana["didit_internal_id"].clone();
    assert_eq!(rows["results"][0]["didit_internal_id"], id);
    for (query, count) in [("didit_internal_id", 1), ("euuid", 1)] {
        let found = server.client.get(&format!("/v3/sessions/?{query}={}", text(&id))).await.ok(200);
        assert_eq!(found["count"], count);
    }
    let foreign = server.foreign_client().await;
    assert_eq!(foreign.get(&format!("/v3/sessions/?euuid={}", text(&id))).await.ok(200)["count"], 0);
    // The same person again: the session is handed out again, the user is the same.
    assert_eq!(server.session_with(json!({ "vendor_data": "ana" })).await, session);
    assert_eq!(user(&server, "ana").await["session_count"], 1);
    server.session_with(json!({ "vendor_data": "Ana" })).await;
    assert_ne!(user(&server, "Ana").await["didit_internal_id"], id);
    server.session().await;
    assert_eq!(server.client.get("/v3/users/").await.ok(200)["count"], 2);
    server.stop().await;
});

db_test!(sessions_add_up, server => {
    let portrait = upload(&server.client).await;
    let ana = json!({ "vendor_data": "ana" });
    let first = server.session_with(ana.clone()).await;
    let mut shows = evidence();
    shows["id_verifications"][0]["portrait_image"] = json!(format!("media:{portrait}"));
    assert_eq!(server.evidence(&first, shows).await["status"], "Approved");
    let second = server.session_with(ana.clone()).await;
    let risky = json!({ "email_verifications": [{ "email": "old@example.com", "status": "Declined" }] });
    assert_eq!(server.evidence(&second, risky).await["status"], "Declined");
    let third = server.session_with(ana).await;
    let found = user(&server, "ana").await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&found), @r#"
        {
          "didit_internal_id": "[uuid]",
          "vendor_data": "ana",
          "display_name": null,
          "full_name": "Ana Ruiz",
          "date_of_birth": "1990-01-02",
          "effective_name": "Ana Ruiz",
          "status": "ACTIVE",
          "portrait_image_url": "[server]/media/[uuid]",
          "issuing_states": [
            "ESP"
          ],
          "approved_emails": [
            "ana@example.com"
          ],
          "approved_phones": [
            "+14155552671"
          ],
          "session_count": 3,
          "approved_count": 1,
          "declined_count": 1,
          "in_review_count": 0,
          "features": {
            "ID_VERIFICATION": "Approved",
            "PHONE": "Approved",
            "EMAIL_VERIFICATION": "Declined"
          },
          "features_list": [
            {
              "feature": "ID_VERIFICATION",
              "status": "Approved"
            },
            {
              "feature": "PHONE",
              "status": "Approved"
            },
            {
              "feature": "EMAIL_VERIFICATION",
              "status": "Declined"
            }
          ],
          "last_session_at": "[time]",
          "first_session_at": "[time]",
          "last_activity_at": "[time]",
          "tags": [],
          "created_at": "[time]",
          "metadata": {},
          "comments": [],
          "updated_at": "[time]"
        }
    "#); }
    server.client.post(&format!("/v3/sessions/{second}/reviews/"), json!({ "new_status": "In Review" })).await.ok(201);
    server.client.delete(&format!("/v3/session/{third}/delete/")).await.ok(204);
    let later = user(&server, "ana").await;
    let counts = ["session_count", "approved_count", "declined_count", "in_review_count"].map(|name| later[name].as_u64().unwrap());
    assert_eq!(counts, [2, 1, 0, 1]);
    assert!(text(&later["last_session_at"]) < text(&found["last_session_at"]));
    assert_eq!(later["first_session_at"], found["first_session_at"]);
    server.client.post("/v3/sessions/delete/", json!({ "session_numbers": [1, 2] })).await.ok(204);
    let alone = user(&server, "ana").await;
    assert_eq!((&alone["session_count"], &alone["first_session_at"], &alone["features"]), (&json!(0), &Value::Null, &json!({})));
    assert_eq!(alone["portrait_image_url"], Value::Null);
    server.session_with(json!({ "vendor_data": "ana" })).await;
    server.client.post("/v3/sessions/delete/", json!({ "delete_all": true })).await.ok(204);
    assert_eq!(user(&server, "ana").await["last_session_at"], Value::Null);
    server.stop().await;
});

db_test!(a_record_made_again_knows_its_sessions, server => {
    let names = ["by a call", "by a transaction", "by a session"];
    let mut before = Vec::new();
    for (n, name) in names.into_iter().enumerate() {
        server.session_with(json!({ "vendor_data": name, "metadata": n })).await;
        before.push(user(&server, name).await);
    }
    server.client.post("/v3/users/delete/", json!({ "delete_all": true })).await.is(200, json!({ "deleted": 3 }));
    server.user(json!({ "vendor_data": names[0], "status": "FLAGGED" })).await;
    server.transaction(with("t1", json!({ "vendor_data": names[1] }), json!(null))).await;
    let workflow = server.workflow_of(json!(["OCR"])).await;
    server.client.post("/v3/session/", json!({ "workflow_id": workflow, "vendor_data": names[2] })).await.ok(201);
    for (n, name) in names.into_iter().enumerate() {
        let again = user(&server, name).await;
        assert_ne!(again["didit_internal_id"], before[n]["didit_internal_id"]);
        assert_eq!(again["first_session_at"], before[n]["first_session_at"], "{name}");
        assert_eq!((again["last_session_at"] == before[n]["last_session_at"], &again["session_count"]), (n < 2, &json!(if n < 2 { 1 } else { 2 })), "{name}");
    }
    server.stop().await;
});

db_test!(the_first_session_is_the_earliest, server => {
    let first = server.session_with(json!({ "vendor_data": "ana", "metadata": 1 })).await;
    server.app.clock.advance(-60); // The clock of another process.
    let workflow = server.workflow_of(json!(["OCR"])).await;
    let earlier = server.client.post("/v3/session/", json!({ "workflow_id": workflow, "vendor_data": "ana" })).await.ok(201);
    let ana = user(&server, "ana").await;
    let made = async |id: &str| server.decision(id).await["created_at"].clone();
    assert_eq!([&ana["first_session_at"], &ana["last_session_at"]], [&made(&text(&earlier["session_id"])).await, &made(&first).await]);
    server.stop().await;
});

// Two that come at once are told in the order in which they happened, so neither brings along the time at which it came.
db_test!(what_waits_for_a_user_has_the_time_at_which_it_happens, server => {
    let id = text(&server.user(json!({ "vendor_data": "ana" })).await["didit_internal_id"]);
    let (list, workflow, application) = (server.list("Mine", "blocklist", "user").await, server.workflow().await, server.application().await);
    let ((held, is_held), (let_go, go_on)) = (tokio::sync::oneshot::channel(), std::sync::mpsc::channel::<()>());
    let store = server.app.store.clone();
    let holder = tokio::spawn(async move {
        store.write::<_, Error, _>(move |tx| Box::pin(async move {
            subject_locks::hold_key(tx, application, SessionKind::User, &key_of(SessionKind::User, Some("ana")).unwrap()).await?;
            subjects::lock_by_vendor_data(tx, application, SessionKind::User, "ana").await?;
            held.send(()).unwrap();
            go_on.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
            Ok(())
        })).await
    });
    is_held.await.unwrap();
    let calls = [
        (Method::POST, "/v3/session/".to_owned(), json!({ "workflow_id": workflow, "vendor_data": "ana" })),
        (Method::PATCH, path("ana"), json!({ "display_name": "Ana" })),
        (Method::PATCH, format!("{}update-status/", path("ana")), json!({ "status": "FLAGGED" })),
        (Method::POST, "/x/users/bulk-status/".to_owned(), json!({ "vendor_data_list": ["ana"], "status": "BLOCKED" })),
        (Method::POST, format!("/x/users/{id}/comments/"), json!({ "comment": "x" })),
        (Method::POST, format!("/v3/lists/{list}/entries/"), json!({ "value": "ana" })),
    ];
    let calls = calls.map(|(method, path, body)| tokio::spawn(send(server.client.request(method, &path).json(&body))));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    server.app.clock.advance(60);
    let since = json!(server.app.clock.now());
    let_go.send(()).unwrap();
    holder.await.unwrap().unwrap();
    for call in calls {
        let answer = call.await.unwrap();
        assert!(answer.status.is_success() || answer.body["vendor_data"].is_string(), "{}", answer.body);
    }
    let ana = user(&server, "ana").await;
    let told = ana["comments"].as_array().unwrap().iter().map(|row| &row["created_at"]).chain([&ana["last_session_at"]]);
    for at in told.filter(|at| at.is_string()) {
        assert!(text(at) >= text(&since), "{ana}");
    }
    server.stop().await;
});

db_test!(an_approval_by_hand_adds_what_was_verified, server => {
    server.user(json!({ "vendor_data": "ana", "full_name": "Mine", "approved_emails": ["first@example.com"] })).await;
    let session = server.session_with(json!({ "vendor_data": "ana" })).await;
    let mut shows = evidence();
    shows["phone_verifications"][0]["status"] = json!("In Review");
    assert_eq!(server.evidence(&session, shows).await["status"], "In Review");
    let before = user(&server, "ana").await;
    assert_eq!((&before["approved_emails"], &before["date_of_birth"]), (&json!(["first@example.com"]), &Value::Null));
    for _ in 0..2 {
        server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    }
    let after = user(&server, "ana").await;
    assert_eq!(after["approved_emails"], json!(["first@example.com", "ana@example.com"]));
    assert_eq!((&after["approved_phones"], &after["issuing_states"]), (&json!([]), &json!(["ESP"])));
    assert_eq!((&after["full_name"], &after["date_of_birth"]), (&json!("Mine"), &json!("1990-01-02")));
    assert_eq!(after["comments"], json!([]), "only what somebody changes is told");
    server.stop().await;
});

db_test!(sessions_of_flagged_users_wait_for_a_person, server => {
    server.user(json!({ "vendor_data": "ana", "status": "FLAGGED" })).await;
    let session = server.session_with(json!({ "vendor_data": "ana" })).await;
    assert_eq!(server.evidence(&session, evidence()).await["status"], "In Review");
    let session = server.session_with(json!({ "vendor_data": "ana" })).await;
    let declined = json!({ "email_verifications": [{ "email": "a@example.com", "status": "Declined" }] });
    assert_eq!(server.evidence(&session, declined).await["status"], "Declined");
    server.client.patch(&format!("{}update-status/", path("ana")), json!({ "status": "ACTIVE" })).await.ok(200);
    let session = server.session_with(json!({ "vendor_data": "ana" })).await;
    assert_eq!(server.evidence(&session, evidence()).await["status"], "Approved");
    server.stop().await;
});

db_test!(two_at_once_make_one_user_and_one_session, server => {
    let workflow = server.workflow().await;
    for n in 0..10 {
        let body = json!({ "workflow_id": workflow, "vendor_data": format!("user {n}") });
        let start = || server.client.post("/v3/session/", body.clone());
        let (one, other, third) = tokio::join!(start(), start(), start());
        let ids = [one, other, third].map(|answer| text(&answer.ok(201)["session_id"]));
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    assert_eq!(server.client.get("/v3/users/").await.ok(200)["count"], 10);
    assert_eq!(server.client.get("/v3/sessions/").await.ok(200)["count"], 10);
    server.stop().await;
});
