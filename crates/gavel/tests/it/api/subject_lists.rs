//! Users and businesses that follow the lists, and lists that follow them.

use serde_json::{Value, json};

use super::users::path;
use crate::{
    db_test,
    harness::{Client, Receiver, Server, client::send, shown, text},
};

async fn status(server: &Server, name: &str) -> String {
    text(&server.client.get(&path(name)).await.ok(200)["status"])
}

async fn statuses<const N: usize>(server: &Server, names: [&str; N]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        found.push(status(server, name).await);
    }
    found
}

async fn set(server: &Server, name: &str, to: &str) -> Value {
    server.client.patch(&format!("{}update-status/", path(name)), json!({ "status": to, "reason": "because" })).await.ok(200)
}

async fn entries(server: &Server, list: &str) -> Value {
    server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["results"].clone()
}

async fn may_start(client: &Client, workflow: &str, name: &str) -> bool {
    let answer = client.post("/v3/session/", json!({ "workflow_id": workflow, "vendor_data": name })).await;
    if answer.status == 400 {
        let text = "This user or business has been blocked and cannot create new verification sessions.";
        assert_eq!(answer.body, json!({ "vendor_data": text }));
    }
    answer.status == 201
}

db_test!(blocking_writes_an_entry_and_unblocking_takes_all_away, server => {
    let receiver = Receiver::start().await;
    for name in ["Ana", "ana", "bob"] {
        server.user(json!({ "vendor_data": name })).await;
    }
    server.listen(&receiver, json!(["user.status.updated"])).await;
    let (system, own) = (server.system_list("user").await, server.list("Mine", "blocklist", "user").await);
    let workflow = server.workflow().await;
    let blocked = set(&server, "Ana", "BLOCKED").await;
    assert_eq!(set(&server, "Ana", "BLOCKED").await, blocked, "the same status again changes nothing");
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&blocked["comments"]), @r#"
        [
          {
            "uuid": "[uuid]",
            "comment_type": "STATUS_CHANGED",
            "comment": "because",
            "actor_email": null,
            "actor_name": "API Client",
            "previous_status": "ACTIVE",
            "new_status": "BLOCKED",
            "previous_value": null,
            "new_value": null,
            "changed_fields": [
              "status"
            ],
            "metadata": {
              "reason": "api"
            },
            "mentioned_emails": [],
            "created_at": "[time]"
          }
        ]
    "#); }
    let written = entries(&server, &system).await;
    assert_eq!(written[0]["reference_object_uuid"], blocked["didit_internal_id"]);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&written), @r#"
        [
          {
            "uuid": "[uuid]",
            "value": "ana",
            "display_label": "",
            "comment": "",
            "added_by": "api",
            "reference_session_id": null,
            "reference_session_number": null,
            "reference_object_uuid": "[uuid]",
            "metadata": {
              "reference_type": "vendor_user",
              "reference_id": "[uuid]"
            },
            "created_at": "[time]"
          }
        ]
    "#); }
    assert_eq!(statuses(&server, ["Ana", "ana", "bob"]).await, ["BLOCKED", "BLOCKED", "ACTIVE"]);
    assert!(!may_start(&server.client, &workflow, "Ana").await && !may_start(&server.client, &workflow, "ANA").await);
    assert!(may_start(&server.client, &workflow, "bob").await);
    server.add(&own, " ANA ").await;
    set(&server, "ana", "FLAGGED").await;
    assert_eq!(statuses(&server, ["Ana", "ana"]).await, ["ACTIVE", "FLAGGED"]);
    assert_eq!((entries(&server, &system).await, entries(&server, &own).await), (json!([]), json!([])));
    assert!(may_start(&server.client, &workflow, "Ana").await);
    let received = receiver.wait_for(4).await;
    let mut told: Vec<[Value; 5]> = received.iter().map(|received| {
        let body = received.json();
        ["vendor_data", "previous_status", "status", "reason", "actor"].map(|name| body[name].clone())
    }).collect();
    told.sort_by_key(|told| (told[0].to_string(), told[1].to_string()));
    assert_eq!(json!(told), json!([
        ["Ana", "ACTIVE", "BLOCKED", "api", "API Client"],
        ["Ana", "BLOCKED", "ACTIVE", "api", "API Client"],
        ["ana", "ACTIVE", "BLOCKED", "blocklist_match", "API Client"],
        ["ana", "BLOCKED", "FLAGGED", "api", "API Client"],
    ]));
    let history = server.client.get(&format!("/x/lists/{system}/history/")).await.ok(200);
    let kinds: Vec<&Value> = history["results"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds[..2], ["entry.removed", "entry.added"]);
    server.stop().await;
});

