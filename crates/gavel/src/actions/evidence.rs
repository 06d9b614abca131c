//! Evidence: what was found out about a person, screened and recorded in one transaction (contract, sessions §6.5).
//!
//! The steps before the transaction take as long as they take: looking whether the session can take evidence, fetching
//! pictures, screening against the snapshot at hand. Inside it the session is locked, the lists are compared with what
//! the screening saw (and screened again when they have moved on), and everything the evidence means is written: records
//! with their warnings, signals, hits, the status, one event.

use std::{collections::HashSet, sync::Arc};

use futures_util::{StreamExt, stream};
use gavel_core::{
    entry::EntryValue,
    evidence::{
        self, Assessment, Config, Consulted, Evidence, Item, ListFinding, MediaField, MediaRef, Placement, Signal, Weighed,
        WorkflowStep, assess, assign_steps, has_missing_step,
    },
    ids::{ListId, MediaId, RecordId, SessionId},
    json::FieldErrors,
    screening::{Hit, Index},
    session::{FeatureStatus, SessionKind, SessionStatus},
    subject::known_as,
    time::Timestamp,
};
use serde_json::{Value, value::RawValue};

use super::{
    Caller, Error, blocklist, decision, discard_if_refused, events, matches, media,
    replay::{Pinned, Rollup, Written},
    rules,
    rules::Rules,
    searchable, status, subjects,
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications, asked as asked_rows, events as event_rows, media as media_rows,
        records::{self, Record},
        sessions::{self, Session, Step},
    },
};

/// Most links of one call: each may take ten seconds and 20 MB.
const LINKS: usize = 100;
/// How many of them are fetched at the same time.
const LINKS_AT_ONCE: usize = 8;

/// What an evidence call carries once its pictures are here.
struct Ready {
    items: Vec<Item>,
    signals: Vec<Vec<Signal>>,
    complete: bool,
    fetched: Vec<media_rows::Media>,
    rules: Rules,
    whose: Whose,
}

/// The person or company of a session, which never changes.
type Whose = (SessionKind, Option<String>);

/// What the lists said about every signal of every item, in which state they were, and at which instant.
struct Screened {
    index: Arc<Index>,
    hits: Vec<Vec<(Signal, Hit)>>,
    at: Timestamp,
}

/// Records evidence. Answers the decision. `seen` is the version of the session the caller has looked at.
pub async fn add(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<Evidence, FieldErrors>,
    seen: Option<u64>,
) -> Result<Box<RawValue>, Error> {
    let application = caller.application;
    let before = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let session = sessions::find_session(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                let body = body?;
                must_take_evidence(&session, seen)?;
                let rules = Rules::of(&session, body.items.iter().map(|item| item.feature))?;
                Ok((body, rules, (session.kind, session.vendor_data)))
            })
        })
        .await?;
    let mut fetched = Vec::new();
    let done = fetch_and_record(app, caller, id, before, seen, &mut fetched).await;
    discard_if_refused(app, &done, &fetched).await;
    done
}

/// Notes in `fetched` what it stores, so that it can be taken back.
async fn fetch_and_record(
    app: &App,
    caller: &Caller,
    id: SessionId,
    (body, rules, whose): (Evidence, Rules, Whose),
    seen: Option<u64>,
    fetched: &mut Vec<MediaId>,
) -> Result<Box<RawValue>, Error> {
    let ready = make_ready(app, body, rules, whose, fetched).await?;
    let screened = screen(app.live.snapshot(caller.application).await?, &ready.signals, app.clock.now());
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| Box::pin(async move { record(tx, &app_, &caller_, id, ready, screened, seen).await })).await
}

fn must_take_evidence(session: &Session, seen: Option<u64>) -> Result<(), Error> {
    match session.status.is_unfinished() {
        true => status::must_be_at(session, seen),
        false => Err(Error::Refused("Evidence cannot be added to a finished session.".into())),
    }
}

/// Fetches and stores the pictures that came as links, and draws the signals.
async fn make_ready(
    app: &App,
    evidence: Evidence,
    rules: Rules,
    whose: Whose,
    fetched: &mut Vec<MediaId>,
) -> Result<Ready, Error> {
    let (items, complete) = (evidence.items, evidence.complete);
    let mut ready = Ready { items, signals: Vec::new(), complete, fetched: Vec::new(), rules, whose };
    let mut links: Vec<(usize, MediaField, String)> = Vec::new();
    for (place, item) in ready.items.iter().enumerate() {
        for field in &item.media {
            if let MediaRef::Link(url) = &field.sent {
                links.push((place, field.clone(), url.to_string()));
            }
        }
    }
    if let Some((_, field, _)) = links.get(LINKS) {
        return Err(FieldErrors::one(field.path.clone(), format!("Ensure this request has no more than {LINKS} links.")).into());
    }
    let fetches = links.into_iter().map(|(place, field, url)| {
        let app = app.clone();
        async move { (place, field, media::fetch(&app, &url).await) }
    });
    let mut fetches = stream::iter(fetches).buffered(LINKS_AT_ONCE);
    while let Some((place, field, result)) = fetches.next().await {
        let stored = result.map_err(|error| error.at(field.path.clone()))?;
        ready.items[place].set_media(&field.pointer, stored.id);
        fetched.push(stored.id);
        ready.fetched.push(stored);
    }
    ready.signals = ready.items.iter().map(evidence::signals).collect();
    Ok(ready)
}

