//! `POST /x/sessions/{session_id}/evidence/`.

use gavel::config::Switch;
use gavel_core::session::SessionStatus;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Engine, Receiver, Server,
        inside::{bodies, upload},
        text,
    },
};

fn path(session: &str) -> String {
    format!("/x/sessions/{session}/evidence/")
}

fn email(address: &str) -> Value {
    json!({ "email_verifications": [{ "email": address }] })
}

db_test!(comes_in_several_calls_with_one_event_each, server => {
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let session = server.session().await;
    for (more, status) in [
        (json!({ "complete": false, "email_verifications": [{ "email": "a@example.com" }, { "email": "b@example.com" }] }), "In Progress"),
        (json!({ "complete": false, "phone_verifications": [{ "full_number": "+14155552671" }] }), "In Progress"),
        (json!({ "complete": "true", "email_verifications": [{ "email": "c@example.com" }] }), "Approved"),
    ] {
        let before = server.counts().await;
        let decision = server.evidence(&session, more).await;
        assert_eq!(decision["status"], status);
        let after = server.counts().await;
        assert_eq!((after["events"] - before["events"], after["versions"] - before["versions"]), (1, 1));
    }
    let decision = server.decision(&session).await;
    let items = decision["email_verifications"].as_array().unwrap();
    let order: Vec<(&Value, &Value)> = items.iter().map(|item| (&item["email"], &item["node_id"])).collect();
    assert_eq!(order, [
        (&json!("a@example.com"), &json!("feature_email_1")), (&json!("b@example.com"), &json!("feature_email_2")),
        (&json!("c@example.com"), &json!("feature_email_3")),
    ]);
    assert_eq!(decision["features"], json!(["EMAIL_VERIFICATION", "PHONE"]));
    let row = server.client.get("/v3/sessions/").await.ok(200)["results"][0].clone();
    assert_eq!(row["email_address"]["email"], "c@example.com", "the last item is the most recent");
    let statuses: Vec<Value> = receiver.wait_for(4).await.iter().map(|received| received.json()["status"].clone()).collect();
    assert_eq!(statuses, ["Not Started", "In Progress", "In Progress", "Approved"]);
    server.stop().await;
});

db_test!(ends_by_what_was_found, server => {
    for (evidence, status) in [
        (json!({}), "In Review"),
        (json!({ "complete": false }), "In Progress"),
        (email("a@example.com"), "Approved"),
        (json!({ "email_verifications": [{ "email": "a@example.com", "status": "In Review" }] }), "In Review"),
        (json!({ "email_verifications": [{ "email": "a@example.com", "status": "Approved", "warnings": [{ "risk": "UNDELIVERABLE_EMAIL_DETECTED" }] }] }), "Declined"),
        (json!({ "email_verifications": [{ "email": "a@example.com", "warnings": [{ "risk": "BREACHED_EMAIL_DETECTED", "action": "DECLINE" }] }] }), "Approved"),
        (json!({ "email_verifications": [{ "email": "a@example.com", "warnings": [{ "risk": "OWN", "action": "REVIEW" }] }] }), "In Review"),
        (json!({ "liveness_checks": [{ "score": 69.9 }] }), "In Review"),
        (json!({ "liveness_checks": [{ "score": 49 }] }), "Declined"),
        (json!({ "liveness_checks": [{ "score": 70 }] }), "Approved"),
        (json!({ "aml_screenings": [{ "score": 81 }] }), "In Review"),
        (json!({ "face_matches": [{ "score": 30 }], "email_verifications": [{ "email": "a@example.com" }] }), "Declined"),
        (json!({ "id_verifications": [{ "warnings": [{ "risk": "EMAIL_IN_BLOCKLIST" }, { "risk": "ID_DOCUMENT_IN_BLOCKLIST" }] }] }), "Approved"),
    ] {
        let decision = server.session_with_evidence(evidence.clone()).await;
        assert_eq!(decision["status"], status, "{evidence}");
    }
    server.stop().await;
});

