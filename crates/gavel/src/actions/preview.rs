//! What a change of the lists would have meant for past sessions and transactions, and what it would mean for users and businesses
//! (`/x/lists/preview/`). Writes nothing.
//!
//! Every decision is kept with what it was made with: the hits, the sender's word, the duplicates found then, what status rules saw. A session
//! the change touches is decided again twice, with the hits as they were and with the change; where the two differ, it
//! would have been decided differently. What is a duplicate depends on how earlier sessions came out, so sessions are taken
//! from old to new, and those that showed a value of a record that came out differently are looked at as well.

mod change;
mod outcome;
mod subjects;
mod transactions;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use gavel_core::{
    entry::EntryValue,
    evidence::{Duplicate, ListFinding, SessionRef, Weighed, has_missing_step, session_outcome},
    ids::{ApplicationId, EntryId, RecordId, SessionId},
    session::{FeatureStatus, SessionKind, SessionStatus},
    time::Timestamp,
};
use serde::Serialize;

use super::{Caller, Error, evidence::workflow_steps, matches, replay};
use crate::{
    app::App,
    store::{
        Tx,
        applications::{self, Counter},
        asked,
        preview::{self, Decided, Earlier},
        records::{self, Record},
        sessions::{self, Session},
    },
};
pub use change::Changes;
use change::{Effect, WithoutEffect};
use outcome::Outcome;

/// Most sessions looked at.
const MOST: usize = 10_000;
/// Most sessions shown one by one.
const SAMPLES: usize = 20;

/// What the change would have meant.
#[derive(Debug, Serialize)]
pub struct Preview {
    lists_revision: u64,
    evaluated_at: Timestamp,
    sessions: Sessions,
    users: Looked<subjects::Sample>,
    businesses: Looked<subjects::Sample>,
    transactions: Looked<transactions::Sample>,
    without_effect: Vec<WithoutEffect>,
}

#[derive(Debug, Default, Serialize)]
struct Sessions {
    /// Touched by the change and looked at.
    considered: u64,
    /// Whether these are all there are; the newest come first.
    complete: bool,
    /// Without what their decision was made with.
    not_comparable: u64,
    changed: u64,
    by_status: Vec<ByStatus>,
    /// Newest first.
    samples: VecDeque<Sample>,
}

#[derive(Debug, Serialize)]
struct ByStatus {
    from: &'static str,
    to: &'static str,
    count: u64,
}

#[derive(Debug, Serialize)]
struct Sample {
    session_id: SessionId,
    session_number: i64,
    vendor_data: Option<String>,
    /// Where it stands now.
    status: SessionStatus,
    decided: &'static str,
    would_be: &'static str,
    risks_added: Vec<String>,
    risks_removed: Vec<String>,
}

/// Previews a change.
pub async fn preview(app: &App, caller: &Caller, body: Result<Changes, gavel_core::json::FieldErrors>) -> Result<Preview, Error> {
    let (application, now, changes) = (caller.application, app.clock.now(), body?);
    let found =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { look(tx, application, changes, now).await })).await?;
    match caller.claim {
        None => Ok(found),
        Some(_) => app.act(caller, move |_| Box::pin(async move { Ok(found) })).await,
    }
}

pub(super) async fn look(tx: &mut Tx, application: ApplicationId, changes: Changes, now: Timestamp) -> Result<Preview, Error> {
    let lists_revision = applications::current(tx, application, Counter::ListsRevision).await?;
    let (effect, without_effect) = changes.resolve(tx, application, now).await?;
    let touched = touched(tx, application, &effect).await?;
    let passed_over = touched.len().saturating_sub(MOST);
    let mut past = Past {
        application,
        effect,
        waiting: touched.into_iter().skip(passed_over).collect(),
        seen: HashSet::new(),
        moved: HashMap::new(),
    };
    let mut sessions = Sessions { complete: passed_over == 0, ..Sessions::default() };
    let mut counts: HashMap<(&'static str, &'static str), u64> = HashMap::new();
    // From old to new: what becomes of a session may mean something to those that came after it.
    while let Some((_, id)) = past.waiting.pop_first() {
        if !past.seen.insert(id) {
            continue;
        }
        if past.seen.len() > MOST {
            sessions.complete = false;
            break;
        }
        let Some(session) = sessions::find_session(tx, application, id).await? else { continue };
        sessions.considered += 1;
        match past.compare(tx, &session).await? {
            Compared::Unknown => sessions.not_comparable += 1,
            Compared::Same => {}
            Compared::Differs(sample) => {
                sessions.changed += 1;
                *counts.entry((sample.decided, sample.would_be)).or_default() += 1;
                sessions.samples.push_front(sample);
                sessions.samples.truncate(SAMPLES);
            }
        }
    }
    sessions.by_status = by_status(counts);
    let judged = &past.effect.judged;
    let users = subjects::look(tx, (application, SessionKind::User), judged, now).await?;
    let businesses = subjects::look(tx, (application, SessionKind::Business), judged, now).await?;
    let transactions = transactions::look(tx, application, &past.effect).await?;
    Ok(Preview { lists_revision, evaluated_at: now, sessions, users, businesses, transactions, without_effect })
}

