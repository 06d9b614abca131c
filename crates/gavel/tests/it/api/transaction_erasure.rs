//! What transactions hold of a person goes with the person.

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{
    erasure::{dump, places},
    transactions::{PATH, full, with},
};
use crate::{
    db_test,
    harness::{Receiver, Server, text},
};

/// Texts that name the person, anywhere.
const PERSONAL: [&str; 16] = [
    "Lucia Fernandez",
    "lucia.fernandez@mail.example",
    "+34600123987",
    "600 123 987",
    "203.0.113.99",
    "f1ngerpr1nt-lucia",
    "cust-lucia-77",
    "Calle Mayor 7",
    "0xLuc1aWallet",
    "0xluc1awallet",
    "boat-of-lucia",
    "plan-of-lucia",
    "node-of-lucia",
    "reference-of-lucia",
    "txn-of-lucia",
    "Bank of Lucia",
];

fn lucia() -> Value {
    json!({
        "vendor_data": "cust-lucia-77", "full_name": "Lucia Fernandez", "first_name": "Lucia Fernandez", "date_of_birth": "1990-01-02",
        "address": { "country": "ESP", "street": "Calle Mayor 7" }, "institution_details": { "name": "Bank of Lucia" },
        "device_context": { "fingerprint": "f1ngerpr1nt-lucia", "network_context": { "ip_address": "203.0.113.99" } },
        "payment_method": { "method_type": "crypto_wallet", "account_id": "0xLuc1aWallet", "issuing_country": "ES" },
        "email": "lucia.fernandez@mail.example", "phone": "+34 600 123 987",
    })
}

fn left(server: &Server) -> Vec<(&'static str, Vec<String>)> {
    let dumped = server.database_url().map(|url| dump(&url)).unwrap_or_default();
    let look = |text: &'static str| {
        let mut found = places(&server.app.config.data, text);
        found.extend(dumped.lines().filter(|line| line.contains(text)).map(|line| line.chars().take(60).collect()));
        (text, found)
    };
    PERSONAL.into_iter().map(look).filter(|(_, found)| !found.is_empty()).collect()
}

async fn delivered(server: &Server, receiver: &Receiver) {
    let body = json!({ "label": "t", "url": receiver.url(), "subscribed_events": ["transaction.created"] });
    server.client.post("/v3/webhook/destinations/", body).await.ok(201);
}

