//! What a change of lists would have meant for past sessions (`/x/lists/preview/`).

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Engine, Server, shown, text},
};

async fn preview(server: &Server, changes: Value) -> Value {
    server.client.post("/x/lists/preview/", json!({ "changes": changes })).await.ok(200)
}

fn by_status(preview: &Value) -> Vec<(String, String, u64)> {
    let row = |row: &Value| (text(&row["from"]), text(&row["to"]), row["count"].as_u64().unwrap());
    preview["sessions"]["by_status"].as_array().unwrap().iter().map(row).collect()
}

db_test!(an_addition_names_the_sessions_it_would_have_declined, server => {
    let list = server.system_list("phone").await;
    for number in ["+14155552671", "+1 415 555 2671", "+442079460018"] {
        server.session_with_evidence(json!({ "phone_verifications": [{ "full_number": number }] })).await;
    }
    server.session_with_evidence(json!({ "phone_verifications": [{ "full_number": "+14155552671", "status": "Declined" }] })).await;
    let before = server.counts().await;
    let answer = preview(&server, json!([{ "op": "add", "list": list, "value": "+1 (415) 555-2671" }])).await;
    assert_eq!(server.counts().await, before, "nothing is written");
    assert_eq!(by_status(&answer), [("Approved".into(), "Declined".into(), 2)]);
    let mut answer = answer;
    answer["lists_revision"] = 1.into();
    answer["sessions"]["samples"].as_array_mut().unwrap().truncate(1);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&answer), @r#"
        {
          "lists_revision": 1,
          "evaluated_at": "[time]",
          "sessions": {
            "considered": 3,
            "complete": true,
            "not_comparable": 0,
            "changed": 2,
            "by_status": [
              {
                "from": "Approved",
                "to": "Declined",
                "count": 2
              }
            ],
            "samples": [
              {
                "session_id": "[uuid]",
                "session_number": 2,
                "vendor_data": null,
                "status": "Approved",
                "decided": "Approved",
                "would_be": "Declined",
                "risks_added": [
                  "PHONE_NUMBER_IN_BLOCKLIST"
                ],
                "risks_removed": [
                  "DUPLICATED_PHONE_NUMBER"
                ]
              }
            ]
          },
          "users": {
            "considered": 0,
            "complete": true,
            "changed": 0,
            "by_status": [],
            "samples": []
          },
          "businesses": {
            "considered": 0,
            "complete": true,
            "changed": 0,
            "by_status": [],
            "samples": []
          },
          "transactions": {
            "considered": 0,
            "complete": true,
            "changed": 0,
            "by_status": [],
            "samples": []
          },
          "without_effect": []
        }
        "#);
    }
    server.stop().await;
});

/// A transaction of somebody with an e-mail address, on a device with an IP address; its detail.
async fn transaction(server: &Server, id: &str, vendor_data: &str, email: &str, ip: &str) -> Value {
    let body = json!({
        "transaction_id": id, "transaction_category": "finance",
        "transaction_details": { "direction": "out", "amount": "10.00", "currency": "EUR" },
        "subject": { "vendor_data": vendor_data, "full_name": "Somebody", "email": email },
        "counterparty": { "device_context": { "network_context": { "ip_address": ip } } },
    });
    server.client.post("/v3/transactions/", body).await.ok(201)
}

