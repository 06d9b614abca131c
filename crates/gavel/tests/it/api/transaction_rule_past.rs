//! Rules that look at the past: windows, filters, many at once, and tests over what is stored.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    transaction_rules::RULES,
    transactions::{PATH, small, with},
};
use crate::{
    db_test,
    harness::{Client, Server, client::send, text},
};

const TEST: &str = "/v3/transactions/rules/backtest/";
const LONG: &str = "/x/transactions/rules/backtest/";

fn count_above(more: i64, filters: Value) -> Value {
    json!({ "conditions": [], "aggregation": [{ "operator": "gt", "value": more, "window": "1d", "filters": filters }],
        "actions": [{ "type": "change_status", "value": "IN_REVIEW" }] })
}

/// Minutes behind a certain moment.
fn at(minutes: i64) -> String {
    format!("2026-05-02T{:02}:{:02}:00Z", minutes / 60, minutes % 60)
}

fn dated(id: &str, minutes: i64, more: Value) -> Value {
    let mut body = small(id);
    body["transaction_at"] = json!(at(minutes));
    for (path, value) in more.as_object().unwrap() {
        let (part, name) = path.split_once('/').unwrap();
        if body[part].is_null() {
            body[part] = json!({});
        }
        body[part][name] = value.clone();
    }
    body
}

fn totals(made: &Value) -> Vec<Value> {
    let runs = made["rule_runs"].as_array().unwrap().iter();
    runs.map(|run| run["metadata"]["aggregations"][0]["total"].clone()).collect()
}

db_test!(windows_end_with_the_transaction_and_hold_their_first_instant, server => {
    let own = json!({ "subject_vendor_data": "__current__" });
    for (metric, field) in [("count", "amount"), ("sum", "amount"), ("avg", "amount"), ("min", "amount"), ("max", "amount"),
        ("distinct_count", "counterparty_vendor_data"), ("distinct_count", "subject_email"), ("sum", "custom_values.n")] {
        let asked = json!({ "metric": metric, "field": field, "operator": "gte", "value": 0, "window": "60m", "filters": own });
        server.rule(&format!("{metric} {field}"), json!({ "conditions": [], "mode": "TEST", "aggregation": [asked] })).await;
    }
    let send = async |id: &str, minutes: i64, amount: &str, more: Value| {
        let mut all = json!({ "transaction_details/amount": amount });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        totals(&server.transaction(dated(id, minutes, all)).await)
    };
    let one = json!({ "counterparty/vendor_data": "x", "subject/email": "a@b.example", "custom_properties/n": 2 });
    let first = send("t1", 0, "0.1", one).await;
    assert_eq!(json!(first), json!(["1", "0.1", "0.1", "0.1", "0.1", "1", "1", "2"]));
    let another = json!({ "counterparty/vendor_data": "y", "subject/email": "A@b.example", "custom_properties/n": "0.5" });
    let second = send("t2", 30, "0.2", another).await;
    assert_eq!(json!(second), json!(["2", "0.3", "0.15", "0.1", "0.2", "2", "2", "2.5"]));
    let third = send("t3", 60, "123456789012345678.123456789012345678", json!({ "counterparty/vendor_data": "x" })).await;
    let sum = "123456789012345678.423456789012345678";
    let average = "41152263004115226.141152263004115226";
    let most = "123456789012345678.123456789012345678";
    assert_eq!(json!(third), json!(["3", sum, average, "0.1", most, "2", "2", "2.5"]), "the first is as old as the window is long");
    let later = send("t4", 91, "1", json!({ "custom_properties/n": [1, 2] })).await;
    let sum = "123456789012345679.123456789012345678";
    assert_eq!(json!(later), json!(["2", sum, "61728394506172839.561728394506172839", "1", most, "1", "0", "0"]));
    // What comes with an earlier date sees what was before that date, and is seen by what comes then.
    let earlier = send("t5", 10, "7", json!({})).await;
    assert_eq!(json!(earlier), json!(["2", "7.1", "3.55", "0.1", "7", "1", "1", "2"]));
    // Another subject has its own past; what belongs to nobody passes no filter.
    let mut other = dated("t6", 60, json!({}));
    other["subject"]["vendor_data"] = json!("bob");
    assert_eq!(totals(&server.transaction(other).await)[0], "1");
    server.stop().await;
});

