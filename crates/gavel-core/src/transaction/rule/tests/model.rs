//! A second interpreter, written to be obvious and slow, and random rules over random transactions.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::super::{Logic, Sliding, Tally, read_backtest};
use crate::{
    json::Value,
    rules::{Facts, Listed, Setting},
    time::Timestamp,
};

const FIELDS: [&str; 6] = ["amount", "currency", "direction", "subject_vendor_data", "counterparty_country", "custom_values.k"];

/// A transaction: minutes since some moment, and its facts.
type Past = (i64, Json);

/// Twice the number, which is whole for all numbers drawn.
fn doubled(value: &Json) -> Option<i64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit());
    text.parse::<f64>().ok().filter(|_| is_plain).map(|number| (number * 2.0) as i64)
}

fn fact<'f>(facts: &'f Json, field: &str) -> Option<&'f Json> {
    match field.strip_prefix("custom_values.") {
        Some(key) => facts["custom_values"].get(key),
        None => facts.get(field),
    }
}

/// Whether two values of a field are the same to a filter.
fn same(field: &str, one: &Json, other: &Json) -> bool {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let country = |value: &Json| if text(value) == "ES" { "ESP".to_owned() } else { text(value) };
    match field {
        "amount" | "custom_values.k" => match (doubled(one), doubled(other)) {
            (Some(one), Some(other)) => one == other,
            _ => text(one) == text(other),
        },
        "counterparty_country" => country(one) == country(other),
        _ => text(one) == text(other),
    }
}

fn scalar(value: Option<&Json>) -> Option<&Json> {
    value.filter(|value| !value.is_array() && !value.is_null())
}

fn compare(operator: &str, one: i64, other: i64) -> bool {
    match operator {
        "eq" => one == other,
        "ne" => one != other,
        "gt" => one > other,
        "gte" => one >= other,
        "lt" => one < other,
        "lte" => one <= other,
        other => panic!("{other}"),
    }
}

fn naive_condition(condition: &Json, facts: &Json) -> bool {
    let (field, operator) = (condition["field"].as_str().unwrap(), condition["operator"].as_str().unwrap());
    let values: Vec<&Json> = match fact(facts, field) {
        Some(Json::Array(values)) => values.iter().collect(),
        other => other.into_iter().collect(),
    };
    match operator {
        "exists" => return !values.is_empty(),
        "is_null" => return values.is_empty(),
        _ => {}
    }
    let wanted: Vec<&Json> = match &condition["value"] {
        Json::Array(wanted) => wanted.iter().collect(),
        one => vec![one],
    };
    let equal = |one: &Json, other: &Json| match (doubled(one), doubled(other)) {
        (Some(one), Some(other)) => one == other,
        _ => same(field, one, other),
    };
    let found = values.iter().any(|value| wanted.iter().any(|wanted| equal(value, wanted)));
    match operator {
        "eq" | "in" => found,
        "ne" | "not_in" => !values.is_empty() && !found,
        other => values.iter().any(|value| match (doubled(value), doubled(wanted[0])) {
            (Some(one), Some(two)) => compare(other, one, two),
            _ => panic!("only numbers are ordered here"),
        }),
    }
}

