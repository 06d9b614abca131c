//! What the reviewers' desk needs done by itself: decisions carried out when their undo window is over, and claims and
//! presences tidied away when they count for nothing any more.

use std::time::Duration;

use gavel_core::time::Timestamp;
use tokio::sync::watch;

use crate::{
    actions::{
        Error,
        pending_review::{carry_out_due, next_due},
        presence,
    },
    app::App,
    store::{presences, queue},
};

/// The shortest undo window: whoever looks this often misses nothing that becomes due.
const DECIDE_PAUSE: Duration = Duration::from_secs(1);
const TIDY_PAUSE: Duration = Duration::from_secs(10);
/// Most decisions, and most rows of one transaction.
const PART: u64 = 500;

/// Carries decisions out until told to stop.
pub async fn decide(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let wait = match pass(&app).await {
            Ok(next) => until(next, app.clock.now()),
            Err(error) => {
                tracing::warn!(%error, "decisions that are due were not carried out");
                DECIDE_PAUSE
            }
        };
        let _ = tokio::time::timeout(wait, stopped.changed()).await;
    }
}

async fn pass(app: &App) -> Result<Option<Timestamp>, Error> {
    while carry_out_due(app, PART).await? as u64 == PART {}
    next_due(app).await
}

/// How long to wait for the next one; one that could not be carried out is tried again after a pause.
fn until(next: Option<Timestamp>, now: Timestamp) -> Duration {
    let wait = next.map_or(i64::MAX, |next| next.as_micros() - now.as_micros());
    match u64::try_from(wait) {
        Ok(wait) if wait > 0 => Duration::from_micros(wait).min(DECIDE_PAUSE),
        Ok(_) | Err(_) => DECIDE_PAUSE / 5,
    }
}

/// Tidies up until told to stop. Nothing depends on it.
pub async fn tidy(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = tidy_now(&app).await {
            tracing::warn!(%error, "claims and presences were not tidied away");
        }
        let _ = tokio::time::timeout(TIDY_PAUSE, stopped.changed()).await;
    }
}

/// One pass.
pub async fn tidy_now(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let mut left = true;
    while left {
        left = app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    presences::remove_old(tx, now.plus_seconds(-presence::LIFE)).await?;
                    Ok(queue::end_lapsed(tx, now, PART).await? == PART)
                })
            })
            .await?;
    }
    Ok(())
}
