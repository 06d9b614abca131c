//! Whatever happens to lists, people and records before and after a decision: it can be made again byte for byte.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::replay::{is_identical, made_with};
use crate::{
    db_test,
    harness::{Server, text},
};

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
    /// Whose, which values, whether it ends, a score; every second one by a workflow with rules.
    Decide(usize, [usize; 5], bool, u8),
    /// Go on with the last open session.
    More([usize; 5], bool),
    /// What a record of which session says is corrected.
    Correct(usize, usize),
    /// Which feature of which session gets which status.
    Feature(usize, usize, usize),
    /// A person decides.
    Review(usize, usize),
    /// Who is flagged, or is not any more.
    Flag(usize, bool),
}

const STATUSES: [&str; 3] = ["Approved", "Declined", "In Review"];
const NODES: [&str; 3] = ["feature_ocr_1", "feature_phone_1", "feature_ip_1"];

/// Features with rules that ask lists of the round about what is shown, about what others show, and about what the server
/// thinks of it; one list refuses most values.
fn ruled(lists: &[(String, usize)]) -> Value {
    let list = |kind: usize, list_type: usize| &lists[kind * 3 + list_type].0;
    let of = |field: &str, operator: &str, list: &str, status: &str| json!({ "field": field, "operator": operator, "value_type": "list", "value": list, "status": status });
    let (past, held) = (json!({ "direction": "past", "unit": "days", "amount": 6570 }), list(1, 0));
    json!([
        { "feature": "OCR", "config": { "status_rules": [
            { "field": "kyc.date_of_birth", "operator": "greater_than", "value_type": "relative_date", "value": past, "status": "Declined" },
            of("kyc.document_number", "in", list(3, 2), "Declined"), of("kyc.document_number", "in", list(0, 2), "Declined"),
            of("session.vendor_data", "in", list(5, 2), "In Review"), of("email.email", "in", held, "Declined"),
        ] } },
        { "feature": "PHONE_VERIFICATION", "config": { "status_rules": [
            of("phone.full_number", "in", list(2, 2), "Approved"), of("phone.full_number", "not_in", list(2, 1), "In Review"),
        ] } },
        { "feature": "EMAIL_VERIFICATION", "config": { "status_rules": [
            { "field": "kyc.status", "operator": "equals", "value": "Declined", "status": "In Review" },
            of("email.email", "in", list(1, 2), "Declined"),
        ] } },
        { "feature": "IP_ANALYSIS", "config": { "status_rules": [
            of("ip.ip_address", "in", list(0, 2), "In Review"), of("ip.device_fingerprint", "in", list(4, 2), "Declined"),
        ] } },
    ])
}

fn step() -> impl Strategy<Value = Step> {
    let (list, pick) = (|| 0..18usize, || 0..50usize);
    let hours = || proptest::option::of(1i64..5);
    let values = || [0..4usize, 0..4usize, 0..4usize, 0..4usize, 0..4usize];
    prop_oneof![
        5 => (list(), 0..4usize, hours()).prop_map(|(list, value, hours)| Step::Add(list, value, hours)),
        2 => (list(), pick()).prop_map(|(list, which)| Step::Remove(list, which)),
        3 => (list(), pick()).prop_map(|(list, which)| Step::Comment(list, which)),
        1 => (list(), pick(), hours()).prop_map(|(list, which, hours)| Step::Expire(list, which, hours)),
        4 => (0..4usize, values(), any::<bool>(), 0..=100u8).prop_map(|(who, values, end, score)| Step::Decide(who, values, end, score)),
        2 => (values(), any::<bool>()).prop_map(|(values, end)| Step::More(values, end)),
        2 => (pick(), 0..4usize).prop_map(|(which, value)| Step::Correct(which, value)),
        2 => (pick(), 0..3usize, 0..3usize).prop_map(|(which, node, status)| Step::Feature(which, node, status)),
        1 => (pick(), 0..3usize).prop_map(|(which, status)| Step::Review(which, status)),
        2 => (0..4usize, any::<bool>()).prop_map(|(who, flagged)| Step::Flag(who, flagged)),
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
        "id_verifications": [{ "document_type": "P", "document_number": value(3), "date_of_birth": if score > 70 { "2015-06-01" } else { "1990-06-01" } }],
        "liveness_checks": [{ "score": score }],
    })
}

/// The lists of a round and what was decided in it.
struct Past {
    lists: Vec<(String, usize)>,
    /// The workflow without rules, and the one with.
    workflows: [String; 2],
    /// Corrections and statuses by hand that were let through.
    corrected: usize,
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
                let workflow = &self.workflows[usize::from(score % 4 != 0)];
                let body = json!({ "workflow_id": workflow, "vendor_data": VALUES[5].1[who] });
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
            Step::Correct(which, value) => {
                let body = json!({ "document_number": VALUES[3].1[value], "date_of_birth": "2001-01-01" });
                self.change(server, which, "update-data/", body).await;
            }
            Step::Feature(which, node, status) => {
                let path = format!("features/{}/update-status/", NODES[node]);
                self.change(server, which, &path, json!({ "new_status": STATUSES[status] })).await;
            }
            Step::Review(which, status) => {
                self.change(server, which, "update-status/", json!({ "new_status": STATUSES[status] })).await;
            }
            Step::Flag(who, flagged) => {
                let path = format!("/v3/users/{}/update-status/", VALUES[5].1[who]);
                server.client.patch(&path, json!({ "status": if flagged { "FLAGGED" } else { "ACTIVE" } })).await;
            }
        }
    }

    /// Changes a session by hand; what was open and is decided so is not gone on with.
    async fn change(&mut self, server: &Server, which: usize, what: &str, body: Value) {
        if self.decided.is_empty() {
            return;
        }
        let session = &self.decided[which % self.decided.len()].0;
        let answer = server.client.patch(&format!("/v3/session/{session}/{what}"), body).await;
        self.corrected += usize::from(answer.status == 200);
        if self.open.as_ref() == Some(session) && what == "update-status/" {
            self.open = None;
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
    let steps = proptest::collection::vec(step(), 80);
    let (mut corrected, mut all) = (0, Vec::new());
    for round in 0..3 {
        let mut lists = Vec::new();
        for (kind, (entry_type, _)) in VALUES.iter().enumerate() {
            for list_type in ["blocklist", "allowlist", "custom"] {
                lists.push((server.list(&format!("{entry_type} {list_type} {round}"), list_type, entry_type).await, kind));
            }
        }
        let with_rules = server.client.post("/v3/workflows/", json!({ "features": ruled(&lists) })).await.ok(201);
        let workflows = [server.workflow().await, text(&with_rules["workflow_id"])];
        let mut past = Past { lists, workflows, corrected: 0, open: None, decided: Vec::new() };
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
        corrected += past.corrected;
        all.extend(past.decided.into_iter().map(|(_, then)| then));
    }
    let how_many = |text: &str| all.iter().map(|then| then.matches(text).count()).sum::<usize>();
    let of_interest = ["\"ruling\":{", "\"read_as\":{", "\"entries\":null", "\"entries\":[{", "\"held\":true", "\"subject_flagged\":true"].map(|text| (text, how_many(text)));
    assert!(of_interest.iter().all(|(_, count)| *count > 5) && corrected > 10, "{of_interest:?} {corrected}");
    server.stop().await;
});