db_test!(entries_block_and_let_go, server => {
    for name in ["Ana", "ana", "bob"] {
        server.user(json!({ "vendor_data": name })).await;
    }
    set(&server, "Ana", "FLAGGED").await;
    let (system, own) = (server.system_list("user").await, server.list("Mine", "blocklist", "user").await);
    let others = [server.list("Ours", "custom", "user").await, server.list("Good", "allowlist", "user").await];
    for other in &others {
        server.add(other, "bob").await;
    }
    let first = server.add(&system, "ANA").await;
    assert_eq!(statuses(&server, ["Ana", "ana", "bob"]).await, ["BLOCKED", "BLOCKED", "ACTIVE"]);
    let second = server.add(&own, "ana").await;
    server.client.delete(&format!("/v3/lists/{system}/entries/{first}/")).await.ok(204);
    assert_eq!(statuses(&server, ["Ana", "ana"]).await, ["BLOCKED", "BLOCKED"], "another covers them");
    server.client.delete(&format!("/v3/lists/{own}/entries/{second}/")).await.ok(204);
    assert_eq!(statuses(&server, ["Ana", "ana"]).await, ["ACTIVE", "ACTIVE"]);
    let comments = server.client.get(&path("Ana")).await.ok(200)["comments"].clone();
    let told: Vec<[&Value; 3]> = comments.as_array().unwrap().iter().map(|row| [&row["previous_status"], &row["new_status"], &row["metadata"]["reason"]]).collect();
    assert_eq!(json!(told), json!([
        ["BLOCKED", "ACTIVE", "manual"], ["FLAGGED", "BLOCKED", "blocklist_match"], ["ACTIVE", "FLAGGED", "api"]
    ]));
    // A list that goes lets go of everybody on it.
    server.add(&own, "ana").await;
    server.add(&own, "bob").await;
    assert_eq!(statuses(&server, ["Ana", "ana", "bob"]).await, ["BLOCKED", "BLOCKED", "BLOCKED"]);
    server.add(&system, "bob").await;
    server.client.delete(&format!("/v3/lists/{own}/")).await.ok(204);
    assert_eq!(statuses(&server, ["Ana", "ana", "bob"]).await, ["ACTIVE", "ACTIVE", "BLOCKED"]);
    server.stop().await;
});

db_test!(who_is_made_under_an_entry_is_blocked, server => {
    let list = server.list("Mine", "blocklist", "user").await;
    let entry = server.add(&list, "ana").await;
    for (name, asked) in [("Ana", "ACTIVE"), ("ana", "FLAGGED"), ("ANA", "BLOCKED")] {
        let made = server.user(json!({ "vendor_data": name, "status": asked })).await;
        assert_eq!(made["status"], "BLOCKED");
        assert_eq!(made["comments"][0]["metadata"], json!({ "reason": "blocklist_match" }));
    }
    assert_eq!(entries(&server, &server.system_list("user").await).await, json!([]));
    server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
    assert_eq!(statuses(&server, ["Ana", "ana", "ANA"]).await, ["ACTIVE", "ACTIVE", "ACTIVE"]);
    // A person's name on the list of companies blocks no person.
    server.add(&server.system_list("business").await, "ana").await;
    assert_eq!(status(&server, "ana").await, "ACTIVE");
    server.stop().await;
});

db_test!(refused_sessions_make_nobody, server => {
    let list = server.system_list("user").await;
    server.add(&list, "ana").await;
    let before = server.counts().await;
    assert!(!may_start(&server.client, &server.workflow().await, "Ana").await);
    assert_eq!(server.counts().await, before);
    server.client.get(&path("Ana")).await.ok(404);
    server.stop().await;
});

