//! What time does to sessions.

use gavel::workers::sessions::pass;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Engine, Receiver, Server, database::Place, eventually, process::Process, text},
};

const WEEK: i64 = 604_800;
const DAY: i64 = 86_400;

async fn statuses(server: &Server, sessions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for session in sessions {
        found.push(text(&server.decision(session).await["status"]));
    }
    found
}

async fn history(server: &Server, session: &str) -> Vec<(String, Value)> {
    let decision = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    decision["events"].as_array().unwrap().iter().map(|row| (text(&row["type"]), row["details"].clone())).collect()
}

db_test!(they_end_by_themselves, server => {
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let (never_opened, unfinished, done) = (server.session().await, server.session().await, server.finished("Approved").await);
    server.evidence(&unfinished, json!({ "complete": false })).await;
    let resubmitted = server.finished("Declined").await;
    server.client.patch(&format!("/v3/session/{resubmitted}/update-status/"), json!({ "new_status": "Resubmitted" })).await.ok(200);
    receiver.wait_for(8).await;
    server.app.clock.advance(WEEK - 60);
    assert_eq!(pass(&server.app).await.unwrap(), 0, "not a minute too early");
    server.app.clock.advance(61);
    // The running server does it, without being asked.
    let all = [never_opened.as_str(), unfinished.as_str(), resubmitted.as_str(), done.as_str()];
    eventually("the end of three sessions", || async {
        (statuses(&server, &all).await == ["Expired", "Abandoned", "Abandoned", "Approved"]).then_some(())
    })
    .await;
    assert_eq!(pass(&server.app).await.unwrap(), 0, "once");
    let events: Vec<Value> = receiver.wait_for(11).await.iter().skip(8).map(|received| received.json()).collect();
    for (session, status, with_decision) in [(&never_opened, "Expired", false), (&unfinished, "Abandoned", true), (&resubmitted, "Abandoned", true)] {
        let event = events.iter().find(|event| event["session_id"] == **session).unwrap();
        assert_eq!((&event["status"], event.get("decision").is_some()), (&json!(status), with_decision), "{status}");
    }
    let expiry = json!({ "previous_status": "Not Started", "new_status": "Expired" });
    assert_eq!(history(&server, &never_opened).await.last().unwrap(), &("SESSION_EXPIRED".to_owned(), expiry));
    let abandoned = json!({ "previous_status": "In Progress", "new_status": "Abandoned" });
    assert_eq!(history(&server, &unfinished).await.last().unwrap(), &("STATUS_CHANGED".to_owned(), abandoned));
    let decision = server.decision(&never_opened).await;
    assert_eq!((&decision["expires_at"], &decision["session_url"]), (&json!(null), &json!(null)));
    server.stop().await;
});

db_test!(approvals_age_out_where_the_application_says_so, server => {
    let (automatic, by_hand, declined) = (server.finished("Approved").await, server.finished("Declined").await, server.finished("Declined").await);
    let review = async |session: &str, to: &str| {
        server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": to })).await.ok(201);
    };
    server.app.clock.advance(2 * DAY);
    review(&by_hand, "Approved").await;
    let all = [automatic.as_str(), by_hand.as_str(), declined.as_str()];
    server.app.clock.advance(9 * DAY);
    assert_eq!(pass(&server.app).await.unwrap(), 0, "off unless somebody says so");
    server.sql("UPDATE applications SET kyc_expiry_days = $1", vec![10i64.into()]).await;
    let moved = pass(&server.app).await.unwrap();
    assert!(moved <= 1, "the running server may have been faster");
    assert_eq!(statuses(&server, &all).await, ["Kyc Expired", "Approved", "Declined"]);
    let aged = json!({ "previous_status": "Approved", "new_status": "Kyc Expired" });
    assert_eq!(history(&server, &automatic).await.last().unwrap(), &("STATUS_CHANGED".to_owned(), aged));
    // Approved again, it lives again for as long.
    review(&automatic, "Approved").await;
    server.app.clock.advance(2 * DAY);
    pass(&server.app).await.unwrap();
    assert_eq!(statuses(&server, &all).await, ["Approved", "Kyc Expired", "Declined"]);
    server.app.clock.advance(9 * DAY);
    pass(&server.app).await.unwrap();
    assert_eq!(statuses(&server, &all).await, ["Kyc Expired", "Kyc Expired", "Declined"]);
    server.stop().await;
});

db_test!(many_that_end_at_once_are_moved_once, server => {
    let mut sessions = Vec::new();
    for _ in 0..130 {
        sessions.push(server.session().await);
    }
    let before = server.counts().await;
    server.app.clock.advance(WEEK + 1);
    let passes: Vec<_> = (0..4).map(|_| { let app = server.app.clone(); tokio::spawn(async move { pass(&app).await.unwrap() }) }).collect();
    for pass in passes {
        pass.await.unwrap();
    }
    eventually("the end of all", || async {
        let count = server.client.get("/v3/sessions/?status=Expired&limit=1").await.ok(200)["count"].clone();
        (count == 130).then_some(())
    })
    .await;
    let after = server.counts().await;
    assert_eq!((after["events"] - before["events"], after["versions"] - before["versions"]), (130, 130));
    server.stop().await;
});

/// Two processes on one database, both with their workers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_end_a_session_once() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = (Process::serve(&place).await, Process::serve(&place).await);
    let receiver = Receiver::start().await;
    let client = first.client();
    let body = json!({ "label": "x", "url": receiver.url(), "subscribed_events": ["status.updated"] });
    client.post("/v3/webhook/destinations/", body).await.ok(201);
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    for _ in 0..20 {
        client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201);
    }
    receiver.wait_for(20).await;
    place.execute("UPDATE sessions SET expires_at = 1").await;
    let events = receiver.wait_for(40).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(receiver.wait_for(40).await.len(), 40);
    assert!(events[20..].iter().all(|received| received.json()["status"] == "Expired"));
    first.stop().await;
    second.stop().await;
}

db_test!(approvals_from_before_have_their_instant, server => {
    let (by_hand, automatic) = (server.finished("Declined").await, server.finished("Approved").await);
    server.client.post(&format!("/v3/sessions/{by_hand}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    let instants = async || {
        let read = server.app.store.read::<_, gavel::actions::Error, _>(|tx| {
            Box::pin(async move {
                let rows = tx.query("SELECT number, approved_at FROM sessions ORDER BY number", &[]).await?;
                Ok(rows.iter().map(|row| (row.get::<i64>(0).unwrap(), row.get::<Option<i64>>(1).unwrap())).collect::<Vec<_>>())
            })
        });
        read.await.unwrap()
    };
    let before = instants().await;
    assert!(before.iter().all(|(_, at)| at.is_some()), "{automatic}");
    server.sql("UPDATE sessions SET approved_at = NULL", Vec::new()).await;
    let migration = include_str!("../../../migrations/sqlite/V16__workflows.sql");
    server.sql(migration.split(';').find(|statement| statement.trim_start().starts_with("UPDATE sessions")).unwrap(), Vec::new()).await;
    assert_eq!(instants().await, before);
    server.stop().await;
});
