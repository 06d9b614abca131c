//! Forgetting: deliveries, dead letters and the queues of paused destinations are kept for a time and then removed,
//! with the events nothing refers to any more. Once an hour, in small transactions.

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

/// One pass. Answers how many rows it removed.
pub async fn pass(app: &App) -> Result<u64, Error> {
    let kept = i64::try_from(app.config.webhook_retention.as_secs()).map_err(Error::fault)?;
    let before = app.clock.now().plus_seconds(-kept);
    let mut removed = 0;
    for _ in 0..ROUNDS {
        let now = app.store.write(move |tx| Box::pin(async move { Ok(dead_letters::remove_old(tx, before).await?) })).await;
        match now {
            Ok(0) => break,
            Ok(rows) => removed += rows,
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}
