//! Every kind of payload this version sends, against the contract's table (webhooks §2).

use std::collections::BTreeSet;

use gavel::{
    actions::{Error, events},
    store::{applications, sessions},
};
use gavel_core::session::SessionStatus;
use serde_json::{Value, json};
use uuid::Uuid;

use super::deliver::DESTINATIONS;
use crate::{
    db_test,
    harness::{Receiver, Server, inside::upload, payload::faults, text},
};

/// All bodies once there are this many, each held against the table.
async fn bodies(receiver: &Receiver, count: usize) -> Vec<Value> {
    let bodies: Vec<Value> = receiver.wait_for(count).await.iter().map(|it| it.json()).collect();
    for body in &bodies {
        assert_eq!(faults(body), [""; 0], "{body:#}");
    }
    bodies
}

async fn subscribed(server: &Server, version: &str) -> (Receiver, String) {
    let receiver = Receiver::start().await;
    let body = json!({
        "label": version, "url": receiver.url(), "webhook_version": version,
        "subscribed_events": [
            "status.updated", "data.updated", "user.status.updated", "user.data.updated", "business.status.updated",
            "business.data.updated", "transaction.created", "transaction.status.updated", "activity.created",
            "travel_rule.status.updated",
        ],
    });
    let made = server.client.post(DESTINATIONS, body).await.ok(201);
    (receiver, text(&made["uuid"]))
}

/// Sets a status and queues its event, as actions do. No call leads to some of them yet.
async fn tell(server: &Server, session: &str, status: &str) {
    let (id, application, app) = (session.parse::<Uuid>().unwrap().into(), server.application().await, server.app.clone());
    let status = SessionStatus::ALL.into_iter().find(|known| known.as_str() == status).unwrap();
    let job = server.app.store.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let application = applications::find_application(tx, application).await?.unwrap();
            let mut session = sessions::lock_session(tx, application.id, id).await?.unwrap();
            (session.status, session.version) = (status, session.version + 1);
            sessions::set_state(tx, &session).await?;
            events::status_updated(tx, &app, &application, &session, None).await.map(drop)
        })
    });
    job.await.unwrap();
}

db_test!(every_status_of_a_session, server => {
    let (receiver, destination) = subscribed(&server, "v3").await;
    let mut seen = BTreeSet::new();
    let workflow = server.workflow_of(json!(["EMAIL_VERIFICATION"])).await;
    for status in ["In Review", "Approved", "Declined", "Kyc Expired", "Abandoned"] {
        // With everything that may be null, and without.
        let more = json!({ "workflow_id": workflow, "vendor_data": "cust-9", "metadata": { "plan": "pro", "n": 1.5 } });
        let session = match status {
            "In Review" => server.session_with(more).await,
            _ => server.session().await,
        };
        server.evidence(&session, json!({ "email_verifications": [{ "email": "ana@example.com", "status": "In Review" }] })).await;
        tell(&server, &session, status).await;
    }
    let unfinished = json!({ "complete": false, "email_verifications": [{ "email": "ben@example.com" }] });
    server.session_with_evidence(unfinished).await;
    let session = server.session_with(json!({ "workflow_id": workflow })).await;
    server.evidence(&session, json!({ "email_verifications": [{ "email": "eve@example.com", "status": "Declined" }] })).await;
    let again = json!({ "new_status": "Resubmitted", "comment": "Once more, please." });
    server.client.patch(&format!("/v3/session/{session}/update-status/"), again).await.ok(200);

    let bodies = bodies(&receiver, 5 * 3 + 2 + 3).await;
    seen.extend(bodies.iter().map(|body| text(&body["status"])));
    for status in ["Not Started", "In Progress", "In Review", "Approved", "Declined", "Resubmitted", "Kyc Expired", "Abandoned"] {
        assert!(seen.contains(status), "{status}: {seen:?}");
    }
    assert!(bodies.iter().any(|body| body["vendor_data"].is_null() && body["metadata"].is_null()));
    assert!(bodies.iter().any(|body| body["vendor_data"] == "cust-9" && body["metadata"]["n"] == 1.5));
    let test = server.client.post(&format!("/x/webhook/destinations/{destination}/test/"), json!({})).await.ok(200);
    let test: Value = serde_json::from_str(test["request_body"].as_str().unwrap()).unwrap();
    assert_eq!((faults(&test), &test["metadata"]), (vec![], &json!({ "test_webhook": true })));
    server.stop().await;
});

