//! The blocklist calls by session.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

const ADD: &str = "/v3/blocklist/add/";
const REMOVE: &str = "/v3/blocklist/remove/";

fn evidence() -> Value {
    json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "X-123 456", "first_name": "Ana", "last_name": "Silva" }],
        "phone_verifications": [{ "full_number": "+14155552670" }, { "full_number": "+14155552671" }],
        "email_verifications": [{ "email": "ana@example.com" }],
    })
}

async fn session(server: &Server) -> String {
    text(&server.session_with_evidence(evidence()).await["session_id"])
}

async fn count(server: &Server, entry_type: &str) -> Value {
    let list = server.system_list(entry_type).await;
    server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"].clone()
}

db_test!(blocks_the_most_recent_values_of_a_session, server => {
    let id = session(&server).await;
    let body = json!({ "session_id": id, "blocklist_document": true, "blocklist_phone": true, "blocklist_email": "1" });
    server.client.post(ADD, body.clone()).await.is(200, json!({ "message": "Successfully updated blocklist." }));
    let rows = server.client.get("/v3/blocklist/").await.ok(200);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&rows["results"]), @r#"
        [
          {
            "type": "email",
            "session_id": "[uuid]",
            "session_number": 1,
            "blocklisted_at": "[time]",
            "face_image": null,
            "document_type": null,
            "document_number": null,
            "front_image": null,
            "phone_number": null,
            "country_code": null,
            "email": "ana@example.com"
          },
          {
            "type": "phone",
            "session_id": "[uuid]",
            "session_number": 1,
            "blocklisted_at": "[time]",
            "face_image": null,
            "document_type": null,
            "document_number": null,
            "front_image": null,
            "phone_number": "+14155552671",
            "country_code": "US",
            "email": null
          },
          {
            "type": "document",
            "session_id": "[uuid]",
            "session_number": 1,
            "blocklisted_at": "[time]",
            "face_image": null,
            "document_type": "P",
            "document_number": "X-123 456",
            "front_image": null,
            "phone_number": null,
            "country_code": null,
            "email": null
          }
        ]
        "#);
    }
    let only = server.client.get("/v3/blocklist/?item_type=phone&limit=1").await.ok(200);
    assert_eq!((&only["count"], &only["results"][0]["type"]), (&json!(1), &json!("phone")));
    let decision = server.client.get(&format!("/v3/session/{id}/decision/?include=events")).await.ok(200);
    assert_eq!(decision["blocklisted"], json!({ "face": false, "document": true, "phone": true, "email": true }));
    assert_eq!(server.session_with_evidence(evidence()).await["status"], "Declined");

    server.client.post(ADD, body).await.ok(200); // Everything is there: nothing new, nothing wrong.
    assert_eq!(count(&server, "phone").await, 1);

    let body = json!({ "session_id": id, "unblock_phone": true, "unblock_email": true, "unblock_face": true });
    server.client.post(REMOVE, body).await.is(200, json!({ "message": "Successfully removed from blocklist." }));
    assert_eq!((count(&server, "phone").await, count(&server, "document").await), (json!(0), json!(1)));
    let decision = server.client.get(&format!("/v3/session/{id}/decision/?include=events")).await.ok(200);
    assert_eq!(decision["blocklisted"], json!({ "face": false, "document": true, "phone": false, "email": false }));
    server.stop().await;
});

db_test!(an_entry_by_hand_takes_the_mark_and_stays, server => {
    let list = server.system_list("email").await;
    let id = session(&server).await;
    let entry = server.add(&list, "ANA@example.com").await;
    server.client.post(ADD, json!({ "session_id": id, "blocklist_email": true })).await.ok(200);
    assert_eq!(count(&server, "email").await, 1);
    assert_eq!(server.client.get("/v3/blocklist/").await.ok(200)["count"], 0, "not made from a session");
    server.client.post(REMOVE, json!({ "session_id": id, "unblock_email": true })).await.ok(200);
    assert_eq!(count(&server, "email").await, 1);
    assert_eq!(server.session_with_evidence(evidence()).await["status"], "Declined", "it keeps blocking");
    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
    server.stop().await;
});

db_test!(refuses_all_or_nothing, server => {
    let id = text(&server.session_with_evidence(json!({ "email_verifications": [{ "email": "ana@example.com" }] })).await["session_id"]);
    let both = json!({ "session_id": id, "blocklist_email": true, "blocklist_phone": true, "blocklist_face": true });
    server.client.post(ADD, both).await.is(
        400,
        json!({ "blocklist_face": ["Session has no face data."], "blocklist_phone": ["Session has no phone data."] }),
    );
    assert_eq!(count(&server, "email").await, 0, "nothing was done");
    for path in [ADD, REMOVE] {
        let none = json!({ "non_field_errors": ["Select at least one item."] });
        server.client.post(path, json!({ "session_id": id })).await.is(400, none.clone());
        server.client.post(path, json!({ "session_id": id, "blocklist_email": false, "unblock_email": false })).await.is(400, none);
        server.client.post(path, json!({})).await.is(400, json!({ "session_id": ["This field is required."] }));
        server.client.post(path, json!({ "session_id": "x" })).await.is(400, json!({ "session_id": ["Must be a valid UUID."] }));
    }
    let unknown = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";
    let gone = json!({ "detail": "Session not found." });
    server.client.post(ADD, json!({ "session_id": unknown, "blocklist_email": true })).await.is(404, gone.clone());
    let foreign = server.foreign_client().await;
    foreign.post(ADD, json!({ "session_id": id, "blocklist_email": true })).await.is(404, gone.clone());
    foreign.post(REMOVE, json!({ "session_id": id, "unblock_email": true })).await.is(404, gone);
    let lists_only = server.client_with("lists:write").await;
    lists_only.post(ADD, json!({ "session_id": id, "blocklist_email": true })).await.ok(403);
    server.client.get("/v3/blocklist/?item_type=x").await.is(
        400,
        json!({ "item_type": ["Select a valid choice. x is not one of the available choices."] }),
    );
    server.stop().await;
});
