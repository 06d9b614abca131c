//! Status rules of workflows, with lists: what a condition says about a session (contract, sessions §6.4, lists §11).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Engine, Server, database::Place, process::Process, text},
};

fn rule(field: &str, operator: &str, value: Value, status: &str) -> Value {
    json!({ "field": field, "operator": operator, "value": value, "status": status })
}

fn of_list(field: &str, operator: &str, list: &str, status: &str) -> Value {
    json!({ "field": field, "operator": operator, "value_type": "list", "value": list, "status": status })
}

fn document(state: &str) -> Value {
    json!({ "id_verifications": [{ "issuing_state": state, "first_name": "Ana", "age": 30 }] })
}

/// A workflow that reads a document, with these rules.
async fn workflow(server: &Server, rules: Value) -> String {
    let body = json!({ "features": [{ "feature": "OCR", "config": { "status_rules": rules } }] });
    text(&server.client.post("/v3/workflows/", body).await.ok(201)["workflow_id"])
}

/// How a document of this state is decided by the workflow.
async fn decided(server: &Server, workflow: &str, state: &str) -> String {
    let session = server.session_of(workflow).await;
    text(&server.evidence(&session, document(state)).await["status"])
}

db_test!(a_country_on_a_list_declines, server => {
    let list = server.system_list("country").await;
    let workflow = workflow(&server, json!([of_list("kyc.issuing_state", "in", &list, "Declined")])).await;
    assert_eq!(decided(&server, &workflow, "ESP").await, "Approved");
    let entry = server.add(&list, "es").await;
    assert_eq!(decided(&server, &workflow, "ESP").await, "Declined", "in force with the next call");
    assert_eq!(decided(&server, &workflow, "FRA").await, "Approved");
    let session = server.session_of(&workflow).await;
    let item = server.evidence(&session, document("ESP")).await["id_verifications"][0].clone();
    assert_eq!((&item["status"], &item["warnings"]), (&json!("Declined"), &json!([])), "a rule is no warning");
    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
    assert_eq!(decided(&server, &workflow, "ESP").await, "Approved");
    server.stop().await;
});

db_test!(a_key_of_the_callers_own, server => {
    let list = server.list("bad partners", "custom", "key").await;
    server.add(&list, "Partner-7").await;
    let rules = json!([of_list("session.metadata.partner", "equals", &list, "In Review"), of_list("session.vendor_data", "in", &list, "Declined")]);
    let workflow = workflow(&server, rules).await;
    for (metadata, vendor_data, status) in [
        (json!({ "partner": "partner-7" }), "x", "In Review"),
        (json!({ "partner": "partner-8" }), "x", "Approved"),
        (json!({ "partner": ["a", "PARTNER-7"] }), "x", "In Review"),
        (json!({}), "x", "Approved"),
        (json!("partner-7"), "x", "Approved"),
        (json!({}), "partner-7", "Declined"),
        (json!({ "partner": "partner-7" }), "partner-7", "In Review"),
    ] {
        let body = json!({ "workflow_id": workflow, "metadata": metadata, "vendor_data": vendor_data });
        let session = text(&server.client.post("/v3/session/", body).await.ok(201)["session_id"]);
        assert_eq!(server.evidence(&session, document("ESP")).await["status"], status, "{metadata} {vendor_data}");
    }
    server.stop().await;
});

db_test!(patterns_are_few, server => {
    let ten: Vec<Value> = (0..10).map(|n| rule("kyc.first_name", "regex", json!(format!("^{n}")), "Declined")).collect();
    let mut eleven = ten.clone();
    eleven.push(rule("kyc.first_name", "regex", json!("x"), "Declined"));
    let body = json!({ "features": [{ "feature": "OCR", "config": { "status_rules": eleven } }] });
    let refused = json!({ "features": ["Invalid value for 'status_rules' in feature 'OCR'."] });
    server.client.post("/v3/workflows/", body).await.is(400, refused);
    let session = server.session_of(&workflow(&server, json!(ten)).await).await;
    let items = |count: usize| json!({ "id_verifications": vec![json!({ "first_name": "Ana", "node_id": "feature_ocr_1" }); count], "complete": false });
    let before = server.counts().await;
    let refused = json!({ "detail": "The patterns in this workflow's status rules cannot be asked of so many items at once. Send fewer items per call." });
    server.client.post(&format!("/x/sessions/{session}/evidence/"), items(21)).await.is(400, refused);
    assert_eq!(server.counts().await, before);
    server.client.post(&format!("/x/sessions/{session}/evidence/"), items(20)).await.ok(200);
    server.stop().await;
});

