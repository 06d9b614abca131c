//! Lists as they stand and stood (`/x/`): entries with their versions, history, differences, the way back, look-ups, and
//! screening as of an earlier state.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, eventually, shown, text},
};

const NOT_YET: &str = "This state of the lists has not been reached yet.";
const NOT_A_STATE: &str = "Enter a revision number or a date and time.";

fn values(page: &Value) -> Vec<String> {
    page["results"].as_array().unwrap().iter().map(|row| text(&row["value"])).collect()
}

async fn revision(server: &Server) -> u64 {
    server.client.post("/x/screen/", json!({ "values": [] })).await.ok(200)["lists_revision"].as_u64().unwrap()
}

db_test!(an_entry_is_shown_with_its_versions, server => {
    let list = server.list("mail", "blocklist", "email").await;
    let entry = server.add(&list, "Ana@Example.com").await;
    let path = format!("/x/lists/{list}/entries/{entry}/");
    let before = revision(&server).await;
    let changed = server.client.patch(&path, json!({ "comment": "new", "expires_at": "2999-01-01T00:00:00Z" })).await.ok(200);
    assert_eq!(changed["revision"], before + 1);
    let same = server.client.patch(&path, json!({ "comment": "new" })).await.ok(200);
    assert_eq!(same, changed, "an edit that says nothing new makes no version");
    server.client.patch(&path, json!({})).await.ok(200);
    assert_eq!(revision(&server).await, before + 1);
    let mut whole = server.client.get(&path).await.ok(200);
    whole["revision"] = 2.into();
    for (row, number) in whole["versions"].as_array_mut().unwrap().iter_mut().zip([2, 1]) {
        row["revision"] = number.into();
        if number == 1 { row["ended"]["revision"] = 2.into(); }
    }
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&whole), @r#"
        {
          "uuid": "[uuid]",
          "value": "ana@example.com",
          "display_label": "",
          "comment": "new",
          "added_by": "api",
          "reference_session_id": null,
          "reference_session_number": null,
          "reference_object_uuid": null,
          "metadata": null,
          "created_at": "[time]",
          "expires_at": "[time]",
          "is_expired": false,
          "held_at": null,
          "revision": 2,
          "hit_count": 0,
          "last_hit_at": null,
          "made_from": {
            "session": null,
            "transaction": null,
            "user": null,
            "business": null,
            "names": []
          },
          "versions": [
            {
              "revision": 2,
              "display_label": "",
              "comment": "new",
              "metadata": null,
              "expires_at": "[time]",
              "held_at": null,
              "ended": null
            },
            {
              "revision": 1,
              "display_label": "",
              "comment": "",
              "metadata": null,
              "expires_at": null,
              "held_at": null,
              "ended": {
                "revision": 2,
                "at": "[time]"
              }
            }
          ]
        }
        "#);
    }
    let plain = server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200);
    assert_eq!((&plain["results"][0]["comment"], &plain["results"][0]["expires_at"]), (&json!("new"), &Value::Null));
    assert_eq!(plain["results"][0]["created_at"], whole["created_at"], "an edit is no new entry");
    let listed = server.client.get(&format!("/v3/lists/{list}/")).await.ok(200);
    assert_eq!(listed["entry_count"], 1);
    server.stop().await;
});

db_test!(edits_are_checked, server => {
    let list = server.list("mail", "blocklist", "email").await;
    let entry = server.add(&list, "ana@example.com").await;
    let path = format!("/x/lists/{list}/entries/{entry}/");
    let before = server.counts().await;
    for (body, errors) in [
        (json!({ "display_label": "x".repeat(256) }), json!({ "display_label": ["Ensure this field has no more than 255 characters."] })),
        (json!({ "comment": "😀".repeat(10_001) }), json!({ "comment": ["Ensure this field has no more than 10000 characters."] })),
        (json!({ "metadata": [] }), json!({ "metadata": ["Metadata must be a JSON object."] })),
        (json!({ "held": "perhaps" }), json!({ "held": ["Must be a valid boolean."] })),
    ] {
        server.client.patch(&path, body).await.is(400, errors);
    }
    assert_eq!(server.client.patch(&path, json!({ "expires_at": "tomorrow" })).await.status, 400);
    assert_eq!(server.counts().await, before);
    let cleared = server.client.patch(&path, json!({ "metadata": { "a": 1 } })).await.ok(200);
    assert_eq!(cleared["metadata"], json!({ "a": 1 }));
    assert_eq!(server.client.patch(&path, json!({ "metadata": null })).await.ok(200)["metadata"], Value::Null);
    assert_eq!(server.client.patch(&path, json!({ "value": "other@example.com" })).await.ok(200)["value"], "ana@example.com");
    server.stop().await;
});

