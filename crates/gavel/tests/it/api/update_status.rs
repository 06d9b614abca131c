//! `PATCH /v3/session/{session_id}/update-status/`.

use gavel_core::session::SessionStatus;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, eventually, inside::upload, receiver::Received, text},
};

const SOURCES: [&str; 6] = ["Approved", "Declined", "In Review", "Kyc Expired", "Abandoned", "Resubmitted"];

fn path(session: &str) -> String {
    format!("/v3/session/{session}/update-status/")
}

db_test!(goes_by_the_current_status, server => {
    for status in SessionStatus::ALL.map(SessionStatus::as_str) {
        for new in ["Approved", "Declined"] {
            let session = server.session().await;
            server.set_status(&session, status).await;
            let before = server.counts().await;
            let answer = server.client.patch(&path(&session), json!({ "new_status": new, "comment": "why" })).await;
            let after = server.counts().await;
            if !SOURCES.contains(&status) {
                let text = format!(
                    "Only sessions with status Approved, Declined, In Review, Kyc Expired, Abandoned, Resubmitted can be updated. Current status: {status}"
                );
                answer.is(400, json!({ "detail": text }));
                assert_eq!(after, before);
                server.client.patch(&path(&session), json!({})).await.is(400, json!({ "detail": text }));
            } else if status == new {
                answer.is(200, json!({ "session_id": session }));
                assert_eq!(after, before, "already so: nothing happens");
            } else {
                answer.is(200, json!({ "session_id": session }));
                let row = &server.feed(&session).await[0];
                assert_eq!((&row["previous_status"], &row["new_status"], &row["comment"]), (&json!(status), &json!(new), &json!("why")));
                assert_eq!((after["events"] - before["events"], after["audit_events"] - before["audit_events"]), (1, 1));
                assert_eq!(server.decision(&session).await["status"], new);
            }
        }
    }
    server.stop().await;
});

db_test!(refuses_and_writes_nothing, server => {
    let session = server.finished("Approved").await;
    let before = server.counts().await;
    let valid = "OCR, OCR_BACK, NFC, AML, FACE, LIVENESS, FACE_MATCH, IP_ANALYSIS, AGE_ESTIMATION, PROOF_OF_ADDRESS, PHONE_VERIFICATION, \
        EMAIL_VERIFICATION, FACE_SEARCH, DATABASE_VALIDATION, QUESTIONNAIRE, DOCUMENT_AI, KYB_REGISTRY, KYB_DOCUMENTS, KYB_KEY_PEOPLE, \
        ID_VERIFICATION, POA, PHONE, EMAIL, KYB";
    let only = "You can only update the status to 'Approved', 'Declined', or 'Resubmitted'.";
    let node = |feature: &str| json!([{ "node_id": "feature_email_1", "feature": feature }]);
    for (body, answer) in [
        (json!({}), json!({ "new_status": ["This field is required."] })),
        (json!({ "new_status": null }), json!({ "new_status": ["This field may not be null."] })),
        (json!({ "new_status": "Bogus" }), json!({ "new_status": ["\"Bogus\" is not a valid choice."] })),
        (json!({ "new_status": "In Review" }), json!({ "new_status": [only] })),
        (json!({ "new_status": "Abandoned" }), json!({ "new_status": [only] })),
        (
            json!({ "new_status": "Declined", "comment": "x".repeat(10_001) }),
            json!({ "comment": ["Ensure this field has no more than 10000 characters."] }),
        ),
        (
            json!({ "new_status": "Declined", "send_email": true }),
            json!({ "email_address": ["Email address is required when send_email is true."] }),
        ),
        (json!({ "new_status": "Declined", "email_address": "x" }), json!({ "email_address": ["Enter a valid email address."] })),
        (
            json!({ "new_status": "Declined", "nodes_to_resubmit": [{ "node_id": "a", "feature": "OCR" }, { "node_id": "a", "feature": "BOGUS" }] }),
            json!({ "nodes_to_resubmit": [{}, { "feature": [format!("\"BOGUS\" is not a valid choice. Valid choices are: {valid}")] }] }),
        ),
        (
            json!({ "new_status": "Declined", "nodes_to_resubmit": [{}] }),
            json!({ "nodes_to_resubmit": [{ "node_id": ["This field is required."], "feature": ["This field is required."] }] }),
        ),
        (
            json!({ "new_status": "Resubmitted" }),
            json!({ "nodes_to_resubmit": "No features found that need resubmission. All features are already approved." }),
        ),
        (
            json!({ "new_status": "Resubmitted", "nodes_to_resubmit": [{ "node_id": "feature_ocr_7", "feature": "OCR" }] }),
            json!({ "nodes_to_resubmit": "No features found that need resubmission. All features are already approved." }),
        ),
        (
            json!({ "new_status": "Resubmitted", "nodes_to_resubmit": node("KYB_REGISTRY") }),
            json!({ "nodes_to_resubmit": "The following features cannot be resubmitted directly: KYB_REGISTRY. Resubmit the relevant child \
                KYC sessions instead; the parent will recompute automatically." }),
        ),
    ] {
        server.client.patch(&path(&session), body).await.is(400, answer);
    }
    let stale = send(server.client.request(Method::PATCH, &path(&session)).header("if-match", "\"1\"").json(&json!({ "new_status": "Declined" })));
    stale.await.is(412, json!({ "detail": "The session was changed by someone else." }));
    server.client.patch(&path("0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10"), json!({})).await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.counts().await, before);
    server.set_status(&session, "Resubmitted").await;
    let same = server.client.patch(&path(&session), json!({ "new_status": "Resubmitted" })).await;
    same.is(400, json!(["The new status is the same as the current status."]));
    assert_eq!(server.counts().await, before);
    let good = json!({ "new_status": "Declined", "comment": "", "send_email": true, "email_address": "a@b.example", "email_language": "xx" });
    server.client.patch(&path(&session), good).await.ok(200);
    assert_eq!(server.feed(&session).await[0]["comment"], Value::Null);
    server.stop().await;
});