db_test!(an_entry_that_expires_lets_go, server => {
    server.user(json!({ "vendor_data": "ana" })).await;
    let list = server.system_list("user").await;
    let until = server.app.clock.now().plus_seconds(3_600);
    let body = json!({ "value": "ana", "expires_at": until });
    let entry = text(&server.client.post(&format!("/v3/lists/{list}/entries/"), body).await.ok(201)["uuid"]);
    assert_eq!(status(&server, "ana").await, "BLOCKED");
    let x = format!("/x/lists/{list}/entries/{entry}/");
    server.client.patch(&x, json!({ "expires_at": "2020-01-01T00:00:00Z" })).await.ok(200);
    assert_eq!(status(&server, "ana").await, "ACTIVE");
    server.client.patch(&x, json!({ "expires_at": until })).await.ok(200);
    assert_eq!(status(&server, "ana").await, "BLOCKED");
    server.client.patch(&x, json!({ "held": true })).await.ok(200);
    assert_eq!(status(&server, "ana").await, "ACTIVE", "a held entry blocks nobody");
    set(&server, "ana", "BLOCKED").await;
    assert_eq!(server.client.get(&x).await.ok(200)["held_at"], Value::Null, "somebody has decided");
    server.app.clock.advance(3_601);
    assert!(may_start(&server.client, &server.workflow().await, "ana").await, "at its instant, without a write");
    gavel::workers::lists::release_now(&server.app).await.unwrap();
    let after = server.client.get(&path("ana")).await.ok(200);
    assert_eq!((&after["status"], &after["comments"][0]["metadata"]["reason"]), (&json!("ACTIVE"), &json!("manual")));
    assert_eq!(after["comments"][0]["actor_name"], "System");
    assert_eq!(set(&server, "ana", "BLOCKED").await["status"], "BLOCKED");
    assert_eq!(entries(&server, &list).await.as_array().unwrap().len(), 1);
    server.stop().await;
});

// Until a worker has written that an entry expired, the stored status is that of before.
db_test!(who_is_blocked_again_right_after_an_expiry_is_blocked, server => {
    server.client.patch("/x/settings/", json!({ "auto_blocklist_on_decline": true })).await.ok(200);
    let (list, workflow) = (server.system_list("user").await, server.workflow().await);
    let names = ["by status", "by patch", "in bulk", "by a session"];
    let session = server.session_with(json!({ "vendor_data": names[3] })).await;
    for name in names {
        server.client.post("/v3/users/create/", json!({ "vendor_data": name })).await;
        let body = json!({ "value": name, "expires_at": server.app.clock.now().plus_seconds(3_600) });
        server.client.post(&format!("/v3/lists/{list}/entries/"), body).await.ok(201);
    }
    server.app.clock.advance(3_601);
    assert_eq!(set(&server, names[0], "BLOCKED").await["status"], "BLOCKED");
    server.client.patch(&path(names[1]), json!({ "status": "BLOCKED" })).await.ok(200);
    let bulk = json!({ "vendor_data_list": [names[2]], "status": "BLOCKED" });
    server.client.post("/x/users/bulk-status/", bulk).await.is(200, json!({ "updated": 1 }));
    let declined = json!({ "email_verifications": [{ "email": "a@example.com", "status": "Declined" }] });
    assert_eq!(server.evidence(&session, declined).await["status"], "Declined");
    gavel::workers::lists::release_now(&server.app).await.unwrap();
    for name in names {
        assert_eq!(status(&server, name).await, "BLOCKED", "{name}");
        assert!(!may_start(&server.client, &workflow, name).await, "{name}");
    }
    let comments = server.client.get(&path(names[0])).await.ok(200)["comments"].clone();
    let told: Vec<[&Value; 3]> = comments.as_array().unwrap().iter().take(2).map(|row| [&row["new_status"], &row["comment"], &row["actor_name"]]).collect();
    assert_eq!(json!(told), json!([["BLOCKED", "because", "API Client"], ["ACTIVE", null, "System"]]));
    server.stop().await;
});