db_test!(transactions_are_weighed_again, server => {
    let (emails, addresses, users) =
        (server.system_list("email").await, server.system_list("ip_address").await, server.system_list("user").await);
    server.client.post("/v3/users/create/", json!({ "vendor_data": "flagged", "status": "FLAGGED" })).await.ok(201);
    server.add(&emails, "mule@example.com").await;
    let rows = |answer: &Value| json!([answer["transactions"]["considered"], answer["transactions"]["changed"], answer["transactions"]["by_status"]]);
    assert_eq!(transaction(&server, "1", "ana", "ana@example.com", "192.0.2.7").await["status"], "APPROVED");
    let last = transaction(&server, "2", "flagged", "eva@example.com", "192.0.2.200").await;
    assert_eq!(last["status"], "IN_REVIEW");
    assert_eq!(transaction(&server, "3", "Ana", "mule@example.com", "2001:db8::1").await["status"], "DECLINED");
    assert_eq!(transaction(&server, "4", "flagged", "Mule@example.com", "2001:db8::2").await["status"], "DECLINED");
    server.client.patch("/v3/users/flagged/update-status/", json!({ "status": "ACTIVE" })).await.ok(200);

    let before = server.counts().await;
    let range = preview(&server, json!([{ "op": "add", "list": addresses, "value": "192.0.2.0/24" }])).await;
    assert_eq!(server.counts().await, before, "nothing is written");
    assert_eq!(rows(&range), json!([2, 2, [
        { "from": "APPROVED", "to": "DECLINED", "count": 1 }, { "from": "IN_REVIEW", "to": "DECLINED", "count": 1 },
    ]]));
    assert_eq!(range["transactions"]["samples"][0], json!({
        "transaction_uuid": last["uuid"], "transaction_number": 2, "vendor_data": "flagged", "status": "IN_REVIEW",
        "decided": "IN_REVIEW", "would_be": "DECLINED",
    }));
    let removal = json!({ "op": "remove", "list": emails, "value": "mule@example.com" });
    assert_eq!(rows(&preview(&server, json!([removal])).await), json!([2, 2, [
        { "from": "DECLINED", "to": "APPROVED", "count": 1 }, { "from": "DECLINED", "to": "IN_REVIEW", "count": 1 },
    ]]));
    // One entry goes, another comes: nothing is different.
    let both = json!([removal, { "op": "add", "list": addresses, "value": "2001:db8::/32" }]);
    assert_eq!(rows(&preview(&server, both).await), json!([2, 0, []]));
    let person = preview(&server, json!([{ "op": "add", "list": users, "value": "ANA" }])).await;
    assert_eq!(rows(&person), json!([2, 2, [
        { "from": "APPROVED", "to": "Refused", "count": 1 }, { "from": "DECLINED", "to": "Refused", "count": 1 },
    ]]));
    // Lists that decide nothing by themselves mean nothing to transactions.
    let custom = server.list("Custom", "custom", "email").await;
    let nothing = preview(&server, json!([{ "op": "add", "list": custom, "value": "ana@example.com" }])).await;
    assert_eq!(rows(&nothing), json!([0, 0, []]));
    server.stop().await;
});

db_test!(what_rules_asked_for_stays, server => {
    let emails = server.system_list("email").await;
    server.rule("Look", json!({ "actions": [{ "type": "change_status", "value": "IN_REVIEW" }] })).await;
    server.rule("Trial", json!({ "mode": "TEST", "actions": [{ "type": "change_status", "value": "DECLINED" }] })).await;
    transaction(&server, "1", "ana", "ana@example.com", "192.0.2.7").await;
    let addition = preview(&server, json!([{ "op": "add", "list": emails, "value": "ana@example.com" }])).await;
    assert_eq!(addition["transactions"]["by_status"], json!([{ "from": "IN_REVIEW", "to": "DECLINED", "count": 1 }]));
    server.stop().await;
});

