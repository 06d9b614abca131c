//! Rules over transactions as they run: what they answer, what follows, what is written of it.

use gavel_core::access::Role;
use serde_json::{Value, json};

use super::{
    transaction_rules::RULES,
    transactions::{PATH, small, with},
};
use crate::{
    db_test,
    harness::{Receiver, shown, text},
};

/// Status, score, severity, code and label.
fn outcome(made: &Value) -> Value {
    json!([made["status"], made["score"], made["severity"], made["decision_reason_code"], made["decision_reason_label"]])
}

fn of_amount(id: &str, amount: &str) -> Value {
    let mut body = small(id);
    body["transaction_details"]["amount"] = json!(amount);
    body
}

fn matched(made: &Value) -> Vec<bool> {
    made["rule_runs"].as_array().unwrap().iter().map(|run| run["matched"].as_bool().unwrap()).collect()
}

fn score(points: i64) -> Value {
    json!({ "type": "add_score", "value": points })
}

fn status(to: &str) -> Value {
    json!({ "type": "change_status", "value": to })
}

db_test!(a_run_is_explained, server => {
    let actions = json!([score(30), { "type": "add_tags", "tag_name": "Big", "tag_color": "#ff0000" }, { "type": "add_note", "note": "Look." }]);
    let aggregation = json!([{ "operator": "gte", "value": 1, "filters": { "subject_vendor_data": "__current__" } }]);
    server.rule("Big", json!({ "description": "d", "actions": actions, "aggregation": aggregation })).await;
    server.rule("Never", json!({ "conditions": [{ "field": "subject_email", "operator": "eq", "value": "x" }], "actions": [score(9)] })).await;
    server.rule("Elsewhere", json!({ "scope": { "directions": ["INBOUND"] } })).await;
    server.rule("Off", json!({ "mode": "DISABLED" })).await;
    let made = server.transaction(small("t1")).await;
    assert_eq!(outcome(&made), json!(["APPROVED", 30, "MEDIUM", null, null]));
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&made["rule_runs"]), @r#"
    [
      {
        "uuid": "[uuid]",
        "rule": "[uuid]",
        "rule_title": "Big",
        "rule_description": "d",
        "rule_category": "amount",
        "matched": true,
        "is_test": false,
        "mode": "ACTIVE",
        "severity": null,
        "score_delta": 30,
        "status_target": null,
        "action_summary": "score +30, tag Big, note",
        "metadata": {
          "conditions": [
            {
              "field": "amount",
              "operator": "greater_than",
              "holds": true,
              "held": false,
              "value": "10.00"
            }
          ],
          "aggregations": [
            {
              "metric": "count",
              "field": "amount",
              "operator": "greater_than_or_equals",
              "value": "1",
              "window": "1d",
              "total": "1",
              "holds": true
            }
          ]
        },
        "created_at": "[time]"
      },
      {
        "uuid": "[uuid]",
        "rule": "[uuid]",
        "rule_title": "Never",
        "rule_description": null,
        "rule_category": "amount",
        "matched": false,
        "is_test": false,
        "mode": "ACTIVE",
        "severity": null,
        "score_delta": 0,
        "status_target": null,
        "action_summary": null,
        "metadata": {
          "conditions": [
            {
              "field": "subject_email",
              "operator": "equals",
              "holds": false,
              "held": false,
              "value": null
            }
          ],
          "aggregations": []
        },
        "created_at": "[time]"
      }
    ]
    "#); }
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&json!([made["tags"], made["activities"][1]])), @r##"
    [
      [
        {
          "uuid": "[uuid]",
          "name": "Big",
          "color": "#ff0000",
          "description": null,
          "source": "custom"
        }
      ],
      {
        "uuid": "[uuid]",
        "activity_type": "TRANSACTION_NOTE_ADDED",
        "source": "RULE",
        "status": "APPROVED",
        "title": "Big",
        "description": "Look.",
        "metadata": {},
        "occurred_at": "[time]"
      }
    ]
    "##); }
    assert_eq!(server.client.get(&format!("{PATH}{}/", text(&made["uuid"]))).await.ok(200), made);
    assert_eq!(server.client.get(PATH).await.ok(200)["results"][0]["tags"], made["tags"]);
    // The tag is the same one the next time, however it is written.
    server.rule("Tag", json!({ "actions": [{ "type": "add_tags", "tag_name": "BIG" }] })).await;
    assert_eq!(server.transaction(small("t2")).await["tags"], made["tags"]);
    server.stop().await;
});

