//! Entries with everything Gavel knows of them (`/x/`): as they stand or stood, when they end, how often they hit; and
//! their edits, each a new version.

use std::collections::HashMap;

use gavel_core::{
    entry::EntryValue,
    ids::{EntryId, ListId},
    json::{FieldErrors, Fields, Sent, Value, read},
    list::ListType,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Caller, Error,
    amendment::Amendment,
    approval::Gate,
    as_of,
    entries::{COMMENT, EntryView, LABEL, read_metadata},
    subjects::sync,
    traces::MadeFrom,
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        entries::{self, Entry, Standing},
        entry_versions::{self, Ended, Revised},
        hits::{self, Hits},
        lists::{self, List},
        marks,
        revisions::Effect,
    },
};

/// An entry as answered under `/x/`.
#[derive(Debug, Serialize)]
pub struct EntryDetails {
    #[serde(flatten)]
    entry: EntryView,
    expires_at: Option<Timestamp>,
    is_expired: bool,
    held_at: Option<Timestamp>,
    /// The revision that brought this version.
    revision: u64,
    hit_count: u64,
    last_hit_at: Option<Timestamp>,
}

impl EntryDetails {
    /// The value, normalised.
    pub fn value(&self) -> &str {
        self.entry.value()
    }

    fn of(entry: Entry, hits: Option<&Hits>, at: Timestamp) -> Self {
        Self {
            expires_at: entry.expires_at,
            is_expired: entry.expires_at.is_some_and(|expires| expires <= at),
            held_at: entry.held_at,
            revision: entry.revision,
            hit_count: hits.map_or(0, |hits| hits.count),
            last_hit_at: hits.map(|hits| hits.last_at),
            entry: entry.into(),
        }
    }
}

/// An entry with all its versions.
#[derive(Debug, Serialize)]
pub struct EntryHistory {
    #[serde(flatten)]
    entry: EntryDetails,
    made_from: MadeFrom,
    versions: Vec<Version>,
}

/// One version: what it said, from when to when.
#[derive(Debug, Serialize)]
struct Version {
    revision: u64,
    display_label: String,
    comment: String,
    metadata: Option<Box<RawValue>>,
    expires_at: Option<Timestamp>,
    held_at: Option<Timestamp>,
    ended: Option<Ended>,
}

/// Which entries of a list, and how.
pub struct Question {
    /// The state asked for; none: as they stand.
    pub as_of: Option<String>,
    /// Expired entries too; only of the lists as they stand.
    pub with_expired: bool,
    /// In value or label.
    pub search: Option<String>,
    /// Order by time of creation.
    pub newest_first: bool,
    /// Limit and offset.
    pub window: (u64, u64),
}

/// A page of a list's entries, as they stand or stood.
pub async fn list(app: &App, caller: &Caller, id: ListId, question: Question) -> Result<(Vec<EntryDetails>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, id, now).await?.ok_or(Error::NOT_FOUND)?;
                let Question { as_of, with_expired, search, newest_first, window } = question;
                let moment = as_of::resolve_param(tx, application, ("as_of", as_of.as_deref()), now).await?;
                let standing = match (as_of, with_expired) {
                    (Some(_), _) => Standing::AsOf(moment),
                    (None, true) => Standing::Kept,
                    (None, false) => Standing::Live(now),
                };
                let (rows, total) = entries::list_entries(tx, id, standing, search.as_deref(), newest_first, window).await?;
                Ok((with_hits(tx, rows, moment.at).await?, total))
            })
        })
        .await
}

pub(super) async fn with_hits(tx: &mut Tx, rows: Vec<Entry>, at: Timestamp) -> Result<Vec<EntryDetails>, Error> {
    let ids: Vec<EntryId> = rows.iter().map(|entry| entry.id).collect();
    let hits: HashMap<EntryId, Hits> = hits::list_hits(tx, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|entry| {
            let of = hits.get(&entry.id);
            EntryDetails::of(entry, of, at)
        })
        .collect())
}

/// One entry, expired or not, with its versions.
pub async fn show(app: &App, caller: &Caller, list: ListId, id: EntryId) -> Result<EntryHistory, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let of = lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                let (_, entry) = entry_versions::find_kept(tx, list, id).await?.ok_or(Error::NOT_FOUND)?;
                let versions = entry_versions::list_versions(tx, list, id).await?.into_iter().map(Version::from).collect();
                let made_from = MadeFrom::find(tx, application, &entry, of.entry_type).await?;
                let entry = with_hits(tx, vec![entry], now).await?.pop().ok_or(Error::NOT_FOUND)?;
                Ok(EntryHistory { entry, made_from, versions })
            })
        })
        .await
}

impl From<(Entry, Option<Ended>)> for Version {
    fn from((entry, ended): (Entry, Option<Ended>)) -> Self {
        Self {
            revision: entry.revision,
            display_label: entry.display_label,
            comment: entry.comment,
            metadata: entry.metadata,
            expires_at: entry.expires_at,
            held_at: entry.held_at,
            ended,
        }
    }
}

/// An edit as sent. The value never changes: another value is another entry.
pub struct EntryChange {
    display_label: Option<String>,
    comment: Option<String>,
    metadata: Sent<Box<RawValue>>,
    expires_at: Sent<Timestamp>,
    held: Option<bool>,
}

