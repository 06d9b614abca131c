//! Activities and audit rows do not change: the database itself refuses.

use gavel::store::{StoreError, db::Dialect};
use serde_json::json;

use super::{read, write};
use crate::{db_test, harness::Server};

const TABLES: [&str; 4] = ["activities", "activity_values", "audit_events", "audit_values"];

async fn counts(server: &Server) -> Vec<i64> {
    read(&server.app.store, |tx| {
        Box::pin(async move {
            let mut counts = Vec::new();
            for table in TABLES {
                counts.push(tx.query_opt(&format!("SELECT count(*) FROM {table}"), &[]).await?.unwrap().get(0)?);
            }
            Ok(counts)
        })
    })
    .await
    .unwrap()
}

async fn refused(server: &Server, sql: &'static str) {
    let result = write(&server.app.store, move |tx| Box::pin(async move { tx.batch(sql).await })).await;
    let Err(StoreError::Fault(text)) = result else { panic!("{sql}: {result:?}") };
    assert!(text.contains("immutable"), "{sql}: {text}");
}

db_test!(rows_refuse_changes, server => {
    let session = server.session().await;
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    let before = counts(&server).await;
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    for sql in [
        "UPDATE activities SET new_status = 'Declined'",
        "UPDATE activities SET id = id",
        "DELETE FROM activities",
        "UPDATE activity_values SET comment = 'x'",
        "UPDATE audit_events SET kind = 'x'",
        "DELETE FROM audit_events",
        "UPDATE audit_values SET personal = '{}'",
    ] {
        refused(&server, sql).await;
    }
    match server.app.store.dialect() {
        Dialect::Postgres => {
            for sql in [
                "TRUNCATE activities CASCADE",
                "TRUNCATE activity_values",
                "TRUNCATE audit_events CASCADE",
                "TRUNCATE audit_values",
                "UPDATE ONLY activities SET new_status = 'Declined'",
                "MERGE INTO activities a USING activities b ON a.id = b.id WHEN MATCHED THEN DELETE",
            ] {
                refused(&server, sql).await;
            }
        }
        Dialect::Sqlite => {
            for sql in [
                "INSERT OR REPLACE INTO activities SELECT * FROM activities",
                "UPDATE OR REPLACE activities SET kind = 'x'",
                "INSERT OR REPLACE INTO audit_events (id, application_id, kind, actor_type, actor_id, method, route, status_code, objects, commitment, created_at)
             SELECT id, application_id, kind, actor_type, actor_id, method, route, status_code, objects, commitment, created_at FROM audit_events",
            ] {
                refused(&server, sql).await;
            }
        }
    }
    assert_eq!(counts(&server).await, before);
    // What is personal can be taken out: an erasure does that.
    for sql in ["DELETE FROM activity_values", "DELETE FROM audit_values"] {
        write(&server.app.store, move |tx| Box::pin(async move { tx.batch(sql).await })).await.unwrap();
    }
    assert_eq!(counts(&server).await, [before[0], 0, before[2], 0]);
    server.stop().await;
});