db_test!(filters_narrow, server => {
    let cases = [
        json!({}),
        json!({ "currency": "EUR" }),
        json!({ "currency": ["USD", "CHF"] }),
        json!({ "direction": "__current__", "currency": "__current__" }),
        json!({ "subject_device_fingerprint": "__current__" }),
        json!({ "subject_country": "es" }),
        json!({ "custom_values.plan": "pro" }),
        json!({ "counterparty_vendor_data": "__current__" }),
        json!({ "subject_ip_address": "__current__", "subject_payment_method_type": "e_wallet" }),
    ];
    for (n, filters) in cases.iter().enumerate() {
        let asked = json!({ "operator": "gte", "value": 1, "filters": filters });
        server.rule(&format!("r{n}"), json!({ "conditions": [], "mode": "TEST", "aggregation": [asked] })).await;
    }
    let device = json!({ "fingerprint": "ab:cd:ef:01:23", "network_context": { "ip_address": "192.0.2.1" } });
    server.transaction(dated("t1", 0, json!({ "subject/device_context": device, "subject/address": { "country": "ES" },
        "subject/payment_method": { "method_type": "ewallet" } }))).await;
    server.transaction(dated("t2", 1, json!({ "transaction_details/currency": "usd", "subject/address": { "country": "ESP" },
        "custom_properties/plan": "pro" }))).await;
    let upper = json!({ "fingerprint": "AB:CD:EF:01:23", "network_context": { "ip_address": "192.0.2.1" } });
    let third = server.transaction(dated("t3", 2, json!({ "subject/vendor_data": "bob", "subject/device_context": upper,
        "subject/payment_method": { "method_type": "ewallet" }, "custom_properties/plan": "pro" }))).await;
    let expected = ["3", "2", "1", "2", "1", "2", "2", "0", "2"];
    assert_eq!(totals(&third), expected.map(Value::from), "letters count in a filter, as nobody has the counterparty");
    server.stop().await;
});

db_test!(a_value_counts_that_only_others_bring, server => {
    let asked = json!({ "metric": "distinct_count", "field": "subject_vendor_data", "operator": "gte", "value": 2, "filters": { "currency": "USD" } });
    server.rule("Two", json!({ "conditions": [], "aggregation": [asked] })).await;
    let of = |vendor_data: &str, currency: &str| json!({ "subject/vendor_data": vendor_data, "transaction_details/currency": currency });
    for (n, (vendor_data, currency, total)) in [("ana", "usd", "1"), ("bob", "usd", "2"), ("ana", "eur", "2"), ("cleo", "eur", "2"), ("ana", "usd", "2")].into_iter().enumerate() {
        let made = server.transaction(dated(&format!("t{n}"), n as i64, of(vendor_data, currency))).await;
        assert_eq!(totals(&made), [json!(total)], "{vendor_data} {currency}");
    }
    server.stop().await;
});

// Whoever is the n-th to be committed sees n.
async fn many_at_once(server: &Server, filters: Value, limit: u64) {
    const MANY: u64 = 1_000;
    server.rule("Limit", count_above(i64::try_from(limit).unwrap(), filters)).await;
    let made: Vec<Value> = stream::iter(0..MANY)
        .map(|n| server.transaction(with(&format!("t{n}"), json!({ "email": format!("u{n}@b.example") }), json!(null))))
        .buffer_unordered(100)
        .collect()
        .await;
    let mut seen: HashMap<u64, u64> = HashMap::new();
    for one in &made {
        let total: u64 = one["rule_runs"][0]["metadata"]["aggregations"][0]["total"].as_str().unwrap().parse().unwrap();
        *seen.entry(total).or_default() += 1;
        assert_eq!(total, one["transaction_number"], "numbers are given in the order of commits");
        assert_eq!(one["status"] == "IN_REVIEW", total > limit);
    }
    assert!((1..=MANY).all(|n| seen.get(&n) == Some(&1)), "none lost, none counted twice");
    let rule = server.client.get(RULES).await.ok(200)["results"][0].clone();
    assert_eq!(json!([rule["run_count"], rule["reviewed_count"]]), json!([MANY, MANY - limit]));
}

