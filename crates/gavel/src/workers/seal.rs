//! The sealer: audit rows into their chains soon after the commit that wrote them, and a signature on the end of every
//! chain from time to time ([`seal`]).
//!
//! Nothing it knows is its own: a second sealer, or this one after a `kill -9`, finds the queue and the chains as they are
//! committed. What was sealed and not signed is signed by the next pass of anybody.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::{actions::seal, app::App};

/// After a wake-up, so that the rows of many commits are sealed by one.
const GATHER: Duration = Duration::from_millis(100);
/// Longest sleep between two looks: another process may have written and ended.
const POLL: Duration = Duration::from_secs(1);
/// Between two signatures of one chain.
const SIGN_EVERY: Duration = Duration::from_secs(5);

/// Seals until told to stop; then seals and signs what is left.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    let mut signed: Option<Instant> = None;
    loop {
        let ending = *stopped.borrow();
        if let Err(error) = seal::seal_all(&app).await {
            tracing::error!(%error, "audit rows could not be sealed");
        }
        if ending || signed.is_none_or(|at| at.elapsed() >= SIGN_EVERY) {
            if let Err(error) = seal::sign_all(&app).await {
                tracing::error!(%error, "the audit trail could not be signed");
            }
            signed = Some(Instant::now());
        }
        if ending {
            return;
        }
        tokio::select! {
            () = app.store.wakes().audit.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(POLL) => {}
            _ = stopped.changed() => {}
        }
    }
}
