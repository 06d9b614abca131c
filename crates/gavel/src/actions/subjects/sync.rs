//! Subjects that follow the lists (contract, lists §8): an entry added blocks whom it names, an entry that is gone or has
//! expired lets them go, unless another covers them.
//!
//! A change of a list asks [`lock_list`], [`lock_entry`] or [`lock_values`] before it takes the revision, and [`follow`] when
//! its entries are written. Which way a status moves is read from the entries that live then, whatever the change was.

use gavel_core::{
    entry::EntryValue,
    ids::{ApplicationId, EntryId, ListId},
    session::SessionKind,
    subject::{Reason, SubjectStatus, entry_type},
    time::Timestamp,
};

use super::telling::Scribe;
use crate::{
    actions::{Caller, Error},
    app::App,
    store::{
        Tx,
        subject_locks::{self, Scope},
    },
};

/// Most keys one pass over expiries takes.
const MOST: u64 = 1_000;

/// Holds whom an entry names.
pub(in crate::actions) async fn lock_entry(
    tx: &mut Tx,
    application: ApplicationId,
    list: ListId,
    entry: EntryId,
) -> Result<Scope, Error> {
    let Some(kind) = subject_locks::find_blocked_kind(tx, application, list).await? else { return Ok(Scope::Nobody) };
    let key = subject_locks::find_entry_key(tx, list, entry).await?;
    lock(tx, application, Scope::Keys(kind, key.into_iter().collect())).await
}

/// Holds everybody the entries of a list name or named.
pub(in crate::actions) async fn lock_list(tx: &mut Tx, application: ApplicationId, list: ListId) -> Result<Scope, Error> {
    let Some(kind) = subject_locks::find_blocked_kind(tx, application, list).await? else { return Ok(Scope::Nobody) };
    lock(tx, application, Scope::List(kind, list)).await
}

/// Holds whom these values of a list name.
pub(in crate::actions) async fn lock_values<'v>(
    tx: &mut Tx,
    application: ApplicationId,
    list: ListId,
    sent: impl Iterator<Item = &'v str> + Send,
) -> Result<Scope, Error> {
    let Some(kind) = subject_locks::find_blocked_kind(tx, application, list).await? else { return Ok(Scope::Nobody) };
    let values = sent.filter_map(|sent| EntryValue::parse(entry_type(kind), sent).ok());
    let digests = values.map(|value| value.digest()).collect();
    lock(tx, application, Scope::Keys(kind, digests)).await
}

/// Holds everybody, for changes of any list.
pub(in crate::actions) async fn lock_everybody(tx: &mut Tx, application: ApplicationId) -> Result<(), Error> {
    for kind in SessionKind::ALL {
        subject_locks::hold_kind(tx, application, kind).await?;
    }
    Ok(())
}

/// Has whom the entries of a list name or named follow a change; everybody is held.
pub(in crate::actions) async fn follow_list(tx: &mut Tx, caller: &Caller, list: ListId, now: Timestamp) -> Result<(), Error> {
    match subject_locks::find_blocked_kind(tx, caller.application, list).await? {
        Some(kind) => follow(tx, caller, &Scope::List(kind, list), now).await,
        None => Ok(()),
    }
}

async fn lock(tx: &mut Tx, application: ApplicationId, scope: Scope) -> Result<Scope, Error> {
    subject_locks::lock(tx, application, &scope).await?;
    Ok(scope)
}

/// Has the subjects of a scope follow a change of the lists that is written.
pub(in crate::actions) async fn follow(tx: &mut Tx, caller: &Caller, scope: &Scope, now: Timestamp) -> Result<(), Error> {
    if matches!(scope, Scope::Nobody) {
        return Ok(());
    }
    let scribe = Scribe::of(tx, caller, now).await?;
    judge(tx, &scribe, scope, Reason::Manual).await
}

/// The same after a rule over transactions has added an entry: that is why those are blocked who are.
pub(in crate::actions) async fn follow_rule(tx: &mut Tx, caller: &Caller, scope: &Scope, now: Timestamp) -> Result<(), Error> {
    let scribe = Scribe::of(tx, caller, now).await?;
    judge_for(tx, &scribe, scope, Reason::Manual, Reason::TransactionRule).await
}

/// Sets the status of everybody in a scope whose status is not what the entries say; why those are free that are.
pub(super) async fn judge(tx: &mut Tx, scribe: &Scribe<'_>, scope: &Scope, freed: Reason) -> Result<(), Error> {
    judge_for(tx, scribe, scope, freed, Reason::BlocklistMatch).await
}

async fn judge_for(tx: &mut Tx, scribe: &Scribe<'_>, scope: &Scope, freed: Reason, blocked: Reason) -> Result<(), Error> {
    for mut subject in subject_locks::list_misjudged(tx, scribe.application(), scope, scribe.now).await? {
        let (to, reason) = match subject.status {
            SubjectStatus::Blocked => (SubjectStatus::Active, freed),
            SubjectStatus::Active | SubjectStatus::Flagged => (SubjectStatus::Blocked, blocked),
        };
        scribe.set_status(tx, &mut subject, to, reason, None).await?;
    }
    Ok(())
}

/// Lets those go whose last entry expired after one instant and up to another, each key in a transaction of its own.
pub async fn follow_expiries(app: &App, between: (Timestamp, Timestamp)) -> Result<(), Error> {
    loop {
        let found = app
            .store
            .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(subject_locks::list_expired(tx, between, MOST).await?) }))
            .await?;
        let all = (found.len() as u64) < MOST;
        for (application, kind, key) in found {
            free(app, application, kind, key).await?;
        }
        if all {
            return Ok(());
        }
    }
}

async fn free(app: &App, application: ApplicationId, kind: SessionKind, key: [u8; 32]) -> Result<(), Error> {
    let clock = app.clock.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                lock(tx, application, Scope::Keys(kind, vec![key])).await?;
                follow_expiry(tx, application, (kind, key), clock.now()).await
            })
        })
        .await
}

/// Lets those go whom nothing covers any more. Whoever comes here holds the key.
pub(super) async fn follow_expiry(
    tx: &mut Tx,
    application: ApplicationId,
    (kind, key): (SessionKind, [u8; 32]),
    now: Timestamp,
) -> Result<(), Error> {
    let caller = Caller::system(application, "WORKER", "");
    follow(tx, &caller, &Scope::Keys(kind, vec![key]), now).await
}
