//! What operators mean, what is refused, and the whole against a second interpreter.

mod model;

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{Condition, Facts, Listed, RULES, Refusal, Setting, StatusRules, Verdict};
use crate::{
    entry::{EntryType, EntryValue},
    ids::ListId,
    json::Value,
    session::FeatureStatus,
    time::Timestamp,
};

const LIST: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10";
const HELD: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f11";
const GONE: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f12";

fn facts() -> Facts {
    let facts = json!({
        "kyc": {
            "name": "Ana María", "age": 30, "height": "1.50", "born": "1996-05-02", "country": "esp", "empty": "", "nothing": null,
            "tags": ["PEP", "Sanctions"], "none": [], "flag": true, "number": "007", "object": { "a": 1 }, "void": {},
        },
        "phone": { "country": "ES", "seen": "2026-05-01T12:00:00Z" },
    });
    let Json::Object(members) = facts else { panic!() };
    Facts::new(members)
}

fn now() -> Timestamp {
    Timestamp::parse("2026-05-02T12:00:00Z").unwrap()
}

/// A list of countries: Spain on it, France on it but held.
fn listed(list: ListId, text: &str) -> Option<Listed> {
    let value = EntryValue::parse(EntryType::Country, text).ok();
    match list.to_string().as_str() {
        LIST => value.map(|value| if value.key() == "ESP" { Listed::Yes } else { Listed::No }),
        HELD => value.map(|value| if value.key() == "ESP" { Listed::Held } else { Listed::No }),
        _ => Some(Listed::No),
    }
}

fn read(rule: &Json) -> Result<Condition, Refusal> {
    Condition::read(&Value::from(rule), &|field| !field.starts_with("unknown"))
}

fn asked(rule: &Json) -> Verdict {
    let facts = facts();
    read(rule).unwrap_or_else(|error| panic!("{rule}: {error:?}")).evaluate(&Setting {
        facts: &facts,
        now: now(),
        listed: &listed,
    })
}

fn holds(field: &str, operator: &str, value: Json) -> bool {
    asked(&json!({ "field": field, "operator": operator, "value": value, "score": 80 })).holds
}

#[test]
fn comparisons() {
    for (field, operator, value, expected) in [
        ("kyc.name", "equals", json!("Ana María"), true),
        ("kyc.name", "eq", json!("ana maría"), false),
        ("kyc.name", "not_equals", json!("ana maría"), true),
        ("kyc.age", "equals", json!("30.0"), true),
        ("kyc.age", "greater_than", json!(29.999), true),
        ("kyc.age", "gte", json!(30), true),
        ("kyc.age", "gt", json!(30), false),
        ("kyc.age", "less_than", json!("100"), true),
        ("kyc.height", "equals", json!(1.5), true),
        ("kyc.height", "lte", json!("1.49"), false),
        ("kyc.number", "equals", json!(7), false),
        ("kyc.number", "equals", json!("007"), true),
        ("kyc.flag", "equals", json!(true), true),
        ("kyc.flag", "equals", json!("true"), true),
        ("kyc.flag", "ne", json!(false), true),
        ("kyc.born", "less_than", json!("1996-05-02T00:00:01Z"), true),
        ("phone.seen", "eq", json!("2026-05-01T14:00:00+02:00"), true),
        ("kyc.object", "equals", json!("x"), false),
        ("kyc.object", "not_equals", json!("x"), false),
    ] {
        assert_eq!(holds(field, operator, value.clone()), expected, "{field} {operator} {value}");
    }
}

