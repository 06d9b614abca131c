//! What can be done. API, workers and command line all come here.
//!
//! An action has one order: may I, load, decide, write, audit and outbox, commit, wake. It runs in one transaction
//! ([`crate::app::App::act`]); its commit is the last line that can fail. The rules it applies are in `gavel-core`, the
//! statements in [`crate::store`]; what it refuses is an [`Error`], which knows nothing of HTTP.

pub mod accounts;
pub mod aging;
mod amendment;
pub mod api_keys;
pub mod applications;
mod approval;
pub mod as_of;
pub mod audit_keys;
pub mod audit_trail;
pub mod blocklist;
pub mod decision;
pub mod delete_session;
pub mod destinations;
pub mod doors;
pub mod edits;
pub mod entries;
pub mod entry_details;
pub mod erasure;
pub mod events;
pub mod evidence;
pub mod export;
pub mod feature_status;
mod feed;
pub mod hit_counts;
pub mod import;
pub mod keys;
pub mod letters;
pub mod links;
pub mod list_history;
pub mod list_settings;
pub mod lists;
pub mod lookup;
mod matches;
pub mod me;
pub mod media;
pub mod members;
pub mod new_session;
pub mod notifications;
mod notify;
pub mod pending_review;
mod portrait;
pub mod presence;
pub mod preview;
pub mod proposals;
pub mod questionnaires;
pub mod queue;
pub mod replay;
pub mod resend;
mod resubmit;
pub mod retention;
pub mod reviews;
mod rules;
pub mod screen;
pub mod seal;
mod searchable;
pub mod session_files;
pub mod session_imports;
pub mod session_list;
pub mod session_notes;
pub mod sessions;
pub mod settings;
pub mod share;
pub mod signins;
pub mod single_url;
pub mod status;
mod steps;
pub mod subjects;
pub mod sweeps;
pub mod traces;
pub mod transaction_rules;
pub mod transactions;
pub mod upkeep;
mod versions;
pub mod workflows;

use std::net::IpAddr;

use gavel_core::{
    access::{Actor, Level, Power, Resource},
    ids::{ApplicationId, MediaId},
    json::FieldErrors,
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    app::App,
    clock::{new_id, random},
    limits::Exceeded,
    store::{
        StoreError, Tx, audit,
        idempotency::{self, Claim},
    },
};

/// Who asks, from where, for what.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The application everything happens in.
    pub application: ApplicationId,
    /// The key, the person, or the server itself.
    pub actor: Actor,
    /// `GET`, `POST`, …; `CLI` for commands, `WORKER` for the server's own doing.
    pub method: String,
    /// Template of the route, such as `/v3/lists/{list_uuid}/`.
    pub route: &'static str,
    /// Status code a success is answered with.
    pub success: u16,
    /// The path as sent: personal, kept beside the audit row.
    pub path: String,
    /// Where the request came from: personal as well.
    pub ip: Option<IpAddr>,
    /// Set when the request runs under an `Idempotency-Key`.
    pub claim: Option<Claim>,
}

impl Caller {
    /// The server itself, or somebody at its command line.
    pub fn system(application: ApplicationId, method: &str, route: &'static str) -> Self {
        Self {
            application,
            actor: Actor::System,
            method: method.to_owned(),
            route,
            success: 0,
            path: String::new(),
            ip: None,
            claim: None,
        }
    }

