//! What a webhook's body may hold, as the contract's table says it (webhooks §2): keys, types, what may be null. The receiver
//! of the tests holds every body against it, so a payload that strays is noticed by whichever test sees it first.

use serde_json::{Map, Value};

/// The type of a member.
#[derive(Clone, Copy)]
enum Is {
    Uuid,
    Text,
    Integer,
    Object,
    /// Any JSON but null.
    Any,
    Texts,
    /// One of these texts.
    Of(&'static [&'static str]),
    /// The same as another member.
    Same(&'static str),
    OrNull(&'static Is),
}

type Table = &'static [(&'static str, Is)];

const ENVELOPE: Table = &[
    ("event_id", Is::Uuid),
    ("webhook_type", Is::Text),
    ("timestamp", Is::Integer),
    ("created_at", Is::Integer),
    ("application_id", Is::Uuid),
    ("environment", Is::Of(&["live", "sandbox"])),
];
const SESSION: Table = &[
    ("session_id", Is::Uuid),
    ("status", Is::Of(&STATUSES)),
    ("vendor_data", Is::OrNull(&Is::Text)),
    ("metadata", Is::OrNull(&Is::Any)),
    ("workflow_id", Is::OrNull(&Is::Uuid)),
    ("workflow_version", Is::OrNull(&Is::Integer)),
];
const STATUSES: [&str; 10] = [
    "Not Started",
    "In Progress",
    "Awaiting User",
    "In Review",
    "Approved",
    "Declined",
    "Resubmitted",
    "Expired",
    "Kyc Expired",
    "Abandoned",
];
/// The statuses with which the decision comes.
const DECIDED: [&str; 4] = ["Approved", "Declined", "In Review", "Abandoned"];
const BUSINESS_SESSION: Table = &[
    ("business_session_id", Is::Same("session_id")),
    ("session_kind", Is::Of(&["business"])),
    ("vendor_business_id", Is::OrNull(&Is::Uuid)),
];
const CHANGED: Table = &[("trigger", Is::Of(&["manual_review"])), ("changed_fields", Is::Texts)];
const USER: Table =
    &[("vendor_data", Is::Text), ("didit_internal_id", Is::Uuid), ("vendor_user_id", Is::Same("didit_internal_id"))];
const BUSINESS: Table = &[
    ("vendor_data", Is::OrNull(&Is::Text)),
    ("didit_internal_id", Is::Uuid),
    ("vendor_business_id", Is::Same("didit_internal_id")),
];
const ENTITY_STATUS: Table = &[
    ("status", Is::Of(&["ACTIVE", "FLAGGED", "BLOCKED"])),
    ("previous_status", Is::Of(&["ACTIVE", "FLAGGED", "BLOCKED"])),
    ("reason", Is::Of(&["api", "manual", "blocklist_match", "session_declined", "transaction_rule", "ongoing_monitoring"])),
    ("actor", Is::Text),
    ("metadata", Is::OrNull(&Is::Any)),
];
const ENTITY_DATA: Table = &[("status", Is::Of(&["ACTIVE", "FLAGGED", "BLOCKED"])), ("changed_fields", Is::Texts)];
const TRANSACTION: Table = &[
    ("transaction_id", Is::Uuid),
    ("txn_id", Is::Text),
    ("status", Is::Text),
    ("vendor_data", Is::OrNull(&Is::Text)),
    ("transaction", Is::Object),
];
const PREVIOUS: Table = &[("previous_status", Is::Text)];

/// The tables of an event; `None` for one that this version does not send.
fn tables(event: &str, body: &Map<String, Value>) -> Option<Vec<Table>> {
    let kind: &[Table] = match event {
        "status.updated" => &[SESSION],
        "data.updated" => &[SESSION, CHANGED],
        "user.status.updated" => &[USER, ENTITY_STATUS],
        "user.data.updated" => &[USER, ENTITY_DATA],
        "business.status.updated" => &[BUSINESS, ENTITY_STATUS],
        "business.data.updated" => &[BUSINESS, ENTITY_DATA],
        "transaction.created" => &[TRANSACTION],
        "transaction.status.updated" => &[TRANSACTION, PREVIOUS],
        _ => return None,
    };
    let mut tables = [&[ENVELOPE], kind].concat();
    let is_session = matches!(event, "status.updated" | "data.updated");
    if is_session && body.contains_key("session_kind") {
        tables.push(BUSINESS_SESSION);
    }
    let status = body.get("status").and_then(Value::as_str).unwrap_or_default();
    if is_session && DECIDED.contains(&status) {
        tables.push(&[("decision", Is::Object)]);
    }
    if event == "status.updated" && status == "Resubmitted" {
        tables.push(&[("resubmit_info", Is::Object)]);
    }
    Some(tables)
}

/// What in a body is not as the contract has it; empty when all is well. Keys it does not name are faults too.
pub fn faults(body: &Value) -> Vec<String> {
    let Some(body) = body.as_object() else { return vec!["not an object".into()] };
    let event = body.get("webhook_type").and_then(Value::as_str).unwrap_or_default();
    let Some(tables) = tables(event, body) else { return vec![format!("an event {event:?}")] };
    let rows: Vec<_> = tables.concat();
    let mut faults = Vec::new();
    for (name, is) in &rows {
        match body.get(*name) {
            None => faults.push(format!("{event}: {name} is missing")),
            Some(value) if !fits(*is, value, body) => faults.push(format!("{event}: {name} is {value}")),
            Some(_) => {}
        }
    }
    let unknown = body.keys().filter(|key| !rows.iter().any(|(name, _)| name == key));
    faults.extend(unknown.map(|key| format!("{event}: {key} is not in the contract")));
    if let Some(info) = body.get("resubmit_info") {
        faults.extend(resubmit_faults(info));
    }
    faults
}

fn fits(is: Is, value: &Value, body: &Map<String, Value>) -> bool {
    match is {
        Is::Uuid => value.as_str().is_some_and(|text| {
            text.len() == 36 && uuid::Uuid::parse_str(text).is_ok_and(|id| id.to_string() == text) // Lower case, with hyphens.
        }),
        Is::Text => value.is_string(),
        Is::Integer => value.is_i64(),
        Is::Object => value.is_object(),
        Is::Any => !value.is_null(),
        Is::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        Is::Of(texts) => value.as_str().is_some_and(|text| texts.contains(&text)),
        Is::Same(other) => body.get(other) == Some(value),
        Is::OrNull(inner) => value.is_null() || fits(*inner, value, body),
    }
}

/// `{"nodes_to_resubmit":[{"node_id","feature"}],"reasons":{"<node_id>":"<comment or empty>"}}`
fn resubmit_faults(info: &Value) -> Vec<String> {
    let keys = |value: &Value| value.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut faults = Vec::new();
    if keys(info) != ["nodes_to_resubmit", "reasons"] {
        faults.push(format!("resubmit_info has {:?}", keys(info)));
    }
    let nodes = info["nodes_to_resubmit"].as_array().cloned().unwrap_or_default();
    if nodes.is_empty() {
        faults.push("resubmit_info names no node".into());
    }
    for node in &nodes {
        let mut names = keys(node);
        names.sort();
        if names != ["feature", "node_id"] || !node["feature"].is_string() {
            faults.push(format!("resubmit_info: {node}"));
        }
        let reason = node["node_id"].as_str().map(|id| &info["reasons"][id]);
        if !reason.is_some_and(Value::is_string) {
            faults.push(format!("resubmit_info: no reason for {node}"));
        }
    }
    faults
}
