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
    Caller, Error, decision, notify,
    status::{self, Remark},
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        activities::{self, Activity},
        applications, sessions,
        sessions::Session,
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
            user: decision::user_of(&row).to_owned(),
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

/// Decides on a session, or notes, as the application is set. `seen` is the version the caller has looked at.
pub async fn create(app: &App, caller: &Caller, id: SessionId, body: ReviewBody, seen: Option<u64>) -> Result<ReviewView, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let mut session = lock(tx, &caller, id).await?;
            let activity = if application.reviews_change_status {
                let review = body.deciding?;
                status::must_be_at(&session, seen)?;
                let to = decide(session.status, &review).to;
                let remark = Remark { comment: review.comment, ..Remark::default() };
                status::set_by_hand(tx, &app, &caller, &application, &mut session, to, remark).await?
            } else {
                let note = body.noting?;
                status::must_be_at(&session, seen)?;
                add_note(tx, &app, &caller, &mut session, note).await?
            };
            let objects = [("session", session.id.0), ("activity", activity.id.0)];
            caller.audit(tx, "review.created", &objects, activity.created_at).await?;
            Ok(activity.into())
        })
    })
    .await
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

async fn lock(tx: &mut Tx, caller: &Caller, id: SessionId) -> Result<Session, Error> {
    let session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NO_SESSION)?;
    user_session(&session)?;
    Ok(session)
}

/// Reviews do not see business sessions.
fn user_session(session: &Session) -> Result<(), Error> {
    match session.kind {
        SessionKind::User => Ok(()),
        SessionKind::Business => Err(Error::NO_SESSION),
    }
}

/// A row that changes nothing but the feed.
async fn add_note(tx: &mut Tx, app: &App, caller: &Caller, session: &mut Session, note: NewNote) -> Result<Activity, Error> {
    session.version += 1;
    sessions::set_state(tx, session).await?;
    let activity = Activity {
        id: new_id(),
        kind: note.activity_type(),
        actor_type: caller.actor.actor_type().as_str().to_owned(),
        actor_id: caller.actor.id(),
        actor_display: caller.actor.display().to_owned(),
        actor_email: caller.actor.email().map(str::to_owned),
        previous_status: None,
        new_status: note.label,
        comment: note.comment,
        mentioned_emails: Vec::new(),
        previous_value: None,
        new_value: None,
        changed_fields: Vec::new(),
        metadata: None,
        created_at: app.clock.now(),
    };
    notify::write_row(tx, app, caller, session, activity).await
}
