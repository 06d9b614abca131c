//! Lists whose changes need another person.

use std::time::Duration;

use gavel::actions::{
    Caller, Error,
    proposals::{self, DecisionNote, ProposalDetails},
};
use gavel_core::access::{Actor, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use super::settings::audited;
use crate::{
    db_test,
    harness::{Server, client::send, shown, text},
};

const NEEDED: &str = "Changes to this list need approval.";

/// What `reject` and `withdraw` make of a proposal.
const ENDED: [&str; 2] = ["rejected", "withdrawn"];

fn needed() -> Value {
    json!({ "detail": NEEDED })
}

/// A person with a role.
pub async fn person(server: &Server, id: u128, role: Role) -> Caller {
    let email = format!("person{id}@acme.example");
    Caller {
        actor: Actor::Member { id: Uuid::from_u128(id), name: String::new(), email, role },
        ..Caller::system(server.application().await, "POST", "/x/lists/{list_uuid}/proposals/{proposal_uuid}/approve/")
    }
}

async fn approve(server: &Server, by: &Caller, list: &str, proposal: &str) -> Result<ProposalDetails, Error> {
    let (list, proposal) = (list.parse().unwrap(), proposal.parse().unwrap());
    proposals::approve(&server.app, by, list, proposal, Ok(DecisionNote::default())).await
}

async fn set(server: &Server, list: &str, approval: Value) {
    server.client.patch(&format!("/x/lists/{list}/"), json!({ "approval": approval })).await.ok(200);
}

async fn propose(server: &Server, list: &str, changes: Value) -> String {
    let body = json!({ "changes": changes, "comment": "Seen again." });
    text(&server.client.post(&format!("/x/lists/{list}/proposals/"), body).await.ok(201)["uuid"])
}

fn json_of(details: &ProposalDetails) -> Value {
    serde_json::to_value(details).unwrap()
}

db_test!(nobody_changes_such_a_list_alone, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let entry = server.add(&list, "old@example.com").await;
    set(&server, &list, json!({ "policy": "always" })).await;
    let before = server.counts().await;
    let client = &server.client;
    for body in [json!({ "value": "new@example.com" }), json!({ "value": 7, "metadata": 1 }), json!([])] {
        client.post(&format!("/v3/lists/{list}/entries/"), body).await.is(403, needed());
    }
    client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.is(403, needed());
    client.patch(&format!("/x/lists/{list}/entries/{entry}/"), json!({ "comment": "x" })).await.is(403, needed());
    client.post(&format!("/x/lists/{list}/revert/"), json!({ "to": 0 })).await.is(403, needed());
    client.patch(&format!("/v3/lists/{list}/"), json!({ "name": "x" })).await.is(403, needed());
    client.delete(&format!("/v3/lists/{list}/")).await.is(403, needed());
    client.patch(&format!("/x/lists/{list}/"), json!({ "approval": null })).await.is(403, needed());
    client.patch(&format!("/x/lists/{list}/"), json!({ "flood_guard": null })).await.is(403, needed());
    let import = |query: &str| client.request(reqwest::Method::POST, &format!("/x/lists/{list}/entries/import/{query}"));
    send(import("").body("value\na@example.com\n")).await.is(403, needed());
    assert_eq!(server.counts().await, before);
    assert_eq!(send(import("?dry_run=true").body("value\na@example.com\n")).await.ok(200)["added"], 1, "nothing is added");
    client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200);
    server.stop().await;
});

db_test!(blocking_by_session_is_a_direct_change_too, server => {
    let list = server.system_list("email").await;
    let evidence = json!({ "email_verifications": [{ "email": "ana@example.com" }] });
    let session = text(&server.session_with_evidence(evidence).await["session_id"]);
    set(&server, &list, json!({ "policy": "always" })).await;
    let body = json!({ "session_id": session, "blocklist_email": true });
    server.client.post("/v3/blocklist/add/", body).await.is(403, needed());
    let body = json!({ "session_id": session, "unblock_email": true });
    server.client.post("/v3/blocklist/remove/", body).await.is(403, needed());
    let body = json!({ "name": "x" });
    server.client.patch(&format!("/v3/lists/{list}/"), body).await.is(400, json!({ "detail": "System lists cannot be modified." }));
    server.stop().await;
});