db_test!(scores_statuses_and_reasons_add_up, server => {
    let above = |amount: i64, actions: Value| json!({ "conditions": [{ "field": "amount", "operator": "gte", "value": amount }], "actions": actions });
    server.rule("Ten", above(10, json!([score(30)]))).await;
    server.rule("Hundred", above(100, json!([score(25)]))).await;
    server.rule("Thousand", above(1_000, json!([score(900)]))).await;
    server.rule("Exactly", json!({ "conditions": [{ "field": "amount", "operator": "eq", "value": "11.0" }], "actions": [status("DECLINED"), score(-50)] })).await;
    server.rule("Seen", json!({ "conditions": [{ "field": "score", "operator": "gte", "value": 55 }], "actions": [{ "type": "add_tags", "tag_name": "late" }] })).await;
    for (id, amount, expected) in [
        ("t1", "9", json!(["APPROVED", 0, null, null, null])),
        ("t2", "10", json!(["APPROVED", 30, "MEDIUM", null, null])),
        ("t3", "100", json!(["IN_REVIEW", 55, "HIGH", "RULE_MATCHED", "Ten"])),
        ("t4", "1000", json!(["DECLINED", 100, "CRITICAL", "RULE_MATCHED", "Ten"])),
        ("t5", "11", json!(["DECLINED", 0, "LOW", "RULE_MATCHED", "Exactly"])),
    ] {
        let made = server.transaction(of_amount(id, amount)).await;
        assert_eq!(outcome(&made), expected, "{amount}");
        let late = made["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == "late");
        assert_eq!(late, ["t3", "t4"].contains(&id), "a rule sees the score those before it made: {amount}");
    }
    let page = server.client.get(&format!("{RULES}?ordering=created_at")).await.ok(200);
    let counts = |place: usize| {
        let rule = &page["results"][place];
        json!([rule["run_count"], rule["approved_count"], rule["reviewed_count"], rule["declined_count"], rule["approved_pct"], rule["declined_pct"]])
    };
    assert_eq!(counts(0), json!([5, 1, 1, 2, 25.0, 50.0]));
    assert_eq!(counts(2), json!([5, 0, 0, 1, 0.0, 100.0]));
    assert!(page["results"][0]["latest_triggered_at"].is_string());
    // A person's word counts from then on.
    let reviewed = server.client.get(&format!("{PATH}?limit=200")).await.ok(200)["results"].as_array().unwrap().clone();
    let reviewed = reviewed.iter().find(|row| row["status"] == "IN_REVIEW").unwrap();
    let path = format!("/x/transactions/{}/", text(&reviewed["uuid"]));
    server.client.patch(&path, json!({ "status": "APPROVED" })).await.ok(200);
    let page = server.client.get(&format!("{RULES}?ordering=created_at")).await.ok(200);
    let rule = &page["results"][0];
    assert_eq!(json!([rule["run_count"], rule["approved_count"], rule["reviewed_count"]]), json!([5, 2, 0]));
    server.stop().await;
});

db_test!(a_rule_on_trial_only_writes_down, server => {
    let list = server.system_list("user").await;
    let actions = json!([score(90), status("DECLINED"), { "type": "add_tags", "tag_name": "t" }, { "type": "add_note", "note": "n" },
        { "type": "add_to_list", "list_id": list }]);
    server.rule("Trial", json!({ "mode": "TEST", "actions": actions })).await;
    let made = server.transaction(small("t1")).await;
    assert_eq!(outcome(&made), json!(["APPROVED", 0, null, null, null]));
    assert_eq!(json!([made["tags"], made["activities"].as_array().unwrap().len()]), json!([[], 1]));
    let run = &made["rule_runs"][0];
    let said = json!([run["matched"], run["is_test"], run["mode"], run["score_delta"], run["status_target"]]);
    assert_eq!(said, json!([true, true, "TEST", 90, "DECLINED"]));
    assert_eq!(server.client.get("/v3/users/ana/").await.ok(200)["status"], "ACTIVE");
    server.transaction(small("t2")).await;
    server.stop().await;
});

db_test!(blocklists_come_first_and_rules_run_all_the_same, server => {
    let list = server.system_list("email").await;
    server.add(&list, "ana@example.com").await;
    server.rule("Less", json!({ "actions": [score(-90), status("IN_REVIEW")] })).await;
    server.rule("Seen", json!({ "conditions": [{ "field": "score", "operator": "eq", "value": 10 }] })).await;
    let made = server.transaction(with("t1", json!({ "email": "ana@example.com" }), json!(null))).await;
    assert_eq!(outcome(&made), json!(["DECLINED", 100, "CRITICAL", "EMAIL_IN_BLOCKLIST", "Email in blocklist"]));
    assert_eq!(matched(&made), [true, true]);
    server.stop().await;
});

db_test!(lists_are_asked_by_the_rule_of_their_type, server => {
    let list = server.list("Countries", "custom", "country").await;
    let of_list = |operator: &str| json!({ "conditions": [{ "field": "subject_country", "operator": operator, "value_type": "list", "value": list }] });
    server.rule("In", of_list("in")).await;
    server.rule("Not in", of_list("not_in")).await;
    server.rule("As written", json!({ "conditions": [{ "field": "subject_country", "operator": "in", "value": ["de", "FRA"] }] })).await;
    let from = |id: &str, country: Value| with(id, json!({ "address": { "country": country } }), json!(null));
    let ask = async |id: &str, country: Value| matched(&server.transaction(from(id, country)).await);
    assert_eq!(ask("t1", json!("DE")).await, [false, true, true]);
    server.add(&list, "DEU").await;
    assert_eq!(ask("t2", json!("DE")).await, [true, false, true]);
    assert_eq!(ask("t3", json!("deu")).await, [true, false, true]);
    assert_eq!(ask("t4", json!("Germany")).await, [false, false, false], "no country: both are false");
    assert_eq!(ask("t5", json!(null)).await, [false, false, false]);
    server.client.delete(&format!("/v3/lists/{list}/")).await.ok(204);
    assert_eq!(ask("t6", json!("DE")).await, [false, true, true], "a list that is gone is empty");
    server.stop().await;
});

db_test!(a_subject_is_put_on_lists, server => {
    let receiver = Receiver::start().await;
    let body = json!({ "label": "w", "url": receiver.url(), "subscribed_events": ["user.status.updated", "transaction.created"] });
    server.client.post("/v3/webhook/destinations/", body).await.ok(201);
    let (users, watch) = (server.system_list("user").await, server.list("Watch", "custom", "key").await);
    let emails = server.list("Mail", "custom", "email").await;
    server.client.patch(&format!("/x/lists/{users}/"), json!({ "approval": { "policy": "always" } })).await.ok(200);
    let to = |list: &str| json!({ "type": "add_to_list", "list_id": list });
    let gone = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";
    let big = json!([{ "field": "amount", "operator": "gte", "value": 100 }]);
    server.rule("Block", json!({ "conditions": big, "actions": [to(&users), to(&watch), to(&emails), to(gone)] })).await;
    // A rule that reads what another writes does not see it within the same transaction.
    let watched = json!([{ "field": "subject_vendor_data", "operator": "in", "value_type": "list", "value": watch }]);
    server.rule("Watched", json!({ "conditions": watched, "actions": [to(&watch), score(10)] })).await;
    let made = server.transaction(of_amount("t1", "100")).await;
    assert_eq!((outcome(&made), matched(&made)), (json!(["APPROVED", 0, "LOW", null, null]), vec![true, false]));
    let entry = server.client.get(&format!("/v3/lists/{users}/entries/")).await.ok(200)["results"][0].clone();
    assert_eq!(json!([entry["value"], entry["added_by"]]), json!(["ana", "system"]));
    let user = server.client.get("/v3/users/ana/").await.ok(200);
    assert_eq!(user["status"], "BLOCKED");
    assert_eq!(server.client.get(&format!("/v3/lists/{emails}/")).await.ok(200)["entry_count"], 0, "no address");
    let told = receiver.wait_for(2).await;
    let told = told.iter().map(|received| received.json()).find(|payload| payload["webhook_type"] == "user.status.updated").unwrap();
    assert_eq!(json!([told["status"], told["previous_status"], told["reason"]]), json!(["BLOCKED", "ACTIVE", "transaction_rule"]));
    let refused = json!({ "vendor_data": ["The individual 'ana' is in the blocklist and cannot participate in transactions."] });
    server.client.post(PATH, small("t2")).await.is(400, refused);
    // Somebody else, who is watched already: nothing is added twice.
    server.add(&watch, "bob").await;
    let bob = json!({ "vendor_data": "bob" });
    let made = server.transaction(with("t3", bob.clone(), json!(null))).await;
    assert_eq!((matched(&made), &made["score"]), (vec![false, true], &json!(10)));
    assert_eq!(server.client.get(&format!("/v3/lists/{watch}/")).await.ok(200)["entry_count"], 2);
    server.stop().await;
});

db_test!(a_rule_sees_tags_by_the_names_they_have, server => {
    let tag = |more: Value| {
        let mut action = json!({ "type": "add_tags" });
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "actions": [action] })
    };
    server.rule("Makes", tag(json!({ "tag_name": "Hot" }))).await;
    let made = server.transaction(small("t1")).await;
    let hot = made["tags"][0]["uuid"].clone();
    server.client.delete(&format!("{RULES}{}/", text(&server.client.get(RULES).await.ok(200)["results"][0]["uuid"]))).await.ok(204);
    let asks = json!({ "conditions": [{ "field": "tags", "operator": "eq", "value": "Hot" }] });
    for (n, by) in [json!({ "tag_uuid": hot }), json!({ "tag_name": "HOT" })].into_iter().enumerate() {
        let first = server.rule(&format!("Puts {n}"), tag(by)).await;
        let second = server.rule(&format!("Asks {n}"), asks.clone()).await;
        let made = server.transaction(small(&format!("u{n}"))).await;
        assert_eq!((matched(&made), &made["tags"][0]["name"]), (vec![true, true], &json!("Hot")));
        for rule in [first, second] {
            server.client.delete(&format!("{RULES}{rule}/")).await.ok(204);
        }
    }
    server.stop().await;
});

