//! Forgetting: deliveries and dead letters are kept for a time and then removed, with the events nothing refers to any
//! more. What has waited as long for a paused destination is given up first: as a dead letter it can still be listed and
//! sent again for the same time. Once an hour, in small transactions.

use std::time::Duration;

use tokio::sync::watch;

use crate::{actions::Error, app::App, store::dead_letters};

/// Between two passes.
const PAUSE: Duration = Duration::from_secs(3_600);
/// Most transactions of one pass; what is left is the next one's.
const ROUNDS: usize = 1_000;

/// Forgets until told to stop.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = pass(&app).await {
            tracing::warn!(%error, "old deliveries were not removed");
        }
        let _ = tokio::time::timeout(PAUSE, stopped.changed()).await;
    }
}

/// One pass. Answers how many rows it removed, and how many events it gave up.
pub async fn pass(app: &App) -> Result<(u64, u64), Error> {
    let kept = i64::try_from(app.config.webhook_retention.as_secs()).map_err(Error::fault)?;
    let now = app.clock.now();
    let before = now.plus_seconds(-kept);
    let mut given_up = 0;
    for _ in 0..ROUNDS {
        let job = app
            .store
            .write::<_, Error, _>(move |tx| Box::pin(async move { Ok(dead_letters::give_up_paused(tx, before, now).await?) }));
        match job.await? {
            0 => break,
            rows => given_up += rows,
        }
    }
    if given_up > 0 {
        tracing::warn!(events = given_up, "given up: they have waited for a paused destination for as long as payloads are kept");
    }
    let mut removed = 0;
    for _ in 0..ROUNDS {
        let job =
            app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(dead_letters::remove_old(tx, before).await?) }));
        match job.await? {
            0 => break,
            rows => removed += rows,
        }
    }
    Ok((removed, given_up))
}