fn naive_aggregation(asked: &Json, past: &[Past]) -> bool {
    let (at, current) = past.last().unwrap();
    let minutes: i64 = asked["window"].as_str().unwrap().trim_end_matches('m').parse().unwrap();
    let passes = |facts: &Json| {
        asked["filters"].as_object().unwrap().iter().all(|(field, wanted)| {
            let Some(value) = scalar(fact(facts, field)) else { return false };
            match wanted {
                Json::Array(wanted) => wanted.iter().any(|wanted| same(field, value, wanted)),
                Json::String(text) if text == "__current__" => {
                    scalar(fact(current, field)).is_some_and(|wanted| same(field, value, wanted))
                }
                wanted => same(field, value, wanted),
            }
        })
    };
    let inside: Vec<&Json> =
        past.iter().filter(|(then, facts)| *then >= at - minutes && passes(facts)).map(|(_, facts)| facts).collect();
    let field = asked["field"].as_str().unwrap();
    let values: Vec<&Json> = inside.iter().filter_map(|facts| scalar(fact(facts, field))).collect();
    let numbers: Vec<i64> = values.iter().filter_map(|value| doubled(value)).collect();
    let operator = asked["operator"].as_str().unwrap();
    let wanted = doubled(&asked["value"]).unwrap();
    let total: i64 = numbers.iter().sum();
    match asked["metric"].as_str().unwrap() {
        "count" => compare(operator, inside.len() as i64 * 2, wanted),
        "sum" => compare(operator, total, wanted),
        "avg" => !numbers.is_empty() && compare(operator, total, wanted * numbers.len() as i64),
        "min" => numbers.iter().min().is_some_and(|least| compare(operator, *least, wanted)),
        "max" => numbers.iter().max().is_some_and(|most| compare(operator, *most, wanted)),
        "distinct_count" | "unique_count" => {
            let mut different: Vec<&Json> = Vec::new();
            for value in values {
                if !different.iter().any(|known| same(field, known, value)) {
                    different.push(value);
                }
            }
            compare(operator, different.len() as i64 * 2, wanted)
        }
        other => panic!("{other}"),
    }
}

/// Whether a rule matches the last of these transactions; `None`: it is not in its scope.
fn naive(rule: &Json, past: &[Past]) -> Option<bool> {
    let (_, facts) = past.last().unwrap();
    let directions = rule["scope"]["directions"].as_array().unwrap();
    if !directions.is_empty() && !directions.contains(&facts["direction"]) {
        return None;
    }
    let conditions = rule["conditions"].as_array().unwrap();
    let mut answers: Vec<bool> = Vec::new();
    if conditions.iter().any(|condition| condition.get("group_index").is_some()) {
        let group = |condition: &Json| condition["group_index"].as_i64().unwrap_or(0);
        let of_groups: Vec<bool> = (0..3)
            .filter_map(|number| {
                let members: Vec<&Json> = conditions.iter().filter(|condition| group(condition) == number).collect();
                let first = members.first()?;
                let mut each = members.iter().map(|condition| naive_condition(condition, facts));
                Some(if first["group_logic"] == "OR" { each.any(|yes| yes) } else { each.all(|yes| yes) })
            })
            .collect();
        let all = conditions[0]["groups_logic"] == "AND";
        answers.push(if all { of_groups.iter().all(|yes| *yes) } else { of_groups.iter().any(|yes| *yes) });
    } else {
        answers.extend(conditions.iter().map(|condition| naive_condition(condition, facts)));
    }
    answers.extend(rule["aggregation"].as_array().unwrap().iter().map(|asked| naive_aggregation(asked, past)));
    let any = rule["evaluation_mode"] == "ANY";
    Some(if any { answers.iter().any(|yes| *yes) } else { answers.iter().all(|yes| *yes) })
}

fn number() -> impl Strategy<Value = Json> {
    prop_oneof![(0i64..6).prop_map(Json::from), (0i64..4).prop_map(|n| json!(format!("{n}.50"))), Just(json!("2.0"))]
}

fn value_of(field: &str) -> BoxedStrategy<Json> {
    match field {
        "amount" => number().boxed(),
        "currency" => proptest::sample::select(vec!["EUR", "USD"]).prop_map(Json::from).boxed(),
        "direction" => proptest::sample::select(vec!["INBOUND", "OUTBOUND"]).prop_map(Json::from).boxed(),
        "subject_vendor_data" => proptest::sample::select(vec!["u", "1", "1.0"]).prop_map(Json::from).boxed(),
        "counterparty_country" => proptest::sample::select(vec!["ES", "ESP", "FRA", "?"]).prop_map(Json::from).boxed(),
        _ => prop_oneof![number(), Just(json!("k")), Just(json!("K")), Just(json!(true))].boxed(),
    }
}