db_test!(nobody_waits_for_somebody_who_has_just_been_blocked, server => {
    let users = server.system_list("user").await;
    let actions = json!([{ "type": "add_to_list", "list_id": users }, { "type": "change_status", "value": "AWAITING_USER" }]);
    server.rule("Block and wait", json!({ "actions": actions })).await;
    let made = server.transaction(small("t1")).await;
    assert_eq!(json!([made["status"], made["remediation"], made["action_required"]]), json!(["AWAITING_USER", null, null]));
    assert_eq!(server.client.get("/v3/sessions/").await.ok(200)["count"], 0);
    server.stop().await;
});

db_test!(a_business_is_not_its_namesake, server => {
    let (users, businesses) = (server.system_list("user").await, server.system_list("business").await);
    let to = |list: &str| json!({ "type": "add_to_list", "list_id": list });
    server.rule("Block", json!({ "actions": [to(&users), to(&businesses)] })).await;
    server.client.post("/v3/users/create/", json!({ "vendor_data": "acme" })).await.ok(201);
    server.transaction(with("t1", json!({ "vendor_data": "acme", "entity_type": "company" }), json!(null))).await;
    for path in ["/v3/users/acme/", "/v3/businesses/acme/"] {
        assert_eq!(server.client.get(path).await.ok(200)["status"], "BLOCKED", "{path}");
    }
    server.stop().await;
});

