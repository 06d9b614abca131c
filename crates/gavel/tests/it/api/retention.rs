//! What goes by itself after so many months.

use gavel::actions::retention;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, client::send, files::import_file, inside::upload, text},
};

const DAY: i64 = 24 * 3_600;

async fn set(server: &Server, retention: Value) {
    server.client.patch("/x/settings/", json!({ "retention": retention })).await.ok(200);
}

async fn report(server: &Server) -> Value {
    let report = server.client.post("/x/retention/report/", json!({})).await.ok(200);
    json!([report["sessions"]["count"], report["media"]["count"], report["audit_values"]["count"], report["imports"]["count"]])
}

db_test!(old_sessions_become_skeletons, server => {
    let old = server.session_with(json!({ "vendor_data": "cust-9" })).await;
    server.evidence(&old, json!({ "email_verifications": [{ "email": "ana@example.com" }] })).await;
    let open = server.session().await;
    server.app.clock.advance(100 * DAY);
    let young = server.session_with(json!({ "vendor_data": "cust-9" })).await;
    server.evidence(&young, json!({ "email_verifications": [{ "email": "ana@example.com" }] })).await;
    assert_eq!(report(&server).await, json!([0, 0, 0, 0]), "for ever, unless said otherwise");
    let asked = json!({ "retention": { "sessions": 3 } });
    let asked = server.client.post("/x/retention/report/", asked).await.ok(200);
    assert_eq!(json!([asked["sessions"]["months"], asked["sessions"]["count"]]), json!([3, 2]), "the open one has run out");
    set(&server, json!({ "sessions": 3 })).await;
    let before = server.counts().await;
    assert_eq!(report(&server).await, json!([2, 0, 0, 0]));
    assert_eq!(server.counts().await, before, "nothing goes by asking");
    assert_eq!(retention::apply(&server.app).await.unwrap(), 2);
    assert_eq!(retention::apply(&server.app).await.unwrap(), 0);
    for id in [&old, &open] {
        server.client.get(&format!("/v3/session/{id}/decision/")).await.is(404, json!({ "detail": "Not found." }));
    }
    assert_eq!(server.decision(&young).await["vendor_data"], "cust-9");
    let receipts = server.client.get("/x/subjects/erasures/").await.ok(200);
    let receipt = &receipts["results"][0];
    assert_eq!(json!([receipt["of"], receipt["status"], receipt["sessions"], receipt["removed"]["signals"]]),
        json!(["retention", "completed", 2, 1]));
    assert_eq!(report(&server).await, json!([0, 0, 0, 0]));
    server.stop().await;
});

db_test!(files_go_before_their_sessions, server => {
    let image = upload(&server.client).await;
    let evidence = json!({ "id_verifications": [{ "document_type": "Passport", "document_number": "X1", "front_image": format!("media:{image}") }] });
    let old = text(&server.session_with_evidence(evidence).await["session_id"]);
    server.app.clock.advance(40 * DAY);
    set(&server, json!({ "media": 1, "sessions": 12 })).await;
    assert_eq!(report(&server).await, json!([0, 1, 0, 0]));
    let file = server.app.media.path(image.parse().unwrap());
    assert!(file.exists());
    assert_eq!(retention::apply(&server.app).await.unwrap(), 1);
    assert!(!file.exists());
    let decision = server.decision(&old).await;
    assert_eq!(decision["id_verifications"][0]["document_number"], "X1");
    let link = text(&decision["id_verifications"][0]["front_image"]);
    let path = link.split_once("/media/").unwrap().1;
    assert_eq!(server.client.without_key().get(&format!("/media/{path}")).await.status, 404);
    assert_eq!(retention::apply(&server.app).await.unwrap(), 0);
    server.stop().await;
});

db_test!(values_beside_the_trail_and_rows_of_imports, server => {
    let list = server.system_list("phone").await;
    let import = server.client.request(reqwest::Method::POST, &format!("/x/lists/{list}/entries/import/")).body("value\nnone\n");
    let import = text(&send(import).await.ok(200)["uuid"]);
    let other = import_file(&server.client, &[("import_type", "transactions")], "t.ndjson", "{}\n{}\n").await;
    let verdicts = format!("/x/lists/{list}/imports/{import}/verdicts/");
    assert!(!server.client.get(&verdicts).await.bytes.is_empty());
    server.app.clock.advance(40 * DAY);
    let before = server.counts().await;
    set(&server, json!({ "audit_values": 1, "imports": 1 })).await;
    let waiting = report(&server).await;
    assert_eq!((&waiting[2], &waiting[3]), (&json!(before["audit_values"]), &json!(3)));
    retention::apply(&server.app).await.unwrap();
    let after = server.counts().await;
    assert_eq!((after["audit_values"], after["audit_events"]), (1, before["audit_events"] + 1), "the change of settings is young");
    assert_eq!((after["import_batches"], after["session_import_errors"]), (0, 0));
    let other = server.client.get(&format!("/v3/session/imports/{}/", text(&other["uuid"]))).await.ok(200);
    assert_eq!(other["failed_count"], 2, "the job itself stays");
    let job = server.client.get(&format!("/x/lists/{list}/imports/{import}/")).await.ok(200);
    assert_eq!((&job["rows"], &job["refused"]), (&json!(1), &json!(1)));
    assert_eq!(server.client.get(&format!("/x/lists/{list}/imports/{import}/rejects/")).await.bytes.len(), 0);
    assert_eq!(server.client.get(&verdicts).await.bytes.len(), 0);
    assert_eq!(report(&server).await, json!([0, 0, 0, 0]));
    server.stop().await;
});

db_test!(imports_that_lost_their_process_go_too_and_those_that_run_stay, server => {
    let list = server.system_list("phone").await;
    let import = async || {
        let file = server.client.request(reqwest::Method::POST, &format!("/x/lists/{list}/entries/import/")).body("value\nnone\n");
        send(file).await.ok(200);
    };
    import().await;
    // As a kill leaves it.
    server.sql("UPDATE imports SET state = 'running', finished_at = NULL", vec![]).await;
    set(&server, json!({ "imports": 1 })).await;
    server.app.clock.advance(40 * DAY);
    let now = server.app.clock.now();
    server.sql("UPDATE imports SET updated_at = $1", vec![now.into()]).await;
    assert_eq!(report(&server).await[3], 0, "it has just come on");
    retention::apply(&server.app).await.unwrap();
    assert_eq!(server.counts().await["import_batches"], 1);
    server.app.clock.advance(40 * DAY);
    assert_eq!(report(&server).await[3], 1);
    retention::apply(&server.app).await.unwrap();
    assert_eq!(server.counts().await["import_batches"], 0);
    server.stop().await;
});
