//! Asking what the lists say about values, without writing anything (`/x/screen/`).

use std::collections::{HashMap, HashSet};

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, EntryId, ListId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    list::ListType,
    screening::{Hit, Index},
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    as_of::{self, AsOf},
};
use crate::{
    app::App,
    store::{
        entries::{self, Entry},
        entry_versions,
        revisions::Moment,
    },
};

/// Most values of one call.
const MOST: usize = 1_000;

/// The values asked about.
pub struct Question {
    values: Vec<(EntryType, String)>,
    lists: Option<HashSet<ListId>>,
    /// The state of the lists; none: as they stand.
    as_of: Option<AsOf>,
}

impl Question {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let values = fields.required("values", read_values);
        let lists = fields.optional("lists", read::list_of(read::uuid));
        let as_of = fields.optional("as_of", AsOf::read);
        fields.finish(|| Some(Self { values: values?, lists: lists?.map(HashSet::from_iter), as_of: as_of? }))
    }
}

fn read_values(sent: &Value<'_>) -> Result<Vec<(EntryType, String)>, FieldError> {
    if read::array(sent)?.len() > MOST {
        return Err(FieldError::too_many_elements(MOST));
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
    held: bool,
    muted_by: Option<EntryId>,
    entry: Option<EntryFacts>,
}

#[derive(Debug, Serialize)]
struct EntryFacts {
    uuid: EntryId,
    value: String,
    comment: String,
    added_by: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl EntryFacts {
    fn of(entry: &Entry) -> Self {
        Self {
            uuid: entry.id,
            value: entry.value.clone(),
            comment: entry.comment.clone(),
            added_by: entry.added_by.clone(),
            created_at: entry.created_at,
            expires_at: entry.expires_at,
        }
    }
}

#[derive(Debug, Serialize)]
struct Invalid {
    index: usize,
    entry_type: EntryType,
    value: String,
    reason: &'static str,
}

/// A value by its place in the question, and an entry that matches it.
type Found = (usize, EntryValue, Hit);

/// Screens values against the lists as they stand now. Writes nothing but, under an `Idempotency-Key`, the answer.
pub async fn screen(app: &App, caller: &Caller, body: Result<Question, FieldErrors>) -> Result<Verdict, Error> {
    let verdict = answer(app, caller.application, body?).await?;
    match caller.claim {
        None => Ok(verdict),
        Some(_) => app.act(caller, move |_| Box::pin(async move { Ok(verdict) })).await,
    }
}

async fn answer(app: &App, application: ApplicationId, question: Question) -> Result<Verdict, Error> {
    let (values, invalid) = parse(&question);
    let (moment, mut found) = match question.as_of {
        None => {
            let index = app.live.fresh(application).await?;
            let moment = Moment { revision: index.revision(), at: app.clock.now() };
            (moment, compare(&index, values, moment.at))
        }
        Some(asked) => compare_earlier(app, application, asked, values).await?,
    };
    found.retain(|(_, _, hit)| question.lists.as_ref().is_none_or(|lists| lists.contains(&hit.list)));
    let facts = explain(app, application, &found).await?;
    let muting = muting(&found);
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
            held: hit.held,
            muted_by: muting.get(place).copied().filter(|_| hit.list_type == ListType::Allowlist),
            entry: facts.get(&(hit.entry, hit.added_rev)).map(EntryFacts::of),
        })
        .collect();
    Ok(Verdict { lists_revision: moment.revision, evaluated_at: moment.at, verdict, hits, invalid })
}

/// The values by their places, and those that are none of their type.
fn parse(question: &Question) -> (Vec<(usize, EntryValue)>, Vec<Invalid>) {
    let (mut values, mut invalid) = (Vec::new(), Vec::new());
    for (place, (entry_type, sent)) in question.values.iter().enumerate() {
        match EntryValue::parse(*entry_type, sent) {
            Ok(value) => values.push((place, value)),
            Err(reason) => {
                invalid.push(Invalid { index: place, entry_type: *entry_type, value: sent.clone(), reason: reason.message() });
            }
        }
    }
    (values, invalid)
}

/// Looks every value up; the hits of one value come in the order of the index.
fn compare(index: &Index, values: Vec<(usize, EntryValue)>, now: Timestamp) -> Vec<Found> {
    let hits = |(place, value): (usize, EntryValue)| {
        index.hits(&value, now).into_iter().map(move |hit| (place, value.clone(), hit)).collect::<Vec<_>>()
    };
    values.into_iter().flat_map(hits).collect()
}

/// The same over lists of the past, which no index holds.
async fn compare_earlier(
    app: &App,
    application: ApplicationId,
    asked: AsOf,
    values: Vec<(usize, EntryValue)>,
) -> Result<(Moment, Vec<Found>), Error> {
    let now = app.clock.now();
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let moment = as_of::find(tx, application, ("as_of", Some(asked)), now).await?;
                let mut found = Vec::new();
                for (place, value) in values {
                    let hits = entry_versions::list_hits(tx, application, &value, moment).await?;
                    found.extend(hits.into_iter().map(|hit| (place, value.clone(), hit)));
                }
                Ok((moment, found))
            })
        })
        .await
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

/// By place of the value: the first blocklist entry that matches it, beside which allowlist entries have no effect.
fn muting(found: &[Found]) -> HashMap<usize, EntryId> {
    let blocking = found.iter().rev().filter(|(_, _, hit)| hit.list_type == ListType::Blocklist);
    blocking.map(|(place, _, hit)| (*place, hit.entry)).collect()
}

/// The entries that matched, in the very versions the index knows, so that an edit on the way changes nothing.
async fn explain(app: &App, application: ApplicationId, found: &[Found]) -> Result<HashMap<(EntryId, u64), Entry>, Error> {
    let mut wanted: Vec<(EntryId, u64)> = found.iter().map(|(_, _, hit)| (hit.entry, hit.added_rev)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    app.store.read(move |tx| Box::pin(async move { Ok(entries::find_versions(tx, application, &wanted).await?) })).await
}
