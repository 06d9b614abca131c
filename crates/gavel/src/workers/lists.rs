//! What lists need done behind the requests: indexes that follow, hits added up, and what follows when an entry has expired.
//!
//! An expired entry stops matching by itself, at its instant. Its mark is a view for people and is handed over or cleared
//! within [`EXPIRY_PAUSE`]; so are users and businesses it blocked let go.

use std::time::Duration;

use gavel_core::time::Timestamp;
use tokio::sync::watch;

use crate::{
    actions::{Error, hit_counts, subjects::sync},
    app::App,
    store::marks,
};

/// Another process may have changed the lists.
const FOLLOW_PAUSE: Duration = Duration::from_secs(1);
const COUNT_PAUSE: Duration = Duration::from_millis(500);
const EXPIRY_PAUSE: Duration = Duration::from_secs(15);

/// Loads the screening indexes, then has them follow the lists until told to stop. The old snapshots serve meanwhile, and
/// no answer depends on this: whoever asks looks again.
pub async fn follow(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let pass = async { if app.live.is_loaded() { app.live.follow().await } else { app.live.load_all().await } };
        tokio::select! {
            done = pass => if let Err(error) = done {
                tracing::warn!(%error, "the lists were not followed");
            },
            _ = stopped.changed() => return,
        }
        tokio::select! {
            () = app.store.wakes().lists.notified() => {}
            () = tokio::time::sleep(FOLLOW_PAUSE) => {}
            _ = stopped.changed() => {}
        }
    }
}

/// Adds hits up until told to stop.
pub async fn count(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        match hit_counts::add_up(&app).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "hits were not added up"),
        }
        let _ = tokio::time::timeout(COUNT_PAUSE, stopped.changed()).await;
    }
}

/// Follows expiries until told to stop. The first pass looks at everything that has ever expired.
pub async fn expire(app: App, mut stopped: watch::Receiver<bool>) {
    let mut seen = Timestamp::from_micros(0);
    while !*stopped.borrow() {
        let now = app.clock.now();
        match release(&app, (seen, now)).await {
            // A minute over again: an addition committed late may carry an expiry that has passed by then.
            Ok(()) => seen = now.plus_seconds(-60),
            Err(error) => tracing::warn!(%error, "what follows from expired entries was not written"),
        }
        let _ = tokio::time::timeout(EXPIRY_PAUSE, stopped.changed()).await;
    }
}

/// One pass over everything that has ever expired.
pub async fn release_now(app: &App) -> Result<(), Error> {
    release(app, (Timestamp::from_micros(0), app.clock.now())).await
}

async fn release(app: &App, between: (Timestamp, Timestamp)) -> Result<(), Error> {
    let any = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(marks::is_expired(tx, between).await?) }));
    if any.await? {
        app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(marks::release_expired(tx, between).await?) })).await?;
    }
    sync::follow_expiries(app, between).await
}
