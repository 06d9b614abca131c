//! Transactions: what is sent, what is answered, what is refused.

use gavel_core::access::Role;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, payload::faults, shown, text},
};

pub const PATH: &str = "/v3/transactions/";

/// The least a transaction says.
pub fn small(id: &str) -> Value {
    json!({
        "transaction_id": id,
        "transaction_category": "finance",
        "transaction_details": { "direction": "outbound", "amount": "10.00", "currency": "eur" },
        "subject": { "vendor_data": "ana", "full_name": "Ana Ruiz" },
    })
}

/// The most one says.
pub fn full(id: &str) -> Value {
    json!({
        "transaction_id": id,
        "transaction_at": "2026-05-02T09:14:02+02:00",
        "time_zone": "Europe/Madrid",
        "transaction_category": "travelRule",
        "transaction_details": {
            "direction": "IN", "amount": 1e3, "currency": "btc", "currency_kind": "crypto", "amount_in_default_currency": "0.10",
            "default_currency": "EUR", "payment_details": "For the boat", "payment_reference_id": "ref-1", "action_type": "deposit",
        },
        "subject": {
            "vendor_data": "ana", "full_name": "Ana Ruiz", "entity_type": "Person", "first_name": "Ana", "last_name": "Ruiz",
            "date_of_birth": "1990-01-02", "address": { "country": "ESP", "town": "Madrid", "street": "Calle Mayor 7" },
            "institution_details": { "name": "Bank", "code": "B1", "address": { "town": "Bonn" } },
            "device_context": {
                "fingerprint": "ab:cd:ef:01:23", "platform": "ios", "session_age_ms": 1500,
                "network_context": { "ip_address": "192.0.2.1", "ip_country_code": "ES", "latitude": 40.41 },
            },
            "payment_method": { "method_type": "ewallet", "account_id": "wallet 7", "issuing_country": "ES" },
            "email": "ana@example.com", "phone": "+14155552671",
        },
        "counterparty": {
            "full_name": "Bob", "address": { "country": "DE" }, "planet": "Earth",
            "payment_method": { "method_type": "unhosted_wallet", "account_id": "0xABCdef" },
        },
        "custom_properties": { "plan": "pro", "n": 1.50 },
        "network_snapshot": { "nodes": [{ "id": 1 }], "edges": [], "metrics": { "depth": 2 } },
        "travel_rule_details": { "anything": 1 },
        "include_crypto_screening": true,
    })
}

/// A body with members of these two objects set.
pub fn with(id: &str, subject: Value, counterparty: Value) -> Value {
    let mut body = small(id);
    body["subject"].as_object_mut().unwrap().extend(subject.as_object().unwrap().clone());
    if !counterparty.is_null() {
        body["counterparty"] = counterparty;
    }
    body
}

impl Server {
    /// A transaction as created.
    pub async fn transaction(&self, body: Value) -> Value {
        self.client.post(PATH, body).await.ok(201)
    }
}

