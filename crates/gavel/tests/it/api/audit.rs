//! `/x/audit/` and the older clients' audit logs (contract, conventions §13, console-routes §6).

use gavel::{
    actions::{Caller, Error, audit_trail},
    store::{StoreError, applications, audit_log::Filter},
};
use gavel_core::{
    access::{Actor, Role},
    audit::KINDS,
};
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Server, shown, text,
        trail::{export, public_key, sealed, verify},
    },
};

/// What the server writes is in the catalogue, and the catalogue is in the document.
#[test]
fn every_kind_is_documented() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let (mut folders, mut written) = (vec![std::path::PathBuf::from(root)], std::collections::BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.extension() {
                None => folders.push(entry),
                Some(_) => written.extend(kinds_in(&std::fs::read_to_string(entry).unwrap())),
            }
        }
    }
    assert!(written.len() > 30 && written.contains("delivery.resent"), "{written:?}");
    let known: Vec<String> = KINDS.iter().map(|(kind, says)| format!("| `{kind}` | {says} |")).collect();
    let missing: Vec<&String> = written.iter().filter(|kind| !KINDS.iter().any(|(known, _)| known == kind)).collect();
    assert!(missing.is_empty(), "not in gavel-core/src/audit/kinds.rs and docs/audit.md: {missing:?}");
    let document = include_str!("../../../../../docs/audit.md");
    let listed: Vec<&str> =
        document.lines().filter(|line| line.starts_with("| `") && line.contains(".") && !line.contains("GET ")).collect();
    let listed: Vec<&str> = listed.into_iter().skip_while(|line| *line != known[0]).collect();
    assert_eq!(listed, known, "docs/audit.md and gavel-core/src/audit/kinds.rs");
}

/// The kinds in a source: what is handed to `audit`, or chosen into a `kind` before it is, and whatever else looks like one.
fn kinds_in(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (begin, end) in [(".audit(", ','), ("let kind = ", ';')] {
        for (at, _) in source.match_indices(begin) {
            let rest = source[at + begin.len()..].trim_start();
            let rest = if end == ',' { rest.split_once(',').map_or("", |(_, rest)| rest) } else { rest };
            let part = rest.split(end).next().unwrap_or_default();
            let is_kind =
                |text: &&str| text.contains('.') && text.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_'));
            found.extend(part.split('"').skip(1).step_by(2).filter(is_kind).map(str::to_owned));
        }
    }
    let nouns: std::collections::HashSet<&str> = KINDS.iter().filter_map(|(kind, _)| Some(kind.split_once('.')?.0)).collect();
    let named =
        source.split('"').filter(|text| text.split_once('.').is_some_and(|(noun, verb)| nouns.contains(noun) && is_verb(verb)));
    found.extend(named.map(str::to_owned));
    found
}

fn is_verb(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

async fn events(server: &Server, query: &str) -> Vec<Value> {
    let page = server.client.get(&format!("/x/audit/events/?{query}")).await.ok(200);
    assert_eq!(page["count"].as_u64().unwrap(), page["results"].as_array().unwrap().len() as u64, "{page}");
    page["results"].as_array().unwrap().clone()
}

fn kinds(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["kind"])).collect()
}

/// A caller of the first application.
async fn caller(server: &Server, actor: Actor) -> Caller {
    let first = server
        .app
        .store
        .read::<_, StoreError, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?[0].id) }));
    Caller { actor, ..Caller::system(first.await.unwrap(), "GET", "/x/audit/export/") }
}

fn member(role: Role) -> Actor {
    Actor::Member { id: uuid::Uuid::from_u128(5), name: "Lea".into(), email: "lea@acme.example".into(), role }
}

/// Reads an export to its end.
async fn read(mut export: audit_trail::Export) -> String {
    let mut file = Vec::new();
    while let Some(part) = export.next().await.unwrap() {
        file.extend(part);
    }
    String::from_utf8(file).unwrap()
}

