//! Entries made from a session, and the marks they leave (contract, lists §6, §8).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Client, Server, shown, text},
};

fn path(list: &str) -> String {
    format!("/v3/lists/{list}/entries/")
}

fn from(session: &str) -> Value {
    json!({ "reference_session_id": session })
}

async fn with_evidence(server: &Server, evidence: Value) -> String {
    let session = server.session().await;
    server.evidence(&session, evidence).await;
    session
}

fn emails(addresses: &[&str]) -> Value {
    let items: Vec<Value> = addresses.iter().map(|address| json!({ "email": address })).collect();
    json!({ "email_verifications": items })
}

/// The marks on the e-mail and phone records of the newest session, as the session list shows them.
async fn marks(client: &Client, session: &str) -> (bool, bool) {
    let page = client.get("/v3/sessions/?limit=200").await.ok(200);
    let row = page["results"].as_array().unwrap().iter().find(|row| row["session_id"] == session).unwrap();
    let details = &row["additional_details"];
    let shown = |object: &str, member: &str| details[object][member].as_bool().unwrap_or(false);
    (shown("email_verification", "is_blocklisted"), shown("phone_verification", "is_blocked"))
}

async fn email_mark(server: &Server, session: &str) -> bool {
    marks(&server.client, session).await.0
}

db_test!(the_latest_value_is_taken_and_its_record_named, server => {
    let list = server.system_list("email").await;
    let session = with_evidence(&server, emails(&["First@example.com", "Last@example.com"])).await;
    let made = server.client.post(&path(&list), from(&session.to_uppercase())).await.ok(201);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&made), @r#"
        {
          "uuid": "[uuid]",
          "value": "last@example.com",
          "display_label": "",
          "comment": "",
          "added_by": "api",
          "reference_session_id": "[uuid]",
          "reference_session_number": 1,
          "reference_object_uuid": "[uuid]",
          "metadata": null,
          "created_at": "[time]"
        }
        "#);
    }
    assert_eq!(made["reference_session_id"], session);
    assert_eq!(server.client.get(&path(&list)).await.ok(200)["results"][0], made);
    server.client.post(&path(&list), from(&session)).await.is(400, json!({ "value": ["This value already exists in the list."] }));
    server.stop().await;
});

db_test!(a_value_chooses_among_the_records, server => {
    let list = server.list("emails", "custom", "email").await;
    let session = with_evidence(&server, emails(&["first@example.com", "last@example.com"])).await;
    let choose = |value: &str| json!({ "reference_session_id": session, "value": value, "reference_object_uuid": "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10" });
    let made = server.client.post(&path(&list), choose(" FIRST@example.com ")).await.ok(201);
    assert_eq!(made["value"], "first@example.com");
    assert_ne!(made["reference_object_uuid"], "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10", "the record's id counts");
    let none = json!({ "value": ["Value does not match any email data in the session."] });
    server.client.post(&path(&list), choose("other@example.com")).await.is(400, none);
    server.client.post(&path(&list), choose("nonsense")).await.is(400, json!({ "value": ["Enter a valid email address."] }));
    server.stop().await;
});

db_test!(each_type_is_taken_from_its_own_record, server => {
    let session = with_evidence(&server, json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "X-123 456", "full_name": "Ana Silva", "issuing_state": "PRT" }],
        "phone_verifications": [{ "full_number": "+1 415 555 2671" }],
        "email_verifications": [{ "email": "ana@example.com" }],
        "ip_analyses": [{ "ip_address": "::ffff:203.0.113.7", "device_fingerprint": "AB:CD:EF:01:23" }],
    })).await;
    for (entry_type, value) in [
        ("document", "x-123 456"),
        ("phone", "+14155552671"),
        ("email", "ana@example.com"),
        ("ip_address", "203.0.113.7"),
        ("device_fingerprint", "ab:cd:ef:01:23"),
    ] {
        let made = server.client.post(&path(&server.system_list(entry_type).await), from(&session)).await.ok(201);
        assert_eq!(made["value"], value);
    }
    for entry_type in ["face", "wallet_address", "bank_account", "user", "business", "country", "key"] {
        let list = server.list(entry_type, "custom", entry_type).await;
        let text = format!("Session has no {entry_type} data.");
        server.client.post(&path(&list), from(&session)).await.is(400, json!({ "reference_session_id": [text] }));
    }
    server.stop().await;
});