db_test!(a_thousand_at_once_of_one_subject_are_counted_one_by_one, server => {
    many_at_once(&server, json!({ "subject_vendor_data": "__current__" }), 700).await;
    server.stop().await;
});

db_test!(a_thousand_at_once_of_one_application_are_counted_one_by_one, server => {
    many_at_once(&server, json!({ "currency": "EUR" }), 10).await;
    server.stop().await;
});

db_test!(rules_change_under_transactions, server => {
    let rule = server.rule("Limit", count_above(1_000, json!({ "subject_vendor_data": "__current__" }))).await;
    let path = format!("{RULES}{rule}/");
    let users = server.system_list("user").await;
    let turn = async {
        for n in 0..20 {
            let filters = if n % 2 == 0 { json!({}) } else { json!({ "subject_vendor_data": "__current__" }) };
            let mut change = count_above(1_000, filters);
            if n % 3 == 0 {
                change["actions"] = json!([{ "type": "add_to_list", "list_id": users }]);
            }
            server.client.patch(&path, change).await.ok(200);
        }
    };
    let send = stream::iter(0..200).map(|n| server.transaction(small(&format!("t{n}")))).buffer_unordered(20).collect::<Vec<_>>();
    let (made, ()) = tokio::join!(send, turn);
    assert!(made.iter().all(|made| made["rule_runs"].as_array().unwrap().len() == 1), "each ran by the rules of its moment");
    assert_eq!(server.client.get(&path).await.ok(200)["run_count"], 200);
    server.stop().await;
});

