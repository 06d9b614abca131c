//! `gavel list`, and imports whose server is killed.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    harness::{
        Engine, KEY,
        database::Place,
        eventually,
        files::{import_ended, send_form},
        process::{Process, finish, gavel_at},
        text,
    },
    on_both_engines,
};

on_both_engines!(lists_are_filled_read_and_compared_beside_a_server);
async fn lists_are_filled_read_and_compared_beside_a_server(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let run = |arguments: &[&str]| finish(gavel_at(&place, &[&["list"], arguments].concat()));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("bad.csv"), "value,comment\nAna@Example.com,one\nnobody\nana@example.com,two\n").unwrap();
    let (bad, rejects, out) = (path("bad.csv"), path("rejects.ndjson"), path("out.csv"));

    let (succeeded, said, complaint) = run(&["import", "Email Blocklist", &bad, "--dry-run"]);
    assert!(succeeded && said.starts_with("1 would be added, 1 there already, 1 refused"), "{said}{complaint}");
    let (succeeded, said, complaint) = run(&["import", "Email Blocklist", &bad, "--rejects", &rejects]);
    assert!(succeeded && said.starts_with("1 added, 1 there already, 1 refused"), "{said}{complaint}");
    let reject: Value = serde_json::from_str(&std::fs::read_to_string(&rejects).unwrap()).unwrap();
    assert_eq!((&reject["value"], &reject["_row"]), (&json!("nobody"), &json!(2)));
    let asked = json!({ "values": [{ "entry_type": "email", "value": "ana@example.com" }] });
    eventually("the server follows", || async {
        (server.client().post("/x/screen/", asked.clone()).await.ok(200)["verdict"] == "block").then_some(())
    })
    .await;

    let (succeeded, said, _) = run(&["export", "Email Blocklist"]);
    assert!(succeeded && said.lines().nth(1).unwrap().starts_with("ana@example.com,,one,"), "{said}");
    assert!(run(&["export", "Email Blocklist", "--as-of", "1", "--output", &out]).0);
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 1, "the names of the columns alone");
    let (_, said, _) = run(&["diff", "Email Blocklist", "--from", "1"]);
    assert_eq!(said, "+ ana@example.com\n1 differences\n");
    let (_, said, _) = run(&["lookup", "email", "ANA@example.com"]);
    assert!(said.contains("\"name\": \"Email Blocklist\""), "{said}");

    for (arguments, complaint) in [
        (vec!["import", "No List", &bad], "there is no list \"No List\"; there are:\n  High Risk Countries"),
        (vec!["import", "Email Blocklist", &bad, "--on-error", "abort"], "Row 2 was refused"),
        (vec!["export", "Email Blocklist", "--as-of", "x"], "Enter a revision number"),
        (vec!["lookup", "email", "x"], "Enter a valid email address."),
    ] {
        let (succeeded, _, said) = run(&arguments);
        assert!(!succeeded && said.contains(complaint), "{arguments:?}: {said}");
    }
    server.stop().await;
}

on_both_engines!(a_killed_import_has_whole_batches_and_goes_on_when_sent_again);
async fn a_killed_import_has_whole_batches_and_goes_on_when_sent_again(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let lists = server.client().get("/v3/lists/?entry_type=email").await.ok(200);
    let list = text(&lists["results"][0]["uuid"]);
    let path = format!("/x/lists/{list}/entries/import/");
    let rows = |count: usize| -> String {
        std::iter::once("value\n".to_owned()).chain((0..count).map(|n| format!("person{n}@example.com\n"))).collect()
    };
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: gavel\r\nx-api-key: {KEY}\r\ncontent-length: 9000000\r\n\r\n");
    connection.write_all(format!("{head}{}", rows(4_500)).as_bytes()).await.unwrap();
    eventually("some batches are in", || async {
        let jobs = server.client().get(&format!("/x/lists/{list}/imports/")).await.ok(200);
        jobs["results"].get(0).filter(|job| job["rows"].as_u64() >= Some(2_000)).map(|_| ())
    })
    .await;
    server.kill();

    let server = Process::serve(&place).await;
    let client = server.client();
    let job = client.get(&format!("/x/lists/{list}/imports/")).await.ok(200)["results"][0].clone();
    let count = client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"].as_u64().unwrap();
    assert_eq!((job["added"].as_u64(), job["rows"].as_u64()), (Some(count), Some(count)), "the job says what was applied");
    assert!(count >= 2_000 && count % 1_000 == 0, "{count}");
    let again = crate::harness::client::send(client.request(reqwest::Method::POST, &path).body(rows(4_500))).await.ok(200);
    assert_eq!((again["added"].as_u64(), again["duplicates"].as_u64()), (Some(4_500 - count), Some(count)));
    server.stop().await;
}

on_both_engines!(an_import_of_sessions_goes_on_after_a_kill_and_takes_no_row_twice);
async fn an_import_of_sessions_goes_on_after_a_kill_and_takes_no_row_twice(engine: Engine) {
    const ROWS: u64 = 2_000;
    let Some(place) = Place::make(engine).await else { return };
    let mut server = Process::serve(&place).await;
    let workflow = text(&server.client().get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
    let head = "external_id,vendor_data,status,email\n".to_owned();
    let row = |n: u64| match n % 100 {
        0 => format!("x{n},,Nonsense,\n"),
        _ => format!("x{n},person {n},Approved,p{n}@mail.example\n"),
    };
    let file: String = std::iter::once(head).chain((0..ROWS).map(row)).collect();
    let sent = send_form(&server.client(), &[("workflow_id", &workflow)], "people.csv", file).await.ok(201);
    let id = text(&sent["uuid"]);
    let path = format!("/v3/session/imports/{id}/");
    let mut kills = Vec::new();
    for after in [1, 600] {
        let (client, known) = (server.client(), &path);
        let job = eventually("some batches are in", || async {
            Some(client.get(known).await.ok(200)).filter(|job| job["processed_rows"].as_u64() >= Some(after))
        })
        .await;
        kills.push(job["status"].clone());
        server.kill();
        if engine == Engine::Postgres {
            place.execute("UPDATE session_imports SET leased_until = 0").await; // As if it had been gone for long.
        }
        server = Process::serve(&place).await;
    }
    assert_eq!(kills, ["PROCESSING", "PROCESSING"], "it was in the middle");
    let client = server.client();
    for rows in (600..=ROWS).step_by(200) {
        let comes_on = async || Some(client.get(&path).await.ok(200)).filter(|job| job["processed_rows"].as_u64() >= Some(rows));
        eventually("it goes on", comes_on).await; // A batch at a time, however slow the machine is.
    }
    let job = import_ended(&client, &id).await;
    let counts = ["total_rows", "processed_rows", "created_count", "updated_count", "skipped_count", "failed_count"];
    let counts = counts.map(|name| job[name].as_u64().unwrap());
    assert_eq!((&job["status"], counts), (&json!("COMPLETED"), [ROWS, ROWS, ROWS - 20, 0, 0, 20]));
    let count = async |path: &str| client.get(path).await.ok(200)["count"].as_u64().unwrap();
    assert_eq!(count("/v3/sessions/?session_type=MIGRATED&limit=1").await, ROWS - 20);
    assert_eq!(count("/v3/users/?limit=1").await, ROWS - 20);
    assert_eq!(count(&format!("{path}errors/?limit=1")).await, 20);
    let newest = client.get("/v3/sessions/?limit=1").await.ok(200)["results"][0]["session_number"].clone();
    assert_eq!(newest, ROWS - 20, "numbers of rows that did not come to be were given back");
    server.stop().await;
}