fn transaction() -> impl Strategy<Value = Past> {
    let maybe = |field: &str| proptest::option::weighted(0.8, value_of(field));
    let free = prop_oneof![
        3 => value_of("custom_values.k"),
        1 => proptest::collection::vec(value_of("custom_values.k"), 2..4).prop_map(Json::from),
    ];
    (
        0i64..40,
        value_of("amount"),
        value_of("currency"),
        value_of("direction"),
        (maybe("subject_vendor_data"), maybe("counterparty_country"), proptest::option::of(free)),
    )
        .prop_map(|(at, amount, currency, direction, (subject, country, free))| {
            let mut facts = json!({ "amount": amount, "currency": currency, "direction": direction, "custom_values": {} });
            let country = country.map(|country| if country == "ES" { json!("ESP") } else { country });
            for (name, value) in [("subject_vendor_data", subject), ("counterparty_country", country)] {
                if let Some(value) = value {
                    facts[name] = value;
                }
            }
            if let Some(value) = free {
                facts["custom_values"]["k"] = value;
            }
            (at, facts)
        })
}

fn condition() -> impl Strategy<Value = Json> {
    let field = proptest::sample::select(FIELDS.to_vec());
    field.prop_flat_map(|field| {
        let mut operators = vec!["eq", "ne", "in", "not_in", "exists", "is_null"];
        if field == "amount" {
            operators.extend(["gt", "gte", "lt", "lte"]);
        }
        let group = proptest::option::of(0i64..3);
        let logic = || proptest::option::of(proptest::sample::select(vec!["AND", "OR"]));
        let values = proptest::collection::vec(value_of(field), 1..4);
        (Just(field), proptest::sample::select(operators), values, proptest::bool::weighted(0.3), group, logic(), logic())
            .prop_map(|(field, operator, values, grouped, group, inside, across)| {
                let value = if matches!(operator, "in" | "not_in") { json!(values) } else { values[0].clone() };
                let mut condition = json!({ "field": field, "operator": operator, "value": value });
                let parts = [("group_index", group.map(Json::from)), ("group_logic", inside.map(Json::from))];
                for (name, part) in parts.into_iter().chain([("groups_logic", across.map(Json::from))]) {
                    if let (true, Some(part)) = (grouped, part) {
                        condition[name] = part;
                    }
                }
                condition
            })
    })
}

fn aggregation() -> impl Strategy<Value = Json> {
    let metrics = vec!["count", "sum", "max", "min", "avg", "distinct_count", "unique_count"];
    let filter = proptest::sample::select(FIELDS.to_vec()).prop_flat_map(|field| {
        let literal = proptest::collection::vec(value_of(field), 1..3).prop_map(Json::from);
        (Just(field), prop_oneof![3 => Just(json!("__current__")), 1 => value_of(field), 1 => literal])
    });
    (
        proptest::sample::select(metrics),
        proptest::sample::select(FIELDS.to_vec()),
        proptest::sample::select(vec!["eq", "ne", "gt", "gte", "lt", "lte"]),
        number(),
        0i64..30,
        proptest::collection::vec(filter, 0..3),
    )
        .prop_map(|(metric, field, operator, value, minutes, filters)| {
            let filters: Map<String, Json> = filters.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
            json!({
                "metric": metric, "field": field, "operator": operator, "value": value, "window": format!("{minutes}m"),
                "filters": filters,
            })
        })
}

fn rule() -> impl Strategy<Value = Json> {
    (
        proptest::sample::select(vec!["ALL", "ANY"]),
        proptest::option::of(value_of("direction")),
        proptest::collection::vec(condition(), 0..4),
        proptest::collection::vec(aggregation(), 0..3),
    )
        .prop_map(|(mode, direction, conditions, aggregation)| {
            let directions: Vec<Json> = direction.into_iter().collect();
            json!({
                "evaluation_mode": mode, "scope": { "directions": directions }, "conditions": conditions,
                "aggregation": aggregation,
            })
        })
}

