//! Files of entries, in and out (`/x/`).

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    db_test,
    harness::{Answer, KEY, Server, client::send, eventually, shown, text},
};

async fn import(server: &Server, list: &str, query: &str, file: impl Into<reqwest::Body>) -> Answer {
    send(server.client.request(Method::POST, &format!("/x/lists/{list}/entries/import/{query}")).body(file)).await
}

async fn lines(server: &Server, path: &str) -> Vec<Value> {
    let answer = server.client.get(path).await;
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn verdicts(server: &Server, list: &str, job: &Value) -> Vec<Value> {
    lines(server, &format!("/x/lists/{list}/imports/{}/verdicts/", text(&job["uuid"]))).await
}

fn counts(job: &Value) -> (u64, u64, u64, u64, String) {
    let number = |name: &str| job[name].as_u64().unwrap();
    (number("rows"), number("added"), number("duplicates"), number("refused"), text(&job["status"]))
}

async fn values(server: &Server, list: &str) -> Vec<String> {
    let page = server.client.get(&format!("/v3/lists/{list}/entries/?limit=200")).await.ok(200);
    let mut values: Vec<String> = page["results"].as_array().unwrap().iter().map(|row| text(&row["value"])).collect();
    values.sort();
    values
}

const FILE: &str = "\u{feff}value,comment,expires_at,metadata,other\r\n\
    +1 (415) 555-2671,Reported,2999-01-01T00:00:00Z,\"{\"\"case\"\":7}\",x\r\n\
    12345,not international,,,\r\n\
    +14155552671,again,,,\r\n\
    +442079460018,,yesterday,\"[1]\",\r\n\
    +442079460018,,,,\r\n";

db_test!(every_row_has_a_verdict, server => {
    let list = server.system_list("phone").await;
    let job = import(&server, &list, "", FILE).await.ok(200);
    assert_eq!(counts(&job), (5, 2, 1, 2, "completed".into()));
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&job), @r#"
        {
          "uuid": "[uuid]",
          "list_uuid": "[uuid]",
          "format": "csv",
          "dry_run": false,
          "on_error": "skip",
          "status": "completed",
          "rows": 5,
          "added": 2,
          "duplicates": 1,
          "refused": 2,
          "message": null,
          "made_by": "api",
          "created_at": "[time]",
          "updated_at": "[time]",
          "finished_at": "[time]"
        }
        "#);
    }
    let rows = verdicts(&server, &list, &job).await;
    let brief: Vec<_> = rows.iter().map(|row| (row["row"].as_u64().unwrap(), text(&row["verdict"]), row["errors"].clone())).collect();
    let refused = |text: &str| json!({ "value": [text] });
    assert_eq!(brief, [
        (1, "added".into(), Value::Null),
        (2, "refused".into(), refused("Enter a valid international phone number.")),
        (3, "duplicate".into(), Value::Null),
        (4, "refused".into(), json!({ "metadata": ["Metadata must be a JSON object."], "expires_at": ["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."] })),
        (5, "added".into(), Value::Null),
    ]);
    assert_eq!((&rows[0]["normalised"], &rows[2]["of"]), (&json!("+14155552671"), &rows[0]["entry"]));
    let entry = server.client.get(&format!("/x/lists/{list}/entries/{}/", text(&rows[0]["entry"]))).await.ok(200);
    assert_eq!((&entry["comment"], &entry["metadata"], &entry["expires_at"]), (&json!("Reported"), &json!({ "case": 7 }), &json!("2999-01-01T00:00:00.000000Z")));
    let count = server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"].clone();
    assert_eq!(count, 2);
    let asked = json!({ "values": [{ "entry_type": "phone", "value": "+442079460018" }] });
    assert_eq!(server.client.post("/x/screen/", asked).await.ok(200)["verdict"], "block");

    let again = import(&server, &list, "", FILE).await.ok(200);
    assert_eq!(counts(&again), (5, 0, 3, 2, "completed".into()), "the same file again is safe");
    let jobs = server.client.get(&format!("/x/lists/{list}/imports/")).await.ok(200);
    assert_eq!((&jobs["count"], &jobs["results"][1]), (&json!(2), &job));
    let history = server.client.get(&format!("/x/lists/{list}/history/")).await.ok(200);
    assert_eq!((&history["results"][0]["kind"], &history["results"][0]["added"]), (&json!("entries.imported"), &json!(2)));
    server.stop().await;
});

