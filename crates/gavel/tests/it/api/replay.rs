//! `/x/sessions/{session_id}/screening/` and its replay: decisions made again with what they were made with.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

fn path(session: &str) -> String {
    format!("/x/sessions/{session}/screening/")
}

/// What the decisions of a session were made with, as it came.
async fn made_with(server: &Server, session: &str) -> String {
    screenings(&server.client.get(&path(session)).await.bytes)
}

fn screenings(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    text[text.find("\"screenings\":").unwrap()..].to_owned()
}

async fn replay(server: &Server, session: &str) -> Value {
    server.client.post(&format!("{}replay/", path(session)), json!({})).await.ok(200)
}

async fn is_identical(server: &Server, session: &str, then: &str) {
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
              "subject_held": false,
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
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    server.client.get(&path(&session)).await.is(404, json!({ "detail": "Not found." }));
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
    assert_eq!(answer["screenings"][0]["outcome"], Value::Null);
    server.stop().await;
});

/// Types of entries, with values of each that meet each other.
const VALUES: [(&str, [&str; 4]); 6] = [
    ("ip_address", ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32"]),
    ("email", ["ana@example.com", "Ana@Example.com", "bo@example.com", "cy@example.org"]),
    ("phone", ["+14155552671", "+14155552672", "+442079460000", "+34612345678"]),
    ("document", ["X-1", "x1", "Y2", "Z3"]),
    ("device_fingerprint", ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"]),
    ("user", ["cust-1", "cust-2", "cust-3", "cust-4"]),
];

#[derive(Debug, Clone)]
enum Step {
    /// Which list, which value, hours it lives.
    Add(usize, usize, Option<i64>),
    Remove(usize, usize),
    Comment(usize, usize),
    Expire(usize, usize, Option<i64>),
    /// Whose, which values, whether it ends, a score.
    Decide(usize, [usize; 5], bool, u8),
    /// Go on with the last open session.
    More([usize; 5], bool),
}

fn step() -> impl Strategy<Value = Step> {
    let (list, pick) = (|| 0..18usize, || 0..50usize);
    let hours = || proptest::option::of(1i64..5);
    let values = || [0..4usize, 0..4usize, 0..4usize, 0..4usize, 0..4usize];
    prop_oneof![
        5 => (list(), 0..4usize, hours()).prop_map(|(list, value, hours)| Step::Add(list, value, hours)),
        2 => (list(), pick()).prop_map(|(list, which)| Step::Remove(list, which)),
        1 => (list(), pick()).prop_map(|(list, which)| Step::Comment(list, which)),
        1 => (list(), pick(), hours()).prop_map(|(list, which, hours)| Step::Expire(list, which, hours)),
        4 => (0..4usize, values(), any::<bool>(), 0..=100u8).prop_map(|(who, values, end, score)| Step::Decide(who, values, end, score)),
        2 => (values(), any::<bool>()).prop_map(|(values, end)| Step::More(values, end)),
    ]
}

fn evidence(values: [usize; 5], complete: bool, score: u8) -> Value {
    let value = |kind: usize| VALUES[kind].1[values[kind]];
    let address = value(0).split('/').next().unwrap();
    json!({
        "complete": complete,
        "ip_analyses": [{ "ip_address": address, "device_fingerprint": value(4), "warnings": [{ "risk": "PRIVATE_NETWORK_DETECTED" }] }],
        "email_verifications": [{ "email": value(1) }],
        "phone_verifications": [{ "full_number": value(2) }],
        "id_verifications": [{ "document_type": "P", "document_number": value(3) }],
        "liveness_checks": [{ "score": score }],
    })
}

/// The lists of a round and what was decided in it.
struct Past {
    lists: Vec<(String, usize)>,
    open: Option<String>,
    /// Sessions, with what their decisions were made with as it was shown then.
    decided: Vec<(String, String)>,
}

impl Past {
    async fn entry(&self, server: &Server, list: usize, which: usize) -> Option<(String, String)> {
        let list = &self.lists[list].0;
        let page = server.client.get(&format!("/x/lists/{list}/entries/?limit=200&with_expired=true")).await.ok(200);
        let rows = page["results"].as_array().unwrap();
        (!rows.is_empty()).then(|| (list.clone(), text(&rows[which % rows.len()]["uuid"])))
    }

    async fn perform(&mut self, server: &Server, step: Step) {
        let until = |hours: Option<i64>| hours.map(|hours| server.app.clock.now().plus_seconds(hours * 3_600).to_string());
        match step {
            Step::Add(list, value, hours) => {
                let (list, kind) = &self.lists[list];
                let body = json!({ "value": VALUES[*kind].1[value], "expires_at": until(hours) });
                server.client.post(&format!("/v3/lists/{list}/entries/"), body).await;
            }
            Step::Remove(list, which) => {
                if let Some((list, entry)) = self.entry(server, list, which).await {
                    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await;
                }
            }
            Step::Comment(list, which) => {
                if let Some((list, entry)) = self.entry(server, list, which).await {
                    server
                        .client
                        .patch(&format!("/x/lists/{list}/entries/{entry}/"), json!({ "comment": "c", "held": which % 2 == 0 }))
                        .await;
                }
            }
            Step::Expire(list, which, hours) => {
                if let Some((list, entry)) = self.entry(server, list, which).await {
                    let body = json!({ "expires_at": until(hours) });
                    server.client.patch(&format!("/x/lists/{list}/entries/{entry}/"), body).await;
                }
            }
            Step::Decide(who, values, complete, score) => {
                let body = json!({ "workflow_id": server.workflow().await, "vendor_data": VALUES[5].1[who] });
                let made = server.client.post("/v3/session/", body).await;
                if made.status != 201 {
                    return; // Refused: the person is on a blocklist.
                }
                let session = text(&made.body["session_id"]);
                self.decide(server, session, evidence(values, complete, score)).await;
            }
            Step::More(values, complete) => {
                if let Some(session) = self.open.take() {
                    self.decide(server, session, evidence(values, complete, 90)).await;
                }
            }
        }
    }

    async fn decide(&mut self, server: &Server, session: String, evidence: Value) {
        let status = server.evidence(&session, evidence).await["status"].clone();
        let made = made_with(server, &session).await;
        let summary: Value = serde_json::from_str(&format!("{{{made}")).unwrap();
        assert_eq!(summary["screenings"].as_array().unwrap().last().unwrap()["outcome"], status);
        self.open = (status == "In Progress").then(|| session.clone());
        self.decided.retain(|(known, _)| *known != session);
        self.decided.push((session, made));
    }
}

db_test!(whatever_lists_were_and_become_a_decision_is_made_again, server => {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let steps = proptest::collection::vec(step(), 60);
    for round in 0..3 {
        let mut past = Past { lists: Vec::new(), open: None, decided: Vec::new() };
        for (kind, (entry_type, _)) in VALUES.iter().enumerate() {
            for list_type in ["blocklist", "allowlist", "custom"] {
                past.lists.push((server.list(&format!("{entry_type} {list_type} {round}"), list_type, entry_type).await, kind));
            }
        }
        for step in steps.new_tree(&mut runner).unwrap().current() {
            past.perform(&server, step).await;
            server.app.clock.advance(600);
        }
        for (list, _) in past.lists.iter().step_by(4) {
            server.client.delete(&format!("/v3/lists/{list}/")).await.ok(204);
        }
        server.app.clock.advance(100_000);
        assert!(past.decided.len() > 5, "{}", past.decided.len());
        for (session, then) in &past.decided {
            is_identical(&server, session, then).await;
        }
    }
    server.stop().await;
});
