//! Corrections of recorded data by hand: documents, proofs of address, hits of a screening (contract, sessions §10, §11, §13).
//!
//! A correction changes what is known of a session and decides nothing: statuses, warnings, entries and marks stay. What
//! the record was screened with is kept as it was; what it holds now is what later sessions are compared with, so a
//! corrected document number finds its other sessions anew.

use std::sync::Arc;

use gavel_core::{
    edit::{Changes, DOCUMENT, Edit, Form, HitReview, PROOF_OF_ADDRESS, ReviewedHits},
    entry::EntryType,
    evidence::{Feature, Weighed, signals},
    ids::SessionId,
    json::{FieldErrors, Value as Sent},
    review::ActivityType,
    screening::Index,
    session::{SessionKind, SessionStatus},
};
use serde_json::{Map, Value, json, value::RawValue};

use super::{Caller, Error, decision, events, feed, matches, searchable, status};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications, corrections, events as event_rows,
        records::{self, Record},
        sessions::{self, Session},
    },
};

/// A body that may name the record it is about.
pub struct OfNode<T> {
    /// `node_id`; none: the most recent record.
    node: Option<String>,
    body: Result<T, FieldErrors>,
}

impl<T> OfNode<T> {
    /// Reads the body. The record is looked up before its fields are judged, so that the name is read whatever is wrong
    /// with the rest.
    pub fn read(sent: &Sent<'_>, read: impl FnOnce(&Sent<'_>) -> Result<T, FieldErrors>) -> Self {
        let node = sent.as_object().and_then(|members| match members.get("node_id") {
            Some(Sent::Text(text)) => Some(text.to_string()),
            Some(Sent::Number(text)) => Some((*text).to_owned()),
            _ => None,
        });
        Self { node, body: read(sent) }
    }

    /// The query wins over the body.
    pub fn or_in_query(mut self, query: Option<&str>) -> Self {
        self.node = query.map(str::to_owned).or(self.node).filter(|node| !node.is_empty());
        self
    }
}

/// What one kind of edit is called in refusals and in the feed.
struct Kind {
    form: &'static Form,
    name: &'static str,
    activity: ActivityType,
    /// Whether `data.updated` is sent also when all values were there already.
    always_tells: bool,
}

const KYC: Kind = Kind { form: &DOCUMENT, name: "KYC", activity: ActivityType::KycDataUpdated, always_tells: true };
const POA: Kind = Kind { form: &PROOF_OF_ADDRESS, name: "POA", activity: ActivityType::PoaDataUpdated, always_tells: false };

/// Corrects an identity document. Answers the full record.
pub async fn update_document(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: OfNode<Edit>,
    seen: Option<u64>,
) -> Result<Map<String, Value>, Error> {
    update(app, caller, id, &KYC, body, seen).await
}

/// Corrects a proof of address. Answers the full record.
pub async fn update_proof_of_address(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: OfNode<Edit>,
    seen: Option<u64>,
) -> Result<Map<String, Value>, Error> {
    update(app, caller, id, &POA, body, seen).await
}

async fn update(
    app: &App,
    caller: &Caller,
    id: SessionId,
    kind: &'static Kind,
    edit: OfNode<Edit>,
    seen: Option<u64>,
) -> Result<Map<String, Value>, Error> {
    let snapshot = app.live.snapshot(caller.application).await?;
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let mut session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NOT_FOUND)?;
            may_be_edited(&session)?;
            let mut all = records::list_records(tx, id).await?;
            let place = find(kind, &all, edit.node.as_deref())?;
            let edit = edit.body?;
            status::must_be_at(&session, seen)?;
            let changes = edit.apply(&mut all[place].data)?;
            if !edit.is_empty() && (kind.always_tells || !changes.is_empty()) {
                write(tx, &app, &caller, &mut session, (&mut all, place), kind, changes, &snapshot).await?;
            }
            Ok(kind.form.show(&all[place].data))
        })
    })
    .await
}

/// Companies have other data, and while a person is in the flow there is nothing to correct.
fn may_be_edited(session: &Session) -> Result<(), Error> {
    if session.kind == SessionKind::Business {
        return Err(Error::NOT_FOUND);
    }
    match session.status {
        SessionStatus::Approved | SessionStatus::Declined | SessionStatus::InReview | SessionStatus::KycExpired => Ok(()),
        SessionStatus::NotStarted
        | SessionStatus::InProgress
        | SessionStatus::AwaitingUser
        | SessionStatus::Resubmitted
        | SessionStatus::Expired
        | SessionStatus::Abandoned => Err(Error::NotFound("No Session matches the given query.")),
    }
}

/// The record of this node, else the most recent one.
fn find(kind: &Kind, records: &[Record], node: Option<&str>) -> Result<usize, Error> {
    let of_kind = |record: &Record| record.feature == kind.form.feature;
    if !records.iter().any(of_kind) {
        return Err(Error::NoSuch(format!("The session does not have a {}.", kind.name)));
    }
    let is_it = |record: &Record| of_kind(record) && node.is_none_or(|node| record.node_id.as_deref() == Some(node));
    records.iter().rposition(is_it).ok_or_else(|| {
        Error::NoSuch(format!("The session does not have a {} for node '{}'.", kind.name, node.unwrap_or_default()))
    })
}