async fn lines(client: &Client, body: Value) -> Vec<Value> {
    let answer = send(client.request(reqwest::Method::POST, LONG).json(&body)).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/x-ndjson"));
    let text = String::from_utf8(answer.bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Transactions of a few subjects, a few minutes apart, before now.
async fn past(server: &Server) {
    let now = server.app.clock.now();
    for n in 0..60_i64 {
        let when = now.plus_seconds((n - 61) * 600);
        let currency = if n % 3 == 0 { "USD" } else { "EUR" };
        let country = if n % 2 == 0 { "ES" } else { "XX" };
        let body = json!({
            "transaction_id": format!("p{n}"), "transaction_at": when, "transaction_category": "finance",
            "transaction_details": { "direction": if n % 2 == 0 { "in" } else { "out" }, "amount": n % 7, "currency": currency },
            "subject": { "vendor_data": format!("u{}", n % 4), "full_name": "U", "address": { "country": country } },
            "counterparty": { "vendor_data": format!("c{}", n % 5) },
            "custom_properties": { "k": n % 3 },
        });
        server.transaction(body).await;
    }
}

/// Rules of every kind, without a name.
fn shapes() -> Vec<Value> {
    let own = json!({ "subject_vendor_data": "__current__" });
    let asked = |metric: &str, field: &str, operator: &str, value: f64, window: &str, filters: &Value| json!({ "metric": metric, "field": field, "operator": operator, "value": value, "window": window, "filters": filters });
    let of = |aggregation: Value| json!({ "conditions": [], "aggregation": [aggregation] });
    let mut shapes = vec![
        json!({ "conditions": [{ "field": "amount", "operator": "gte", "value": 3 }] }),
        json!({ "conditions": [{ "field": "subject_country", "operator": "eq", "value": "ESP" }], "scope": { "directions": ["INBOUND"] } }),
        json!({ "evaluation_mode": "ANY", "conditions": [{ "field": "amount", "operator": "eq", "value": 6 }],
            "aggregation": [asked("count", "amount", "gt", 3.0, "3h", &own), asked("sum", "amount", "gte", 40.0, "4h", &json!({}))] }),
    ];
    for (metric, value) in [("count", 3.0), ("sum", 9.0), ("avg", 3.0), ("min", 2.0), ("max", 5.0), ("distinct_count", 3.0)] {
        for filters in [
            &own,
            &json!({}),
            &json!({ "currency": "EUR" }),
            &json!({ "custom_values.k": "__current__" }),
            &json!({ "subject_country": ["ES"] }),
        ] {
            shapes.push(of(asked(metric, "amount", "gte", value, "100m", filters)));
        }
        shapes.push(of(asked(metric, "custom_values.k", "lt", value, "5h", &own)));
    }
    shapes.push(of(asked("distinct_count", "counterparty_vendor_data", "gte", 3.0, "2h", &own)));
    shapes.push(of(asked(
        "unique_count",
        "subject_vendor_data",
        "gte",
        4.0,
        "40m",
        &json!({ "counterparty_vendor_data": "__current__" }),
    )));
    shapes
}

db_test!(a_test_over_the_past_says_what_the_rules_said, server => {
    let shapes = shapes();
    for (n, shape) in shapes.iter().enumerate() {
        let mut more = shape.clone();
        more["mode"] = json!("TEST");
        server.rule(&format!("r{n:02}"), more).await;
    }
    past(&server).await;
    let mut said: HashMap<String, (u64, Vec<String>)> = HashMap::new();
    let page = server.client.get(&format!("{PATH}?limit=200")).await.ok(200);
    for row in page["results"].as_array().unwrap() {
        let made = server.client.get(&format!("{PATH}{}/", text(&row["uuid"]))).await.ok(200);
        for run in made["rule_runs"].as_array().unwrap() {
            let (runs, matches) = said.entry(text(&run["rule_title"])).or_default();
            *runs += 1;
            if run["matched"] == true {
                matches.push(text(&row["uuid"]));
            }
        }
    }
    let mut together = 0;
    for (n, shape) in shapes.iter().enumerate() {
        let (runs, matches) = &said[&format!("r{n:02}")];
        let test = server.client.post(TEST, shape.clone()).await.ok(200);
        let expected = json!([runs, matches.len(), 90]);
        assert_eq!(json!([test["evaluated"], test["matched"], test["period_days"]]), expected, "{shape}");
        let told = lines(&server.client, shape.clone()).await;
        let summary = told.last().unwrap();
        assert_eq!(json!([summary["type"], summary["evaluated"], summary["matched"]]), json!(["summary", runs, matches.len()]), "{shape}");
        assert_eq!(summary["affected_entities"], test["affected_entities"]);
        let samples: Vec<String> = summary["samples"].as_array().unwrap().iter().map(|sample| text(&sample["uuid"])).collect();
        assert_eq!(samples, matches[..matches.len().min(20)], "the newest come first: {shape}");
        together += matches.len();
    }
    assert!(together > 200, "the rules match something: {together}");
    server.stop().await;
});

db_test!(a_test_stores_nothing_and_knows_its_period, server => {
    past(&server).await;
    let before = server.counts().await;
    let rule = json!({ "conditions": [{ "field": "amount", "operator": "gte", "value": 0 }] });
    let all = json!({ "evaluated": 60, "matched": 60, "affected_entities": 4, "period_days": 90 });
    server.client.post(TEST, rule.clone()).await.is(200, all);
    assert_eq!(server.counts().await, before);
    server.app.clock.advance(86_400);
    let mut short = rule.clone();
    short["period_days"] = json!(1);
    let none = json!({ "evaluated": 0, "matched": 0, "affected_entities": 0, "period_days": 1 });
    server.client.post(TEST, short).await.is(200, none);
    let told = lines(&server.client, rule).await;
    assert_eq!(told[0], json!({ "type": "progress", "read": 60, "evaluated": 60, "matched": 60, "total": 60 }));
    for (path, body, expected) in [
        (TEST, json!({ "period_days": 366 }), json!({ "period_days": ["Ensure this value is less than or equal to 365."] })),
        (LONG, json!({ "period_days": 3_661 }), json!({ "period_days": ["Ensure this value is less than or equal to 3660."] })),
        (TEST, json!({ "conditions": [{ "field": "x", "operator": "eq", "value": 1 }] }), json!({ "conditions": ["Unknown field 'x'."] })),
    ] {
        server.client.post(path, body).await.is(400, expected);
    }
    server.stop().await;
});
