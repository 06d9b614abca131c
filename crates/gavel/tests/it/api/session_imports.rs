//! Files of other systems: sessions, status rules and transactions (contract, sessions §16).

use gavel::config::Switch;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    db_test,
    harness::{
        Client, Engine, Server,
        client::send,
        eventually,
        files::{import_ended, import_file, send_form},
        shown, text,
    },
    on_both_engines,
};

const PEOPLE: &str = "external_id,vendor_data,status,created_at,first_name,last_name,date_of_birth,document_type,document_number,personal_number,\
issuing_state,nationality,gender,expiration_date,address,email,phone_number,ip_address,device_fingerprint,portrait_image_url,metadata\n";

/// A workflow of this kind, and the fields that name it.
async fn workflow(server: &Server, features: &[&str]) -> String {
    let features: Vec<Value> = features.iter().map(|feature| json!({ "feature": feature })).collect();
    text(&server.client.post("/v3/workflows/", json!({ "features": features })).await.ok(201)["workflow_id"])
}

async fn import_people(server: &Server, workflow: &str, rows: impl AsRef<str>) -> Value {
    import_file(&server.client, &[("workflow_id", workflow)], "people.csv", format!("{PEOPLE}{}", rows.as_ref())).await
}

/// Rows in all, and of these created, updated, skipped and failed.
fn counts(job: &Value) -> [u64; 5] {
    ["processed_rows", "created_count", "updated_count", "skipped_count", "failed_count"].map(|name| job[name].as_u64().unwrap())
}

fn features(decision: &Value) -> Vec<String> {
    decision["features"].as_array().unwrap().iter().map(|feature| text(&feature["feature"])).collect()
}

async fn errors(client: &Client, job: &Value) -> Value {
    client.get(&format!("/v3/session/imports/{}/errors/", text(&job["uuid"]))).await.ok(200)
}

/// A job that another process holds; how many of its rows were refused, and how often a fault has stopped it.
async fn held_job(server: &Server, import_type: &'static str, (failed, tries): (u64, u64)) -> uuid::Uuid {
    let (id, now) = (uuid::Uuid::now_v7(), server.app.clock.now());
    server.sql(
        "INSERT INTO session_imports (id, application_id, import_type, format, filename, state, total, processed, created, updated, skipped,
             failed, media_bytes, tries, leased_until, created_at, updated_at)
         VALUES ($1, $2, $3, 'csv', 'a.csv', 'PROCESSING', 0, 0, 0, 0, 0, $4, 0, $5, $6, $7, $7)",
        vec![id.into(), server.application().await.0.into(), import_type.into(), failed.into(), tries.into(), now.plus_seconds(3_600).into(), now.into()],
    ).await;
    id
}

/// As if the leases of all jobs had ended.
async fn end_leases(server: &Server) {
    server.sql("UPDATE session_imports SET leased_until = 0 WHERE completed_at IS NULL", vec![]).await;
}

async fn sessions(server: &Server, query: &str) -> Vec<Value> {
    server.client.get(&format!("/v3/sessions/?limit=200&{query}")).await.ok(200)["results"].as_array().unwrap().clone()
}