db_test!(another_person_approves_and_all_of_it_happens, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    server.add(&list, "gone@example.com").await;
    server.add(&list, "kept@example.com").await;
    set(&server, &list, json!({ "policy": "always" })).await;
    let proposal = propose(&server, &list, json!([
        { "op": "add", "value": " New@Example.com ", "comment": "Fraud", "expires_at": "2031-01-01T00:00:00Z", "else": 1 },
        { "op": "remove", "value": "gone@example.com" },
        { "op": "update", "value": "kept@example.com", "display_label": "Kept" },
    ])).await;
    let path = format!("/x/lists/{list}/proposals/{proposal}/");
    let open = server.client.get(&path).await.ok(200);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&json!({ "changes": open["changes"], "proposed_by": open["proposed_by"], "stale": open["stale"] })), @r#"
        {
          "changes": [
            {
              "op": "add",
              "value": " New@Example.com ",
              "comment": "Fraud",
              "expires_at": "2031-01-01T00:00:00Z"
            },
            {
              "op": "remove",
              "value": "gone@example.com"
            },
            {
              "op": "update",
              "value": "kept@example.com",
              "display_label": "Kept"
            }
          ],
          "proposed_by": {
            "type": "API_KEY",
            "uuid": "[uuid]",
            "name": "api"
          },
          "stale": []
        }
        "#);
    }
    assert_eq!(open["preview"]["sessions"]["considered"], 0);
    let key = json!({ "detail": "A proposal is approved by a person, not by a key." });
    server.client.post(&format!("{path}approve/"), json!({})).await.is(403, key.clone());
    server.client_with("full").await.post(&format!("{path}approve/"), json!({})).await.is(403, key);

    let history = format!("/x/lists/{list}/history/");
    let revision = server.client.get(&history).await.ok(200)["results"][0]["revision"].as_u64().unwrap();
    let lea = person(&server, 1, Role::ComplianceOfficer).await;
    let done = json_of(&approve(&server, &lea, &list, &proposal).await.unwrap());
    assert_eq!((&done["status"], &done["decided_by"]["name"]), (&json!("approved"), &json!("person1@acme.example")));
    let newest = server.client.get(&history).await.ok(200)["results"][0].clone();
    assert_eq!(newest["revision"], revision + 1, "one revision");
    assert_eq!(done["revision"], newest["revision"]);
    assert_eq!(json!([newest["added"], newest["removed"], newest["changed"], newest["made_by"]]),
        json!([1, 1, 1, "person1@acme.example"]));
    let entries = server.client.get(&format!("/x/lists/{list}/entries/?ordering=created_at")).await.ok(200);
    let seen: Vec<_> = entries["results"].as_array().unwrap().iter()
        .map(|entry| json!([entry["value"], entry["display_label"], entry["comment"], entry["added_by"]])).collect();
    assert_eq!(seen, [json!(["kept@example.com", "Kept", "", "api"]), json!(["new@example.com", "", "Fraud", "api"])]);
    let again = approve(&server, &person(&server, 2, Role::Owner).await, &list, &proposal).await;
    assert!(matches!(again, Err(Error::Refused(text)) if text == "This proposal was approved before."));
    server.stop().await;
});

