//! What one process commits wakes the workers of another on the same PostgreSQL. Nobody polls here: a wake comes from
//! there or not at all.

use std::time::Duration;

use gavel::store::{
    Store,
    db::{PostgresOptions, Target},
};
use tokio::sync::Notify;

use super::write;
use crate::harness::{
    Engine,
    database::{Place, Unreachable},
};

async fn woken(notify: &Notify) {
    tokio::time::timeout(Duration::from_secs(10), notify.notified()).await.unwrap(); // In time.
}

async fn left_alone(notify: &Notify) {
    let woken = tokio::time::timeout(Duration::from_millis(300), notify.notified()).await;
    assert!(woken.is_err(), "nothing has happened");
}

/// A store that tells and hears; it is woken once when it begins to, because of what it may have missed.
async fn process(url: &str) -> Store {
    let store = Store::open(&Target::Postgres(PostgresOptions { url: url.to_owned(), connections: 2 })).await.unwrap();
    let relay = store.clone();
    tokio::spawn(async move { relay.relay_wakes().await });
    woken(&store.wakes().deliveries).await;
    woken(&store.wakes().lists).await;
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let url = place.url().unwrap();
    let (here, there) = (process(&url).await, process(&url).await);
    let commit = async || {
        let job = write(&here, |tx| {
            Box::pin(async move {
                tx.wake_deliveries();
                Ok(())
            })
        });
        job.await.unwrap();
    };
    commit().await;
    woken(&here.wakes().deliveries).await;
    woken(&there.wakes().deliveries).await;
    left_alone(&there.wakes().lists).await;
    left_alone(&here.wakes().deliveries).await; // It does not hear itself.
    for _ in 0..200 {
        commit().await;
    }
    woken(&there.wakes().deliveries).await;

    let outage = Unreachable::make(&url).await;
    outage.end().await;
    for store in [&here, &there] {
        woken(&store.wakes().lists).await; // Connected anew.
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let _ = tokio::time::timeout(Duration::from_millis(300), there.wakes().deliveries.notified()).await;
    commit().await;
    woken(&there.wakes().deliveries).await;
}