db_test!(rejects_can_be_corrected_and_sent_again, server => {
    let list = server.system_list("phone").await;
    let job = import(&server, &list, "", FILE).await.ok(200);
    let path = format!("/x/lists/{list}/imports/{}/rejects/", text(&job["uuid"]));
    let mut rows = lines(&server, &path).await;
    assert_eq!((&rows[0]["value"], &rows[0]["_row"], &rows[0]["comment"]), (&json!("12345"), &json!(2), &json!("not international")));
    assert!(rows[1]["_errors"]["expires_at"].is_array());
    rows[0]["value"] = json!("+14155550123");
    for row in &mut rows {
        for name in ["expires_at", "metadata"] {
            row.as_object_mut().unwrap().remove(name);
        }
    }
    let file: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let again = import(&server, &list, "?format=ndjson", file).await.ok(200);
    assert_eq!(counts(&again), (2, 1, 1, 0, "completed".into()));
    server.stop().await;
});

db_test!(a_dry_run_says_the_same_and_adds_nothing, server => {
    let list = server.list("mail", "custom", "email").await;
    server.add(&list, "there@example.com").await;
    let file: String = (0..2_500).map(|n| match n % 5 {
        0 => "{\"value\":\"There@example.com\"}\n".to_owned(),
        1 => "{\"value\":\"x\"}\n".to_owned(),
        _ => format!("{{\"value\":\"person{}@example.com\"}}\n", n / 2),
    }).collect();
    let before = server.client.get(&format!("/v3/lists/{list}/")).await.ok(200);
    let dry = import(&server, &list, "?format=ndjson&dry_run=true", file.clone()).await.ok(200);
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200), before);
    assert_eq!(dry["dry_run"], true);
    let real = import(&server, &list, "?format=ndjson", file).await.ok(200);
    assert_eq!(counts(&dry), counts(&real));
    let strip = |rows: Vec<Value>| -> Vec<_> { rows.into_iter().map(|row| (row["row"].clone(), row["verdict"].clone(), row["errors"].clone())).collect() };
    assert_eq!(strip(verdicts(&server, &list, &dry).await), strip(verdicts(&server, &list, &real).await));
    server.stop().await;
});

db_test!(an_abort_applies_nothing_of_the_batch_with_the_bad_row, server => {
    let list = server.list("mail", "custom", "email").await;
    let file: String = std::iter::once("value".to_owned()).chain((1..=2_500).map(|n| match n {
        1_700 => "bad".to_owned(),
        n => format!("person{n}@example.com"),
    })).map(|line| line + "\n").collect();
    let job = import(&server, &list, "?on_error=abort", file).await.ok(200);
    assert_eq!(counts(&job), (1_000, 1_000, 0, 1, "aborted".into()));
    assert_eq!(job["message"], "Row 1700 was refused; nothing from row 1001 on was added.");
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 1_000);
    assert_eq!(verdicts(&server, &list, &job).await.len(), 1_001);
    server.stop().await;
});

db_test!(a_file_that_is_none_leaves_nothing, server => {
    let list = server.list("mail", "custom", "email").await;
    let before = server.counts().await;
    for (query, file, errors) in [
        ("", &b"phone\n1\n"[..], json!({ "file": ["The first row must name the columns, `value` among them."] })),
        ("", b"", json!({ "file": ["The first row must name the columns, `value` among them."] })),
        ("", b"\xff\xfev\0a\0", json!({ "file": ["The file is UTF-16; send it as UTF-8."] })),
        ("?format=xlsx", b"", json!({ "format": ["Select a valid choice. xlsx is not one of the available choices."] })),
        ("?on_error=shrug", b"", json!({ "on_error": ["Select a valid choice. shrug is not one of the available choices."] })),
    ] {
        import(&server, &list, query, file).await.is(400, errors);
    }
    assert_eq!(server.counts().await, before);
    import(&server, "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10", "", "value\n").await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(strange_rows_are_refused_and_the_rest_is_added, server => {
    let list = server.list("keys", "custom", "key").await;
    let rows: [&[u8]; 7] = [b"good 1", &[b'a'; 200_000], &b",".repeat(10_000), b"\xe9", b"nul\0", b" ", b"good 2"];
    let file = [&b"value\n"[..], &rows.join(&b'\n'), b"\n\"open\nand\nopen"].concat();
    let job = import(&server, &list, "", file).await.ok(200);
    assert_eq!((&job["added"], &job["status"]), (&json!(2), &json!("completed")), "{job}");
    assert_eq!(values(&server, &list).await, ["good 1", "good 2"]);
    let sessions = import(&server, &list, "?format=ndjson", "{\"reference_session_id\":\"0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10\"}").await.ok(200);
    assert_eq!(counts(&sessions), (1, 0, 0, 1, "completed".into()));
    server.stop().await;
});

db_test!(a_client_that_goes_away_leaves_whole_batches, server => {
    let list = server.list("keys", "custom", "key").await;
    let part: String = std::iter::once("value\n".to_owned()).chain((0..2_300).map(|n| format!("key {n}\n"))).collect();
    let mut connection = tokio::net::TcpStream::connect(server.app.config.listen).await.unwrap();
    let head = format!(
        "POST /x/lists/{list}/entries/import/ HTTP/1.1\r\nhost: gavel\r\nx-api-key: {KEY}\r\ncontent-length: 1000000\r\n\r\n"
    );
    connection.write_all(format!("{head}{part}").as_bytes()).await.unwrap();
    let job = async || server.client.get(&format!("/x/lists/{list}/imports/")).await.ok(200)["results"].get(0).cloned();
    let running = eventually("two batches are in", || async { job().await.filter(|job| job["rows"] == 2_000) }).await;
    assert_eq!((&running["status"], &running["finished_at"]), (&json!("running"), &Value::Null));
    drop(connection);
    let job = eventually("the job has ended", || async { job().await.filter(|job| job["status"] != "running") }).await;
    assert_eq!(job["status"], "interrupted");
    let (rows, added) = (job["rows"].as_u64().unwrap(), job["added"].as_u64().unwrap());
    assert_eq!((rows, added), (2_300, 2_300), "what had arrived in whole rows");
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], added);
    assert_eq!(verdicts(&server, &list, &job).await.len() as u64, rows);
    server.stop().await;
});