db_test!(sessions_of_companies_and_of_a_sandbox, server => {
    let (receiver, _) = subscribed(&server, "v3").await;
    let session = server.business_session().await;
    server.set_status(&session, "In Review").await;
    server.client.patch(&format!("/v3/session/{session}/update-status/"), json!({ "new_status": "Approved" })).await.ok(200);
    server.sql("UPDATE applications SET environment = $1", vec!["sandbox".into()]).await;
    let sandbox = server.session().await;
    let bodies = bodies(&receiver, 3).await;
    let of = |id: &str| bodies.iter().filter(|body| body["session_id"] == json!(id)).collect::<Vec<_>>();
    assert!(of(&session).iter().all(|body| body["session_kind"] == "business" && body["environment"] == "live"));
    assert_eq!(of(&sandbox)[0]["environment"], "sandbox");
    server.stop().await;
});

// What is embedded is what the decision call shows, in whichever form the destination takes it.
db_test!(the_decision_is_that_of_the_decision_call, server => {
    let (newest, _) = subscribed(&server, "v3").await;
    let (older, _) = subscribed(&server, "v1").await;
    let media = format!("media:{}", upload(&server.client).await);
    let session = server.session().await;
    let evidence = json!({
        "id_verifications": [{ "document_type": "Passport", "first_name": "Ana", "last_name": "Núñez 😀", "front_image": media }],
        "email_verifications": [{ "email": "a@example.com" }, { "email": "b@example.com" }],
        "liveness_checks": [{ "method": "PASSIVE", "score": 92.0 }],
    });
    server.evidence(&session, evidence).await;
    let shown = unsigned(server.decision(&session).await);
    let decision = unsigned(bodies(&newest, 2).await[1]["decision"].clone());
    assert_eq!(decision, shown);
    let decision = unsigned(bodies(&older, 2).await[1]["decision"].clone());
    for (array, single) in [("id_verifications", "id_verification"), ("email_verifications", "email"), ("liveness_checks", "liveness"), ("phone_verifications", "phone")] {
        assert_eq!(decision.get(array), None);
        assert_eq!(decision[single], shown[array].get(0).cloned().unwrap_or_default(), "{single}");
    }
    assert_eq!(decision.as_object().unwrap().len(), shown.as_object().unwrap().len(), "nothing else is lost");
    server.stop().await;
});

/// Without what a media link has of its own moment.
fn unsigned(value: Value) -> Value {
    match value {
        Value::String(text) => {
            text.split_once('?').filter(|_| text.contains("/media/")).map_or(text.clone(), |(link, _)| link.to_owned()).into()
        }
        Value::Array(items) => items.into_iter().map(unsigned).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, unsigned(value))).collect(),
        // 92.0 is sent as 92: equal, spelt otherwise.
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        other => other,
    }
}

#[test]
fn the_table_notices_what_strays() {
    let good = json!({
        "event_id": "3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a02", "webhook_type": "user.status.updated", "timestamp": 2, "created_at": 1,
        "application_id": "3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a03", "environment": "live", "vendor_data": "user-42",
        "didit_internal_id": "3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a04", "vendor_user_id": "3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a04",
        "status": "BLOCKED", "previous_status": "ACTIVE", "reason": "api", "actor": "API Client", "metadata": null,
    });
    assert_eq!(faults(&good), [""; 0]);
    for (name, value) in [
        ("timestamp", json!(2.5)),
        ("created_at", Value::Null),
        ("event_id", json!("3F0C2F9E-7D7E-4B1C-9F39-1A6F5F0F1A02")),
        ("environment", json!("test")),
        ("vendor_user_id", json!("3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a05")),
        ("session_id", Value::Null),
        ("webhook_type", json!("activity.created")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(faults(&bad).len(), 1, "{name}");
    }
}
