//! Transactions and lists: who is refused, what declines, what is only looked at.

use gavel::store::Value as Param;
use serde_json::{Value, json};

use super::transactions::{PATH, small, with};
use crate::{
    db_test,
    harness::{Server, eventually, shown, text},
};

/// Status, score, severity, code and label.
fn outcome(made: &Value) -> Value {
    json!([made["status"], made["score"], made["severity"], made["decision_reason_code"], made["decision_reason_label"]])
}

fn wallet(account: &str) -> Value {
    json!({ "payment_method": { "method_type": "crypto_wallet", "account_id": account } })
}

fn network(ip: &str) -> Value {
    json!({ "device_context": { "network_context": { "ip_address": ip } } })
}

/// Every type that declines: its value on the list, a party that has it, spelled otherwise, and how the reason is called.
fn cases() -> [(&'static str, &'static str, Value, &'static str, &'static str); 7] {
    [
        ("wallet_address", "0xABCdef", wallet("0xabcDEF"), "WALLET_ADDRESS_IN_BLOCKLIST", "Wallet address in blocklist"),
        (
            "wallet_address",
            "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
            json!({ "payment_method": { "method_type": "unhosted_wallet", "account_id": " 1BoatSLRHtKNngkdXEeobR76b53LETtpyT" } }),
            "WALLET_ADDRESS_IN_BLOCKLIST",
            "Wallet address in blocklist",
        ),
        (
            "bank_account",
            "GB82 WEST 1234",
            json!({ "payment_method": { "method_type": "bank_account", "account_id": "gb82west-1234" } }),
            "BANK_ACCOUNT_IN_BLOCKLIST",
            "Bank account in blocklist",
        ),
        ("ip_address", "192.0.2.0/24", network("192.0.2.77"), "IP_ADDRESS_IN_BLOCKLIST", "IP address in blocklist"),
        (
            "device_fingerprint",
            "AB:CD:EF:01:23",
            json!({ "device_context": { "fingerprint": "ab:cd:ef:01:23" } }),
            "DEVICE_FINGERPRINT_IN_BLOCKLIST",
            "Device fingerprint in blocklist",
        ),
        (
            "email",
            "ana@bücher.example",
            json!({ "email": " Ana@xn--bcher-kva.example" }),
            "EMAIL_IN_BLOCKLIST",
            "Email in blocklist",
        ),
        (
            "phone",
            "+14155552671",
            json!({ "phone": "+1 (415) 555-2671" }),
            "PHONE_NUMBER_IN_BLOCKLIST",
            "Phone number in blocklist",
        ),
    ]
}

db_test!(every_type_declines_on_either_side, server => {
    for (n, (entry_type, value, party, code, label)) in cases().into_iter().enumerate() {
        let list = server.system_list(entry_type).await;
        let clean = server.transaction(with(&format!("before{n}"), party.clone(), party.clone())).await;
        assert_eq!(outcome(&clean), json!(["APPROVED", 0, null, null, null]), "{entry_type}");
        let entry = server.add(&list, value).await;
        for (side, body) in [
            ("subject", with(&format!("s{n}"), party.clone(), json!(null))),
            ("counterparty", with(&format!("c{n}"), json!({}), party.clone())),
        ] {
            let made = server.transaction(body).await;
            assert_eq!(outcome(&made), json!(["DECLINED", 100, "CRITICAL", code, label]), "{entry_type} {side}");
            let alerts = made["alerts"].as_array().unwrap();
            assert_eq!(alerts.len(), 1, "{entry_type} {side}");
            assert_eq!(alerts[0]["metadata"], json!({ "list_uuid": list, "entry_uuid": entry, "party": side }));
            assert_eq!(made["activities"][0]["status"], "DECLINED");
        }
        server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
        let after = server.transaction(with(&format!("after{n}"), party.clone(), party)).await;
        assert_eq!(outcome(&after), json!(["APPROVED", 0, null, null, null]), "{entry_type}");
    }
    server.stop().await;
});

db_test!(an_alert_is_shown_whole, server => {
    server.add(&server.system_list("email").await, "ana@example.com").await;
    let made = server.transaction(with("t1", json!({ "email": "ana@example.com" }), json!(null))).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&made["alerts"]), @r#"
        [
          {
            "uuid": "[uuid]",
            "title": "Email in blocklist",
            "description": "A value of the subject matches an entry of a blocklist.",
            "severity": "CRITICAL",
            "status": "OPEN",
            "source": "RULE",
            "metadata": {
              "list_uuid": "[uuid]",
              "entry_uuid": "[uuid]",
              "party": "subject"
            },
            "created_at": "[time]",
            "due_at": null
          }
        ]
        "#); }
    server.stop().await;
});

