//! Sharing a session with another application of this server (contract, sessions §15).
//!
//! The owner asks for a token ([`share`]), the other application redeems it once ([`import()`]) and has a session of its own
//! then: what was found, the pictures, the decisions. From there on the two know nothing of each other. What is the owner's
//! alone stays: its free data, callback and contacts, its tags, notes and files, its other sessions and lists.

mod copy;
mod import;

use gavel_core::{
    ids::{ApplicationId, SessionId},
    json::{FieldErrors, Fields, Value, read},
    session::{SessionKind, SessionStatus},
};
use serde::Serialize;

use super::{Caller, Error};
use crate::{
    app::App,
    share_token::{self, Share},
    store::{applications, sessions},
};
pub use import::{ImportBody, import};

/// Seconds a token works unless something else is asked for.
const LIFETIME: i64 = 3_600;

/// With whom a session is to be shared, as sent.
pub struct ShareBody {
    with: ApplicationId,
    seconds: i64,
}

impl ShareBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let with = fields.required("for_application_id", read::uuid);
        let seconds = fields.optional("ttl_in_seconds", read::integer(60, 86_400));
        fields.finish(|| Some(Self { with: with?, seconds: seconds?.unwrap_or(LIFETIME) }))
    }
}

/// A token as answered.
#[derive(Debug, Serialize)]
pub struct Shared {
    share_token: String,
    for_application_id: ApplicationId,
    session_kind: SessionKind,
}

/// Lets another application make its copy of a session.
pub async fn share(app: &App, caller: &Caller, id: SessionId, body: Result<ShareBody, FieldErrors>) -> Result<Shared, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let session = sessions::find_session(tx, caller_.application, id).await?.ok_or(Error::NOT_FOUND)?;
            let ShareBody { with, seconds } = body?;
            must_be_finished(session.status)?;
            if with == caller_.application {
                return Err(Error::field("for_application_id", "Cannot share a session with the same application."));
            }
            if applications::find_application(tx, with).await?.is_none() {
                return Err(Error::field("for_application_id", "Target application does not exist."));
            }
            let share = Share { session: id, from: caller_.application, to: with };
            caller_.audit(tx, "session.shared", &[("session", id.0), ("application", with.0)], now).await?;
            Ok(Shared {
                share_token: share_token::issue(&app_.secrets, share, now, seconds),
                for_application_id: with,
                session_kind: session.kind,
            })
        })
    })
    .await
}

/// Only what has an outcome is shared.
fn must_be_finished(status: SessionStatus) -> Result<(), Error> {
    match status {
        SessionStatus::Approved | SessionStatus::Declined | SessionStatus::InReview => Ok(()),
        SessionStatus::NotStarted
        | SessionStatus::InProgress
        | SessionStatus::AwaitingUser
        | SessionStatus::Resubmitted
        | SessionStatus::Expired
        | SessionStatus::KycExpired
        | SessionStatus::Abandoned => {
            Err(Error::field("detail", "Only finished sessions (\"Approved\", \"Declined\", \"In Review\") can be shared."))
        }
    }
}
