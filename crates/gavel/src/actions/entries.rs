//! Entries of lists: add, show, remove (contract, lists §4–§8).

use gavel_core::{
    access::{Level, Resource},
    entry::EntryValue,
    guard::Sweep,
    ids::{ApplicationId, EntryId, ListId, SessionId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    list::ListType,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Caller, Error, amendment::Amendment, approval::Gate, subjects::sync, sweeps};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        entries::{self, Addition, Entry, Standing},
        lists::{self, List},
        marks,
        revisions::{Effect, Moment},
        sessions,
    },
};

/// Longest label, in characters.
pub(super) const LABEL: usize = 255;
/// Longest comment, in characters.
pub(super) const COMMENT: usize = 10_000;
/// Largest metadata, in bytes.
const METADATA: usize = 16_384;

/// An entry as sent.
#[derive(Default)]
pub struct NewEntry {
    pub(super) value: Option<String>,
    pub(super) reference_session: Option<SessionId>,
    pub(super) reference_object: Option<Uuid>,
    pub(super) display_label: String,
    pub(super) comment: String,
    pub(super) metadata: Option<Box<RawValue>>,
    pub(super) expires_at: Option<Timestamp>,
}

impl NewEntry {
    /// Reads the body of an addition.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let value = fields.optional("value", read::filled(read::trimmed_text(gavel_core::entry::MAX_CHARS)));
        let reference_session = fields.optional("reference_session_id", read::uuid);
        let reference_object = fields.optional("reference_object_uuid", read::uuid);
        let display_label = fields.optional("display_label", read::text(LABEL));
        let comment = fields.optional("comment", read::text(COMMENT));
        let metadata = fields.optional("metadata", read_metadata);
        let expires_at = fields.optional("expires_at", read::timestamp);
        fields.finish(|| {
            Some(Self {
                value: value?,
                reference_session: reference_session?,
                reference_object: reference_object?,
                display_label: display_label?.unwrap_or_default(),
                comment: comment?.unwrap_or_default(),
                metadata: metadata?,
                expires_at: expires_at?,
            })
        })
    }
}

pub(super) fn read_metadata(sent: &Value<'_>) -> Result<Box<RawValue>, FieldError> {
    if sent.as_object().is_none() {
        return Err(FieldError::text("Metadata must be a JSON object."));
    }
    let text = read::json_object_max_bytes(METADATA)(sent)?;
    RawValue::from_string(text).map_err(|_| FieldError::text("Metadata must be a JSON object."))
}

/// An entry as answered.
#[derive(Debug, Serialize)]
pub struct EntryView {
    uuid: EntryId,
    value: String,
    display_label: String,
    comment: String,
    added_by: String,
    reference_session_id: Option<SessionId>,
    reference_session_number: Option<i64>,
    reference_object_uuid: Option<Uuid>,
    metadata: Option<Box<RawValue>>,
    created_at: Timestamp,
}

impl EntryView {
    /// The value, normalised.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        Self {
            uuid: entry.id,
            value: entry.value,
            display_label: entry.display_label,
            comment: entry.comment,
            added_by: entry.added_by,
            reference_session_id: entry.reference_session.map(|(id, _)| id),
            reference_session_number: entry.reference_session.map(|(_, number)| number),
            reference_object_uuid: entry.reference_object,
            metadata: entry.metadata,
            created_at: entry.created_at,
        }
    }
}

/// A page of a list's live entries and how many there are.
pub async fn list(
    app: &App,
    caller: &Caller,
    id: ListId,
    search: Option<String>,
    newest_first: bool,
    window: (u64, u64),
) -> Result<(Vec<EntryView>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, id, now).await?.ok_or(Error::NOT_FOUND)?;
                let (rows, total) =
                    entries::list_entries(tx, id, Standing::Live(now), search.as_deref(), newest_first, window).await?;
                Ok((rows.into_iter().map(EntryView::from).collect(), total))
            })
        })
        .await
}