/// What came of looking at users, businesses or transactions.
#[derive(Debug, Serialize)]
struct Looked<S> {
    /// Touched by the change and looked at.
    considered: u64,
    /// Whether these are all there are; the newest come first.
    complete: bool,
    changed: u64,
    by_status: Vec<ByStatus>,
    samples: Vec<S>,
    #[serde(skip)]
    counts: HashMap<(&'static str, &'static str), u64>,
}

impl<S> Looked<S> {
    fn new(complete: bool) -> Self {
        Self { considered: 0, complete, changed: 0, by_status: Vec::new(), samples: Vec::new(), counts: HashMap::new() }
    }

    /// One is different. Answers whether there is room to show it.
    fn note(&mut self, from: &'static str, to: &'static str) -> bool {
        self.changed += 1;
        *self.counts.entry((from, to)).or_default() += 1;
        self.samples.len() < SAMPLES
    }

    fn finish(mut self) -> Self {
        self.by_status = by_status(std::mem::take(&mut self.counts));
        self
    }
}

/// The changes that are most come first.
fn by_status(counts: HashMap<(&'static str, &'static str), u64>) -> Vec<ByStatus> {
    let mut rows: Vec<ByStatus> = counts.into_iter().map(|((from, to), count)| ByStatus { from, to, count }).collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.count), row.from, row.to));
    rows
}

/// Sessions the change may mean something to.
async fn touched(tx: &mut Tx, application: ApplicationId, effect: &Effect) -> Result<BTreeSet<Decided>, Error> {
    let (mut touched, most) = (BTreeSet::new(), MOST as u64 + 1);
    for addition in effect.additions.iter().filter(|addition| addition.decides) {
        touched.extend(preview::list_showing(tx, application, &addition.value, most).await?);
    }
    for entry in &effect.removed {
        touched.extend(preview::list_hit(tx, *entry, most).await?);
    }
    for (list, value) in &effect.changed {
        touched.extend(asked::list_asking(tx, *list, value, most).await?);
    }
    for subject in effect.refused.iter().chain(&effect.let_go) {
        touched.extend(preview::list_of_subject(tx, application, subject, most).await?);
    }
    Ok(touched)
}

/// The past as it would have been, as far as it is known yet.
struct Past {
    application: ApplicationId,
    effect: Effect,
    waiting: BTreeSet<Decided>,
    seen: HashSet<SessionId>,
    /// Records that would have come out differently.
    moved: HashMap<RecordId, FeatureStatus>,
}

/// What came of deciding a session twice.
enum Compared {
    Unknown,
    Same,
    Differs(Sample),
}