fn screen(index: Arc<Index>, signals: &[Vec<Signal>], now: Timestamp) -> Screened {
    let of_item = |signals: &Vec<Signal>| {
        signals.iter().flat_map(|signal| index.hits(&signal.value, now).into_iter().map(|hit| (signal.clone(), hit))).collect()
    };
    let hits = signals.iter().map(of_item).collect();
    Screened { index, hits, at: now }
}

/// The transaction.
async fn record(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    id: SessionId,
    ready: Ready,
    mut screened: Screened,
    seen: Option<u64>,
) -> Result<Box<RawValue>, Error> {
    let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
    // Should the session be declined, they may be blocked: their name comes before all rows.
    subjects::sessions::hold(tx, caller.application, ready.whose.0, ready.whose.1.as_deref()).await?;
    let mut session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NOT_FOUND)?;
    must_take_evidence(&session, seen)?;
    let is_flagged = subjects::sessions::is_flagged(tx, caller.application, &session).await?;
    store_media(tx, caller, &ready).await?;

    let now = app.clock.now();
    let index = app.live.within(tx, caller.application, &screened.index).await?;
    if !Arc::ptr_eq(&index, &screened.index) {
        screened = screen(index, &ready.signals, now);
    }

    let earlier = records::list_records(tx, id).await?;
    let (all, written) = write_records(tx, caller, &mut session, earlier, &ready, &screened, now).await?;
    let from = session.status;
    start(tx, &session, from, caller, now).await?;
    let outcome = roll_up(tx, caller, &session, &all, &written, (&ready, &screened, is_flagged)).await?;
    status::move_to(&mut session, outcome, now);
    let before =
        if matches!(from, SessionStatus::NotStarted | SessionStatus::Resubmitted) { SessionStatus::InProgress } else { from };
    status::note_change(tx, &session, before, "System", now).await?; // Before the status: the queue reads since when.
    sessions::set_state(tx, &session).await?;
    sessions::set_searchable(tx, id, &searchable::of(&session, &all)).await?;
    subjects::sessions::follow(tx, caller.application, &session, from, now).await?;
    if session.status == SessionStatus::Declined {
        blocklist::follow_decline(tx, caller.application, &session, now).await?;
    }
    let decision = events::status_updated_for_answer(tx, app, &application, &session).await?;
    caller.audit(tx, "evidence.recorded", &[("session", id.0)], now).await?;
    decision::linked(app, decision)
}

/// What the session comes to; written down with everything it was made of.
async fn roll_up(
    tx: &mut Tx,
    caller: &Caller,
    session: &Session,
    all: &[Record],
    written: &Written,
    (ready, screened, subject_flagged): (&Ready, &Screened, bool),
) -> Result<SessionStatus, Error> {
    let nodes: Vec<&str> = all.iter().filter_map(|record| record.node_id.as_deref()).collect();
    let is_new = |record: &&Record| written.items.iter().any(|(id, ..)| *id == record.id);
    let rollup = Rollup {
        complete: ready.complete,
        missing_step: has_missing_step(&workflow_steps(session), &nodes),
        earlier: all.iter().filter(|record| !is_new(record)).map(|record| record.status).collect(),
        subject: known_as(session.kind, session.vendor_data.as_deref()),
        subject_flagged,
    };
    let of_subject = |value| screened.index.hits(value, screened.at);
    let hits = rollup.subject.as_ref().map(of_subject).unwrap_or_default();
    let statuses: Vec<FeatureStatus> = written.items.iter().map(|(.., status)| *status).collect();
    let (summary, outcome) = rollup.answer(&statuses, &hits);
    let scope = (caller.application, session.id);
    written.insert(tx, (new_id(), scope), (screened.index.revision(), screened.at), &summary).await?;
    Ok(outcome)
}

