//! Transactions that wait for a session of their subject, and go on when it has ended.

use gavel::workers::sessions::pass;
use serde_json::{Value, json};

use super::transactions::{PATH, small};
use crate::{
    db_test,
    harness::{Receiver, Server, eventually, text, trail},
};

const WEEK: i64 = 604_800;

/// Somebody's transaction, and the session it waits for.
async fn waiting(server: &Server, whose: &str) -> (String, String) {
    let mut body = small(whose);
    body["subject"]["vendor_data"] = json!(whose);
    let made = server.transaction(body).await;
    assert_eq!(made["status"], "AWAITING_USER");
    (text(&made["uuid"]), text(&made["remediation"]["session_id"]))
}

impl Server {
    /// A rule that waits for everybody.
    async fn wait_for_everybody(&self) {
        let workflow = self.workflow_of(json!([{ "feature": "EMAIL_VERIFICATION" }])).await;
        let wait = json!({ "type": "change_status", "value": "AWAITING_USER", "workflow_id": workflow });
        self.rule("Wait", json!({ "actions": [wait] })).await;
    }

    async fn end(&self, session: &str, status: &str) {
        let evidence = json!({ "email_verifications": [{ "email": "ana@example.com", "status": status }] });
        assert_eq!(self.evidence(session, evidence).await["status"], status);
    }

    /// Lets the worker look, and answers where the transactions stand.
    async fn stand(&self, transactions: &[&str]) -> Vec<String> {
        pass(&self.app).await.unwrap();
        let mut found = Vec::new();
        for id in transactions {
            let transaction = self.client.get(&format!("{PATH}{id}/")).await.ok(200);
            assert_eq!(transaction["remediation"].is_null(), transaction["status"] != "AWAITING_USER");
            found.push(text(&transaction["status"]));
        }
        found
    }
}

db_test!(they_go_where_the_session_went, server => {
    server.wait_for_everybody().await;
    let (approved, of_approved) = waiting(&server, "approved").await;
    let (declined, of_declined) = waiting(&server, "declined").await;
    let (in_review, of_in_review) = waiting(&server, "in review").await;
    let (deleted, of_deleted) = waiting(&server, "deleted").await;
    let (open, _) = waiting(&server, "open").await;
    let all = [approved.as_str(), &declined, &in_review, &deleted, &open];
    assert_eq!(server.stand(&all).await, ["AWAITING_USER"; 5]);
    server.end(&of_approved, "Approved").await;
    server.end(&of_declined, "Declined").await;
    server.end(&of_in_review, "In Review").await;
    server.client.delete(&format!("/v3/session/{of_deleted}/delete/")).await.ok(204);
    assert_eq!(server.stand(&all).await, ["APPROVED", "DECLINED", "AWAITING_USER", "IN_REVIEW", "AWAITING_USER"]);
    server.client.post(&format!("/v3/sessions/{of_in_review}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    assert_eq!(server.stand(&all).await, ["APPROVED", "DECLINED", "APPROVED", "IN_REVIEW", "AWAITING_USER"]);
    // Nobody has opened the last one's link.
    server.app.clock.advance(WEEK + 1);
    assert_eq!(server.stand(&all).await, ["APPROVED", "DECLINED", "APPROVED", "IN_REVIEW", "IN_REVIEW"]);
    server.stop().await;
});

db_test!(what_else_was_asked_for_counts_then, server => {
    server.wait_for_everybody().await;
    let flagged = json!({ "vendor_data": "flagged", "status": "FLAGGED" });
    server.client.post("/v3/users/create/", flagged).await.ok(201);
    let (flagged, of_flagged) = waiting(&server, "flagged").await;
    server.client.patch("/v3/users/flagged/update-status/", json!({ "status": "ACTIVE" })).await.ok(200);
    let (blocked, of_blocked) = waiting(&server, "blocked").await;
    let look = json!({ "type": "change_status", "value": "IN_REVIEW" });
    let looks = server.rule("Look", json!({ "actions": [look] })).await;
    let (looked_at, of_looked_at) = waiting(&server, "looked at").await;
    server.client.delete(&format!("/v3/transactions/rules/{looks}/")).await.ok(204);
    server.rule("Score", json!({ "actions": [{ "type": "add_score", "value": 60 }] })).await;
    let (scored, of_scored) = waiting(&server, "scored").await;
    let (by_hand, of_by_hand) = waiting(&server, "by hand").await;
    server.client.patch(&format!("/x/transactions/{by_hand}/"), json!({ "status": "DECLINED" })).await.ok(200);
    for session in [&of_flagged, &of_blocked, &of_looked_at, &of_scored, &of_by_hand] {
        server.end(session, "Approved").await;
        if session == &of_flagged {
            server.client.patch("/v3/users/blocked/update-status/", json!({ "status": "BLOCKED" })).await.ok(200);
        }
    }
    let all = [flagged.as_str(), &blocked, &looked_at, &scored, &by_hand];
    assert_eq!(server.stand(&all).await, ["IN_REVIEW", "IN_REVIEW", "IN_REVIEW", "IN_REVIEW", "DECLINED"]);
    server.stop().await;
});

db_test!(the_running_server_does_it_once, server => {
    let receiver = Receiver::start().await;
    let body = json!({ "label": "t", "url": receiver.url(), "subscribed_events": ["transaction.status.updated"] });
    server.client.post("/v3/webhook/destinations/", body).await.ok(201);
    server.wait_for_everybody().await;
    let (transaction, session) = waiting(&server, "ana").await;
    server.end(&session, "Approved").await;
    let rivals: Vec<_> = (0..4).map(|_| { let app = server.app.clone(); tokio::spawn(async move { pass(&app).await.unwrap() }) }).collect();
    for rival in rivals {
        rival.await.unwrap();
    }
    let seen = eventually("the end of the waiting", || async {
        let seen = server.client.get(&format!("{PATH}{transaction}/")).await.ok(200);
        (seen["status"] == "APPROVED").then_some(seen)
    })
    .await;
    let of = |row: &Value| json!([row["activity_type"], row["source"], row["status"], row["description"], row["metadata"]]);
    let rows: Vec<Value> = seen["activities"].as_array().unwrap().iter().map(of).collect();
    let metadata = json!({ "previous_status": "AWAITING_USER", "new_status": "APPROVED", "actor_name": "System", "actor_email": null });
    let moved = json!(["TRANSACTION_STATUS_CHANGED", "SYSTEM", "APPROVED", "The session is Approved.", metadata]);
    assert_eq!((rows.len(), &rows[1]), (2, &moved));
    let event = receiver.wait_for(1).await[0].json();
    assert_eq!(json!([event["previous_status"], event["transaction"]["status"]]), json!(["AWAITING_USER", "APPROVED"]));
    assert_eq!(pass(&server.app).await.unwrap(), 0, "once");
    assert_eq!(receiver.wait_for(1).await.len(), 1);
    trail::verified(&server).await;
    let export = String::from_utf8(trail::export(&server.client, false).await).unwrap();
    assert_eq!(export.matches("transaction.status_updated").count(), 1);
    server.stop().await;
});
