//! Jobs: kept whole or not at all, whatever their neighbours do.

use std::{collections::BTreeSet, sync::mpsc, time::Duration};

use gavel::store::{Store, StoreError, db::Dialect};

use super::{is_fault, is_unavailable, names, put, read, send, write};
use crate::db_test;

/// What a job of the crowd does after its write.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Well,
    Refuses,
    Panics,
    BreaksARule,
    GoesOnAfterAnError,
    SendsWhatBreaksARule,
}

fn end_of(n: usize) -> End {
    match (n * 7919) % 13 {
        0 | 1 => End::Refuses,
        2 => End::Panics,
        11 | 12 => End::SendsWhatBreaksARule,
        3 | 4 => End::BreaksARule,
        5 => End::GoesOnAfterAnError,
        _ => End::Well,
    }
}

db_test!(the_committed_jobs_are_the_acknowledged_ones, server => {
    let store = &server.app.store;
    write(store, |tx| Box::pin(put(tx, "taken", ""))).await.unwrap();
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..600 {
        let store = store.clone();
        crowd.spawn(async move {
            let name = format!("job {n:03}");
            let (written, end) = (name.clone(), end_of(n));
            let result = write(&store, move |tx| Box::pin(async move {
                put(tx, &written, "").await?;
                match end {
                    End::Well => Ok(()),
                    End::Refuses => Err(StoreError::Fault("refused".into())),
                    End::Panics => panic!("a job that panics"),
                    End::BreaksARule => put(tx, "taken", "").await.map(drop),
                    End::GoesOnAfterAnError => {
                        let _ = put(tx, "taken", "").await;
                        Ok(())
                    }
                    End::SendsWhatBreaksARule => {
                        send(tx, &format!("{written} before")).await?;
                        send(tx, "taken").await?;
                        send(tx, &format!("{written} behind")).await
                    }
                }
            })).await;
            assert_eq!(result.is_ok(), end == End::Well, "{name}: {result:?}");
            result.is_ok().then_some(name)
        });
    }
    let acknowledged: BTreeSet<String> = crowd.join_all().await.into_iter().flatten().collect();
    let committed: BTreeSet<String> = names(store, "job ").await.into_iter().collect();
    assert_eq!(committed, acknowledged);
    assert!(committed.len() > 200);
    server.stop().await;
});

db_test!(what_is_sent_comes_in_order_and_is_heard_of_by_the_next_who_asks, server => {
    let store = &server.app.store;
    let seen = write(store, |tx| Box::pin(async move {
        for n in 0..500 {
            send(tx, &format!("row {n:03}")).await?;
        }
        Ok(tx.query("SELECT 1 FROM server_facts WHERE name LIKE 'row %'", &[]).await?.len())
    })).await;
    assert_eq!(seen.unwrap(), 500);
    let failed = write(store, |tx| Box::pin(async move {
        send(tx, "row 007").await?;
        tx.query("SELECT 1 FROM server_facts", &[]).await.map(drop)
    })).await;
    assert!(is_fault(&failed), "{failed:?}");
    let refused = write::<()>(store, |tx| Box::pin(async move {
        send(tx, "row 500").await?;
        Err(StoreError::Unavailable("refused".into()))
    })).await;
    assert!(is_unavailable(&refused), "{refused:?}");
    assert_eq!(names(store, "row ").await.len(), 500);
    server.stop().await;
});

db_test!(a_caller_that_hangs_up_leaves_no_half_write, server => {
    let store = &server.app.store;
    for n in 0..50 {
        let job = write(store, move |tx| Box::pin(async move {
            put(tx, &format!("first {n:02}"), "").await?;
            put(tx, &format!("other {n:02}"), "").await
        }));
        let _ = tokio::time::timeout(Duration::from_micros(n * 40), job).await;
    }
    write(store, |tx| Box::pin(put(tx, "last", ""))).await.unwrap();
    crate::harness::eventually("pairs", || async {
        let all = names(store, "").await; // One look: between two of them another pair may come.
        let of = |begin: &str| all.iter().filter_map(|name| name.strip_prefix(begin)).map(str::to_owned).collect::<Vec<_>>();
        let (first, other) = (of("first "), of("other "));
        let same = first == other;
        assert!(same, "{first:?} {other:?}");
        (first.len() == 50).then_some(())
    }).await;
    server.stop().await;
});

