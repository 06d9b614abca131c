//! The main job from end to end: session, evidence, screening, review, signed webhook; an entry stops the next session.

use gavel_core::webhook::verify;
use serde_json::json;

use crate::{
    db_test,
    harness::{Receiver, shown, text},
};

db_test!(session_to_signed_webhook, server => {
    let receiver = Receiver::start().await;
    let (_, secret) = server.destination(&receiver).await;
    let session = server.session_with(json!({ "vendor_data": "cust-9", "metadata": { "plan": "pro", "é": 1.50 } })).await;
    let decision = server.evidence(&session, json!({ "email_verifications": [{ "email": "Ana@Example.com" }] })).await;
    assert_eq!(decision["status"], "Approved");

    let path = format!("/v3/sessions/{session}/reviews/");
    let answer = server.client.post(&path, json!({ "new_status": "Declined", "comment": "Selfie shows another person." })).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&answer.ok(201)), @r#"
        {
          "user": "API Client",
          "new_status": "Declined",
          "comment": "Selfie shows another person.",
          "created_at": "[time]"
        }
        "#);
    }
    let feed = server.client.get(&path).await.ok(200);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&feed), @r#"
        {
          "count": 1,
          "next": null,
          "previous": null,
          "results": [
            {
              "uuid": "[uuid]",
              "activity_type": "STATUS_UPDATED",
              "actor_display": "API Client",
              "actor_email": null,
              "actor_type": "API_KEY",
              "previous_status": "Approved",
              "new_status": "Declined",
              "comment": "Selfie shows another person.",
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
          ]
        }
        "#);
    }
    let decision = server.client.get(&format!("/v3/session/{session}/decision/")).await;
    assert_eq!((&decision.body["status"], decision.header("etag")), (&json!("Declined"), "\"3\""));

    let received = receiver.wait_for(3).await;
    let statuses: Vec<_> = received.iter().map(|r| text(&r.json()["status"])).collect();
    assert_eq!(statuses, ["Not Started", "Approved", "Declined"], "in order of their causes");
    for delivery in &received {
        let body = delivery.json();
        assert!(verify::signature(&secret, &delivery.body, delivery.header("x-signature")));
        assert!(verify::v2(&secret, &delivery.body, delivery.header("x-signature-v2")));
        assert!(verify::simple(&secret, &delivery.body, delivery.header("x-signature-simple")));
        let (id, at) = (delivery.header("webhook-id"), delivery.header("webhook-timestamp"));
        assert!(verify::standard(&secret, id, at, &delivery.body, delivery.header("webhook-signature")));
        assert_eq!((id, at), (body["event_id"].as_str().unwrap(), body["timestamp"].to_string().as_str()));
        assert_eq!(body["session_id"], json!(session));
        assert_eq!(body.get("decision").is_some(), body["status"] != "Not Started");
        assert!(delivery.body.is_ascii());
    }
    server.stop().await;
});

db_test!(a_listed_value_declines_and_a_removed_one_passes, server => {
    let document = |number: &str| json!({ "id_verifications": [{ "document_type": "Passport", "document_number": number }] });
    let address = |ip: &str| json!({ "ip_analyses": [{ "ip_address": ip }] });
    let cases = [
        ("email", "bad@example.com", "EMAIL_IN_BLOCKLIST", json!({ "email_verifications": [{ "email": "BAD@example.com" }] })),
        ("phone", "+14155552671", "PHONE_NUMBER_IN_BLOCKLIST", json!({ "phone_verifications": [{ "full_number": "+1 415 555 2671" }] })),
        ("document", "X-123 456", "ID_DOCUMENT_IN_BLOCKLIST", document("x123456")),
        ("ip_address", "203.0.113.0/24", "IP_ADDRESS_IN_BLOCKLIST", address("203.0.113.77")),
        ("ip_address", "2001:db8::/32", "IP_ADDRESS_IN_BLOCKLIST", address("2001:db8:1::1")),
        (
            "device_fingerprint",
            "AB:CD:EF:01:23",
            "DEVICE_FINGERPRINT_IN_BLOCKLIST",
            json!({ "ip_analyses": [{ "ip_address": "198.51.100.7", "device_fingerprint": "ab:cd:ef:01:23" }] }),
        ),
    ];
    for (entry_type, value, risk, evidence) in cases {
        let list = server.system_list(entry_type).await;
        assert_eq!(server.session_with_evidence(evidence.clone()).await["status"], "Approved", "{risk}");
        let entry = server.add(&list, value).await;
        let declined = server.session_with_evidence(evidence.clone()).await;
        assert_eq!(declined["status"], "Declined", "{risk}");
        assert!(declined.to_string().contains(&format!("\"risk\":\"{risk}\"")), "{declined}");
        server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
        assert_eq!(server.session_with_evidence(evidence).await["status"], "Approved", "{risk}");
    }
    server.stop().await;
});
