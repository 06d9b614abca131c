//! Retention, once an hour.

use std::time::Duration;

use tokio::sync::watch;

use crate::{actions::retention, app::App};

/// Between two passes.
const PAUSE: Duration = Duration::from_secs(3_600);

/// Applies what applications have said about how long values are kept, until told to stop.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let applied = tokio::select! {
            applied = retention::apply(&app) => applied,
            _ = stopped.changed() => return,
        };
        match applied {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "retention applied"),
            Err(error) => tracing::warn!(%error, "retention was not applied"),
        }
        let _ = tokio::time::timeout(PAUSE, stopped.changed()).await;
    }
}
