//! Completing the subjects a migration has drawn from sessions: the key lists know them by, the status that follows from the
//! lists, and what approved sessions found. SQL alone cannot say how a text is compared. Nobody is told: nothing happened.

use gavel_core::{session::SessionKind, session::SessionStatus, subject::SubjectStatus, time::Timestamp};

use super::{origins, sessions::finding};
use crate::{
    actions::Error,
    app::App,
    store::{
        Tx, records, sessions,
        subject_locks::{self, Scope},
        subjects::{self, Subject},
    },
};

/// Subjects of one transaction.
const AT_ONCE: u64 = 200;
/// Sessions of one subject that are looked at for what they found.
const SESSIONS: u64 = 50;

/// Completes what is not complete, before the server listens. Answers how many that were.
pub async fn complete(app: &App) -> Result<usize, Error> {
    let mut all = 0;
    loop {
        let now = app.clock.now();
        let done = app.store.write::<_, Error, _>(move |tx| Box::pin(async move { complete_some(tx, now).await })).await?;
        all += done;
        if done == 0 {
            return Ok(all);
        }
    }
}

async fn complete_some(tx: &mut Tx, now: Timestamp) -> Result<usize, Error> {
    subject_locks::lock_upgrade(tx).await?;
    let found = subjects::list_incomplete(tx, AT_ONCE).await?;
    let count = found.len();
    for (application, mut subject) in found {
        if subject.kind == SessionKind::User {
            adopt(tx, application, &mut subject).await?;
        }
        let key = subject.key().ok_or_else(|| Error::fault("a subject no list could know"))?;
        subjects::set_subject(tx, &subject).await?;
        let scope = Scope::Keys(subject.kind, vec![key]);
        for mut covered in subject_locks::list_misjudged(tx, application, &scope, now).await? {
            covered.status = SubjectStatus::Blocked;
            subjects::set_subject(tx, &covered).await?;
        }
    }
    Ok(count)
}

async fn adopt(tx: &mut Tx, application: gavel_core::ids::ApplicationId, subject: &mut Subject) -> Result<(), Error> {
    let mut filter = sessions::Filter::of(application, subject.kind);
    filter.and("vendor_data = ?", [subject.vendor_data.as_ref().into()]);
    filter.and("status = ?", [SessionStatus::Approved.as_str().into()]);
    let (mut approved, _) = sessions::list_sessions(tx, &filter, (SESSIONS, 0)).await?;
    approved.reverse(); // From old to new, as it would have happened.
    for session in approved {
        let found = finding(&records::list_records(tx, session.id).await?);
        origins::adopt(tx, subject, session.id, found).await?;
    }
    Ok(())
}