    /// Refuses when the caller may not do this.
    pub fn must(&self, resource: Resource, level: Level) -> Result<(), Error> {
        if self.actor.may(resource, level) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Refuses when the caller does not have this power.
    pub fn must_have(&self, power: Power) -> Result<(), Error> {
        if self.actor.has(power) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Lets the claim on an `Idempotency-Key` hold on, in a transaction of several. Refuses when the same request is at work
    /// elsewhere by now.
    pub(in crate::actions) async fn renew_claim(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
        match &self.claim {
            Some(claim) if !idempotency::renew(tx, self.application, claim, now).await? => Err(Error::StillRunning),
            Some(_) | None => Ok(()),
        }
    }

    /// Writes the audit row of a successful change. The only way to one.
    pub async fn audit(&self, tx: &mut Tx, kind: &str, objects: &[(&str, Uuid)], at: Timestamp) -> Result<(), StoreError> {
        self.audit_values(tx, kind, objects, serde_json::Map::new(), at).await
    }

    /// The same, with values kept beside the row: what stood there before and after, what the caller said.
    pub async fn audit_values(
        &self,
        tx: &mut Tx,
        kind: &str,
        objects: &[(&str, Uuid)],
        values: serde_json::Map<String, serde_json::Value>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        audit::append(tx, &[self.audit_row(kind, objects, values, at)]).await
    }

    /// A row per object, of a change of many.
    pub async fn audit_each(
        &self,
        tx: &mut Tx,
        kind: &str,
        name: &str,
        objects: impl Iterator<Item = Uuid>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let objects: Vec<[(&str, Uuid); 1]> = objects.map(|id| [(name, id)]).collect();
        let rows: Vec<audit::Event<'_>> =
            objects.iter().map(|object| self.audit_row(kind, object, serde_json::Map::new(), at)).collect();
        audit::append(tx, &rows).await
    }

    fn audit_row<'a>(
        &'a self,
        kind: &'a str,
        objects: &'a [(&'a str, Uuid)],
        values: serde_json::Map<String, serde_json::Value>,
        at: Timestamp,
    ) -> audit::Event<'a> {
        let mut personal = serde_json::json!({
            "path": self.path,
            "ip": self.ip.map(|ip| ip.to_string()),
            "email": self.actor.email(),
        });
        if let Some(members) = personal.as_object_mut() {
            members.extend(values);
        }
        audit::Event {
            id: new_id(),
            application: self.application,
            kind,
            actor_type: self.actor.actor_type().as_str(),
            actor_id: self.actor.id(),
            method: &self.method,
            route: self.route,
            status_code: self.success,
            objects,
            personal: personal.to_string(),
            salt: random(),
            at,
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such object in this application, or none any more. The text is the contract's for this route.
    #[error("{0}")]
    NotFound(&'static str),
    /// The same, where the contract's text names what was looked for.
    #[error("not found")]
    NoSuch(String),
    /// The key or the person may not do this.
    #[error("not permitted")]
    Forbidden,
    /// The same, where the state of things is why, and the text says so.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// There is no such account, or password or code are wrong: one answer for all.
    #[error("wrong sign-in")]
    WrongSignIn,
    /// The password was right; the account has a second factor.
    #[error("code needed")]
    CodeNeeded,
    /// Too many failed before; the seconds to wait.
    #[error("too many attempts")]
    TooManyAttempts(u64),
    /// More than this caller may ask for at once.
    #[error("rate limit")]
    Limited(Box<Exceeded>),
    /// Fields of the body or the query are not acceptable.
    #[error("invalid fields")]
    Invalid(FieldErrors),
    /// The state of things does not allow it.
    #[error("{0}")]
    Refused(String),
    /// The same, where the contract answers with a bare array.
    #[error("{0}")]
    RefusedBare(&'static str),
    /// The session has moved on since the caller looked.
    #[error("stale")]
    Stale,
    /// What this was begun with has moved on; it is begun again.
    #[error("to be begun again")]
    Again,
    /// Somebody else stands in the way: what is asked for may be right at another time.
    #[error("{0}")]
    Conflict(String),
    /// The same, where it passes by itself and the contract says so.
    #[error("{0}")]
    Busy(&'static str),
    /// It was there and is gone for good.
    #[error("{0}")]
    Gone(&'static str),
    /// The first request under this `Idempotency-Key` has not ended.
    #[error("still running")]
    StillRunning,
    /// The `Idempotency-Key` belongs to another request.
    #[error("key used with a different request")]
    OtherRequest,
    /// What it was about has been erased.
    #[error("erased")]
    Erased,
    /// Something this server was not set up with; the text is the contract's.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// The database or the disk cannot be reached. Trying again can help.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours, for the log.
    #[error("fault: {0}")]
    Fault(String),
}

impl Error {
    /// An unknown, foreign or deleted object.
    pub const NOT_FOUND: Self = Self::NotFound("Not found.");
    /// The same, where the contract names the session.
    pub const NO_SESSION: Self = Self::NotFound("Session not found.");

    /// One field is wrong.
    pub fn field(name: &'static str, text: &'static str) -> Self {
        Self::Invalid(FieldErrors::one(name, text))
    }

    /// Whether it is certain that nothing was written. A connection that broke may have broken after the commit.
    fn wrote_nothing(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Fault(_))
    }

    /// Something that cannot happen did.
    pub fn fault(error: impl std::fmt::Display) -> Self {
        Self::Fault(error.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => Self::Unavailable(reason),
            StoreError::Fault(reason) => Self::Fault(reason),
        }
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

/// Deletes files that were stored for a change which then was refused: nobody could find them any more, and they are
/// pictures of people. Where it is not known whether the change happened they stay: a file without a row harms less than a
/// row without its file.
async fn discard_if_refused<T>(app: &App, done: &Result<T, Error>, files: &[MediaId]) {
    if done.as_ref().is_err_and(Error::wrote_nothing) {
        app.media.remove(files).await;
    }
}
