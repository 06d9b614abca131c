//! Rules over transactions: made, changed, listed, removed; the library (contract, entities §4.4).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

pub const RULES: &str = "/v3/transactions/rules/";

/// A rule that matches amounts above one, with members of this object set.
pub fn rule(title: &str, more: Value) -> Value {
    let mut body = json!({
        "title": title, "category": "amount", "mode": "ACTIVE",
        "conditions": [{ "field": "amount", "operator": "gt", "value": 1 }],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

impl Server {
    /// The id of a new rule.
    pub async fn rule(&self, title: &str, more: Value) -> String {
        text(&self.client.post(RULES, rule(title, more)).await.ok(201)["uuid"])
    }
}

fn path(id: &str) -> String {
    format!("{RULES}{id}/")
}

fn titles(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|rule| rule["title"].as_str().unwrap()).collect()
}

db_test!(one_is_made_shown_changed_and_removed, server => {
    let body = rule("Big", json!({
        "description": "d", "mode": "TEST", "evaluation_mode": "ANY", "metadata": { "k": 1 }, "scope": { "directions": ["OUTBOUND"] },
        "aggregation": [{ "metric": "sum", "operator": "gte", "value": "100.50", "window": "7d",
            "filters": { "subject_vendor_data": "__current__", "currency": ["EUR", "USD"] } }],
        "actions": [{ "type": "add_score", "value": 30 }],
    }));
    let made = server.client.post(RULES, body).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&made), @r#"
    {
      "uuid": "[uuid]",
      "title": "Big",
      "description": "d",
      "category": "amount",
      "mode": "TEST",
      "evaluation_mode": "ANY",
      "scope": {
        "transaction_types": [],
        "directions": [
          "OUTBOUND"
        ],
        "action_types": []
      },
      "conditions": [
        {
          "field": "amount",
          "operator": "gt",
          "value": 1,
          "group_logic": "AND",
          "groups_logic": "OR"
        }
      ],
      "aggregation": [
        {
          "metric": "sum",
          "field": "amount",
          "operator": "gte",
          "value": 100.50,
          "window": "7d",
          "filters": {
            "subject_vendor_data": "__current__",
            "currency": [
              "EUR",
              "USD"
            ]
          }
        }
      ],
      "actions": [
        {
          "type": "add_score",
          "value": 30
        }
      ],
      "metadata": {
        "k": 1
      },
      "severity": null,
      "source": "CUSTOM",
      "library_key": null,
      "latest_triggered_at": null,
      "run_count": 0,
      "approved_count": 0,
      "reviewed_count": 0,
      "declined_count": 0,
      "awaiting_user_count": 0,
      "approved_pct": 0.0,
      "reviewed_pct": 0.0,
      "declined_pct": 0.0,
      "created_at": "[time]",
      "updated_at": "[time]"
    }
    "#); }
    let at = path(&text(&made["uuid"]));
    assert_eq!(server.client.get(&at).await.ok(200), made);
    let change = json!({ "title": "Bigger", "description": null, "mode": "ACTIVE", "conditions": [], "actions": null });
    let changed = server.client.patch(&at, change).await.ok(200);
    assert_eq!(
        json!([changed["title"], changed["description"], changed["mode"], changed["conditions"], changed["actions"]]),
        json!(["Bigger", null, "ACTIVE", [], made["actions"]])
    );
    assert_eq!(server.client.get(&at).await.ok(200), changed);
    assert_eq!(server.client.patch(&at, json!({})).await.ok(200)["title"], "Bigger");
    let nothing = json!({ "conditions": ["At least one condition or aggregation is required."] });
    server.client.patch(&at, json!({ "aggregation": [] })).await.is(400, nothing);
    server.client.delete(&at).await.ok(204);
    server.client.get(&at).await.is(404, json!({ "detail": "Not found." }));
    server.client.patch(&at, json!({ "mode": 5 })).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(a_title_is_used_once, server => {
    let taken = json!({ "title": ["A rule with this name already exists."] });
    server.rule("One", json!({})).await;
    let two = server.rule("Two", json!({})).await;
    let before = server.counts().await;
    server.client.post(RULES, rule("One", json!({}))).await.is(400, taken.clone());
    server.client.patch(&path(&two), json!({ "title": "One" })).await.is(400, taken);
    server.client.post(RULES, json!({ "mode": "ON" })).await.is(400, json!({
        "title": ["This field is required."], "category": ["This field is required."], "mode": ["\"ON\" is not a valid choice."],
        "conditions": ["At least one condition or aggregation is required."],
    }));
    let tag = json!({ "actions": [{ "type": "add_score", "value": 1 }, { "type": "add_tags", "tag_uuid": two }] });
    server.client.post(RULES, rule("Three", tag)).await.is(400, json!({ "actions": [{}, { "tag_uuid": ["Tag not found."] }] }));
    assert_eq!(server.counts().await, before, "nothing was written");
    server.client.patch(&path(&two), json!({ "title": "Two" })).await.ok(200);
    let foreign = server.foreign_client().await;
    foreign.post(RULES, rule("One", json!({}))).await.ok(201);
    server.stop().await;
});

db_test!(pages_filters_and_orders, server => {
    server.rule("b", json!({ "category": "x", "description": "Über 100% ΜΑΡΙΑΣΟΥ" })).await;
    server.rule("a", json!({ "mode": "DISABLED" })).await;
    server.rule("c", json!({ "mode": "TEST" })).await;
    let install = json!({ "library_keys": ["high_amount"] });
    server.client.post(&format!("{RULES}install/"), install).await.ok(200);
    let get = async |query: &str| server.client.get(&format!("{RULES}{query}")).await.ok(200);
    for (query, expected) in [
        ("", vec!["High amount", "c", "a", "b"]),
        ("?source=CUSTOM", vec!["c", "a", "b"]),
        ("?source=PRESET", vec!["High amount"]),
        ("?bundle=aml_basics", vec!["High amount"]),
        ("?bundle=other", vec![]),
        ("?category=x", vec!["b"]),
        ("?mode=DISABLED", vec!["a"]),
        ("?search=%C3%BCBER", vec!["b"]),
        ("?search=100%25", vec!["b"]),
        ("?search=ΜΑΡΙΑΣ", vec!["b"]),
        ("?ordering=title", vec!["High amount", "a", "b", "c"]),
        ("?ordering=-title", vec!["c", "b", "a", "High amount"]),
        ("?ordering=created_at", vec!["b", "a", "c", "High amount"]),
        ("?ordering=nonsense,-source,title", vec!["High amount", "a", "b", "c"]),
        ("?ordering=latest_triggered_at,-run_count", vec!["High amount", "c", "a", "b"]),
    ] {
        assert_eq!(titles(&get(query).await), expected, "{query}");
    }
    let page = get("?limit=2&offset=1&ordering=title").await;
    assert_eq!((titles(&page), &page["count"]), (vec!["a", "b"], &json!(4)));
    let next = format!("{}{RULES}?ordering=title&limit=2&offset=3", server.url());
    assert_eq!(page["next"], json!(next));
    let refused = |name: &str| json!([format!("Select a valid choice. {name} is not one of the available choices.")]);
    let answer = server.client.get(&format!("{RULES}?source=x&mode=y")).await;
    answer.is(400, json!({ "source": refused("x"), "mode": refused("y") }));
    server.stop().await;
});

db_test!(the_library_is_installed_and_uninstalled, server => {
    let (install, library) = (format!("{RULES}install/"), format!("{RULES}library/"));
    let all = server.client.get(&library).await.ok(200);
    assert_eq!(all["count"], 18);
    assert!(all["results"].as_array().unwrap().iter().all(|rule| rule["is_installed"] == false && rule["source"] == "PRESET"));
    assert_eq!(titles(&server.client.get(&format!("{library}?category=velocity")).await.ok(200)).len(), 3);
    assert_eq!(titles(&server.client.get(&format!("{library}?bundle=crypto&search=WALLET")).await.ok(200)).len(), 1);
    let keys = json!({ "library_keys": ["velocity_count", "high_risk_country", "velocity_count"] });
    let expected = json!({
        "installed_library_keys": ["velocity_count", "high_risk_country"], "installed_count": 2, "uninstalled_count": 0,
    });
    server.client.post(&install, keys.clone()).await.is(200, expected);
    let again = json!({
        "installed_library_keys": ["velocity_count", "high_risk_country"], "installed_count": 0, "uninstalled_count": 0,
    });
    server.client.post(&install, keys).await.is(200, again);
    let shown = server.client.get(&format!("{library}?search=high-risk")).await.ok(200);
    assert_eq!(shown["results"][0]["is_installed"], true);
    assert_eq!(shown["results"][0]["conditions"][0]["value"], "High Risk Countries");
    // It asks the system list.
    let list = server.client.get("/v3/lists/?entry_type=country").await.ok(200);
    assert_eq!((&list["count"], &list["results"][0]["is_system"]), (&json!(1), &json!(true)));
    let preset = server.client.get(&format!("{RULES}?search=high-risk")).await.ok(200)["results"][0].clone();
    assert_eq!(preset["conditions"][0]["value"], list["results"][0]["uuid"]);
    assert_eq!(json!([preset["source"], preset["library_key"], preset["severity"]]), json!(["PRESET", "high_risk_country", "CRITICAL"]));
    let at = path(&text(&preset["uuid"]));
    let kept = json!({ "detail": "Library rules cannot be deleted. Uninstall them via the rules install endpoint instead." });
    server.client.delete(&at).await.is(400, kept);
    server.client.patch(&at, json!({ "mode": "TEST" })).await.ok(200);
    let remove = server.client.request(reqwest::Method::DELETE, &install).json(&json!({ "library_keys": ["high_risk_country"] }));
    let expected = json!({ "installed_library_keys": ["velocity_count"], "installed_count": 0, "uninstalled_count": 1 });
    crate::harness::client::send(remove).await.is(200, expected);
    let bundle = server.client.post(&install, json!({ "bundle": "aml_basics" })).await.ok(200);
    assert_eq!(bundle["installed_count"], 9);
    server.stop().await;
});

db_test!(what_cannot_be_installed_is_named, server => {
    let install = format!("{RULES}install/");
    let before = server.counts().await;
    for (body, expected) in [
        (json!({}), json!({ "library_keys": ["Provide library_keys or bundle."] })),
        (json!({ "library_keys": [] }), json!({ "library_keys": ["Provide library_keys or bundle."] })),
        (json!({ "library_keys": ["high_amount", "x"] }), json!({ "library_keys": ["Unknown library key: x"] })),
        (json!({ "bundle": "x" }), json!({ "bundle": ["Unknown bundle: x"] })),
        (json!({ "library_keys": "x" }), json!({ "library_keys": ["Expected a list of items but got type \"str\"."] })),
    ] {
        server.client.post(&install, body).await.is(400, expected);
    }
    assert_eq!(server.counts().await, before);
    // A rule of the customer's keeps its title.
    server.rule("High amount", json!({})).await;
    server.client.post(&install, json!({ "library_keys": ["high_amount"] })).await.ok(200);
    let titles_now = server.client.get(RULES).await.ok(200);
    assert_eq!(titles(&titles_now), ["High amount (library)", "High amount"]);
    server.stop().await;
});

db_test!(there_is_an_end_of_rules, server => {
    for n in 0..200 {
        server.rule(&format!("r{n}"), json!({ "mode": "DISABLED" })).await;
    }
    let full = json!({ "detail": "Maximum number of rules (200) reached." });
    server.client.post(RULES, rule("one more", json!({}))).await.is(400, full.clone());
    server.client.post(&format!("{RULES}install/"), json!({ "library_keys": ["high_amount"] })).await.is(400, full);
    server.stop().await;
});

db_test!(there_is_an_end_of_patterns, server => {
    let of = |count: usize| json!({ "conditions": vec![json!({ "field": "payment_details", "operator": "regex", "value": "x" }); count] });
    let refused = json!({ "conditions": ["Ensure no more than 10 conditions use 'regex'."] });
    server.client.post(RULES, rule("eleven", of(11))).await.is(400, refused);
    for n in 0..5 {
        server.rule(&format!("r{n}"), of(10)).await;
    }
    let full = json!({ "detail": "Maximum number of patterns in rules (50) reached." });
    server.client.post(RULES, rule("one more", of(1))).await.is(400, full.clone());
    let other = path(&server.rule("other", json!({})).await);
    server.client.patch(&other, of(1)).await.is(400, full);
    let first = path(&text(&server.client.get(&format!("{RULES}?search=r0")).await.ok(200)["results"][0]["uuid"]));
    server.client.patch(&first, of(9)).await.ok(200);
    server.client.patch(&other, of(1)).await.ok(200);
    server.stop().await;
});

db_test!(huge_and_exploding_bodies_are_refused, server => {
    let before = server.counts().await;
    let pattern = json!({ "conditions": [{ "field": "payment_details", "operator": "regex", "value": "(x{1000}){1000}" }] });
    let expected = json!({ "conditions": [{ "value": ["Enter a valid regular expression."] }] });
    server.client.post(RULES, rule("r", pattern)).await.is(400, expected);
    let large = json!({ "description": "x".repeat(2 << 20) });
    server.client.post(RULES, rule("r", large)).await.is(413, json!({ "detail": "Request body too large." }));
    let deep = format!("{{\"metadata\":{}1{}}}", "{\"a\":".repeat(200), "}".repeat(200));
    assert_eq!(server.client.post_text(RULES, deep).await.status, 400);
    assert_eq!(server.counts().await, before);
    // Numbers with forty digits are compared to the last of them.
    let digits = "9".repeat(40);
    let made = server.client.post(RULES, rule("r", json!({ "conditions": [{ "field": "amount", "operator": "lt", "value": digits }] })));
    assert_eq!(made.await.ok(201)["conditions"][0]["value"], json!(digits));
    server.stop().await;
});
