//! Asking what the lists say about values, without writing anything (`/x/screen/`).

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{EntryId, ListId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    list::ListType,
    screening::Hit,
    time::Timestamp,
};
use serde::Serialize;

use super::{Caller, Error};
use crate::{app::App, store::entries};

/// Most values of one call.
const MOST: usize = 1_000;

/// The values asked about.
pub struct Question {
    values: Vec<(EntryType, String)>,
    lists: Option<Vec<ListId>>,
}

impl Question {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let values = fields.required("values", read_values);
        let lists = fields.optional("lists", read::list_of(read::uuid));
        if fields.sent("as_of").is_some_and(|sent| !matches!(sent, Value::Null)) {
            fields.add_error("as_of", FieldError::text("Earlier states of the lists cannot be asked for yet."));
        }
        fields.finish(|| Some(Self { values: values?, lists: lists? }))
    }
}

fn read_values(sent: &Value<'_>) -> Result<Vec<(EntryType, String)>, FieldError> {
    if read::array(sent)?.len() > MOST {
        return Err(FieldError::text(format!("Ensure this field has no more than {MOST} elements.")));
    }
    read::list_of_objects(|item| {
        let mut fields = Fields::of(item)?;
        let entry_type = fields.required("entry_type", read::choice_of(EntryType::from_name));
        // Longer values than a list takes are invalid, not an error; the reader's limit only bounds the work.
        let value = fields.required("value", read::text(16_384));
        fields.finish(|| Some((entry_type?, value?)))
    })(sent)
}

/// What the lists say.
#[derive(Debug, Serialize)]
pub struct Verdict {
    lists_revision: u64,
    evaluated_at: Timestamp,
    verdict: &'static str,
    hits: Vec<HitView>,
    invalid: Vec<Invalid>,
}

/// One entry that matches one value, with everything that explains it.
#[derive(Debug, Serialize)]
struct HitView {
    index: usize,
    entry_type: EntryType,
    value: String,
    normalised: String,
    list_uuid: ListId,
    list_type: ListType,
    comparison: &'static str,
    muted_by: Option<EntryId>,
    entry: Option<EntryFacts>,
}

#[derive(Debug, Clone, Serialize)]
struct EntryFacts {
    uuid: EntryId,
    value: String,
    comment: String,
    added_by: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Invalid {
    index: usize,
    entry_type: EntryType,
    value: String,
    reason: &'static str,
}

/// Screens values against the lists as they stand now.
pub async fn screen(app: &App, caller: &Caller, body: Result<Question, FieldErrors>) -> Result<Verdict, Error> {
    let question = body?;
    let index = app.live.fresh(caller.application).await?;
    let now = app.clock.now();
    let wanted = |hit: &Hit| question.lists.as_ref().is_none_or(|lists| lists.contains(&hit.list));
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for (place, (entry_type, sent)) in question.values.iter().enumerate() {
        match EntryValue::parse(*entry_type, sent) {
            Ok(value) => found.extend(index.hits(&value, now).into_iter().filter(wanted).map(|hit| (place, value.clone(), hit))),
            Err(reason) => {
                invalid.push(Invalid { index: place, entry_type: *entry_type, value: sent.clone(), reason: reason.message() });
            }
        }
    }
    let facts = explain(app, found.iter().map(|(_, _, hit)| hit.entry).collect()).await?;
    let verdict = verdict(found.iter().map(|(_, _, hit)| hit.list_type));
    let hits = found
        .iter()
        .map(|(place, value, hit)| HitView {
            index: *place,
            entry_type: value.entry_type(),
            value: question.values[*place].1.clone(),
            normalised: value.stored().to_owned(),
            list_uuid: hit.list,
            list_type: hit.list_type,
            comparison: hit.comparison.as_str(),
            muted_by: muted_by(*place, hit, &found),
            entry: facts.iter().find(|facts| facts.uuid == hit.entry).cloned(),
        })
        .collect();
    Ok(Verdict { lists_revision: index.revision(), evaluated_at: now, verdict, hits, invalid })
}

/// Blocklists win over allowlists; custom lists never change the verdict.
fn verdict(lists: impl Iterator<Item = ListType>) -> &'static str {
    let (mut block, mut allow) = (false, false);
    for list_type in lists {
        match list_type {
            ListType::Blocklist => block = true,
            ListType::Allowlist => allow = true,
            ListType::Custom => {}
        }
    }
    match (block, allow) {
        (true, _) => "block",
        (false, true) => "allow",
        (false, false) => "clear",
    }
}

/// An allowlist hit has no effect beside a blocklist hit of the same value.
fn muted_by(place: usize, hit: &Hit, all: &[(usize, EntryValue, Hit)]) -> Option<EntryId> {
    if hit.list_type != ListType::Allowlist {
        return None;
    }
    all.iter().find(|(other, _, by)| *other == place && by.list_type == ListType::Blocklist).map(|(_, _, by)| by.entry)
}

async fn explain(app: &App, ids: Vec<EntryId>) -> Result<Vec<EntryFacts>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(entries::find_entries(tx, &ids).await?) })).await?;
    Ok(found
        .into_iter()
        .map(|entry| EntryFacts {
            uuid: entry.id,
            value: entry.value,
            comment: entry.comment,
            added_by: entry.added_by,
            created_at: entry.created_at,
            expires_at: entry.expires_at,
        })
        .collect())
}
