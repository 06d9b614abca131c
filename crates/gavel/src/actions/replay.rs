//! What decisions were made with, and making them again with exactly that.
//!
//! When evidence is decided on, every item is written down with what it was weighed with: thresholds, scores, the sender's word,
//! the duplicates found, the normalised values, the hits, the fields its status rules looked at and what lists told them, and
//! what came of it. A replay takes the thresholds, rules, scores, word, duplicates and fields from there, the values from the
//! signals and what lists say from the entries as they stood at that revision and instant, and weighs again. What a record
//! holds now, which people may have corrected, is not looked at. Both are written by [`Pinned::answer`], so the same is the
//! same byte for byte; what is not is shown.

use std::collections::{BTreeSet, HashMap, HashSet};

use gavel_core::{
    entry::{EntryType, EntryValue},
    evidence::{
        self, Answer, Assessment, Config, Consulted, Covering, Feature, Item, ListFinding, Signal, Weighed, assess,
        drop_repeated_locations, ruled_status, session_outcome,
    },
    ids::{ApplicationId, EntryId, RecordId, SessionId},
    json::{FieldErrors, Fields, Value as Sent},
    list::ListType,
    rules::{Ruling, StatusRules},
    screening::Hit,
    session::{FeatureStatus, SessionStatus},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Caller, Error, rules};
use crate::{
    app::App,
    store::{
        Tx, entry_versions, erasures, hits as hit_rows,
        revisions::Moment,
        screenings::{self, Screening},
        sessions,
    },
};

/// Members of a decision beside its items, in the order in which they are shown.
const SUMMARY: [&str; 9] = [
    "complete",
    "missing_step",
    "earlier_statuses",
    "subject",
    "subject_hits",
    "subject_held",
    "subject_flagged",
    "outcome",
    "items_count",
];

const ERASED: Error = Error::Gone("What this session was decided with has been erased.");

/// What an item is weighed with beside its values and the lists.
pub(super) struct Pinned {
    record: RecordId,
    feature: Feature,
    node_id: Option<String>,
    thresholds: Map<String, Value>,
    scores: Map<String, Value>,
    weighed: Weighed,
    /// Risks of the kind that is reported once per session, and was before this item.
    reported: BTreeSet<String>,
}

impl Pinned {
    /// What an item, placed in its step, is weighed with.
    pub(super) fn of(record: RecordId, item: &Item, config: &Config, weighed: &Weighed, reported: &HashSet<String>) -> Self {
        Self {
            record,
            feature: item.feature,
            node_id: item.node_id.clone(),
            thresholds: evidence::thresholds(item.feature, config),
            scores: evidence::scores(item),
            weighed: weighed.clone(),
            // Only what tells of places is reported once.
            reported: match item.feature {
                Feature::IpAnalysis => reported.iter().cloned().collect(),
                _ => BTreeSet::new(),
            },
        }
    }

    /// As it was written down by [`answer`](Self::answer).
    fn read(record: RecordId, stored: &Value) -> Option<Self> {
        let members = |name: &str| stored[name].as_object().cloned();
        Some(Self {
            record,
            feature: Feature::from_name(stored["feature"].as_str()?)?,
            node_id: stored["node_id"].as_str().map(str::to_owned),
            thresholds: members("thresholds")?,
            scores: members("scores")?,
            weighed: Weighed::from_json(&stored["weighed_with"])?,
            reported: stored["already_reported"].as_array()?.iter().filter_map(|risk| Some(risk.as_str()?.to_owned())).collect(),
        })
    }

    /// The status rules of its step.
    fn rules(&self) -> Result<StatusRules, Error> {
        rules::stored(self.thresholds.get("status_rules"))
    }

    /// Weighs it: first by itself, then by what its status rules saw. A risk that is reported once per session is left out
    /// when it was reported before.
    fn weigh(&self, rules: Option<&StatusRules>, findings: &[ListFinding], at: Timestamp) -> (Assessment, Ruling) {
        let item = self.weighed.item(self.feature, self.node_id.clone(), self.scores.clone());
        let config = Config::new(self.thresholds.clone());
        let mut assessment = assess(&item, &config, findings, &self.weighed.duplicates);
        let ruling = match (rules, &self.weighed.consulted) {
            (Some(rules), Some(consulted)) => consulted.decide(rules, at),
            _ => Ruling::default(),
        };
        assessment.status = ruled_status(&item, &config, &assessment.warnings, ruling.status);
        drop_repeated_locations(&mut assessment.warnings, &mut self.reported.iter().cloned().collect());
        (assessment, ruling)
    }

