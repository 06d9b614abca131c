//! Whatever is edited, reviewed and noted in whatever order: feed, decision, values and events tell one story.

use gavel::actions::Error;
use gavel_core::entry::{EntryType, EntryValue};
use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    db_test,
    harness::{Server, client::send, text},
};

/// One call: method, what of the session, body.
type Call = (Method, String, Value);

/// Calls drawn at random, the same in every run; about one in five is refused.
fn calls(count: usize) -> Vec<Call> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let call = call();
    (0..count).map(|_| call.new_tree(&mut runner).unwrap().current()).collect()
}

fn call() -> impl Strategy<Value = Call> {
    let status = || select(vec!["Approved", "Declined", "In Review", "Nonsense"]);
    let node = || select(vec!["feature_ocr_1", "feature_ocr_2", "feature_poa_1", "feature_aml_1", "feature_face_9"]);
    let patch =
        |what: &'static str, body: BoxedStrategy<Value>| body.prop_map(move |body| (Method::PATCH, what.to_owned(), body));
    let hit = || (select(vec!["a", "b", "z"]), select(vec!["Unreviewed", "Confirmed Match", "False Positive", "Maybe"]));
    let verdict = |(hit, status): (&str, &str)| json!({ "hit_id": hit, "review_status": status });
    prop_oneof![
        6 => patch("v3/update-data", members(&DOCUMENT).boxed()),
        3 => patch("v3/update-poa-data", members(&PROOF).boxed()),
        2 => (node(), status()).prop_map(|(node, status)| {
            (Method::PATCH, format!("v3/features/{node}/update-status"), json!({ "new_status": status }))
        }),
        1 => patch("v3/update-aml-hit-status", hit().prop_map(verdict).boxed()),
        1 => patch("v3/bulk-update-aml-hit-status", proptest::collection::vec(hit().prop_map(verdict), 0..3)
            .prop_map(|updates| json!({ "hit_updates": updates })).boxed()),
        1 => patch("v3/update-status", status().prop_map(|status| json!({ "new_status": status })).boxed()),
        2 => status().prop_map(|status| (Method::POST, "v3s/reviews".to_owned(), json!({ "new_status": status, "comment": "c" }))),
        1 => select(vec!["", "note"]).prop_map(|comment| (Method::POST, "x/comments".to_owned(), json!({ "comment": comment }))),
        1 => select(vec!["a", "A", "b"]).prop_map(|tag| (Method::POST, "x/tags".to_owned(), json!({ "tag": tag }))),
        1 => select(vec!["a", "b"]).prop_map(|tag| (Method::DELETE, format!("x/tags/{tag}"), Value::Null)),
    ]
}

const DOCUMENT: [(&str, &[&str]); 9] = [
    ("document_number", &["\"A-1\"", "\"a1\"", "\"B 2\"", "\"---\"", "null"]),
    ("first_name", &["\"Ana\"", "\"Eva\"", "\"\"", "null", "[]"]),
    ("last_name", &["\"Ruiz\"", "null"]),
    ("document_type", &["\"P\"", "\"VISA\"", "\"Identity Card\"", "null", "\"OTHER\""]),
    ("issuing_state", &["\"ESP\"", "\"PRT\"", "null", "\"es\""]),
    ("marital_status", &["\"SINGLE\"", "null"]),
    ("extra_fields", &["{\"a\":1}", "{\"a\":null}", "{\"b\":[1.50]}", "null", "[]"]),
    ("parsed_address", &["{\"city\":\"Madrid\"}", "{\"city\":null,\"country\":\"ES\"}", "null", "{\"zip\":1}"]),
    ("node_id", &["\"feature_ocr_1\"", "\"feature_ocr_2\"", "\"\"", "\"nowhere\""]),
];
const PROOF: [(&str, &[&str]); 4] = [
    ("issuer", &["\"Acme\"", "\"Bank\"", "null"]),
    ("document_type", &["\"UTILITY_BILL\"", "null", "\"P\""]),
    ("extra_fields", &["{\"additional_names\":[\"Eva\"]}", "{\"additional_names\":null}", "{\"additional_names\":1}"]),
    ("poa_parsed_address", &["{\"city\":\"Madrid\"}", "null"]),
];

/// An object with some of these members.
fn members(known: &'static [(&'static str, &'static [&'static str])]) -> impl Strategy<Value = Value> {
    let member = |(name, values): (&'static str, &'static [&'static str])| {
        (Just(name), select(values.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()).collect::<Vec<_>>()))
    };
    let member = proptest::sample::select(known.to_vec()).prop_flat_map(member);
    proptest::collection::vec(member, 0..4)
        .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()))
}

