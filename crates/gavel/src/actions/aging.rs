//! What time does to sessions (contract, sessions §1): one that was never opened expires, one that was not finished is
//! abandoned, and an approval may age out. Each change has its history, its event and its audit row.
//!
//! A call here is one transaction over a few sessions. Rows that somebody else holds are passed over and are the next
//! call's, so several processes may do this at once and nobody waits.

use gavel_core::{ids::ApplicationId, session::SessionStatus, time::Timestamp};
use serde_json::json;

use super::{Caller, Error, events, status};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications, events as event_rows,
        sessions::{self, Named, Session},
    },
};

/// Most sessions of one transaction.
const MOST: u64 = 50;
const DAY: i64 = 86_400;

/// Ends unfinished sessions whose time is over. Answers how many.
pub async fn end_overdue(app: &App) -> Result<usize, Error> {
    let (app_, now) = (app.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let overdue = sessions::lock_overdue(tx, now, MOST).await?;
                age(tx, &app_, &overdue, now).await
            })
        })
        .await
}

/// Lets approvals age out where the application says so. Answers how many.
pub async fn age_approvals(app: &App) -> Result<usize, Error> {
    let ages = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_kyc_expiries(tx).await?) }));
    let mut aged = 0;
    for (application, days) in ages.await? {
        aged += age_approvals_of(app, application, days).await?;
    }
    Ok(aged)
}

async fn age_approvals_of(app: &App, application: ApplicationId, days: i64) -> Result<usize, Error> {
    let (app_, now) = (app.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let before = now.plus_seconds(days.saturating_mul(-DAY));
                let old = sessions::lock_approved_before(tx, application, before, MOST).await?;
                age(tx, &app_, &old, now).await
            })
        })
        .await
}

async fn age(tx: &mut Tx, app: &App, due: &[Named], now: Timestamp) -> Result<usize, Error> {
    for (application, id) in due {
        let Some(application) = applications::find_application(tx, *application).await? else { continue };
        let Some(mut session) = sessions::lock_session(tx, application.id, *id).await? else { continue };
        let Some(to) = next(session.status) else { continue };
        let from = session.status;
        status::move_to(&mut session, to, now);
        sessions::set_state(tx, &session).await?;
        note(tx, &session, from, now).await?;
        events::status_updated(tx, app, &application, &session, None).await?;
        Caller::system(application.id, "WORKER", "").audit(tx, "session.aged", &[("session", id.0)], now).await?;
    }
    Ok(due.len())
}

/// What becomes of a session whose time is over.
const fn next(status: SessionStatus) -> Option<SessionStatus> {
    match status {
        SessionStatus::NotStarted => Some(SessionStatus::Expired),
        SessionStatus::InProgress | SessionStatus::Resubmitted | SessionStatus::AwaitingUser => Some(SessionStatus::Abandoned),
        SessionStatus::Approved => Some(SessionStatus::KycExpired),
        SessionStatus::InReview
        | SessionStatus::Declined
        | SessionStatus::Expired
        | SessionStatus::KycExpired
        | SessionStatus::Abandoned => None,
    }
}

/// An expiry has a row of its own kind in the history.
async fn note(tx: &mut Tx, session: &Session, from: SessionStatus, now: Timestamp) -> Result<(), Error> {
    if session.status != SessionStatus::Expired {
        return status::note_change(tx, session, from, "System", now).await;
    }
    let details = json!({ "previous_status": from.as_str(), "new_status": session.status.as_str() });
    event_rows::insert_history(tx, session.id, new_id(), ("SESSION_EXPIRED", "System"), &details, now).await?;
    Ok(())
}