db_test!(users_and_businesses_follow_the_entries_that_would_cover_them, server => {
    for (nouns, vendor_data, status) in
        [("users", "Ana", "ACTIVE"), ("users", "ana", "FLAGGED"), ("users", "bob", "BLOCKED"), ("businesses", "ana", "ACTIVE")]
    {
        server.client.post(&format!("/v3/{nouns}/create/"), json!({ "vendor_data": vendor_data, "status": status })).await.ok(201);
    }
    let users = server.system_list("user").await;
    let (own, custom) = (server.list("Own", "blocklist", "user").await, server.list("Custom", "custom", "user").await);
    let companies = server.system_list("business").await;
    let before = server.counts().await;
    let answer = preview(&server, json!([
        { "op": "add", "list": users, "value": "ANA" }, { "op": "add", "list": own, "value": "ana" },
        { "op": "add", "list": companies, "value": "ana" }, { "op": "remove", "list": users, "value": "bob" },
    ])).await;
    assert_eq!(server.counts().await, before, "nothing is written");
    let rows = |of: &Value| json!([of["considered"], of["complete"], of["changed"], of["by_status"]]);
    assert_eq!(rows(&answer["users"]), json!([3, true, 3, [
        { "from": "ACTIVE", "to": "BLOCKED", "count": 1 }, { "from": "BLOCKED", "to": "ACTIVE", "count": 1 },
        { "from": "FLAGGED", "to": "BLOCKED", "count": 1 },
    ]]));
    assert_eq!(rows(&answer["businesses"]), json!([1, true, 1, [{ "from": "ACTIVE", "to": "BLOCKED", "count": 1 }]]));
    let sample = &answer["businesses"]["samples"][0];
    assert_eq!(json!([sample["vendor_data"], sample["status"], sample["would_be"]]), json!(["ana", "ACTIVE", "BLOCKED"]));
    // Another entry covers them as well; a custom list covers nobody; an entry that is held blocks nobody.
    server.add(&own, "BOB").await;
    let removal = json!([{ "op": "remove", "list": users, "value": "bob" }, { "op": "add", "list": custom, "value": "ana" }]);
    let answer = preview(&server, removal).await;
    assert_eq!(rows(&answer["users"]), json!([1, true, 0, []]));
    let both = json!([{ "op": "remove", "list": users, "value": "bob" }, { "op": "remove", "list": own, "value": "bob" }]);
    assert_eq!(preview(&server, both).await["users"]["changed"], 1);
    let entry = text(&server.client.get(&format!("/v3/lists/{own}/entries/")).await.ok(200)["results"][0]["uuid"]);
    server.client.patch(&format!("/x/lists/{own}/entries/{entry}/"), json!({ "held": true })).await.ok(200);
    let answer = preview(&server, json!([{ "op": "remove", "list": users, "value": "bob" }])).await;
    assert_eq!(rows(&answer["users"]), json!([1, true, 1, [{ "from": "BLOCKED", "to": "ACTIVE", "count": 1 }]]));
    // What is done comes to what was previewed.
    server.add(&users, "ANA").await;
    let status = async |vendor_data: &str| server.client.get(&format!("/v3/users/{vendor_data}/")).await.ok(200)["status"].clone();
    assert_eq!([status("Ana").await, status("ana").await], ["BLOCKED", "BLOCKED"]);
    server.stop().await;
});

db_test!(whoever_was_flagged_or_held_is_for_a_person_to_look_at, server => {
    let (phones, users) = (server.system_list("phone").await, server.system_list("user").await);
    server.add(&phones, "+14155552671").await;
    server.client.post("/v3/users/create/", json!({ "vendor_data": "flagged", "status": "FLAGGED" })).await.ok(201);
    for vendor_data in ["flagged", "free"] {
        let session = server.session_with(json!({ "vendor_data": vendor_data })).await;
        server.evidence(&session, json!({ "phone_verifications": [{ "full_number": "+14155552671" }] })).await;
    }
    // Who is flagged now is another question.
    server.client.patch("/v3/users/flagged/update-status/", json!({ "status": "ACTIVE" })).await.ok(200);
    let removal = preview(&server, json!([{ "op": "remove", "list": phones, "value": "+14155552671" }])).await;
    let expected = [("Declined".into(), "Approved".into(), 1), ("Declined".into(), "In Review".into(), 1)];
    assert_eq!(by_status(&removal), expected);

    let entry = server.add(&users, "watched").await;
    server.client.patch(&format!("/x/lists/{users}/entries/{entry}/"), json!({ "held": true })).await.ok(200);
    let session = server.session_with(json!({ "vendor_data": "watched" })).await;
    assert_eq!(server.evidence(&session, json!({ "email_verifications": [{ "email": "a@b.example" }] })).await["status"], "In Review");
    let removal = preview(&server, json!([{ "op": "remove", "list": users, "value": "watched" }])).await;
    assert_eq!(by_status(&removal), [("In Review".into(), "Approved".into(), 1)]);
    server.stop().await;
});

