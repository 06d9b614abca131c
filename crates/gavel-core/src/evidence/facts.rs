//! What a session offers to conditions: `kyc.<member>` and its like, `session.…` (entities.md §5.3).
//!
//! A rule belongs to one feature and is asked when a result of that feature is recorded. The paths of its own feature lead
//! into that result, with the status and the warnings it has before the rules; those of other features into their newest
//! result. Only the fields the rules name are gathered, and they are kept with the record ([`Consulted`](super::Consulted)).

use serde_json::{Map, Value};

use super::{Feature, shape::Kind, shape::Owned, shapes::shape_of};
use crate::{
    rules::{Facts, StatusRules},
    session::FeatureStatus,
};

/// What the features are called in paths.
const NAMES: [(&str, Feature); 11] = [
    ("kyc", Feature::Ocr),
    ("nfc", Feature::Nfc),
    ("liveness", Feature::Liveness),
    ("face_match", Feature::FaceMatch),
    ("phone", Feature::PhoneVerification),
    ("email", Feature::EmailVerification),
    ("poa", Feature::ProofOfAddress),
    ("aml", Feature::Aml),
    ("ip", Feature::IpAnalysis),
    ("database_validation", Feature::DatabaseValidation),
    ("questionnaire", Feature::Questionnaire),
];

/// A result as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// What was checked.
    pub feature: Feature,
    /// Its step.
    pub node_id: Option<&'a str>,
    /// Its data.
    pub data: &'a Map<String, Value>,
    /// Where it stands.
    pub status: FeatureStatus,
    /// Its warnings, an array.
    pub warnings: &'a Value,
    /// Its matches, an array.
    pub matches: &'a Value,
}

/// What of the session itself can be asked about.
#[derive(Debug, Clone, Default)]
pub struct SessionFacts {
    /// The caller's id of the person or company.
    pub vendor_data: Option<String>,
    /// The caller's JSON.
    pub metadata: Value,
    /// As sent.
    pub expected_details: Value,
}

/// Whether a rule may name this field.
pub fn is_fact(path: &str) -> bool {
    let Some((name, rest)) = path.split_once('.').filter(|(_, rest)| !rest.is_empty()) else { return false };
    if name == "session" {
        return rest == "vendor_data"
            || ["metadata.", "expected_details."].iter().any(|of| rest.strip_prefix(of).is_some_and(|key| !key.is_empty()));
    }
    match feature_of(name) {
        Some(Feature::Questionnaire) => true,
        Some(feature) => {
            let member = rest.split('.').next().unwrap_or_default();
            shape_of(feature).iter().any(|field| field.name == member)
        }
        None => false,
    }
}

/// Whether a path leads to what the server thinks of a result: other lists may have led to another value.
pub fn is_opinion(path: &str) -> bool {
    let member = path.split('.').nth(1).unwrap_or_default();
    path.split('.').next().and_then(feature_of).is_some_and(|feature| feature != Feature::Questionnaire)
        && matches!(member, "status" | "warnings")
}

/// The fields the rules name. `others` are the session's other results; of several of one feature the last counts.
pub fn gather(rules: &StatusRules, own: Standing<'_>, others: &[Standing<'_>], session: &SessionFacts) -> Facts {
    let gathered = rules.fields().into_iter().map(|path| (path.to_owned(), find(path, own, others, session).unwrap_or_default()));
    Facts::new(gathered.collect())
}

/// One field: null when it is missing, `None` when there is no result it could be in.
pub fn find(path: &str, own: Standing<'_>, others: &[Standing<'_>], session: &SessionFacts) -> Option<Value> {
    let (name, rest) = path.split_once('.')?;
    if name == "session" {
        return Some(of_session(rest, session));
    }
    let feature = feature_of(name)?;
    let same = |standing: &&Standing<'_>| standing.feature.array() == feature.array();
    let standing = Some(&own).filter(same).or_else(|| others.iter().rev().find(same))?;
    Some(match feature {
        Feature::Questionnaire => answer(standing.data, rest),
        _ => of_result(standing, rest),
    })
}

fn feature_of(name: &str) -> Option<Feature> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, feature)| *feature)
}

fn of_session(rest: &str, session: &SessionFacts) -> Value {
    match rest.split_once('.') {
        None if rest == "vendor_data" => session.vendor_data.clone().map_or(Value::Null, Value::String),
        Some(("metadata", key)) => Facts::keep(&session.metadata, key),
        Some(("expected_details", key)) => Facts::keep(&session.expected_details, key),
        _ => Value::Null,
    }
}