db_test!(under_a_key_a_file_is_taken_once, server => {
    let list = server.list("keys", "custom", "key").await;
    let once = async |key: &str, file: &'static str| {
        let path = format!("/x/lists/{list}/entries/import/");
        send(server.client.request(Method::POST, &path).header("idempotency-key", key).body(file)).await
    };
    let first = once("k1", "value\na\n").await.ok(200);
    assert_eq!(once("k1", "value\na\n").await.ok(200), first);
    once("k1", "value\nb\n").await.is(422, json!({ "detail": "Idempotency-Key was used with a different request." }));
    let dry = format!("/x/lists/{list}/entries/import/?dry_run=true");
    let other = send(server.client.request(Method::POST, &dry).header("idempotency-key", "k1").body("value\na\n")).await;
    assert_eq!(other.status, 422, "what to do with the file is part of the request");
    assert_eq!(once("k2", "value\na\n").await.ok(200)["duplicates"], 1);
    assert_eq!(server.client.get(&format!("/x/lists/{list}/imports/")).await.ok(200)["count"], 2);
    server.stop().await;
});

db_test!(an_export_is_the_list_and_comes_back_as_it_was, server => {
    let list = server.list("keys", "custom", "key").await;
    let entries: String = (0..1_203).map(|n| json!({
        "value": format!("=key {n}"), "display_label": "Ana, \"the\" one", "comment": "+cmd\nline 2", "metadata": { "n": 1.50, "é": null },
        "expires_at": if n % 3 == 0 { json!("2999-01-01T00:00:00Z") } else { Value::Null },
    }).to_string() + "\n").collect();
    assert_eq!(import(&server, &list, "?format=ndjson", entries).await.ok(200)["added"], 1_203);
    let before = server.client.post("/x/screen/", json!({ "values": [] })).await.ok(200)["lists_revision"].clone();
    let csv = server.client.get(&format!("/x/lists/{list}/entries/export/")).await;
    assert_eq!((csv.header("content-type"), csv.header("content-disposition")), ("text/csv; charset=utf-8", "attachment; filename=\"entries.csv\""));
    let csv = String::from_utf8(csv.bytes).unwrap();
    assert!(csv.starts_with("value,display_label,comment,metadata,expires_at,reference_object_uuid,uuid,added_by,created_at\n'=key"), "{}", &csv[..200]);
    let ndjson = lines(&server, &format!("/x/lists/{list}/entries/export/?format=ndjson")).await;
    assert_eq!(ndjson.len(), 1_203);
    for (name, query, file) in [("one", "", csv), ("two", "?format=ndjson", ndjson.iter().map(|line| format!("{line}\n")).collect())] {
        let copy = server.list(name, "custom", "key").await;
        assert_eq!(import(&server, &copy, query, file).await.ok(200)["added"], 1_203);
        let facts = |rows: Vec<Value>| -> Vec<_> {
            let mut rows: Vec<_> = rows.iter().map(|row| ["value", "display_label", "comment", "metadata", "expires_at"].map(|name| row[name].to_string())).collect();
            rows.sort();
            rows
        };
        let copied = lines(&server, &format!("/x/lists/{copy}/entries/export/?format=ndjson")).await;
        assert_eq!(facts(copied), facts(ndjson.clone()));
    }
    server.add(&list, "later").await;
    server.client.post(&format!("/x/lists/{list}/revert/"), json!({ "to": 0 })).await.ok(200);
    assert_eq!(lines(&server, &format!("/x/lists/{list}/entries/export/?format=ndjson")).await.len(), 0);
    assert_eq!(lines(&server, &format!("/x/lists/{list}/entries/export/?format=ndjson&as_of={before}")).await.len(), 1_203);
    server.stop().await;
});