db_test!(a_removal_takes_back_what_the_entry_did, server => {
    let list = server.system_list("ip_address").await;
    server.add(&list, "10.0.0.0/8").await;
    server.session_with_evidence(json!({ "ip_analyses": [{ "ip_address": "10.1.2.3" }] })).await;
    let both = server.list("also", "blocklist", "ip_address").await;
    server.add(&both, "10.1.2.9").await;
    server.session_with_evidence(json!({ "ip_analyses": [{ "ip_address": "10.1.2.9" }] })).await;
    let remove = json!({ "op": "remove", "list": list, "value": "10.9.9.9/8" });
    let answer = preview(&server, json!([remove])).await;
    assert_eq!(by_status(&answer), [("Declined".into(), "Approved".into(), 1)]);
    assert_eq!(answer["sessions"]["considered"], 2);
    assert_eq!(answer["sessions"]["samples"][0]["risks_removed"], json!(["IP_ADDRESS_IN_BLOCKLIST"]));
    let answer = preview(&server, json!([remove, { "op": "remove", "list": both, "value": "10.1.2.9" }])).await;
    assert_eq!(by_status(&answer), [("Declined".into(), "Approved".into(), 2)]);
    let nothing = preview(&server, json!([
        { "op": "remove", "list": list, "value": "10.1.2.3" },
        { "op": "add", "list": list, "value": "10.0.0.0/8" },
    ])).await;
    assert_eq!(nothing["without_effect"], json!([
        { "index": 0, "reason": "This value is not in the list." }, { "index": 1, "reason": "This value already exists in the list." },
    ]));
    server.stop().await;
});

db_test!(a_blocked_person_would_have_been_refused, server => {
    let list = server.system_list("user").await;
    for vendor_data in ["Cust-9", "cust-9", "cust-10"] {
        let session = server.session_with(json!({ "vendor_data": vendor_data })).await;
        server.evidence(&session, json!({ "email_verifications": [{ "email": "a@b.example" }] })).await;
    }
    let answer = preview(&server, json!([{ "op": "add", "list": list, "value": "CUST-9" }])).await;
    assert_eq!(by_status(&answer), [("Approved".into(), "Refused".into(), 2)]);
    server.stop().await;
});

db_test!(bad_changes_are_named_by_place, server => {
    let (list, theirs) = (server.system_list("email").await, server.foreign_client().await);
    let foreign = text(&theirs.get("/v3/lists/").await.ok(200)["results"][0]["uuid"]);
    for (changes, errors) in [
        (json!([]), json!(["This list may not be empty."])),
        (json!([{}]), json!([{ "op": ["This field is required."], "list": ["This field is required."], "value": ["This field is required."] }])),
        (json!([{ "op": "add", "list": list, "value": "a@b.example" }, { "op": "add", "list": list, "value": "x" }]), json!([{}, { "value": ["Enter a valid email address."] }])),
        (json!([{ "op": "add", "list": foreign, "value": "x" }]), json!([{ "list": ["List not found."] }])),
        (json!([{ "op": "swap", "list": list, "value": "x" }]), json!([{ "op": ["\"swap\" is not a valid choice."] }])),
    ] {
        server.client.post("/x/lists/preview/", json!({ "changes": changes })).await.is(400, json!({ "changes": errors }));
    }
    let many: Vec<_> = (0..1_001).map(|_| json!({ "op": "add", "list": list, "value": "a@b.example" })).collect();
    server.client.post("/x/lists/preview/", json!({ "changes": many })).await
        .is(400, json!({ "changes": ["Ensure this field has no more than 1000 elements."] }));
    server.client.post("/x/lists/preview/", json!({})).await.is(400, json!({ "changes": ["This field is required."] }));
    server.stop().await;
});

db_test!(under_a_key_the_answer_stays, server => {
    let list = server.system_list("phone").await;
    let body = json!({ "changes": [{ "op": "add", "list": list, "value": "+14155552671" }] });
    let first = server.client.post_once("k", "/x/lists/preview/", body.clone()).await.ok(200);
    server.session_with_evidence(json!({ "phone_verifications": [{ "full_number": "+14155552671" }] })).await;
    assert_eq!(server.client.post_once("k", "/x/lists/preview/", body.clone()).await.ok(200), first);
    let now = server.client.post("/x/lists/preview/", body).await.ok(200);
    assert_eq!((&first["sessions"]["changed"], &now["sessions"]["changed"]), (&json!(0), &json!(1)));
    server.stop().await;
});