    /// The whole answer, and what becomes of the item.
    pub(super) fn answer(
        &self,
        rules: Option<&StatusRules>,
        (signals, hits): (&[Signal], &[(Signal, Hit)]),
        at: Timestamp,
    ) -> (Value, Assessment) {
        let findings: Vec<ListFinding> = hits.iter().map(|(signal, hit)| ListFinding::of(hit, signal)).collect();
        let (weight, ruling) = self.weigh(rules, &findings, at);
        let warnings: Vec<Value> = weight
            .warnings
            .iter()
            .map(|it| json!({ "risk": it.risk, "log_type": it.log_type, "additional_data": it.additional_data }))
            .collect();
        let answer = json!({
            "record_uuid": self.record,
            "feature": self.feature.name(),
            "node_id": self.node_id,
            "model": null,
            "thresholds": self.thresholds,
            "scores": self.scores,
            "weighed_with": self.weighed.to_json(),
            "already_reported": self.reported,
            "signals": signals.iter().map(|signal| value_json(&signal.value)).collect::<Vec<_>>(),
            "hits": hits.iter().map(|(_, hit)| hit_json(hit)).collect::<Vec<_>>(),
            "warnings": warnings,
            "ruling": ruling.by.map(|(place, because)| json!({ "rule": place, "status": ruling.status, "because": because })),
            "status": weight.status,
        });
        (answer, weight)
    }
}

fn value_json(value: &EntryValue) -> Value {
    json!({ "entry_type": value.entry_type(), "value": value.stored(), "normalised": value.key() })
}

fn value_of(stored: &Value) -> Option<EntryValue> {
    let text = |name: &str| stored[name].as_str().map(str::to_owned);
    Some(EntryValue::from_store(EntryType::from_name(&text("entry_type")?)?, text("value")?, text("normalised")?))
}

fn hit_json(hit: &Hit) -> Value {
    json!({
        "list_uuid": hit.list,
        "list_type": hit.list_type,
        "entry_uuid": hit.entry,
        "entry_revision": hit.added_rev,
        "comparison": hit.comparison,
        "held": hit.held,
    })
}

/// What the roll-up of a decision is made of beside its items.
pub(super) struct Rollup {
    /// The call was to end the session.
    pub complete: bool,
    /// A step of the workflow had no result.
    pub missing_step: bool,
    /// What the results of earlier calls had come to.
    pub earlier: Vec<FeatureStatus>,
    /// What lists know the person or company by.
    pub subject: Option<EntryValue>,
    /// Somebody had flagged the person or company.
    pub subject_flagged: bool,
}

impl Rollup {
    fn read(stored: &Value) -> Option<Self> {
        let earlier = stored["earlier_statuses"].as_array()?.iter().map(|name| FeatureStatus::from_name(name.as_str()?));
        Some(Self {
            complete: stored["complete"].as_bool()?,
            missing_step: stored["missing_step"].as_bool()?,
            earlier: earlier.collect::<Option<_>>()?,
            subject: match &stored["subject"] {
                Value::Null => None,
                subject => Some(value_of(subject)?),
            },
            subject_flagged: stored["subject_flagged"].as_bool()?,
        })
    }

    /// Rolls the items up; the whole answer, and what becomes of the session. `hits` are those of the person or company: one
    /// that the flood guard holds is for a person to look at.
    pub(super) fn answer(&self, items: &[FeatureStatus], hits: &[Hit]) -> (Map<String, Value>, SessionStatus) {
        let subject_held = hits.iter().any(|hit| hit.list_type == ListType::Blocklist && hit.held);
        let statuses = [&self.earlier[..], items].concat();
        let outcome = session_outcome(&statuses, self.complete, self.missing_step, self.subject_flagged || subject_held);
        let answer = json!({
            "complete": self.complete,
            "missing_step": self.missing_step,
            "earlier_statuses": self.earlier,
            "subject": self.subject.as_ref().map(value_json),
            "subject_hits": hits.iter().map(hit_json).collect::<Vec<_>>(),
            "subject_held": subject_held,
            "subject_flagged": self.subject_flagged,
            "outcome": outcome,
            "items_count": items.len(),
        });
        let answer = if let Value::Object(members) = answer { members } else { Map::new() };
        (answer, outcome)
    }
}