/// What is known of the session from outside.
#[derive(Clone, PartialEq, Debug)]
struct Seen {
    decision: Value,
    version: String,
    feed: Vec<Value>,
    /// By type and when: events that were queued, audit rows, rows of the feed.
    counts: [i64; 3],
}

async fn look(server: &Server, session: &str) -> Seen {
    let answer = server.client.get(&format!("/v3/session/{session}/decision/")).await;
    let feed = server.client.get(&format!("/v3/sessions/{session}/reviews/?limit=200&ordering=created_at")).await.ok(200);
    let counts = server.counts().await;
    Seen {
        version: answer.header("etag").to_owned(),
        decision: answer.ok(200),
        feed: feed["results"].as_array().unwrap().clone(),
        counts: [counts["events"], counts["audit_events"], feed["count"].as_i64().unwrap()],
    }
}

/// The last event of the session, as it was queued.
async fn last_event(server: &Server, session: &str) -> Value {
    let id: Uuid = session.parse().unwrap();
    let read = server.app.store.read::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let sql = "SELECT payload FROM events WHERE object_id = $1 ORDER BY sequence DESC LIMIT 1";
            Ok(tx.query_opt(sql, &[id.into()]).await?.unwrap().get::<String>(0)?)
        })
    });
    serde_json::from_str(&read.await.unwrap()).unwrap()
}

/// Digests of the documents' numbers in order of recording: those they were screened with, and those they hold now.
async fn digests(server: &Server, session: &str) -> Vec<(Option<Vec<u8>>, Option<Vec<u8>>)> {
    let id: Uuid = session.parse().unwrap();
    let read = server.app.store.read::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let sql = "SELECT s.key_digest, CASE WHEN c.record_id IS NULL THEN s.key_digest ELSE c.key_digest END FROM records r
                 LEFT JOIN signals s ON s.record_id = r.id LEFT JOIN corrected_signals c ON c.record_id = r.id
                 WHERE r.session_id = $1 AND r.feature = 'ID_VERIFICATION' ORDER BY r.ordinal";
            tx.query(sql, &[id.into()]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
        })
    });
    read.await.unwrap()
}

fn digest(number: &Value) -> Option<Vec<u8>> {
    EntryValue::parse(EntryType::Document, number.as_str()?).ok().map(|value| value.digest().to_vec())
}

/// How many events and rows a call has to leave.
fn expected((method, what, body): &Call, before: &Seen, after: &Seen) -> (i64, i64) {
    let item = |seen: &Seen, array: &str| {
        let mut items = seen.decision[array].clone();
        items.as_array_mut().unwrap().iter_mut().for_each(|item| {
            item["matches"] = Value::Null;
        });
        items
    };
    match what.as_str() {
        "v3/update-data" => {
            let known = body
                .as_object()
                .unwrap()
                .iter()
                .filter(|(name, value)| *name != "node_id" && !(*name == "marital_status" && value.is_null()));
            (i64::from(known.count() > 0), i64::from(is_different(before, after, body)))
        }
        "v3/update-poa-data" => {
            let changed = i64::from(item(before, "poa_verifications") != item(after, "poa_verifications"));
            (changed, changed)
        }
        "v3/update-status" if before.decision["status"] == body["new_status"] => (0, 0),
        "x/comments" => (0, 1),
        "x/tags" if *method == Method::POST => (0, (after.counts[2] - before.counts[2]).min(1)),
        what if what.starts_with("x/tags/") => (0, 1),
        _ => (1, 1),
    }
}

/// Whether an edit made any document different; its hidden code too, which only the feed shows.
fn is_different(before: &Seen, after: &Seen, body: &Value) -> bool {
    let plain = |seen: &Seen| {
        let mut items = seen.decision["id_verifications"].clone();
        for item in items.as_array_mut().unwrap() {
            item["matches"] = Value::Null;
        }
        items
    };
    plain(before) != plain(after) || body.get("document_type").is_some() && after.feed.len() > before.feed.len()
}

/// The session's state as its feed tells it: statuses and members by node, each row built on the one before.
fn retell(start: &Value, feed: &[Value]) -> Value {
    let mut state = start.clone();
    for row in feed {
        let kind = row["activity_type"].as_str().unwrap();
        let place = match (kind, row["metadata"]["node_id"].as_str()) {
            ("STATUS_UPDATED", _) => &mut state["session"],
            (_, Some(node)) => &mut state[node],
            _ => continue,
        };
        for (name, was) in row["previous_value"].as_object().unwrap() {
            assert_eq!(&place[name], was, "{name} before {row}");
        }
        for (name, is) in row["new_value"].as_object().unwrap() {
            place[name] = is.clone();
        }
    }
    state
}

