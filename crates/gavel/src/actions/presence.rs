//! Who looks at a session now: reviewers say so every few seconds, and are forgotten when they do not.

use gavel_core::{ids::SessionId, json::FieldErrors, time::Timestamp};
use serde::Serialize;

use super::{
    Caller, Error,
    queue::{HolderView, ReviewerBody, holder},
};
use crate::{
    app::App,
    store::{Tx, presences, sessions},
};

/// How long a look counts, in seconds.
pub const LIFE: i64 = 30;

/// Everybody who looks.
#[derive(Debug, Serialize)]
pub struct Present {
    present: Vec<PresenceView>,
}

#[derive(Debug, Serialize)]
struct PresenceView {
    #[serde(flatten)]
    holder: HolderView,
    seen_at: Timestamp,
}

/// Says that the caller looks; answers who does.
pub async fn note(app: &App, caller: &Caller, id: SessionId, body: Result<ReviewerBody, FieldErrors>) -> Result<Present, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            sessions::find_session(tx, caller_.application, id).await?.ok_or(Error::NOT_FOUND)?;
            let holder = holder(&caller_, body?.0)?;
            presences::set_presence(tx, id, &holder, now).await?;
            present(tx, id, now).await
        })
    })
    .await
}

/// Who looks at a session.
pub async fn show(app: &App, caller: &Caller, id: SessionId) -> Result<Present, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                sessions::find_session(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                present(tx, id, now).await
            })
        })
        .await
}

async fn present(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<Present, Error> {
    let rows = presences::list_presences(tx, id, now.plus_seconds(-LIFE)).await?;
    let present = rows.into_iter().map(|row| PresenceView { holder: row.holder.into(), seen_at: row.seen_at });
    Ok(Present { present: present.collect() })
}