/// What a session's decisions were made with.
#[derive(Debug, Serialize)]
pub struct MadeWith {
    session_id: SessionId,
    screenings: Vec<Value>,
}

/// The same decisions, made again.
#[derive(Debug, Serialize)]
pub struct Replayed {
    session_id: SessionId,
    identical: bool,
    /// Decisions of which too little was kept: by older versions, because steps were repeated since, or because what a
    /// removed entry said was erased with somebody else.
    not_comparable: u64,
    differences: Vec<Difference>,
    screenings: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct Difference {
    screening_uuid: Uuid,
    record_uuid: Option<RecordId>,
    member: String,
    stored: Value,
    replayed: Value,
}

/// Shows what a session's decisions were made with.
pub async fn show(app: &App, caller: &Caller, id: SessionId) -> Result<MadeWith, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let (stored, _) = load(tx, application, id).await?;
                let screenings = stored.iter().map(|screening| Stored::read(screening).map(|it| it.shown(screening)));
                Ok(MadeWith { session_id: id, screenings: screenings.collect::<Result<_, _>>()? })
            })
        })
        .await
}

/// A replay takes no options.
pub struct ReplayBody;

impl ReplayBody {
    /// Reads the body.
    pub fn read(sent: &Sent<'_>) -> Result<Self, FieldErrors> {
        Fields::of(sent)?.finish(|| Some(Self))
    }
}

/// Makes a session's decisions again. Writes nothing but, under an `Idempotency-Key`, the answer.
pub async fn replay(app: &App, caller: &Caller, id: SessionId, body: Result<ReplayBody, FieldErrors>) -> Result<Replayed, Error> {
    let application = caller.application;
    let replayed = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (stored, values) = load(tx, application, id).await?;
                body?;
                again(tx, application, id, &stored, &values).await
            })
        })
        .await?;
    match caller.claim {
        None => Ok(replayed),
        Some(_) => app.act(caller, move |_| Box::pin(async move { Ok(replayed) })).await,
    }
}

type Values = HashMap<RecordId, Vec<EntryValue>>;

/// The decisions of a session and its normalised values, unless an erasure has taken them.
async fn load(tx: &mut Tx, application: ApplicationId, id: SessionId) -> Result<(Vec<Screening>, Values), Error> {
    if sessions::find_session(tx, application, id).await?.is_none() {
        return Err(if erasures::is_erased(tx, application, id).await? { ERASED } else { Error::NOT_FOUND });
    }
    let stored = screenings::list_screenings(tx, application, id).await?;
    let values = screenings::list_signals(tx, id).await?;
    for screening in &stored {
        let Stored { summary: Some(summary), items } = Stored::read(screening)? else { continue };
        let had_values = |item: &Value| item["signals"].as_array().is_some_and(|signals| !signals.is_empty());
        let without = items.iter().any(|(record, item)| had_values(item) && !values.contains_key(record));
        let there = items.len() as u64 + screening.items_cleared;
        if without || summary["items_count"].as_u64().is_some_and(|count| count > there) {
            return Err(ERASED);
        }
    }
    Ok((stored, values))
}

/// A decision as it was written down.
struct Stored {
    summary: Option<Map<String, Value>>,
    items: Vec<(RecordId, Value)>,
}

impl Stored {
    fn read(screening: &Screening) -> Result<Self, Error> {
        let items = screening.items.iter().map(|(record, text)| Ok((*record, serde_json::from_str(text).map_err(Error::fault)?)));
        Ok(Self {
            summary: screening.summary.as_deref().map(serde_json::from_str).transpose().map_err(Error::fault)?,
            items: items.collect::<Result<_, Error>>()?,
        })
    }

    /// The versions of entries it names.
    fn entries(&self) -> Vec<(EntryId, u64)> {
        let of_subject = self.summary.as_ref().and_then(|summary| summary.get("subject_hits"));
        let hits = of_subject.into_iter().chain(self.items.iter().map(|(_, item)| &item["hits"])).filter_map(Value::as_array);
        let version = |hit: &Value| Some((hit["entry_uuid"].as_str()?.parse().ok()?, hit["entry_revision"].as_u64()?));
        let mut entries: Vec<(EntryId, u64)> = hits.flatten().filter_map(version).collect();
        let weighed = self.items.iter().filter_map(|(_, item)| Weighed::from_json(&item["weighed_with"]));
        let consulted = weighed.filter_map(|weighed| weighed.consulted);
        entries.extend(consulted.flat_map(|it| it.entries()).map(|covering| (covering.entry, covering.revision)));
        entries
    }

