//! Everything held about a person goes (`/x/subjects/erase/`): looked for afterwards in the raw bytes of the database, its
//! log, the media folder, and on PostgreSQL in a dump.

use std::{path::Path, process::Command};

use gavel::actions::Error;
use serde_json::json;

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, eventually, files::import_file, inside::upload, shown, text, trail},
};

/// Texts that name the person, anywhere.
const PERSONAL: [&str; 29] = [
    "Lucia Fernandez",
    "lucia.fernandez@mail.example",
    "XDB987654",
    "xdb987654",
    "+34600123987",
    "600 123 987",
    "203.0.113.99",
    "f1ngerpr1nt-lucia",
    "cust-lucia-77",
    "Calle Mayor 7",
    "12345678Z-personal",
    "comment about Lucia",
    "plan-of-lucia",
    "lucia.example/back",
    "Lucias label",
    "imported-lucia-note",
    "tag-of-lucia",
    "file-of-lucia",
    "noted about Lucia",
    "XDC000111",
    "reviewer-of-lucia",
    "watcher-of-lucia",
    "about to approve Lucia",
    "key-of-lucia",
    "named-lucia",
    "reason-about-lucia",
    "users-tag-of-lucia",
    "said of Lucia as a user",
    "lucia-elsewhere",
];

/// Makes a person and everything that can be held about one. Answers their sessions and how often they are listed.
async fn make_lucia(server: &Server, receiver: &Receiver) -> (Vec<String>, String) {
    let client = &server.client;
    server.destination(receiver).await;
    let dead = json!({ "label": "dead", "url": "http://127.0.0.1:9/", "subscribed_events": ["status.updated"] });
    client.post("/v3/webhook/destinations/", dead).await.ok(201);
    let image = upload(client).await;
    let more = json!({
        "vendor_data": "cust-lucia-77", "metadata": { "plan": "plan-of-lucia" }, "callback": "https://lucia.example/back",
        "contact_details": { "email": "lucia.fernandez@mail.example" },
        "expected_details": { "first_name": "Lucia Fernandez", "address": "Calle Mayor 7", "country": "ESP" },
    });
    let first = server.session_with(more.clone()).await;
    let evidence = json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "XDB987654", "issuing_state": "ESP",
            "personal_number": "12345678Z-personal", "first_name": "Lucia", "last_name": "Fernandez",
            "full_name": "Lucia Fernandez", "address": "Calle Mayor 7", "front_image": format!("media:{image}") }],
        "phone_verifications": [{ "full_number": "+34600123987" }],
        "email_verifications": [{ "email": "lucia.fernandez@mail.example" }],
        "ip_analyses": [{ "ip_address": "203.0.113.99", "device_fingerprint": "f1ngerpr1nt-lucia" }],
    });
    client.post_once("key-lucia", &format!("/x/sessions/{first}/evidence/"), evidence.clone()).await.ok(200);
    let review = json!({ "new_status": "Declined", "comment": "A comment about Lucia" });
    client.post(&format!("/v3/sessions/{first}/reviews/"), review).await.ok(201);
    client.post(&format!("/x/sessions/{first}/tags/"), json!({ "tag": "tag-of-lucia" })).await.ok(201);
    client.post(&format!("/x/sessions/{first}/comments/"), json!({ "comment": "noted about Lucia" })).await.ok(201);
    let attached = json!({ "media": upload(client).await, "name": "file-of-lucia" });
    client.post(&format!("/x/sessions/{first}/files/"), attached).await.ok(201);
    client.patch(&format!("/v3/session/{first}/update-data/"), json!({ "document_number": "XDC000111" })).await.ok(200);
    let second = server.session_with(more).await;
    let waiting = make_waiting(server).await;
    let named = json!({ "display_name": "named-lucia", "metadata": { "plan": "plan-of-lucia" } });
    client.patch("/v3/users/cust-lucia-77/", named).await.ok(200);
    let user = text(&client.get("/v3/users/cust-lucia-77/").await.ok(200)["didit_internal_id"]);
    client.post(&format!("/x/users/{user}/tags/"), json!({ "tag": "users-tag-of-lucia" })).await.ok(201);
    client.post(&format!("/x/users/{user}/comments/"), json!({ "comment": "said of Lucia as a user" })).await.ok(201);
    let blocked = json!({ "status": "BLOCKED", "reason": "reason-about-lucia" });
    client.patch("/v3/users/cust-lucia-77/update-status/", blocked).await.ok(200);
    client.delete(&format!("/v3/session/{second}/delete/")).await.ok(204);
    let documents = server.system_list("document").await;
    let entry = json!({ "reference_session_id": first, "display_label": "Lucias label" });
    client.post(&format!("/v3/lists/{documents}/entries/"), entry).await.ok(201);
    let emails = server.system_list("email").await;
    let gone = server.add(&emails, "lucia.fernandez@mail.example").await;
    client.delete(&format!("/v3/lists/{emails}/entries/{gone}/")).await.ok(204);
    let phones = server.system_list("phone").await;
    let proposal = json!({ "changes": [{ "op": "add", "value": "+34 600 123 987", "comment": "a comment about Lucia" }] });
    client.post(&format!("/x/lists/{phones}/proposals/"), proposal).await.ok(201);
    let file = "value,metadata,comment\n+34 (600) 123 987,no json,imported-lucia-note\n+34 600 123 988,{},\n";
    let import = client.request(reqwest::Method::POST, &format!("/x/lists/{phones}/entries/import/")).body(file);
    let import = send(import).await.ok(200);
    assert_eq!((&import["refused"], &import["added"]), (&json!(1), &json!(1)));
    let workflow = server.workflow().await;
    let file = "external_id,vendor_data,status,email\nlucia-elsewhere-1,cust-lucia-77,Nonsense,lucia.fernandez@mail.example\n\
        lucia-elsewhere-2,cust-lucia-77,Declined,lucia.fernandez@mail.example\nother,,Nonsense,x@mail.example\n";
    let job = import_file(client, &[("workflow_id", &workflow)], "a.csv", file).await;
    assert_eq!((&job["created_count"], &job["failed_count"]), (&json!(1), &json!(2)));
    (vec![first, second, waiting], image)
}

