//! What is refused, and in which words; what is stored of what is accepted.

use serde_json::{Value as Json, json};

use super::super::{NewRule, RuleChange, read_backtest};
use crate::json::Value;

fn body(part: &str, value: Json) -> Json {
    let mut body = json!({ "title": "t", "category": "c", "mode": "ACTIVE", "conditions": [{ "field": "amount", "operator": "gt", "value": 1 }] });
    body[part] = value;
    body
}

fn errors(body: &Json) -> Json {
    NewRule::read(&Value::from(body)).map_or_else(|errors| serde_json::to_value(errors).unwrap(), |_| Json::Null)
}

fn one(part: &str, item: Json) -> Json {
    errors(&body(part, json!([item])))
}

#[test]
fn a_rule_has_a_name_and_asks_something() {
    let required = json!(["This field is required."]);
    let nothing = json!(["At least one condition or aggregation is required."]);
    let expected = json!({ "title": required, "category": required, "mode": required, "conditions": nothing });
    assert_eq!(errors(&json!({})), expected);
    assert_eq!(errors(&body("conditions", json!([]))), json!({ "conditions": nothing }));
    assert_eq!(errors(&body("title", json!(""))), json!({ "title": ["This field may not be blank."] }));
    assert_eq!(errors(&body("title", json!("x".repeat(255)))), Json::Null);
    let long = |most| json!([format!("Ensure this field has no more than {most} characters.")]);
    assert_eq!(errors(&body("title", json!("x".repeat(256)))), json!({ "title": long(255) }));
    assert_eq!(errors(&body("category", json!("x".repeat(65)))), json!({ "category": long(64) }));
    assert_eq!(errors(&body("mode", json!("active"))), json!({ "mode": ["\"active\" is not a valid choice."] }));
    assert_eq!(errors(&body("evaluation_mode", json!("all"))), json!({ "evaluation_mode": ["\"all\" is not a valid choice."] }));
    let too_large = json!({ "metadata": ["Ensure this field has no more than 16384 bytes."] });
    assert_eq!(errors(&body("metadata", json!({ "k": "x".repeat(16_384) }))), too_large);
}

