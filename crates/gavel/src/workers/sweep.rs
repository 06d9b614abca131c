//! Making sweeps: one after the other, each under a lease, so that another process goes on when this one is gone.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    actions::{
        Error,
        sweeps::{self, LEASE},
    },
    app::App,
    store::{db::Dialect, sweeps as rows},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Sweeps until told to stop. A stop in the middle costs nothing: every session is a transaction.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    if app.store.dialect() == Dialect::Sqlite {
        let freed = app.store.write::<_, Error, _>(|tx| Box::pin(async move { Ok(rows::free_leases(tx).await?) })).await;
        if let Err(error) = freed {
            tracing::warn!(%error, "old leases were not freed");
        }
    }
    while !*stopped.borrow() {
        let found = tokio::select! {
            found = pass(&app) => found,
            _ = stopped.changed() => return,
        };
        match found {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a sweep stopped; it will go on"),
        }
        let _ = tokio::time::timeout(PAUSE, stopped.changed()).await;
    }
}

/// Makes one sweep. `false`: there is none.
pub async fn pass(app: &App) -> Result<bool, Error> {
    let now = app.clock.now();
    let until = now.plus_seconds(LEASE);
    let waiting = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(rows::is_waiting(tx, now).await?) })).await?;
    if !waiting {
        return Ok(false);
    }
    let claimed =
        app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(rows::claim(tx, now, until).await?) })).await?;
    match claimed {
        Some(sweep) => sweeps::run(app, &sweep).await.map(|()| true),
        None => Ok(false),
    }
}