db_test!(the_first_in_order_says_why, server => {
    let mut party = json!({});
    for (entry_type, value, of_type, ..) in cases().into_iter().rev() {
        server.add(&server.system_list(entry_type).await, value).await;
        for (name, value) in of_type.as_object().unwrap() {
            match party[name].as_object_mut() {
                Some(known) => known.extend(value.as_object().unwrap().clone()),
                None => party[name] = value.clone(),
            }
        }
    }
    let made = server.transaction(with("both", party.clone(), party.clone())).await;
    assert_eq!(outcome(&made), json!(["DECLINED", 100, "CRITICAL", "WALLET_ADDRESS_IN_BLOCKLIST", "Wallet address in blocklist"]));
    let told: Vec<String> =
        made["alerts"].as_array().unwrap().iter().map(|alert| format!("{} {}", text(&alert["metadata"]["party"]), text(&alert["title"]))).collect();
    let of = |side: &str| {
        ["Wallet address", "IP address", "Device fingerprint", "Email", "Phone number"].map(|what| format!("{side} {what} in blocklist"))
    };
    assert_eq!(told, [of("subject"), of("counterparty")].concat());
    // The subject comes before the counterparty, whatever they have.
    let made = server.transaction(with("order", json!({ "phone": "+14155552671" }), party)).await;
    assert_eq!(made["decision_reason_code"], "PHONE_NUMBER_IN_BLOCKLIST");
    server.stop().await;
});

db_test!(values_that_fail_their_grammar_match_nothing, server => {
    for (entry_type, value, ..) in cases() {
        server.client.post(&format!("/v3/lists/{}/entries/", server.system_list(entry_type).await), json!({ "value": value })).await;
    }
    server.add(&server.system_list("bank_account").await, "4111").await;
    server.add(&server.system_list("wallet_address").await, "4111").await;
    let party = json!({
        "email": "ana@", "phone": "555-2671", "device_context": { "fingerprint": "short", "network_context": { "ip_address": "192.0.2.300" } },
        "payment_method": { "method_type": "bank_card", "account_id": "4111" },
    });
    let made = server.transaction(with("t1", party.clone(), party)).await;
    assert_eq!(outcome(&made), json!(["APPROVED", 0, null, null, null]));
    // A bank account is no wallet.
    let made = server.transaction(with("t2", wallet("GB82 WEST 1234"), json!(null))).await;
    assert_eq!(made["status"], "APPROVED");
    server.stop().await;
});

db_test!(only_blocklists_decline, server => {
    for (name, list_type) in [("Good", "allowlist"), ("Mine", "custom")] {
        let list = server.list(name, list_type, "email").await;
        server.add(&list, "ana@example.com").await;
    }
    let made = server.transaction(with("t1", json!({ "email": "ana@example.com" }), json!(null))).await;
    assert_eq!((outcome(&made), &made["alerts"]), (json!(["APPROVED", 0, null, null, null]), &json!([])));
    // And an allowlist takes nothing back.
    let own = server.list("Bad", "blocklist", "email").await;
    server.add(&own, "ana@example.com").await;
    let made = server.transaction(with("t2", json!({ "email": "ana@example.com" }), json!(null))).await;
    assert_eq!(made["status"], "DECLINED");
    server.stop().await;
});

fn blocked(who: &str) -> Value {
    json!({ "vendor_data": [format!("The {who} is in the blocklist and cannot participate in transactions.")] })
}

db_test!(blocked_participants_are_refused, server => {
    server.add(&server.system_list("user").await, "User-12345").await;
    server.add(&server.system_list("business").await, "acme").await;
    let before = server.counts().await;
    let named = |name: &str, entity: &str| json!({ "vendor_data": name, "entity_type": entity, "full_name": "x" });
    for (subject, counterparty, who) in [
        (named("user-12345", "individual"), json!(null), "individual 'user-12345'"),
        (named(" USER-12345 ", "person"), named("acme", "company"), "individual 'USER-12345'"),
        (named("Acme", "business"), json!(null), "company 'Acme'"),
        (named("bob", "individual"), json!({ "vendor_data": "user-12345" }), "individual 'user-12345'"),
        (named("bob", "individual"), named("acme", "company"), "company 'acme'"),
    ] {
        server.client.post(PATH, with("t1", subject, counterparty)).await.is(400, blocked(who));
    }
    assert_eq!(server.counts().await, before);
    // A company of the same name is somebody else, and so is a counterparty without a name of its own.
    server.transaction(with("t1", named("user-12345", "company"), named("acme", "individual"))).await;
    server.transaction(with("t2", json!({}), json!({ "full_name": "user-12345" }))).await;
    server.stop().await;
});

db_test!(blocking_and_unblocking_a_user_is_followed, server => {
    server.transaction(small("t1")).await;
    let set = async |status: &str| {
        server.client.patch("/v3/users/ana/update-status/", json!({ "status": status })).await.ok(200);
    };
    set("BLOCKED").await;
    server.client.post(PATH, small("t2")).await.is(400, blocked("individual 'ana'"));
    server.client.post(PATH, with("t2", json!({ "vendor_data": "bob" }), json!({ "vendor_data": "Ana" }))).await.is(400, blocked("individual 'Ana'"));
    set("ACTIVE").await;
    server.transaction(small("t2")).await;
    server.stop().await;
});

