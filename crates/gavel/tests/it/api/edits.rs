//! `PATCH /v3/session/{session_id}/update-data/` and `…/update-poa-data/`.

use gavel_core::session::SessionStatus;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, inside::bodies, shown, text},
};

const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";

fn data(session: &str) -> String {
    format!("/v3/session/{session}/update-data/")
}

fn poa(session: &str) -> String {
    format!("/v3/session/{session}/update-poa-data/")
}

/// A finished session with two documents and a proof of address.
async fn documents(server: &Server) -> String {
    let decision = server.session_with_evidence(json!({
        "id_verifications": [
            { "document_type": "Passport", "document_number": "X-1", "first_name": "Ana", "last_name": "Ruiz" },
            {
                "document_type": "ID", "document_number": "Y-2", "first_name": "Ana", "last_name": "Ruis", "issuing_state": "PRT",
                "extra_fields": { "blood_group": "A+" }, "parsed_address": { "city": "Madird", "formatted_address": "Madrid, Spain" },
            },
        ],
        "poa_verifications": [{
            "document_type": "UTILITY_BILL", "issuer": "Acme", "issue_date": "2026-01-02", "poa_formatted_address": "1 Main St",
            "extra_fields": { "additional_names": ["Eva"] },
        }],
    }));
    text(&decision.await["session_id"])
}