fn of_result(standing: &Standing<'_>, rest: &str) -> Value {
    let (member, deeper) = rest.split_once('.').unwrap_or((rest, ""));
    let owned = shape_of(standing.feature).iter().find_map(|field| match field.kind {
        Kind::Owned(owned) if field.name == member => Some(owned),
        _ => None,
    });
    match owned {
        Some(Owned::NodeId) => standing.node_id.into(),
        Some(Owned::Status) => standing.status.as_str().into(),
        Some(Owned::Warnings) => Facts::keep(standing.warnings, deeper),
        Some(Owned::Matches) => Facts::keep(standing.matches, deeper),
        None => standing.data.get(member).map_or(Value::Null, |value| Facts::keep(value, deeper)),
    }
}

/// The answer to the question of this name: what was chosen, else what was written.
fn answer(data: &Map<String, Value>, question: &str) -> Value {
    let sections = data.get("sections").and_then(Value::as_array).into_iter().flatten();
    let mut items = sections.filter_map(|section| section.get("items")?.as_array()).flatten();
    let asked = items.rfind(|item| item.get("value").and_then(Value::as_str) == Some(question));
    let given = |member: &str| {
        let given = asked?.get("answer")?.get(member)?;
        let nothing = matches!(given, Value::Null) || given == "" || given.as_array().is_some_and(Vec::is_empty);
        (!nothing).then(|| given.clone())
    };
    given("value").or_else(|| given("text")).or_else(|| given("files")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        if let Value::Object(members) = value { members } else { panic!("{value}") }
    }

    #[test]
    fn fields_that_a_rule_may_name() {
        for path in [
            "kyc.document_number",
            "kyc.parsed_address.city",
            "kyc.warnings.risk",
            "phone.status",
            "ip.ip_country_code",
            "aml.hits.datasets",
            "questionnaire.source_of_funds",
            "session.vendor_data",
            "session.metadata.plan",
            "session.metadata.a.b",
            "session.expected_details.country",
        ] {
            assert!(is_fact(path), "{path}");
        }
        for path in [
            "",
            "kyc",
            "kyc.",
            "kyc.nonsense",
            "ocr.document_number",
            "session.status",
            "session.metadata",
            "session.metadata.",
            "questionnaire.",
            "document_number",
        ] {
            assert!(!is_fact(path), "{path}");
        }
        assert!(is_opinion("kyc.status") && is_opinion("phone.warnings.risk"));
        assert!(!is_opinion("kyc.gender") && !is_opinion("session.metadata.status") && !is_opinion("questionnaire.status"));
    }

    #[test]
    fn own_results_come_first_and_of_the_others_the_newest() {
        let (early, late) = (object(json!({ "country_code": "DE" })), object(json!({ "country_code": "FR" })));
        let (first, second) = (object(json!({ "issuing_state": "ESP" })), object(json!({ "issuing_state": "ITA" })));
        let (warnings, none) = (json!([{ "risk": "A" }, { "risk": "B" }]), json!([]));
        let standing = |feature, data, warnings| Standing {
            feature,
            node_id: Some("n"),
            data,
            status: FeatureStatus::InReview,
            warnings,
            matches: &none,
        };
        let own = standing(Feature::Ocr, &first, &warnings);
        let others = [
            standing(Feature::PhoneVerification, &early, &none),
            standing(Feature::PhoneVerification, &late, &none),
            standing(Feature::Ocr, &second, &none),
        ];
        let session = SessionFacts {
            vendor_data: Some("cust-9".into()),
            metadata: json!({ "plan": "pro", "a": { "b": [1, 2] } }),
            expected_details: Value::Null,
        };
        for (path, expected) in [
            ("kyc.issuing_state", json!("ESP")),
            ("kyc.status", json!("In Review")),
            ("kyc.warnings.risk", json!(["A", "B"])),
            ("kyc.node_id", json!("n")),
            ("kyc.age", json!(null)),
            ("phone.country_code", json!("FR")),
            ("email.email", json!(null)),
            ("session.vendor_data", json!("cust-9")),
            ("session.metadata.plan", json!("pro")),
            ("session.metadata.a.b", json!([1, 2])),
            ("session.expected_details.country", json!(null)),
        ] {
            assert_eq!(find(path, own, &others, &session).unwrap_or_default(), expected, "{path}");
        }
    }

    #[test]
    fn answers_go_by_the_name_of_their_question() {
        let data = object(json!({ "sections": [{ "items": [
            { "value": "funds", "answer": { "value": ["salary", "gift"], "text": null } },
            { "value": "note", "answer": { "value": null, "text": "hello", "files": [] } },
            { "value": "none", "answer": null },
        ] }] }));
        let none = json!([]);
        let own = Standing {
            feature: Feature::Questionnaire,
            node_id: None,
            data: &data,
            status: FeatureStatus::Approved,
            warnings: &none,
            matches: &none,
        };
        for (path, expected) in [
            ("questionnaire.funds", json!(["salary", "gift"])),
            ("questionnaire.note", json!("hello")),
            ("questionnaire.none", json!(null)),
            ("questionnaire.other", json!(null)),
        ] {
            assert_eq!(find(path, own, &[], &SessionFacts::default()), Some(expected), "{path}");
        }
    }
}