db_test!(the_least_is_answered_whole, server => {
    let made = server.transaction(small("t1")).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&made), @r#"
        {
          "uuid": "[uuid]",
          "environment": "live",
          "transaction_number": 1,
          "txn_id": "t1",
          "txn_date": "[time]",
          "zone_id": null,
          "transaction_type": "finance",
          "action_type": "",
          "direction": "OUTBOUND",
          "status": "APPROVED",
          "source": "LIVE",
          "amount": "10.00",
          "currency": "EUR",
          "currency_type": null,
          "amount_in_default_currency": null,
          "default_currency_code": null,
          "preferred_currency_amount": null,
          "preferred_currency_code": null,
          "payment_details": null,
          "payment_txn_id": null,
          "score": 0,
          "severity": null,
          "decision_reason_code": null,
          "decision_reason_label": null,
          "vendor_data": "ana",
          "metadata": {},
          "props": {},
          "tags": [],
          "parties": [
            {
              "uuid": "[uuid]",
              "role": "APPLICANT",
              "entity_type": "individual",
              "kind": "USER",
              "vendor_data": "ana",
              "full_name": "Ana Ruiz",
              "first_name": null,
              "last_name": null,
              "country_code": null,
              "dob": null,
              "address": {},
              "institution_info": {},
              "device": {},
              "external_party_snapshot": null
            }
          ],
          "payment_methods": [],
          "documents": [],
          "activities": [
            {
              "uuid": "[uuid]",
              "activity_type": "TRANSACTION_CREATED",
              "source": "API",
              "status": "APPROVED",
              "title": "Transaction created",
              "description": null,
              "metadata": {},
              "occurred_at": "[time]"
            }
          ],
          "alerts": [],
          "rule_runs": [],
          "provider_results": [],
          "travel_rule": null,
          "network_snapshot": null,
          "remediation": null,
          "action_required": null,
          "cost_breakdown": null
        }
        "#); }
    let path = format!("{PATH}{}/", text(&made["uuid"]));
    assert_eq!(server.client.get(&path).await.ok(200), made);
    assert_eq!(made["txn_date"], made["activities"][0]["occurred_at"], "now, where nothing was said");
    let user = server.client.get("/v3/users/ana/").await.ok(200);
    assert_eq!(
        json!([user["status"], user["full_name"], user["session_count"], user["last_activity_at"]]),
        json!(["ACTIVE", null, 0, null])
    );
    server.stop().await;
});