    fn shown(self, screening: &Screening) -> Value {
        shown(screening, self.summary, self.items.into_iter().map(|(_, item)| item).collect())
    }
}

fn shown(screening: &Screening, summary: Option<Map<String, Value>>, items: Vec<Value>) -> Value {
    let mut answer = Map::new();
    answer.insert("screening_uuid".into(), json!(screening.id));
    answer.insert("lists_revision".into(), json!(screening.lists_revision));
    answer.insert("evaluated_at".into(), json!(screening.evaluated_at));
    for name in SUMMARY {
        let value = summary.as_ref().and_then(|members| members.get(name)).cloned();
        answer.insert(name.into(), value.unwrap_or_default());
    }
    answer.insert("items_deleted".into(), json!(screening.items_cleared));
    answer.insert("items".into(), items.into());
    Value::Object(answer)
}

/// What a session's decisions had before them beside hits and words, for whoever weighs them again with other lists.
#[derive(Default)]
pub(super) struct Before {
    /// The scores of its items as they were weighed.
    pub scores: HashMap<RecordId, Map<String, Value>>,
    /// Somebody had flagged the person or company at the last decision.
    flagged: bool,
    /// Entries about them that the flood guard held.
    held: Vec<EntryId>,
}

impl Before {
    /// As it was written down.
    pub(super) async fn load(tx: &mut Tx, application: ApplicationId, id: SessionId) -> Result<Self, Error> {
        let mut before = Self::default();
        for screening in screenings::list_screenings(tx, application, id).await? {
            let Stored { summary, items } = Stored::read(&screening)?;
            for (record, mut item) in items {
                if let Some(Value::Object(scores)) = item.get_mut("scores").map(Value::take) {
                    before.scores.insert(record, scores);
                }
            }
            let Some(summary) = summary else { continue };
            before.flagged = summary.get("subject_flagged").and_then(Value::as_bool).unwrap_or(false);
            let hits = summary.get("subject_hits").and_then(Value::as_array).into_iter().flatten();
            let held = hits.filter(|hit| hit["held"] == true && hit["list_type"] == ListType::Blocklist.as_str());
            before.held = held.filter_map(|hit| hit["entry_uuid"].as_str()?.parse().ok()).collect();
        }
        Ok(before)
    }

    /// Whether a person had to look at whatever the session came to, these entries taken away.
    pub(super) fn is_for_a_person(&self, without: &HashSet<EntryId>) -> bool {
        self.flagged || self.held.iter().any(|entry| !without.contains(entry))
    }
}

async fn again(
    tx: &mut Tx,
    application: ApplicationId,
    id: SessionId,
    stored: &[Screening],
    values: &Values,
) -> Result<Replayed, Error> {
    let mut replayed =
        Replayed { session_id: id, identical: true, not_comparable: 0, differences: Vec::new(), screenings: Vec::new() };
    for screening in stored {
        let was = Stored::read(screening)?;
        let made = if screening.items_cleared == 0 { make(tx, application, screening, &was, values).await? } else { None };
        let Some((summary, items)) = made else {
            replayed.not_comparable += 1;
            replayed.screenings.push(was.shown(screening));
            continue;
        };
        let differences = differences(screening.id, &was, &summary, &items);
        if !differences.is_empty() && entry_versions::is_any_erased(tx, &was.entries()).await? {
            replayed.not_comparable += 1;
            replayed.screenings.push(was.shown(screening));
            continue;
        }
        replayed.differences.extend(differences);
        replayed.screenings.push(shown(screening, Some(summary), items));
    }
    replayed.identical = replayed.differences.is_empty();
    Ok(replayed)
}