db_test!(a_document_is_corrected, server => {
    let session = documents(&server).await;
    let before = server.decision(&session).await;
    let path = data(&session);
    let answer = server.client.patch(&path, json!({
        "last_name": "Ruiz", "issuing_state": "ESP", "document_type": "VISA", "gender": "F", "date_of_birth": "1990-02-28",
        "extra_fields": { "blood_group": null, "own": [1.50] }, "parsed_address": { "city": "Madrid", "country": "ES" },
        "nationality": "ESP", "unknown": 1,
    }));
    let answer = answer.await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer), @r#"
        {
          "document_type": "VISA",
          "document_subtype": null,
          "document_number": "Y-2",
          "personal_number": null,
          "date_of_birth": "1990-02-28",
          "date_of_issue": null,
          "expiration_date": null,
          "issuing_state": "ESP",
          "first_name": "Ana",
          "last_name": "Ruiz",
          "gender": "F",
          "address": null,
          "place_of_birth": null,
          "nationality": "ESP",
          "marital_status": null,
          "extra_fields": {
            "own": [
              1.5
            ]
          },
          "parsed_address": {
            "address_type": null,
            "city": "Madrid",
            "region": null,
            "street_1": null,
            "street_2": null,
            "postal_code": null,
            "country": "ES",
            "formatted_address": "Madrid, Spain"
          },
          "full_name": "Ana Ruiz",
          "issuing_state_name": "Spain"
        }
        "#); }
    let row = &server.feed(&session).await[0];
    insta::allow_duplicates! { insta::assert_snapshot!(shown(row), @r#"
        {
          "uuid": "[uuid]",
          "activity_type": "KYC_DATA_UPDATED",
          "actor_display": "API Client",
          "actor_email": null,
          "actor_type": "API_KEY",
          "previous_status": null,
          "new_status": null,
          "comment": null,
          "mentioned_emails": [],
          "previous_value": {
            "document_type": "ID",
            "date_of_birth": null,
            "issuing_state": "PRT",
            "last_name": "Ruis",
            "gender": null,
            "nationality": null,
            "extra_fields": {
              "blood_group": "A+"
            },
            "parsed_address": {
              "address_type": null,
              "city": "Madird",
              "region": null,
              "street_1": null,
              "street_2": null,
              "postal_code": null,
              "country": null
            }
          },
          "new_value": {
            "document_type": "VISA",
            "date_of_birth": "1990-02-28",
            "issuing_state": "ESP",
            "last_name": "Ruiz",
            "gender": "F",
            "nationality": "ESP",
            "extra_fields": {
              "own": [
                1.5
              ]
            },
            "parsed_address": {
              "address_type": null,
              "city": "Madrid",
              "region": null,
              "street_1": null,
              "street_2": null,
              "postal_code": null,
              "country": "ES"
            }
          },
          "changed_fields": [
            "document_type",
            "date_of_birth",
            "issuing_state",
            "last_name",
            "gender",
            "nationality",
            "extra_fields",
            "parsed_address"
          ],
          "metadata": {
            "node_id": "feature_ocr_2"
          },
          "created_at": "[time]"
        }
        "#); }

    let after = server.decision(&session).await;
    let (was, is) = (&before["id_verifications"], &after["id_verifications"]);
    assert_eq!(is[0], was[0], "without a node the most recent one");
    let is = &is[1];
    assert_eq!((&is["full_name"], &is["issuing_state_name"], &is["document_type"]), (&json!("Ana Ruiz"), &json!("Spain"), &json!("Other")));
    assert_eq!((&is["extra_fields"], &is["parsed_address"]["city"]), (&json!({ "own": [1.50] }), &json!("Madrid")));
    assert_eq!(is["parsed_address"].as_object().unwrap().len(), 13, "all members of the contract");
    for member in ["status", "warnings", "matches", "document_number"] {
        assert_eq!(is[member], was[1][member], "{member}");
    }
    assert_eq!(after["status"], before["status"]);
    for (query, count) in [("document_type=VISA", 1), ("document_type=ID", 0), ("country=ES", 1), ("search=ana%20ruiz", 1), ("search=ruis", 0)] {
        assert_eq!(server.client.get(&format!("/v3/sessions/?{query}")).await.ok(200)["count"], count, "{query}");
    }
    server.stop().await;
});

db_test!(a_proof_of_address_is_corrected, server => {
    let session = documents(&server).await;
    let path = poa(&session);
    let answer = server.client.patch(&path, json!({
        "issuing_state": "ESP", "document_type": "BANK_STATEMENT", "document_language": "es", "issuer": null, "issue_date": "2026-01-03",
        "poa_address": "1 Main Street", "name_on_document": "Ana Ruiz", "extra_fields": { "additional_names": ["Eva", "Leo"], "bank_iban": "ES91" },
        "poa_parsed_address": { "street_1": "1 Main Street" },
    }));
    let answer = answer.await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer), @r#"
        {
          "issuing_state": "ESP",
          "document_type": "BANK_STATEMENT",
          "document_language": "es",
          "issuer": null,
          "issue_date": "2026-01-03",
          "poa_address": "1 Main Street",
          "name_on_document": "Ana Ruiz",
          "extra_fields": {
            "bank_account_number": null,
            "bank_iban": "ES91",
            "bank_sort_code": null,
            "bank_routing_number": null,
            "bank_swift_bic": null,
            "bank_branch_name": null,
            "bank_branch_address": null,
            "document_phone_number": null,
            "additional_names": [
              "Eva",
              "Leo"
            ]
          },
          "poa_parsed_address": {
            "address_type": null,
            "city": null,
            "region": null,
            "street_1": "1 Main Street",
            "street_2": null,
            "postal_code": null,
            "country": null,
            "formatted_address": "1 Main St"
          },
          "poa_formatted_address": "1 Main St"
        }
        "#); }
    let row = &server.feed(&session).await[0];
    insta::allow_duplicates! { insta::assert_snapshot!(shown(row), @r#"
        {
          "uuid": "[uuid]",
          "activity_type": "POA_DATA_UPDATED",
          "actor_display": "API Client",
          "actor_email": null,
          "actor_type": "API_KEY",
          "previous_status": null,
          "new_status": null,
          "comment": null,
          "mentioned_emails": [],
          "previous_value": {
            "issuing_state": null,
            "document_type": "UTILITY_BILL",
            "document_language": null,
            "issuer": "Acme",
            "issue_date": "2026-01-02",
            "poa_address": null,
            "name_on_document": null,
            "extra_fields": {
              "bank_account_number": null,
              "bank_iban": null,
              "bank_sort_code": null,
              "bank_routing_number": null,
              "bank_swift_bic": null,
              "bank_branch_name": null,
              "bank_branch_address": null,
              "document_phone_number": null,
              "additional_names": [
                "Eva"
              ]
            },
            "poa_parsed_address": null
          },
          "new_value": {
            "issuing_state": "ESP",
            "document_type": "BANK_STATEMENT",
            "document_language": "es",
            "issuer": null,
            "issue_date": "2026-01-03",
            "poa_address": "1 Main Street",
            "name_on_document": "Ana Ruiz",
            "extra_fields": {
              "bank_account_number": null,
              "bank_iban": "ES91",
              "bank_sort_code": null,
              "bank_routing_number": null,
              "bank_swift_bic": null,
              "bank_branch_name": null,
              "bank_branch_address": null,
              "document_phone_number": null,
              "additional_names": [
                "Eva",
                "Leo"
              ]
            },
            "poa_parsed_address": {
              "address_type": null,
              "city": null,
              "region": null,
              "street_1": "1 Main Street",
              "street_2": null,
              "postal_code": null,
              "country": null
            }
          },
          "changed_fields": [
            "issuing_state",
            "document_type",
            "document_language",
            "issuer",
            "issue_date",
            "poa_address",
            "name_on_document",
            "extra_fields",
            "poa_parsed_address"
          ],
          "metadata": {
            "node_id": "feature_poa_1"
          },
          "created_at": "[time]"
        }
        "#); }
    let item = &server.decision(&session).await["poa_verifications"][0];
    assert_eq!((&item["issuer"], &item["extra_fields"]["bank_iban"], &item["status"]), (&json!(null), &json!("ES91"), &json!("Approved")));
    assert_eq!(item["poa_parsed_address"].as_object().unwrap().len(), 8);
    server.stop().await;
});

db_test!(each_edit_tells_once, server => {
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let session = documents(&server).await;
    receiver.wait_for(2).await;
    let start = server.counts().await;
    let counted = async |what: &str, events: i64, rows: i64, audits: i64| {
        let counts = server.counts().await;
        let more = |table: &str| counts[table] - start[table];
        assert_eq!((more("events"), more("activities"), more("audit_events"), more("versions")), (events, rows, audits, events), "{what}");
    };
    server.client.patch(&data(&session), json!({})).await.ok(200);
    server.client.patch(&data(&session), json!({ "marital_status": null, "x": 1, "node_id": "feature_ocr_1" })).await.ok(200);
    server.client.patch(&poa(&session), json!({ "document_type": null })).await.ok(200);
    server.client.patch(&poa(&session), json!({ "issuer": "Acme", "extra_fields": { "additional_names": ["Eva"] } })).await.ok(200);
    counted("nothing", 0, 0, 0).await;
    server.client.patch(&data(&session), json!({ "last_name": "Ruis", "parsed_address": {} })).await.ok(200);
    counted("equal values of a document", 1, 0, 1).await;
    server.client.patch(&data(&session), json!({ "last_name": "Ruiz", "document_type": "Identity Card" })).await.ok(200);
    counted("a changed document", 2, 1, 2).await;
    server.client.patch(&poa(&session), json!({ "issuer": "Acme Ltd" })).await.ok(200);
    counted("a changed proof of address", 3, 2, 3).await;
    let sent: Vec<Value> = receiver.wait_for(5).await.iter().map(|sent| sent.json()).skip(2).collect();
    let fields: Vec<&Value> = sent.iter().map(|sent| &sent["changed_fields"]).collect();
    assert_eq!(fields, [&json!([]), &json!(["last_name"]), &json!(["issuer"])]);
    for event in &sent {
        assert_eq!((&event["webhook_type"], &event["trigger"], &event["status"]), (&json!("data.updated"), &json!("manual_review"), &json!("Approved")));
        assert_eq!(event["decision"]["session_id"], json!(session));
    }
    assert_eq!(sent[1]["decision"]["id_verifications"][1]["full_name"], "Ana Ruiz");
    let events = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    let kinds: Vec<String> = events["events"].as_array().unwrap().iter().map(|event| text(&event["type"])).collect();
    assert_eq!(kinds, ["SESSION_CREATED", "SESSION_STARTED", "STATUS_CHANGED", "DATA_UPDATED", "DATA_UPDATED"]);
    assert_eq!(events["events"][4]["details"], json!({ "node_id": "feature_poa_1", "changed_fields": ["issuer"] }));
    server.stop().await;
});

db_test!(at_the_same_time_take_turns, server => {
    let session = documents(&server).await;
    let names = ["document_subtype", "personal_number", "first_name", "last_name", "address", "place_of_birth", "nationality", "document_number"];
    let path = data(&session);
    let edits = names.map(|name| server.client.patch(&path, json!({ name: "new" })));
    for answer in futures_util::future::join_all(edits).await {
        answer.ok(200);
    }
    let shown = server.client.patch(&data(&session), json!({})).await.ok(200);
    assert!(names.iter().all(|name| shown[*name] == "new"), "{shown}");
    let rows = server.feed(&session).await;
    assert_eq!(rows.len(), names.len());
    assert_eq!(server.client.get(&format!("/v3/session/{session}/decision/")).await.header("etag"), "\"10\"");
    server.stop().await;
});

db_test!(go_by_node_and_status, server => {
    let session = documents(&server).await;
    let none = |node: &str| json!({ "detail": format!("The session does not have a KYC for node '{node}'.") });
    let by_body = server.client.patch(&data(&session), json!({ "node_id": "feature_ocr_1", "first_name": "Eva" })).await.ok(200);
    assert_eq!(by_body["full_name"], "Eva Ruiz");
    let both = format!("{}?node_id=feature_ocr_2", data(&session));
    let by_query = server.client.patch(&both, json!({ "node_id": "feature_ocr_1", "first_name": "Leo" })).await.ok(200);
    assert_eq!(by_query["full_name"], "Leo Ruis", "the query wins");
    let unknown = format!("{}?node_id=feature_missing", data(&session));
    server.client.patch(&unknown, json!({ "gender": "X" })).await.is(404, none("feature_missing"));
    server.client.patch(&data(&session), json!({ "node_id": 7 })).await.is(404, none("7"));
    server.client.patch(&data(&session), json!({ "node_id": "feature_poa_1" })).await.is(404, none("feature_poa_1"));
    let poa_unknown = json!({ "detail": "The session does not have a POA for node 'feature_missing'." });
    server.client.patch(&poa(&session), json!({ "node_id": "feature_missing" })).await.is(404, poa_unknown);
    for node in [json!(""), json!(null), json!([])] {
        server.client.patch(&data(&session), json!({ "node_id": node, "first_name": "Leo" })).await.ok(200);
    }
    let bare = server.finished("Approved").await;
    server.client.patch(&data(&bare), json!([])).await.is(404, json!({ "detail": "The session does not have a KYC." }));
    server.client.patch(&poa(&bare), json!({ "node_id": "x" })).await.is(404, json!({ "detail": "The session does not have a POA." }));
    for status in SessionStatus::ALL.map(SessionStatus::as_str) {
        server.set_status(&session, status).await;
        let open = ["Approved", "Declined", "In Review", "Kyc Expired"].contains(&status);
        for path in [data(&session), poa(&session)] {
            let before = server.counts().await;
            let answer = server.client.patch(&path, json!({ "issuing_state": status })).await;
            match open {
                true => answer.is(400, json!({ "issuing_state": ["Invalid ISO 3166-1 alpha-3 country code for issuing_state."] })),
                false => answer.is(404, json!({ "detail": "No Session matches the given query." })),
            }
            assert_eq!(server.counts().await, before);
        }
    }
    let business = server.business_session().await;
    server.set_status(&business, "Approved").await;
    for path in [data(&business), poa(&business), data(UNKNOWN), poa(UNKNOWN), data("x")] {
        server.client.patch(&path, json!({ "gender": "X" })).await.is(404, json!({ "detail": "Not found." }));
    }
    server.stop().await;
});

db_test!(refuse_and_write_nothing, server => {
    let session = documents(&server).await;
    let before = server.counts().await;
    let keys = "Unsupported key. Allowed keys: address_type, city, region, street_1, street_2, postal_code, country";
    let date = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";
    for (body, answer) in [
        (json!({ "gender": "X" }), json!({ "gender": ["\"X\" is not a valid choice."] })),
        (json!({ "document_type": "PASSPORT" }), json!({ "document_type": ["\"PASSPORT\" is not a valid choice."] })),
        (json!({ "issuing_state": "ES" }), json!({ "issuing_state": ["Invalid ISO 3166-1 alpha-3 country code for issuing_state."] })),
        (json!({ "marital_status": "ENGAGED" }), json!({ "marital_status": ["\"ENGAGED\" is not a valid choice."] })),
        (json!({ "date_of_birth": "02/03/1990" }), json!({ "date_of_birth": [date] })),
        (json!({ "parsed_address": { "zipcode": "1" } }), json!({ "parsed_address": { "zipcode": keys } })),
        (json!({ "parsed_address": { "country": "ESP" } }), json!({ "parsed_address": { "country": "Invalid ISO 3166-1 alpha-2 country code." } })),
        (json!({ "extra_fields": "x" }), json!({ "extra_fields": ["This field must be a JSON object."] })),
        (json!({ "first_name": "a\0" }), json!({ "first_name": ["Null characters are not allowed."] })),
        (json!({ "address": "😀".repeat(256) }), json!({ "address": ["Ensure this field has no more than 255 characters."] })),
        (json!({ "gender": "X", "last_name": {} }), json!({ "last_name": ["Not a valid string."], "gender": ["\"X\" is not a valid choice."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.patch(&data(&session), body).await.is(400, answer);
    }
    for (body, answer) in [
        (json!({ "document_type": "utility_bill" }), json!({ "document_type": ["\"utility_bill\" is not a valid choice."] })),
        (json!({ "extra_fields": { "additional_names": "Eva" } }), json!({ "extra_fields": { "additional_names": "Must be a list or null." } })),
        (json!({ "poa_parsed_address": { "zipcode": "1" } }), json!({ "poa_parsed_address": { "zipcode": keys } })),
        (json!({ "issue_date": "2026-02-30" }), json!({ "issue_date": [date] })),
    ] {
        server.client.patch(&poa(&session), body).await.is(400, answer);
    }
    for path in [data(&session), poa(&session)] {
        let patch = |version: &str, body: Value| send(server.client.request(Method::PATCH, &path).header("if-match", version).json(&body));
        patch("\"1\"", json!({ "issuing_state": "x" })).await.ok(400);
        patch("\"1\"", json!({ "issuing_state": "ESP" })).await.is(412, json!({ "detail": "The session was changed by someone else." }));
        patch("\"2\"", json!({})).await.ok(200);
    }
    assert_eq!(server.counts().await, before);
    let long = json!({ "address": "😀".repeat(255), "document_subtype": "x".repeat(128), "nationality": "x".repeat(32) });
    server.client.patch(&data(&session), long).await.ok(200);
    server.client.patch(&poa(&session), json!({ "document_language": "x".repeat(50), "poa_address": "x".repeat(10_000) })).await.ok(200);
    server.stop().await;
});

db_test!(nothing_a_client_sends_breaks_them, server => {
    let session = documents(&server).await;
    let members = &["node_id", "first_name", "date_of_birth", "issuing_state", "document_type", "extra_fields", "parsed_address", "poa_parsed_address", "issuer", "city"];
    for body in bodies(members, 150) {
        for path in [data(&session), poa(&session)] {
            let before = server.counts().await;
            let answer = server.client.patch(&path, body.clone()).await;
            match answer.status.as_u16() {
                200 => {}
                400 | 404 => assert_eq!(server.counts().await, before, "{body}"),
                other => panic!("{other}: {body}: {}", answer.body),
            }
        }
    }
    server.decision(&session).await;
    server.stop().await;
});

mod document_numbers {
    use super::*;

    fn document(number: &str) -> Value {
        json!({ "id_verifications": [{ "document_type": "P", "document_number": number, "first_name": "Ana" }] })
    }

    fn numbers(decision: &Value) -> Vec<&Value> {
        decision["id_verifications"][0]["matches"].as_array().unwrap().iter().map(|row| &row["session_number"]).collect()
    }

    db_test!(are_compared_as_they_are_now, server => {
        let (first, second) = (server.session_with_evidence(document("A-100")).await, server.session_with_evidence(document("B-200")).await);
        let (first, second) = (text(&first["session_id"]), text(&second["session_id"]));
        let list = server.system_list("document").await;
        server.client.patch(&data(&second), json!({ "document_number": "a 100" })).await.ok(200);
        let decision = server.decision(&second).await;
        assert_eq!((numbers(&decision), &decision["status"], &decision["id_verifications"][0]["warnings"]), (vec![&json!(1)], &json!("Approved"), &json!([])));
        // Those who come later find what is there now, under the time it was recorded.
        let third = server.session_with_evidence(document("A100")).await;
        assert_eq!(numbers(&third), [2, 1]);
        assert!(numbers(&server.session_with_evidence(document("B200")).await).is_empty());
        server.client.patch(&data(&first), json!({ "document_number": null })).await.ok(200);
        assert!(numbers(&server.decision(&first).await).is_empty());
        assert_eq!(numbers(&server.session_with_evidence(document("A100")).await), [3, 2]);
        server.client.patch(&data(&first), json!({ "document_number": "A100" })).await.ok(200);
        assert_eq!(numbers(&server.decision(&first).await), [5, 3, 2]);
        // A blocked number refuses nobody by an edit; its entry shows among the matches.
        server.add(&list, "C-300").await;
        server.client.patch(&data(&first), json!({ "document_number": "C300" })).await.ok(200);
        let decision = server.decision(&first).await;
        assert_eq!((&decision["status"], numbers(&decision)), (&json!("Approved"), vec![&json!(null)]));
        assert_eq!(decision["id_verifications"][0]["matches"][0]["is_blocklisted"], true);
        server.stop().await;
    });

    db_test!(keep_their_marks_and_entries, server => {
        let list = server.system_list("document").await;
        let session = text(&server.session_with_evidence(document("A-100")).await["session_id"]);
        let marked = async || {
            server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200)["blocklisted"]["document"].clone()
        };
        let add = json!({ "reference_session_id": session, "comment": "c" });
        let entry = server.client.post(&format!("/v3/lists/{list}/entries/"), add.clone()).await.ok(201);
        server.client.patch(&data(&session), json!({ "document_number": "B-200" })).await.ok(200);
        assert_eq!(marked().await, true);
        assert_eq!(server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["results"][0]["value"], "a-100");
        let other = server.add(&list, "B-200").await;
        server.client.delete(&format!("/v3/lists/{list}/entries/{}/", text(&entry["uuid"]))).await.ok(204);
        assert_eq!(marked().await, true, "another entry covers what the record holds now and takes the mark over");
        server.client.delete(&format!("/v3/lists/{list}/entries/{other}/")).await.ok(204);
        assert_eq!(marked().await, false);
        let again = server.client.post(&format!("/v3/lists/{list}/entries/"), add).await.ok(201);
        assert_eq!(again["value"], "b-200", "an entry is made from what the record holds now");
        server.stop().await;
    });

    db_test!(leave_what_was_decided_with_as_it_was, server => {
        let list = server.system_list("document").await;
        let session = text(&server.session_with_evidence(document("A-100")).await["session_id"]);
        server.client.patch(&data(&session), json!({ "document_number": "B-200" })).await.ok(200);
        let changed = async |value: &str| {
            let body = json!({ "changes": [{ "op": "add", "list": list, "value": value }] });
            server.client.post("/x/lists/preview/", body).await.ok(200)["sessions"]["changed"].clone()
        };
        assert_eq!((changed("A-100").await, changed("B-200").await), (json!(1), json!(0)));
        server.stop().await;
    });
}