impl Past {
    async fn compare(&mut self, tx: &mut Tx, session: &Session) -> Result<Compared, Error> {
        let sample = |decided, would_be, before: &BTreeSet<String>, after: &BTreeSet<String>| {
            Compared::Differs(Sample {
                session_id: session.id,
                session_number: session.number,
                vendor_data: session.vendor_data.clone(),
                status: session.status,
                decided,
                would_be,
                risks_added: after.difference(before).cloned().collect(),
                risks_removed: before.difference(after).cloned().collect(),
            })
        };
        let records = records::list_records(tx, session.id).await?;
        let shown = preview::list_signals(tx, session.id).await?;
        let shown = |record: &Record| shown.get(&record.id).map_or(&[][..], Vec::as_slice);
        if self.effect.refuses(session) {
            for record in &records {
                self.note(tx, record, shown(record), FeatureStatus::Declined).await?; // What was never shown is nobody's duplicate.
            }
            let none = BTreeSet::new();
            return Ok(sample(session.first_outcome.unwrap_or(session.status).as_str(), "Refused", &none, &none));
        }
        if session.first_outcome.is_none() {
            return Ok(Compared::Same); // Nothing has been decided yet.
        }
        let mut hits = preview::list_hits(tx, session.id).await?;
        let (mut before, mut after) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
        for record in &records {
            let weighed = record.weighed_with.as_ref().and_then(Weighed::from_json);
            let Some(mut weighed) = weighed else { return Ok(Compared::Unknown) };
            let stored = hits.remove(&record.id).unwrap_or_default();
            let then: Vec<ListFinding> = stored.iter().map(|hit| hit.finding.clone()).collect();
            before.push((weighed.clone(), then));
            let kept = stored.into_iter().filter(|hit| !self.effect.removed.contains(&hit.entry));
            let mut changed: Vec<ListFinding> = kept.map(|hit| hit.finding).collect();
            for value in shown(record) {
                changed.extend(self.effect.findings(value));
                self.follow(tx, session, record, value, &mut weighed).await?;
            }
            if let Some(consulted) = &mut weighed.consulted {
                self.effect.change(consulted);
            }
            after.push((weighed, changed));
        }
        let kept = replay::Before::load(tx, self.application, session.id).await?;
        let (before, after) =
            (Outcome::of(session, &records, &before, &kept.scores)?, Outcome::of(session, &records, &after, &kept.scores)?);
        for (record, (was, would_be)) in records.iter().zip(before.statuses.iter().zip(&after.statuses)) {
            if was != would_be {
                self.note(tx, record, shown(record), *would_be).await?;
            }
        }
        let nodes: Vec<&str> = records.iter().filter_map(|record| record.node_id.as_deref()).collect();
        let missing = has_missing_step(&workflow_steps(session), &nodes);
        let of = |outcome: &Outcome, without: &HashSet<EntryId>| {
            session_outcome(&outcome.statuses, true, missing, kept.is_for_a_person(without)).as_str()
        };
        let (decided, would_be) = (of(&before, &HashSet::new()), of(&after, &self.effect.removed));
        Ok(if decided == would_be { Compared::Same } else { sample(decided, would_be, &before.risks, &after.risks) })
    }

    /// A record would have come out differently: later sessions that showed the same values may find another duplicate.
    async fn note(&mut self, tx: &mut Tx, record: &Record, shown: &[EntryValue], status: FeatureStatus) -> Result<(), Error> {
        self.moved.insert(record.id, status);
        for value in shown {
            let showing = preview::list_showing(tx, self.application, value, MOST as u64 + 1).await?;
            self.waiting.extend(showing.into_iter().filter(|(at, id)| *at >= record.created_at && !self.seen.contains(id)));
        }
        Ok(())
    }

    /// Puts the duplicate of a value as it would have been found in the place of the one that was.
    async fn follow(
        &self,
        tx: &mut Tx,
        session: &Session,
        record: &Record,
        shown: &EntryValue,
        weighed: &mut Weighed,
    ) -> Result<(), Error> {
        let Some(kind) = matches::kind_of(shown.entry_type()) else { return Ok(()) };
        let whose = (session.id, session.vendor_data.as_deref());
        let earlier = preview::list_earlier(tx, self.application, whose, shown, record.created_at).await?;
        if !earlier.iter().any(|earlier| self.moved.contains_key(&earlier.record)) {
            return Ok(());
        }
        let status = |earlier: &Earlier| self.moved.get(&earlier.record).copied().unwrap_or(earlier.status);
        weighed.duplicates.retain(|duplicate| duplicate.kind != kind);
        if earlier.iter().any(|earlier| status(earlier) == FeatureStatus::Approved) {
            weighed.duplicates.push(Duplicate { kind, session: SessionRef::default(), names_differ: false });
        }
        Ok(())
    }
}