db_test!(imports_and_reverts_are_followed, server => {
    let names: Vec<String> = (0..40).map(|n| format!("user {n}")).collect();
    for name in &names {
        server.user(json!({ "vendor_data": name })).await;
    }
    let list = server.list("Mine", "blocklist", "user").await;
    let before = server.client.get(&format!("/x/lists/{list}/history/")).await.ok(200)["results"][0]["revision"].clone();
    let file = format!("value\n{}\n", names.join("\n").to_uppercase());
    let import = server.client.request(reqwest::Method::POST, &format!("/x/lists/{list}/entries/import/")).body(file);
    assert_eq!(send(import).await.ok(200)["added"], 40);
    assert_eq!(server.client.get("/v3/users/?status=BLOCKED").await.ok(200)["count"], 40);
    let revert = async |to: &Value| server.client.post(&format!("/x/lists/{list}/revert/"), json!({ "to": to })).await;
    let reverted = revert(&before).await.ok(200);
    assert_eq!(server.client.get("/v3/users/?status=ACTIVE").await.ok(200)["count"], 40);
    revert(&json!(reverted["revision"].as_u64().unwrap() - 1)).await.ok(200);
    assert_eq!(server.client.get("/v3/users/?status=BLOCKED").await.ok(200)["count"], 40);
    server.stop().await;
});

db_test!(many_are_set_at_once, server => {
    for name in ["Ana", "ana", "bob", "eve"] {
        server.user(json!({ "vendor_data": name })).await;
    }
    let application = server.application().await;
    let base = format!("/v3/organization/11111111-2222-4333-8444-555555555555/application/{application}/vendor-users");
    let bulk = async |names: Value, status: &str| {
        server.client.post(&format!("{base}/bulk-status/"), json!({ "vendor_data_list": names, "status": status })).await
    };
    bulk(json!(["Ana", "ana", "bob", "nobody"]), "BLOCKED").await.is(200, json!({ "updated": 3 }));
    assert_eq!(statuses(&server, ["Ana", "ana", "bob", "eve"]).await, ["BLOCKED", "BLOCKED", "BLOCKED", "ACTIVE"]);
    let list = server.system_list("user").await;
    assert_eq!(entries(&server, &list).await.as_array().unwrap().len(), 2);
    let history = server.client.get(&format!("/x/lists/{list}/history/")).await.ok(200);
    assert_eq!((&history["results"][0]["added"], &history["results"][0]["kind"]), (&json!(2), &json!("entry.added")));
    bulk(json!(["ana", "eve"]), "FLAGGED").await.is(200, json!({ "updated": 2 }));
    assert_eq!(statuses(&server, ["Ana", "ana", "bob", "eve"]).await, ["ACTIVE", "FLAGGED", "BLOCKED", "FLAGGED"]);
    let mut all: Vec<String> = (0..100).map(|n| format!("user {n}")).collect();
    all.push("bob".into());
    bulk(json!(all), "ACTIVE").await.is(200, json!({ "updated": 1 }));
    assert_eq!(status(&server, "bob").await, "ACTIVE");
    for (names, status, expected) in [
        (json!([]), "ACTIVE", json!({ "vendor_data_list": ["This list may not be empty."] })),
        (json!(["x"]), "x", json!({ "status": ["Invalid status. Valid options are: ACTIVE, FLAGGED, BLOCKED"] })),
        (json!(vec!["x"; 1_001]), "ACTIVE", json!({ "vendor_data_list": ["Ensure this field has no more than 1000 elements."] })),
        (json!([[]]), "ACTIVE", json!({ "vendor_data_list": { "0": ["Not a valid string."] } })),
    ] {
        bulk(names, status).await.is(400, expected);
    }
    server.stop().await;
});

