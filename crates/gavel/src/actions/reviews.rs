//! Reviews: a person or a system decides on a session, or adds a note (contract, reviews).

use gavel_core::{
    ids::SessionId,
    json::FieldErrors,
    review::{NewNote, NewReview, decide},
    session::{SessionKind, SessionStatus},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Caller, Error, decision, feed, queue,
    status::{self, Remark},
};
use crate::{
    app::App,
    store::{
        Tx,
        activities::{self, Activity},
        applications::{self, Application},
        sessions::{self, Session},
    },
};

/// A review as sent, read in both of the ways an application may want it.
pub struct ReviewBody {
    /// Where reviews decide.
    pub deciding: Result<NewReview, FieldErrors>,
    /// Where they only note.
    pub noting: Result<NewNote, FieldErrors>,
}

/// The answer to a review.
#[derive(Debug, Serialize)]
pub struct ReviewView {
    user: String,
    new_status: Option<SessionStatus>,
    comment: Option<String>,
    created_at: Timestamp,
}

impl From<Activity> for ReviewView {
    fn from(row: Activity) -> Self {
        Self {
            user: decision::user_of(row.actor_email.as_deref(), &row.actor_display).to_owned(),
            new_status: row.new_status,
            comment: row.comment,
            created_at: row.created_at,
        }
    }
}

/// A row of the feed as answered.
#[derive(Debug, Serialize)]
pub struct ActivityView {
    uuid: Uuid,
    activity_type: &'static str,
    actor_display: String,
    actor_email: Option<String>,
    actor_type: String,
    previous_status: Option<SessionStatus>,
    new_status: Option<SessionStatus>,
    comment: Option<String>,
    mentioned_emails: Vec<String>,
    previous_value: Option<Box<RawValue>>,
    new_value: Option<Box<RawValue>>,
    changed_fields: Vec<String>,
    metadata: Option<Box<RawValue>>,
    created_at: Timestamp,
}

impl From<Activity> for ActivityView {
    fn from(row: Activity) -> Self {
        Self {
            uuid: row.id.0,
            activity_type: row.kind.as_str(),
            actor_display: row.actor_display,
            actor_email: row.actor_email,
            actor_type: row.actor_type,
            previous_status: row.previous_status,
            new_status: row.new_status,
            comment: row.comment,
            mentioned_emails: row.mentioned_emails,
            previous_value: row.previous_value,
            new_value: row.new_value,
            changed_fields: row.changed_fields,
            metadata: row.metadata,
            created_at: row.created_at,
        }
    }
}

/// Decides on a session, or notes, as the application is set. `seen` is the version the caller has looked at; `take_over`
/// lets a console user decide on what somebody else has claimed.
pub async fn create(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: ReviewBody,
    seen: Option<u64>,
    take_over: bool,
) -> Result<ReviewView, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let mut session = lock(tx, &caller, id).await?;
            let activity = if application.reviews_change_status {
                let review = body.deciding?;
                status::must_be_at(&session, seen)?;
                queue::must_not_be_others(tx, &caller, &session, take_over, app.clock.now()).await?;
                decide_on(tx, &app, &caller, &application, &mut session, review).await?
            } else {
                let note = body.noting?;
                status::must_be_at(&session, seen)?;
                let activity = add_note(tx, &app, &caller, &mut session, note).await?;
                audit(tx, &caller, &session, &activity).await?;
                activity
            };
            Ok(activity.into())
        })
    })
    .await
}

/// Everything a review that decides does to a locked session.
pub(super) async fn decide_on(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    application: &Application,
    session: &mut Session,
    review: NewReview,
) -> Result<Activity, Error> {
    let to = decide(session.status, &review).to;
    let remark = Remark { comment: review.comment, ..Remark::default() };
    let activity = status::set_by_hand(tx, app, caller, application, session, to, remark).await?;
    audit(tx, caller, session, &activity).await?;
    Ok(activity)
}

async fn audit(tx: &mut Tx, caller: &Caller, session: &Session, activity: &Activity) -> Result<(), Error> {
    let objects = [("session", session.id.0), ("activity", activity.id.0)];
    Ok(caller.audit(tx, "review.created", &objects, activity.created_at).await?)
}

/// A page of a session's feed and how many rows there are.
pub async fn list(
    app: &App,
    caller: &Caller,
    id: SessionId,
    newest_first: bool,
    window: (u64, u64),
) -> Result<(Vec<ActivityView>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let session = sessions::find_session(tx, application, id).await?.ok_or(Error::NO_SESSION)?;
                user_session(&session)?;
                let (rows, total) = activities::list_page(tx, id, newest_first, window).await?;
                Ok((rows.into_iter().map(ActivityView::from).collect(), total))
            })
        })
        .await
}

pub(super) async fn lock(tx: &mut Tx, caller: &Caller, id: SessionId) -> Result<Session, Error> {
    let session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NO_SESSION)?;
    user_session(&session)?;
    Ok(session)
}

/// Reviews do not see business sessions.
pub(super) fn user_session(session: &Session) -> Result<(), Error> {
    match session.kind {
        SessionKind::User => Ok(()),
        SessionKind::Business => Err(Error::NO_SESSION),
    }
}

/// A row that changes nothing but the feed.
async fn add_note(tx: &mut Tx, app: &App, caller: &Caller, session: &mut Session, note: NewNote) -> Result<Activity, Error> {
    session.version += 1;
    sessions::set_state(tx, session).await?;
    let kind = note.activity_type();
    let row = feed::Row { new_status: note.label, comment: note.comment, ..feed::Row::of(kind) };
    feed::add(tx, app, caller, session, row, app.clock.now()).await
}
