//! Activities and audit rows do not change: the database itself refuses.

use gavel::{
    actions::Caller,
    store::{StoreError, applications, db::Dialect},
};
use gavel_core::time::Timestamp;
use serde_json::json;

use super::{read, write};
use crate::{
    db_test,
    harness::{Engine, Server, eventually},
};

const TABLES: [&str; 8] = [
    "activities",
    "activity_values",
    "audit_events",
    "audit_values",
    "audit_unsealed",
    "audit_chain",
    "audit_checkpoints",
    "audit_keys",
];

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

/// Waits until the sealer has nothing to do.
async fn settled(server: &Server) {
    eventually("a signed chain and an empty queue", || async {
        let counts = counts(server).await;
        (counts[4] == 0 && counts[5] == counts[2] && counts[6] > 0).then_some(())
    })
    .await;
}

async fn refused(server: &Server, sql: &'static str) {
    let result = write(&server.app.store, move |tx| Box::pin(async move { tx.batch(sql).await })).await;
    let Err(StoreError::Fault(text)) = result else { panic!("{sql}: {result:?}") };
    assert!(text.contains("immutable"), "{sql}: {text}");
}

db_test!(rows_refuse_changes, server => {
    let session = server.session().await;
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    settled(&server).await;
    let before = counts(&server).await;
    assert!(before.iter().enumerate().all(|(place, count)| *count > 0 || place == 4), "{before:?}");
    for sql in [
        "UPDATE activities SET new_status = 'Declined'",
        "UPDATE activities SET id = id",
        "DELETE FROM activities",
        "UPDATE activity_values SET comment = 'x'",
        "UPDATE audit_events SET kind = 'x'",
        "DELETE FROM audit_events",
        "UPDATE audit_values SET personal = '{}'",
        "UPDATE audit_chain SET seq = seq + 1000",
        "DELETE FROM audit_chain",
        "DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)",
        "UPDATE audit_checkpoints SET row_count = row_count",
        "DELETE FROM audit_checkpoints",
        "UPDATE audit_keys SET created_at = 0",
        "DELETE FROM audit_keys",
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
                "TRUNCATE audit_chain",
                "TRUNCATE audit_checkpoints",
                "TRUNCATE audit_keys",
                "TRUNCATE audit_unsealed",
                "TRUNCATE applications CASCADE",
                "MERGE INTO audit_chain a USING audit_chain b ON a.event_id = b.event_id WHEN MATCHED THEN UPDATE SET hash = a.hash",
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
                "INSERT OR REPLACE INTO audit_chain SELECT * FROM audit_chain",
            ] {
                refused(&server, sql).await;
            }
            replaced_by_nobody(&server);
        }
    }
    assert_eq!(counts(&server).await, before);
    // What is personal can be taken out: an erasure does that.
    for sql in ["DELETE FROM activity_values", "DELETE FROM audit_values"] {
        write(&server.app.store, move |tx| Box::pin(async move { tx.batch(sql).await })).await.unwrap();
    }
    assert_eq!(counts(&server).await[..4], [before[0], 0, before[2], 0]);
    server.stop().await;
});

/// Another program on the same file: its connection has no recursive triggers, so REPLACE asks no DELETE trigger.
fn replaced_by_nobody(server: &Server) {
    let foreign = rusqlite::Connection::open(server.app.config.data.join("gavel.db")).unwrap();
    foreign.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    foreign.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA recursive_triggers = OFF").unwrap();
    let made = "INSERT INTO transaction_activities VALUES (x'01', x'02', 3, '', '', NULL, 0);
        INSERT INTO transaction_activity_values VALUES (x'01', NULL, NULL, '{}')";
    foreign.execute_batch(made).unwrap();
    const ACTIVITY: &str = "application_id, session_id, session_version, kind, actor_type, changed_fields, created_at";
    for sql in [
        "INSERT OR REPLACE INTO activities SELECT * FROM activities",
        &format!("INSERT OR REPLACE INTO activities (id, {ACTIVITY}) SELECT randomblob(16), {ACTIVITY} FROM activities"),
        &format!(
            "INSERT OR REPLACE INTO activities (rowid, id, {ACTIVITY}) SELECT rowid, randomblob(16), application_id, session_id, 999, kind,
                 actor_type, changed_fields, created_at FROM activities"
        ),
        "INSERT OR REPLACE INTO activity_values SELECT * FROM activity_values",
        "INSERT OR REPLACE INTO transaction_activities VALUES (x'01', x'04', 5, '', '', NULL, 0)",
        "INSERT OR REPLACE INTO transaction_activities VALUES (x'05', x'02', 3, '', '', NULL, 0)",
        "INSERT OR REPLACE INTO transaction_activity_values VALUES (x'01', 'x', NULL, '{}')",
        "INSERT OR REPLACE INTO audit_events (id, application_id, kind, actor_type, method, route, status_code, objects, commitment, created_at)
         SELECT id, application_id, 'x', actor_type, method, route, status_code, objects, commitment, created_at FROM audit_events",
        "INSERT OR REPLACE INTO audit_values SELECT event_id, salt, '{}' FROM audit_values",
        "INSERT OR REPLACE INTO audit_chain SELECT application_id, seq, event_id, x'00' FROM audit_chain",
        "INSERT OR REPLACE INTO audit_chain SELECT application_id, seq + 1000, event_id, hash FROM audit_chain",
    ] {
        let refused = foreign.execute_batch(sql).map_err(|error| error.to_string()).unwrap_err();
        assert!(refused.contains("immutable"), "{sql}: {refused}");
    }
    for (table, sql) in [
        (
            "audit_checkpoints",
            "INSERT OR REPLACE INTO audit_checkpoints SELECT application_id, row_count, x'00', 0, 'x', x'00' FROM audit_checkpoints",
        ),
        ("audit_keys", "INSERT OR REPLACE INTO audit_keys SELECT number, 'x', x'00', NULL, NULL, 0 FROM audit_keys"),
        ("audit_keys", "INSERT OR REPLACE INTO audit_keys SELECT number + 1, key_id, x'00', NULL, NULL, 0 FROM audit_keys"),
    ] {
        foreign.execute_batch(sql).unwrap();
        let changed = format!(
            "SELECT count(*) FROM {table} WHERE length({}) < 2",
            if table == "audit_keys" { "public_key" } else { "head" }
        );
        assert_eq!(foreign.query_row(&changed, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{sql}");
    }
}

/// A row leaves the queue into the chain, or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_to_be_sealed_cannot_be_dropped() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(server) = Server::start(engine).await else { continue };
        settled(&server).await;
        let dropped = write(&server.app.store, |tx| {
            Box::pin(async move {
                let application = applications::list_applications(tx).await?[0].id;
                let caller = Caller::system(application, "CLI", "test");
                caller.audit(tx, "entry.added", &[], Timestamp::from_micros(0)).await?;
                // In the same transaction: the sealer has not had its chance.
                tx.batch("DELETE FROM audit_unsealed").await
            })
        })
        .await;
        let Err(StoreError::Fault(text)) = dropped else { panic!("{dropped:?}") };
        assert!(text.contains("immutable until they are sealed"), "{text}");
        server.stop().await;
    }
}
