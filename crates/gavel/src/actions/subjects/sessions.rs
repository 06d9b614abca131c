//! What sessions mean to the subjects behind them, and the other way round.

use gavel_core::{
    entry::{EntryType, EntryValue, country},
    evidence::Feature,
    ids::{ApplicationId, SubjectId},
    session::{FeatureStatus, SessionKind, SessionStatus},
    subject::{Finding, Reason, SubjectStatus},
    time::Timestamp,
};

use super::{origins, setting::Setter};
use crate::{
    actions::{Caller, Error},
    clock::new_id,
    store::{
        Tx,
        records::{self, Record},
        sessions::Session,
        subject_facts,
        subject_locks::{self, Scope},
        subjects::{self, Subject, key_of},
    },
};

/// Holds the name of whoever a new session is about, before anything else is looked at: nobody adds an entry about it, and
/// nobody else starts a session for it, before this one is written.
pub(in crate::actions) async fn hold(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: Option<&str>,
) -> Result<(), Error> {
    match key_of(kind, vendor_data) {
        Some(key) => Ok(subject_locks::hold_key(tx, application, kind, &key).await?),
        None => Ok(()),
    }
}

/// The same, with whoever of the other kind is known by the same `vendor_data`, for what may be about either: a rule that puts
/// it on a list, an erasure, a copy whose kind is not known yet.
pub(in crate::actions) async fn hold_namesakes(
    tx: &mut Tx,
    application: ApplicationId,
    vendor_data: Option<&str>,
) -> Result<(), Error> {
    let keys = SessionKind::ALL.into_iter().filter_map(|kind| Some((kind, key_of(kind, vendor_data)?)));
    Ok(subject_locks::hold_keys(tx, application, &keys.collect::<Vec<_>>()).await?)
}

/// The subject of a new session, made with it when nobody has named it before. Answers the id of one that is new. Whoever
/// comes here holds its name and has seen that no entry covers it.
pub(in crate::actions) async fn note_new(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: Option<&str>,
    at: Timestamp,
) -> Result<Option<SubjectId>, Error> {
    let Some((subject, is_new)) = meet(tx, application, kind, vendor_data, at).await? else { return Ok(None) };
    subject_facts::note_session(tx, subject.id, at).await?;
    Ok(is_new.then_some(subject.id))
}

/// The subject with this `vendor_data`, locked; made when nobody has named it before, which is the second of the answer.
/// Whoever comes here holds its name and has seen that no entry covers it.
pub(in crate::actions) async fn meet(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: Option<&str>,
    at: Timestamp,
) -> Result<Option<(Subject, bool)>, Error> {
    let Some(vendor_data) = vendor_data else { return Ok(None) };
    if let Some(known) = subjects::lock_by_vendor_data(tx, application, kind, vendor_data).await? {
        return Ok(Some((known, false)));
    }
    let subject = Subject::new(new_id(), kind, Some(vendor_data.to_owned()), at);
    if !subjects::insert_subject(tx, application, &subject).await? {
        return Err(Error::fault("a subject was made without its name being held"));
    }
    Ok(Some((subject, true)))
}

/// Of subjects an import has just made, those an entry covers are blocked from the beginning; nobody is told. Whoever comes
/// here holds their names.
pub(in crate::actions) async fn block_covered(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    made: &[Subject],
    now: Timestamp,
) -> Result<(), Error> {
    let keys: Vec<[u8; 32]> = made.iter().filter_map(|subject| key_of(kind, subject.vendor_data.as_deref())).collect();
    for mut subject in subject_locks::list_misjudged(tx, application, &Scope::Keys(kind, keys), now).await? {
        if made.iter().any(|new| new.id == subject.id) {
            subject.status = SubjectStatus::Blocked;
            subjects::set_subject(tx, &subject).await?;
        }
    }
    Ok(())
}

/// Whose session it is.
pub(in crate::actions) async fn find_id(
    tx: &mut Tx,
    application: ApplicationId,
    session: &Session,
) -> Result<Option<SubjectId>, Error> {
    let Some(vendor_data) = session.vendor_data.as_deref() else { return Ok(None) };
    Ok(subjects::list_ids(tx, application, session.kind, &[vendor_data]).await?.pop().map(|(_, id)| id))
}