db_test!(the_most_is_answered_whole, server => {
    let made = server.transaction(full("t1")).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&made), @r#"
        {
          "uuid": "[uuid]",
          "environment": "live",
          "transaction_number": 1,
          "txn_id": "t1",
          "txn_date": "[time]",
          "zone_id": "Europe/Madrid",
          "transaction_type": "travel_rule",
          "action_type": "deposit",
          "direction": "INBOUND",
          "status": "APPROVED",
          "source": "LIVE",
          "amount": "1000.0",
          "currency": "BTC",
          "currency_type": "crypto",
          "amount_in_default_currency": "0.10",
          "default_currency_code": "EUR",
          "preferred_currency_amount": null,
          "preferred_currency_code": null,
          "payment_details": "For the boat",
          "payment_txn_id": "ref-1",
          "score": 0,
          "severity": null,
          "decision_reason_code": null,
          "decision_reason_label": null,
          "vendor_data": "ana",
          "metadata": {},
          "props": {
            "plan": "pro",
            "n": 1.5
          },
          "tags": [],
          "parties": [
            {
              "uuid": "[uuid]",
              "role": "APPLICANT",
              "entity_type": "individual",
              "kind": "USER",
              "vendor_data": "ana",
              "full_name": "Ana Ruiz",
              "first_name": "Ana",
              "last_name": "Ruiz",
              "country_code": "ESP",
              "dob": "1990-01-02",
              "address": {
                "country": "ESP",
                "town": "Madrid",
                "street": "Calle Mayor 7"
              },
              "institution_info": {
                "name": "Bank",
                "code": "B1",
                "address": {
                  "town": "Bonn"
                }
              },
              "device": {
                "fingerprint": "ab:cd:ef:01:23",
                "platform": "ios",
                "session_age_ms": 1500,
                "network_context": {
                  "ip_address": "192.0.2.1",
                  "ip_country_code": "ES",
                  "latitude": 40.41
                }
              },
              "external_party_snapshot": null
            },
            {
              "uuid": "[uuid]",
              "role": "COUNTERPARTY",
              "entity_type": "external",
              "kind": "EXTERNAL",
              "vendor_data": null,
              "full_name": "Bob",
              "first_name": null,
              "last_name": null,
              "country_code": "DE",
              "dob": null,
              "address": {
                "country": "DE"
              },
              "institution_info": {},
              "device": {},
              "external_party_snapshot": {
                "full_name": "Bob",
                "address": {
                  "country": "DE"
                },
                "planet": "Earth",
                "payment_method": {
                  "method_type": "unhosted_wallet",
                  "account_id": "0xABCdef"
                }
              }
            }
          ],
          "payment_methods": [
            {
              "uuid": "[uuid]",
              "payment_method_type": "e_wallet",
              "label": null,
              "fingerprint": "b8e3b2421fff33811b231d36f7d92383384baeccc1dae9300a78b33d979856e1",
              "account_id": "wallet 7",
              "issuing_country": "ES",
              "owner_kind": "USER",
              "vendor_data": "ana",
              "owner_name": "Ana Ruiz",
              "institution_info": {
                "name": "Bank",
                "code": "B1",
                "address": {
                  "town": "Bonn"
                }
              },
              "details": {},
              "external_owner_snapshot": null,
              "role": "DESTINATION"
            },
            {
              "uuid": "[uuid]",
              "payment_method_type": "unhosted_wallet",
              "label": null,
              "fingerprint": "8ae5bb9cc8ec18e44205a4f81d6bbe5d7bbc693cf0ef4b3eefc8af825125d81a",
              "account_id": "0xABCdef",
              "issuing_country": null,
              "owner_kind": "EXTERNAL",
              "vendor_data": null,
              "owner_name": "Bob",
              "institution_info": {},
              "details": {},
              "external_owner_snapshot": {
                "full_name": "Bob",
                "address": {
                  "country": "DE"
                },
                "planet": "Earth",
                "payment_method": {
                  "method_type": "unhosted_wallet",
                  "account_id": "0xABCdef"
                }
              },
              "role": "SOURCE"
            }
          ],
          "documents": [],
          "activities": [
            {
              "uuid": "[uuid]",
              "activity_type": "TRANSACTION_CREATED",
              "source": "API",
              "status": "APPROVED",
              "title": "Transaction created",
              "description": null,
              "metadata": {},
              "occurred_at": "[time]"
            }
          ],
          "alerts": [],
          "rule_runs": [],
          "provider_results": [],
          "travel_rule": null,
          "network_snapshot": {
            "uuid": "[uuid]",
            "nodes": [
              {
                "id": 1
              }
            ],
            "edges": [],
            "metrics": {
              "depth": 2
            }
          },
          "remediation": null,
          "action_required": null,
          "cost_breakdown": null
        }
        "#); }
    let rows = server.client.get(PATH).await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&rows), @r#"
        {
          "count": 1,
          "next": null,
          "previous": null,
          "results": [
            {
              "uuid": "[uuid]",
              "transaction_number": 1,
              "txn_id": "t1",
              "transaction_type": "travel_rule",
              "action_type": "deposit",
              "status": "APPROVED",
              "direction": "INBOUND",
              "amount": "1000.0",
              "currency": "BTC",
              "preferred_currency_amount": null,
              "preferred_currency_code": null,
              "payment_details": "For the boat",
              "score": 0,
              "severity": null,
              "subject_name": "Ana Ruiz",
              "subject_vendor_data": "ana",
              "subject_country": "ESP",
              "counterparty_name": "Bob",
              "counterparty_vendor_data": null,
              "counterparty_country": "DE",
              "tags": [],
              "txn_date": "[time]",
              "created_at": "[time]",
              "decision_reason_code": null,
              "decision_reason_label": null,
              "assigned_to_name": null
            }
          ],
          "total_transactions": 1
        }
        "#); }
    server.stop().await;
});

