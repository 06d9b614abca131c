//! What the server does by itself. Each worker waits for a signal or a timer, then makes a full pass: a lost signal costs
//! a short wait, never work.

pub mod attempt;
pub mod deliver;
pub mod desk;
pub mod erase;
pub mod forget;
pub mod imports;
pub mod lists;
pub mod mail;
mod record;
pub mod retain;
pub mod seal;
pub mod sessions;
pub mod sweep;

use std::time::Duration;

use futures_util::future::BoxFuture;
use gavel_core::time::Timestamp;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    actions::{Error, signins},
    app::App,
    store::{StoreError, Tx, db::Dialect, idempotency},
};

/// The running workers of a server.
pub struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Starts all workers.
pub fn start(app: &App) -> Workers {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(deliver::run(app.clone(), stopped.clone()));
    tasks.spawn(relay_wakes(app.clone(), stopped.clone()));
    tasks.spawn(lists::follow(app.clone(), stopped.clone()));
    tasks.spawn(lists::count(app.clone(), stopped.clone()));
    tasks.spawn(lists::expire(app.clone(), stopped.clone()));
    tasks.spawn(seal::run(app.clone(), stopped.clone()));
    tasks.spawn(sessions::run(app.clone(), stopped.clone()));
    tasks.spawn(mail::run(app.clone(), stopped.clone()));
    tasks.spawn(desk::decide(app.clone(), stopped.clone()));
    tasks.spawn(desk::tidy(app.clone(), stopped.clone()));
    tasks.spawn(forget_old_answers(app.clone(), stopped.clone()));
    tasks.spawn(erase::run(app.clone(), stopped.clone()));
    tasks.spawn(sweep::run(app.clone(), stopped.clone()));
    tasks.spawn(imports::run(app.clone(), stopped.clone()));
    tasks.spawn(retain::run(app.clone(), stopped.clone()));
    tasks.spawn(forget::run(app.clone(), stopped));
    Workers { tasks, stop }
}

impl Workers {
    /// Asks all to end and waits until they have: attempts in flight are finished and recorded.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Frees what an earlier process held. Only the one process of a SQLite file does this, at its start: nobody else can hold
/// anything.
async fn free_leases<F>(app: &App, free: F)
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<(), StoreError>> + Send + 'static,
{
    if app.store.dialect() == Dialect::Sqlite
        && let Err(error) = app.store.write(free).await
    {
        tracing::warn!(%error, "old leases were not freed");
    }
}

/// Claims the next piece of work, for so many seconds. Whether there is any is only read, so that idling writes nothing.
async fn claim_next<T, W, C>(app: &App, lease: i64, is_waiting: W, claim: C) -> Result<Option<T>, Error>
where
    W: for<'t> FnOnce(&'t mut Tx, Timestamp) -> BoxFuture<'t, Result<bool, StoreError>> + Send + 'static,
    C: for<'t> FnOnce(&'t mut Tx, Timestamp, Timestamp) -> BoxFuture<'t, Result<Option<T>, StoreError>> + Send + 'static,
    T: Send + 'static,
{
    let now = app.clock.now();
    let until = now.plus_seconds(lease);
    if !app.store.read(move |tx| is_waiting(tx, now)).await? {
        return Ok(None);
    }
    Ok(app.store.write(move |tx| claim(tx, now, until)).await?)
}

/// Does one piece of work after the other until told to stop, also in the middle of one; when there is none (`false`), or
/// one failed, it looks again after a pause.
async fn one_after_the_other<P>(mut stopped: watch::Receiver<bool>, pause: Duration, failed: &str, pass: impl Fn() -> P)
where
    P: Future<Output = Result<bool, Error>>,
{
    while !*stopped.borrow() {
        let found = tokio::select! {
            found = pass() => found,
            _ = stopped.changed() => return,
        };
        match found {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "{failed}"),
        }
        let _ = tokio::time::timeout(pause, stopped.changed()).await;
    }
}

/// Between processes on one database: what one commits wakes the workers of the others.
async fn relay_wakes(app: App, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = app.store.relay_wakes() => {}
        _ = stopped.changed() => {}
    }
}

/// Once an hour, answers kept for `Idempotency-Key` are forgotten when their day is over, and sign-ins that have ended.
async fn forget_old_answers(app: App, mut stopped: watch::Receiver<bool>) {
    const PAUSE: Duration = Duration::from_secs(3_600);
    while !*stopped.borrow() {
        let now = app.clock.now();
        let removed =
            app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(idempotency::remove_old(tx, now).await?) })).await;
        if let Err(error) = removed {
            tracing::warn!(%error, "old answers were not forgotten");
        }
        if let Err(error) = signins::forget_ended(&app).await {
            tracing::warn!(%error, "ended sign-ins were not forgotten");
        }
        let _ = tokio::time::timeout(PAUSE, stopped.changed()).await;
    }
}
