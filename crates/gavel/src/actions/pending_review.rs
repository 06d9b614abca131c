//! Decisions with an undo window: written down when they are made, carried out by a worker when the window is over, with
//! everything a review does then. Undo takes them back before. A decision is only carried out on what its author has seen:
//! when the session has changed in between, it is refused and that is written down.

use gavel_core::{
    access::Actor,
    ids::{MemberId, SessionId},
    json::{FieldErrors, Fields, Value, read},
    review::NewReview,
    session::SessionStatus,
    time::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

use super::{Caller, Error, members, queue, reviews, status};
use crate::{
    app::App,
    clock::new_id,
    store::{
        self, Tx, applications, keys,
        pending_reviews::{self, PendingReview, State},
        sessions::{self, Session},
    },
};

/// Longest undo window, in seconds.
const LONGEST: i64 = 60;
/// The undo window when none is asked for.
const USUAL: i64 = 10;
/// What decisions that wait are carried out under, in the audit trail.
const ROUTE: &str = "/x/sessions/{session_id}/pending-review/";

/// A decision as sent.
pub struct PendingBody {
    review: NewReview,
    undo_seconds: i64,
    take_over: bool,
}

impl PendingBody {
    /// Reads the body: that of a review, and how long it can be undone.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let review = NewReview::read(sent);
        let mut fields = Fields::of(sent)?;
        let undo_seconds = fields.optional("undo_seconds", read::integer(1, LONGEST));
        let take_over = fields.optional("take_over", read::boolean);
        let window = fields.finish(|| Some((undo_seconds?.unwrap_or(USUAL), take_over?.unwrap_or(false))));
        match (review, window) {
            (Ok(review), Ok((undo_seconds, take_over))) => Ok(Self { review, undo_seconds, take_over }),
            (Err(mut errors), Err(more)) => {
                errors.append(more);
                Err(errors)
            }
            (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
        }
    }
}

/// A decision that can be undone, or could, as answered.
#[derive(Debug, Serialize)]
pub struct PendingView {
    uuid: Uuid,
    session_id: SessionId,
    state: &'static str,
    reason: Option<String>,
    user: String,
    new_status: SessionStatus,
    comment: Option<String>,
    created_at: Timestamp,
    due_at: Timestamp,
    settled_at: Option<Timestamp>,
}

impl From<PendingReview> for PendingView {
    fn from(review: PendingReview) -> Self {
        Self {
            uuid: review.id,
            session_id: review.session,
            state: review.state.as_str(),
            reason: review.reason,
            user: review.actor.signed_as().to_owned(),
            new_status: review.outcome.status(),
            comment: review.comment,
            created_at: review.created_at,
            due_at: review.due_at,
            settled_at: review.settled_at,
        }
    }
}

/// Decides, with time to undo it. `seen` is the version the caller has looked at.
pub async fn create(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<PendingBody, FieldErrors>,
    seen: Option<u64>,
) -> Result<PendingView, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let session = reviews::lock(tx, &caller, id).await?;
            let PendingBody { review, undo_seconds, take_over } = body?;
            if !application.reviews_change_status {
                return Err(Error::Conflict(NOTES_ONLY.into()));
            }
            status::must_be_at(&session, seen)?;
            queue::must_not_be_others(tx, &caller, &session, take_over, now).await?;
            let pending = PendingReview {
                id: new_id(),
                application: caller.application,
                session: id,
                session_version: session.version,
                state: State::Pending,
                reason: None,
                outcome: review.outcome,
                comment: review.comment,
                actor: caller.actor.clone(),
                created_at: now,
                due_at: now.plus_seconds(undo_seconds),
                settled_at: None,
            };
            if !pending_reviews::insert_pending(tx, &pending).await? {
                return Err(Error::Conflict("A decision on this session is pending.".into()));
            }
            let objects = [("session", id.0), ("pending_review", pending.id)];
            caller.audit(tx, "review.pending", &objects, now).await?;
            Ok(pending.into())
        })
    })
    .await
}

const NOTES_ONLY: &str = "Reviews do not change the status in this application.";