db_test!(a_file_becomes_sessions, server => {
    let id = workflow(&server, &["PHONE_VERIFICATION", "LIVENESS"]).await;
    let (receiver, _) = {
        let receiver = crate::harness::Receiver::start().await;
        let destination = server.destination(&receiver).await;
        (receiver, destination)
    };
    let sent = send_form(&server.client, &[("workflow_id", &id)], "C:\\out\\people.csv", format!("{PEOPLE}\
        a1,ana,Approved,2024-02-03T04:05:06Z,Ana,Pérez,1990-05-01,P,XDB123,,ESP,ESP,F,2030-01-01,Calle Mayor 7,Ana@Mail.example,+1 (415) 555-2671,203.0.113.9,f1ngerpr1nt-ana,,\"{{\"\"plan\"\": 15}}\"\n\
        a2,,In Review,,,,,,,,,,,,,bo@mail.example,,,,,\n")).await.ok(201);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&sent), @r#"
        {
          "uuid": "[uuid]",
          "status": "PENDING",
          "import_type": "user_verification",
          "source_format": "csv",
          "source_filename": "people.csv",
          "total_rows": 0,
          "processed_rows": 0,
          "checkpoint_row": 0,
          "created_count": 0,
          "updated_count": 0,
          "skipped_count": 0,
          "failed_count": 0,
          "total_media_bytes": 0,
          "last_error": null,
          "created_at": "[time]",
          "updated_at": "[time]",
          "started_at": null,
          "completed_at": null
        }
        "#);
    }
    let job = import_ended(&server.client, &text(&sent["uuid"])).await;
    assert_eq!((&job["status"], &job["total_rows"], &job["checkpoint_row"], counts(&job)), (&json!("COMPLETED"), &json!(2), &json!(2), [2, 2, 0, 0, 0]));
    assert_eq!(errors(&server.client, &job).await["count"], 0);

    let rows = sessions(&server, "session_type=MIGRATED").await;
    assert_eq!(rows.len(), 2);
    let ana = rows.iter().find(|row| row["vendor_data"] == "ana").unwrap();
    assert_eq!((&ana["status"], &ana["created_at"], &ana["full_name"]), (&json!("Approved"), &json!("2024-02-03T04:05:06.000000Z"), &json!("Ana Pérez")));
    let decision = server.client.get(&format!("/v3/session/{}/decision/?include=events", text(&ana["session_id"]))).await.ok(200);
    assert_eq!(features(&decision), ["PHONE", "ID_VERIFICATION", "EMAIL", "IP_ANALYSIS"]);
    assert_eq!((&decision["metadata"], &decision["workflow_id"], &decision["expires_at"]), (&json!({ "plan": 15 }), &json!(id), &json!(null)));
    let document = &decision["id_verifications"][0];
    let facts = ["status", "document_type", "issuing_state_name", "gender", "address", "node_id"].map(|name| document[name].clone());
    assert_eq!(facts, [json!("Approved"), json!("Passport"), json!("Spain"), json!("F"), json!("Calle Mayor 7"), json!("feature_ocr_1")]);
    assert_eq!(decision["phone_verifications"][0]["full_number"], "+14155552671");
    assert_eq!((&decision["email_verifications"][0]["email"], &decision["email_verifications"][0]["warnings"]), (&json!("ana@mail.example"), &json!([])));
    assert_eq!(decision["ip_analyses"][0]["ip_address"], "203.0.113.9");
    let events: Vec<&Value> = decision["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(events, ["SESSION_CREATED"]);
    assert_eq!(server.feed(&text(&ana["session_id"])).await, Vec::<Value>::new(), "an import is no row of a feed");

    let user = server.client.get("/v3/users/ana/").await.ok(200);
    let facts = (&user["status"], &user["full_name"], &user["approved_emails"], &user["approved_phones"], &user["session_count"]);
    assert_eq!(facts, (&json!("ACTIVE"), &json!("Ana Pérez"), &json!(["ana@mail.example"]), &json!(["+14155552671"]), &json!(1)));
    assert_eq!((&user["first_session_at"], &user["last_session_at"]), (&ana["created_at"], &ana["created_at"]));
    let queue = server.client.get("/x/queue/").await.ok(200);
    assert_eq!(queue["count"], 1, "what is in review is waiting for a person");
    let again = server.session_with_evidence(json!({ "phone_verifications": [{ "full_number": "+14155552671" }] })).await;
    assert_eq!(again["phone_verifications"][0]["matches"][0]["session_id"], ana["session_id"], "later sessions find it");
    server.evidence(&server.session().await, json!({})).await;
    let told: Vec<Value> = receiver.wait_for(1).await.iter().map(|received| received.json()["session_id"].clone()).collect();
    assert!(rows.iter().all(|row| !told.contains(&row["session_id"])), "nobody is told of an import");
    server.stop().await;
});