/// A session of the person that waits for a reviewer: decided by a rule with a list, claimed, looked at, and with a
/// decision that can be undone.
async fn make_waiting(server: &Server) -> String {
    let list = server.list("partners", "custom", "key").await;
    let rule = json!({ "field": "session.metadata.key", "operator": "not_in", "value_type": "list", "value": list, "status": "In Review" });
    let body = json!({ "features": [{ "feature": "EMAIL_VERIFICATION", "config": { "status_rules": [rule] } }] });
    let workflow = text(&server.client.post("/v3/workflows/", body).await.ok(201)["workflow_id"]);
    let body = json!({ "workflow_id": workflow, "vendor_data": "cust-lucia-77", "metadata": { "key": "key-of-lucia" } });
    let session = text(&server.client.post("/v3/session/", body).await.ok(201)["session_id"]);
    let evidence = json!({ "email_verifications": [{ "email": "lucia.fernandez@mail.example" }] });
    assert_eq!(server.evidence(&session, evidence).await["status"], "In Review");
    let path = |what: &str| format!("/x/sessions/{session}/{what}/");
    server.client.post(&path("claim"), json!({ "reviewer": "reviewer-of-lucia" })).await.ok(200);
    server.client.post(&path("presence"), json!({ "reviewer": "watcher-of-lucia" })).await.ok(200);
    let pending = json!({ "new_status": "Approved", "comment": "about to approve Lucia", "undo_seconds": 60 });
    server.client.post(&path("pending-review"), pending).await.ok(201);
    let kept = server.client.get(&path("screening")).await.ok(200);
    assert!(kept.to_string().contains("key-of-lucia"));
    session
}