impl EntryChange {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let display_label = fields.optional("display_label", read::text(LABEL));
        let comment = fields.optional("comment", read::text(COMMENT));
        let metadata = fields.nullable("metadata", read_metadata);
        let expires_at = fields.nullable("expires_at", read::timestamp);
        let held = fields.optional("held", read::boolean);
        fields.finish(|| {
            Some(Self {
                display_label: display_label?,
                comment: comment?,
                metadata: metadata?,
                expires_at: expires_at?,
                held: held?,
            })
        })
    }

    fn over(self, entry: &Entry, now: Timestamp) -> Revised {
        Revised {
            display_label: self.display_label.unwrap_or_else(|| entry.display_label.clone()),
            comment: self.comment.unwrap_or_else(|| entry.comment.clone()),
            metadata: self.metadata.over(entry.metadata.clone()),
            expires_at: self.expires_at.over(entry.expires_at),
            held_at: match self.held {
                None => entry.held_at,
                Some(false) => None,
                Some(true) => entry.held_at.or(Some(now)),
            },
        }
    }
}

fn differs(revised: &Revised, entry: &Entry) -> bool {
    let text = |json: &Option<Box<RawValue>>| json.as_ref().map(|json| json.get().to_owned());
    revised.display_label != entry.display_label
        || revised.comment != entry.comment
        || text(&revised.metadata) != text(&entry.metadata)
        || revised.expires_at != entry.expires_at
        || revised.held_at != entry.held_at
}

/// Edits an entry, which becomes a new version; an edit that says nothing new makes none.
pub async fn update(
    app: &App,
    caller: &Caller,
    list: ListId,
    id: EntryId,
    body: Result<EntryChange, FieldErrors>,
) -> Result<EntryDetails, Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let scope = sync::lock_entry(tx, caller.application, list, id).await?;
            let now = clock.now();
            let of = lists::find_list(tx, caller.application, list, now).await?.ok_or(Error::NOT_FOUND)?;
            let amendment = Amendment::begin(tx, &caller, now).await?;
            let gate = Gate::of(tx, caller.application, list).await?;
            let (version, entry) = entry_versions::find_kept(tx, list, id).await?.ok_or(Error::NOT_FOUND)?;
            let revised = body?.over(&entry, amendment.moment.at);
            if gate.counts() && (revised.expires_at, revised.held_at) != (entry.expires_at, entry.held_at) {
                let value = EntryValue::parse(of.entry_type, &entry.value).map_err(|reason| Error::fault(reason.message()))?;
                gate.must_let(tx, &[&value], &[id]).await?;
            }
            if differs(&revised, &entry) {
                edit(tx, &amendment, &of, (version, &entry), &revised).await?;
                amendment.note(tx, list, Effect { kind: "entry.updated", added: 0, removed: 0, changed: 1 }).await?;
                caller.audit(tx, "entry.updated", &[("list", list.0), ("entry", id.0)], now).await?;
                sync::follow(tx, &caller, &scope, now).await?;
            }
            let (_, entry) = entry_versions::find_kept(tx, list, id).await?.ok_or(Error::NOT_FOUND)?;
            with_hits(tx, vec![entry], now).await?.pop().ok_or(Error::NOT_FOUND)
        })
    })
    .await
}

/// Makes an edit, as a part of an amendment that may do more.
async fn edit(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    (version, entry): (Uuid, &Entry),
    revised: &Revised,
) -> Result<(), Error> {
    let now = amendment.moment.at;
    entry_versions::end_version(tx, version, amendment.moment).await?;
    entry_versions::insert_revised(tx, (version, new_id()), &entry.value, revised, amendment.moment).await?;
    if entry.held_at.is_some() && revised.held_at.is_none() {
        hits::quieten(tx, entry.id, now).await?;
    }
    let live = revised.expires_at.is_none_or(|at| at > now);
    if let (ListType::Blocklist, true, Some(record)) = (list.list_type, live, entry.reference_record)
        && marks::leaves_mark(list.entry_type)
    {
        marks::set_mark_if_free(tx, record, entry.id).await?; // An entry that lives again holds its mark again.
    }
    Ok(())
}

/// Makes an edit that was sent; `false`: it says nothing new.
pub(super) async fn apply(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    (version, entry): (Uuid, &Entry),
    change: EntryChange,
) -> Result<bool, Error> {
    let revised = change.over(entry, amendment.moment.at);
    let says_something = differs(&revised, entry);
    if says_something {
        edit(tx, amendment, list, (version, entry), &revised).await?;
    }
    Ok(says_something)
}

/// Ends a version and adds the next.
pub(super) async fn revise(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: ListId,
    (version, entry): (uuid::Uuid, &Entry),
    revised: &Revised,
    kind: &'static str,
) -> Result<(), Error> {
    entry_versions::end_version(tx, version, amendment.moment).await?;
    entry_versions::insert_revised(tx, (version, new_id()), &entry.value, revised, amendment.moment).await?;
    amendment.note(tx, list, Effect { kind, added: 0, removed: 0, changed: 1 }).await
}