/// Makes a decision again with what it was made with; `None` where that is not known.
async fn make(
    tx: &mut Tx,
    application: ApplicationId,
    screening: &Screening,
    was: &Stored,
    values: &Values,
) -> Result<Option<(Map<String, Value>, Vec<Value>)>, Error> {
    let moment = Moment { revision: screening.lists_revision, at: screening.evaluated_at };
    let Some(summary) = &was.summary else { return Ok(None) };
    let Some(rollup) = Rollup::read(&Value::Object(summary.clone())) else { return Ok(None) };
    let (mut items, mut statuses) = (Vec::new(), Vec::new());
    for (record, before) in &was.items {
        let Some(mut pinned) = Pinned::read(*record, before) else { return Ok(None) };
        let rules = pinned.rules()?;
        if let Some(consulted) = &mut pinned.weighed.consulted {
            ask_again(tx, application, consulted, moment).await?;
        }
        let signals = in_order(before, values.get(record).map_or(&[], Vec::as_slice));
        let mut hits = Vec::new();
        for signal in &signals {
            let found = entry_versions::list_hits(tx, application, &signal.value, moment).await?;
            hits.extend(found.into_iter().map(|hit| (signal.clone(), hit)));
        }
        let (answer, assessment) = pinned.answer(Some(&rules), (&signals, &hits), moment.at);
        items.push(answer);
        statuses.push(assessment.status);
    }
    let hits = match &rollup.subject {
        Some(subject) => entry_versions::list_hits(tx, application, subject, moment).await?,
        None => Vec::new(),
    };
    Ok(Some((rollup.answer(&statuses, &hits).0, items)))
}

/// Asks the lists what status rules have asked them, as they stood then. What was no value of a list's type stays none.
async fn ask_again(tx: &mut Tx, application: ApplicationId, consulted: &mut Consulted, moment: Moment) -> Result<(), Error> {
    for ((list, _), answer) in &mut consulted.answers {
        let Some(Answer { value: Some(value), entries }) = answer else { continue };
        let hits = entry_versions::list_hits(tx, application, value, moment).await?;
        *entries = hits.iter().filter(|hit| hit.list == *list).map(Covering::from).collect();
    }
    Ok(())
}

/// The values of an item in the order in which it had them; a table has none.
fn in_order(before: &Value, values: &[EntryValue]) -> Vec<Signal> {
    let named = |value: &EntryValue| {
        let is = |signal: &Value| signal["entry_type"].as_str() == Some(value.entry_type().as_str());
        before["signals"].as_array().and_then(|signals| signals.iter().position(is)).unwrap_or(usize::MAX)
    };
    let mut values: Vec<&EntryValue> = values.iter().collect();
    values.sort_by_key(|value| named(value));
    // Where it stood in the item does not matter any more.
    values.into_iter().map(|value| Signal { entry_type: value.entry_type(), value: value.clone(), field: "" }).collect()
}

fn differences(screening: Uuid, was: &Stored, summary: &Map<String, Value>, items: &[Value]) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut found, (screening, None), was.summary.as_ref(), summary);
    for ((record, before), after) in was.items.iter().zip(items) {
        if let Value::Object(after) = after {
            compare(&mut found, (screening, Some(*record)), before.as_object(), after);
        }
    }
    found
}

fn compare(
    differences: &mut Vec<Difference>,
    (screening_uuid, record_uuid): (Uuid, Option<RecordId>),
    before: Option<&Map<String, Value>>,
    after: &Map<String, Value>,
) {
    for (member, replayed) in after {
        let stored = before.and_then(|before| before.get(member)).cloned().unwrap_or_default();
        let [before, after] = [&stored, replayed].map(Value::to_string); // Values compare without the order of members.
        if before != after {
            let replayed = replayed.clone();
            differences.push(Difference { screening_uuid, record_uuid, member: member.clone(), stored, replayed });
        }
    }
}

/// What an evidence call leaves for replays.
#[derive(Default)]
pub(super) struct Written {
    /// Every hit of every item.
    pub hits: Vec<(RecordId, EntryType, Hit)>,
    /// Entries that only status rules have come upon; they are counted too.
    pub by_rules: Vec<(RecordId, EntryId)>,
    /// The items: record, place in the order of recording, answer, status.
    pub items: Vec<(RecordId, u64, String, FeatureStatus)>,
}

impl Written {
    /// Writes it all down under a new screening.
    pub(super) async fn insert(
        &self,
        tx: &mut Tx,
        (id, scope): (Uuid, (ApplicationId, SessionId)),
        (revision, at): (u64, Timestamp),
        summary: &Map<String, Value>,
    ) -> Result<(), Error> {
        let summary = serde_json::to_string(summary).map_err(Error::fault)?;
        crate::store::records::insert_screening(tx, id, scope, revision, at, &self.hits).await?;
        for (record, entry) in &self.by_rules {
            hit_rows::insert_waiting(tx, (id, *record), *entry, at).await?;
        }
        screenings::set_summary(tx, id, &summary).await?;
        for (record, ordinal, answer, _) in &self.items {
            screenings::insert_item(tx, (id, scope.1), (*record, *ordinal), answer).await?;
        }
        Ok(())
    }
}