db_test!(flagged_participants_are_looked_at, server => {
    for name in ["ana", "bob"] {
        server.client.post("/v3/users/create/", json!({ "vendor_data": name })).await.ok(201);
    }
    server.client.patch("/v3/users/bob/update-status/", json!({ "status": "FLAGGED" })).await.ok(200);
    let flagged = json!(["IN_REVIEW", 0, null, "PARTICIPANT_FLAGGED", "Participant flagged"]);
    let bob = json!({ "vendor_data": "bob" });
    assert_eq!(outcome(&server.transaction(with("subject", bob.clone(), json!(null))).await), flagged);
    assert_eq!(outcome(&server.transaction(with("counterparty", json!({}), bob.clone())).await), flagged);
    let company = json!({ "vendor_data": "bob", "entity_type": "company" });
    assert_eq!(server.transaction(with("other", json!({}), company)).await["status"], "APPROVED");
    server.add(&server.system_list("email").await, "ana@example.com").await;
    let both = server.transaction(with("both", json!({ "email": "ana@example.com" }), bob)).await;
    assert_eq!((&both["status"], &both["decision_reason_code"]), (&json!("DECLINED"), &json!("EMAIL_IN_BLOCKLIST")));
    server.stop().await;
});

async fn hold(server: &Server, entry_type: &str, value: &str) {
    let list = server.system_list(entry_type).await;
    let entry = server.add(&list, value).await;
    server.client.patch(&format!("/x/lists/{list}/entries/{entry}/"), json!({ "held": true })).await.ok(200);
}

db_test!(held_entries_send_to_review, server => {
    hold(&server, "email", "ana@example.com").await;
    let made = server.transaction(with("value", json!({ "email": "ana@example.com" }), json!(null))).await;
    assert_eq!(outcome(&made), json!(["IN_REVIEW", 0, "LOW", "EMAIL_IN_BLOCKLIST", "Email in blocklist"]));
    assert_eq!(made["alerts"][0]["description"], "A value of the subject matches an entry of a blocklist. The entry is held for review.");
    hold(&server, "user", "ana").await;
    let made = server.transaction(small("subject")).await;
    assert_eq!(outcome(&made), json!(["IN_REVIEW", 0, "LOW", "USER_IN_BLOCKLIST", "User in blocklist"]));
    assert_eq!(server.client.get("/v3/users/ana/").await.ok(200)["status"], "ACTIVE");
    hold(&server, "business", "acme").await;
    let acme = json!({ "vendor_data": "acme", "entity_type": "company" });
    let made = server.transaction(with("counterparty", json!({ "vendor_data": "bob" }), acme)).await;
    assert_eq!(made["decision_reason_code"], "BUSINESS_IN_BLOCKLIST");
    server.stop().await;
});

db_test!(hits_are_counted_and_what_it_was_decided_by_is_kept, server => {
    let list = server.system_list("email").await;
    let entry = server.add(&list, "ana@example.com").await;
    let email = || json!({ "email": "ana@example.com" });
    for n in 0..2 {
        server.transaction(with(&format!("t{n}"), email(), email())).await;
    }
    eventually("four hits", || async {
        let entry = server.client.get(&format!("/x/lists/{list}/entries/{entry}/")).await.ok(200);
        (entry["hit_count"] == 4).then_some(())
    })
    .await;
    let revision = server.client.get(&format!("/x/lists/{list}/history/")).await.ok(200)["results"][0]["revision"].clone();
    let read = server.app.store.read::<_, gavel::actions::Error, _>(|tx| {
        Box::pin(async move {
            let sql = "SELECT t.lists_revision, s.side, s.entry_type, s.match_key, h.comparison FROM transactions t
                 JOIN transaction_signals s ON s.transaction_id = t.id
                 LEFT JOIN transaction_hits h ON h.transaction_id = t.id AND h.side = s.side AND h.entry_type = s.entry_type
                 WHERE t.number = $1 ORDER BY s.side DESC, s.entry_type";
            let rows = tx.query(sql, &[Param::from(1_i64)]).await?;
            let read = |row: &gavel::store::Row| {
                let mut c = row.columns();
                Ok(json!([c.take::<u64>()?, c.take::<String>()?, c.take::<String>()?, c.take::<String>()?, c.take::<Option<String>>()?]))
            };
            rows.iter().map(read).collect::<Result<Vec<_>, gavel::actions::Error>>()
        })
    });
    assert_eq!(json!(read.await.unwrap()), json!([
        [revision, "subject", "email", "ana@example.com", "equal"],
        [revision, "subject", "user", "ana", null],
        [revision, "counterparty", "email", "ana@example.com", "equal"],
    ]));
    server.stop().await;
});

db_test!(borders_of_scores_are_settings, server => {
    let scores = json!({ "transaction_scores": { "decline": 90 } });
    let changed = server.client.patch("/x/settings/", scores).await.ok(200);
    assert_eq!(changed["transaction_scores"], json!({ "review": 50, "decline": 90 }));
    assert_eq!(server.client.get("/x/settings/").await.ok(200), changed);
    server.client.patch("/x/settings/", json!({ "transaction_scores": { "review": 0, "decline": 101 } })).await.is(400, json!({
        "transaction_scores": {
            "review": ["Ensure this value is greater than or equal to 1."], "decline": ["Ensure this value is less than or equal to 100."],
        },
    }));
    server.stop().await;
});
