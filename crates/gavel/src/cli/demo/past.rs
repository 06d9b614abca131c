//! The weeks before the demo began.
//!
//! The server's clock is set back and moves on from story to story, so that every row and every webhook carries the time
//! it would have had. Before each move all webhooks are waited for: a lease that runs out because the clock jumped would
//! send them twice.
//!
//! Some statuses come of time or of other parties alone. A demo cannot wait for them, so here, and only here, they are
//! written through the store: row, history and event in one transaction, as the server's own workers do.

use std::time::Duration;

use gavel_core::{ids::SessionId, session::SessionStatus};

use crate::{
    actions::{Error, events, status},
    app::App,
    store::{applications, outbox, sessions},
};

/// The server's clock on its way to the present.
pub struct Past {
    app: App,
    behind: i64,
}

impl Past {
    /// Sets the clock back by so many seconds.
    pub fn begin(app: &App, seconds: i64) -> Self {
        app.clock.advance(-seconds);
        Self { app: app.clone(), behind: seconds }
    }

    /// Moves on to so many seconds before the present; never back.
    pub async fn reach(&mut self, ago: i64) -> Result<(), Error> {
        let ago = ago.clamp(0, self.behind);
        wait_for_deliveries(&self.app).await?;
        self.app.clock.advance(self.behind - ago);
        self.behind = ago;
        Ok(())
    }

    /// Lets some time pass.
    pub async fn pass(&mut self, seconds: i64) -> Result<(), Error> {
        self.reach(self.behind - seconds).await
    }
}

/// Waits until no webhook waits, but not for ever: a delivery that failed comes again by itself.
async fn wait_for_deliveries(app: &App) -> Result<(), Error> {
    const PAUSE: Duration = Duration::from_millis(2);
    const EVER: gavel_core::time::Timestamp = gavel_core::time::Timestamp::from_micros(0); // Anything that waits at all became due after this.
    for _ in 0..1_500 {
        let due = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(outbox::next_due(tx, EVER).await?) })).await?;
        if due.is_none() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Gives a session the status that time, or somebody else, would have given it.
pub async fn set_status(app: &App, id: SessionId, to: SessionStatus) -> Result<(), Error> {
    let handle = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(application) = applications::list_applications(tx).await?.into_iter().next() else {
                    return Err(Error::NOT_FOUND);
                };
                let mut session = sessions::lock_session(tx, application.id, id).await?.ok_or(Error::NOT_FOUND)?;
                let from = session.status;
                if from == to {
                    return Ok(()); // The server was faster.
                }
                status::move_to(&mut session, to, handle.clock.now());
                sessions::set_state(tx, &session).await?;
                status::note_change(tx, &session, from, "System", handle.clock.now()).await?;
                events::status_updated(tx, &handle, &application, &session, None).await.map(drop)
            })
        })
        .await
}