/// Whether the subject of a locked session is flagged; its row stays locked.
pub(in crate::actions) async fn is_flagged(tx: &mut Tx, application: ApplicationId, session: &Session) -> Result<bool, Error> {
    let Some(vendor_data) = &session.vendor_data else { return Ok(false) };
    let subject = subjects::lock_by_vendor_data(tx, application, session.kind, vendor_data).await?;
    Ok(subject.is_some_and(|subject| subject.status == SubjectStatus::Flagged))
}

/// Blocks the subject of a session that was declined by itself. `false`: nobody has that name any more. Whoever comes here
/// holds it.
pub(in crate::actions) async fn block_declined(
    tx: &mut Tx,
    caller: &Caller,
    session: &Session,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(vendor_data) = session.vendor_data.as_deref() else { return Ok(false) };
    let subject = subjects::lock_by_vendor_data(tx, caller.application, session.kind, vendor_data).await?;
    let Some(mut subject) = subject else { return Ok(false) };
    let mut setter = Setter::of(tx, caller, now).await?;
    setter.set_because(tx, &mut subject, SubjectStatus::Blocked, Reason::SessionDeclined, None).await?;
    setter.finish(tx).await?;
    Ok(true)
}

/// A locked session has another status than before. Of a person whose session becomes approved, what it found is kept.
pub(in crate::actions) async fn follow(
    tx: &mut Tx,
    application: ApplicationId,
    session: &Session,
    from: SessionStatus,
    now: Timestamp,
) -> Result<(), Error> {
    let becomes_approved = session.status == SessionStatus::Approved && from != SessionStatus::Approved;
    let Some(vendor_data) = session.vendor_data.as_deref().filter(|_| becomes_approved && session.kind == SessionKind::User)
    else {
        return Ok(());
    };
    let subject = subjects::lock_by_vendor_data(tx, application, session.kind, vendor_data).await?;
    let Some(mut subject) = subject else { return Ok(()) };
    let found = finding(&records::list_records(tx, session.id).await?);
    if origins::adopt(tx, &mut subject, session.id, found).await? {
        (subject.profile_changed_at, subject.updated_at) = (Some(now), now);
        subjects::set_subject(tx, &subject).await?;
    }
    Ok(())
}

/// What the records of an approved session say about the person.
pub(super) fn finding(records: &[Record]) -> Finding {
    let mut found = Finding::default();
    for record in records {
        let text = |member: &str| record.data.get(member)?.as_str().map(str::to_owned);
        let verified = |entry_type, member: &str| {
            let sent = text(member).filter(|_| record.status == FeatureStatus::Approved);
            sent.and_then(|sent| EntryValue::parse(entry_type, &sent).ok()).map(|value| value.stored().to_owned())
        };
        match record.feature {
            Feature::Ocr if record.status != FeatureStatus::ResubRequested => {
                found.full_name = text("full_name").filter(|name| !name.is_empty()).or(found.full_name);
                found.date_of_birth = text("date_of_birth").or(found.date_of_birth);
                found.issuing_state = text("issuing_state").filter(|code| country::is_alpha3_upper(code)).or(found.issuing_state);
            }
            Feature::EmailVerification => found.emails.extend(verified(EntryType::Email, "email")),
            Feature::PhoneVerification => found.phones.extend(verified(EntryType::Phone, "full_number")),
            _ => {}
        }
    }
    found
}

/// Sessions were deleted: their subjects' times are read anew, for these `vendor_data` or for all.
pub(in crate::actions) async fn forget(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: Option<Vec<String>>,
) -> Result<(), Error> {
    let chosen = match &vendor_data {
        None => subjects::Selection::All,
        Some(known) => subjects::Selection::Named(known.clone(), Vec::new()),
    };
    subjects::lock_selected(tx, application, kind, &chosen).await?;
    Ok(subject_facts::refresh_times(tx, application, kind, vendor_data.as_deref()).await?)
}