db_test!(an_allowlist_that_would_have_muted_a_duplicate, server => {
    let features = json!([{ "feature": "PHONE_VERIFICATION", "node_id": "feature_phone_1", "config": { "duplicated_phone_number_action": "DECLINE" } }]);
    let workflow = server.workflow_of(features).await;
    let evidence = json!({ "phone_verifications": [{ "full_number": "+14155552671" }] });
    for (person, status) in [("ana", "Approved"), ("ben", "Declined")] {
        let body = json!({ "workflow_id": workflow, "vendor_data": person });
        let session = text(&server.client.post("/v3/session/", body).await.ok(201)["session_id"]);
        assert_eq!(server.evidence(&session, evidence.clone()).await["status"], status);
    }
    let allow = server.list("office", "allowlist", "phone").await;
    let answer = preview(&server, json!([{ "op": "add", "list": allow, "value": "+14155552671" }])).await;
    assert_eq!(by_status(&answer), [("Declined".into(), "Approved".into(), 1)]);
    let sample = &answer["sessions"]["samples"][0];
    assert_eq!((&sample["risks_added"], &sample["risks_removed"]), (&json!(["PHONE_NUMBER_IN_ALLOWLIST"]), &json!(["DUPLICATED_PHONE_NUMBER"])));
    server.stop().await;
});

const PHONES: [&str; 3] = ["+14155552671", "+442079460018", "+4930901820"];
const ADDRESSES: [&str; 4] = ["10.1.2.3", "10.1.9.9", "192.0.2.7", "2001:db8::1"];
const RANGES: [&str; 4] = ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "192.0.2.0/24"];
const PEOPLE: [&str; 3] = ["ana", "ben", "cleo"];
/// Types, kinds and names of the lists.
const LISTS: [(&str, &str); 7] = [
    ("phone", "blocklist"),
    ("phone", "allowlist"),
    ("ip_address", "blocklist"),
    ("user", "blocklist"),
    ("country", "custom"),
    ("key", "custom"),
    ("ip_address", "custom"),
];
const COUNTRIES: [&str; 3] = ["ESP", "FRA", "ITA"];

/// A world: what is listed, the sessions that come then, and a change.
#[derive(Debug, Clone)]
struct World {
    listed: Vec<(usize, usize)>,
    sessions: Vec<(usize, usize, usize, usize)>,
    changes: Vec<(bool, usize, usize)>,
}

fn world() -> impl Strategy<Value = World> {
    let entry = || (0..LISTS.len(), 0usize..4);
    (
        proptest::collection::vec(entry(), 1..5),
        proptest::collection::vec((0..PEOPLE.len(), 0..PHONES.len(), 0..ADDRESSES.len(), 0..COUNTRIES.len()), 6..14),
        proptest::collection::vec((any::<bool>(), 0..LISTS.len(), 0usize..4), 1..6),
    )
        .prop_map(|(listed, sessions, mut changes)| {
            // Three of four take away what is there or add what is not.
            for (place, (add, list, which)) in changes.iter_mut().enumerate().filter(|(place, _)| place % 4 != 3) {
                if place == 0
                    && let Some(first) = listed.first()
                {
                    (*list, *which) = *first;
                }
                *add = !listed.iter().any(|(of, listed)| of == list && value(*of, *listed) == value(*list, *which));
            }
            // Of sessions that were refused nobody knows what they would have shown.
            changes.retain(|(add, list, _)| *add || LISTS[*list].0 != "user");
            World { listed, sessions, changes }
        })
}

fn value(list: usize, which: usize) -> &'static str {
    match LISTS[list].0 {
        "phone" => PHONES[which % PHONES.len()],
        "country" => COUNTRIES[which % COUNTRIES.len()],
        "user" | "key" => PEOPLE[which % PEOPLE.len()],
        _ => RANGES[which],
    }
}