db_test!(an_expired_entry_stays_visible_and_can_live_again, server => {
    let list = server.list("mail", "blocklist", "email").await;
    let entry = server.add(&list, "ana@example.com").await;
    let path = format!("/x/lists/{list}/entries/{entry}/");
    server.client.patch(&path, json!({ "expires_at": "2020-01-01T00:00:00Z" })).await.ok(200);
    let page = |query: &str| format!("/x/lists/{list}/entries/{query}");
    assert_eq!(server.client.get(&page("")).await.ok(200)["count"], 0);
    let kept = server.client.get(&page("?with_expired=true")).await.ok(200);
    assert_eq!((&kept["count"], &kept["results"][0]["is_expired"]), (&json!(1), &json!(true)));
    let facts = server.client.get(&format!("/x/lists/{list}/")).await.ok(200);
    assert_eq!((&facts["entry_count"], &facts["expired_entries"]), (&json!(0), &json!(1)));
    assert_eq!(server.client.get(&path).await.ok(200)["is_expired"], true);
    server.client.patch(&path, json!({ "expires_at": null })).await.ok(200);
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["count"], 1);
    let asked = json!({ "values": [{ "entry_type": "email", "value": "ana@example.com" }] });
    assert_eq!(server.client.post("/x/screen/", asked).await.ok(200)["verdict"], "block");
    server.stop().await;
});

db_test!(history_tells_what_every_revision_did, server => {
    let list = server.list("mail", "blocklist", "email").await;
    let entry = server.add(&list, "ana@example.com").await;
    server.client.patch(&format!("/x/lists/{list}/entries/{entry}/"), json!({ "comment": "new" })).await.ok(200);
    server.client.patch(&format!("/v3/lists/{list}/"), json!({ "name": "post" })).await.ok(200);
    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
    let history = server.client.get(&format!("/x/lists/{list}/history/")).await.ok(200);
    let row = |row: &Value| (text(&row["kind"]), row["added"].as_i64().unwrap(), row["removed"].as_i64().unwrap(), row["changed"].as_i64().unwrap());
    let rows: Vec<_> = history["results"].as_array().unwrap().iter().map(row).collect();
    let expected = [("entry.removed", 0, 1, 0), ("list.updated", 0, 0, 0), ("entry.updated", 0, 0, 1), ("entry.added", 1, 0, 0), ("list.created", 0, 0, 0)];
    assert_eq!(rows, expected.map(|(kind, added, removed, changed)| (kind.to_owned(), added, removed, changed)));
    assert_eq!(history["count"], 5);
    assert_eq!(history["results"][0]["made_by"], "api");
    server.stop().await;
});