db_test!(who_is_waited_for_gets_a_session, server => {
    let workflow = server.workflow_of(json!([{ "feature": "OCR" }])).await;
    let wait = |more: Value| {
        let mut action = json!({ "type": "change_status", "value": "AWAITING_USER" });
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "actions": [action] })
    };
    let rule = server.rule("Wait", wait(json!({ "workflow_id": workflow }))).await;
    let made = server.transaction(small("t1")).await;
    assert_eq!(outcome(&made), json!(["AWAITING_USER", 0, "LOW", "RULE_MATCHED", "Wait"]));
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&json!([made["remediation"], made["action_required"]])), @r#"
    [
      {
        "session_id": "[uuid]",
        "session_token": "[token]",
        "url": "[server]/session/[token]",
        "status": "Not Started"
      },
      {
        "type": "verification_session",
        "session_id": "[uuid]",
        "session_token": "[token]",
        "url": "[server]/session/[token]",
        "status": "Not Started"
      }
    ]
    "#); }
    let session = text(&made["remediation"]["session_id"]);
    let decision = server.client.get(&format!("/v3/session/{session}/decision/")).await.ok(200);
    assert_eq!(json!([decision["vendor_data"], decision["workflow_id"]]), json!(["ana", workflow]));
    assert_eq!(server.client.get("/v3/users/ana/").await.ok(200)["session_count"], 1);
    // Without a workflow it is the default one; one that is gone, or for companies, makes no session.
    let path = format!("{RULES}{rule}/");
    server.client.patch(&path, wait(json!({}))).await.ok(200);
    assert!(server.transaction(small("t2")).await["remediation"]["session_id"].is_string());
    server.client.patch(&path, wait(json!({ "workflow_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10" }))).await.ok(200);
    let made = server.transaction(small("t3")).await;
    assert_eq!(json!([made["status"], made["remediation"], made["action_required"]]), json!(["AWAITING_USER", null, null]));
    // Whoever is declined is not waited for.
    server.rule("Decline", json!({ "actions": [status("DECLINED")] })).await;
    server.client.patch(&path, wait(json!({ "workflow_id": workflow }))).await.ok(200);
    let made = server.transaction(small("t4")).await;
    assert_eq!(json!([made["status"], made["decision_reason_label"], made["remediation"]]), json!(["DECLINED", "Decline", null]));
    assert_eq!(server.client.get("/v3/sessions/").await.ok(200)["count"], 2);
    server.stop().await;
});

db_test!(roles_without_personal_data_see_no_values, server => {
    let condition = json!([{ "field": "subject_vendor_data", "operator": "eq", "value": "ana" }]);
    server.rule("About Ana", json!({ "conditions": condition, "actions": [{ "type": "add_note", "note": "Ana again" }] })).await;
    let made = server.transaction(small("t1")).await;
    let reader = server.member("lea@acme.example", Role::Reader).await;
    for path in [RULES.to_owned(), format!("{PATH}{}/", text(&made["uuid"])), format!("{RULES}library/")] {
        let seen = reader.get(&path).await.ok(200).to_string().to_lowercase();
        assert!(!seen.contains("ana"), "{path}: {seen}");
        assert!(path.ends_with("library/") || seen.contains("active"), "{path}: {seen}");
    }
    server.stop().await;
});