#[test]
fn texts_and_patterns() {
    for (field, operator, value, expected) in [
        ("kyc.name", "contains", json!("MAR"), true),
        ("kyc.name", "contains", json!("x"), false),
        ("kyc.name", "not_contains", json!("x"), true),
        ("kyc.name", "contains_any", json!(["x", "ana"]), true),
        ("kyc.age", "contains", json!(3), true),
        ("kyc.name", "regex", json!("^A.*a$"), true),
        ("kyc.name", "regex", json!("nA"), false),
        ("kyc.name", "regex", json!("(?i)nA"), true),
        ("kyc.name", "fuzzy_match", json!("maría ana"), true),
        ("kyc.name", "fuzzy_match", json!("Bob"), false),
        ("kyc.country", "in", json!(["esp", "fra"]), true),
        ("kyc.country", "in", json!("esp"), true),
        ("kyc.country", "not_in", json!(["esp"]), false),
        ("kyc.country", "not_in", json!(["ESP"]), true),
        ("kyc.age", "in", json!([29, 30.0]), true),
    ] {
        assert_eq!(holds(field, operator, value.clone()), expected, "{field} {operator} {value}");
    }
}

#[test]
fn arrays_hold_by_any_and_deny_by_none() {
    for (operator, value, expected) in [
        ("equals", "PEP", true),
        ("equals", "SIP", false),
        ("not_equals", "PEP", false),
        ("not_equals", "SIP", true),
        ("contains", "anct", true),
        ("not_contains", "anct", false),
        ("not_contains", "xyz", true),
        ("regex", "^S", true),
    ] {
        assert_eq!(holds("kyc.tags", operator, json!(value)), expected, "{operator} {value}");
    }
}

#[test]
fn missing_fields_make_everything_false_but_is_empty() {
    for field in ["kyc.nothing", "kyc.nowhere", "kyc.none", "nfc.name", "kyc.name.first"] {
        for operator in super::Operator::ALL {
            let value = if operator == super::Operator::In { json!(["x"]) } else { json!("x") };
            assert_eq!(holds(field, operator.as_str(), value), operator == super::Operator::IsEmpty, "{field} {operator:?}");
        }
        for operator in ["in", "not_in"] {
            let rule = json!({ "field": field, "operator": operator, "value_type": "list", "value": LIST });
            assert!(!asked(&rule).holds, "{field} {operator}");
        }
    }
    for (field, empty) in
        [("kyc.empty", true), ("kyc.void", true), ("kyc.name", false), ("kyc.object", false), ("kyc.flag", false)]
    {
        for (operator, expected) in [("is_empty", empty), ("is_null", empty), ("exists", !empty), ("is_not_empty", !empty)] {
            assert_eq!(holds(field, operator, json!(null)), expected, "{field} {operator}");
        }
    }
    assert!(holds("kyc.empty", "equals", json!("")), "an empty text is no missing field");
}

#[test]
fn other_fields_and_dates() {
    let other = |field: &str, operator: &str, other: &str| {
        asked(&json!({ "field": field, "operator": operator, "value_type": "field", "value": other, "score": 50 })).holds
    };
    assert!(other("kyc.age", "greater_than", "kyc.height"));
    assert!(other("kyc.tags", "equals", "kyc.tags") && !other("kyc.tags", "not_equals", "kyc.tags"));
    for operator in ["equals", "not_equals", "less_than", "not_in"] {
        assert!(!other("kyc.age", operator, "kyc.nothing"), "{operator}");
    }
    let date = |field: &str, operator: &str, direction: &str, unit: &str, amount: i64| {
        let value = json!({ "direction": direction, "unit": unit, "amount": amount });
        asked(&json!({ "field": field, "operator": operator, "value_type": "relative_date", "value": value })).holds
    };
    assert!(date("kyc.born", "less_than", "past", "days", 18 * 365));
    assert!(date("phone.seen", "greater_than_or_equals", "past", "hours", 24));
    assert!(!date("phone.seen", "greater_than", "past", "minutes", 24 * 60));
    assert!(date("phone.seen", "not_equals", "future", "minutes", 0));
    assert!(!date("kyc.name", "greater_than", "past", "days", 1) && !date("kyc.name", "not_equals", "past", "days", 1));
}