/// A server with the lists of a world. Duplicate phones are declined, so that allowlists matter.
async fn stage(engine: Engine, world: &World) -> Option<(Server, Vec<String>, String)> {
    let server = Server::start(engine).await?;
    let mut lists = Vec::new();
    for (place, (entry_type, list_type)) in LISTS.iter().enumerate() {
        lists.push(server.list(&format!("list {place}"), list_type, entry_type).await);
    }
    for (list, which) in &world.listed {
        server.client.post(&format!("/v3/lists/{}/entries/", lists[*list]), json!({ "value": value(*list, *which) })).await;
    }
    let of_list = |field: &str, operator: &str, list: usize, status: &str| json!({ "field": field, "operator": operator, "value_type": "list", "value": lists[list], "status": status });
    // A country leads to review, and a review of the document declines the phone: what one rule does another sees.
    let opinion = json!({ "field": "kyc.status", "operator": "equals", "value": "In Review", "status": "Declined" });
    let own = json!({ "field": "phone.warnings.risk", "operator": "equals", "value": "PHONE_NUMBER_IN_ALLOWLIST", "status": "In Review" });
    let features = json!([
        { "feature": "OCR", "config": { "status_rules": [of_list("kyc.issuing_state", "in", 4, "In Review")] } },
        { "feature": "PHONE_VERIFICATION", "config": { "duplicated_phone_number_action": "DECLINE", "status_rules": [opinion, own] } },
        { "feature": "IP_ANALYSIS", "config": { "status_rules": [of_list("session.vendor_data", "in", 5, "In Review"), of_list("ip.ip_address", "in", 6, "In Review")] } },
    ]);
    let workflow = server.workflow_of(features).await;
    Some((server, lists, workflow))
}

/// How every session of the world came out.
async fn play(server: &Server, workflow: &str, world: &World) -> Vec<String> {
    let mut outcomes = Vec::new();
    for (person, phone, address, country) in &world.sessions {
        let made = server.client.post("/v3/session/", json!({ "workflow_id": workflow, "vendor_data": PEOPLE[*person] })).await;
        if made.status != 201 {
            outcomes.push("Refused".to_owned());
            continue;
        }
        let evidence = json!({
            "id_verifications": [{ "issuing_state": COUNTRIES[*country] }],
            "phone_verifications": [{ "full_number": PHONES[*phone] }], "ip_analyses": [{ "ip_address": ADDRESSES[*address] }],
        });
        outcomes.push(text(&server.evidence(&text(&made.body["session_id"]), evidence).await["status"]));
    }
    outcomes
}

async fn preview_equals_reality(engine: Engine) {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (worlds, mut kinds) = (world(), BTreeMap::new());
    for _ in 0..12 {
        let world = worlds.new_tree(&mut runner).unwrap().current();
        let Some((asked, lists, workflow)) = stage(engine, &world).await else { return };
        let then = play(&asked, &workflow, &world).await;
        if world.changes.is_empty() {
            continue;
        }
        let changes: Vec<Value> = world.changes.iter().map(|(add, list, which)| {
            json!({ "op": if *add { "add" } else { "remove" }, "list": lists[*list], "value": value(*list, *which) })
        }).collect();
        let said = preview(&asked, json!(changes)).await;
        asked.stop().await;

        let Some((copy, lists, workflow)) = stage(engine, &world).await else { return };
        for (add, list, which) in &world.changes {
            let path = format!("/v3/lists/{}/entries/", lists[*list]);
            if *add {
                copy.client.post(&path, json!({ "value": value(*list, *which) })).await;
            } else {
                let page = copy.client.get(&path).await.ok(200);
                let rows = page["results"].as_array().unwrap();
                if let Some(row) = rows.iter().find(|row| row["value"] == value(*list, *which)) {
                    copy.client.delete(&format!("{path}{}/", text(&row["uuid"]))).await.ok(204);
                }
            }
        }
        let now = play(&copy, &workflow, &world).await;
        copy.stop().await;
        let mut differing: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (then, now) in then.iter().zip(&now).filter(|(then, now)| then != now && *then != "Refused") {
            *differing.entry((then.clone(), now.clone())).or_default() += 1;
        }
        let said: BTreeMap<_, _> = by_status(&said).into_iter().map(|(from, to, count)| ((from, to), count)).collect();
        assert_eq!(said, differing, "{world:?}\n{then:?}\n{now:?}");
        kinds.extend(differing);
    }
    assert!(kinds.len() >= 4, "the worlds are too quiet to prove anything: {kinds:?}");
}

mod what_it_says_is_what_happens_on_a_copy {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        preview_equals_reality(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        preview_equals_reality(Engine::Postgres).await;
    }
}