db_test!(events_are_shown_and_found, server => {
    let session = server.session().await;
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    // Found while they wait and when they are sealed.
    for _ in 0..2 {
        let found = events(&server, &format!("object={session}")).await;
        assert_eq!(kinds(&found), ["review.created", "session.created"]);
        sealed(&server).await;
    }
    assert!(events(&server, "kind=review.created%00").await.is_empty());
    let found = events(&server, "kind=review.created").await;
    let seq = found[0]["seq"].as_u64().unwrap();
    let mut first = found[0].clone();
    (first["seq"], first["hash"]) = (json!(0), json!(""));
    first["values"]["path"] = json!(text(&first["values"]["path"]).replace(&session, "[session]"));
    insta::assert_snapshot!(shown(&first), @r#"
    {
      "uuid": "[uuid]",
      "seq": 0,
      "hash": "",
      "kind": "review.created",
      "actor_type": "API_KEY",
      "actor_id": "[uuid]",
      "method": "POST",
      "route": "/v3/sessions/{session_id}/reviews/",
      "status_code": 201,
      "objects": {
        "activity": "[uuid]",
        "session": "[uuid]"
      },
      "created_at": "[time]",
      "values": {
        "path": "/v3/sessions/[session]/reviews/",
        "ip": "127.0.0.1",
        "email": null
      },
      "values_state": "shown"
    }
    "#);
    assert!(seq > 1 && text(&found[0]["hash"]).len() == 64);
    let actor = text(&found[0]["actor_id"]);
    assert!(events(&server, &format!("actor={actor}&kind=session.created")).await.len() == 1);
    let at = text(&found[0]["created_at"]);
    assert_eq!(events(&server, &format!("until={at}&object={session}")).await.len(), 1);
    assert_eq!(kinds(&events(&server, &format!("since={at}")).await), ["review.created"]);
    let elsewhere = at.replace('Z', "+00:00");
    assert_eq!(kinds(&events(&server, &format!("since={elsewhere}")).await), ["review.created"], "a + that was not escaped");
    assert_eq!(events(&server, "object=0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10").await.len(), 0);
    for (query, errors) in [
        ("actor=x", json!({ "actor": ["Enter a valid UUID."] })),
        ("object=x", json!({ "object": ["Enter a valid UUID."] })),
        ("since=yesterday", json!({ "since": ["Enter a valid date/time."] })),
        ("until=2026-02-30T00:00:00Z", json!({ "until": ["Enter a valid date/time."] })),
    ] {
        server.client.get(&format!("/x/audit/events/?{query}")).await.is(400, errors);
    }
    let page = server.client.get("/x/audit/events/?limit=2&kind=list.created").await.ok(200);
    assert!(page["next"].is_null() && page["count"] == 0, "system lists come with their application: {page}");
    let page = server.client.get("/x/audit/events/?limit=1").await.ok(200);
    assert!(text(&page["next"]).ends_with("/x/audit/events/?limit=1&offset=1"), "{page}");
    assert_eq!(server.foreign_client().await.get(&format!("/x/audit/events/?object={session}")).await.ok(200)["count"], 0);
    server.stop().await;
});

db_test!(an_export_verifies_with_and_without_values, server => {
    let session = server.session().await;
    sealed(&server).await;
    let key = public_key(&server.client).await;
    let with = export(&server.client, true).await;
    let report = verify(&with, key, Vec::new()).unwrap();
    assert!(report.values && report.without_values == 0 && report.end.count >= 3, "{report:?}");
    let with = String::from_utf8(with).unwrap();
    assert!(with.contains("\\\"path\\\":\\\"/v3/session/") && with.contains("127.0.0.1") && with.contains(&session));
    sealed(&server).await;
    let without = export(&server.client, false).await;
    let report = verify(&without, key, Vec::new()).unwrap();
    assert_eq!(report.without_values, report.end.count);
    let without = String::from_utf8(without).unwrap();
    assert!(!without.contains("127.0.0.1") && !without.contains("personal") && !without.contains("salt"));
    assert!(without.contains("audit.exported"), "the first export");
    let answer = server.client.get("/x/audit/export/").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    // An erasure takes the values and the salts; the chain holds.
    let erased = server.app.store.write::<_, StoreError, _>(|tx| Box::pin(async move { tx.batch("DELETE FROM audit_values").await }));
    erased.await.unwrap();
    let bare = export(&server.client, true).await;
    let report = verify(&bare, key, Vec::new()).unwrap();
    assert!(report.values && report.without_values == report.end.count);
    let row = &events(&server, "kind=session.created").await[0];
    assert_eq!((&row["values"], &row["values_state"]), (&Value::Null, &json!("erased")));
    server.stop().await;
});

db_test!(every_application_has_a_chain_of_its_own, server => {
    let foreign = server.foreign_client().await;
    server.session().await;
    sealed(&server).await;
    let key = public_key(&server.client).await;
    let (ours, theirs) = (export(&server.client, true).await, export(&foreign, true).await);
    let (ours, theirs) = (verify(&ours, key, Vec::new()).unwrap(), verify(&theirs, key, Vec::new()).unwrap());
    assert_ne!(ours.end.application, theirs.end.application);
    assert_ne!(ours.end.count, theirs.end.count);
    assert_eq!(foreign.get("/x/audit/checkpoints/").await.ok(200)["results"].as_array().unwrap().iter().filter(|row| {
        text(&row["application"]) != theirs.end.application.to_string()
    }).count(), 0);
    server.stop().await;
});

db_test!(who_may_not_see_personal_data_does_not, server => {
    server.session().await;
    sealed(&server).await;
    let reader = caller(&server, member(Role::Reader)).await;
    let (rows, _) = audit_trail::list(&server.app, &reader, Filter::default(), (50, 0)).await.unwrap();
    let rows = serde_json::to_value(rows).unwrap();
    assert!(rows.as_array().unwrap().iter().all(|row| row["values"].is_null() && row["values_state"] == "masked"), "{rows}");
    assert!(matches!(audit_trail::export(&server.app, &reader, true).await, Err(Error::Forbidden)));
    let bare = read(audit_trail::export(&server.app, &reader, false).await.unwrap()).await;
    assert!(!bare.contains("127.0.0.1"));
    let logs = audit_trail::log(&server.app, &reader, Filter::default(), None).await.unwrap();
    let logs = serde_json::to_value(logs.rows).unwrap();
    assert!(logs.as_array().unwrap().iter().all(|row| row["path"].is_null() && row["ip"].is_null()), "{logs}");
    let searched = audit_trail::log(&server.app, &reader, Filter::default(), Some("127.0.0.1".into())).await.unwrap();
    assert_eq!(searched.rows.len(), 0, "what is masked is not searched");
    let officer = caller(&server, member(Role::ComplianceOfficer)).await;
    let full = read(audit_trail::export(&server.app, &officer, true).await.unwrap()).await;
    assert!(full.contains("127.0.0.1"));
    let row = &events(&server, "kind=audit.exported").await;
    assert_eq!(row.len(), 2);
    assert_eq!((&row[0]["actor_type"], &row[0]["values"]["email"]), (&json!("CONSOLE_USER"), &json!("lea@acme.example")));
    server.stop().await;
});

db_test!(checkpoints_and_keys_are_shown, server => {
    sealed(&server).await;
    let key = server.client.get("/x/audit/public-key/").await.ok(200);
    assert_eq!(key["algorithm"], "Ed25519");
    assert_eq!((text(&key["public_key"]).len(), text(&key["key_id"]).len(), &key["earlier"]), (64, 32, &json!([])));
    gavel::actions::seal::sign_all(&server.app).await.unwrap();
    let page = server.client.get("/x/audit/checkpoints/?limit=1").await.ok(200);
    let newest = &page["results"][0];
    assert_eq!((&newest["type"], &newest["key_id"]), (&json!("checkpoint"), &key["key_id"]));
    let read = gavel_core::audit::SignedCheckpoint::read(&gavel_core::json::Value::from(newest)).unwrap();
    assert!(read.holds(&public_key(&server.client).await));
    server.stop().await;
});

db_test!(older_clients_read_their_audit_logs, server => {
    let application = caller(&server, Actor::System).await.application;
    let path = format!("/v3/organization/0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10/application/{application}/audit-logs/");
    let list = server.list("Mine", "blocklist", "email").await;
    for n in 0..120 {
        server.add(&list, &format!("p{n}@example.com")).await;
    }
    for nobody in ["method=POST%00", "search=entries%00"] {
        assert_eq!(server.client.get(&format!("{path}?{nobody}")).await.ok(200)["results"], json!([]), "{nobody}");
    }
    let page = server.client.get(&path).await.ok(200);
    let mut row = page["results"][0].clone();
    assert_eq!(row["application_id"], json!(application));
    row["path"] = json!(text(&row["path"]).replace(&list, "[list]"));
    insta::assert_snapshot!(shown(&row), @r#"
    {
      "uuid": "[uuid]",
      "timestamp": "[time]",
      "actor": "API Client",
      "method": "POST",
      "path": "/v3/lists/[list]/entries/",
      "status_code": 201,
      "ip": "127.0.0.1",
      "application_id": "[uuid]"
    }
    "#);
    // Forwards to the end, and back again.
    let (mut seen, mut page, mut pages) = (Vec::new(), page, 1);
    seen.extend(page["results"].as_array().unwrap().clone());
    while let Some(next) = page["next"].as_str() {
        assert!(next.contains("/audit-logs/?cursor="), "{next}");
        page = server.client.get(&next[server.url().len()..]).await.ok(200);
        seen.extend(page["results"].as_array().unwrap().clone());
        pages += 1;
    }
    let total = server.client.get("/x/audit/events/").await.ok(200)["count"].as_u64().unwrap();
    assert_eq!((seen.len() as u64, pages), (total, total.div_ceil(50)));
    let mut back = page["results"].as_array().unwrap().clone();
    while let Some(previous) = page["previous"].as_str() {
        page = server.client.get(&previous[server.url().len()..]).await.ok(200);
        back.splice(0..0, page["results"].as_array().unwrap().clone());
    }
    assert_eq!(back, seen);
    let count = async |query: &str| {
        server.client.get(&format!("{path}?{query}")).await.ok(200)["results"].as_array().unwrap().len()
    };
    assert_eq!(count("search=/v3/lists/&method=POST&status_code=201").await, 50);
    assert_eq!(count("search=nobody").await, 0);
    assert_eq!(count("method=DELETE").await, 0);
    assert_eq!(count(&format!("search=/v3/lists/{list}/")).await, 50);
    assert!(count("search=API+Client").await > 0 && count("search=System").await > 0);
    assert!(count("date_from=2020-01-01").await > 0 && count("date_to=2020-01-01").await == 0);
    for (query, errors) in [
        ("cursor=x", json!({ "cursor": ["Invalid cursor."] })),
        ("date_from=x", json!({ "date_from": ["Enter a valid date."] })),
        ("status_code=x", json!({ "status_code": ["A valid integer is required."] })),
    ] {
        server.client.get(&format!("{path}?{query}")).await.is(400, errors);
    }
    let none = server.client_with("lists:write").await;
    none.get(&path).await.is(403, json!({ "detail": "You do not have permission to perform this action." }));
    server.stop().await;
});
