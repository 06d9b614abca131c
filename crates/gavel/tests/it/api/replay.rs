//! `/x/sessions/{session_id}/screening/` and its replay: decisions made again with what they were made with.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

fn path(session: &str) -> String {
    format!("/x/sessions/{session}/screening/")
}

/// What the decisions of a session were made with, as it came.
pub(super) async fn made_with(server: &Server, session: &str) -> String {
    screenings(&server.client.get(&path(session)).await.bytes)
}

fn screenings(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    text[text.find("\"screenings\":").unwrap()..].to_owned()
}

async fn replay(server: &Server, session: &str) -> Value {
    server.client.post(&format!("{}replay/", path(session)), json!({})).await.ok(200)
}

pub(super) async fn is_identical(server: &Server, session: &str, then: &str) {
    assert_eq!(made_with(server, session).await, then, "nothing changes what was written down");
    let answer = server.client.post(&format!("{}replay/", path(session)), json!({})).await;
    assert_eq!((&answer.body["identical"], &answer.body["differences"]), (&json!(true), &json!([])), "{}", answer.body);
    assert_eq!(answer.body["not_comparable"], 0);
    assert_eq!(screenings(&answer.bytes), then, "made again byte for byte");
}

db_test!(shows_what_a_decision_was_made_with, server => {
    let list = server.system_list("phone").await;
    server.add(&list, "+1 (415) 555-2671").await;
    let session = server.session_with(json!({ "vendor_data": "Cust-9" })).await;
    let evidence = json!({
        "phone_verifications": [{ "full_number": "+14155552671", "warnings": [{ "risk": "VOIP_NUMBER_DETECTED" }] }],
        "liveness_checks": [{ "score": 61.50 }],
    });
    assert_eq!(server.evidence(&session, evidence).await["status"], "Declined");
    let made = server.client.get(&path(&session)).await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&made), @r#"
        {
          "session_id": "[uuid]",
          "screenings": [
            {
              "screening_uuid": "[uuid]",
              "lists_revision": 2,
              "evaluated_at": "[time]",
              "complete": true,
              "missing_step": false,
              "earlier_statuses": [],
              "subject": {
                "entry_type": "user",
                "value": "cust-9",
                "normalised": "cust-9"
              },
              "subject_hits": [],
              "subject_held": false,
              "subject_flagged": false,
              "outcome": "Declined",
              "items_count": 2,
              "items_deleted": 0,
              "items": [
                {
                  "record_uuid": "[uuid]",
                  "feature": "LIVENESS",
                  "node_id": "feature_liveness_1",
                  "model": null,
                  "thresholds": {
                    "face_liveness_score_decline_threshold": 50.0,
                    "face_liveness_score_review_threshold": 70.0,
                    "face_quality_decline_threshold": null,
                    "face_quality_review_threshold": null
                  },
                  "scores": {
                    "score": 61.5,
                    "face_quality": null
                  },
                  "weighed_with": {
                    "status": null,
                    "warnings": [],
                    "duplicates": []
                  },
                  "already_reported": [],
                  "signals": [],
                  "hits": [],
                  "warnings": [
                    {
                      "risk": "LOW_LIVENESS_SCORE",
                      "log_type": "warning",
                      "additional_data": null
                    }
                  ],
                  "ruling": null,
                  "status": "In Review"
                },
                {
                  "record_uuid": "[uuid]",
                  "feature": "PHONE",
                  "node_id": "feature_phone_1",
                  "model": null,
                  "thresholds": {},
                  "scores": {},
                  "weighed_with": {
                    "status": null,
                    "warnings": [
                      {
                        "risk": "VOIP_NUMBER_DETECTED",
                        "action": null,
                        "additional_data": null
                      }
                    ],
                    "duplicates": []
                  },
                  "already_reported": [],
                  "signals": [
                    {
                      "entry_type": "phone",
                      "value": "+14155552671",
                      "normalised": "+14155552671"
                    }
                  ],
                  "hits": [
                    {
                      "list_uuid": "[uuid]",
                      "list_type": "blocklist",
                      "entry_uuid": "[uuid]",
                      "entry_revision": 2,
                      "comparison": "equal",
                      "held": false
                    }
                  ],
                  "warnings": [
                    {
                      "risk": "VOIP_NUMBER_DETECTED",
                      "log_type": "information",
                      "additional_data": null
                    },
                    {
                      "risk": "PHONE_NUMBER_IN_BLOCKLIST",
                      "log_type": "error",
                      "additional_data": {
                        "phone_number": "+14155552671"
                      }
                    }
                  ],
                  "ruling": null,
                  "status": "Declined"
                }
              ]
            }
          ]
        }
        "#); }
    let then = made_with(&server, &session).await;
    is_identical(&server, &session, &then).await;

    let entry = text(&made["screenings"][0]["items"][1]["hits"][0]["entry_uuid"]);
    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    // Edits of the data and of a feature's status are not what was decided with.
    server.sql("UPDATE records SET data = '{\"score\":5,\"full_number\":\"x\"}', status = 'Approved', warnings = '[]'", Vec::new()).await;
    is_identical(&server, &session, &then).await;
    let empty = server.session().await;
    server.client.get(&path(&empty)).await.is(200, json!({ "session_id": empty, "screenings": [] }));
    assert_eq!(replay(&server, &empty).await["identical"], true);
    server.client.post(&format!("{}replay/", path(&empty)), json!([])).await
        .is(400, json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] }));
    server.stop().await;
});