db_test!(the_trail_names_both, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let lea = person(&server, 1, Role::Owner).await;
    let body = serde_json::to_vec(&json!({ "changes": [{ "op": "add", "value": "a@example.com" }] })).unwrap();
    let new = proposals::NewProposal::read(&gavel_core::json::Value::parse(&body).unwrap());
    let made = json_of(&proposals::create(&server.app, &lea, list.parse().unwrap(), new).await.unwrap());
    let own = approve(&server, &lea, &list, &text(&made["uuid"])).await;
    assert!(matches!(own, Err(Error::NotAllowed("A proposal is approved by somebody else."))));
    let max = person(&server, 2, Role::ComplianceOfficer).await;
    approve(&server, &max, &list, &text(&made["uuid"])).await.unwrap();
    let objects: Value = server.app.store.read::<_, Error, _>(|tx| Box::pin(async move {
        let sql = "SELECT objects FROM audit_events WHERE kind = 'proposal.approved'";
        Ok(serde_json::from_str(&tx.query_opt(sql, &[]).await?.unwrap().get::<String>(0)?).unwrap())
    })).await.unwrap();
    assert_eq!(objects["proposed_by"], Uuid::from_u128(1).to_string());
    assert_eq!(objects["approved_by"], Uuid::from_u128(2).to_string());
    let entries = server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200);
    assert_eq!(entries["results"][0]["added_by"], "person1@acme.example");
    server.stop().await;
});

db_test!(what_means_nothing_any_more_says_so_and_nothing_happens, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let entry = server.add(&list, "gone@example.com").await;
    let changes = json!([{ "op": "add", "value": "new@example.com" }, { "op": "remove", "value": "gone@example.com" }]);
    let proposal = propose(&server, &list, changes).await;
    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
    let open = server.client.get(&format!("/x/lists/{list}/proposals/{proposal}/")).await.ok(200);
    assert_eq!(open["stale"], json!([{ "index": 1, "errors": { "value": ["This value is not in the list."] } }]));
    let before = server.counts().await;
    let refused = approve(&server, &person(&server, 1, Role::Admin).await, &list, &proposal).await;
    let Err(Error::Invalid(errors)) = refused else { panic!("{refused:?}") };
    assert_eq!(serde_json::to_value(&errors).unwrap(), json!({ "changes": [{}, { "value": ["This value is not in the list."] }] }));
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(proposals_are_refused_field_by_field, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    server.add(&list, "there@example.com").await;
    let path = format!("/x/lists/{list}/proposals/");
    let send = async |body: Value| server.client.post(&path, body).await;
    send(json!({})).await.is(400, json!({ "changes": ["This field is required."] }));
    send(json!({ "changes": [] })).await.is(400, json!({ "changes": ["This list may not be empty."] }));
    send(json!({ "changes": [{ "op": "drop" }, { "op": "remove" }, { "op": "add", "value": "x@example.com" }] })).await.is(400, json!({
        "changes": [{ "op": ["\"drop\" is not a valid choice."] }, { "value": ["This field is required."] }, {}],
    }));
    send(json!({ "changes": [
        { "op": "add", "value": "no address" }, { "op": "add", "value": "there@example.com" }, { "op": "add" },
        { "op": "remove", "value": "x@example.com" }, { "op": "add", "value": "y@example.com" }, { "op": "add", "value": "Y@example.com" },
    ] })).await.is(400, json!({ "changes": [
        { "value": ["Enter a valid email address."] }, { "value": ["This value already exists in the list."] },
        { "value": ["This field is required unless reference_session_id is provided."] },
        { "value": ["This value is not in the list."] }, {}, { "value": ["This value is changed twice."] },
    ] }));
    let many: Vec<Value> = (0..1_001).map(|n| json!({ "op": "add", "value": format!("n{n}@example.com") })).collect();
    send(json!({ "changes": many })).await.is(400, json!({ "changes": ["Ensure this field has no more than 1000 elements."] }));
    send(json!({ "changes": many[..1_000] })).await.ok(201);
    server.stop().await;
});

