//! Transactions sent twice, and many sent at once.

use std::collections::HashSet;

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};

use super::transactions::{PATH, small, with};
use crate::db_test;

db_test!(an_id_is_used_once, server => {
    let taken = json!({ "transaction_id": ["A transaction with this transaction_id already exists."] });
    let first = server.transaction(small("t1")).await;
    let before = server.counts().await;
    server.client.post(PATH, small("t1")).await.is(400, taken.clone());
    assert_eq!(server.counts().await, before);
    // Also when all come at once, whoever they are about; no number is lost.
    let at_once = (0..12).map(|n| server.client.post(PATH, with("t2", json!({ "vendor_data": format!("u{n}") }), json!(null))));
    let answers = join_all(at_once).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.is(400, taken.clone());
    }
    assert_eq!(server.client.get("/v3/users/").await.ok(200)["count"], 2, "those refused left nobody behind");
    assert_eq!(server.transaction(small("t3")).await["transaction_number"], 3);
    assert_eq!(first["transaction_number"], 1);
    // Another application has its own.
    let foreign = server.foreign_client().await;
    assert_eq!(foreign.post(PATH, small("t1")).await.ok(201)["transaction_number"], 1);
    assert_eq!(server.client.get(PATH).await.ok(200)["count"], 3);
    server.stop().await;
});

db_test!(a_repeat_under_a_key_is_the_same_transaction, server => {
    let first = server.client.post_once("k", PATH, small("t1")).await.ok(201);
    assert_eq!(server.client.post_once("k", PATH, small("t1")).await.ok(201), first);
    assert_eq!(server.client.get(PATH).await.ok(200)["count"], 1);
    server.stop().await;
});

// Numbers are handed out under one lock, and the user comes into being once, whoever is first.
db_test!(a_thousand_at_once_are_all_there, server => {
    const MANY: usize = 1_000;
    let made: Vec<Value> = stream::iter(0..MANY)
        .map(|n| server.transaction(small(&format!("t{n}"))))
        .buffer_unordered(100)
        .collect()
        .await;
    let numbers: HashSet<u64> = made.iter().map(|made| made["transaction_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=MANY as u64).collect());
    assert_eq!(server.client.get(PATH).await.ok(200)["count"], MANY);
    assert_eq!(server.client.get("/v3/users/").await.ok(200)["count"], 1);
    server.stop().await;
});