/// The flow begins: shown in the session's history only.
async fn start(tx: &mut Tx, session: &Session, from: SessionStatus, caller: &Caller, now: Timestamp) -> Result<(), Error> {
    if matches!(from, SessionStatus::NotStarted | SessionStatus::Resubmitted) {
        let details = serde_json::json!({ "previous_status": from.as_str(), "new_status": SessionStatus::InProgress.as_str() });
        let kind = if from == SessionStatus::NotStarted { "SESSION_STARTED" } else { "STATUS_CHANGED" };
        event_rows::insert_history(tx, session.id, new_id(), (kind, caller.actor.display()), &details, now).await?;
    }
    Ok(())
}

/// Files named by id must be this application's; fetched ones become its.
async fn store_media(tx: &mut Tx, caller: &Caller, ready: &Ready) -> Result<(), Error> {
    for fetched in &ready.fetched {
        media_rows::insert_media(tx, caller.application, fetched).await?;
    }
    let named: Vec<(&str, MediaId)> = ready
        .items
        .iter()
        .flat_map(|item| &item.media)
        .filter_map(|field| match field.sent {
            MediaRef::Stored(id) => Some((field.path.as_str(), id)),
            MediaRef::Link(_) => None,
        })
        .collect();
    let ids: Vec<MediaId> = named.iter().map(|(_, id)| *id).collect::<HashSet<_>>().into_iter().collect();
    let known: HashSet<MediaId> = media_rows::list_existing(tx, caller.application, &ids).await?.into_iter().collect();
    let mut errors = FieldErrors::default();
    for (path, id) in named {
        if !known.contains(&id) {
            errors.add(path.to_owned(), gavel_core::json::FieldError::text("Media not found."));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

pub(super) fn workflow_steps(session: &Session) -> Vec<WorkflowStep> {
    let of_workflow = session.steps.iter().filter(|step| step.in_workflow);
    of_workflow
        .filter_map(|step| {
            let feature = evidence::Feature::from_name(&step.feature)?;
            Some(WorkflowStep { feature, node_id: step.node_id.clone(), config: Config::new(step.config.clone()) })
        })
        .collect()
}

/// Writes one record per item with its warnings, signals and hits. Answers all records the session has now, and what was
/// written.
async fn write_records(
    tx: &mut Tx,
    caller: &Caller,
    session: &mut Session,
    earlier: Vec<Record>,
    ready: &Ready,
    screened: &Screened,
    now: Timestamp,
) -> Result<(Vec<Record>, Written), Error> {
    let workflow = workflow_steps(session);
    let (repeated, mut all): (Vec<Record>, Vec<Record>) =
        earlier.into_iter().partition(|record| record.status == FeatureStatus::ResubRequested);
    let recorded: Vec<String> = all.iter().filter_map(|record| record.node_id.clone()).collect();
    let placements = assign_steps(&ready.items, &workflow, &recorded);
    let mut ordinal = all.iter().chain(&repeated).map(|record| record.ordinal).max().unwrap_or(0);
    let mut drafts = Vec::with_capacity(placements.len());
    for ((item, placement), (signals, hits)) in ready.items.iter().zip(&placements).zip(ready.signals.iter().zip(&screened.hits))
    {
        for record in repeated.iter().filter(|record| record.node_id == placement.node_id) {
            records::clear_record(tx, record.id).await?; // Its step is done again: the empty place is filled.
        }
        ordinal += 1;
        let config = config_of(placement, &workflow);
        let whose = (session.id, session.vendor_data.as_deref());
        let seen = matches::find(tx, caller.application, whose, signals, hits).await?;
        drafts.push(Draft::of(item, placement, config, hits, seen, ordinal));
        add_step(session, placement);
    }
    // At the instant of the screening, like everything else the decision is made again with.
    rules::apply(tx, (caller.application, session), &ready.rules, &all, &mut drafts, (&screened.index, screened.at)).await?;
    let written = write_drafts(tx, caller, session, drafts, (ready, screened), &mut all, now).await?;
    all.extend(repeated.into_iter().filter(|record| placements.iter().all(|placement| placement.node_id != record.node_id)));
    Ok((all, written))
}

/// Writes what became of the items, and adds them to the session's records.
async fn write_drafts(
    tx: &mut Tx,
    caller: &Caller,
    session: &Session,
    drafts: Vec<Draft>,
    (ready, screened): (&Ready, &Screened),
    all: &mut Vec<Record>,
    now: Timestamp,
) -> Result<Written, Error> {
    let mut reported: HashSet<String> = locations(all);
    let mut written = Written::default();
    for (draft, (signals, hits)) in drafts.into_iter().zip(ready.signals.iter().zip(&screened.hits)) {
        let asked = draft.asked.clone();
        let come_upon = draft.weighed.consulted.as_ref().map(Consulted::entries).unwrap_or_default();
        let id = new_id::<RecordId>();
        let rules = ready.rules.of_node(draft.item.node_id.as_deref());
        let pinned = Pinned::of(id, &draft.item, &draft.config, &draft.weighed, &reported);
        // What is written is what a replay makes, by the same function.
        let (answer, assessment) = pinned.answer(rules, (signals, hits), screened.at);
        reported.extend(locations_of(&assessment));
        let record = draft.record(session.id, assessment, id, now);
        records::insert_record(tx, caller.application, &record).await?;
        media_rows::insert_uses(tx, session.id, &records::media_of(std::slice::from_ref(&record))).await?;
        for signal in signals {
            let row = records::Signal { record: record.id, session: session.id, value: &signal.value, at: now };
            records::insert_signal(tx, caller.application, &row).await?;
        }
        for (list, value) in &asked {
            asked_rows::insert_asked(tx, (record.id, session.id), *list, value, now).await?;
        }
        let risks: Vec<&str> = risks(&record).collect();
        sessions::insert_risks(tx, session.id, &risks).await?;
        written.hits.extend(hits.iter().map(|(signal, hit)| (record.id, signal.entry_type, *hit)));
        let others = come_upon.iter().filter(|covering| hits.iter().all(|(_, hit)| hit.entry != covering.entry));
        written.by_rules.extend(others.map(|covering| (record.id, covering.entry)));
        written.items.push((record.id, record.ordinal, answer.to_string(), record.status));
        all.push(record);
    }
    Ok(written)
}

/// The configuration of the step an item takes; outside the workflow every key has its default. A chip is judged with the
/// document's configuration beside its own.
pub(super) fn config_of(placement: &Placement, workflow: &[WorkflowStep]) -> Config {
    let own = placement.step.map(|step| workflow[step].config.clone()).unwrap_or_default();
    let document = workflow.iter().find(|step| step.feature == evidence::Feature::Ocr);
    match (placement.feature, document) {
        (evidence::Feature::Nfc, Some(document)) => own.beside_document(&document.config),
        _ => own,
    }
}

/// An item that has been weighed and is not written yet.
pub(super) struct Draft {
    pub(super) item: Item,
    pub(super) config: Config,
    pub(super) assessment: Assessment,
    pub(super) weighed: Weighed,
    pub(super) matches: Value,
    pub(super) ordinal: u64,
    /// What its status rules asked lists about.
    pub(super) asked: Vec<(ListId, EntryValue)>,
}

impl Draft {
    fn of(
        item: &Item,
        placement: &Placement,
        config: Config,
        hits: &[(Signal, Hit)],
        seen: matches::Found,
        ordinal: u64,
    ) -> Self {
        let mut item = item.clone();
        item.place(placement);
        let findings: Vec<ListFinding> = hits.iter().map(|(signal, hit)| ListFinding::of(hit, signal)).collect();
        let weighed = Weighed::of(&item, &seen.duplicates);
        let assessment = assess(&item, &config, &findings, &seen.duplicates);
        Self { item, config, assessment, weighed, matches: Value::Array(seen.matches), ordinal, asked: Vec::new() }
    }

    fn record(self, session: SessionId, assessment: Assessment, id: RecordId, now: Timestamp) -> Record {
        Record {
            id,
            session,
            feature: self.item.feature,
            node_id: self.item.node_id,
            ordinal: self.ordinal,
            status: assessment.status,
            data: self.item.data,
            warnings: serde_json::to_value(&assessment.warnings).unwrap_or_else(|_| Value::Array(Vec::new())),
            matches: self.matches,
            is_blocklisted: false,
            created_at: now,
            weighed_with: Some(self.weighed.to_json()),
        }
    }
}

pub(super) fn risks(record: &Record) -> impl Iterator<Item = &str> {
    record.warnings.as_array().into_iter().flatten().filter_map(|warning| warning.get("risk")?.as_str())
}

/// LOCATION risks already reported in this session.
fn locations(records: &[Record]) -> HashSet<String> {
    let of_location = |record: &&Record| record.feature == evidence::Feature::IpAnalysis;
    records.iter().filter(of_location).flat_map(|record| risks(record).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The same of an item that has just been weighed.
fn locations_of(assessment: &Assessment) -> impl Iterator<Item = String> {
    let location = evidence::Feature::IpAnalysis.warning_name();
    assessment.warnings.iter().filter(move |warning| warning.feature == location).map(|warning| warning.risk.clone())
}

/// A feature recorded outside the workflow becomes a step of the session.
pub(super) fn add_step(session: &mut Session, placement: &Placement) {
    let Some(node_id) = placement.node_id.clone() else { return };
    if session.steps.iter().all(|step| step.node_id != node_id) {
        let feature = placement.feature.name().to_owned();
        session.steps.push(Step { feature, node_id, config: serde_json::Map::new(), in_workflow: false });
    }
}