db_test!(a_threshold_lets_small_changes_through, server => {
    let list = server.system_list("email").await;
    for email in ["twice@example.com", "twice@example.com", "once@example.com"] {
        server.session_with_evidence(json!({ "email_verifications": [{ "email": email }] })).await;
    }
    set(&server, &list, json!({ "policy": "threshold", "threshold": 1 })).await;
    let path = format!("/v3/lists/{list}/entries/");
    server.client.post(&path, json!({ "value": "twice@example.com" })).await.is(403, needed());
    server.client.post(&path, json!({ "value": "none" })).await.is(400, json!({ "value": ["Enter a valid email address."] }));
    server.add(&list, "once@example.com").await;
    let fresh = server.add(&list, "fresh@example.com").await;
    for _ in 0..2 {
        server.session_with_evidence(json!({ "email_verifications": [{ "email": "fresh@example.com" }] })).await;
    }
    server.client.delete(&format!("{path}{fresh}/")).await.is(403, needed());
    let change = format!("/x/lists/{list}/entries/{fresh}/");
    server.client.patch(&change, json!({ "comment": "touches nothing" })).await.ok(200);
    server.client.patch(&change, json!({ "expires_at": "2020-01-01T00:00:00Z" })).await.is(403, needed());
    server.client.post(&format!("/x/lists/{list}/revert/"), json!({ "to": 1 })).await.is(403, needed());
    let file = server.client.request(reqwest::Method::POST, &format!("/x/lists/{list}/entries/import/"));
    let job = send(file.body("value\nother@example.com\ntwice@example.com\n")).await.ok(200);
    assert_eq!(json!([job["status"], job["rows"], job["added"], job["message"]]),
        json!(["aborted", 0, 0, "The rows from 1 on need approval; none of them was added."]));
    // Looser: another person. Stricter: at once.
    let settings = format!("/x/lists/{list}/");
    server.client.patch(&settings, json!({ "approval": { "policy": "threshold", "threshold": 2 } })).await.is(403, needed());
    server.client.patch(&settings, json!({ "approval": { "policy": "threshold", "threshold": 0 } })).await.ok(200);
    server.client.delete(&format!("{path}{fresh}/")).await.is(403, needed());
    server.stop().await;
});

db_test!(who_lets_go_of_the_policy_is_not_alone_either, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let limited = server.client_with("lists:write,sessions:write").await;
    let settings = format!("/x/lists/{list}/");
    let forbidden = json!({ "detail": "You do not have permission to perform this action." });
    limited.patch(&settings, json!({ "approval": { "policy": "always" } })).await.is(403, forbidden.clone());
    server.client.patch(&settings, json!({ "approval": { "policy": "often" } })).await
        .is(400, json!({ "approval": { "policy": ["\"often\" is not a valid choice."] } }));
    server.client.patch(&settings, json!({ "approval": { "policy": "threshold" } })).await
        .is(400, json!({ "approval": { "threshold": ["This field is required."] } }));
    set(&server, &list, json!({ "policy": "always" })).await;
    let change = json!({ "changes": [{ "op": "settings", "approval": { "policy": "none" } }] });
    limited.post(&format!("/x/lists/{list}/proposals/"), change.clone()).await.is(403, forbidden);
    let proposal = text(&server.client.post(&format!("/x/lists/{list}/proposals/"), change).await.ok(201)["uuid"]);
    let officer = approve(&server, &person(&server, 1, Role::ComplianceOfficer).await, &list, &proposal).await;
    assert!(matches!(officer, Err(Error::Forbidden)));
    approve(&server, &person(&server, 2, Role::Admin).await, &list, &proposal).await.unwrap();
    assert_eq!(server.client.get(&settings).await.ok(200)["approval"], json!({ "policy": "none" }));
    server.add(&list, "free@example.com").await;
    let values = audited(&server, "proposal.approved").await;
    assert_eq!(values["approval"], json!({ "before": { "policy": "always" }, "after": { "policy": "none" } }));
    server.stop().await;
});