db_test!(a_counterparty_is_who_it_is_known_as, server => {
    server.client.post("/v3/users/create/", json!({ "vendor_data": "bob" })).await.ok(201);
    server.client.post("/v3/businesses/create/", json!({ "vendor_data": "acme" })).await.ok(201);
    for (n, (sent, kind, entity_type)) in [
        (json!({ "vendor_data": "bob" }), "USER", "individual"),
        (json!({ "vendor_data": "bob", "entity_type": "COMPANY" }), "EXTERNAL", "company"),
        (json!({ "vendor_data": "acme", "entity_type": "business" }), "BUSINESS", "company"),
        (json!({ "vendor_data": "acme" }), "EXTERNAL", "external"),
        (json!({ "full_name": "Eve", "entity_type": "person" }), "EXTERNAL", "individual"),
        (json!({ "full_name": "Eve" }), "EXTERNAL", "external"),
    ].into_iter().enumerate() {
        let made = server.transaction(with(&format!("t{n}"), json!({}), sent.clone())).await;
        let party = &made["parties"][1];
        assert_eq!((&party["kind"], &party["entity_type"]), (&json!(kind), &json!(entity_type)), "{sent}");
        let snapshot = if kind == "EXTERNAL" { sent } else { Value::Null };
        assert_eq!(party["external_party_snapshot"], snapshot);
    }
    // Only subjects come into being.
    assert_eq!(server.client.get("/v3/users/").await.ok(200)["count"], 2);
    let made = server.transaction(with("company", json!({ "entity_type": "company", "vendor_data": "new" }), json!(null))).await;
    assert_eq!((&made["parties"][0]["kind"], &made["parties"][0]["entity_type"]), (&json!("BUSINESS"), &json!("company")));
    assert_eq!(server.client.get("/v3/businesses/new/").await.ok(200)["status"], "ACTIVE");
    server.stop().await;
});

db_test!(methods_have_roles_by_direction, server => {
    let method = |kind: &str| json!({ "payment_method": { "method_type": kind } });
    for (direction, roles) in [("outbound", ["SOURCE", "DESTINATION"]), ("inbound", ["DESTINATION", "SOURCE"])] {
        let mut body = with(direction, method("bank_card"), method("other"));
        body["transaction_details"]["direction"] = json!(direction);
        let made = server.transaction(body).await;
        let methods = made["payment_methods"].as_array().unwrap();
        assert_eq!(methods.iter().map(|method| &method["role"]).collect::<Vec<_>>(), roles);
    }
    server.stop().await;
});

db_test!(bad_bodies_are_named_and_nothing_is_written, server => {
    let before = server.counts().await;
    let mut two = small("t1");
    two["transaction_details"].as_object_mut().unwrap().remove("amount");
    server.client.post(PATH, two.clone()).await.is(400, json!({ "transaction_details": { "amount": ["This field is required."] } }));
    two["transaction_category"] = json!("crypto");
    two["subject"] = json!({ "full_name": "Ana" });
    server.client.post(PATH, two).await.is(400, json!({
        "non_field_errors": ["Unsupported transaction category."],
        "transaction_details": { "amount": ["This field is required."] },
        "subject": ["subject.vendor_data and subject.full_name are required."],
    }));
    for (amount, error) in [
        ("-1", "Ensure this value is greater than or equal to 0."),
        ("\"NaN\"", "A valid number is required."),
        ("\"Infinity\"", "A valid number is required."),
        ("1e18", "Ensure that there are no more than 18 digits before the decimal point."),
        ("1234567890123456789012345678901234567890", "Ensure that there are no more than 18 digits before the decimal point."),
        ("0.1234567890123456789", "Ensure that there are no more than 18 decimal places."),
    ] {
        let body = small("t1").to_string().replace("\"10.00\"", amount);
        server.client.post_text(PATH, body).await.is(400, json!({ "transaction_details": { "amount": [error] } }));
    }
    assert_eq!(server.client.post_text(PATH, small("t1").to_string().replace("\"10.00\"", "NaN")).await.status, 400);
    server.client.get("/v3/transactions/rules-of-nobody/").await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(amounts_keep_their_digits, server => {
    for (n, (sent, shown)) in [
        ("10.00", "10.00"),
        ("\"10.00\"", "10.00"),
        ("1e3", "1000"),
        ("0", "0"),
        ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
        ("\"0.000000000000000001\"", "0.000000000000000001"),
    ].into_iter().enumerate() {
        let body = small(&format!("t{n}")).to_string().replace("\"10.00\"", sent);
        let made = server.client.post_text(PATH, body).await.ok(201);
        assert_eq!(made["amount"], shown, "{sent}");
    }
    server.stop().await;
});

db_test!(times_reach_from_one_end_to_the_other, server => {
    let mut made = Vec::new();
    for at in ["2026-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00.000000Z"] {
        let mut body = small(&format!("t{}", made.len()));
        body["transaction_at"] = json!(at);
        made.push(server.transaction(body).await);
        assert_eq!(made.last().unwrap()["txn_date"], at);
    }
    // The latest first; of two at one instant the later one.
    let rows = server.client.get(PATH).await.ok(200);
    let ids: Vec<String> = rows["results"].as_array().unwrap().iter().map(|row| text(&row["txn_id"])).collect();
    assert_eq!(ids, ["t2", "t3", "t0", "t1"]);
    let page = server.client.get(&format!("{PATH}?limit=1&offset=1")).await.ok(200);
    assert_eq!((&page["count"], &page["total_transactions"], &page["results"][0]["txn_id"]), (&json!(4), &json!(4), &json!("t3")));
    assert_eq!(page["next"], format!("{}{PATH}?limit=1&offset=2", server.app.config.public_url));
    server.stop().await;
});

db_test!(the_deepest_body_is_kept_and_shown, server => {
    let receiver = Receiver::start().await;
    subscribe(&server, &receiver).await;
    let deep = format!("{}1{}", "{\"a\":".repeat(126), "}".repeat(126));
    let body = small("t1").to_string().replacen('{', &format!("{{\"custom_properties\":{deep},\"counterparty\":{deep},"), 1);
    let made = server.client.post_text(PATH, body).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.bytes));
    let id = receiver.wait_for(1).await;
    let body = String::from_utf8(id[0].body.clone()).unwrap();
    assert!(body.contains(&deep));
    let reader = server.member("lea@acme.example", Role::Reader).await;
    let rows = reader.get(PATH).await.ok(200);
    let masked = reader.get(&format!("{PATH}{}/", text(&rows["results"][0]["uuid"]))).await.ok(200);
    assert_eq!(masked["props"], Value::Null);
    server.stop().await;
});