db_test!(differences_name_what_was_and_what_is, server => {
    let list = server.list("mail", "blocklist", "email").await;
    let (gone, edited) = (server.add(&list, "gone@example.com").await, server.add(&list, "edited@example.com").await);
    let from = revision(&server).await;
    server.client.delete(&format!("/v3/lists/{list}/entries/{gone}/")).await.ok(204);
    server.client.patch(&format!("/x/lists/{list}/entries/{edited}/"), json!({ "comment": "new" })).await.ok(200);
    server.add(&list, "new@example.com").await;
    let brief = server.add(&list, "brief@example.com").await;
    server.client.delete(&format!("/v3/lists/{list}/entries/{brief}/")).await.ok(204);
    let diff = server.client.get(&format!("/x/lists/{list}/diff/?from={from}")).await.ok(200);
    let side = |row: &Value, side: &str| row[side]["value"].as_str().map(|value| format!("{value} {}", row[side]["comment"]));
    let rows: Vec<_> = diff["results"].as_array().unwrap().iter().map(|row| (text(&row["change"]), side(row, "before"), side(row, "after"))).collect();
    assert_eq!(rows, [
        ("removed".to_owned(), Some("gone@example.com \"\"".to_owned()), None),
        ("changed".to_owned(), Some("edited@example.com \"\"".to_owned()), Some("edited@example.com \"new\"".to_owned())),
        ("added".to_owned(), None, Some("new@example.com \"\"".to_owned())),
    ]);
    let path = |query: &str| format!("/x/lists/{list}/diff/?{query}");
    assert_eq!(server.client.get(&path(&format!("from={from}&to={from}"))).await.ok(200)["count"], 0);
    assert_eq!(server.client.get(&path("")).await.ok(200)["count"], 2, "since the beginning");
    server.client.get(&path("from=9&to=1")).await.is(400, json!({ "to": ["Ensure this state is not before the other."] }));
    server.client.get(&path("from=x")).await.is(400, json!({ "from": [NOT_A_STATE] }));
    server.client.get(&path("to=999999")).await.is(400, json!({ "to": [NOT_YET] }));
    server.client.get(&path("to=2999-01-01T00:00:00Z")).await.is(400, json!({ "to": [NOT_YET] }));
    server.stop().await;
});

db_test!(a_revert_brings_the_state_back_in_a_new_revision, server => {
    let list = server.list("mail", "blocklist", "email").await;
    let gone = server.add(&list, "gone@example.com").await;
    let to = revision(&server).await;
    server.client.delete(&format!("/v3/lists/{list}/entries/{gone}/")).await.ok(204);
    let again = server.add(&list, "gone@example.com").await;
    server.add(&list, "new@example.com").await;
    let now = revision(&server).await;
    let done = server.client.post(&format!("/x/lists/{list}/revert/"), json!({ "to": to })).await;
    done.is(200, json!({ "to": to, "revision": now + 1, "added": 1, "removed": 2, "changed": 0 }));
    let entries = server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200);
    assert_eq!(entries["results"].as_array().unwrap().len(), 1);
    assert_eq!((&entries["results"][0]["uuid"], &entries["count"]), (&json!(gone), &json!(1)), "the entry itself is back");
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 1);
    assert_eq!(server.client.get(&format!("/x/lists/{list}/diff/?from={to}")).await.ok(200)["count"], 0);
    assert_eq!(server.client.delete(&format!("/v3/lists/{list}/entries/{again}/")).await.status, 404);
    let then = server.client.get(&format!("/x/lists/{list}/entries/?as_of={now}")).await.ok(200);
    assert_eq!(values(&then), ["new@example.com", "gone@example.com"], "what happened in between stays readable");
    for (body, errors) in [
        (json!({}), json!({ "to": ["This field is required."] })),
        (json!({ "to": "x" }), json!({ "to": [NOT_A_STATE] })),
        (json!({ "to": 999_999 }), json!({ "to": [NOT_YET] })),
    ] {
        server.client.post(&format!("/x/lists/{list}/revert/"), body).await.is(400, errors);
    }
    server.stop().await;
});

