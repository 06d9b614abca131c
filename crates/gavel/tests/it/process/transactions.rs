//! Transactions across processes: a wallet that is blocked in one declines in the other at once.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{
    Client, Engine,
    database::Place,
    process::{Process, finish, gavel_at},
    text,
};

async fn wallets(client: &Client) -> String {
    let lists = client.get("/v3/lists/?entry_type=wallet_address&is_system=true").await.ok(200);
    format!("/v3/lists/{}/entries/", text(&lists["results"][0]["uuid"]))
}

async fn status(client: &Client, id: &str, wallet: &str) -> Value {
    let body = json!({
        "transaction_id": id, "transaction_category": "finance",
        "transaction_details": { "direction": "out", "amount": 1, "currency": "BTC" },
        "subject": { "vendor_data": "ana", "full_name": "Ana" },
        "counterparty": { "payment_method": { "method_type": "crypto_wallet", "account_id": wallet } },
    });
    client.post("/v3/transactions/", body).await.ok(201)["status"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_blocked_in_one_declines_in_the_other_and_unblocked_it_does_not() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = tokio::join!(Process::serve(&place), Process::serve(&place));
    let clients = [first.client(), second.client()];
    let entries = wallets(&clients[0]).await;
    for n in 0..30 {
        let (here, there) = (&clients[n % 2], &clients[(n + 1) % 2]);
        let wallet = format!("0xabc{n}");
        assert_eq!(status(there, &format!("before {n}"), &wallet).await, "APPROVED", "{n}");
        let entry = text(&here.post(&entries, json!({ "value": wallet })).await.ok(201)["uuid"]);
        assert_eq!(status(there, &format!("blocked {n}"), &wallet).await, "DECLINED", "{n}");
        there.delete(&format!("{entries}{entry}/")).await.ok(204);
        assert_eq!(status(here, &format!("after {n}"), &wallet).await, "APPROVED", "{n}");
    }
    first.stop().await;
    second.stop().await;
}

/// On SQLite the other process is the command line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_blocked_by_a_command_declines_at_once() {
    let Some(place) = Place::make(Engine::Sqlite).await else { return };
    let server = Process::serve(&place).await;
    let client = server.client();
    let file = place.data().join("wallets.csv");
    for n in 0..5 {
        let wallet = format!("0xabc{n}");
        assert_eq!(status(&client, &format!("before {n}"), &wallet).await, "APPROVED");
        std::fs::write(&file, format!("value\n{wallet}\n")).unwrap();
        let mut command = gavel_at(&place, &["list", "import", "Wallet Address Blocklist", file.to_str().unwrap()]);
        command.stdin(Stdio::null());
        let (succeeded, out, said) = finish(command);
        assert!(succeeded, "{out} {said}");
        assert_eq!(status(&client, &format!("blocked {n}"), &wallet).await, "DECLINED");
        let entries = wallets(&client).await;
        let entry = text(&client.get(&entries).await.ok(200)["results"][0]["uuid"]);
        client.delete(&format!("{entries}{entry}/")).await.ok(204);
        assert_eq!(status(&client, &format!("after {n}"), &wallet).await, "APPROVED");
    }
    server.stop().await;
}

/// Entries added in one, transactions of somebody new sent to both: none after the entry, and whoever there is is blocked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_and_an_entry_at_the_same_time_agree() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = tokio::join!(Process::serve(&place), Process::serve(&place));
    let clients = [first.client(), second.client()];
    let lists = clients[0].get("/v3/lists/?entry_type=user&is_system=true").await.ok(200);
    let entries = format!("/v3/lists/{}/entries/", text(&lists["results"][0]["uuid"]));
    for n in 0..40 {
        let (here, there) = (&clients[n % 2], &clients[(n + 1) % 2]);
        let name = format!("racer{n}");
        let send = async |client: &Client, id: &str| {
            let body = json!({
                "transaction_id": format!("{id} {n}"), "transaction_category": "finance",
                "transaction_details": { "direction": "out", "amount": 1, "currency": "EUR" },
                "subject": { "vendor_data": name, "full_name": "Racer" },
            });
            client.post("/v3/transactions/", body).await.status.as_u16()
        };
        let (entry, ours, theirs) =
            tokio::join!(here.post(&entries, json!({ "value": name })), send(here, "here"), send(there, "there"));
        entry.ok(201);
        assert!([ours, theirs].iter().all(|status| [201, 400].contains(status)), "{n}: {ours} {theirs}");
        assert_eq!(send(there, "after").await, 400, "{n}");
        let user = there.get(&format!("/v3/users/{name}/")).await;
        match [ours, theirs].contains(&201) {
            true => assert_eq!(user.ok(200)["status"], "BLOCKED", "{n}"),
            false => assert_eq!(user.status, 404, "{n}"),
        }
    }
    first.stop().await;
    second.stop().await;
}
