//! From entries to what they were made from, and from a session to the entries made from it.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Client, Server, text},
};

async fn made_from(client: &Client, list: &str, entry: &Value) -> Value {
    client.get(&format!("/x/lists/{list}/entries/{}/", text(&entry["uuid"]))).await.ok(200)["made_from"].clone()
}

async fn add(server: &Server, list: &str, body: Value) -> Value {
    server.client.post(&format!("/v3/lists/{list}/entries/"), body).await.ok(201)
}

db_test!(entries_lead_to_their_session_and_back, server => {
    let evidence = json!({ "email_verifications": [{ "email": "ana@example.com" }], "phone_verifications": [{ "full_number": "+14155552671" }] });
    let decision = server.session_with_evidence(evidence).await;
    let session = text(&decision["session_id"]);
    let (emails, own) = (server.system_list("email").await, server.list("Mine", "custom", "phone").await);
    let email = add(&server, &emails, json!({ "reference_session_id": session, "comment": "Mule" })).await;
    let phone = add(&server, &own, json!({ "reference_session_id": session, "expires_at": "2020-01-01T00:00:00Z" })).await;
    let plain = add(&server, &emails, json!({ "value": "bob@example.com" })).await;
    let nothing = json!({ "session": null, "transaction": null, "user": null, "business": null, "names": [] });
    assert_eq!(made_from(&server.client, &emails, &plain).await, nothing);
    let of_session = json!({ "session_id": session, "session_number": decision["session_number"] });
    assert_eq!(made_from(&server.client, &emails, &email).await["session"], of_session);

    let path = format!("/x/sessions/{session}/entries/");
    let found = server.client.get(&path).await.ok(200);
    let rows = found["results"].as_array().unwrap();
    let told = |row: &Value| json!([row["list_uuid"], row["list_name"], row["list_type"], row["uuid"], row["value"], row["is_expired"], row["hit_count"]]);
    assert_eq!(told(&rows[0]), json!([own, "Mine", "custom", phone["uuid"], "+14155552671", true, 0]));
    assert_eq!(told(&rows[1]), json!([emails, "Email Blocklist", "blocklist", email["uuid"], "ana@example.com", false, 0]));
    assert_eq!((&found["count"], rows.len()), (&json!(2), 2));
    let page = server.client.get(&format!("{path}?limit=1&offset=1")).await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["uuid"]), (&json!(2), &email["uuid"]));
    server.client.delete(&format!("/v3/lists/{emails}/entries/{}/", text(&email["uuid"]))).await.ok(204);
    assert_eq!(server.client.get(&path).await.ok(200)["count"], 1);
    server.client.delete(&format!("/v3/lists/{own}/")).await.ok(204);
    assert_eq!(server.client.get(&path).await.ok(200)["count"], 0);
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    server.client.get(&path).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(entries_lead_to_users_and_businesses_and_back, server => {
    let make = async |nouns: &str, vendor_data: &str| {
        let made = server.client.post(&format!("/v3/{nouns}/create/"), json!({ "vendor_data": vendor_data })).await.ok(201);
        text(&made["didit_internal_id"])
    };
    let (upper, lower, company) = (make("users", "Ana").await, make("users", "ana").await, make("businesses", "acme").await);
    let names = |ids: &[&String]| json!(ids.iter().map(|id| json!({ "didit_internal_id": id })).collect::<Vec<_>>());
    server.client.patch("/v3/users/Ana/update-status/", json!({ "status": "BLOCKED" })).await.ok(200);
    let users = server.system_list("user").await;
    let entry = server.client.get(&format!("/v3/lists/{users}/entries/")).await.ok(200)["results"][0].clone();
    let expected = json!({ "session": null, "transaction": null, "user": { "didit_internal_id": upper }, "business": null, "names": names(&[&upper, &lower]) });
    assert_eq!(made_from(&server.client, &users, &entry).await, expected);
    let back = server.client.get(&format!("/x/users/{upper}/")).await.ok(200);
    assert_eq!(back["entries"][0]["uuid"], entry["uuid"]);

    let wallets = server.list("Wallets", "custom", "wallet_address").await;
    let of_company = json!({ "value": "0x1", "reference_object_uuid": company, "metadata": { "reference_type": "vendor_business" } });
    let wallet = add(&server, &wallets, of_company).await;
    assert_eq!(made_from(&server.client, &wallets, &wallet).await["business"], json!({ "didit_internal_id": company }));
    let back = server.client.get(&format!("/x/businesses/{company}/")).await.ok(200);
    assert_eq!((&back["entries"][0]["uuid"], &back["entries"][0]["matches"]), (&wallet["uuid"], &json!(false)));
    let nobodys = add(&server, &wallets, json!({ "value": "0x2", "reference_object_uuid": uuid::Uuid::now_v7() })).await;
    let nothing = json!({ "session": null, "transaction": null, "user": null, "business": null, "names": [] });
    assert_eq!(made_from(&server.client, &wallets, &nobodys).await, nothing);

    // Of other applications nothing is told.
    let other = server.foreign_client().await;
    let theirs = text(&other.post("/v3/users/create/", json!({ "vendor_data": "ana" })).await.ok(201)["didit_internal_id"]);
    let foreign = add(&server, &wallets, json!({ "value": "0x3", "reference_object_uuid": theirs })).await;
    assert_eq!(made_from(&server.client, &wallets, &foreign).await, nothing);
    server.stop().await;
});

db_test!(entries_lead_to_their_transaction_and_back, server => {
    let sent = json!({
        "transaction_id": "t1", "transaction_category": "finance",
        "transaction_details": { "direction": "out", "amount": 5, "currency": "EUR" },
        "subject": { "vendor_data": "ana", "full_name": "Ana" },
    });
    let transaction = text(&server.client.post("/v3/transactions/", sent).await.ok(201)["uuid"]);
    let wallets = server.system_list("wallet_address").await;
    let body = json!({ "value": "0xabc", "reference_object_uuid": transaction, "metadata": { "reference_type": "transaction" } });
    let entry = add(&server, &wallets, body).await;
    let expected = json!({ "session": null, "transaction": { "uuid": transaction }, "user": null, "business": null, "names": [] });
    assert_eq!(made_from(&server.client, &wallets, &entry).await, expected);
    let back = server.client.get(&format!("/x/transactions/{transaction}/entries/")).await.ok(200);
    assert_eq!((&back["count"], &back["results"][0]["uuid"], &back["results"][0]["list_uuid"]), (&json!(1), &entry["uuid"], &json!(wallets)));
    let nobodys = format!("/x/transactions/{}/entries/", text(&entry["uuid"]));
    server.client.get(&nobodys).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});