db_test!(a_look_up_names_every_list, server => {
    let (mine, office) = (server.system_list("ip_address").await, server.list("office", "allowlist", "ip_address").await);
    server.add(&mine, "10.0.0.0/8").await;
    server.add(&office, "10.1.2.3").await;
    let before = revision(&server).await;
    server.add(&mine, "10.1.0.0/16").await;
    let path = "/x/lists/lookup/?entry_type=ip_address&value=10.1.2.3";
    let found = server.client.get(path).await.ok(200);
    let rows = |found: &Value| -> Vec<_> {
        found["lists"].as_array().unwrap().iter().map(|row| (text(&row["name"]), text(&row["entry"]["value"]), text(&row["comparison"]))).collect()
    };
    let expect = |rows: &[(&str, &str, &str)]| -> Vec<_> { rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect() };
    let all = [("IP Address Blocklist", "10.0.0.0/8", "cidr"), ("office", "10.1.2.3", "equal"), ("IP Address Blocklist", "10.1.0.0/16", "cidr")];
    assert_eq!(rows(&found), expect(&all));
    assert_eq!(rows(&server.client.get(&format!("{path}&as_of={before}")).await.ok(200)), expect(&all[..2]));
    server.client.get("/x/lists/lookup/").await.is(400, json!({ "entry_type": ["This field is required."], "value": ["This field is required."] }));
    server.client.get("/x/lists/lookup/?entry_type=phone&value=1").await.is(400, json!({ "value": ["Enter a valid international phone number."] }));
    server.client.get("/x/lists/lookup/?entry_type=x&value=1").await.is(400, json!({ "entry_type": ["Select a valid choice. x is not one of the available choices."] }));
    server.client.get("/x/lists/lookup/?entry_type=key&value=%00").await.is(400, json!({ "value": ["Null characters are not allowed."] }));
    let other = server.foreign_client().await;
    assert_eq!(other.get(path).await.ok(200)["lists"], json!([]));
    server.stop().await;
});

db_test!(a_flood_is_held_until_a_person_looks, server => {
    let list = server.system_list("ip_address").await;
    server.client.patch(&format!("/x/lists/{list}/"), json!({ "flood_guard": { "min_hits": 3 } })).await.ok(200);
    let entry = server.add(&list, "0.0.0.0/0").await;
    let path = format!("/x/lists/{list}/entries/{entry}/");
    for n in 1..=3 {
        let decision = server.session_with_evidence(json!({ "ip_analyses": [{ "ip_address": format!("192.0.2.{n}") }] })).await;
        assert_eq!(decision["status"], "Declined");
    }
    let held = eventually("the entry is held", || async {
        Some(server.client.get(&path).await.ok(200)).filter(|entry| !entry["held_at"].is_null())
    }).await;
    assert_eq!(held["hit_count"], 3);
    let decision = server.session_with_evidence(json!({ "ip_analyses": [{ "ip_address": "192.0.2.9" }] })).await;
    assert_eq!((&decision["status"], &decision["ip_analyses"][0]["warnings"][0]["risk"]), (&json!("In Review"), &json!("IP_ADDRESS_IN_BLOCKLIST")));
    let asked = json!({ "values": [{ "entry_type": "ip_address", "value": "192.0.2.9" }] });
    assert_eq!(server.client.post("/x/screen/", asked).await.ok(200)["hits"][0]["held"], true);
    assert_eq!(server.client.get(&format!("/x/lists/{list}/")).await.ok(200)["held_entries"], 1);

    server.client.patch(&path, json!({ "held": false })).await.ok(200);
    for n in 1..=5 {
        let decision = server.session_with_evidence(json!({ "ip_analyses": [{ "ip_address": format!("192.0.2.{n}") }] })).await;
        assert_eq!(decision["status"], "Declined", "let go on by a person, the guard looks away for a day");
    }
    let counted = eventually("all hits are counted", || async {
        Some(server.client.get(&path).await.ok(200)).filter(|entry| entry["hit_count"] == 9)
    }).await;
    assert_eq!(counted["held_at"], Value::Null);

    let allow = server.list("office", "allowlist", "ip_address").await;
    server.client.patch(&format!("/x/lists/{allow}/"), json!({ "flood_guard": { "min_hits": 3 } })).await
        .is(400, json!({ "flood_guard": ["Only blocklists have a flood guard."] }));
    server.client.patch(&format!("/x/lists/{list}/"), json!({ "flood_guard": { "factor": 0 } })).await
        .is(400, json!({ "flood_guard": { "min_hits": ["This field is required."], "factor": ["Ensure this value is greater than or equal to 1."] } }));
    assert_eq!(server.client.patch(&format!("/x/lists/{list}/"), json!({ "flood_guard": null })).await.ok(200)["flood_guard"], Value::Null);
    server.stop().await;
});