db_test!(names_its_warnings, server => {
    let list = server.system_list("email").await;
    server.add(&list, "bad@example.com").await;
    let decision = server.session_with_evidence(json!({
        "email_verifications": [{ "email": "BAD@example.com", "warnings": [{ "risk": "BREACHED_EMAIL_DETECTED", "additional_data": { "n": 1 } }] }],
    })).await;
    let warnings = decision["email_verifications"][0]["warnings"].as_array().unwrap();
    let told: Vec<(&Value, &Value, &Value, &Value)> =
        warnings.iter().map(|w| (&w["risk"], &w["log_type"], &w["additional_data"], &w["feature"])).collect();
    assert_eq!(told, [
        (&json!("BREACHED_EMAIL_DETECTED"), &json!("information"), &json!({ "n": 1 }), &json!("EMAIL")),
        (&json!("EMAIL_IN_BLOCKLIST"), &json!("error"), &json!({ "email": "bad@example.com" }), &json!("EMAIL")),
    ].map(|(a, b, c, d)| (a, b, c, d)));
    for warning in warnings {
        assert!(!text(&warning["short_description"]).is_empty() && !text(&warning["long_description"]).is_empty());
        assert_eq!(warning["node_id"], "feature_email_1");
    }
    let found = server.client.get("/v3/sessions/?warning=EMAIL_IN_BLOCKLIST").await.ok(200);
    assert_eq!((&found["count"], &found["results"][0]["status"]), (&json!(1), &json!("Declined")));
    server.stop().await;
});

db_test!(takes_the_steps_of_the_workflow_first, server => {
    let workflow = server.workflow_of(json!([
        "EMAIL_VERIFICATION", { "feature": "LIVENESS", "config": { "face_liveness_score_decline_threshold": 95 } },
    ])).await;
    let session = server.session_of(&workflow).await;
    let decision = server.evidence(&session, json!({
        "complete": false, "email_verifications": [{ "email": "a@example.com" }, { "email": "b@example.com" }],
        "phone_verifications": [{ "full_number": "+14155552671" }],
    })).await;
    let nodes: Vec<&Value> = decision["email_verifications"].as_array().unwrap().iter().map(|item| &item["node_id"]).collect();
    assert_eq!(nodes, ["feature_email_1", "feature_email_2"]);
    assert_eq!(decision["features"], json!(["EMAIL_VERIFICATION", "LIVENESS", "PHONE"]), "the workflow's order, then the others");
    let decided = server.evidence(&session, json!({ "liveness_checks": [{ "score": 94 }] })).await;
    assert_eq!(decided["status"], "Declined", "by the step's own threshold");
    let early = server.session_of(&workflow).await;
    assert_eq!(server.evidence(&early, email("a@example.com")).await["status"], "In Review", "never approved by omission");
    server.stop().await;
});

db_test!(is_refused_as_a_whole, server => {
    let session = server.session().await;
    let foreign = server.foreign_client().await;
    let (ours, theirs) = (upload(&server.client).await, upload(&foreign).await);
    let unknown = "media:0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";
    let before = server.counts().await;
    for (body, answer) in [
        (
            json!({ "email_verifications": [{ "email": "a@example.com" }, { "email": "nonsense" }] }),
            json!({ "email_verifications[1].email": ["Enter a valid email address."] }),
        ),
        (json!({ "email_verifications": [{}] }), json!({ "email_verifications[0].email": ["This field is required."] })),
        (json!({ "email_verifications": 5 }), json!({ "email_verifications": ["Expected a list of items but got type \"int\"."] })),
        (
            json!({ "complete": "maybe", "liveness_checks": [{ "score": "x", "method": "MAGIC" }] }),
            json!({
                "complete": ["Must be a valid boolean."],
                "liveness_checks[0].method": ["\"MAGIC\" is not a valid choice."],
                "liveness_checks[0].score": ["A valid number is required."],
            }),
        ),
        (
            json!({ "email_verifications": [{ "email": "a@example.com" }], "liveness_checks": [
                { "reference_image": format!("media:{ours}") }, { "reference_image": format!("media:{theirs}"), "video_url": unknown },
            ] }),
            json!({ "liveness_checks[1].reference_image": ["Media not found."], "liveness_checks[1].video_url": ["Media not found."] }),
        ),
        (
            json!({ "id_verifications": [{ "extra_files": ["http://example.com/a.png"] }] }),
            json!({ "id_verifications[0].extra_files[0]": ["Enter a valid URL."] }),
        ),
        (
            json!({ "id_verifications": [{ "front_image": "https://127.0.0.1:9/a.png" }] }),
            json!({ "id_verifications[0].front_image": ["The file could not be fetched."] }),
        ),
        (
            json!({ "id_verifications": [{ "extra_files": vec!["https://127.0.0.1:9/a.png"; 101] }] }),
            json!({ "id_verifications[0].extra_files[100]": ["Ensure this request has no more than 100 links."] }),
        ),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.post(&path(&session), body).await.is(400, answer);
    }
    server.client.post(&path("0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10"), json!([])).await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.counts().await, before);
    assert_eq!(server.decision(&session).await["status"], "Not Started");
    server.stop().await;
});

