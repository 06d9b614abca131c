//! `kill -9` in the middle of an erasure: the next process goes on where it was, and nothing is counted twice.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    harness::{
        Client, Engine,
        database::Place,
        process::{Process, serve_command},
        text,
    },
    on_both_engines,
};

const SESSIONS: usize = 60;

async fn start(place: &Place) -> Process {
    Process::start(serve_command(place)).await
}

async fn newest(client: &Client) -> Option<Value> {
    client.get("/x/subjects/erasures/").await.ok(200)["results"].get(0).cloned()
}

on_both_engines!(an_erasure_goes_on_after_its_process_was_killed);
async fn an_erasure_goes_on_after_its_process_was_killed(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let mut server = start(&place).await;
    let client = server.client();
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    for _ in 0..SESSIONS {
        let body = json!({ "workflow_id": workflow, "vendor_data": "cust-lucia-77" });
        let session = text(&client.post("/v3/session/", body).await.ok(201)["session_id"]);
        let evidence = json!({ "email_verifications": [{ "email": "lucia@mail.example" }] });
        client.post(&format!("/x/sessions/{session}/evidence/"), evidence).await.ok(200);
    }
    let body = json!({ "vendor_data": "cust-lucia-77" });
    let request = client.request(reqwest::Method::POST, "/x/subjects/erase/").json(&body);
    let asking = tokio::spawn(async move { request.send().await.map(drop) });
    for pause in [40, 60, 80, 120] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        server.kill();
        server = start(&place).await;
    }
    let _ = asking.await;
    let client = server.client();
    if newest(&client).await.is_none() {
        client.post("/x/subjects/erase/", body).await.ok(201); // The first kill came before it was taken.
    }
    // On PostgreSQL the lease of a killed process has to run out.
    let mut looks = 0..120;
    let receipt = loop {
        assert!(looks.next().is_some(), "the erasure did not end");
        match newest(&client).await.filter(|receipt| receipt["status"] == "completed") {
            Some(receipt) => break receipt,
            None => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    };
    let removed = &receipt["removed"];
    let counts = json!([receipt["sessions"], removed["sessions"], removed["records"], removed["signals"], removed["events"]]);
    assert_eq!(counts, json!([SESSIONS, SESSIONS, SESSIONS, SESSIONS, 2 * SESSIONS]));
    assert_eq!(client.get("/x/subjects/erasures/").await.ok(200)["count"], 1);
    server.stop().await;
}