/// Takes a decision back.
pub async fn undo(app: &App, caller: &Caller, id: SessionId) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            reviews::lock(tx, &caller_, id).await?;
            let last = pending_reviews::find_last(tx, id).await?.ok_or(Error::NOT_FOUND)?;
            match last.state {
                State::Pending => {}
                State::Undone => return Err(Error::NOT_FOUND),
                State::Done | State::Refused => return Err(Error::Conflict("It is too late to undo this decision.".into())),
            }
            // A due decision that nobody has carried out yet can still be taken back: the session is locked.
            pending_reviews::settle(tx, last.id, State::Undone, None, now).await?;
            caller_.audit(tx, "review.undone", &[("session", id.0), ("pending_review", last.id)], now).await?;
            Ok(())
        })
    })
    .await
}

/// The last decision on a session that could be undone.
pub async fn show(app: &App, caller: &Caller, id: SessionId) -> Result<PendingView, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let session = sessions::find_session(tx, application, id).await?.ok_or(Error::NO_SESSION)?;
                reviews::user_session(&session)?;
                Ok(pending_reviews::find_last(tx, id).await?.ok_or(Error::NOT_FOUND)?.into())
            })
        })
        .await
}

/// Carries everything out that is due. Answers how many there were.
pub async fn carry_out_due(app: &App, most: u64) -> Result<usize, Error> {
    let now = app.clock.now();
    let due = app
        .store
        .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(pending_reviews::list_due(tx, now, most).await?) }))
        .await?;
    let mut done = 0;
    for review in due {
        let id = review.id;
        match carry_out(app, review).await {
            Ok(()) => done += 1,
            Err(error) => tracing::warn!(%error, pending_review = %id, "a decision was not carried out; it is tried again"),
        }
    }
    Ok(done)
}

/// When the next one is due.
pub async fn next_due(app: &App) -> Result<Option<Timestamp>, Error> {
    app.store.read(|tx| Box::pin(async move { Ok(pending_reviews::find_next_due(tx).await?) })).await
}

/// Carries one decision out, or refuses it. Several processes may try: whoever has the session's lock first settles it, and
/// the others find nothing left to do.
async fn carry_out(app: &App, found: PendingReview) -> Result<(), Error> {
    let (app_, now) = (app.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let session = sessions::lock_session(tx, found.application, found.session).await?;
                let Some(pending) = pending_reviews::lock_pending(tx, found.id).await? else { return Ok(()) };
                let reason = decide(tx, &app_, session, &pending).await?;
                let state = if reason.is_some() { State::Refused } else { State::Done };
                Ok(pending_reviews::settle(tx, pending.id, state, reason, now).await?)
            })
        })
        .await
}

/// Answers why it was not done, if it was not.
async fn decide(
    tx: &mut Tx,
    app: &App,
    session: Option<Session>,
    pending: &PendingReview,
) -> Result<Option<&'static str>, Error> {
    let Some(mut session) = session else { return Ok(Some("Session not found.")) };
    if session.version != pending.session_version {
        return Ok(Some("The session was changed by someone else."));
    }
    let application = applications::find_application(tx, pending.application).await?.ok_or(Error::NOT_FOUND)?;
    if !application.reviews_change_status {
        return Ok(Some(NOTES_ONLY));
    }
    if !may_still(tx, pending).await? {
        return Ok(Some("Whoever decided may not decide any more."));
    }
    let caller = Caller { actor: pending.actor.clone(), success: 201, ..Caller::system(pending.application, "WORKER", ROUTE) };
    let review = NewReview { outcome: pending.outcome, comment: pending.comment.clone() };
    reviews::decide_on(tx, app, &caller, &application, &mut session, review).await?;
    Ok(None)
}

/// Whether the author may decide now: a role or a key may have gone in between.
async fn may_still(tx: &mut Tx, pending: &PendingReview) -> Result<bool, Error> {
    match &pending.actor {
        Actor::Member { id, .. } => {
            let roles = store::members::list_roles(tx, MemberId(*id)).await?;
            Ok(roles.iter().any(|(application, role)| *application == pending.application && members::may_decide(*role)))
        }
        Actor::ApiKey { id, .. } => Ok(!keys::is_revoked(tx, *id).await?),
        Actor::System => Ok(true),
    }
}