async fn subscribe(server: &Server, receiver: &Receiver) {
    let body = json!({ "label": "t", "url": receiver.url(), "subscribed_events": ["transaction.created", "transaction.status.updated"] });
    server.client.post("/v3/webhook/destinations/", body).await.ok(201);
}

db_test!(one_event_tells_of_it, server => {
    let receiver = Receiver::start().await;
    subscribe(&server, &receiver).await;
    let made = server.transaction(full("t1")).await;
    server.client.post(PATH, full("t1")).await; // Refused: no event.
    let again = server.transaction(small("t2")).await;
    let bodies: Vec<Value> = receiver.wait_for(2).await.iter().map(|received| received.json()).collect();
    let of = |id: &str| bodies.iter().find(|body| body["txn_id"] == id).unwrap();
    for (body, made) in [(of("t1"), &made), (of("t2"), &again)] {
        assert_eq!(faults(body), [""; 0], "{body:#}");
        assert_eq!(body["transaction_id"], made["uuid"]);
        assert_eq!((&body["status"], &body["vendor_data"]), (&json!("APPROVED"), &json!("ana")));
        assert_eq!((&body["transaction"]["parties"], &body["transaction"]["amount"]), (&made["parties"], &made["amount"]));
    }
    server.stop().await;
});

db_test!(a_person_changes_the_status, server => {
    let receiver = Receiver::start().await;
    subscribe(&server, &receiver).await;
    let made = server.transaction(small("t1")).await;
    let path = format!("/x/transactions/{}/", text(&made["uuid"]));
    let officer = server.member("cleo@acme.example", Role::ComplianceOfficer).await;
    let changed = officer.patch(&path, json!({ "status": "DECLINED", "comment": "Not theirs." })).await.ok(200);
    assert_eq!((&changed["status"], &changed["score"]), (&json!("DECLINED"), &json!(0)));
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&changed["activities"][1]), @r#"
        {
          "uuid": "[uuid]",
          "activity_type": "TRANSACTION_STATUS_CHANGED",
          "source": "CONSOLE",
          "status": "DECLINED",
          "title": "Status changed",
          "description": "Not theirs.",
          "metadata": {
            "previous_status": "APPROVED",
            "new_status": "DECLINED",
            "actor_name": "cleo",
            "actor_email": "cleo@acme.example"
          },
          "occurred_at": "[time]"
        }
        "#); }
    assert_eq!(server.client.get(&format!("{PATH}{}/", text(&made["uuid"]))).await.ok(200), changed);
    let before = server.counts().await;
    server.client.patch(&path, json!({ "status": "DECLINED" })).await.ok(200);
    for (body, errors) in [
        (json!({}), json!({ "status": ["This field is required."] })),
        (json!({ "status": "AWAITING_USER" }), json!({ "status": ["\"AWAITING_USER\" is not a valid choice."] })),
        (
            json!({ "status": "APPROVED", "comment": "x".repeat(10_001) }),
            json!({ "comment": ["Ensure this field has no more than 10000 characters."] }),
        ),
    ] {
        server.client.patch(&path, body).await.is(400, errors);
    }
    assert_eq!(server.counts().await, before, "nothing happened");
    server.client.patch(&path, json!({ "status": "IN_REVIEW" })).await.ok(200);
    let bodies: Vec<Value> = receiver.wait_for(3).await.iter().map(|received| received.json()).collect();
    let told = |body: &Value| json!([body["webhook_type"], body["previous_status"], body["status"], body["transaction"]["status"]]);
    assert_eq!(bodies.iter().map(told).collect::<Vec<_>>(), [
        json!(["transaction.created", null, "APPROVED", "APPROVED"]),
        json!(["transaction.status.updated", "APPROVED", "DECLINED", "DECLINED"]),
        json!(["transaction.status.updated", "DECLINED", "IN_REVIEW", "IN_REVIEW"]),
    ]);
    for body in &bodies {
        assert_eq!(faults(body), [""; 0], "{body:#}");
    }
    server.stop().await;
});