db_test!(a_held_user_is_not_refused_but_reviewed, server => {
    let list = server.system_list("user").await;
    let entry = server.add(&list, "cust-9").await;
    let create = json!({ "workflow_id": server.workflow().await, "vendor_data": "cust-9" });
    assert_eq!(server.client.post("/v3/session/", create).await.status, 400);
    server.client.patch(&format!("/x/lists/{list}/entries/{entry}/"), json!({ "held": true })).await.ok(200);
    let session = server.session_with(json!({ "vendor_data": "cust-9" })).await;
    let decision = server.evidence(&session, json!({ "email_verifications": [{ "email": "a@b.example" }] })).await;
    assert_eq!(decision["status"], "In Review");
    server.stop().await;
});

db_test!(the_mark_of_an_expired_entry_goes_by_itself, server => {
    let session = server.session().await;
    server.evidence(&session, json!({ "phone_verifications": [{ "full_number": "+14155552671" }] })).await;
    let list = server.system_list("phone").await;
    let in_an_hour = server.app.clock.now().plus_seconds(3_600).to_string();
    let body = json!({ "reference_session_id": session, "expires_at": in_an_hour });
    server.client.post(&format!("/v3/lists/{list}/entries/"), body).await.ok(201);
    let marked = async || {
        let rows = server.client.get("/v3/sessions/").await.ok(200);
        rows["results"][0]["additional_details"]["phone_verification"]["is_blocked"].clone()
    };
    let release = async || gavel::workers::lists::release_now(&server.app).await.unwrap();
    release().await;
    assert_eq!(marked().await, true, "it lives");
    server.app.clock.advance(7_200);
    let second = server.list("also", "blocklist", "phone").await;
    let other = server.add(&second, "+14155552671").await;
    release().await;
    assert_eq!(marked().await, true, "another entry that covers the value has taken the mark over");
    server.client.delete(&format!("/v3/lists/{second}/entries/{other}/")).await.ok(204);
    assert_eq!(marked().await, false, "and held it");
    server.add(&list, "+14155552671").await;
    release().await;
    assert_eq!(marked().await, false, "an entry typed in marks nothing");
    server.stop().await;
});

/// What somebody does to a list, and how many hours pass then.
#[derive(Debug, Clone)]
enum Step {
    Add(usize, Option<i64>),
    Remove(usize),
    Edit(usize, String),
    Expire(usize, Option<i64>),
    Revert(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let hours = || proptest::option::of(1i64..6);
    prop_oneof![
        5 => (0usize..VALUES.len(), hours()).prop_map(|(value, hours)| Step::Add(value, hours)),
        3 => any::<usize>().prop_map(Step::Remove),
        2 => (any::<usize>(), "[a-c]{1,2}").prop_map(|(which, text)| Step::Edit(which, text)),
        2 => (any::<usize>(), hours()).prop_map(|(which, hours)| Step::Expire(which, hours)),
        1 => any::<usize>().prop_map(Step::Revert),
    ]
}

const VALUES: [&str; 7] = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "10.1.2.4", "2001:db8::/32", "2001:db8::1", "192.0.2.0/24"];

/// What the API said at an instant.
struct Said {
    at: String,
    revision: u64,
    screening: Value,
    entries: [Value; 2],
    lookup: Value,
}

async fn ask(server: &Server, lists: &[String; 2]) -> Said {
    let values: Vec<_> = VALUES.iter().map(|value| json!({ "entry_type": "ip_address", "value": value })).collect();
    let screening = server.client.post("/x/screen/", json!({ "values": values })).await.ok(200);
    let page =
        async |list: &String| server.client.get(&format!("/x/lists/{list}/entries/?limit=200")).await.ok(200)["results"].clone();
    let entries = [page(&lists[0]).await, page(&lists[1]).await];
    let lookup = server.client.get("/x/lists/lookup/?entry_type=ip_address&value=10.1.2.3").await.ok(200)["lists"].clone();
    let at = text(&screening["evaluated_at"]);
    Said { at, revision: screening["lists_revision"].as_u64().unwrap(), screening, entries, lookup }
}

