//! `GET /v3/session/{session_id}/decision/`.

use serde_json::json;

use crate::{
    db_test,
    harness::{inside::upload, shown, text},
};

db_test!(of_an_empty_session_has_null_arrays_and_a_link, server => {
    let session = server.session().await;
    let answer = server.client.get(&format!("/v3/session/{session}/decision/")).await;
    assert_eq!(answer.header("etag"), "\"1\"");
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer.body), @r#"
        {
          "session_id": "[uuid]",
          "session_kind": "user",
          "session_number": 1,
          "session_url": "[server]/session/[token]",
          "status": "Not Started",
          "environment": "live",
          "workflow_id": "[uuid]",
          "features": [],
          "vendor_data": null,
          "metadata": null,
          "expected_details": null,
          "contact_details": null,
          "callback": null,
          "id_verifications": null,
          "nfc_verifications": null,
          "liveness_checks": null,
          "face_matches": null,
          "phone_verifications": null,
          "email_verifications": null,
          "poa_verifications": null,
          "document_ai_documents": null,
          "questionnaire_responses": null,
          "aml_screenings": null,
          "ip_analyses": null,
          "database_validations": null,
          "nfc_skip_reason": null,
          "reviews": [],
          "created_at": "[time]",
          "expires_at": "[time]"
        }
        "#); }
    for include in ["", "?include=", "?include=all", "?include=Events"] {
        assert_eq!(server.client.get(&format!("/v3/session/{session}/decision/{include}")).await.ok(200), answer.body, "{include}");
    }
    server.stop().await;
});

db_test!(with_events_tells_the_history, server => {
    let session = server.session().await;
    server.evidence(&session, json!({ "email_verifications": [{ "email": "ana@example.com" }] })).await;
    let review = json!({ "new_status": "Declined", "comment": "no" });
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), review).await.ok(201);
    let decision = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    let without = server.decision(&session).await;
    let mut extra = decision.clone();
    extra.as_object_mut().unwrap().retain(|name, value| without.get(name) != Some(value));
    assert!(decision.get("session_kind").is_none());
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&extra), @r#"
        {
          "features": [
            {
              "feature": "EMAIL",
              "node_id": "feature_email_1"
            }
          ],
          "events": [
            {
              "uuid": "[uuid]",
              "type": "SESSION_CREATED",
              "actor": "API Client",
              "details": {
                "status": "Not Started"
              },
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "type": "SESSION_STARTED",
              "actor": "API Client",
              "details": {
                "previous_status": "Not Started",
                "new_status": "In Progress"
              },
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "type": "STATUS_CHANGED",
              "actor": "System",
              "details": {
                "previous_status": "In Progress",
                "new_status": "Approved"
              },
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "type": "STATUS_CHANGED",
              "actor": "API Client",
              "details": {
                "previous_status": "Approved",
                "new_status": "Declined"
              },
              "created_at": "[time]"
            }
          ],
          "activity_reviews": [
            {
              "uuid": "[uuid]",
              "activity_type": "STATUS_UPDATED",
              "actor_display": "API Client",
              "actor_email": null,
              "actor_type": "API_KEY",
              "previous_status": "Approved",
              "new_status": "Declined",
              "comment": "no",
              "mentioned_emails": [],
              "previous_value": {
                "status": "Approved"
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
          ],
          "blocklisted": {
            "face": false,
            "document": false,
            "phone": false,
            "email": false
          },
          "cost_breakdown": null,
          "workflow_type": "kyc",
          "workflow_version": 1,
          "workflow_version_id": "[uuid]",
          "api_service": null,
          "session_type": "HOSTED",
          "has_device_nfc_support": null
        }
        "#); }
    server.stop().await;
});

db_test!(of_a_company_has_the_arrays_of_companies, server => {
    let session = server.business_session().await;
    let decision = server.decision(&session).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&decision), @r#"
        {
          "session_id": "[uuid]",
          "session_kind": "business",
          "session_number": 1,
          "session_url": "[server]/session/[token]",
          "status": "Not Started",
          "environment": "live",
          "workflow_id": "[uuid]",
          "features": [
            "KYB_REGISTRY"
          ],
          "vendor_data": null,
          "metadata": null,
          "expected_details": null,
          "contact_details": null,
          "callback": null,
          "phone_verifications": null,
          "email_verifications": null,
          "questionnaire_responses": null,
          "aml_screenings": null,
          "ip_analyses": null,
          "registry_checks": null,
          "key_people_checks": null,
          "document_verifications": null,
          "reviews": [],
          "created_at": "[time]",
          "expires_at": "[time]"
        }
        "#); }
    let with_events = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    assert_eq!(with_events, decision, "events are for user sessions");
    server.stop().await;
});

db_test!(carries_links_that_open_and_end, server => {
    let media = upload(&server.client).await;
    let evidence = json!({ "liveness_checks": [{ "reference_image": format!("media:{media}") }] });
    let decision = server.session_with_evidence(evidence).await;
    let link = text(&decision["liveness_checks"][0]["reference_image"]);
    let path = link.strip_prefix(&server.app.config.public_url).unwrap().to_owned();
    let opened = server.client.without_key().get(&path).await;
    assert_eq!((opened.status.as_u16(), opened.header("content-type")), (200, "image/png"));
    server.app.clock.advance(3_600);
    server.client.without_key().get(&path).await.is(403, json!({ "detail": "Link expired or invalid." }));
    let again = text(&server.decision(&text(&decision["session_id"])).await["liveness_checks"][0]["reference_image"]);
    let path = again.strip_prefix(&server.app.config.public_url).unwrap().to_owned();
    server.client.without_key().get(&path).await.ok(200);
    server.stop().await;
});

db_test!(is_not_there_for_unknown_ids, server => {
    let id = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";
    server.client.get(&format!("/v3/session/{id}/decision/")).await.is(404, json!({ "detail": "Not found." }));
    let session = server.session().await;
    let upper = server.client.get(&format!("/v3/session/{}/decision/", session.to_uppercase())).await.ok(200);
    assert_eq!(upper["session_id"], json!(session));
    server.stop().await;
});