/// Adds a value, typed or taken from a session. The checks come in the contract's order: list, fields, value, session.
/// `sweep`: what is asked to become of past sessions that have shown it.
pub async fn add(
    app: &App,
    caller: &Caller,
    id: ListId,
    body: Result<NewEntry, FieldErrors>,
    sweep: Option<Sweep>,
) -> Result<EntryView, Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let sent = body.as_ref().ok().and_then(|new| new.value.as_deref());
            let scope = sync::lock_values(tx, caller.application, id, sent.into_iter()).await?;
            let now = clock.now();
            let amendment = Amendment::begin(tx, &caller, now).await?;
            let list = lists::find_list(tx, caller.application, id, now).await?.ok_or(Error::NOT_FOUND)?;
            let gate = Gate::of(tx, caller.application, id).await?;
            let new = body?;
            if new.reference_session.is_some() {
                caller.must(Resource::Sessions, Level::Read)?;
            }
            let (entry, value, sent) = make(tx, &amendment, &list, new).await?;
            gate.must_let(tx, &[&value], &[]).await?;
            write(tx, &amendment, &list, &entry, &value, &sent).await?;
            let mode = sweeps::mode(tx, &caller, &list, sweep).await?;
            sweeps::follow(tx, &amendment, &list, mode, None).await?;
            caller.audit(tx, "entry.added", &[("list", id.0), ("entry", entry.id.0)], now).await?;
            sync::follow(tx, &caller, &scope, now).await?;
            Ok(entry.into())
        })
    })
    .await
}

/// The value an addition would bring.
pub(super) async fn value_of(tx: &mut Tx, application: ApplicationId, list: &List, new: &NewEntry) -> Result<EntryValue, Error> {
    let parse = |sent: &str| EntryValue::parse(list.entry_type, sent).map_err(|e| Error::field("value", e.message()));
    let typed = new.value.as_deref().map(parse).transpose()?;
    match (new.reference_session, typed) {
        (Some(session), typed) => Ok(find_source(tx, application, list, session, typed.as_ref()).await?.value),
        (None, Some(value)) => Ok(value),
        (None, None) => Err(Error::field("value", "This field is required unless reference_session_id is provided.")),
    }
}

/// Parses the value, finds its source, and puts the entry together.
pub(super) async fn make(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    new: NewEntry,
) -> Result<(Entry, EntryValue, String), Error> {
    if new.value.is_none() && new.reference_session.is_none() {
        return Err(Error::field("value", "This field is required unless reference_session_id is provided."));
    }
    let parse = |sent: &str| EntryValue::parse(list.entry_type, sent).map_err(|e| Error::field("value", e.message()));
    let typed = new.value.as_deref().map(parse).transpose()?;
    let source = match new.reference_session {
        Some(session) => Some(find_source(tx, amendment.caller.application, list, session, typed.as_ref()).await?),
        None => None,
    };
    let value = match (&source, typed) {
        (Some(source), _) => source.value.clone(),
        (None, Some(value)) => value,
        (None, None) => return Err(Error::fault("an entry without a value passed its checks")),
    };
    let sent = new.value.clone().unwrap_or_else(|| value.stored().to_owned());
    let entry = put_together(amendment, &value, source.as_ref(), new)?;
    Ok((entry, value, sent))
}

fn put_together(
    amendment: &Amendment<'_>,
    value: &EntryValue,
    source: Option<&marks::Source>,
    new: NewEntry,
) -> Result<Entry, Error> {
    Ok(Entry {
        id: new_id(),
        value: value.stored().to_owned(),
        display_label: new.display_label,
        comment: new.comment,
        added_by: amendment.added_by().to_owned(),
        reference_session: source.map(|source| source.session),
        reference_record: source.map(|source| source.record),
        reference_object: source.map(|source| source.record.0).or(new.reference_object),
        metadata: match source {
            Some(source) => source.merged(new.metadata)?,
            None => new.metadata,
        },
        expires_at: new.expires_at,
        created_at: amendment.moment.at,
        revision: amendment.moment.revision,
        held_at: None,
    })
}