fn facts_of(facts: &Json) -> Facts {
    Facts::new(facts.as_object().unwrap().clone())
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_micros(0).plus_seconds(minutes * 60)
}

/// Counts one transaction after the other, as a database would.
fn tallies(logic: &Logic, past: &[Past]) -> Vec<Tally> {
    let (now, current) = past.last().unwrap();
    let tally_of = |aggregation| {
        let aggregation: &super::super::Aggregation = aggregation;
        let mut tally = Tally::new(aggregation.metric);
        let Some(question) = aggregation.question(&facts_of(current), at(*now)) else { return tally };
        for (then, facts) in past {
            let facts = facts_of(facts);
            if (question.from..=question.until).contains(&at(*then)) && question.lets(&facts) {
                tally.add(aggregation.part(&facts));
            }
        }
        tally
    };
    logic.aggregations.iter().map(tally_of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn says_what_the_obvious_interpreter_says(
        rule in rule(),
        mut past in proptest::collection::vec(transaction(), 1..14),
    ) {
        past.sort_by_key(|(at, _)| *at);
        let (logic, _) = read_backtest(&Value::from(&rule), None).unwrap();
        let mut windows: Vec<Sliding> = logic.aggregations.iter().map(Sliding::new).collect();
        for place in 0..past.len() {
            let before = &past[..=place];
            let (now, facts) = (at(past[place].0), facts_of(&past[place].1));
            for window in &mut windows {
                window.push(&facts, now).unwrap();
            }
            let expected = naive(&rule, before);
            prop_assert_eq!(logic.scope.holds(&facts), expected.is_some());
            let Some(expected) = expected else { continue };
            let setting = Setting { facts: &facts, now, listed: &|_, _| Some(Listed::No) };
            let begun = logic.begin(&setting);
            let counted = logic.finish(&begun, &tallies(&logic, before));
            prop_assert_eq!(counted.matched, expected, "{} over {:?}", rule, before);
            let slid: Vec<Tally> = windows.iter().map(|window| window.tally(&facts)).collect();
            prop_assert_eq!(logic.finish(&begun, &slid), counted, "{} over {:?}", rule, before);
        }
    }

    #[test]
    fn what_is_stored_reads_as_what_was_sent(rule in rule()) {
        let mut body = rule;
        body["title"] = json!("t");
        body["category"] = json!("c");
        body["mode"] = json!("ACTIVE");
        if let Ok(new) = super::super::NewRule::read(&Value::from(&body)) {
            let [scope, conditions, aggregations, actions] = new.parts.json();
            let mode = body["evaluation_mode"].as_str().unwrap();
            let again = super::super::Parts::stored(mode, [&scope, &conditions, &aggregations, &actions]).unwrap();
            prop_assert_eq!(again.json(), new.parts.json());
            prop_assert_eq!(format!("{:?}", again.logic()), format!("{:?}", new.parts.logic()));
        }
    }

    #[test]
    fn nothing_that_is_sent_panics(text in "\\PC{0,60}", value in "\\PC{0,12}") {
        if let Ok(sent) = Value::parse(text.as_bytes()) {
            let _ = super::super::NewRule::read(&sent);
        }
        let body = json!({
            "conditions": [{ "field": "amount", "operator": value, "value": value, "value_type": value, "group_index": value }],
            "aggregation": [{ "metric": value, "field": value, "window": value, "value": value, "filters": { "currency": value } }],
            "actions": [{ "type": value }, { "type": "add_score", "value": value }],
            "scope": { "directions": [value] }, "period_days": value,
        });
        let _ = read_backtest(&Value::from(&body), None);
    }
}
