//! Sessions end by themselves when their time is over, approvals age out, and transactions that waited for a session go on.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    actions::{Error, aging, transactions},
    app::App,
};

/// Between two passes: the contract allows a minute.
const PAUSE: Duration = Duration::from_secs(5);
/// Most transactions of one kind in one pass; what is left is the next one's.
const ROUNDS: usize = 1_000;

/// Looks at the time until told to stop.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = pass(&app).await {
            tracing::warn!(%error, "sessions were not ended in time");
        }
        let _ = tokio::time::timeout(PAUSE, stopped.changed()).await;
    }
}

/// One pass over everything that is due. Answers how many sessions and transactions it moved.
pub async fn pass(app: &App) -> Result<usize, Error> {
    let mut moved = 0;
    for _ in 0..ROUNDS {
        match aging::end_overdue(app).await? {
            0 => break,
            some => moved += some,
        }
    }
    for _ in 0..ROUNDS {
        match aging::age_approvals(app).await? {
            0 => break,
            some => moved += some,
        }
    }
    Ok(moved + transactions::end_waiting(app).await?)
}
