//! `PATCH /v3/session/{session_id}/features/{node_id}/update-status/`.

use gavel_core::session::SessionStatus;
use reqwest::Method;
use serde_json::json;

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, shown, text},
};

const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";

fn path(session: &str, node: &str) -> String {
    format!("/v3/session/{session}/features/{node}/update-status/")
}

async fn session(server: &Server) -> String {
    let decision = server.session_with_evidence(json!({
        "id_verifications": [{ "document_type": "P" }], "poa_verifications": [{}], "aml_screenings": [{ "score": 10 }],
        "phone_verifications": [{ "full_number": "+14155552671" }],
    }));
    text(&decision.await["session_id"])
}

db_test!(sets_the_feature_and_not_the_session, server => {
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let session = session(&server).await;
    receiver.wait_for(2).await;
    let before = server.counts().await;
    let answer = server.client.patch(&path(&session, "feature_ocr_1"), json!({ "new_status": "Declined", "comment": "forged" })).await;
    answer.is(200, json!({ "session_id": session, "node_id": "feature_ocr_1", "feature_type": "KYC", "new_status": "Declined" }));
    let row = &server.feed(&session).await[0];
    insta::allow_duplicates! { insta::assert_snapshot!(shown(row), @r#"
        {
          "uuid": "[uuid]",
          "activity_type": "KYC_DATA_UPDATED",
          "actor_display": "API Client",
          "actor_email": null,
          "actor_type": "API_KEY",
          "previous_status": null,
          "new_status": null,
          "comment": "forged",
          "mentioned_emails": [],
          "previous_value": {
            "node_id": "feature_ocr_1",
            "status": "Approved"
          },
          "new_value": {
            "node_id": "feature_ocr_1",
            "status": "Declined"
          },
          "changed_fields": [
            "status"
          ],
          "metadata": null,
          "created_at": "[time]"
        }
        "#); }
    let after = server.counts().await;
    for table in ["events", "activities", "audit_events", "versions", "session_events"] {
        assert_eq!(after[table] - before[table], 1, "{table}");
    }
    let decision = server.decision(&session).await;
    assert_eq!((&decision["status"], &decision["id_verifications"][0]["status"]), (&json!("Approved"), &json!("Declined")));
    let event = receiver.wait_for(3).await[2].json();
    assert_eq!((&event["webhook_type"], &event["trigger"]), (&json!("data.updated"), &json!("manual_review")));
    assert_eq!((&event["changed_fields"], &event["status"]), (&json!(["id_verifications.status"]), &json!("Approved")));
    assert_eq!(event["decision"]["id_verifications"][0]["status"], "Declined");
    let history = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    let last = history["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["type"], &last["details"]), (&json!("FEATURE_STATUS_CHANGED"), &json!({
        "node_id": "feature_ocr_1", "feature": "ID_VERIFICATION", "previous_status": "Approved", "new_status": "Declined",
    })));
    for (node, kind, feature_type) in [
        ("feature_poa_1", "POA_DATA_UPDATED", "POA"), ("feature_aml_1", "AML_STATUS_UPDATED", "AML"),
        ("feature_phone_1", "KYC_DATA_UPDATED", "Phone"),
    ] {
        let answer = server.client.patch(&path(&session, node), json!({ "new_status": "In Review", "comment": "" })).await.ok(200);
        assert_eq!(answer["feature_type"], feature_type);
        let row = &server.feed(&session).await[0];
        assert_eq!((&row["activity_type"], &row["comment"]), (&json!(kind), &json!(null)));
        assert_eq!(row["new_value"], json!({ "node_id": node, "status": "In Review" }));
    }
    server.stop().await;
});

db_test!(is_allowed_in_every_status_of_the_session, server => {
    let session = session(&server).await;
    for (place, status) in SessionStatus::ALL.map(SessionStatus::as_str).into_iter().enumerate() {
        server.set_status(&session, status).await;
        let new = ["Declined", "Approved"][place % 2];
        server.client.patch(&path(&session, "feature_ocr_1"), json!({ "new_status": new })).await.ok(200);
        assert_eq!(server.decision(&session).await["status"], status);
    }
    server.stop().await;
});

db_test!(knows_the_only_feature_by_default, server => {
    let one = text(&server.session_with_evidence(json!({ "email_verifications": [{ "email": "a@b.example" }] })).await["session_id"]);
    let answer = server.client.patch(&path(&one, "default"), json!({ "new_status": "In Review" })).await.ok(200);
    assert_eq!((&answer["node_id"], &answer["feature_type"]), (&json!("feature_email_1"), &json!("Email")));
    let several = session(&server).await;
    let none = json!({ "detail": "No feature found with node_id 'default' in this session." });
    server.client.patch(&path(&several, "default"), json!({ "new_status": "In Review" })).await.is(404, none);
    server.stop().await;
});

db_test!(refuses_and_writes_nothing, server => {
    let session = session(&server).await;
    let ocr = path(&session, "feature_ocr_1");
    let before = server.counts().await;
    for (body, answer) in [
        (json!({}), json!({ "new_status": ["This field is required."] })),
        (json!({ "new_status": null }), json!({ "new_status": ["This field may not be null."] })),
        (json!({ "new_status": "Not Finished" }), json!({ "new_status": ["\"Not Finished\" is not a valid choice."] })),
        (json!({ "new_status": "declined", "comment": [] }), json!({
            "new_status": ["\"declined\" is not a valid choice."], "comment": ["Not a valid string."],
        })),
        (json!({ "new_status": "Declined", "comment": "😀".repeat(10_001) }), json!({
            "comment": ["Ensure this field has no more than 10000 characters."],
        })),
        (json!({ "new_status": "Approved" }), json!({ "new_status": "The new status is the same as the current status." })),
    ] {
        server.client.patch(&ocr, body).await.is(400, answer);
    }
    for node in ["feature_ocr_2", "x%20%2F", UNKNOWN] {
        let name = if node == "x%20%2F" { "x /" } else { node };
        let none = json!({ "detail": format!("No feature found with node_id '{name}' in this session.") });
        server.client.patch(&path(&session, node), json!({})).await.is(404, none);
    }
    server.client.patch(&path(UNKNOWN, "feature_ocr_1"), json!({})).await.is(404, json!({ "detail": "Session not found." }));
    server.client.patch(&path("x", "feature_ocr_1"), json!({})).await.is(404, json!({ "detail": "Not found." }));
    let stale = send(server.client.request(Method::PATCH, &ocr).header("if-match", "\"1\"").json(&json!({ "new_status": "Declined" })));
    stale.await.is(412, json!({ "detail": "The session was changed by someone else." }));
    assert_eq!(server.counts().await, before);
    let id: uuid::Uuid = session.parse().unwrap();
    server.sql("UPDATE sessions SET session_type = 'API' WHERE id = $1", vec![id.into()]).await;
    for node in ["feature_ocr_1", "nowhere"] {
        let refused = json!({ "detail": "Cannot change feature status for API sessions." });
        server.client.patch(&path(&session, node), json!({ "new_status": "Declined" })).await.is(400, refused);
    }
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(works_for_companies, server => {
    let session = server.business_session().await;
    server.evidence(&session, json!({ "complete": false, "aml_screenings": [{ "entity_type": "company" }] })).await;
    let answer = server.client.patch(&path(&session, "feature_aml_1"), json!({ "new_status": "Declined" })).await.ok(200);
    assert_eq!(answer["feature_type"], "AML");
    assert_eq!(server.decision(&session).await["aml_screenings"][0]["status"], "Declined");
    server.stop().await;
});