db_test!(proposals_are_rejected_by_others_and_withdrawn_by_their_own, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let other = server.client_with("lists:write").await;
    let first = propose(&server, &list, json!([{ "op": "add", "value": "a@example.com" }])).await;
    let second = propose(&server, &list, json!([{ "op": "add", "value": "a@example.com" }])).await;
    let path = |proposal: &str, verb: &str| format!("/x/lists/{list}/proposals/{proposal}/{verb}/");
    server.client.post(&path(&first, "reject"), json!({})).await.is(403, json!({ "detail": "Withdraw a proposal of your own." }));
    other.post(&path(&first, "withdraw"), json!({})).await
        .is(403, json!({ "detail": "A proposal is withdrawn by whoever proposed it." }));
    let rejected = other.post(&path(&first, "reject"), json!({ "comment": "Known customer" })).await.ok(200);
    assert_eq!((&rejected["status"], &rejected["decision_comment"]), (&json!("rejected"), &json!("Known customer")));
    other.post(&path(&first, "reject"), json!({})).await.is(400, json!({ "detail": "This proposal was rejected before." }));
    server.client.post(&path(&second, "withdraw"), json!({})).await.ok(200);
    let rows = |state: &str| format!("/x/lists/{list}/proposals/?status={state}");
    for (state, count) in [("open", 0), ("rejected", 1), ("withdrawn", 1), ("", 2)] {
        assert_eq!(server.client.get(&rows(state)).await.ok(200)["count"], count, "{state}");
    }
    server.client.get(&rows("x")).await
        .is(400, json!({ "status": ["Select a valid choice. x is not one of the available choices."] }));
    server.stop().await;
});

db_test!(of_two_who_decide_at_once_one_does, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let bob = server.member("bob@acme.example", Role::ComplianceOfficer).await;
    let other = server.client_with("lists:write").await;
    for (round, (verb, by)) in [("reject", &other), ("withdraw", &server.client)].into_iter().cycle().take(8).enumerate() {
        // Many changes, so that an approval is on its way for a while.
        let changes: Vec<_> = (0..200).map(|n| json!({ "op": "add", "value": format!("{round}-{n}@example.com") })).collect();
        let proposal = propose(&server, &list, json!(changes)).await;
        let path = |verb: &str| format!("/x/lists/{list}/proposals/{proposal}/{verb}/");
        let (approve, end) = (path("approve"), path(verb));
        let ending = async {
            tokio::time::sleep(Duration::from_millis(5 * round as u64)).await;
            by.post(&end, json!({})).await
        };
        let (approved, ended) = tokio::join!(bob.post(&approve, json!({})), ending);
        let (loser, state) = if approved.status == 200 { (&ended, "approved") } else { (&approved, ENDED[round % 2]) };
        assert_eq!([approved.status, ended.status].iter().filter(|status| **status == 200).count(), 1, "{verb}");
        loser.is(400, json!({ "detail": format!("This proposal was {state} before.") }));
        let shown = server.client.get(&format!("/x/lists/{list}/proposals/{proposal}/")).await.ok(200);
        assert_eq!(shown["status"], state);
        let found = server.client.get(&format!("/v3/lists/{list}/entries/?search={round}-0@")).await.ok(200);
        assert_eq!(found["count"], u8::from(state == "approved"));
        let kept = server.client.get(&format!("/x/audit/events/?object={proposal}")).await.ok(200);
        assert_eq!((&kept["count"], &kept["results"][0]["kind"]), (&json!(2), &json!(format!("proposal.{state}"))));
    }
    server.stop().await;
});

db_test!(users_follow_what_was_approved, server => {
    for name in ["ana", "bob"] {
        server.client.post("/v3/users/create/", json!({ "vendor_data": name })).await.ok(201);
    }
    let status = async |name: &str| text(&server.client.get(&format!("/v3/users/{name}/")).await.ok(200)["status"]);
    let list = server.system_list("user").await;
    server.add(&list, "bob").await;
    set(&server, &list, json!({ "policy": "always" })).await;
    server.client.post(&format!("/v3/lists/{list}/entries/"), json!({ "value": "ana" })).await.is(403, needed());
    assert_eq!(status("ana").await, "ACTIVE");
    let changes = json!([{ "op": "add", "value": "ANA" }, { "op": "remove", "value": "bob" }]);
    let proposal = propose(&server, &list, changes).await;
    approve(&server, &person(&server, 7, Role::ComplianceOfficer).await, &list, &proposal).await.unwrap();
    assert_eq!([status("ana").await, status("bob").await], ["BLOCKED", "ACTIVE"]);
    // A status is no change of the list: it needs nobody else, and the entry follows.
    server.client.patch("/v3/users/ana/update-status/", json!({ "status": "ACTIVE" })).await.ok(200);
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["count"], 0);
    server.stop().await;
});
