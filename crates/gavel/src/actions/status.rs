//! One way to change a session's status: row, history, activity and event together.

use gavel_core::{evidence::Feature, review::ActivityType, session::SessionStatus, time::Timestamp};
use serde_json::{Value, json};

use super::{
    Caller, Error, events, feed,
    letters::{self, MailTo},
    subjects,
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, activities::Activity, applications::Application, events as event_rows, queue, records, sessions, sessions::Session,
    },
};

/// What a person or a key says about a change.
#[derive(Debug, Default)]
pub struct Remark {
    /// As sent.
    pub comment: Option<String>,
    /// For a resubmission: what to repeat.
    pub resubmit_info: Option<Value>,
    /// Whom the caller wants mailed.
    pub mail_to: Option<MailTo>,
}

/// Sets the status by hand: everything a review or an update-status does to a locked session. Writes the row even when the
/// status stays the same. Answers the activity.
pub async fn set_by_hand(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    application: &Application,
    session: &mut Session,
    to: SessionStatus,
    remark: Remark,
) -> Result<Activity, Error> {
    let now = app.clock.now();
    let from = session.status;
    move_to(session, to, now);
    note_change(tx, session, from, caller.actor.display(), now).await?; // Before the status: the queue reads since when.
    sessions::set_state(tx, session).await?;
    subjects::sessions::follow(tx, caller.application, session, from, now).await?;
    if from == to {
        queue::end_claim(tx, session.id).await?; // A session that stays in the queue is free again.
    }
    if matches!(to, SessionStatus::Approved | SessionStatus::Declined) && has_screening(session) {
        records::switch_monitoring(tx, session.id, to == SessionStatus::Approved).await?;
    }
    let row = feed::Row {
        previous_status: Some(from),
        new_status: Some(to),
        comment: remark.comment,
        previous: Some(json!({ "status": from.as_str() })),
        new: Some(json!({ "status": to.as_str() })),
        changed_fields: vec!["status".into()],
        ..feed::Row::of(ActivityType::StatusUpdated)
    };
    let activity = feed::add(tx, app, caller, session, row, now).await?;
    events::status_updated(tx, app, application, session, remark.resubmit_info).await?;
    letters::tell(tx, app, (application.id, session), from, remark.mail_to, now).await?;
    Ok(activity)
}

/// Whether names were screened: those declined are not watched any longer.
fn has_screening(session: &Session) -> bool {
    session.steps.iter().any(|step| step.feature == Feature::Aml.name())
}

/// Refuses when the session has moved on since the caller looked (`If-Match`).
pub fn must_be_at(session: &Session, seen: Option<u64>) -> Result<(), Error> {
    match seen {
        Some(version) if version != session.version => Err(Error::Stale),
        _ => Ok(()),
    }
}

/// Moves status and version, and what follows from the status: a finished session has no expiry, an
/// approval has its instant.
pub fn move_to(session: &mut Session, to: SessionStatus, now: Timestamp) {
    if to == SessionStatus::Approved && session.status != to {
        session.approved_at = Some(now);
    }
    session.status = to;
    session.version += 1;
    if !to.is_unfinished() {
        session.expires_at = None;
        session.first_outcome = session.first_outcome.or(Some(to));
    }
}

/// Writes `STATUS_CHANGED` into the session's history, when it changed.
pub async fn note_change(tx: &mut Tx, session: &Session, from: SessionStatus, actor: &str, now: Timestamp) -> Result<(), Error> {
    if from == session.status {
        return Ok(());
    }
    let details = json!({ "previous_status": from.as_str(), "new_status": session.status.as_str() });
    event_rows::insert_history(tx, session.id, new_id(), ("STATUS_CHANGED", actor), &details, now).await?;
    Ok(())
}
