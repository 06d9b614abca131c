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
    let now = app.clock.now();
    let until = now.plus_seconds(LEASE);
    let waiting =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(erasures::is_waiting(tx, now).await?) })).await?;
    if !waiting {
        return Ok(false);
    }
    let claimed =
        app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(erasures::claim(tx, now, until).await?) })).await?;
    match claimed {
        Some(erasure) => erasure::run(app, erasure).await.map(|()| true),
        None => Ok(false),
    }
}