#[test]
fn conditions_are_refused_by_name() {
    let of = |item: Json| one("conditions", item);
    for (item, expected) in [
        (json!({ "field": "x", "operator": "eq", "value": 1 }), json!(["Unknown field 'x'."])),
        (
            json!({ "field": "amount", "operator": "eq", "value_type": "field", "value": "nope" }),
            json!(["Unknown field 'nope'."]),
        ),
        (
            json!({ "field": "subject_email", "operator": "gt", "value_type": "list", "value": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10" }),
            json!(["Operator 'gt' cannot be used with a list."]),
        ),
        (json!({}), json!([{ "field": ["This field is required."], "operator": ["This field is required."] }])),
        (json!("x"), json!([{ "non_field_errors": ["Invalid data. Expected a dictionary, but got str."] }])),
        (
            json!({ "field": "amount", "operator": "equals", "value": 1 }),
            json!([{ "operator": ["\"equals\" is not a valid choice."] }]),
        ),
        (
            json!({ "field": "amount", "operator": "like", "value": 1 }),
            json!([{ "operator": ["\"like\" is not a valid choice."] }]),
        ),
        (
            json!({ "field": "amount", "operator": "eq", "value": 1, "value_type": "literal" }),
            json!([{ "value_type": ["\"literal\" is not a valid choice."] }]),
        ),
        (json!({ "field": "amount", "operator": "eq" }), json!([{ "value": ["This field is required."] }])),
        (
            json!({ "field": "payment_details", "operator": "regex", "value": "(" }),
            json!([{ "value": ["Enter a valid regular expression."] }]),
        ),
        (
            json!({ "field": "payment_details", "operator": "regex", "value": "((a{1000}){1000}){1000}" }),
            json!([{ "value": ["Enter a valid regular expression."] }]),
        ),
        (
            json!({ "field": "payment_details", "operator": "fuzzy_match", "value": "a" }),
            json!([{ "score": ["This field is required."] }]),
        ),
        (
            json!({ "field": "amount", "operator": "eq", "value": 1, "group_index": "x", "group_logic": "XOR" }),
            json!([{ "group_index": ["A valid integer is required."], "group_logic": ["\"XOR\" is not a valid choice."] }]),
        ),
        (json!({ "field": "amount", "operator": "gt", "value": { "a": 1 } }), json!([{ "value": ["Not a valid string."] }])),
    ] {
        assert_eq!(of(item.clone()), json!({ "conditions": expected }), "{item}");
    }
    let many: Vec<Json> = (0..101).map(|_| json!({ "field": "amount", "operator": "gt", "value": 1 })).collect();
    assert_eq!(errors(&body("conditions", json!(many[..100]))), Json::Null);
    assert_eq!(
        errors(&body("conditions", json!(many))),
        json!({ "conditions": ["Ensure this field has no more than 100 elements."] })
    );
    assert_eq!(
        errors(&body("conditions", json!({}))),
        json!({ "conditions": ["Expected a list of items but got type \"dict\"."] })
    );
    let second = json!([many[0], { "field": "amount", "operator": "gt" }]);
    assert_eq!(errors(&body("conditions", second)), json!({ "conditions": [{}, { "value": ["This field is required."] }] }));
}

#[test]
fn aggregations_are_refused_by_name() {
    for (item, expected) in [
        (json!({}), json!([{ "value": ["This field is required."] }])),
        (json!({ "value": 1, "field": "x" }), json!(["Unknown field 'x'."])),
        (json!({ "value": 1, "filters": { "x": 1 } }), json!(["Unknown field 'x'."])),
        (json!({ "value": 1, "filters": { "score": 1 } }), json!(["Field 'score' cannot be used in an aggregation."])),
        (
            json!({ "value": "x", "metric": "median", "operator": "in" }),
            json!([{
                "metric": ["\"median\" is not a valid choice."], "operator": ["\"in\" is not a valid choice."],
                "value": ["A valid number is required."],
            }]),
        ),
        (json!({ "value": "9".repeat(65) }), json!([{ "value": ["A valid number is required."] }])),
        (json!({ "value": 1, "filters": [] }), json!([{ "filters": ["Invalid data. Expected a dictionary, but got list."] }])),
        (
            json!({ "value": 1, "filters": { "currency": {}, "direction": [], "amount": null, "subject_email": ["__current__"] } }),
            json!([{ "filters": {
                "currency": ["Not a valid string."], "direction": ["This list may not be empty."],
                "amount": ["This field may not be null."], "subject_email": ["'__current__' cannot stand in a list."],
            } }]),
        ),
    ] {
        assert_eq!(one("aggregation", item.clone()), json!({ "aggregation": expected }), "{item}");
    }
    let pattern = json!({ "aggregation": [{ "window": ["This value does not match the required pattern."] }] });
    for window in ["", "d", "1", "1w", "-1d", "1 d", "1.5h", "١d", "1D", "1dd"] {
        assert_eq!(one("aggregation", json!({ "value": 1, "window": window })), pattern, "{window}");
    }
    let long = json!({ "aggregation": [{ "window": ["Ensure this window is not longer than 3660 days."] }] });
    for window in ["3661d", "99999999999999999999d", "87841h"] {
        assert_eq!(one("aggregation", json!({ "value": 1, "window": window })), long, "{window}");
    }
    for item in
        [json!({ "value": "1" }), json!({ "value": "9".repeat(40), "window": "3660d" }), json!({ "value": 1, "window": "0m" })]
    {
        assert_eq!(one("aggregation", item.clone()), Json::Null, "{item}");
    }
}

#[test]
fn actions_are_refused_by_name() {
    for (item, expected) in [
        (json!({}), json!({ "type": ["This field is required."] })),
        (json!({ "type": "notify" }), json!({ "type": ["\"notify\" is not a valid choice."] })),
        (json!({ "type": "add_score" }), json!({ "value": ["This field is required."] })),
        (json!({ "type": "add_score", "value": 1.5 }), json!({ "value": ["A valid integer is required."] })),
        (json!({ "type": "add_score", "value": 1001 }), json!({ "value": ["Ensure this value is less than or equal to 1000."] })),
        (
            json!({ "type": "change_status", "value": "Declined", "workflow_id": "x" }),
            json!({ "value": ["\"Declined\" is not a valid choice."], "workflow_id": ["Must be a valid UUID."] }),
        ),
        (json!({ "type": "add_tags" }), json!({ "tag_name": ["This field is required."] })),
        (json!({ "type": "add_note", "note": "" }), json!({ "note": ["This field may not be blank."] })),
        (json!({ "type": "add_to_list" }), json!({ "list_id": ["This field is required."] })),
        (json!({ "type": "open_case", "grouping": "x" }), json!({ "grouping": ["\"x\" is not a valid choice."] })),
    ] {
        assert_eq!(one("actions", item.clone()), json!({ "actions": [expected] }), "{item}");
    }
}

#[test]
fn scopes_and_periods_are_refused_by_name() {
    let scope = json!({ "directions": ["in"], "transaction_types": "finance", "action_types": [null] });
    let expected = json!({ "scope": {
        "directions": { "0": ["\"in\" is not a valid choice."] }, "action_types": { "0": ["This field may not be null."] },
        "transaction_types": ["Expected a list of items but got type \"str\"."],
    } });
    assert_eq!(errors(&body("scope", scope)), expected);
    let period = |days: Json| read_backtest(&Value::from(&json!({ "period_days": days })), None).err();
    assert!(period(json!(1)).is_none() && period(json!(365)).is_none());
    let refused = |days| serde_json::to_value(period(days).unwrap()).unwrap();
    assert_eq!(refused(json!(366)), json!({ "period_days": ["Ensure this value is less than or equal to 365."] }));
    assert_eq!(refused(json!(0)), json!({ "period_days": ["Ensure this value is greater than or equal to 1."] }));
}

#[test]
fn what_is_accepted_is_written_in_one_form() {
    let sent = json!({
        "title": "t", "category": "c", "mode": "TEST", "scope": { "transaction_types": ["travelRule", "other"], "x": 1 },
        "conditions": [
            { "field": "subject_country", "operator": "in", "value": ["es", "FRA"], "unknown": 1 },
            { "field": "subject_email", "operator": "exists", "value": { "big": [] }, "group_index": "2", "group_logic": "OR" },
            { "field": "payment_details", "operator": "fuzzy_match", "value": "a", "score": "85" },
        ],
        "aggregation": [{ "value": "10.50", "metric": "unique_count" }],
        "actions": [{ "type": "add_score", "value": "5" }, { "type": "add_tags", "tag_name": "vip", "tag_color": null },
            { "type": "change_status", "value": "AWAITING_USER", "workflow_id": "0D9B1C52-6A0E-4C57-8F6E-5F9E2F5F7A10" }],
    });
    let new = NewRule::read(&Value::from(&sent)).unwrap();
    let [scope, conditions, aggregations, actions] = new.parts.json();
    assert_eq!(scope, json!({ "transaction_types": ["travel_rule", "other"], "directions": [], "action_types": [] }));
    assert_eq!(
        conditions,
        json!([
            { "field": "subject_country", "operator": "in", "value": ["es", "FRA"], "group_logic": "AND", "groups_logic": "OR" },
            { "field": "subject_email", "operator": "exists", "value": null, "group_index": 2, "group_logic": "OR", "groups_logic": "OR" },
            { "field": "payment_details", "operator": "fuzzy_match", "value": "a", "score": 85, "group_logic": "AND", "groups_logic": "OR" },
        ])
    );
    let window = json!([{ "metric": "distinct_count", "field": "amount", "operator": "eq", "value": 10.50, "window": "1d", "filters": {} }]);
    assert_eq!(aggregations.to_string(), window.to_string().replace("10.5,", "10.50,"));
    assert_eq!(
        actions,
        json!([
            { "type": "add_score", "value": 5 }, { "type": "add_tags", "tag_name": "vip" },
            { "type": "change_status", "value": "AWAITING_USER", "workflow_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10" },
        ])
    );
}

#[test]
fn a_change_may_leave_out_but_not_empty() {
    let errors = |body: Json| serde_json::to_value(RuleChange::read(&Value::from(&body)).unwrap_err()).unwrap();
    assert!(RuleChange::read(&Value::from(&json!({}))).is_ok());
    assert!(RuleChange::read(&Value::from(&json!({ "description": null, "scope": null }))).is_ok());
    let null = json!(["This field may not be null."]);
    let body = json!({ "title": null, "category": null, "mode": null });
    assert_eq!(errors(body), json!({ "title": &null, "category": &null, "mode": &null }));
}