// So that nobody's session waits for all of them.
db_test!(many_are_set_a_few_at_a_time, server => {
    let mut names: Vec<String> = (0..40).map(|n| format!("user {n}")).collect();
    for name in &names {
        server.user(json!({ "vendor_data": name })).await;
    }
    names.extend(["user 0".to_owned(), " user 39 ".to_owned(), "nobody".to_owned()]);
    let body = json!({ "vendor_data_list": names, "status": "BLOCKED" });
    let bulk = async || server.client.post_once("k", "/x/users/bulk-status/", body.clone()).await;
    bulk().await.is(200, json!({ "updated": 40 }));
    let list = server.system_list("user").await;
    let added = async || {
        let history = server.client.get(&format!("/x/lists/{list}/history/")).await.ok(200);
        history["results"].as_array().unwrap().iter().map(|row| row["added"].as_u64().unwrap()).filter(|added| *added > 0).collect::<Vec<_>>()
    };
    let revisions = added().await;
    assert_eq!((revisions.iter().sum::<u64>(), revisions.iter().all(|added| *added <= 16)), (40, true), "{revisions:?}");
    let before = server.counts().await;
    bulk().await.is(200, json!({ "updated": 40 }));
    // As after a crash in the middle: what was done already is done.
    server.client.post("/x/users/bulk-status/", body.clone()).await.is(200, json!({ "updated": 40 }));
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(a_user_leads_to_its_entries, server => {
    let id = text(&server.user(json!({ "vendor_data": "Ana" })).await["didit_internal_id"]);
    set(&server, "Ana", "BLOCKED").await;
    let phones = server.system_list("phone").await;
    let body = json!({ "value": "+14155552671", "reference_object_uuid": id, "metadata": { "reference_type": "vendor_user" } });
    server.client.post(&format!("/v3/lists/{phones}/entries/"), body).await.ok(201);
    let trace = server.client.get(&format!("/x/users/{id}/")).await.ok(200);
    assert_eq!(trace["vendor_data"], "Ana");
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&trace["entries"]), @r#"
        [
          {
            "list_uuid": "[uuid]",
            "list_name": "Phone Blocklist",
            "list_type": "blocklist",
            "matches": false,
            "uuid": "[uuid]",
            "value": "+14155552671",
            "display_label": "",
            "comment": "",
            "added_by": "api",
            "reference_session_id": null,
            "reference_session_number": null,
            "reference_object_uuid": "[uuid]",
            "metadata": {
              "reference_type": "vendor_user"
            },
            "created_at": "[time]",
            "expires_at": null,
            "is_expired": false,
            "held_at": null,
            "revision": 3,
            "hit_count": 0,
            "last_hit_at": null
          },
          {
            "list_uuid": "[uuid]",
            "list_name": "User Blocklist",
            "list_type": "blocklist",
            "matches": true,
            "uuid": "[uuid]",
            "value": "ana",
            "display_label": "",
            "comment": "",
            "added_by": "api",
            "reference_session_id": null,
            "reference_session_number": null,
            "reference_object_uuid": "[uuid]",
            "metadata": {
              "reference_type": "vendor_user",
              "reference_id": "[uuid]"
            },
            "created_at": "[time]",
            "expires_at": null,
            "is_expired": false,
            "held_at": null,
            "revision": 2,
            "hit_count": 0,
            "last_hit_at": null
          }
        ]
    "#); }
    let scopes = server.client_with("users:read").await;
    scopes.get(&format!("/x/users/{id}/")).await.ok(403);
    server.client_with("users:read,lists:read").await.get(&format!("/x/users/{id}/")).await.ok(200);
    server.client.get(&format!("/x/businesses/{id}/")).await.ok(404);
    server.stop().await;
});

// Whoever starts a session for somebody new while an entry about them is added: either there is no session, or it was
// there first; in both cases the user, if there is one, is blocked in the end.
db_test!(a_session_and_an_entry_at_the_same_time_agree, server => {
    let (list, workflow) = (server.system_list("user").await, server.workflow().await);
    let path_of_entries = format!("/v3/lists/{list}/entries/");
    let (mut started, mut refused) = (0, 0);
    for n in 0..40 {
        let name = format!("racer{n}");
        let entry = server.client.post(&path_of_entries, json!({ "value": name }));
        let (client, flow) = (&server.client, &workflow);
        let (entry, first, second) = if n % 2 == 0 {
            tokio::join!(entry, may_start(client, flow, &name), may_start(client, flow, &name))
        } else {
            let (first, entry, second) = tokio::join!(may_start(client, flow, &name), entry, may_start(client, flow, &name));
            (entry, first, second)
        };
        entry.ok(201);
        assert!(!may_start(&server.client, &workflow, &name).await);
        match first || second {
            true => {
                started += 1;
                assert_eq!(status(&server, &name).await, "BLOCKED", "{name}");
            }
            false => {
                refused += 1;
                server.client.get(&path(&name)).await.ok(404);
            }
        }
    }
    assert_eq!(started + refused, 40);
    server.stop().await;
});

// Statuses set, entries added and removed, users made, all about one key at the same time: in the end status and entries
// say the same.
db_test!(whatever_happens_at_once_status_and_entries_agree, server => {
    let (system, own) = (server.system_list("user").await, server.list("Mine", "blocklist", "user").await);
    for name in ["key", "Key"] {
        server.user(json!({ "vendor_data": name })).await;
    }
    let changes = (0..48).map(|n| {
        let (client, list) = (server.client.clone(), if n % 2 == 0 { system.clone() } else { own.clone() });
        async move {
            let answer = match n % 4 {
                0 => client.post(&format!("/v3/lists/{list}/entries/"), json!({ "value": "KEY" })).await,
                1 => client.patch("/v3/users/key/update-status/", json!({ "status": if n % 8 == 1 { "BLOCKED" } else { "ACTIVE" } })).await,
                2 => {
                    let found = client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200);
                    match found["results"].get(0) {
                        Some(entry) => client.delete(&format!("/v3/lists/{list}/entries/{}/", text(&entry["uuid"]))).await,
                        None => client.patch("/v3/users/Key/", json!({ "status": "BLOCKED", "display_name": format!("{n}") })).await,
                    }
                }
                _ => client.post("/x/users/bulk-status/", json!({ "vendor_data_list": ["Key", "key"], "status": "FLAGGED" })).await,
            };
            assert!(!answer.status.is_server_error(), "{}", answer.body);
        }
    });
    futures_util::future::join_all(changes).await;
    let covered = entries(&server, &system).await != json!([]) || entries(&server, &own).await != json!([]);
    for name in ["key", "Key"] {
        assert_eq!(status(&server, name).await == "BLOCKED", covered, "{name}");
    }
    let index = server.client.post("/x/screen/", json!({ "values": [{ "entry_type": "user", "value": "key" }] })).await.ok(200);
    assert_eq!(index["verdict"] == "block", covered);
    server.stop().await;
});