async fn earlier_answers_are_repeated(server: &Server, lists: &[String; 2], said: &Said) {
    let values: Vec<_> = VALUES.iter().map(|value| json!({ "entry_type": "ip_address", "value": value })).collect();
    let pair = json!({ "lists_revision": said.revision, "evaluated_at": said.at });
    for as_of in [json!(said.at), pair] {
        let again = server.client.post("/x/screen/", json!({ "values": values, "as_of": as_of })).await.ok(200);
        assert_eq!(again.to_string(), said.screening.to_string(), "as of {as_of}");
    }
    for (list, then) in lists.iter().zip(&said.entries) {
        let again = server.client.get(&format!("/x/lists/{list}/entries/?limit=200&as_of={}", said.at)).await.ok(200);
        assert_eq!(&again["results"], then, "entries as of {}", said.at);
    }
    let again =
        server.client.get(&format!("/x/lists/lookup/?entry_type=ip_address&value=10.1.2.3&as_of={}", said.at)).await.ok(200);
    assert_eq!(again["lists"], said.lookup);
}

async fn perform(server: &Server, list: &str, step: &Step, history: &[u64]) {
    let now = || server.app.clock.now();
    let kept = server.client.get(&format!("/x/lists/{list}/entries/?limit=200&with_expired=true")).await.ok(200);
    let pick = |which: &usize| {
        let rows = kept["results"].as_array().unwrap();
        (!rows.is_empty()).then(|| text(&rows[which % rows.len()]["uuid"]))
    };
    let entry = |id: String| format!("/x/lists/{list}/entries/{id}/");
    // In the middle between two looks at the lists.
    let until = |hours: &Option<i64>| hours.map(|hours| now().plus_seconds(hours * 3_600 - 1_800).to_string());
    match step {
        Step::Add(value, hours) => {
            server
                .client
                .post(&format!("/v3/lists/{list}/entries/"), json!({ "value": VALUES[*value], "expires_at": until(hours) }))
                .await;
        }
        Step::Remove(which) => {
            if let Some(id) = pick(which) {
                server.client.delete(&format!("/v3/lists/{list}/entries/{id}/")).await;
            }
        }
        Step::Edit(which, comment) => {
            if let Some(id) = pick(which) {
                server.client.patch(&entry(id), json!({ "comment": comment })).await.ok(200);
            }
        }
        Step::Expire(which, hours) => {
            if let Some(id) = pick(which) {
                server.client.patch(&entry(id), json!({ "expires_at": until(hours) })).await.ok(200);
            }
        }
        Step::Revert(which) => {
            if !history.is_empty() {
                let to = history[which % history.len()];
                server.client.post(&format!("/x/lists/{list}/revert/"), json!({ "to": to })).await.ok(200);
                let diff = server.client.get(&format!("/x/lists/{list}/diff/?from={to}")).await.ok(200);
                assert_eq!(diff["count"], 0, "nothing differs after a revert to {to}: {diff}");
            }
        }
    }
}

db_test!(what_the_api_said_it_says_again_as_of_then, server => {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let steps = proptest::collection::vec((0usize..2, step()), 40);
    for round in 0..4 {
        let lists = [
            server.list(&format!("block {round}"), "blocklist", "ip_address").await,
            server.list(&format!("allow {round}"), "allowlist", "ip_address").await,
        ];
        let (mut said, mut revisions): (Vec<Said>, Vec<u64>) = (Vec::new(), Vec::new());
        for (which, step) in steps.new_tree(&mut runner).unwrap().current() {
            perform(&server, &lists[which], &step, &revisions).await;
            let answer = ask(&server, &lists).await;
            revisions.push(answer.revision);
            said.push(answer);
            server.app.clock.advance(3_600);
        }
        for said in &said {
            earlier_answers_are_repeated(&server, &lists, said).await;
        }
    }
    server.stop().await;
});