db_test!(nothing_is_left_of_a_party, server => {
    let receiver = Receiver::start().await;
    delivered(&server, &receiver).await;
    let wallets = server.system_list("wallet_address").await;
    let gone = server.add(&wallets, "0xLuc1aWallet").await;
    server.client.delete(&format!("/v3/lists/{wallets}/entries/{gone}/")).await.ok(204);
    let emails = server.system_list("email").await;
    server.add(&emails, "lucia.fernandez@mail.example").await;
    let seen = ["subject_email", "subject_vendor_data", "counterparty_email", "custom_values.plan"].map(|field| json!({ "field": field, "operator": "exists" }));
    server.rule("Seen", json!({ "mode": "TEST", "evaluation_mode": "ANY", "conditions": seen })).await;
    let mut first = full("txn-of-lucia");
    first["subject"] = lucia();
    first["transaction_details"]["payment_details"] = json!("boat-of-lucia");
    first["transaction_details"]["payment_reference_id"] = json!("reference-of-lucia");
    first["custom_properties"] = json!({ "plan": "plan-of-lucia" });
    first["network_snapshot"] = json!({ "nodes": [{ "name": "node-of-lucia" }] });
    let first = server.client.post_once("key", PATH, first).await.ok(201);
    assert_eq!(first["status"], "DECLINED");
    // She is on the other side of somebody else's.
    let second = server.transaction(with("t2", json!({ "phone": "+14155552671" }), lucia())).await;
    receiver.wait_for(2).await;
    assert!(!left(&server).is_empty());

    let body = json!({ "vendor_data": "cust-lucia-77", "list_entries": true });
    let receipt = server.client.post("/x/subjects/erase/", body).await.ok(201);
    assert_eq!(receipt["status"], "completed", "{receipt}");
    assert_eq!(left(&server), Vec::<(&str, Vec<String>)>::new());
    let removed = &receipt["removed"];
    assert_eq!(
        json!([removed["transaction_parties"], removed["signals"], removed["hits"], removed["entries"], removed["entry_versions"], removed["stored_answers"], removed["subjects"]]),
        json!([2, 12, 2, 1, 2, 1, 1])
    );

    // That a rule matched stays; what it saw does not.
    for made in [&first, &second] {
        let run = server.client.get(&format!("{PATH}{}/", text(&made["uuid"]))).await.ok(200)["rule_runs"][0].clone();
        assert_eq!((&made["rule_runs"][0]["matched"], json!([run["matched"], run["metadata"]])), (&json!(true), json!([true, {}])));
    }

    // What is left of hers is a skeleton; of the other one the other party.
    let shown = server.client.get(&format!("{PATH}{}/", text(&first["uuid"]))).await.ok(200);
    for member in ["uuid", "transaction_number", "status", "amount", "txn_date", "score", "decision_reason_code", "alerts"] {
        assert_eq!(shown[member], first[member], "{member}");
    }
    let empty = json!({ "address": {}, "device": {}, "institution_info": {} });
    for (member, value) in shown["parties"][0].as_object().unwrap() {
        let kept = ["uuid", "role", "entity_type", "kind"].contains(&member.as_str());
        let expected = if kept { &first["parties"][0][member] } else { &empty[member] };
        assert_eq!(value, expected, "{member}");
    }
    assert_eq!((&shown["parties"][1], &shown["txn_id"]), (&first["parties"][1], &json!(format!("erased {}", text(&first["uuid"])))));
    assert_eq!(shown["activities"][0]["title"], Value::Null);
    let shown = server.client.get(&format!("{PATH}{}/", text(&second["uuid"]))).await.ok(200);
    assert_eq!((&shown["parties"][0], &shown["txn_id"]), (&second["parties"][0], &json!("t2")));
    assert_eq!(shown["parties"][1]["full_name"], Value::Null);
    let row = &server.client.get(PATH).await.ok(200)["results"][0];
    assert_eq!((&row["subject_vendor_data"], &row["counterparty_name"]), (&json!("ana"), &Value::Null));

    server.client.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77" })).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(a_counterparty_nobody_knows_can_be_erased, server => {
    server.transaction(with("t1", json!({}), json!({ "vendor_data": "cust-lucia-77", "full_name": "Lucia Fernandez" }))).await;
    let foreign = server.foreign_client().await;
    foreign.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77" })).await.is(404, json!({ "detail": "Not found." }));
    server.client.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77" })).await.ok(201);
    assert_eq!(left(&server), Vec::<(&str, Vec<String>)>::new());
    let row = server.client.get(PATH).await.ok(200)["results"][0].clone();
    assert_eq!(json!([row["subject_name"], row["counterparty_name"]]), json!(["Ana Ruiz", null]));
    server.stop().await;
});

// Both hold the name of a user and that of a business, in one order, whichever of the two comes first in it.
db_test!(an_erasure_and_a_transaction_about_one_person_wait_for_each_other, server => {
    let list = server.list("Watched", "custom", "user").await;
    server.rule("Watch", json!({ "actions": [{ "type": "add_to_list", "list_id": list }] })).await;
    let of_one = (0..48).map(|n| {
        let (client, name) = (server.client.clone(), format!("racer{n}"));
        async move {
            let erase = || client.post("/x/subjects/erase/", json!({ "vendor_data": name }));
            let pay = |id: u8| client.post(PATH, with(&format!("{name}.{id}"), json!({ "vendor_data": name }), json!(null)));
            let (a, b, c, d) = tokio::join!(pay(1), erase(), pay(2), erase());
            for answer in [a, b, c, d] {
                assert!(!answer.status.is_server_error(), "{}", answer.body);
            }
        }
    });
    futures_util::stream::iter(of_one).buffer_unordered(4).collect::<Vec<()>>().await;
    server.stop().await;
});
