//! A second interpreter, written to be obvious and slow, and random conditions over random facts.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Condition, Facts, Listed, Setting};
use crate::{json::Value, time::Timestamp};

const LIST: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10";
const FIELDS: [&str; 5] = ["f.a", "f.b", "f.c", "f.d.e", "f.gone"];

/// Two-letter texts are values of the list; those that begin with `e` are on it.
fn listed(text: &str) -> Option<bool> {
    (text.chars().count() == 2).then(|| text.starts_with('e'))
}

fn values(facts: &Json, path: &str) -> Vec<Json> {
    let mut now = vec![facts.clone()];
    for name in path.split('.') {
        now = now.into_iter().flat_map(open).filter_map(|value| value.get(name).cloned()).collect();
    }
    now.into_iter().flat_map(open).collect()
}

fn open(value: Json) -> Vec<Json> {
    match value {
        Json::Array(elements) => elements.into_iter().flat_map(open).collect(),
        Json::Null => Vec::new(),
        other => vec![other],
    }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// -1, 0, 1; the numbers drawn are small enough for doubles.
fn order(one: &str, other: &str) -> i32 {
    let number = |text: &str| serde_json::from_str::<f64>(text).ok();
    let day = |text: &str| (text.len() == 10 && text.starts_with("20")).then(|| text.replace('-', "").parse::<u64>().unwrap());
    let sign = |ordering: std::cmp::Ordering| ordering as i32;
    match (number(one), number(other), day(one), day(other)) {
        (Some(one), Some(other), ..) => sign(one.partial_cmp(&other).unwrap()),
        (_, _, Some(one), Some(other)) => sign(one.cmp(&other)),
        _ => sign(one.cmp(other)),
    }
}

fn naive(rule: &Json, facts: &Json) -> bool {
    let operator = rule["operator"].as_str().unwrap();
    let found = values(facts, rule["field"].as_str().unwrap());
    let something = found.iter().any(|value| *value != json!("") && *value != json!({}));
    match operator {
        "is_empty" | "is_null" | "not_exists" => return !something,
        "is_not_empty" | "is_not_null" | "exists" => return something,
        _ => {}
    }
    let here: Vec<String> = found.iter().filter_map(text).collect();
    if here.is_empty() {
        return false;
    }
    if rule["value_type"] == "list" {
        let read: Vec<bool> = here.iter().filter_map(|text| listed(text)).collect();
        let positive = !matches!(operator, "not_in" | "not_equals" | "ne" | "not_contains");
        return !read.is_empty() && read.contains(&true) == positive;
    }
    let there: Vec<String> = match rule["value_type"].as_str() {
        Some("field") => values(facts, rule["value"].as_str().unwrap()).iter().filter_map(text).collect(),
        _ => open(rule["value"].clone()).iter().filter_map(text).collect(),
    };
    if there.is_empty() {
        return false;
    }
    let mut pairs = here.iter().flat_map(|one| there.iter().map(move |other| (one, other)));
    match operator {
        "equals" | "eq" | "in" => pairs.any(|(one, other)| order(one, other) == 0),
        "not_equals" | "ne" | "not_in" => pairs.all(|(one, other)| order(one, other) != 0),
        "greater_than" | "gt" => pairs.any(|(one, other)| order(one, other) > 0),
        "greater_than_or_equals" | "gte" => pairs.any(|(one, other)| order(one, other) >= 0),
        "less_than" | "lt" => pairs.any(|(one, other)| order(one, other) < 0),
        "less_than_or_equals" | "lte" => pairs.any(|(one, other)| order(one, other) <= 0),
        "contains" | "contains_any" => pairs.any(|(one, other)| part(one, other)),
        "not_contains" => !pairs.any(|(one, other)| part(one, other)),
        "regex" => there.iter().any(|pattern| {
            let wanted = pattern.trim_start_matches('^');
            here.iter().any(|text| if pattern.starts_with('^') { text.starts_with(wanted) } else { text.contains(wanted) })
        }),
        other => panic!("{other}"),
    }
}

fn part(one: &str, other: &str) -> bool {
    !other.is_empty() && one.to_lowercase().contains(&other.to_lowercase())
}

fn scalar() -> impl Strategy<Value = Json> {
    let texts = proptest::sample::select(vec![
        "",
        "es",
        "ES",
        "fr",
        "esp",
        "a",
        "A b",
        "10",
        "9",
        "9.0",
        "007",
        "2026-05-02",
        "2025-12-31",
        "true",
    ]);
    prop_oneof![
        5 => texts.prop_map(Json::from),
        2 => (-3i64..12).prop_map(Json::from),
        1 => Just(serde_json::from_str("9.50").unwrap()),
        1 => any::<bool>().prop_map(Json::from),
    ]
}

fn fact() -> impl Strategy<Value = Json> {
    prop_oneof![
        5 => scalar(),
        1 => Just(Json::Null),
        1 => Just(json!({})),
        1 => Just(json!({ "x": 1 })),
        3 => proptest::collection::vec(prop_oneof![4 => scalar(), 1 => Just(Json::Null)], 0..4).prop_map(Json::from),
    ]
}

fn facts() -> impl Strategy<Value = Json> {
    (fact(), fact(), fact(), proptest::collection::vec(fact(), 0..3)).prop_map(|(a, b, c, d)| {
        let inner: Vec<Json> = d.into_iter().map(|value| json!({ "e": value })).collect();
        json!({ "f": { "a": a, "b": b, "c": c, "d": inner } })
    })
}

fn rule() -> impl Strategy<Value = Json> {
    let names: Vec<&str> = super::super::Operator::ALL.iter().flat_map(|operator| operator.spellings()).copied().collect();
    let names = names.into_iter().filter(|name| *name != "fuzzy_match").collect::<Vec<_>>();
    let several = |name: &str| matches!(name, "in" | "not_in" | "contains_any");
    (
        proptest::sample::select(FIELDS.to_vec()),
        proptest::sample::select(names),
        0..10,
        scalar(),
        proptest::collection::vec(scalar(), 1..4),
        proptest::sample::select(FIELDS.to_vec()),
    )
        .prop_map(move |(field, operator, kind, one, many, other)| {
            let (value_type, value) = match kind {
                0..=2 => ("list", json!(LIST)),
                3..=4 => ("field", json!(other)),
                5..=6 if several(operator) => ("literal", json!(many)),
                _ if operator == "regex" => ("literal", json!(format!("^{}", text(&one).unwrap().replace('.', "")))),
                _ => ("literal", one),
            };
            json!({ "field": field, "operator": operator, "value_type": value_type, "value": value })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn says_what_the_obvious_interpreter_says(facts in facts(), rule in rule()) {
        // Some of what is drawn is refused when it is read; the table of refusals says what.
        if let Ok(condition) = Condition::read(&Value::from(&rule), &|_| true) {
            let Json::Object(members) = facts.clone() else { unreachable!() };
            let members = Facts::new(members);
            let on = |_, text: &str| listed(text).map(|on_it| if on_it { Listed::Yes } else { Listed::No });
            let setting = Setting { facts: &members, now: Timestamp::from_micros(0), listed: &on };
            let verdict = condition.evaluate(&setting);
            prop_assert_eq!(verdict.holds, naive(&rule, &facts), "{} over {}", rule, facts);
            // What was kept of the facts answers the same.
            let keep = |path: &str| (path.to_owned(), Facts::keep(&facts, path));
            let kept = Facts::new(FIELDS.map(keep).into_iter().collect());
            prop_assert_eq!(condition.evaluate(&Setting { facts: &kept, ..setting }), verdict);
        }
    }

    #[test]
    fn nothing_that_is_sent_panics(text in "\\PC{0,40}", field in "[a-z.]{0,6}", rule in rule(), facts in facts(), score in -1.0f64..200.0) {
        let mut rule = rule;
        rule["value"] = Json::from(text.clone());
        rule["score"] = json!(score);
        let Json::Object(members) = facts else { unreachable!() };
        let members = Facts::new(members);
        members.find(&field);
        members.find(&text);
        for operator in super::super::Operator::ALL {
            rule["operator"] = Json::from(operator.as_str());
            if let Ok(condition) = Condition::read(&Value::from(&rule), &|_| true) {
                condition.evaluate(&Setting { facts: &members, now: Timestamp::from_micros(0), listed: &|_, _| None });
            }
        }
    }
}