/// Where in the raw files of a data folder a text stands.
pub fn places(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(places(&path, text));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

pub fn dump(url: &str) -> String {
    let output = Command::new("pg_dump").args(["--inserts", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where a text still stands: in the raw files, and on PostgreSQL in a dump.
pub fn everywhere(server: &Server, text: &str) -> Vec<String> {
    look_for(server, &dumped(server), text)
}

fn dumped(server: &Server) -> String {
    match &server.app.config.target {
        gavel::store::db::Target::Postgres(_) => dump(&server.database_url().unwrap()),
        gavel::store::db::Target::Sqlite(_) => String::new(),
    }
}

fn look_for(server: &Server, dumped: &str, text: &str) -> Vec<String> {
    let mut found = places(&server.app.config.data, text);
    found.extend(dumped.lines().filter(|line| line.contains(text)).map(|line| line.chars().take(60).collect()));
    found
}

/// Every personal text that is still somewhere.
fn left(server: &Server) -> Vec<(&'static str, Vec<String>)> {
    let dumped = dumped(server);
    let look = |text: &'static str| (text, look_for(server, &dumped, text));
    PERSONAL.into_iter().map(look).filter(|(_, found)| !found.is_empty()).collect()
}

async fn delivered(server: &Server, receiver: &Receiver) {
    eventually("all deliveries", || async { (receiver.received().len() >= 3).then_some(()) }).await;
    delivered_all(server).await;
}

async fn delivered_all(server: &Server) {
    eventually("dead letters", || async {
        let read = server.app.store.read::<_, Error, _>(|tx| {
            Box::pin(async move {
                let sql = "SELECT count(*) FROM outbox";
                Ok(tx.query_opt(sql, &[]).await?.unwrap().get::<i64>(0)?)
            })
        });
        (read.await.unwrap() == 0).then_some(())
    })
    .await;
}

db_test!(nothing_of_a_person_is_left_anywhere, server => {
    let receiver = Receiver::start().await;
    let (sessions, image) = make_lucia(&server, &receiver).await;
    delivered(&server, &receiver).await;
    assert!(!left(&server).is_empty());
    let body = json!({ "vendor_data": "cust-lucia-77", "list_entries": true });
    let receipt = server.client.post_once("erase-lucia", "/x/subjects/erase/", body).await.ok(201);
    assert_eq!((&receipt["status"], &receipt["sessions"]), (&json!("completed"), &json!(4)), "{receipt}");
    assert_eq!(left(&server), Vec::<(&str, Vec<String>)>::new());
    let file = server.app.media.path(image.parse().unwrap());
    assert!(!file.exists());

    // What is left of the trail still verifies, and says nothing of the person.
    trail::sealed(&server).await;
    let exported = trail::export(&server.client, true).await;
    let report = trail::verify(&exported, trail::public_key(&server.client).await, Vec::new());
    assert!(report.unwrap_or_else(|bad| panic!("{bad}")).without_values > 0);
    let exported = String::from_utf8(exported).unwrap();
    assert_eq!(PERSONAL.iter().find(|text| exported.contains(**text)), None);

    for session in &sessions {
        server.client.get(&format!("/v3/session/{session}/decision/")).await.is(404, json!({ "detail": "Not found." }));
    }
    let gone = json!({ "detail": "What this session was decided with has been erased." });
    for session in &sessions {
        server.client.get(&format!("/x/sessions/{session}/screening/")).await.is(410, gone.clone());
        server.client.post(&format!("/x/sessions/{session}/screening/replay/"), json!({})).await.is(410, gone.clone());
        server.client.get(&format!("/x/sessions/{session}/queue/")).await.is(404, json!({ "detail": "Not found." }));
    }
    assert_eq!(server.client.post("/x/queue/next/", json!({})).await.ok(200)["session"], json!(null));
    let skeleton = ["activities", "erasure_sessions", "records"];
    assert_eq!(server.rows_of(&sessions).await, skeleton);
    let again = json!({ "vendor_data": "cust-lucia-77" });
    server.client.post("/x/subjects/erase/", again).await.is(404, json!({ "detail": "Not found." }));
    // The keys still stand for what was done.
    let path = format!("/x/sessions/{}/evidence/", sessions[0]);
    let erased = server.client.post_once("key-lucia", &path, json!({})).await;
    assert_eq!(erased.status, 422, "another body");
    let mut shown_receipt = server.client.get(&format!("/x/subjects/erasures/{}/", text(&receipt["uuid"]))).await.ok(200);
    let removed = shown_receipt["removed"].as_object_mut().unwrap();
    assert!(removed["deliveries"].as_u64().unwrap() >= 4);
    removed.remove("deliveries");
    removed.remove("audit_values");
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&shown_receipt), @r#"
        {
          "uuid": "[uuid]",
          "of": "subject",
          "status": "completed",
          "list_entries": true,
          "sessions": 4,
          "removed": {
            "activity_values": 5,
            "subjects": 1,
            "comments": 5,
            "dead_letters": 6,
            "tags": 2,
            "entries": 2,
            "entry_versions": 3,
            "events": 9,
            "files": 2,
            "history": 10,
            "import_rows": 2,
            "pending_reviews": 1,
            "proposals": 1,
            "records": 6,
            "screenings": 2,
            "sessions": 4,
            "signals": 7,
            "stored_answers": 1
          },
          "requested_by": {
            "type": "API_KEY",
            "uuid": "[uuid]"
          },
          "created_at": "[time]",
          "finished_at": "[time]"
        }
        "#);
    }
    assert_eq!(server.client.get("/x/subjects/erasures/").await.ok(200)["count"], 1);
    server.stop().await;
});

db_test!(what_others_show_of_them_goes_too, server => {
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let document = |name: &str| json!({ "id_verifications": [{ "document_type": "Passport", "document_number": "XDB987654",
        "full_name": name }] });
    let session = server.session_with(json!({ "vendor_data": "cust-lucia-77" })).await;
    server.evidence(&session, document("Lucia Fernandez")).await;
    let other = server.session_with_evidence(document("Somebody Else")).await;
    assert_eq!(other["id_verifications"][0]["matches"][0]["user_details"]["name"], "Lucia Fernandez");
    delivered(&server, &receiver).await;
    let receipt = server.client.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77" })).await.ok(201);
    assert_eq!(receipt["removed"]["shown_elsewhere"], 3, "the record, the event, the delivery");
    let gone = ["Lucia Fernandez", "cust-lucia-77"];
    assert_eq!(left(&server).into_iter().filter(|(text, _)| gone.contains(text)).count(), 0);
    let decision = server.decision(&text(&other["session_id"])).await;
    assert_eq!(decision["id_verifications"][0]["matches"], json!([]));
    assert_eq!(decision["id_verifications"][0]["full_name"], "Somebody Else");
    server.stop().await;
});

db_test!(a_profile_keeps_what_another_session_or_a_call_has_said, server => {
    let whose = json!({ "vendor_data": "cust-lucia-77" });
    let first = server.session_with(whose.clone()).await;
    server.evidence(&first, json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "XDB987654", "issuing_state": "ESP",
            "full_name": "Lucia Fernandez", "date_of_birth": "1990-01-02" }],
        "email_verifications": [{ "email": "lucia.fernandez@mail.example" }],
        "phone_verifications": [{ "full_number": "+34600123987" }],
    })).await;
    let second = server.session_with(whose.clone()).await;
    server.evidence(&second, json!({ "email_verifications": [{ "email": "Lucia.Fernandez@mail.example" }] })).await;
    let known = async || {
        let user = server.client.get("/v3/users/cust-lucia-77/").await.ok(200);
        json!([user["full_name"], user["date_of_birth"], user["issuing_states"], user["approved_emails"], user["approved_phones"], user["session_count"]])
    };
    let (email, phone) = ("lucia.fernandez@mail.example", "+34600123987");
    assert_eq!(known().await, json!(["Lucia Fernandez", "1990-01-02", ["ESP"], [email], [phone], 2]));
    server.client.patch("/v3/users/cust-lucia-77/", json!({ "issuing_states": ["ESP", "PRT"] })).await.ok(200);
    // Corrected since: what was taken over goes all the same.
    server.client.patch(&format!("/v3/session/{first}/update-data/"), json!({ "first_name": "Lu", "last_name": "F" })).await.ok(200);
    let receipt = server.client.post("/x/subjects/erase/", json!({ "session_id": first })).await.ok(201);
    assert_eq!(receipt["removed"]["profile_values"], 4, "{receipt}");
    assert_eq!(known().await, json!([null, null, ["PRT"], [email], [], 1]));
    let search = server.client.get("/v3/users/?search=fernandez").await.ok(200);
    assert_eq!(search["count"], 1, "by the address that is left");
    let gone = ["Lucia Fernandez", "XDB987654", phone];
    assert_eq!(left(&server).into_iter().filter(|(text, _)| gone.contains(text)).collect::<Vec<_>>(), Vec::new());
    // What a call has set is no session's, though one shows it as well.
    server.client.patch("/v3/users/cust-lucia-77/", json!({ "approved_phones": [phone] })).await.ok(200);
    let third = server.session_with(whose).await;
    server.evidence(&third, json!({ "phone_verifications": [{ "full_number": phone }] })).await;
    for session in [&second, &third] {
        server.client.post("/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    }
    assert_eq!(known().await, json!([null, null, ["PRT"], [], [phone], 0]));
    assert_eq!(left(&server).into_iter().find(|(text, _)| *text == email), None);
    assert_eq!(server.client.get("/v3/users/cust-lucia-77/").await.ok(200)["last_session_at"], json!(null));
    server.stop().await;
});