#[test]
fn lists() {
    let list = |field: &str, operator: &str, list: &str| {
        asked(&json!({ "field": field, "operator": operator, "value_type": "list", "value": list }))
    };
    for (operator, on_it) in [
        ("in", true),
        ("equals", true),
        ("eq", true),
        ("contains", true),
        ("contains_any", true),
        ("not_in", false),
        ("not_equals", false),
        ("ne", false),
        ("not_contains", false),
    ] {
        assert_eq!(list("kyc.country", operator, LIST).holds, on_it, "{operator}");
        assert_eq!(list("phone.country", operator, LIST).holds, on_it, "two letters are a country as well");
        assert_eq!(list("kyc.country", operator, GONE).holds, !on_it, "a list that is gone is empty");
        assert!(!list("kyc.name", operator, LIST).holds, "no country: {operator}");
        assert!(!list("kyc.tags", operator, LIST).holds, "no country: {operator}");
    }
    let held = list("kyc.country", "in", HELD);
    assert!(held.holds && held.held);
    assert_eq!(list("kyc.country", "in", LIST), Verdict { holds: true, held: false, value: Some(json!("esp")) });
    assert!(!list("kyc.country", "not_in", HELD).holds);
}

#[test]
fn refusals_name_every_field() {
    let errors = |rule: Json| match read(&rule) {
        Err(Refusal::Fields(errors)) => serde_json::to_value(errors).unwrap(),
        Err(Refusal::List(text)) => json!(text),
        Ok(_) => json!("accepted"),
    };
    let rule = |operator: &str, value: Json| json!({ "field": "a", "operator": operator, "value": value });
    let of_type = |operator: &str, value_type: &str, value: Json| json!({ "field": "a", "operator": operator, "value": value, "value_type": value_type });
    let long = "x".repeat(1_001);
    for (sent, expected) in [
        (json!(5), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got int."] })),
        (json!({}), json!({ "field": ["This field is required."], "operator": ["This field is required."] })),
        (
            json!({ "field": "", "operator": "like" }),
            json!({ "field": ["This field may not be blank."], "operator": ["\"like\" is not a valid choice."] }),
        ),
        (json!({ "field": "unknown.x", "operator": "is_empty" }), json!({ "field": ["Unknown field 'unknown.x'."] })),
        (rule("equals", json!(["a"])), json!({ "value": ["Not a valid string."] })),
        (rule("equals", json!(null)), json!({ "value": ["This field may not be null."] })),
        (rule("in", json!([])), json!({ "value": ["This list may not be empty."] })),
        (rule("in", json!(["a", {}])), json!({ "value": { "1": ["Not a valid string."] } })),
        (rule("contains", json!("")), json!({ "value": ["This field may not be blank."] })),
        (rule("regex", json!("(")), json!({ "value": ["Enter a valid regular expression."] })),
        (rule("regex", json!("\\w{1000}{1000}")), json!({ "value": ["Enter a valid regular expression."] })),
        (rule("regex", json!("(?=a)")), json!({ "value": ["Enter a valid regular expression."] })),
        (rule("regex", json!(long)), json!({ "value": ["Ensure this field has no more than 1000 characters."] })),
        (rule("fuzzy_match", json!("a")), json!({ "score": ["This field is required."] })),
        (
            json!({ "field": "a", "operator": "fuzzy_match", "value": "a", "score": 101 }),
            json!({ "score": ["Ensure this value is less than or equal to 100."] }),
        ),
        (of_type("equals", "magic", json!("a")), json!({ "value_type": ["\"magic\" is not a valid choice."] })),
        (of_type("regex", "field", json!("a")), json!({ "value_type": ["A pattern must be a literal."] })),
        (of_type("in", "list", json!("a")), json!({ "value": ["Must be a valid UUID."] })),
        (of_type("gt", "list", json!(LIST)), json!("Operator 'gt' cannot be used with a list.")),
        (of_type("is_empty", "list", json!(LIST)), json!("Operator 'is_empty' cannot be used with a list.")),
        (
            of_type("in", "relative_date", json!({})),
            json!({ "value_type": ["Operator 'in' cannot be used with a relative date."] }),
        ),
        (
            of_type("gt", "relative_date", json!({ "direction": "up", "unit": "days", "amount": 36_501 })),
            json!({ "value": { "direction": ["\"up\" is not a valid choice."], "amount": ["Ensure this value is less than or equal to 36500."] } }),
        ),
        (rule("is_empty", json!({ "anything": 1 })), json!("accepted")),
        (rule("in", json!(vec!["a"; 1_000])), json!("accepted")),
        (rule("in", json!(vec!["a"; 1_001])), json!({ "value": ["Ensure this field has no more than 1000 elements."] })),
    ] {
        assert_eq!(errors(sent.clone()), expected, "{sent}");
    }
}

fn decide(rules: Json, facts: &Facts) -> Option<FeatureStatus> {
    StatusRules::stored(Some(&rules)).unwrap().decide(&Setting { facts, now: now(), listed: &listed }).status
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rule =
        |value: &str, status: &str| json!({ "field": "kyc.country", "operator": "equals", "value": value, "status": status });
    let facts = facts();
    for (rules, expected) in [
        (json!([]), None),
        (json!([rule("fra", "Declined")]), None),
        (json!([rule("esp", "Declined"), rule("esp", "Approved")]), Some(FeatureStatus::Declined)),
        (json!([rule("esp", "No Action"), rule("esp", "In Review")]), Some(FeatureStatus::InReview)),
        (json!([rule("fra", "Declined"), rule("esp", "Approved")]), Some(FeatureStatus::Approved)),
    ] {
        assert_eq!(decide(rules.clone(), &facts), expected, "{rules}");
    }
    let of_list = |list: &str| json!([{ "field": "kyc.country", "operator": "in", "value_type": "list", "value": list, "status": "Declined" }]);
    assert_eq!(decide(of_list(LIST), &facts), Some(FeatureStatus::Declined));
    assert_eq!(decide(of_list(HELD), &facts), Some(FeatureStatus::InReview), "an entry that is held declines nobody");
}

#[test]
fn rules_say_what_they_will_ask() {
    let rules = json!([
        { "field": "kyc.country", "operator": "in", "value_type": "list", "value": LIST, "status": "Declined" },
        { "field": "kyc.country", "operator": "not_in", "value_type": "list", "value": LIST, "status": "In Review" },
        { "field": "kyc.tags", "operator": "in", "value_type": "list", "value": GONE, "status": "No Action" },
        { "field": "kyc.age", "operator": "gt", "value_type": "field", "value": "kyc.height", "status": "Declined" },
    ]);
    let rules = StatusRules::stored(Some(&rules)).unwrap();
    let list: ListId = LIST.parse().unwrap();
    assert_eq!((rules.lists(), rules.questions(&facts())), (vec![list], vec![(list, "esp".to_owned())]));
    assert_eq!(rules.fields(), ["kyc.country", "kyc.age", "kyc.height"]);
    let ruling = rules.decide(&Setting { facts: &facts(), now: now(), listed: &listed });
    let explanation = json!({ "field": "kyc.country", "operator": "in", "holds": true, "held": false, "value": "esp" });
    assert_eq!(ruling.by, Some((0, explanation)));
    let many = Json::from(vec![json!({ "field": "a", "operator": "is_empty", "status": "Declined" }); RULES + 1]);
    assert!(StatusRules::stored(Some(&many)).is_err());
}

#[test]
fn slow_questions_are_bounded() {
    let word = "a".repeat(20_000);
    let facts: HashMap<&str, Json> = HashMap::from([("a", json!(vec![word.clone(); 50])), ("b", json!(vec![word; 50]))]);
    let facts = Facts::new(facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let setting = Setting { facts: &facts, now: now(), listed: &listed };
    let pattern = read(&json!({ "field": "a", "operator": "regex", "value": "(a|aa|aaa){1,50}b" })).unwrap();
    assert!(!pattern.evaluate(&setting).holds);
    let alike =
        read(&json!({ "field": "a", "operator": "fuzzy_match", "value_type": "field", "value": "b", "score": 99.9 })).unwrap();
    assert!(alike.evaluate(&setting).holds);
}