db_test!(every_type_of_list_can_be_asked, server => {
    let ranges = server.list("offices", "custom", "ip_address").await;
    server.add(&ranges, "10.0.0.0/8").await;
    let phones = server.list("phones", "custom", "phone").await;
    server.add(&phones, "+1 415 555 2671").await;
    let body = json!({ "features": [
        { "feature": "PHONE_VERIFICATION", "config": { "status_rules": [of_list("phone.full_number", "in", &phones, "In Review")] } },
        { "feature": "IP_ANALYSIS", "config": { "status_rules": [of_list("ip.ip_address", "not_in", &ranges, "Declined")] } },
    ] });
    let workflow = text(&server.client.post("/v3/workflows/", body).await.ok(201)["workflow_id"]);
    for (phone, address, status) in [
        ("+442079460018", "10.1.2.3", "Approved"),
        ("+14155552671", "10.1.2.3", "In Review"),
        ("+442079460018", "192.0.2.7", "Declined"),
    ] {
        let session = server.session_of(&workflow).await;
        let evidence = json!({ "phone_verifications": [{ "full_number": phone }], "ip_analyses": [{ "ip_address": address }] });
        assert_eq!(server.evidence(&session, evidence).await["status"], status, "{phone} {address}");
    }
    server.stop().await;
});

db_test!(a_list_that_is_gone_is_empty, server => {
    let (list, theirs) = (server.list("risky", "custom", "country").await, server.foreign_client().await);
    let foreign = text(&theirs.get("/v3/lists/?entry_type=country").await.ok(200)["results"][0]["uuid"]);
    theirs.post(&format!("/v3/lists/{foreign}/entries/"), json!({ "value": "ESP" })).await.ok(201);
    server.add(&list, "ESP").await;
    let ours = workflow(&server, json!([of_list("kyc.issuing_state", "in", &list, "Declined"), of_list("kyc.issuing_state", "not_in", &list, "In Review")])).await;
    let of_theirs = workflow(&server, json!([of_list("kyc.issuing_state", "in", &foreign, "Declined")])).await;
    assert_eq!(decided(&server, &ours, "ESP").await, "Declined");
    assert_eq!(decided(&server, &of_theirs, "ESP").await, "Approved", "a foreign list is as good as none");
    server.client.delete(&format!("/v3/lists/{list}/")).await.ok(204);
    assert_eq!(decided(&server, &ours, "ESP").await, "In Review");
    server.stop().await;
});

db_test!(the_first_rule_that_has_a_status_decides, server => {
    for (rules, status) in [
        (json!([rule("kyc.issuing_state", "equals", json!("ESP"), "In Review"), rule("kyc.age", "gte", json!(18), "Declined")]), "In Review"),
        (json!([rule("kyc.issuing_state", "equals", json!("ESP"), "No Action"), rule("kyc.age", "gte", json!(18), "Declined")]), "Declined"),
        (json!([rule("kyc.issuing_state", "equals", json!("FRA"), "Declined")]), "Approved"),
        (json!([rule("kyc.issuing_state", "regex", json!("^(ESP|FRA)$"), "Declined")]), "Declined"),
        (json!([rule("kyc.last_name", "is_empty", json!(null), "In Review")]), "In Review"),
        (json!([rule("kyc.last_name", "not_equals", json!("x"), "Declined")]), "Approved"),
    ] {
        let workflow = workflow(&server, rules.clone()).await;
        assert_eq!(decided(&server, &workflow, "ESP").await, status, "{rules}");
    }
    server.stop().await;
});