db_test!(roles_without_personal_data_see_none, server => {
    let made = server.transaction(full("t1")).await;
    let path = format!("{PATH}{}/", text(&made["uuid"]));
    let officer = server.member("cleo@acme.example", Role::ComplianceOfficer).await;
    assert_eq!(officer.get(&path).await.ok(200)["parties"], made["parties"]);
    for role in [Role::Reader, Role::Developer] {
        let person = server.member(&format!("{role:?}@acme.example").to_lowercase(), role).await;
        let masked = person.get(&path).await.ok(200);
        let rows = person.get(PATH).await.ok(200);
        for said in [masked.to_string(), rows.to_string()] {
            for personal in ["Ana", "Ruiz", "ana", "Bob", "Madrid", "Mayor", "wallet 7", "0xABC", "192.0.2", "boat", "ref-1", "1990", "plan", "40.41"] {
                assert!(!said.contains(personal), "{personal}: {said}");
            }
        }
        assert_eq!(
            json!([masked["uuid"], masked["status"], masked["txn_date"], masked["direction"], masked["transaction_type"]]),
            json!([made["uuid"], "APPROVED", made["txn_date"], "INBOUND", "travel_rule"])
        );
    }
    server.stop().await;
});

db_test!(aliases_of_the_console_lead_here, server => {
    let made = server.transaction(small("t1")).await;
    let application = server.application().await;
    let alias = format!("/v3/organization/11111111-2222-4333-8444-555555555555/application/{application}/transactions/");
    assert_eq!(server.client.get(&format!("{alias}{}/", text(&made["uuid"]))).await.ok(200), made);
    assert_eq!(server.client.post(&alias, small("t2")).await.ok(201)["transaction_number"], 2);
    assert_eq!(server.client.get(&alias).await.ok(200)["count"], 2);
    for method in ["screen-wallet", "sdk-token"] {
        server.client.post(&format!("{alias}{method}/"), json!({})).await.is(404, json!({ "detail": "Not found." }));
    }
    server.stop().await;
});