db_test!(a_panicking_job_answers_its_caller_and_the_next_one_runs, server => {
    let store = &server.app.store;
    for n in 0..20 {
        let lost = write::<()>(store, move |tx| Box::pin(async move {
            put(tx, &format!("lost {n}"), "").await?;
            panic!("a job that panics")
        })).await;
        assert!(is_fault(&lost));
        let lost = read::<()>(store, |_| panic!("a read that panics before its first statement")).await;
        assert!(is_fault(&lost));
    }
    write(store, |tx| Box::pin(put(tx, "after", ""))).await.unwrap();
    assert_eq!(names(store, "").await.iter().filter(|name| name.starts_with("lost")).count(), 0);
    server.stop().await;
});

db_test!(a_read_sees_one_snapshot, server => {
    let store = server.app.store.clone();
    let (looked, first_look) = tokio::sync::oneshot::channel();
    let (written, go_on) = mpsc::channel::<()>();
    let reader = tokio::spawn(async move {
        read(&store, move |tx| Box::pin(async move {
            let sql = "SELECT count(*) FROM server_facts WHERE name = 'new'";
            let before: i64 = tx.query_opt(sql, &[]).await?.unwrap().get(0)?;
            looked.send(()).unwrap();
            go_on.recv_timeout(Duration::from_secs(10)).unwrap();
            let after: i64 = tx.query_opt(sql, &[]).await?.unwrap().get(0)?;
            Ok((before, after))
        })).await
    });
    first_look.await.unwrap();
    write(&server.app.store, |tx| Box::pin(put(tx, "new", ""))).await.unwrap();
    written.send(()).unwrap();
    assert_eq!(reader.await.unwrap().unwrap(), (0, 0));
    assert_eq!(names(&server.app.store, "new").await, ["new"]);
    server.stop().await;
});

db_test!(a_read_cannot_write, server => {
    let refused = read(&server.app.store, |tx| Box::pin(put(tx, "x", ""))).await;
    assert!(is_fault(&refused) || is_unavailable(&refused), "{refused:?}");
    assert!(names(&server.app.store, "x").await.is_empty());
    server.stop().await;
});

db_test!(nobody_is_woken_for_what_was_rolled_back, server => {
    // A store of its own: the workers of the server wait for the wake-ups of theirs.
    let store = &Store::open(&server.app.config.target).await.unwrap();
    let (dialect, wakes) = (store.dialect(), store.wakes());
    let refused = write::<()>(store, |tx| Box::pin(async move {
        tx.wake_lists();
        Err(StoreError::Fault("refused".into()))
    })).await;
    assert!(refused.is_err());
    let woken = tokio::time::timeout(Duration::from_millis(100), wakes.lists.notified()).await;
    assert!(woken.is_err(), "{dialect:?}");
    write(store, |tx| Box::pin(async move { tx.wake_lists(); Ok(()) })).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), wakes.lists.notified()).await.unwrap();
    assert!(matches!(dialect, Dialect::Sqlite | Dialect::Postgres));
    store.close().await;
    server.stop().await;
});

db_test!(a_read_whose_caller_hangs_up_leaves_a_clean_connection, server => {
    let store = &server.app.store;
    for n in 0..40_i64 {
        let hung_up = read(store, |tx| Box::pin(async move {
            for _ in 0..20 {
                tx.query("SELECT count(*) FROM server_facts", &[]).await?;
            }
            Ok(())
        }));
        let _ = tokio::time::timeout(Duration::from_micros(100 * n.unsigned_abs()), hung_up).await;
        let name = format!("n {n:02}");
        write(store, move |tx| Box::pin(async move { put(tx, &name, "").await })).await.unwrap();
        // Every connection of the pool has its turn: none may show an old snapshot.
        let looks: Vec<_> = (0..8).map(|_| names(store, "n ")).collect();
        for seen in futures_util::future::join_all(looks).await {
            assert_eq!(seen.len() as i64, n + 1);
        }
    }
    server.stop().await;
});