db_test!(approved_takes_back_a_review_and_no_error, server => {
    let workflow = workflow(&server, json!([rule("kyc.issuing_state", "equals", json!("ESP"), "Approved")])).await;
    for (risk, sent, status) in [
        ("DATA_INCONSISTENT", json!(null), "Approved"),
        ("DOCUMENT_EXPIRED", json!(null), "Declined"),
        ("DATA_INCONSISTENT", json!("In Review"), "In Review"),
    ] {
        let session = server.session_of(&workflow).await;
        let evidence = json!({ "id_verifications": [{ "issuing_state": "ESP", "status": sent, "warnings": [{ "risk": risk }] }] });
        assert_eq!(server.evidence(&session, evidence).await["status"], status, "{risk} {sent}");
    }
    server.stop().await;
});

db_test!(rules_see_other_features_of_the_same_call_and_of_earlier_ones, server => {
    let body = json!({ "features": [
        { "feature": "OCR", "config": { "status_rules": [json!({
            "field": "kyc.issuing_state", "operator": "not_equals", "value_type": "field", "value": "session.expected_details.country", "status": "In Review",
        })] } },
        { "feature": "PHONE_VERIFICATION", "config": { "status_rules": [
            rule("kyc.status", "equals", json!("In Review"), "Declined"), rule("phone.warnings.risk", "contains", json!("VOIP"), "In Review"),
        ] } },
    ] });
    let workflow = text(&server.client.post("/v3/workflows/", body).await.ok(201)["workflow_id"]);
    let phone = json!([{ "full_number": "+14155552671" }]);
    for (state, phones, status) in [
        ("ESP", &phone, "Approved"),
        ("FRA", &phone, "Declined"),
        ("ESP", &json!([{ "full_number": "+14155552671", "warnings": [{ "risk": "VOIP_NUMBER_DETECTED" }] }]), "In Review"),
    ] {
        for at_once in [true, false] {
            let body = json!({ "workflow_id": workflow, "expected_details": { "country": "ESP" } });
            let session = text(&server.client.post("/v3/session/", body).await.ok(201)["session_id"]);
            let mut evidence = document(state);
            if !at_once {
                evidence["complete"] = json!(false);
                server.evidence(&session, evidence).await;
                evidence = json!({});
            }
            evidence["phone_verifications"] = phones.clone();
            assert_eq!(server.evidence(&session, evidence).await["status"], status, "{state} {phones} {at_once}");
        }
    }
    server.stop().await;
});

