//! A transaction waits for its subject (`AWAITING_USER`): the session it waits for, and where it goes when that has ended.

use gavel_core::{
    ids::{ApplicationId, SessionId, TransactionId},
    session::SessionStatus,
    subject::SubjectStatus,
    time::Timestamp,
    transaction::{NewTransaction, TransactionStatus, Weighing},
};
use uuid::Uuid;

use super::{create::find_status, ruling::asked_for, status::move_to};
use crate::{
    actions::{Caller, Error, sessions},
    app::App,
    store::{
        Tx, applications, preview_transactions as past, sessions as session_rows, settings,
        transactions::{self, Transaction},
    },
};

/// Where a session stands when nobody waits for it any longer. One in review is waited for.
const ENDED: [SessionStatus; 5] = [
    SessionStatus::Approved,
    SessionStatus::Declined,
    SessionStatus::Expired,
    SessionStatus::Abandoned,
    SessionStatus::KycExpired,
];

/// Most transactions that are looked at in one call of [`end_waiting`].
const MOST: u64 = 1_000;

/// Starts the session of a subject that is waited for. There is none for somebody whom a rule has just blocked.
pub(super) async fn start(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    new: &NewTransaction,
    (status, workflow): (TransactionStatus, Option<Option<Uuid>>),
    now: Timestamp,
) -> Result<Option<SessionId>, Error> {
    match workflow.filter(|_| status == TransactionStatus::AwaitingUser) {
        None => Ok(None),
        Some(workflow) => {
            let whose = (new.subject.kind(), new.subject.vendor_data.as_deref());
            if find_status(tx, caller, whose).await? == Some(SubjectStatus::Blocked) {
                return Ok(None);
            }
            sessions::start_for(tx, app, caller, whose, workflow, now).await
        }
    }
}

/// Lets transactions go on whose session has ended. Answers how many; one that cannot does not hold up the others.
pub async fn end_waiting(app: &App) -> Result<usize, Error> {
    let waiting =
        app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(transactions::list_waiting_for(tx, &ENDED, MOST).await?) }));
    let mut moved = 0;
    for (application, id) in waiting.await? {
        match go_on(app, application, id).await {
            Ok(went_on) => moved += usize::from(went_on),
            Err(error) => tracing::warn!(%error, transaction = %id.0, "a transaction still waits for a session that has ended"),
        }
    }
    Ok(moved)
}

async fn go_on(app: &App, application: ApplicationId, id: TransactionId) -> Result<bool, Error> {
    let (app_, caller, now) = (app.clone(), Caller::system(application, "WORKER", ""), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(application) = applications::find_application(tx, application).await? else { return Ok(false) };
                let Some(row) = transactions::lock_transaction(tx, application.id, id).await? else { return Ok(false) };
                // Another process may have been faster, or a person; or the session is open again.
                if row.head.status != TransactionStatus::AwaitingUser {
                    return Ok(false);
                }
                let Some(session) = row.remediation_session else { return Ok(false) };
                let session = session_rows::find_session(tx, application.id, session).await?.map(|session| session.status);
                if session.is_some_and(|status| !ENDED.contains(&status)) {
                    return Ok(false);
                }
                let to = after(tx, &caller, &row, session).await?;
                let ended =
                    session.map_or("The session is gone.".to_owned(), |status| format!("The session is {}.", status.as_str()));
                move_to(tx, (&app_, &caller, &application), row, (to, Some(ended)), now).await?;
                Ok(true)
            })
        })
        .await
}

/// Where it goes: with an approval to what it would have been at once, had nobody been waited for; declined with its session;
/// to a person in every other case, and where the subject is flagged or blocked by now.
async fn after(
    tx: &mut Tx,
    caller: &Caller,
    row: &Transaction,
    session: Option<SessionStatus>,
) -> Result<TransactionStatus, Error> {
    match session {
        Some(SessionStatus::Approved) => {}
        Some(SessionStatus::Declined) => return Ok(TransactionStatus::Declined),
        _ => return Ok(TransactionStatus::InReview),
    }
    let subject = find_status(tx, caller, (row.subject_kind, row.head.subject.vendor_data.as_deref())).await?;
    let stands_well = subject.is_none_or(|status| status == SubjectStatus::Active);
    let mut rules = asked_for(tx, row.id).await?;
    for rule in &mut rules {
        rule.status = rule.status.filter(|status| *status != TransactionStatus::AwaitingUser);
    }
    let matches = past::list_matches(tx, row.id).await?;
    let flagged = !stands_well || past::is_flagged(tx, row.id).await?;
    let thresholds = settings::find_switches(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?.transaction_scores;
    Ok(Weighing { matches: &matches, rules: &rules, flagged, thresholds }.weigh().status)
}