/// Finds the record of a session the value comes from.
async fn find_source(
    tx: &mut Tx,
    application: ApplicationId,
    list: &List,
    id: SessionId,
    typed: Option<&EntryValue>,
) -> Result<marks::Source, Error> {
    let session = sessions::find_session(tx, application, id).await?;
    let session = session.ok_or_else(|| Error::field("reference_session_id", "Session not found."))?;
    let sources = marks::list_sources(tx, &session, list.entry_type).await?;
    if sources.is_empty() {
        let text = format!("Session has no {} data.", list.entry_type);
        return Err(Error::Invalid(FieldErrors::one("reference_session_id", text)));
    }
    // The most recent comes last.
    sources.into_iter().rev().find(|source| typed.is_none_or(|typed| typed.key() == source.value.key())).ok_or_else(|| {
        Error::Invalid(FieldErrors::one("value", format!("Value does not match any {} data in the session.", list.entry_type)))
    })
}

/// Writes an entry, and on blocklists the mark on the record it was made from.
async fn write(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    entry: &Entry,
    value: &EntryValue,
    sent_value: &str,
) -> Result<(), Error> {
    let expired = put(tx, amendment, list, entry, value, sent_value).await?;
    amendment.note(tx, list.id, Effect { kind: "entry.added", added: 1, removed: expired, changed: 0 }).await
}

/// The same as a part of an amendment that does more. Answers how many expired entries made room for it.
pub(super) async fn put(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    entry: &Entry,
    value: &EntryValue,
    sent_value: &str,
) -> Result<u64, Error> {
    let (application, Moment { revision, at }) = (amendment.caller.application, amendment.moment);
    let expired = entries::remove_expired(tx, list.id, &[value], amendment.moment).await?;
    let addition = Addition { application, list: list.id, value, sent_value, version: new_id() };
    if !entries::insert_entry(tx, &addition, entry).await? {
        return Err(Error::field("value", "This value already exists in the list."));
    }
    lists::add_to_count(tx, list.id, 1, at).await?;
    let marks_records = list.list_type == ListType::Blocklist && marks::leaves_mark(list.entry_type);
    if let Some(record) = entry.reference_record.filter(|_| marks_records) {
        marks::set_mark(tx, record, entry.id).await?;
    }
    if expired > 0 {
        lists::add_to_count(tx, list.id, -i64::try_from(expired).unwrap_or(0), at).await?;
        marks::release_marks(tx, application, list.entry_type, revision, at).await?;
    }
    Ok(expired)
}

/// Writes the entry of a record, without anything a caller would add to it.
pub(super) async fn write_from_source(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    source: marks::Source,
) -> Result<(), Error> {
    let sent = source.value.stored().to_owned();
    let entry = put_together(amendment, &source.value, Some(&source), NewEntry::default())?;
    write(tx, amendment, list, &entry, &source.value, &sent).await
}

/// Writes the entry of a value that comes from nowhere in particular, without anything a caller would add to it.
pub(super) async fn write_value(tx: &mut Tx, amendment: &Amendment<'_>, list: &List, value: EntryValue) -> Result<(), Error> {
    let sent = value.stored().to_owned();
    let entry = put_together(amendment, &value, None, NewEntry::default())?;
    write(tx, amendment, list, &entry, &value, &sent).await
}

/// Removes an entry and the marks it holds.
pub async fn remove(app: &App, caller: &Caller, list: ListId, id: EntryId) -> Result<(), Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            let scope = sync::lock_entry(tx, application, list, id).await?;
            let now = clock.now();
            let amendment = Amendment::begin(tx, &caller_, now).await?;
            let entry_type = lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?.entry_type;
            Gate::of(tx, application, list).await?.must_let(tx, &[], &[id]).await?;
            if !entries::remove_entry(tx, list, id, amendment.moment).await? {
                return Err(Error::NOT_FOUND);
            }
            lists::add_to_count(tx, list, -1, now).await?;
            marks::release_marks(tx, application, entry_type, amendment.moment.revision, now).await?;
            amendment.note(tx, list, Effect { kind: "entry.removed", added: 0, removed: 1, changed: 0 }).await?;
            caller_.audit(tx, "entry.removed", &[("list", list.0), ("entry", id.0)], now).await?;
            sync::follow(tx, &caller_, &scope, now).await
        })
    })
    .await
}