db_test!(a_document_brings_its_metadata, server => {
    let list = server.list("documents", "allowlist", "document").await;
    let passport = json!({ "id_verifications": [{ "document_type": "Passport", "document_number": "AB1", "full_name": "Ana Silva", "issuing_state": "PRT" }] });
    let session = with_evidence(&server, passport).await;
    let sent = json!({ "reference_session_id": session, "metadata": { "ticket": 7, "full_name": "Somebody Else" } });
    let made = server.client.post(&path(&list), sent).await.ok(201);
    assert_eq!(made["metadata"], json!({ "ticket": 7, "full_name": "Ana Silva", "issuing_state": "PRT", "document_type": "P" }));
    let session = with_evidence(&server, json!({ "id_verifications": [{ "document_number": "AB2" }] })).await;
    let deep = format!(r#"{{"reference_session_id":"{session}","metadata":{{"a":{}{}}}}}"#, "[".repeat(126), "]".repeat(126));
    let entry = server.client.post_text(&path(&list), deep).await;
    assert_eq!(entry.status, 201, "metadata as deep as a body may be");
    let session = with_evidence(&server, json!({ "id_verifications": [{ "document_number": "AB3" }] })).await;
    let made = server.client.post(&path(&list), from(&session)).await.ok(201);
    assert_eq!(made["metadata"], json!({ "full_name": null, "issuing_state": null, "document_type": null }));
    server.stop().await;
});

db_test!(a_session_that_cannot_be_the_source_is_refused, server => {
    let list = server.system_list("email").await;
    let unknown = json!({ "reference_session_id": ["Session not found."] });
    let none = json!({ "reference_session_id": ["Session has no email data."] });
    server.client.post(&path(&list), from(&uuid::Uuid::new_v4().to_string())).await.is(400, unknown.clone());
    let empty = server.session().await;
    server.client.post(&path(&list), from(&empty)).await.is(400, none.clone());
    server.client.post(&path(&list), json!({ "reference_session_id": empty, "value": "a@example.com" })).await.is(400, none.clone());
    let phone = with_evidence(&server, json!({ "phone_verifications": [{ "full_number": "+14155552671" }] })).await;
    server.client.post(&path(&list), from(&phone)).await.is(400, none);

    let session = with_evidence(&server, emails(&["a@example.com"])).await;
    let stranger = server.foreign_client().await;
    let theirs = text(&stranger.get("/v3/lists/?entry_type=email").await.ok(200)["results"][0]["uuid"]);
    stranger.post(&path(&theirs), from(&session)).await.is(400, unknown.clone());
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    server.client.post(&path(&list), from(&session)).await.is(400, unknown);
    assert_eq!(server.client.get(&path(&list)).await.ok(200)["count"], 0);
    server.stop().await;
});

db_test!(an_entry_outlives_its_session, server => {
    let list = server.system_list("email").await;
    let session = with_evidence(&server, emails(&["a@example.com"])).await;
    let made = server.client.post(&path(&list), from(&session)).await.ok(201);
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    assert_eq!(server.client.get(&path(&list)).await.ok(200)["results"][0], made);
    server.client.delete(&format!("{}{}/", path(&list), text(&made["uuid"]))).await.ok(204);
    server.stop().await;
});

db_test!(a_key_that_may_not_read_sessions_may_not_take_from_them, server => {
    let list = server.system_list("email").await;
    let session = with_evidence(&server, emails(&["a@example.com"])).await;
    let refused = json!({ "detail": "You do not have permission to perform this action." });
    let lists_only = server.client_with("lists:write").await;
    lists_only.post(&path(&list), from(&session)).await.is(403, refused.clone());
    let unknown = json!({ "reference_session_id": uuid::Uuid::new_v4(), "value": "nonsense" });
    lists_only.post(&path(&list), unknown).await.is(403, refused);
    // Right after the field types: those come first, and the list before both.
    lists_only.post(&path(&list), json!({ "reference_session_id": session, "comment": [] })).await.is(400, json!({ "comment": ["Not a valid string."] }));
    lists_only.post(&path(&uuid::Uuid::new_v4().to_string()), from(&session)).await.is(404, json!({ "detail": "Not found." }));
    lists_only.post(&path(&list), json!({ "value": "typed@example.com", "reference_session_id": null })).await.ok(201);
    server.client_with("lists:write,sessions:read").await.post(&path(&list), from(&session)).await.ok(201);
    server.stop().await;
});

db_test!(a_blocklist_entry_marks_the_one_record_it_came_from, server => {
    let session = with_evidence(&server, json!({
        "email_verifications": [{ "email": "a@example.com" }], "phone_verifications": [{ "full_number": "+14155552671" }]
    })).await;
    for list_type in ["allowlist", "custom"] {
        let list = server.list(list_type, list_type, "email").await;
        server.client.post(&path(&list), from(&session)).await.ok(201);
        assert_eq!(marks(&server.client, &session).await, (false, false), "{list_type}");
    }
    let typed = server.list("typed", "blocklist", "email").await;
    let entry = server.add(&typed, "a@example.com").await;
    assert!(!email_mark(&server, &session).await, "a typed value marks nothing");
    server.client.post(&path(&typed), from(&session)).await.ok(400);
    assert!(!email_mark(&server, &session).await, "nor does a refused duplicate");
    server.client.delete(&format!("{}{entry}/", path(&typed))).await.ok(204);

    let list = server.system_list("email").await;
    let made = server.client.post(&path(&list), from(&session)).await.ok(201);
    assert_eq!(marks(&server.client, &session).await, (true, false));
    let decision = server.client.get(&format!("/v3/session/{session}/decision/")).await.ok(200);
    assert_eq!(decision["status"], "Approved", "a finished session keeps its outcome");
    server.client.delete(&format!("{}{}/", path(&list), text(&made["uuid"]))).await.ok(204);
    assert_eq!(marks(&server.client, &session).await, (false, false));
    server.stop().await;
});

db_test!(a_mark_passes_to_another_entry_that_covers_the_value, server => {
    let session = with_evidence(&server, emails(&["a@example.com"])).await;
    let (system, own) = (server.system_list("email").await, server.list("own", "blocklist", "email").await);
    let first = server.client.post(&path(&system), from(&session)).await.ok(201);
    let second = server.add(&own, "A@example.com").await;
    server.client.delete(&format!("{}{}/", path(&system), text(&first["uuid"]))).await.ok(204);
    assert!(email_mark(&server, &session).await, "the other list's entry takes it over");
    server.client.delete(&format!("{}{second}/", path(&own))).await.ok(204);
    assert!(!email_mark(&server, &session).await);
    server.stop().await;
});

db_test!(only_live_blocklist_entries_of_the_value_take_a_mark_over, server => {
    let session = with_evidence(&server, emails(&["a@example.com"])).await;
    let system = server.system_list("email").await;
    server.add(&server.list("allow", "allowlist", "email").await, "a@example.com").await;
    server.add(&server.list("keys", "blocklist", "key").await, "a@example.com").await;
    server.add(&server.list("other", "blocklist", "email").await, "b@example.com").await;
    let ended = json!({ "value": "a@example.com", "expires_at": "2001-01-01T00:00:00Z" });
    server.client.post(&path(&server.list("ended", "blocklist", "email").await), ended).await.ok(201);
    let stranger = server.foreign_client().await;
    let theirs = text(&stranger.get("/v3/lists/?entry_type=email").await.ok(200)["results"][0]["uuid"]);
    stranger.post(&path(&theirs), json!({ "value": "a@example.com" })).await.ok(201);

    let made = server.client.post(&path(&system), from(&session)).await.ok(201);
    server.client.delete(&format!("{}{}/", path(&system), text(&made["uuid"]))).await.ok(204);
    assert!(!email_mark(&server, &session).await);
    server.stop().await;
});

db_test!(deleting_a_list_lets_go_of_its_marks, server => {
    let (one, two) = (with_evidence(&server, emails(&["a@example.com"])).await, with_evidence(&server, emails(&["b@example.com"])).await);
    let list = server.list("own", "blocklist", "email").await;
    server.client.post(&path(&list), from(&one)).await.ok(201);
    server.client.post(&path(&list), from(&two)).await.ok(201);
    server.add(&server.system_list("email").await, "b@example.com").await;
    assert!(email_mark(&server, &one).await && email_mark(&server, &two).await);
    server.client.delete(&format!("/v3/lists/{list}/")).await.ok(204);
    assert_eq!((email_mark(&server, &one).await, email_mark(&server, &two).await), (false, true), "the second value is still blocked");
    server.stop().await;
});

db_test!(an_entry_that_follows_an_expired_one_takes_its_mark, server => {
    let session = with_evidence(&server, emails(&["a@example.com"])).await;
    let list = server.system_list("email").await;
    let expires_at = server.app.clock.now().plus_seconds(60);
    server.client.post(&path(&list), json!({ "reference_session_id": session, "expires_at": expires_at })).await.ok(201);
    server.app.clock.advance(61);
    let again = server.add(&list, "a@example.com").await;
    assert!(email_mark(&server, &session).await);
    server.client.delete(&format!("{}{again}/", path(&list))).await.ok(204);
    assert!(!email_mark(&server, &session).await);
    server.stop().await;
});