db_test!(a_list_changed_between_two_calls_and_while_one_is_under_way, server => {
    let list = server.system_list("country").await;
    let workflow = workflow(&server, json!([of_list("kyc.issuing_state", "in", &list, "Declined")])).await;
    let session = server.session_of(&workflow).await;
    let mut first = document("FRA");
    first["complete"] = json!(false);
    assert_eq!(server.evidence(&session, first).await["id_verifications"][0]["status"], "Approved");
    server.add(&list, "FRA").await;
    let mut again = document("FRA");
    again["id_verifications"][0]["node_id"] = json!("feature_ocr_1");
    let decision = server.evidence(&session, again).await;
    let statuses: Vec<&Value> = decision["id_verifications"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!((statuses, &decision["status"]), (vec![&json!("Approved"), &json!("Declined")], &json!("Declined")), "what was recorded stays as it was");

    // Whoever was answered 201 before a call began is seen by it, however busy both are.
    for n in 0..20 {
        let (adding, path) = (server.client.clone(), format!("/v3/lists/{list}/entries/"));
        let others = tokio::spawn(async move {
            for code in ["DEU", "ITA", "PRT"] {
                let entry = adding.post(&path, json!({ "value": code })).await.ok(201)["uuid"].clone();
                adding.delete(&format!("{path}{}/", text(&entry))).await.ok(204);
            }
        });
        let entry = server.add(&list, "ESP").await;
        assert_eq!(decided(&server, &workflow, "ESP").await, "Declined", "{n}");
        others.await.unwrap();
        server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await;
        assert_eq!(decided(&server, &workflow, "ESP").await, "Approved", "{n}");
    }
    server.stop().await;
});

db_test!(a_held_entry_sends_to_review, server => {
    let list = server.system_list("phone").await;
    let entry = server.add(&list, "+14155552671").await;
    let rules = json!([of_list("session.metadata.phone", "in", &list, "Declined")]);
    let workflow = workflow(&server, rules).await;
    let status = async || {
        let body = json!({ "workflow_id": workflow, "metadata": { "phone": "+1 415 555 2671" } });
        let session = text(&server.client.post("/v3/session/", body).await.ok(201)["session_id"]);
        text(&server.evidence(&session, document("ESP")).await["status"])
    };
    assert_eq!(status().await, "Declined");
    server.client.patch(&format!("/x/lists/{list}/entries/{entry}/"), json!({ "held": true })).await.ok(200);
    assert_eq!(status().await, "In Review");
    server.stop().await;
});

db_test!(what_only_a_condition_met_is_counted, server => {
    let list = server.system_list("country").await;
    let entry = server.add(&list, "ESP").await;
    let workflow = workflow(&server, json!([of_list("kyc.issuing_state", "in", &list, "Declined")])).await;
    for _ in 0..3 {
        decided(&server, &workflow, "ESP").await;
    }
    let path = format!("/x/lists/{list}/entries/{entry}/");
    crate::harness::eventually("three hits", || async {
        (server.client.get(&path).await.ok(200)["hit_count"] == 3).then_some(())
    })
    .await;
    server.stop().await;
});

db_test!(a_preview_sees_what_only_a_condition_sees, server => {
    let list = server.system_list("country").await;
    let entry = server.add(&list, "FRA").await;
    let workflow = workflow(&server, json!([of_list("kyc.issuing_state", "in", &list, "Declined")])).await;
    for state in ["ESP", "ESP", "FRA", "ITA"] {
        decided(&server, &workflow, state).await;
    }
    let changes = json!([{ "op": "add", "list": list, "value": "es" }, { "op": "remove", "list": list, "value": "FRA" }, { "op": "add", "list": list, "value": "PRT" }]);
    let before = server.counts().await;
    let answer = server.client.post("/x/lists/preview/", json!({ "changes": changes })).await.ok(200);
    assert_eq!(server.counts().await, before, "nothing is written");
    assert_eq!(answer["sessions"]["by_status"], json!([
        { "from": "Approved", "to": "Declined", "count": 2 }, { "from": "Declined", "to": "Approved", "count": 1 },
    ]));
    assert_eq!((&answer["sessions"]["considered"], &answer["sessions"]["complete"]), (&json!(3), &json!(true)));
    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
    server.stop().await;
});

async fn declines_automatically(server: &Server, workflow: &str, person: &str) {
    let body = json!({ "workflow_id": workflow, "vendor_data": person });
    decline_automatically(server, &text(&server.client.post("/v3/session/", body).await.ok(201)["session_id"])).await;
}

async fn decline_automatically(server: &Server, session: &str) {
    let evidence = json!({
        "id_verifications": [{ "document_number": "AB 123", "warnings": [{ "risk": "DOCUMENT_EXPIRED" }] }],
        "email_verifications": [{ "email": "bad@example.com" }, { "email": "worse@example.com" }],
    });
    assert_eq!(server.evidence(session, evidence).await["status"], "Declined");
}

db_test!(a_decline_blocks_what_was_shown_where_the_workflow_says_so, server => {
    let body = json!({ "features": [{ "feature": "OCR" }] });
    let made = server.client.post("/v3/workflows/", body).await.ok(201);
    let (workflow, settings) = (text(&made["workflow_id"]), format!("/x/workflows/{}/", text(&made["uuid"])));
    let blocked = async || {
        let mut values = Vec::new();
        for entry_type in ["document", "phone", "email", "user"] {
            let list = server.system_list(entry_type).await;
            for row in server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["results"].as_array().unwrap() {
                assert_eq!(row["added_by"], "system");
                values.push(text(&row["value"]));
            }
        }
        values
    };
    declines_automatically(&server, &workflow, "ana").await;
    assert_eq!(blocked().await, Vec::<String>::new(), "off unless somebody says so");
    let on = server.client.patch(&settings, json!({ "auto_blocklist_on_decline": true })).await.ok(200);
    assert_eq!((&on["auto_blocklist_on_decline"], &on["uuid"]), (&json!(true), &made["uuid"]));
    let by_hand = server.finished("In Review").await;
    server.client.post(&format!("/v3/sessions/{by_hand}/reviews/"), json!({ "new_status": "Declined" })).await.ok(201);
    assert_eq!(blocked().await, Vec::<String>::new(), "a person's decline blocks nothing");
    declines_automatically(&server, &workflow, "ana").await;
    assert_eq!(blocked().await, ["ab 123", "worse@example.com", "ana"]);
    let again = json!({ "workflow_id": workflow, "vendor_data": "ana" });
    let refused = json!({ "vendor_data": "This user or business has been blocked and cannot create new verification sessions." });
    server.client.post("/v3/session/", again).await.is(400, refused);
    declines_automatically(&server, &workflow, "ben").await;
    assert_eq!(blocked().await, ["ab 123", "worse@example.com", "ben", "ana"], "what is there already stays as it is");
    // The application's switch holds where the workflow has none; false wins over it.
    server.sql("UPDATE applications SET auto_blocklist_on_decline = $1", vec![true.into()]).await;
    server.client.patch(&settings, json!({ "auto_blocklist_on_decline": false })).await.ok(200);
    declines_automatically(&server, &workflow, "cleo").await;
    assert_eq!(blocked().await.len(), 4);
    server.client.patch(&settings, json!({ "auto_blocklist_on_decline": null })).await.ok(200);
    declines_automatically(&server, &workflow, "dan").await;
    assert_eq!(blocked().await.len(), 5);
    server.client.patch(&settings, json!({ "auto_blocklist_on_decline": "perhaps" })).await
        .is(400, json!({ "auto_blocklist_on_decline": ["Must be a valid boolean."] }));
    // The workflow's word stays with a session whose version is gone.
    server.client.patch(&settings, json!({ "auto_blocklist_on_decline": false })).await.ok(200);
    let session = server.session_with(json!({ "workflow_id": workflow, "vendor_data": "eve" })).await;
    let next = server.client.patch(&format!("/v3/workflows/{workflow}/"), json!({ "status": "published" })).await.ok(200);
    assert_eq!(next["version"], 2);
    server.client.delete(&format!("/v3/workflows/{}/", text(&made["uuid"]))).await.ok(204);
    decline_automatically(&server, &session).await;
    assert_eq!(blocked().await.len(), 5);
    server.stop().await;
});

/// Two processes on one database: a list changed in one is seen by the conditions of the other at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_of_two_processes_see_the_same_lists() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = tokio::join!(Process::serve(&place), Process::serve(&place));
    let clients = [first.client(), second.client()];
    let lists = clients[1].get("/v3/lists/?entry_type=country").await.ok(200);
    let list = text(&lists["results"][0]["uuid"]);
    let rules = json!([of_list("kyc.issuing_state", "in", &list, "Declined")]);
    let body = json!({ "features": [{ "feature": "OCR", "config": { "status_rules": rules } }] });
    let workflow = clients[0].post("/v3/workflows/", body).await.ok(201)["workflow_id"].clone();
    for n in 0..20 {
        let (here, there) = (&clients[n % 2], &clients[(n + 1) % 2]);
        let path = format!("/v3/lists/{list}/entries/");
        let entry = text(&here.post(&path, json!({ "value": "ESP" })).await.ok(201)["uuid"]);
        for (client, status) in [(there, "Declined"), (here, "Approved")] {
            let session = text(&client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
            let decision = client.post(&format!("/x/sessions/{session}/evidence/"), document("ESP")).await.ok(200);
            assert_eq!(decision["status"], status, "{n}");
            if status == "Declined" {
                there.delete(&format!("{path}{entry}/")).await.ok(204);
            }
        }
    }
    first.stop().await;
    second.stop().await;
}