db_test!(works_for_companies, server => {
    let session = server.business_session().await;
    server.set_status(&session, "In Review").await;
    server.client.patch(&path(&session), json!({ "new_status": "Approved" })).await.is(200, json!({ "session_id": session }));
    assert_eq!(server.decision(&session).await["status"], "Approved");
    server.stop().await;
});

mod resubmission {
    use super::*;

    /// A session whose document is doubtful and whose e-mail address is fine.
    async fn doubtful(server: &Server, media: &str) -> String {
        let session = server.session().await;
        let media = format!("media:{media}");
        let decision = server.evidence(
            &session,
            json!({
                "id_verifications": [{
                    "document_type": "P", "document_number": "X123", "first_name": "Ana", "front_image": media,
                    "warnings": [{ "risk": "DATA_INCONSISTENT" }],
                }],
                "email_verifications": [{ "email": "ana@example.com" }],
            }),
        );
        assert_eq!(decision.await["status"], "In Review");
        session
    }

    /// The event with this status. Not by its place: moving the clock ends leases, so that some may arrive twice.
    async fn sent_with(receiver: &Receiver, status: &str) -> Value {
        eventually(&format!("an event with {status}"), || async {
            receiver.received().iter().map(Received::json).find(|sent| sent["status"] == status)
        })
        .await
    }