db_test!(events_of_one_user_come_in_order, server => {
    let receiver = Receiver::start().await;
    server.user(json!({ "vendor_data": "ana" })).await;
    server.listen(&receiver, json!(["user.status.updated", "user.data.updated"])).await;
    for n in 0..5 {
        server.client.patch(&path("ana"), json!({ "display_name": format!("{n}"), "status": if n % 2 == 0 { "BLOCKED" } else { "ACTIVE" } })).await.ok(200);
    }
    let received: Vec<Value> = receiver.wait_for(10).await.iter().map(|r| r.json()).collect();
    let told: Vec<(&Value, &Value)> = received.iter().map(|body| (&body["webhook_type"], &body["status"])).collect();
    for (n, pair) in told.chunks(2).enumerate() {
        let (before, after) = if n % 2 == 0 { ("ACTIVE", "BLOCKED") } else { ("BLOCKED", "ACTIVE") };
        assert_eq!(json!(pair), json!([["user.data.updated", before], ["user.status.updated", after]]), "{n}");
    }
    server.stop().await;
});

db_test!(a_session_declined_by_itself_blocks_its_user_where_that_is_wished, server => {
    server.client.patch("/x/settings/", json!({ "auto_blocklist_on_decline": true })).await.ok(200);
    let workflow = server.workflow().await;
    for (n, name) in ["Ana", "ana"].into_iter().enumerate() {
        server.session_with(json!({ "vendor_data": name, "metadata": n })).await;
    }
    let session = server.session_with(json!({ "vendor_data": "Ana" })).await;
    let declined = json!({ "email_verifications": [{ "email": "a@example.com", "status": "Declined" }] });
    assert_eq!(server.evidence(&session, declined).await["status"], "Declined");
    assert_eq!(statuses(&server, ["Ana", "ana"]).await, ["BLOCKED", "BLOCKED"]);
    assert!(!may_start(&server.client, &workflow, "Ana").await);
    let found = server.client.get(&path("Ana")).await.ok(200);
    let [reason, actor] = [&found["comments"][0]["metadata"]["reason"], &found["comments"][0]["actor_name"]];
    assert_eq!((reason, actor), (&json!("session_declined"), &json!("System")));
    let entry = entries(&server, &server.system_list("user").await).await[0].clone();
    assert_eq!((&entry["added_by"], &entry["reference_object_uuid"]), (&json!("system"), &found["didit_internal_id"]));
    let other = server.client.get(&path("ana")).await.ok(200);
    assert_eq!(other["comments"][0]["metadata"]["reason"], "blocklist_match");
    server.stop().await;
});
