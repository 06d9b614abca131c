//! Making sweeps: one after the other, each under a lease, so that another process goes on when this one is gone.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    actions::{
        Error,
        sweeps::{self, LEASE},
    },
    app::App,
    store::sweeps as rows,
};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Sweeps until told to stop. A stop in the middle costs nothing: every session is a transaction.
pub async fn run(app: App, stopped: watch::Receiver<bool>) {
    super::free_leases(&app, |tx| Box::pin(rows::free_leases(tx))).await;
    super::one_after_the_other(stopped, PAUSE, "a sweep stopped; it will go on", || pass(&app)).await;
}

/// Makes one sweep. `false`: there is none.
pub async fn pass(app: &App) -> Result<bool, Error> {
    let claimed = super::claim_next(
        app,
        LEASE,
        |tx, now| Box::pin(rows::is_waiting(tx, now)),
        |tx, now, until| Box::pin(rows::claim(tx, now, until)),
    );
    match claimed.await? {
        Some(sweep) => sweeps::run(app, &sweep).await.map(|()| true),
        None => Ok(false),
    }
}