#[expect(clippy::too_many_arguments, reason = "everything a correction is written with")]
async fn write(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    session: &mut Session,
    (all, place): (&mut Vec<Record>, usize),
    kind: &Kind,
    changes: Changes,
    snapshot: &Arc<Index>,
) -> Result<(), Error> {
    let (application, now) =
        (applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?, app.clock.now());
    session.version += 1;
    sessions::set_state(tx, session).await?;
    let fields: Vec<String> = changes.fields.iter().map(|field| (*field).to_owned()).collect();
    if !changes.is_empty() {
        let record = &mut all[place];
        if changes.of("document_number") {
            compare_again(tx, app, caller, session, record, snapshot).await?;
        }
        records::set_data(tx, record).await?;
        let node = record.node_id.clone();
        sessions::set_searchable(tx, session.id, &searchable::of(session, all)).await?;
        let row = feed::Row {
            previous: Some(changes.previous.into()),
            new: Some(changes.new.into()),
            changed_fields: fields.clone(),
            metadata: node.as_ref().map(|node| json!({ "node_id": node })),
            ..feed::Row::of(kind.activity)
        };
        feed::add(tx, app, caller, session, row, now).await?;
        note_history(tx, caller, session, "DATA_UPDATED", json!({ "node_id": node, "changed_fields": fields }), now).await?;
    }
    events::data_updated(tx, app, &application, session, &fields).await?;
    let objects = [("session", session.id.0), ("record", all[place].id.0)];
    caller.audit(tx, "session.data_updated", &objects, now).await?;
    Ok(())
}

/// Looks who else has shown the value the record holds now. No list is asked for a verdict: an entry only adds its row to
/// the matches.
async fn compare_again(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    session: &Session,
    record: &mut Record,
    snapshot: &Arc<Index>,
) -> Result<(), Error> {
    let index = app.live.within(tx, caller.application, snapshot).await?;
    let item = Weighed::default().item(record.feature, record.node_id.clone(), record.data.clone());
    let (signals, now) = (signals(&item), app.clock.now());
    let hits = |signal| index.hits(signal, now).into_iter();
    let hits: Vec<_> =
        signals.iter().flat_map(|signal| hits(&signal.value).map(|hit| (signal.clone(), hit)).collect::<Vec<_>>()).collect();
    let whose = (session.id, session.vendor_data.as_deref());
    record.matches = Value::Array(matches::find(tx, caller.application, whose, &signals, &hits).await?.matches);
    let of = (session.id, record.id, record.created_at);
    let value = signals.iter().find(|signal| signal.entry_type == EntryType::Document).map(|signal| &signal.value);
    corrections::set_correction(tx, caller.application, of, EntryType::Document, value).await?;
    Ok(())
}

pub(super) async fn note_history(
    tx: &mut Tx,
    caller: &Caller,
    session: &Session,
    kind: &str,
    details: Value,
    now: gavel_core::time::Timestamp,
) -> Result<(), Error> {
    event_rows::insert_history(tx, session.id, new_id(), (kind, caller.actor.display()), &details, now).await?;
    Ok(())
}

/// Judges hits of a screening, all or none. Answers the screening.
pub async fn review_hits(
    app: &App,
    caller: &Caller,
    id: SessionId,
    (reviews, several): (OfNode<Vec<HitReview>>, bool),
    seen: Option<u64>,
) -> Result<Box<RawValue>, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let mut session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NOT_FOUND)?;
            let mut all = records::list_records(tx, id).await?;
            let node = reviews.node.as_deref();
            let is_it = |record: &Record| {
                record.feature == Feature::Aml && node.is_none_or(|node| record.node_id.as_deref() == Some(node))
            };
            let place = all.iter().rposition(is_it).ok_or(Error::NotFound("The session does not have an AML check."))?;
            let mut record = all.swap_remove(place);
            let reviews = reviews.body?;
            status::must_be_at(&session, seen)?;
            let reviewed = ReviewedHits::apply(&mut record.data, &reviews).map_err(|missing| {
                Error::NoSuch(match several {
                    true => format!("Hits not found: {}", missing.join(", ")),
                    false => format!("Hit with ID '{}' not found in the AML check.", missing.join(", ")),
                })
            })?;
            write_reviewed(tx, &app, &caller, &mut session, &record, reviewed).await?;
            decision::item(&record)
        })
    })
    .await
}

async fn write_reviewed(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    session: &mut Session,
    record: &Record,
    reviewed: ReviewedHits,
) -> Result<(), Error> {
    let (application, now) =
        (applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?, app.clock.now());
    session.version += 1;
    sessions::set_state(tx, session).await?;
    records::set_data(tx, record).await?;
    let row = feed::Row {
        previous: Some(json!({ "node_id": record.node_id, "hits": reviewed.previous })),
        new: Some(json!({ "node_id": record.node_id, "hits": reviewed.new })),
        changed_fields: vec!["review_status".to_owned()],
        ..feed::Row::of(ActivityType::AmlHitStatusUpdated)
    };
    let activity = feed::add(tx, app, caller, session, row, now).await?;
    let changed = format!("{}.hits.review_status", Feature::Aml.array());
    let details = json!({ "node_id": record.node_id, "changed_fields": [changed] });
    note_history(tx, caller, session, "DATA_UPDATED", details, now).await?;
    events::data_updated(tx, app, &application, session, &[changed]).await?;
    let objects = [("session", session.id.0), ("record", record.id.0), ("activity", activity.id.0)];
    caller.audit(tx, "session.aml_hits_reviewed", &objects, now).await?;
    Ok(())
}
