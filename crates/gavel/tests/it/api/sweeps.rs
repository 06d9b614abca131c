//! Approved sessions that have shown a value when it comes to a blocklist.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, eventually, text},
};

fn email(address: &str) -> Value {
    json!({ "email_verifications": [{ "email": address }] })
}

async fn approved(server: &Server, address: &str) -> String {
    let decision = server.session_with_evidence(email(address)).await;
    assert_eq!(decision["status"], "Approved");
    text(&decision["session_id"])
}

/// The newest sweep of a list, when it has ended.
async fn ended(server: &Server, list: &str) -> Value {
    eventually("a sweep", || async {
        let sweeps = server.client.get(&format!("/x/lists/{list}/sweeps/")).await.ok(200);
        let newest = sweeps["results"].get(0)?.clone();
        (newest["status"] == "completed").then_some(newest)
    })
    .await
}

async fn found(server: &Server, list: &str, sweep: &Value) -> Vec<Value> {
    let path = format!("/x/lists/{list}/sweeps/{}/sessions/", text(&sweep["uuid"]));
    server.client.get(&path).await.ok(200)["results"].as_array().unwrap().clone()
}

db_test!(nothing_is_swept_unless_asked, server => {
    let list = server.system_list("email").await;
    let session = approved(&server, "ana@example.com").await;
    server.add(&list, "ana@example.com").await;
    assert_eq!(server.client.get(&format!("/x/lists/{list}/sweeps/")).await.ok(200)["count"], 0);
    assert_eq!(server.decision(&session).await["status"], "Approved");
    server.client.post(&format!("/v3/lists/{list}/entries/?sweep=all"), json!({ "value": "x@example.com" })).await
        .is(400, json!({ "sweep": ["Select a valid choice. all is not one of the available choices."] }));
    server.stop().await;
});

db_test!(a_report_lists_and_changes_nothing, server => {
    let list = server.system_list("email").await;
    let session = approved(&server, "ana@example.com").await;
    approved(&server, "other@example.com").await;
    let declined = json!({ "email_verifications": [{ "email": "ana@example.com", "status": "Declined" }] });
    server.session_with_evidence(declined).await;
    let path = format!("/v3/lists/{list}/entries/?sweep=report");
    let entry = server.client.post(&path, json!({ "value": "Ana@Example.com" })).await.ok(201);
    assert_eq!(entry.get("sweep"), None, "an entry as of the contract");
    let sweep = ended(&server, &list).await;
    assert_eq!(json!([sweep["mode"], sweep["entries"], sweep["found"], sweep["reviewed"]]), json!(["report", 1, 1, 0]));
    let rows = found(&server, &list, &sweep).await;
    assert_eq!(json!([rows[0]["session_id"], rows[0]["status"], rows[0]["outcome"], rows[0]["entry_uuid"]]),
        json!([session, "Approved", "listed", entry["uuid"]]));
    server.stop().await;
});

db_test!(a_review_puts_them_back_once_each_with_its_event, server => {
    let receiver = Receiver::start().await;
    let list = server.list("Ranges", "blocklist", "ip_address").await;
    let mut sessions = Vec::new();
    for n in 0..60 {
        let evidence = json!({ "ip_analyses": [{ "ip_address": format!("203.0.113.{n}") }] });
        sessions.push(text(&server.session_with_evidence(evidence).await["session_id"]));
    }
    server.destination(&receiver).await;
    server.client.patch("/x/settings/", json!({ "sweep": "review" })).await.ok(200);
    server.add(&list, "203.0.113.0/24").await;
    let sweep = ended(&server, &list).await;
    assert_eq!(json!([sweep["mode"], sweep["found"], sweep["reviewed"]]), json!(["review", 60, 60]));
    for session in &sessions {
        let decision = server.decision(session).await;
        assert_eq!(decision["status"], "In Review");
        assert_eq!(decision["reviews"], json!([]), "nobody's review");
        let feed = server.client.get(&format!("/v3/sessions/{session}/reviews/")).await.ok(200);
        let row = &feed["results"][0];
        assert_eq!(json!([row["activity_type"], row["actor_type"], row["previous_status"], row["new_status"], row["comment"]]),
            json!(["STATUS_UPDATED", "SYSTEM", "Approved", "In Review", "A value this session has shown was added to Ranges."]));
    }
    eventually("the events", || async { (receiver.received().len() == 60).then_some(()) }).await;
    assert!(receiver.received().iter().all(|event| event.json()["status"] == "In Review"));
    // Swept once, whatever comes of it: a second look at the same entry finds nobody.
    let review = json!({ "new_status": "Approved" });
    server.client.post(&format!("/v3/sessions/{}/reviews/", sessions[0]), review).await.ok(201);
    while gavel::workers::sweep::pass(&server.app).await.unwrap() {}
    assert_eq!(server.decision(&sessions[0]).await["status"], "Approved");
    server.stop().await;
});

db_test!(imports_people_and_what_is_gone_by_then, server => {
    let list = server.system_list("email").await;
    let session = approved(&server, "ana@example.com").await;
    let file = "value\nnobody@example.com\nana@example.com\n";
    let import = server.client.request(reqwest::Method::POST, &format!("/x/lists/{list}/entries/import/?sweep=report"));
    let job = send(import.body(file)).await.ok(200);
    let sweep = ended(&server, &list).await;
    assert_eq!(json!([sweep["import_uuid"], sweep["entries"], sweep["found"]]), json!([job["uuid"], 2, 1]));
    assert_eq!(found(&server, &list, &sweep).await[0]["session_id"], session);

    let users = server.system_list("user").await;
    let theirs = server.session_with(json!({ "vendor_data": "Cust-9" })).await;
    server.evidence(&theirs, email("else@example.com")).await;
    server.client.post(&format!("/v3/lists/{users}/entries/?sweep=review"), json!({ "value": "cust-9" })).await.ok(201);
    assert_eq!(ended(&server, &users).await["reviewed"], 1);
    assert_eq!(server.decision(&theirs).await["status"], "In Review");

    let custom = server.list("Custom", "custom", "email").await;
    server.client.post(&format!("/v3/lists/{custom}/entries/?sweep=review"), json!({ "value": "ana@example.com" })).await.ok(201);
    assert_eq!(server.client.get(&format!("/x/lists/{custom}/sweeps/")).await.ok(200)["count"], 0, "only blocklists");
    server.stop().await;
});