db_test!(a_known_row_changes_what_is_there_or_nothing, server => {
    let id = workflow(&server, &["OCR"]).await;
    let first = import_people(&server, &id, "a1,ana,In Review,2024-01-01T00:00:00Z,Ana,,,,,,,,,,,a@mail.example,,,,,\na2,bo,Declined,,,,,,,,,,,,,,,,,,\n").await;
    assert_eq!(counts(&first), [2, 2, 0, 0, 0]);
    let before = sessions(&server, "").await;
    let same = "vendor_data,external_id,status,email,first_name,created_at\nana,a1,In Review,a@mail.example,Ana,2024-01-01T00:00:00Z\n";
    let again = import_file(&server.client, &[("workflow_id", &id)], "again.csv", same).await;
    assert_eq!(counts(&again), [1, 0, 0, 1, 0], "in whatever order its columns stand");
    assert_eq!(sessions(&server, "").await, before);

    let line = json!({ "external_id": "a1", "vendor_data": "ana maria", "status": "Approved", "phone_number": "+14155552671", "email": null });
    let changed = import_file(&server.client, &[("workflow_id", &id)], "changed.ndjson", format!("{line}\n{line}\n")).await;
    assert_eq!(counts(&changed), [2, 0, 1, 1, 0], "and the second time in one file it is known as well");
    let rows = sessions(&server, "").await;
    assert_eq!(rows.len(), 2);
    let ana = rows.iter().find(|row| row["vendor_data"] == "ana maria").unwrap();
    let stood = before.iter().find(|row| row["vendor_data"] == "ana").unwrap();
    assert_eq!((&ana["session_id"], &ana["session_number"], &ana["created_at"]), (&stood["session_id"], &stood["session_number"], &stood["created_at"]));
    let decision = server.client.get(&format!("/v3/session/{}/decision/?include=events", text(&ana["session_id"]))).await.ok(200);
    assert_eq!((&decision["status"], features(&decision)), (&json!("Approved"), vec!["PHONE".to_owned()]));
    assert_eq!(decision["email_verifications"], json!(null));
    let events: Vec<&Value> = decision["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(events, ["SESSION_CREATED", "DATA_UPDATED", "STATUS_CHANGED"]);
    let counted = |user: Value| user["session_count"].clone();
    assert_eq!(counted(server.client.get("/v3/users/ana/").await.ok(200)), 0);
    assert_eq!(counted(server.client.get("/v3/users/ana%20maria/").await.ok(200)), 1);
    assert_eq!(server.client.get("/x/queue/").await.ok(200)["count"], 0);

    server.client.delete(&format!("/v3/session/{}/delete/", text(&ana["session_id"]))).await.ok(204);
    let back = import_people(&server, &id, "a1,ana,Approved,,,,,,,,,,,,,,,,,,\n").await;
    assert_eq!(counts(&back), [1, 1, 0, 0, 0], "one that was deleted may come again");
    server.stop().await;
});

db_test!(rows_that_cannot_be_taken_are_kept_with_their_reason, server => {
    let id = workflow(&server, &["OCR"]).await;
    let rows = "\
        ,ana,Approved,,,,,,,,,,,,,,,,,,\n\
        b2,,In Progress,yesterday,,,1990-02-30,,,,Spain,,X,,,nobody,12345,999.1.1.1,,ftp://x/y,\"[1\"\n\
        b3,ok,Declined,,,,,,,,,,,,,,,,,,\n\
        b4,,Approved,,,,,,,,,,,,,,,,,,,more\n\
        b5,,Approved,,,,,,,,,,,,,,,,,https://127.0.0.1:9/a.png,\n";
    let job = import_people(&server, &id, rows).await;
    assert_eq!((&job["status"], counts(&job)), (&json!("COMPLETED"), [5, 1, 0, 0, 4]));
    let page = errors(&server.client, &job).await;
    let facts: Vec<(Value, Value)> = page["results"].as_array().unwrap().iter().map(|row| (row["row_number"].clone(), row["external_id"].clone())).collect();
    assert_eq!(facts, [(json!(1), json!(null)), (json!(2), json!("b2")), (json!(4), json!("b4")), (json!(5), json!("b5"))]);
    let of = |place: usize| page["results"][place].clone();
    assert_eq!(of(0)["error"], "external_id: This field is required.");
    assert_eq!(of(0)["raw_row"]["vendor_data"], "ana");
    assert_eq!(of(1)["error"], "metadata: Metadata must be a JSON object.");
    assert_eq!(of(2)["error"], "This row has more cells than the first row names columns.");
    assert_eq!((&of(2)["raw_row"]["status"], &of(2)["raw_row"]["_more"]), (&json!("Approved"), &json!(["more"])));
    assert_eq!(of(3)["error"], "portrait_image_url: The file could not be fetched.");
    for (name, file) in [("l.csv", b"external_id,status,first_name\nl1,Approved,Jos\xe9\n".as_slice()), ("l.ndjson", b"{\"external_id\":\"l1\",\"status\":\"Approved\",\"first_name\":\"Jos\xe9\"}")] {
        let job = import_file(&server.client, &[("workflow_id", &id)], name, file).await;
        let row = errors(&server.client, &job).await["results"][0].clone();
        assert_eq!((&row["error"], &row["external_id"]), (&json!("This row is not UTF-8."), &json!("l1")));
        assert_eq!(row["raw_row"], json!({ "external_id": "l1", "status": "Approved", "first_name": "Jos\u{fffd}" }));
    }
    let line = json!({ "external_id": "b6", "status": "In Progress", "created_at": "yesterday", "date_of_birth": "1990-02-30", "issuing_state": "Spain",
        "gender": "X", "email": "nobody", "phone_number": "12345", "ip_address": "999.1.1.1", "portrait_image_url": "ftp://x/y" });
    let job = import_file(&server.client, &[("workflow_id", &id)], "x.jsonl", format!("{line}\n[1]\n{{\n\u{0}\n")).await;
    assert_eq!(counts(&job), [4, 0, 0, 0, 4]);
    let page = server.client.get(&format!("/v3/session/imports/{}/errors/?limit=1", text(&job["uuid"]))).await.ok(200);
    assert_eq!(page["results"][0]["raw_row"], line);
    let told = text(&page["results"][0]["error"]);
    for part in [
        "status: \"In Progress\" is not a valid choice.", "created_at: Datetime has wrong format.", "date_of_birth: Date has wrong format.",
        "issuing_state: Invalid ISO 3166-1 alpha-3 country code", "gender: \"X\" is not a valid choice.", "email: Enter a valid email address.",
        "phone_number: ", "ip_address: Enter a valid IPv4 or IPv6 address.", "portrait_image_url: Enter a valid URL.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(page["count"], 4);
    let next = errors(&server.client, &job).await;
    assert_eq!(next["results"][1]["raw_row"], json!({ "_line": "[1]" }));
    server.stop().await;
});

db_test!(a_file_that_is_none_fails_and_leaves_the_way_free, server => {
    let id = workflow(&server, &["OCR"]).await;
    let fields = [("workflow_id", id.as_str())];
    let missing = "The first row must name the columns, external_id and status among them.";
    for (name, content, text) in [
        ("a.csv", &b""[..], missing),
        ("a.csv", b"external_id,first_name\n1,2\n", missing),
        ("a.csv", b"\"external_id,status\nopen", missing),
        ("a.csv", b"\xff\xfee\0x\0", "The file is UTF-16; send it as UTF-8."),
        ("a.csv", b"external_id,status,\xe9\n", "The first row is not UTF-8."),
        ("a.ndjson", b"\xfe\xff\0", "The file is UTF-16; send it as UTF-8."),
    ] {
        let job = import_file(&server.client, &fields, name, content).await;
        assert_eq!((&job["status"], &job["last_error"], counts(&job)), (&json!("FAILED"), &json!(text), [0; 5]));
    }
    let empty = import_file(&server.client, &fields, "a.ndjson", "").await;
    assert_eq!((&empty["status"], counts(&empty)), (&json!("COMPLETED"), [0; 5]));
    let odd = [b"\xef\xbb\xbfSTATUS, External_ID\r\nApproved,1\r\n\r\nApproved,\xe9\r\nApproved,\"2\r\n".as_slice(), &[b'x'; 70_000], b"\"\r\nDeclined,3"].concat();
    let job = import_file(&server.client, &fields, "a.csv", odd).await;
    assert_eq!((&job["status"], &job["total_rows"], counts(&job)), (&json!("COMPLETED"), &json!(4), [4, 2, 0, 0, 2]));
    let kept = server.client.post("/x/subjects/erase/", json!({ "vendor_data": "nobody" })).await;
    assert_eq!(kept.status, 404);
    assert_eq!(server.counts().await["session_import_parts"], 0, "no file outlives its job");
    server.stop().await;
});

db_test!(refuses_what_the_contract_refuses, server => {
    let id = workflow(&server, &["OCR"]).await;
    let company = workflow(&server, &["KYB_REGISTRY"]).await;
    let draft = server.client.post("/v3/workflows/", json!({ "status": "draft", "features": [{ "feature": "OCR" }] })).await.ok(201);
    let theirs = text(&server.foreign_client().await.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
    let before = server.counts().await;
    let invalid = json!({ "workflow_id": ["Invalid workflow_id."] });
    let unsupported = json!({ "file": ["Only CSV and NDJSON files are supported."] });
    let named = |id: &str| vec![("workflow_id".to_owned(), id.to_owned())];
    let with = |name: &str, value: &str| [named(&id), vec![(name.to_owned(), value.to_owned())]].concat();
    for (fields, name, errors) in [
        (vec![], "a.csv", json!({ "workflow_id": ["This field is required for this import type."] })),
        (vec![("import_type".to_owned(), "status_rules".to_owned())], "a.csv", json!({ "workflow_id": ["This field is required for this import type."] })),
        (named("x"), "a.csv", json!({ "workflow_id": ["Must be a valid UUID."] })),
        (named("0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10"), "a.csv", invalid.clone()),
        (named(&theirs), "a.csv", invalid.clone()),
        (named(&text(&draft["workflow_id"])), "a.csv", invalid.clone()),
        (named(&company), "a.csv", invalid.clone()),
        (with("import_type", "business_verification"), "a.csv", invalid),
        (with("import_type", "everything"), "a.csv", json!({ "import_type": ["\"everything\" is not a valid choice."] })),
        (with("source_format", "xlsx"), "a.csv", json!({ "source_format": ["\"xlsx\" is not a valid choice."] })),
        (named(&id), "a.xlsx", unsupported.clone()),
        (named(&id), "csv", unsupported),
        (named(&id), "", json!({ "file": ["Upload a file or provide source_file_url."] })),
        (with("source_file_url", "https://example.com/a.csv"), "a.csv", json!({ "file": ["Use either file or source_file_url, not both."] })),
        (with("source_file_url", "example.com"), "", json!({ "source_file_url": ["Enter a valid URL."] })),
        (with("source_file_url", "http://127.0.0.1:9/a.csv"), "", json!({ "source_file_url": ["The file could not be fetched."] })),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        send_form(&server.client, &fields, name, "external_id,status\n").await.is(400, errors);
    }
    let large = vec![b'x'; (25 << 20) + 1];
    send_form(&server.client, &[("workflow_id", &id)], "a.csv", &large).await.is(400, json!({ "file": ["Import file exceeds the maximum allowed size."] }));
    send_form(&server.client, &[("workflow_id", &id)], "a.csv", vec![b'x'; 26 << 20]).await.is(413, json!({ "detail": "Request body too large." }));
    let long = json!({ "workflow_id": id, "source_file_url": "x".repeat(1 << 20) });
    server.client.post("/v3/session/imports/", long).await.is(413, json!({ "detail": "Request body too large." }));
    let other = server.client.request(Method::POST, "/v3/session/imports/").header("content-type", "text/csv").body("a");
    send(other).await.is(415, json!({ "detail": "Unsupported media type \"text/csv\" in request." }));
    let broken = server.client.request(Method::POST, "/v3/session/imports/").header("content-type", "multipart/form-data; boundary=b").body("--b\r\n");
    assert_eq!(send(broken).await.status, 400);
    server.client.post("/v3/session/imports/", json!([])).await.is(400, json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] }));
    assert_eq!(server.counts().await, before, "nothing was written");
    let not_found = json!({ "detail": "Not found." });
    for path in ["/v3/session/imports/0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10/", "/v3/session/imports/0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10/errors/"] {
        server.client.get(path).await.is(404, not_found.clone());
    }
    server.stop().await;
});