db_test!(a_difference_is_shown, server => {
    let list = server.list("Bad ranges", "blocklist", "ip_address").await;
    server.add(&list, "10.0.0.0/8").await;
    let decision = server.session_with_evidence(json!({ "ip_analyses": [{ "ip_address": "10.1.2.3" }] })).await;
    let session = text(&decision["session_id"]);
    // Behind the server's back: the entry was never there.
    server.sql("UPDATE entries SET added_rev = added_rev + 1000", Vec::new()).await;
    let answer = replay(&server, &session).await;
    assert_eq!(answer["identical"], false);
    let members: Vec<String> = answer["differences"].as_array().unwrap().iter().map(|row| {
        format!("{} {}", if row["record_uuid"].is_null() { "session" } else { "item" }, text(&row["member"]))
    }).collect();
    assert_eq!(members, ["session outcome", "item hits", "item warnings", "item status"]);
    let outcome = &answer["differences"][0];
    assert_eq!((&outcome["stored"], &outcome["replayed"]), (&json!("Declined"), &json!("Approved")));
    assert_eq!(answer["screenings"][0]["items"][0]["status"], "Approved");
    server.stop().await;
});

db_test!(what_was_erased_is_gone, server => {
    let gone = json!({ "detail": "What this session was decided with has been erased." });
    for statement in [
        "DELETE FROM signals WHERE session_id = $1", "DELETE FROM screening_items WHERE session_id = $1",
    ] {
        let decision = server.session_with_evidence(json!({ "email_verifications": [{ "email": "ana@example.com" }] })).await;
        let session = text(&decision["session_id"]);
        server.client.get(&path(&session)).await.ok(200);
        server.sql(statement, vec![session.parse::<uuid::Uuid>().unwrap().into()]).await;
        server.client.get(&path(&session)).await.is(410, gone.clone());
        server.client.post(&format!("{}replay/", path(&session)), json!({})).await.is(410, gone.clone());
    }
    let session = server.finished("Approved").await;
    server.client.post("/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    server.client.get(&path(&session)).await.is(410, gone.clone());
    server.client.post(&format!("{}replay/", path(&session)), json!({})).await.is(410, gone);
    let session = server.finished("Approved").await;
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    server.client.get(&path(&session)).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(what_an_erased_entry_said_is_not_compared, server => {
    let emails = server.system_list("email").await;
    let shared = json!({ "email_verifications": [{ "email": "family@mail.example" }] });
    let theirs = server.session_with(json!({ "vendor_data": "cust-lucia-77" })).await;
    server.evidence(&theirs, shared.clone()).await;
    server.add(&emails, "family@mail.example").await;
    let other = server.session_with_evidence(shared).await;
    assert_eq!(other["status"], "Declined");
    let other = text(&other["session_id"]);
    let then = made_with(&server, &other).await;
    is_identical(&server, &other, &then).await;
    server.client.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77", "list_entries": true })).await.ok(201);
    assert_eq!(made_with(&server, &other).await, then);
    let answer = replay(&server, &other).await;
    assert_eq!(json!([answer["identical"], answer["not_comparable"], answer["differences"]]), json!([true, 1, []]));
    server.stop().await;
});

/// A workflow whose documents are decided by rules about a list of countries and one of network addresses.
async fn ruled_by(server: &Server, countries: &str, addresses: &str) -> String {
    let of = |field: &str, list: &str| json!({ "field": field, "operator": "in", "value_type": "list", "value": list, "status": "Declined" });
    let rules = json!([of("kyc.first_name", addresses), of("kyc.issuing_state", countries)]);
    let body = json!({ "features": [{ "feature": "OCR", "config": { "status_rules": rules } }] });
    text(&server.client.post("/v3/workflows/", body).await.ok(201)["workflow_id"])
}

db_test!(rules_and_what_lists_told_them_are_made_again, server => {
    let (countries, addresses) = (server.system_list("country").await, server.system_list("ip_address").await);
    let workflow = ruled_by(&server, &countries, &addresses).await;
    let entry = server.add(&countries, "es").await;
    let session = server.session_of(&workflow).await;
    let evidence = json!({ "id_verifications": [{ "issuing_state": "ESP", "first_name": "Ana" }] });
    assert_eq!(server.evidence(&session, evidence).await["status"], "Declined");
    let made = server.client.get(&path(&session)).await.ok(200);
    let item = &made["screenings"][0]["items"][0];
    assert_eq!(item["thresholds"]["status_rules"].as_array().unwrap().len(), 2);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&json!([item["weighed_with"], item["ruling"], item["status"]])), @r#"
        [
          {
            "status": null,
            "warnings": [],
            "duplicates": [],
            "rules": {
              "facts": {
                "kyc.first_name": "Ana",
                "kyc.issuing_state": "ESP"
              },
              "lists": [
                {
                  "list": "[uuid]",
                  "value": "Ana",
                  "read_as": null,
                  "entries": null
                },
                {
                  "list": "[uuid]",
                  "value": "ESP",
                  "read_as": {
                    "entry_type": "country",
                    "value": "ESP",
                    "normalised": "ESP"
                  },
                  "entries": [
                    {
                      "entry": "[uuid]",
                      "revision": 2,
                      "held": false
                    }
                  ]
                }
              ]
            }
          },
          {
            "rule": 1,
            "status": "Declined",
            "because": {
              "field": "kyc.issuing_state",
              "operator": "in",
              "holds": true,
              "held": false,
              "value": "ESP"
            }
          },
          "Declined"
        ]
        "#);
    }
    let then = made_with(&server, &session).await;
    is_identical(&server, &session, &then).await;

    // Everything a rule could look at is another thing now.
    server.client.delete(&format!("/v3/lists/{countries}/entries/{entry}/")).await.ok(204);
    let edit = json!({ "issuing_state": "FRA", "first_name": "10.1.2.3" });
    server.client.patch(&format!("/v3/session/{session}/update-data/"), edit).await.ok(200);
    let status = json!({ "new_status": "Approved" });
    server.client.patch(&format!("/v3/session/{session}/features/feature_ocr_1/update-status/"), status).await.ok(200);
    server.client.patch(&format!("/v3/workflows/{workflow}/"), json!({ "features": [{ "feature": "OCR" }] })).await.ok(200);
    server.add(&addresses, "10.0.0.0/8").await;
    is_identical(&server, &session, &then).await;

    // Behind the server's back: the entry was never there.
    server.sql("UPDATE entries SET added_rev = added_rev + 1000", Vec::new()).await;
    let answer = replay(&server, &session).await;
    let members: Vec<String> = answer["differences"].as_array().unwrap().iter().map(|row| text(&row["member"])).collect();
    assert_eq!(members, ["outcome", "weighed_with", "ruling", "status"]);
    assert_eq!(answer["screenings"][0]["outcome"], "Approved");
    server.stop().await;
});

db_test!(a_held_entry_about_the_person_is_made_again, server => {
    let users = server.system_list("user").await;
    let session = server.session_with(json!({ "vendor_data": "cust-1" })).await;
    let entry = server.add(&users, "cust-1").await;
    server.client.patch(&format!("/x/lists/{users}/entries/{entry}/"), json!({ "held": true })).await.ok(200);
    let evidence = json!({ "email_verifications": [{ "email": "ana@example.com" }] });
    assert_eq!(server.evidence(&session, evidence).await["status"], "In Review");
    let then = made_with(&server, &session).await;
    assert!(then.contains("\"subject_held\":true"), "{then}");
    server.client.delete(&format!("/v3/lists/{users}/entries/{entry}/")).await.ok(204);
    is_identical(&server, &session, &then).await;
    server.client.post("/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    server.stop().await;
});

db_test!(whether_the_person_was_flagged_is_part_of_it, server => {
    server.user(json!({ "vendor_data": "cust-1", "status": "FLAGGED" })).await;
    let session = server.session_with(json!({ "vendor_data": "cust-1" })).await;
    let evidence = json!({ "email_verifications": [{ "email": "ana@example.com" }] });
    assert_eq!(server.evidence(&session, evidence).await["status"], "In Review");
    let then = made_with(&server, &session).await;
    assert!(then.contains("\"subject_flagged\":true,\"outcome\":\"In Review\""), "{then}");
    server.client.patch("/v3/users/cust-1/update-status/", json!({ "status": "ACTIVE" })).await.ok(200);
    is_identical(&server, &session, &then).await;
    server.stop().await;
});

db_test!(repeated_steps_and_older_decisions_are_not_compared, server => {
    let session = server.session().await;
    let evidence = json!({
        "id_verifications": [{ "document_type": "P", "document_number": "X1", "warnings": [{ "risk": "DATA_INCONSISTENT" }] }],
        "email_verifications": [{ "email": "ana@example.com" }],
    });
    server.evidence(&session, evidence).await;
    server.client.patch(&format!("/v3/session/{session}/update-status/"), json!({ "new_status": "Resubmitted" })).await.ok(200);
    server.evidence(&session, json!({ "id_verifications": [{ "document_type": "P", "document_number": "X2" }] })).await;
    let answer = replay(&server, &session).await;
    assert_eq!((&answer["identical"], &answer["not_comparable"]), (&json!(true), &json!(1)));
    let first = &answer["screenings"][0];
    assert_eq!((&first["items_deleted"], first["items"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(!answer.to_string().contains("X1"), "what was captured and is repeated is deleted");
    assert_eq!(answer["screenings"][1]["earlier_statuses"], json!(["Approved"]));

    let older = server.finished("Approved").await;
    let id: uuid::Uuid = older.parse().unwrap();
    server.sql("DELETE FROM screening_items WHERE session_id = $1", vec![id.into()]).await;
    server.sql("UPDATE screenings SET summary = NULL WHERE session_id = $1", vec![id.into()]).await;
    let answer = replay(&server, &older).await;
    assert_eq!((&answer["identical"], &answer["not_comparable"]), (&json!(true), &json!(1)));
    assert_eq!((&answer["screenings"][0]["outcome"], &answer["screenings"][0]["subject_flagged"]), (&Value::Null, &Value::Null));
    server.stop().await;
});
