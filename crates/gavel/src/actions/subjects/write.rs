//! One user or business made or changed by a call. The time is taken when its name is held: what happens to it is told in the
//! order in which it happened.

use gavel_core::{
    json::{FieldErrors, Value, canonical},
    session::SessionKind,
    subject::{Reason, SubjectStatus},
};
use serde_json::Value as Json;

use super::{
    Detail,
    body::{Change, NewSubject, StatusChange, members},
    detail, metadata,
    setting::Setter,
    sync::judge,
    telling::{Deed, FieldChange},
};
use crate::{
    actions::{Caller, Error},
    app::App,
    clock::new_id,
    store::{
        Tx,
        subject_locks::{self, Scope},
        subjects::{self, Subject, key_of},
    },
};

/// Makes a subject. One that a blocklist covers is blocked, whatever was asked for.
pub async fn create(
    app: &App,
    caller: &Caller,
    kind: SessionKind,
    body: Result<NewSubject, FieldErrors>,
) -> Result<Detail, Error> {
    let new = body?;
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let scope = hold(tx, &caller, kind, new.vendor_data.as_deref()).await?;
            let now = app.clock.now();
            let mut setter = Setter::of(tx, &caller, now).await?;
            let mut subject = Subject::new(new_id(), kind, new.vendor_data, now);
            subject.profile = new.change.over(&subject.profile);
            subject.metadata = new.change.metadata.over(None);
            subject.profile_changed_at = Some(now);
            if !subjects::insert_subject(tx, caller.application, &subject).await? {
                return Err(Error::field("vendor_data", taken(kind)));
            }
            setter.scribe.audit(tx, &subject, Deed::Created).await?;
            let wanted = new.change.status.unwrap_or(SubjectStatus::Active);
            judge(tx, &setter.scribe, &scope, Reason::Manual).await?;
            let mut subject = subjects::find_subject(tx, caller.application, kind, subject.id).await?.ok_or(Error::NOT_FOUND)?;
            if subject.status != SubjectStatus::Blocked {
                setter.set(tx, &mut subject, wanted, None).await?;
            }
            setter.finish(tx).await?;
            detail(tx, &app, caller.application, subject).await
        })
    })
    .await
}

fn taken(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::User => "A user with this vendor_data already exists.",
        SessionKind::Business => "A business with this vendor_data already exists.",
    }
}

/// Holds the name of a subject, and locks it and those lists know by the same key.
async fn hold(tx: &mut Tx, caller: &Caller, kind: SessionKind, vendor_data: Option<&str>) -> Result<Scope, Error> {
    let scope = key_of(kind, vendor_data).map_or(Scope::Nobody, |key| Scope::Keys(kind, vec![key]));
    subject_locks::lock(tx, caller.application, &scope).await?;
    Ok(scope)
}

/// The subject with this `vendor_data`, its name held and its row locked.
async fn lock(tx: &mut Tx, caller: &Caller, kind: SessionKind, vendor_data: &str) -> Result<Subject, Error> {
    hold(tx, caller, kind, Some(vendor_data)).await?;
    subjects::lock_by_vendor_data(tx, caller.application, kind, vendor_data).await?.ok_or(Error::NOT_FOUND)
}

/// Changes what is sent of a subject. What comes to nothing is told to nobody.
pub async fn update(
    app: &App,
    caller: &Caller,
    kind: SessionKind,
    vendor_data: String,
    body: Result<Change, FieldErrors>,
) -> Result<Detail, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let mut subject = lock(tx, &caller, kind, &vendor_data).await?;
            let change = body?;
            let mut setter = Setter::of(tx, &caller, app.clock.now()).await?;
            let changes = apply(&mut subject, &change);
            if !changes.is_empty() {
                setter.scribe.set_data(tx, &mut subject, changes).await?;
                setter.scribe.audit(tx, &subject, Deed::Updated).await?;
            }
            if let Some(status) = change.status {
                setter.set(tx, &mut subject, status, None).await?;
            }
            setter.finish(tx).await?;
            detail(tx, &app, caller.application, subject).await
        })
    })
    .await
}

/// Changes the subject at hand; answers what is different now. A number spelled otherwise is the same number.
fn apply(subject: &mut Subject, change: &Change) -> Vec<FieldChange> {
    let shown = |subject: &Subject| {
        let of_profile = members(&subject.profile).into_iter();
        of_profile.chain([("metadata", metadata(subject))]).collect::<Vec<(&'static str, Json)>>()
    };
    let (was, before) = (subject.clone(), shown(subject));
    subject.profile = change.over(&subject.profile);
    subject.metadata = change.metadata.clone().over(subject.metadata.take());
    let spelled = |value: &Json| canonical::v2(&Value::from(value));
    let pairs = before.into_iter().zip(shown(subject));
    let changes: Vec<FieldChange> = pairs
        .filter(|((_, before), (_, after))| spelled(before) != spelled(after))
        .map(|((name, before), (_, after))| FieldChange { name, before, after })
        .collect();
    if changes.is_empty() {
        *subject = was; // In the spelling that is stored.
    }
    changes
}

/// Sets a subject's status.
pub async fn update_status(
    app: &App,
    caller: &Caller,
    kind: SessionKind,
    vendor_data: String,
    body: Result<StatusChange, FieldErrors>,
) -> Result<Detail, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let mut subject = lock(tx, &caller, kind, &vendor_data).await?;
            let change = body?;
            let mut setter = Setter::of(tx, &caller, app.clock.now()).await?;
            setter.set(tx, &mut subject, change.status, change.reason.as_deref()).await?;
            setter.finish(tx).await?;
            detail(tx, &app, caller.application, subject).await
        })
    })
    .await
}
