//! More than the database can take: refused as "not available", and over when the cause is.

use std::{sync::mpsc, time::Duration};

use gavel::store::{Store, db::Dialect};

use super::{is_unavailable, names, put, write};
use crate::{
    db_test,
    harness::{Engine, Server, eventually},
};

/// Keeps the one writer of SQLite busy until the sender is used or dropped, so that what comes meanwhile is one batch.
async fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (begun, running) = tokio::sync::oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        write(&store, move |_| {
            Box::pin(async move {
                begun.send(()).unwrap();
                let _ = released.recv_timeout(Duration::from_secs(20));
                Ok(())
            })
        })
        .await
    });
    running.await.unwrap();
    release
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses() {
    let server = Server::start(Engine::Sqlite).await.unwrap();
    let store = &server.app.store;
    let release = hold(store).await;
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..5_000 {
        let store = store.clone();
        crowd.spawn(
            async move { write(&store, move |tx| Box::pin(async move { put(tx, &format!("job {n:04}"), "").await })).await },
        );
    }
    let mut refused = 0;
    while refused < 5_000 - 4_096 {
        assert!(is_unavailable(&crowd.join_next().await.unwrap().unwrap()), "nothing else can end yet");
        refused += 1;
    }
    release.send(()).unwrap();
    let rest = crowd.join_all().await;
    let kept = rest.iter().filter(|result| result.is_ok()).count();
    assert_eq!(names(store, "job ").await.len(), kept);
    assert!(kept > 4_000, "{kept}");
    server.stop().await;
}

/// Every turn to write is taken: whoever waits longer than the limit is refused, and nobody after that. Reads go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let Some(server) = Server::start_with(Engine::Postgres, |s| s.database_connections = Some(4)).await else { return };
    let store = server.app.store.clone();
    let busy: Vec<_> = (0..3)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                write(&store, |tx| Box::pin(async move { tx.execute("SELECT pg_sleep(12)", &[]).await })).await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let late = {
        let store = store.clone();
        tokio::spawn(async move { write(&store, |tx| Box::pin(put(tx, "late", ""))).await })
    };
    assert_eq!(names(&store, "late").await.len(), 0);
    assert!(!late.is_finished() && busy.iter().all(|job| !job.is_finished()), "a read waits for none of them");
    let refused = late.await.unwrap();
    assert!(is_unavailable(&refused), "{refused:?}");
    for job in busy {
        job.await.unwrap().unwrap();
    }
    write(&store, |tx| Box::pin(put(tx, "after", ""))).await.unwrap();
    assert_eq!(names(&store, "late").await.len(), 0);
    server.stop().await;
}

/// `PRAGMA max_page_count` makes the engine believe that the disk is full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_fails_the_whole_batch_and_passes() {
    let server = Server::start(Engine::Sqlite).await.unwrap();
    let store = &server.app.store;
    let limit = |pages: i64| {
        write(store, move |tx| {
            Box::pin(async move { tx.query(&format!("PRAGMA max_page_count = {pages}"), &[]).await.map(drop) })
        })
    };
    for round in 0..3 {
        limit(1).await.unwrap(); // Below the present size: it becomes the present size.
        let release = hold(store).await;
        let mut crowd = Vec::new();
        for n in 0..40 {
            let store = store.clone();
            // The large one in the middle fails; on what its failure does to the transaction the others' fate depends.
            let value = if n == 20 { "x".repeat(4 << 20) } else { "x".to_owned() };
            crowd.push(tokio::spawn(async move {
                let name = format!("full {round} {n:02}");
                let written = name.clone();
                (name, write(&store, move |tx| Box::pin(async move { put(tx, &written, &value).await })).await)
            }));
            tokio::time::sleep(Duration::from_millis(1)).await; // In this order.
        }
        release.send(()).unwrap();
        let mut acknowledged = Vec::new();
        for job in crowd {
            let (name, result) = job.await.unwrap();
            assert!(result.is_ok() || is_unavailable(&result), "{name}: {result:?}");
            assert!(result.is_err() || !name.ends_with(" 20"));
            acknowledged.extend(result.is_ok().then_some(name));
        }
        let begin: &'static str = ["full 0", "full 1", "full 2"][round];
        assert_eq!(names(store, begin).await, acknowledged);

        // The whole server says so, stays up, and goes on once there is room.
        let filled = server
            .client
            .post(
                "/v3/session/",
                serde_json::json!({ "workflow_id": server.workflow().await, "metadata": { "x": "y".repeat(15_000) } }),
            )
            .await;
        if filled.status != 201 {
            filled.is(503, serde_json::json!({ "detail": "Service temporarily unavailable." }));
        }
        limit(i64::from(u32::MAX - 2)).await.unwrap();
        eventually("recovery", || async {
            let body = serde_json::json!({ "workflow_id": server.workflow().await });
            (server.client.post("/v3/session/", body).await.status == 201).then_some(())
        })
        .await;
    }
    server.stop().await;
}

db_test!(writes_after_the_end_are_refused, server => {
    let store = server.app.store.clone();
    server.stop().await;
    if store.dialect() == Dialect::Sqlite {
        assert!(is_unavailable(&write(&store, |tx| Box::pin(put(tx, "late", ""))).await));
    }
});