db_test!(one_file_at_a_time, server => {
    let id = workflow(&server, &["OCR"]).await;
    held_job(&server, "transactions", (0, 0)).await;
    let busy = json!({ "detail": "This application already has an active import job. Wait for it to finish before starting another." });
    send_form(&server.client, &[("workflow_id", &id)], "a.csv", "external_id,status\n").await.is(429, busy);
    let they = server.foreign_client().await;
    let theirs = text(&they.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
    assert_eq!(import_file(&they, &[("workflow_id", &theirs)], "a.csv", "external_id,status\n1,Approved\n").await["created_count"], 1);
    server.stop().await;
});

db_test!(applications_take_turns, server => {
    let id = workflow(&server, &["OCR"]).await;
    let they = server.foreign_client().await;
    let theirs = text(&they.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
    let rows: String = (0..20_000).map(|n| format!("{n},No\n")).collect();
    let long = send_form(&server.client, &[("workflow_id", &id)], "a.csv", format!("external_id,status\n{rows}")).await.ok(201);
    let path = format!("/v3/session/imports/{}/", text(&long["uuid"]));
    let begun = async || Some(server.client.get(&path).await.ok(200)).filter(|job| job["processed_rows"].as_u64() > Some(0));
    eventually("the long file is begun", begun).await;
    import_file(&they, &[("workflow_id", &theirs)], "a.csv", "external_id,status\n1,Approved\n").await;
    assert_eq!(server.client.get(&path).await.ok(200)["status"], "PROCESSING", "a short file does not wait for the end of a long one");
    assert_eq!(counts(&import_ended(&server.client, &text(&long["uuid"])).await), [20_000, 0, 0, 0, 20_000]);
    server.stop().await;
});

db_test!(a_fault_that_stays_ends_the_job, server => {
    let id = workflow(&server, &["OCR"]).await;
    let job = held_job(&server, "unknown", (0, 3)).await.to_string();
    let ended = eventually("the import is at its end", || async {
        end_leases(&server).await;
        Some(server.client.get(&format!("/v3/session/imports/{job}/")).await.ok(200)).filter(|job| job["completed_at"].is_string())
    }).await;
    let told = "The server failed at the same place again and again; its log says why.";
    assert_eq!((&ended["status"], &ended["last_error"]), (&json!("FAILED"), &json!(told)));
    assert_eq!(counts(&import_people(&server, &id, "a1,ana,Approved,,,,,,,,,,,,,,,,,,\n").await), [1, 1, 0, 0, 0], "the way is free");
    server.stop().await;
});

db_test!(of_very_many_refused_rows_some_are_only_counted, server => {
    let job = held_job(&server, "transactions", (99_998, 0)).await;
    let part = b"transaction_id,transaction_category,direction,amount,currency,subject_vendor_data,subject_full_name\n1\n2\n3\n";
    server.sql("INSERT INTO session_import_parts (import_id, ordinal, content) VALUES ($1, 0, $2)", vec![job.into(), part.as_slice().into()]).await;
    end_leases(&server).await;
    let job = import_ended(&server.client, &job.to_string()).await;
    assert_eq!((&job["status"], counts(&job)), (&json!("COMPLETED"), [3, 0, 0, 0, 100_001]));
    assert_eq!(errors(&server.client, &job).await["count"], 2);
    server.stop().await;
});

db_test!(a_file_may_be_fetched_and_is_taken_once_under_a_key, server => {
    let id = workflow(&server, &["OCR"]).await;
    let file = "external_id,status\nf1,Approved\n";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/exports/people.csv?token=secret", listener.local_addr().unwrap());
    let remote = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = [0; 4_096];
        let read = connection.read(&mut head).await.unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{file}", file.len());
        connection.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    let body = json!({ "workflow_id": id, "source_file_url": url });
    let sent = server.client.post_once("k1", "/v3/session/imports/", body.clone()).await.ok(201);
    assert_eq!(sent["source_filename"], "people.csv");
    assert_eq!(server.client.post_once("k1", "/v3/session/imports/", body).await.ok(201), sent);
    assert_eq!(counts(&import_ended(&server.client, &text(&sent["uuid"])).await), [1, 1, 0, 0, 0]);
    assert!(remote.await.unwrap().starts_with("GET /exports/people.csv?token=secret HTTP/1.1"), "fetched once");
    server.stop().await;
});

db_test!(whose_name_is_on_a_list_comes_in_blocked_and_nobody_is_told, server => {
    let id = workflow(&server, &["OCR"]).await;
    let receiver = crate::harness::Receiver::start().await;
    let body = json!({ "label": "w", "url": receiver.url(), "subscribed_events": ["user.status.updated", "status.updated"] });
    server.client.post("/v3/webhook/destinations/", body).await.ok(201);
    let list = server.system_list("user").await;
    server.add(&list, "Mallory").await;
    let mail = server.system_list("email").await;
    server.add(&mail, "m@mail.example").await;
    let job = import_people(&server, &id, "m1,mallory,Approved,,,,,,,,,,,,,m@mail.example,,,,,\nm2,mallory,Approved,,,,,,,,,,,,,,,,,,\nm3,ana,Approved,,,,,,,,,,,,,,,,,,\n").await;
    assert_eq!(counts(&job), [3, 3, 0, 0, 0]);
    let statuses: Vec<Value> = sessions(&server, "").await.iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, ["Approved", "Approved", "Approved"], "no list is asked");
    assert_eq!(server.client.get("/v3/users/mallory/").await.ok(200)["status"], "BLOCKED");
    assert_eq!(server.client.get("/v3/users/ana/").await.ok(200)["status"], "ACTIVE");
    server.client.patch("/v3/users/ana/update-status/", json!({ "status": "FLAGGED" })).await.ok(200);
    let told = receiver.wait_for(1).await;
    assert_eq!(told[0].json()["data"]["vendor_data"].as_str().or(told[0].json()["vendor_data"].as_str()), Some("ana"), "the first that anybody hears");
    server.stop().await;
});

db_test!(companies_come_with_what_they_are_called, server => {
    let id = workflow(&server, &["KYB_REGISTRY"]).await;
    let fields = [("import_type", "business_verification"), ("workflow_id", id.as_str())];
    let job = import_file(&server.client, &fields, "c.csv", "external_id,status,company_name,registration_number,country,vendor_data\n\
        c1,Approved,Acme GmbH,HRB 1,DEU,acme\nc2,Approved,,,,\n").await;
    assert_eq!(counts(&job), [2, 1, 0, 0, 1]);
    let rows = sessions(&server, "session_kind=business").await;
    assert_eq!((rows.len(), &rows[0]["status"], &rows[0]["vendor_data"]), (1, &json!("Approved"), &json!("acme")));
    let decision = server.decision(&text(&rows[0]["session_id"])).await;
    assert_eq!(decision["expected_details"], json!({ "company_name": "Acme GmbH", "registration_number": "HRB 1", "registry_country": "DEU" }));
    assert_eq!(server.client.get("/v3/businesses/acme/").await.ok(200)["status"], "ACTIVE");
    server.stop().await;
});

db_test!(rules_become_a_new_version_of_the_workflow, server => {
    let id = workflow(&server, &["OCR", "LIVENESS"]).await;
    let fields = [("import_type", "status_rules"), ("workflow_id", id.as_str())];
    let file = "external_id,feature,field,operator,value,value_type,score,status\n\
        r1,OCR,kyc.age,less_than,18,,,Declined\n\
        r2,OCR,kyc.issuing_state,in,\"[\"\"ESP\"\",\"\"FRA\"\"]\",,,In Review\n\
        r3,AML,aml.score,greater_than,50,,,Declined\n\
        r4,OCR,kyc.nonsense,equals,1,,,Declined\n\
        r5,OCR,kyc.age,less_than,18,list,,Declined\n";
    let job = import_file(&server.client, &fields, "rules.csv", file).await;
    assert_eq!((&job["status"], counts(&job)), (&json!("COMPLETED"), [5, 2, 0, 0, 3]));
    let told: Vec<Value> = errors(&server.client, &job).await["results"].as_array().unwrap().iter().map(|row| row["error"].clone()).collect();
    assert_eq!(told, ["feature: The workflow does not ask for it.", "field: Unknown field 'kyc.nonsense'.", "operator: Operator 'less_than' cannot be used with a list."]);
    let rules = async || {
        let workflow = server.client.get(&format!("/v3/workflows/{id}/")).await.ok(200);
        (workflow["version"].clone(), workflow["workflow_graph"]["nodes"]["feature_ocr_1"]["config"]["status_rules"].clone())
    };
    let (version, standing) = rules().await;
    assert_eq!((version, &standing[0]["external_id"], &standing[1]["value"]), (json!(2), &json!("r1"), &json!(["ESP", "FRA"])));
    let again = import_file(&server.client, &fields, "rules.csv", file.replace("18,,,Declined", "21,,,Declined")).await;
    assert_eq!(counts(&again), [5, 0, 1, 1, 3]);
    let (version, changed) = rules().await;
    assert_eq!((version, changed.as_array().unwrap().len(), &changed[0]["value"]), (json!(3), 2, &json!("21")));
    let file = "external_id,feature,field,operator,value,status\nr2,LIVENESS,kyc.issuing_state,equals,ESP,In Review\n";
    assert_eq!(counts(&import_file(&server.client, &fields, "moved.csv", file).await), [1, 0, 1, 0, 0], "it moves");
    assert_eq!(rules().await.1.as_array().unwrap().len(), 1);
    let session = text(&server.client.post("/v3/session/", json!({ "workflow_id": id })).await.ok(201)["session_id"]);
    let decision = server.evidence(&session, json!({ "id_verifications": [{ "age": 19 }], "liveness_checks": [{}] })).await;
    assert_eq!(decision["status"], "Declined", "and they count");
    server.stop().await;
});

db_test!(transactions_come_approved, server => {
    let fields = [("import_type", "transactions")];
    let list = server.system_list("bank_account").await;
    server.add(&list, "ES9121000418450200051332").await;
    server.client.post("/v3/transactions/", json!({ "transaction_id": "live", "transaction_category": "finance",
        "transaction_details": { "direction": "in", "amount": 1, "currency": "eur" }, "subject": { "vendor_data": "bo", "full_name": "Bo" } })).await.ok(201);
    let head = "transaction_id,transaction_at,transaction_category,direction,amount,currency,subject_vendor_data,subject_full_name,counterparty_vendor_data,counterparty_full_name,method_type,account_id,metadata\n";
    let file = format!("{head}\
        t1,2024-01-02T03:04:05Z,finance,out,10.00,eur,ana,Ana Pérez,,Shop,bank_account,ES9121000418450200051332,\"{{\"\"a\"\": 1}}\"\n\
        live,,finance,in,1,eur,bo,Bo,,,,,\n\
        t3,,nonsense,sideways,ten,eur,ana,,,,,,\n");
    let job = import_file(&server.client, &fields, "t.csv", &file).await;
    assert_eq!((&job["status"], counts(&job)), (&json!("COMPLETED"), [3, 1, 0, 0, 2]));
    let page = errors(&server.client, &job).await;
    assert_eq!(page["results"][0]["error"], "transaction_id: A transaction with this transaction_id already exists.");
    assert_eq!(page["results"][1]["external_id"], "t3");
    let rows = server.client.get("/v3/transactions/").await.ok(200);
    assert_eq!(rows["count"], 2);
    let row = rows["results"].as_array().unwrap().iter().find(|row| row["txn_id"] == "t1").unwrap();
    let path = format!("/v3/transactions/{}/", text(&row["uuid"]));
    let detail = server.client.get(&path).await.ok(200);
    let facts = ["source", "status", "amount", "txn_date", "score", "alerts", "props", "transaction_number"].map(|name| detail[name].clone());
    assert_eq!(facts, [json!("IMPORTED"), json!("APPROVED"), json!("10.00"), json!("2024-01-02T03:04:05.000000Z"), json!(0), json!([]), json!({ "a": 1 }), json!(2)]);
    assert_eq!(server.client.get("/v3/users/ana/").await.ok(200)["status"], "ACTIVE");
    // Nothing was decided about it, so no change of a list would have decided it differently.
    let own = server.list("Own", "blocklist", "bank_account").await;
    let addition = json!({ "op": "add", "list": own, "value": "ES9121000418450200051332" });
    let previewed = server.client.post("/x/lists/preview/", json!({ "changes": [addition] })).await.ok(200);
    assert_eq!((&previewed["transactions"]["considered"], &previewed["without_effect"]), (&json!(0), &json!([])));
    let again = import_file(&server.client, &fields, "t.csv", file.replace("10.00", "12.50")).await;
    assert_eq!(counts(&again), [3, 0, 1, 0, 2]);
    let changed = server.client.get(&path).await.ok(200);
    assert_eq!((&changed["amount"], &changed["transaction_number"], &changed["source"]), (&json!("12.50"), &json!(2), &json!("IMPORTED")));
    assert_eq!(counts(&import_file(&server.client, &fields, "t.csv", file.replace("10.00", "12.50")).await), [3, 0, 0, 1, 2]);
    server.stop().await;
});

db_test!(no_character_stops_a_file, server => {
    let id = workflow(&server, &["EMAIL_VERIFICATION"]).await;
    let file = "external_id,status\na\0b,Approved\nb1,Appro\0ved\nok1,Approved\n";
    let job = import_file(&server.client, &[("workflow_id", &id)], "n.csv", file).await;
    assert_eq!((&job["status"], counts(&job)), (&json!("COMPLETED"), [3, 1, 0, 0, 2]));
    let page = errors(&server.client, &job).await;
    assert_eq!(json!([page["results"][0]["external_id"], page["results"][1]["external_id"]]), json!(["a\u{fffd}b", "b1"]));
    server.stop().await;
});

db_test!(a_companys_row_leaves_a_persons_session_alone, server => {
    let (person, company) = (workflow(&server, &["EMAIL_VERIFICATION"]).await, workflow(&server, &["KYB_REGISTRY"]).await);
    import_file(&server.client, &[("workflow_id", &person)], "p.csv", "external_id,vendor_data,status\nx1,anna,Approved\n").await;
    let fields = [("workflow_id", company.as_str()), ("import_type", "business_verification")];
    let file = "external_id,vendor_data,status,company_name\nx1,acme,Declined,ACME\n";
    let job = import_file(&server.client, &fields, "c.csv", file).await;
    assert_eq!(counts(&job), [1, 0, 0, 0, 1]);
    let page = errors(&server.client, &job).await;
    assert_eq!(page["results"][0]["error"], "external_id: A session of another kind has this external_id.");
    let session = &sessions(&server, "").await[0];
    assert_eq!(json!([session["vendor_data"], session["status"]]), json!(["anna", "Approved"]));
    server.stop().await;
});

db_test!(templates_have_one_line, server => {
    let answer = server.client.get("/v3/session/imports/template/").await;
    assert_eq!((answer.header("content-type"), String::from_utf8(answer.bytes.clone()).unwrap()), ("text/csv", PEOPLE.to_owned()));
    let line = async |of: &str| String::from_utf8(server.client.get(&format!("/v3/session/imports/template/?import_type={of}")).await.bytes).unwrap();
    assert_eq!(line("business_verification").await, "external_id,vendor_data,status,created_at,company_name,registration_number,country,metadata\n");
    assert_eq!(line("status_rules").await, "external_id,feature,field,operator,value,value_type,score,status\n");
    assert!(line("transactions").await.starts_with("transaction_id,transaction_at,transaction_category,direction,amount,currency,subject_vendor_data,"));
    server.client.get("/v3/session/imports/template/?import_type=x").await
        .is(400, json!({ "import_type": ["Select a valid choice. x is not one of the available choices."] }));
    server.stop().await;
});

on_both_engines!(it_can_be_switched_off);
async fn it_can_be_switched_off(engine: Engine) {
    let off = |settings: &mut gavel::config::Settings| settings.imports = Some(Switch(false));
    let Some(server) = Server::start_with(engine, off).await else { return };
    let id = server.workflow().await;
    send_form(&server.client, &[("workflow_id", &id)], "a.csv", "external_id,status\n")
        .await
        .is(403, json!({ "detail": "Verification imports are not enabled for this organization." }));
    server.stop().await;
}

db_test!(sandbox_applications_take_none, server => {
    let id = server.workflow().await;
    server.sql("UPDATE applications SET environment = 'sandbox'", vec![]).await;
    send_form(&server.client, &[("workflow_id", &id)], "a.csv", "external_id,status\n").await
        .is(403, json!({ "detail": "Verification imports are not enabled for sandbox applications." }));
    server.stop().await;
});

db_test!(a_long_file_comes_in_batches_that_add_up, server => {
    let id = workflow(&server, &["EMAIL_VERIFICATION"]).await;
    let rows: String = (0..1_050).map(|n| match n % 50 {
        7 => format!("x{n},,Nonsense,\n"),
        _ => format!("x{n},person {},Approved,p{n}@mail.example\n", n % 90),
    }).collect();
    let job = import_file(&server.client, &[("workflow_id", &id)], "a.csv", format!("external_id,vendor_data,status,email\n{rows}")).await;
    assert_eq!((&job["status"], &job["total_rows"], counts(&job)), (&json!("COMPLETED"), &json!(1_050), [1_050, 1_029, 0, 0, 21]));
    let page = server.client.get("/v3/sessions/?session_type=MIGRATED&limit=1").await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["session_number"]), (&json!(1_029), &json!(1_029)), "numbers without a gap");
    let page = server.client.get(&format!("/v3/session/imports/{}/errors/?limit=2&offset=20", text(&job["uuid"]))).await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["row_number"]), (&json!(21), &json!(1_008)));
    assert_eq!(server.client.get("/v3/users/").await.ok(200)["count"], 90);
    let kinds = server.client.get("/x/audit/events/?kind=sessions.imported&limit=200").await.ok(200);
    assert!(kinds["results"].as_array().unwrap().len() >= 6, "a row of the trail per batch: {kinds}");
    server.client.post("/v3/sessions/delete/", json!({ "delete_all": true })).await.ok(204);
    assert_eq!(server.client.get("/v3/sessions/").await.ok(200)["count"], 0, "and go again with one call");
    let deleted = server.client.get("/x/audit/events/?kind=session.deleted&limit=1").await.ok(200);
    assert_eq!(deleted["count"], 1_029, "with a row of the trail for each");
    server.stop().await;
});