/// The same as the decision and the answers of edits show it.
async fn told(server: &Server, session: &str) -> Value {
    let mut state = json!({ "session": { "status": server.decision(session).await["status"] } });
    for (what, node) in [("update-data", "feature_ocr_1"), ("update-data", "feature_ocr_2"), ("update-poa-data", "feature_poa_1")]
    {
        let path = format!("/v3/session/{session}/{what}/?node_id={node}");
        let mut shown = server.client.patch(&path, json!({})).await.ok(200);
        for name in ["parsed_address", "poa_parsed_address"] {
            if let Some(address) = shown[name].as_object_mut() {
                address.shift_remove("formatted_address");
            }
        }
        for name in ["full_name", "issuing_state_name", "poa_formatted_address"] {
            shown.as_object_mut().unwrap().shift_remove(name);
        }
        state[node] = shown;
    }
    state
}

async fn started(server: &Server) -> String {
    let evidence = json!({
        "id_verifications": [
            { "document_type": "P", "document_number": "A-1", "first_name": "Ana", "last_name": "Ruiz" },
            { "document_type": "ID" },
        ],
        "poa_verifications": [{ "issuer": "Acme" }],
        "aml_screenings": [{ "hits": [{ "id": "a" }, { "id": "b" }] }],
    });
    text(&server.session_with_evidence(evidence).await["session_id"])
}

async fn make(server: &Server, session: &str, (method, what, body): &Call) -> u16 {
    let (room, what) = what.split_once('/').unwrap();
    let base = match room {
        "v3" => format!("/v3/session/{session}/{what}/"),
        "v3s" => format!("/v3/sessions/{session}/{what}/"),
        _ => format!("/x/sessions/{session}/{what}/"),
    };
    let request = server.client.request(method.clone(), &base);
    send(if body.is_null() { request } else { request.json(body) }).await.status.as_u16()
}

db_test!(tell_one_story, server => {
    let session = started(&server).await;
    let start = told(&server, &session).await;
    let screened: Vec<_> = digests(&server, &session).await.into_iter().map(|(then, _)| then).collect();
    let mut before = look(&server, &session).await;
    let (mut done, mut refused) = (0, 0);
    for (place, call) in calls(150).into_iter().enumerate() {
        let status = make(&server, &session, &call).await;
        let after = look(&server, &session).await;
        let moved = [0, 1, 2].map(|table| after.counts[table] - before.counts[table]);
        if status >= 400 {
            refused += 1;
            assert_eq!(after, before, "{place}: {call:?} was refused with {status}");
            continue;
        }
        done += 1;
        let (events, rows) = expected(&call, &before, &after);
        let step = events.max(rows);
        assert_eq!(moved, [events, step, rows], "{place}: {call:?}");
        let version = |seen: &Seen| seen.version.trim_matches('"').parse::<i64>().unwrap();
        assert_eq!(version(&after) - version(&before), step, "{place}: {call:?}");
        if events == 1 {
            let event = last_event(&server, &session).await;
            assert_eq!(event["decision"], after.decision, "{place}: {call:?}");
            let is_edit = call.1.starts_with("v3/") && call.1 != "v3/update-status";
            assert_eq!(event["webhook_type"], if is_edit { "data.updated" } else { "status.updated" });
            if is_edit {
                assert_eq!(after.decision["status"], before.decision["status"], "{place}: {call:?}");
            }
        }
        assert_eq!(after.feed[..before.feed.len()], before.feed[..], "{place}: old rows stay");
        let documents = after.decision["id_verifications"].as_array().unwrap();
        let held: Vec<_> = documents.iter().map(|item| digest(&item["document_number"])).collect();
        let stored = digests(&server, &session).await;
        assert_eq!(stored.iter().map(|(_, now)| now.clone()).collect::<Vec<_>>(), held, "{place}: {call:?}");
        assert_eq!(stored.into_iter().map(|(then, _)| then).collect::<Vec<_>>(), screened, "{place}: {call:?}");
        for item in documents {
            let names: Vec<&str> = ["first_name", "last_name"].iter().filter_map(|name| item[*name].as_str()).filter(|name| !name.is_empty()).collect();
            assert_eq!(item["full_name"].as_str().unwrap_or_default(), names.join(" "), "{place}: {call:?}");
        }
        before = after;
    }
    assert!(done > 80 && refused > 20, "{done} done, {refused} refused");
    assert_eq!(retell(&start, &before.feed), told(&server, &session).await);
    server.stop().await;
});