    db_test!(goes_round, server => {
        let receiver = Receiver::start().await;
        server.destination(&receiver).await;
        let media = upload(&server.client).await;
        let session = doubtful(&server, &media).await;
        let first = server.decision(&session).await;
        let link = text(&first["id_verifications"][0]["front_image"]);
        server.app.clock.advance(1_000);
        let body = json!({ "new_status": "Resubmitted", "comment": "too dark" });
        server.client.patch(&path(&session), body).await.is(200, json!({ "session_id": session }));

        let open = server.decision(&session).await;
        assert_eq!(open["status"], "Resubmitted");
        assert!(text(&open["session_url"]).contains("/session/"));
        let begin = gavel_core::time::Timestamp::parse(&text(&open["created_at"])).unwrap();
        let end = gavel_core::time::Timestamp::parse(&text(&open["expires_at"])).unwrap();
        assert!(end.as_unix_seconds() - begin.as_unix_seconds() >= 604_800 + 1_000, "expiry starts again");
        let item = &open["id_verifications"][0];
        assert_eq!((&item["status"], &item["document_number"], &item["warnings"]), (&json!("Resub Requested"), &Value::Null, &json!([])));
        assert_eq!(open["email_verifications"], first["email_verifications"], "only what is doubtful is repeated");
        let link = link.strip_prefix(&server.app.config.public_url).unwrap();
        assert_eq!(server.client.without_key().get(link).await.status, 404, "the picture is gone with the rest");
        for query in ["warning=DATA_INCONSISTENT", "search=ana", "document_type=P"] {
            assert_eq!(server.client.get(&format!("/v3/sessions/?{query}")).await.ok(200)["count"], 0, "{query}");
        }
        let row = server.client.get("/v3/sessions/").await.ok(200)["results"][0].clone();
        assert_eq!((&row["full_name"], &row["features"][0]["status"]), (&Value::Null, &json!("Resub Requested")));

        let sent = sent_with(&receiver, "Resubmitted").await;
        assert!(sent.get("decision").is_none());
        assert_eq!(sent["resubmit_info"], json!({
            "nodes_to_resubmit": [{ "node_id": "feature_ocr_1", "feature": "OCR" }], "reasons": { "feature_ocr_1": "too dark" },
        }));

        let better = json!({ "id_verifications": [{ "document_type": "P", "document_number": "X124", "first_name": "Ana" }] });
        let decided = server.evidence(&session, better).await;
        assert_eq!(decided["status"], "Approved");
        let items = decided["id_verifications"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["node_id"], &items[0]["document_number"]), (1, &json!("feature_ocr_1"), &json!("X124")));
        assert_eq!(decided["features"], json!(["ID_VERIFICATION", "EMAIL_VERIFICATION"]));
        let events = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
        let changes: Vec<String> = events["events"].as_array().unwrap().iter().map(|event| {
            format!("{} {}", text(&event["type"]), event["details"]["new_status"].as_str().unwrap_or_default())
        }).collect();
        assert_eq!(changes, [
            "SESSION_CREATED ", "SESSION_STARTED In Progress", "STATUS_CHANGED In Review", "STATUS_CHANGED Resubmitted",
            "STATUS_CHANGED In Progress", "STATUS_CHANGED Approved",
        ]);
        assert!(sent_with(&receiver, "Approved").await.get("decision").is_some());
        server.stop().await;
    });

    db_test!(waits_for_every_repeated_step, server => {
        let media = upload(&server.client).await;
        let session = doubtful(&server, &media).await;
        let nodes = json!([
            { "node_id": "feature_ocr_1", "feature": "OCR_BACK" }, { "node_id": "feature_email_1", "feature": "EMAIL" },
            { "node_id": "feature_email_1", "feature": "EMAIL" }, { "node_id": "nowhere", "feature": "OCR" },
        ]);
        server.client.patch(&path(&session), json!({ "new_status": "Resubmitted", "nodes_to_resubmit": nodes })).await.ok(200);
        let half = json!({ "complete": false, "email_verifications": [{ "email": "new@example.com" }] });
        assert_eq!(server.evidence(&session, half).await["status"], "In Progress");
        let decided = server.evidence(&session, json!({})).await;
        assert_eq!(decided["status"], "In Review", "the document was asked for and did not come");
        assert_eq!(decided["email_verifications"][0]["email"], "new@example.com");
        server.stop().await;
    });

    db_test!(takes_steps_that_never_ran, server => {
        let workflow = server.workflow_of(json!(["OCR", "LIVENESS"])).await;
        let session = server.session_of(&workflow).await;
        let decision = server.evidence(&session, json!({ "id_verifications": [{ "document_type": "P" }] })).await;
        assert_eq!(decision["status"], "In Review", "a step is missing");
        server.client.patch(&path(&session), json!({ "new_status": "Resubmitted" })).await.ok(200);
        let row = server.client.get("/v3/sessions/").await.ok(200)["results"][0]["features"].clone();
        assert_eq!(row, json!([
            { "feature": "ID_VERIFICATION", "status": "Approved" }, { "feature": "LIVENESS", "status": "Resub Requested" },
        ]));
        let decided = server.evidence(&session, json!({ "liveness_checks": [{ "score": 99 }] })).await;
        assert_eq!((&decided["status"], decided["liveness_checks"].as_array().unwrap().len()), (&json!("Approved"), 1));
        server.stop().await;
    });
}