db_test!(what_rules_saw_of_them_goes_too, server => {
    let rule = json!({ "field": "email.matches.vendor_data", "operator": "regex", "value": "^cust-lucia", "status": "In Review" });
    let body = json!({ "features": [
        { "feature": "OCR", "config": { "status_rules": [rule] } }, { "feature": "EMAIL_VERIFICATION" },
    ] });
    let workflow = text(&server.client.post("/v3/workflows/", body).await.ok(201)["workflow_id"]);
    let email = json!({ "email_verifications": [{ "email": "lucia.fernandez@mail.example" }], "id_verifications": [{}] });
    let session = server.session_with(json!({ "vendor_data": "cust-lucia-77" })).await;
    server.evidence(&session, email.clone()).await;
    let other = server.session_of(&workflow).await;
    assert_eq!(server.evidence(&other, email).await["status"], "In Review");
    let screening = format!("/x/sessions/{other}/screening/");
    assert!(server.client.get(&screening).await.ok(200).to_string().contains("cust-lucia-77"));
    server.client.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77" })).await.ok(201);
    assert_eq!(left(&server).into_iter().find(|(text, _)| *text == "cust-lucia-77"), None);
    assert_eq!(server.client.get(&screening).await.ok(200)["screenings"][0]["items_deleted"], 1);
    let replayed = server.client.post(&format!("{screening}replay/"), json!({})).await.ok(200);
    assert_eq!((&replayed["identical"], &replayed["not_comparable"]), (&json!(true), &json!(1)));
    server.stop().await;
});

