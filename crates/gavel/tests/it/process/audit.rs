//! `gavel audit` beside running servers, which are killed, rotate their key, and share a database.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{
        Client, Engine,
        database::Place,
        eventually,
        process::{Process, finish, gavel, gavel_at},
        text,
        trail::{self, both},
    },
    on_both_engines,
};

async fn burst(client: &Client, rows: usize) {
    let list = client.get("/v3/lists/?entry_type=email&is_system=true").await.ok(200);
    let path = format!("/v3/lists/{}/entries/", text(&list["results"][0]["uuid"]));
    for _ in 0..rows {
        let value = format!("p{}@example.com", Uuid::now_v7());
        client.post(&path, json!({ "value": value })).await.ok(201);
    }
}

/// Waits until an export holds at least so many rows.
async fn exported(place: &Place, file: &Path, rows: u64) {
    eventually("a sealed trail", || async {
        let (succeeded, _, said) = finish(gavel_at(place, &["audit", "export", "--values", "--output", file.to_str().unwrap()]));
        assert!(succeeded, "{said}");
        let content = std::fs::read_to_string(file).unwrap();
        let head: Value = serde_json::from_str(content.lines().next().unwrap()).unwrap();
        (head["count"].as_u64().unwrap() >= rows).then_some(())
    })
    .await;
}

on_both_engines!(the_trail_outlives_kills_and_rotations);
async fn the_trail_outlives_kills_and_rotations(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let file = place.data().join("audit.ndjson");
    let mut first_key = String::new();
    for round in 0..3 {
        let server = Process::serve(&place).await;
        let client = server.client();
        let (writer, path) = (client.clone(), place.data().to_owned());
        let writing = tokio::spawn(async move { burst(&writer, 40).await });
        if round == 0 {
            first_key = trail::public_key(&client).await.to_string();
            assert!(std::fs::read_dir(path).unwrap().any(|f| f.unwrap().file_name().to_str().unwrap().starts_with("audit-")));
        }
        if round == 1 {
            let (succeeded, said, complaint) = finish(gavel_at(&place, &["audit", "keys", "rotate"]));
            assert!(succeeded && said.contains("public key: "), "{complaint}");
        }
        writing.await.unwrap();
        tokio::time::sleep(Duration::from_millis(round * 70)).await;
        server.kill();
    }
    let server = Process::serve(&place).await;
    exported(&place, &file, 120).await;
    assert_eq!(both(&file, &first_key, &[]), Ok(()), "who trusts the first key follows");
    let (_, listed, _) = finish(gavel_at(&place, &["audit", "keys", "list"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let newest = listed.split_whitespace().next().unwrap();
    assert_eq!(both(&file, newest, &[]), Ok(()));
    assert!(listed.lines().nth(1).unwrap().starts_with(&first_key));
    let page = server.client().get("/x/audit/checkpoints/").await.ok(200);
    assert!(page["count"].as_u64().unwrap() > 1);
    let answer = place.data().join("checkpoints.json");
    std::fs::write(&answer, page.to_string()).unwrap();
    let arguments = ["audit", "verify", file.to_str().unwrap(), "--public-key", newest, "--checkpoint", answer.to_str().unwrap()];
    let (_, said, complaint) = finish(gavel(&arguments));
    assert!(said.contains("checkpoints: ") || complaint.contains("older export"), "{said}{complaint}");
    server.stop().await;
}

/// Two processes on one database seal one chain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_seal_one_chain() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = tokio::join!(Process::serve(&place), Process::serve(&place)); // Both find no key.
    let clients = [first.client(), second.client()];
    let keys = [trail::public_key(&clients[0]).await, trail::public_key(&clients[1]).await];
    assert_eq!(keys[0], keys[1]);
    let count = std::fs::read_dir(place.data())
        .unwrap()
        .filter(|f| f.as_ref().unwrap().file_name().to_str().unwrap().starts_with("audit-"));
    assert_eq!(count.count(), 1, "whoever was second took its key away");
    tokio::join!(burst(&clients[0], 60), burst(&clients[1], 60));
    let file = place.data().join("audit.ndjson");
    exported(&place, &file, 120).await;
    assert_eq!(both(&file, &keys[0].to_string(), &[]), Ok(()));
    first.stop().await;
    burst(&clients[1], 5).await;
    exported(&place, &file, 125).await;
    assert_eq!(both(&file, &keys[0].to_string(), &[]), Ok(()));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_its_audit_key_does_not_start() {
    let Some(place) = Place::make(Engine::Sqlite).await else { return };
    Process::serve(&place).await.stop().await;
    let files: Vec<_> = std::fs::read_dir(place.data()).unwrap().map(|f| f.unwrap().path()).collect();
    let key = files.iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("audit-")).unwrap();
    let (succeeded, _, said) = finish(gavel_at(&place, &["audit", "keys", "rotate", "--lost"]));
    assert!(!succeeded && said.contains("Rotate without --lost"), "{said}");
    std::fs::remove_file(key).unwrap();
    let (succeeded, _, said) = finish(crate::harness::process::serve_command(&place));
    assert!(!succeeded && said.contains("the key that signs the audit trail, is missing"), "{said}");
    let (succeeded, _, said) = finish(gavel_at(&place, &["audit", "keys", "rotate"]));
    assert!(!succeeded && said.contains("--lost"), "{said}");
    assert!(finish(gavel_at(&place, &["audit", "keys", "rotate", "--lost"])).0);
    Process::serve(&place).await.stop().await;
}
