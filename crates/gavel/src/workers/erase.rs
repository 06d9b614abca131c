//! Going on with erasures whose process has gone, or whose request did not wait for the end.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    actions::{
        Error,
        erasure::{self, LEASE},
    },
    app::App,
    store::erasures,
};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// Erases until told to stop. A stop in the middle costs nothing: every step is a transaction.
pub async fn run(app: App, stopped: watch::Receiver<bool>) {
    super::free_leases(&app, |tx| Box::pin(erasures::free_leases(tx))).await;
    super::one_after_the_other(stopped, PAUSE, "an erasure stopped; it will go on", || pass(&app)).await;
}

/// Goes on with one erasure. `false`: there is none.
pub async fn pass(app: &App) -> Result<bool, Error> {
    let claimed = super::claim_next(
        app,
        LEASE,
        |tx, now| Box::pin(erasures::is_waiting(tx, now)),
        |tx, now, until| Box::pin(erasures::claim(tx, now, until)),
    );
    match claimed.await? {
        Some(erasure) => erasure::run(app, erasure).await.map(|()| true),
        None => Ok(false),
    }
}
