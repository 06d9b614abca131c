//! SQLite's log under load.

use super::write;
use crate::harness::{Engine, Server, eventually};

/// 400 MB are written; the log never holds much more than its cap of 256 MB (one more step of 64 MB when
/// the background copy is in the way of a restart), and the last pages go home by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stays_bounded_while_the_writer_is_busy() {
    let server = Server::start(Engine::Sqlite).await.unwrap();
    let store = &server.app.store;
    let log = server.app.config.data.join("gavel.db-wal");
    let size = || std::fs::metadata(&log).map_or(0, |log| log.len());
    let mut largest = 0;
    for n in 0..100 {
        let value = char::from(b'a' + n % 26).to_string().repeat(4 << 20);
        write(store, move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO server_facts (name, value) VALUES ('large', $1)
                           ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                tx.execute(sql, &[value.into()]).await
            })
        })
        .await
        .unwrap();
        largest = largest.max(size());
    }
    assert!(largest < 352 << 20, "{} MB", largest >> 20);
    server.stop().await;
    assert_eq!(size(), 0, "an orderly end leaves nothing in the log");
}

/// A reader that never ends keeps the old log alive. Writers go on; when it ends, the log is restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_read_stops_nobody() {
    let server = Server::start(Engine::Sqlite).await.unwrap();
    let file = server.app.config.data.join("gavel.db");
    let reader = rusqlite::Connection::open(&file).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader.query_row("SELECT count(*) FROM server_facts", [], |row| row.get(0)).unwrap();
    for n in 0..20 {
        let value = "x".repeat(1 << 20);
        write(&server.app.store, move |tx| Box::pin(async move { super::put(tx, &format!("n {n}"), &value).await }))
            .await
            .unwrap();
    }
    let seen: i64 = reader.query_row("SELECT count(*) FROM server_facts WHERE name LIKE 'n %'", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 0, "its snapshot stands");
    drop(reader);
    // With nobody in the way the background copy comes to its end: then the next write starts the log anew.
    eventually("the copy", || async {
        write(&server.app.store, |tx| {
            Box::pin(async move { tx.execute("UPDATE server_facts SET value = 'y' WHERE name = 'n 1'", &[]).await })
        })
        .await
        .unwrap();
        let look = rusqlite::Connection::open(&file).unwrap();
        let left: i64 = look
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
            .unwrap();
        (left == 0).then_some(())
    })
    .await;
    server.stop().await;
}