db_test!(a_corrected_document_shows_others_who_can_be_erased, server => {
    let document = |number: &str, name: &str| json!({ "id_verifications": [{ "document_type": "Passport", "document_number": number,
        "full_name": name }] });
    let session = server.session_with(json!({ "vendor_data": "cust-lucia-77" })).await;
    server.evidence(&session, document("XDB987654", "Lucia Fernandez")).await;
    let other = text(&server.session_with_evidence(document("ZZ1", "Somebody Else")).await["session_id"]);
    let corrected = json!({ "document_number": "XDB987654" });
    server.client.patch(&format!("/v3/session/{other}/update-data/"), corrected).await.ok(200);
    assert_eq!(server.decision(&other).await["id_verifications"][0]["matches"][0]["user_details"]["name"], "Lucia Fernandez");
    server.client.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77" })).await.ok(201);
    assert_eq!(server.decision(&other).await["id_verifications"][0]["matches"], json!([]));
    assert_eq!(left(&server).into_iter().filter(|(text, _)| *text == "Lucia Fernandez").count(), 0);
    server.stop().await;
});

db_test!(a_stored_answer_that_spoke_of_them_is_gone, server => {
    let session = server.session_with(json!({ "vendor_data": "cust-lucia-77" })).await;
    let path = format!("/x/sessions/{session}/evidence/");
    let evidence = json!({ "email_verifications": [{ "email": "lucia.fernandez@mail.example" }] });
    server.client.post_once("key-lucia", &path, evidence.clone()).await.ok(200);
    server.client.post_once("key-other", "/v3/lists/", json!({ "name": "L", "list_type": "custom", "entry_type": "key" })).await.ok(201);
    server.client.post_once("key-erase", "/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    server.client.post_once("key-lucia", &path, evidence).await.is(410, json!({ "detail": "The data of this subject was erased." }));
    server.client.post_once("key-other", "/v3/lists/", json!({ "name": "L", "list_type": "custom", "entry_type": "key" })).await.ok(201);
    let again = server.client.post_once("key-erase", "/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    assert_eq!(again["status"], "running", "as it was when the request was taken");
    server.stop().await;
});

db_test!(stored_answers_about_them_are_gone_whatever_they_said, server => {
    for of in ["session", "subject"] {
        let session = server.session_with(json!({ "vendor_data": "cust-lucia-77" })).await;
        let user = text(&server.client.get("/v3/users/cust-lucia-77/").await.ok(200)["didit_internal_id"]);
        let other = server.session().await;
        let paths = [
            (format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Declined", "comment": "the bald one" })),
            (format!("/x/sessions/{session}/comments/"), json!({ "comment": "her neighbour called" })),
            (format!("/x/sessions/{session}/tags/"), json!({ "tag": "odd" })),
            (format!("/x/users/{user}/comments/"), json!({ "comment": "calls at night" })),
        ];
        let asked = if of == "session" { 3 } else { 4 };
        let others = (format!("/x/sessions/{other}/comments/"), json!({ "comment": "the bald one" }));
        for (number, (path, body)) in paths.iter().chain([&others]).enumerate() {
            server.client.post_once(&format!("{of}-{number}"), path, body.clone()).await.ok(201);
        }
        let whom = if of == "session" { json!({ "session_id": session }) } else { json!({ "vendor_data": "cust-lucia-77" }) };
        let receipt = server.client.post("/x/subjects/erase/", whom).await.ok(201);
        // What was said of the user when only a session was erased goes with the user.
        let before = if of == "session" { 0 } else { 1 };
        assert_eq!(receipt["removed"]["stored_answers"], asked + before);
        for (number, (path, body)) in paths.iter().enumerate().take(asked) {
            let gone = server.client.post_once(&format!("{of}-{number}"), path, body.clone()).await;
            gone.is(410, json!({ "detail": "The data of this subject was erased." }));
        }
        if before == 1 {
            let gone = server.client.post_once("session-3", &paths[3].0, paths[3].1.clone()).await;
            gone.is(410, json!({ "detail": "The data of this subject was erased." }));
        }
        server.client.post_once(&format!("{of}-4"), &others.0, others.1.clone()).await.ok(201);
    }
    server.stop().await;
});

db_test!(a_person_whose_record_was_deleted_is_found, server => {
    let client = &server.client;
    let receiver = Receiver::start().await;
    let body = json!({ "label": "all", "url": receiver.url(), "subscribed_events": ["user.data.updated", "business.data.updated"] });
    let destination = text(&client.post("/v3/webhook/destinations/", body).await.ok(201)["uuid"]);
    let pause = format!("/x/webhook/destinations/{destination}");
    client.post(&format!("{pause}/pause/"), json!({})).await.ok(200);
    let name = "gone@mail.example";
    for plural in ["users", "businesses"] {
        client.post(&format!("/v3/{plural}/create/"), json!({ "vendor_data": name })).await.ok(201);
        let path = format!("/v3/{plural}/gone%40mail.example/");
        client.patch(&path, json!({ "display_name": "named-lucia", "metadata": { "plan": "plan-of-lucia" } })).await.ok(200);
        client.post(&format!("/v3/{plural}/delete/"), json!({ "vendor_data_list": [name] })).await.ok(200);
    }
    // What had happened still arrives.
    client.post(&format!("{pause}/resume/"), json!({})).await.ok(200);
    let told: Vec<_> = receiver.wait_for(2).await.iter().map(|sent| sent.json()["vendor_data"].clone()).collect();
    assert_eq!(told, [name, name]);
    delivered_all(&server).await;
    assert!(!everywhere(&server, name).is_empty());
    let receipt = client.post("/x/subjects/erase/", json!({ "vendor_data": name })).await.ok(201);
    assert_eq!(receipt["removed"]["deliveries"], 2, "{receipt}");
    for text in [name, "gone%40mail.example", "named-lucia", "plan-of-lucia"] {
        assert_eq!(everywhere(&server, text), Vec::<String>::new(), "{text}");
    }
    client.post("/x/subjects/erase/", json!({ "vendor_data": name })).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(requests_are_refused_field_by_field, server => {
    let session = server.session().await;
    let before = server.counts().await;
    let path = "/x/subjects/erase/";
    let either = json!({ "non_field_errors": ["Send either vendor_data or session_id."] });
    server.client.post(path, json!({})).await.is(400, either.clone());
    server.client.post(path, json!({ "session_id": session, "vendor_data": "x" })).await.is(400, either);
    server.client.post(path, json!({ "session_id": "x", "vendor_data": " ", "list_entries": 3 })).await.is(400, json!({
        "vendor_data": ["This field may not be blank."], "session_id": ["Must be a valid UUID."],
        "list_entries": ["Must be a valid boolean."],
    }));
    server.client.post(path, json!({ "vendor_data": "nobody" })).await.is(404, json!({ "detail": "Not found." }));
    let foreign = server.foreign_client().await;
    foreign.post(path, json!({ "session_id": session })).await.is(404, json!({ "detail": "Not found." }));
    let mut after = server.counts().await;
    for (table, count) in &before {
        if ["audit_events", "audit_values", "list_revisions", "lists", "counters", "numbers"].contains(&table.as_str()) {
            after.insert(table.clone(), *count); // The other application's.
        }
    }
    assert_eq!(after, before);
    server.stop().await;
});

db_test!(the_trail_keeps_what_was_done_and_forgets_about_whom, server => {
    let session = server.session_with(json!({ "vendor_data": "cust-lucia-77" })).await;
    let other = server.session().await;
    for id in [&session, &other] {
        let evidence = json!({ "email_verifications": [{ "email": "lucia.fernandez@mail.example", "status": "In Review" }] });
        server.evidence(id, evidence).await;
        let review = json!({ "new_status": "Declined", "comment": "x" });
        server.client.post(&format!("/v3/sessions/{id}/reviews/"), review).await.ok(201);
    }
    let before = server.counts().await;
    server.client.post("/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    let after = server.counts().await;
    assert_eq!(after["audit_events"], before["audit_events"] + 3, "asked for, the session, the end");
    assert_eq!(after["audit_values"], before["audit_values"]  + 3 - 3, "creation, evidence, review");
    assert_eq!((after["activities"], after["activity_values"]), (before["activities"], before["activity_values"] - 1));
    let decision = server.decision(&other).await;
    assert_eq!(decision["email_verifications"][0]["matches"], json!([]));
    assert_eq!(decision["reviews"][0]["comment"], "x");
    server.stop().await;
});