db_test!(is_not_added_to_a_finished_session, server => {
    for status in SessionStatus::ALL {
        let session = server.session().await;
        server.set_status(&session, status.as_str()).await;
        let before = server.counts().await;
        let answer = server.client.post(&path(&session), email("a@example.com")).await;
        if status.is_unfinished() {
            assert_eq!(answer.ok(200)["status"], "Approved", "{status}");
        } else {
            answer.is(400, json!({ "detail": "Evidence cannot be added to a finished session." }));
            let wrong = server.client.post(&path(&session), json!({ "complete": 7 })).await;
            wrong.is(400, json!({ "complete": ["Must be a valid boolean."] }));
            assert_eq!(server.counts().await, before, "{status}");
        }
    }
    server.stop().await;
});

/// Links to this machine are refused unless the settings say otherwise.
mod links_are_guarded {
    use super::*;

    async fn run(engine: Engine) {
        let strict = Server::start_with(engine, |settings| settings.webhook_allow_private = Some(Switch(false)));
        let Some(server) = strict.await else { return };
        let session = server.session().await;
        let before = server.counts().await;
        for host in ["127.0.0.1:9", "localhost", "169.254.169.254", "[::1]", "10.0.0.1"] {
            let body = json!({ "face_matches": [{ "source_image": format!("https://{host}/a.png") }] });
            let answer = server.client.post(&path(&session), body).await;
            answer.is(400, json!({ "face_matches[0].source_image": ["This host is not allowed."] }));
        }
        assert_eq!(server.counts().await, before);
        server.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        run(Engine::Sqlite).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        run(Engine::Postgres).await
    }
}

db_test!(sent_twice_at_once_is_recorded_once_and_refused_once, server => {
    let session = server.session().await;
    let posts: Vec<_> = (0..6)
        .map(|_| {
            let (client, path) = (server.client.clone(), path(&session));
            tokio::spawn(async move { client.post(&path, email("a@example.com")).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for post in posts {
        statuses.push(post.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400]);
    assert_eq!(server.decision(&session).await["email_verifications"].as_array().unwrap().len(), 1);
    server.stop().await;
});

db_test!(of_any_body_never_fails, server => {
    let members = &[
        "id_verifications", "liveness_checks", "phone_verifications", "email_verifications", "ip_analyses", "aml_screenings", "complete",
        "email", "full_number", "ip_address", "warnings", "risk", "status", "front_image", "document_number", "extra_fields", "node_id",
        "device_fingerprint", "screened_data", "full_name", "hits", "score", "first_name", "parsed_address", "region",
    ];
    let mut session = server.session().await;
    for body in bodies(members, 120) {
        let answer = server.client.post(&path(&session), body.clone()).await;
        assert!(!answer.status.is_server_error(), "{body}: {}", answer.body);
        if answer.status == 200 {
            session = server.session().await;
        }
    }
    server.stop().await;
});
