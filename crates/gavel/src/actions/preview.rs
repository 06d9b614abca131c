//! What a change of the lists would have meant for past sessions (`/x/lists/preview/`). Writes nothing.
//!
//! Every decision is kept with what it was made with: the hits, the sender's word, the duplicates found then. A session
//! the change touches is decided again twice, with the hits as they were and with the change; where the two differ, it
//! would have been decided differently. What the change would have done to *other* sessions' duplicates is not followed.

mod change;

use std::collections::{BTreeSet, HashMap};

use gavel_core::{
    evidence::{ListFinding, Placement, Weighed, assess, has_missing_step, session_outcome, signals},
    ids::{ApplicationId, SessionId},
    session::{FeatureStatus, SessionStatus},
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    evidence::{config_of, workflow_steps},
};
use crate::{
    app::App,
    store::{
        Tx,
        applications::{self, Counter},
        preview::{self, StoredHit},
        records::{self, Record},
        sessions::{self, Session},
    },
};
pub use change::Changes;
use change::{Effect, WithoutEffect};

/// Most sessions looked at.
const MOST: u64 = 20_000;
/// Sessions read at a time.
const CHUNK: usize = 200;
/// Most sessions shown one by one.
const SAMPLES: usize = 20;

/// What the change would have meant.
#[derive(Debug, Serialize)]
pub struct Preview {
    lists_revision: u64,
    evaluated_at: Timestamp,
    sessions: Sessions,
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
    samples: Vec<Sample>,
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

async fn look(tx: &mut Tx, application: ApplicationId, changes: Changes, now: Timestamp) -> Result<Preview, Error> {
    let lists_revision = applications::current(tx, application, Counter::ListsRevision).await?;
    let (effect, without_effect) = changes.resolve(tx, application, now).await?;
    let touched = touched(tx, application, &effect).await?;
    let mut sessions = Sessions { complete: touched.len() as u64 <= MOST, ..Sessions::default() };
    let newest: Vec<SessionId> = touched.into_iter().rev().take(MOST as usize).collect();
    let mut counts: HashMap<(&'static str, &'static str), u64> = HashMap::new();
    for chunk in newest.chunks(CHUNK) {
        let mut hits = preview::list_hits(tx, chunk).await?;
        let mut by_session: HashMap<SessionId, Vec<Record>> = HashMap::new();
        for record in records::list_records_of(tx, chunk).await? {
            by_session.entry(record.session).or_default().push(record);
        }
        for id in chunk {
            let Some(session) = sessions::find_session(tx, application, *id).await? else { continue };
            let records = by_session.remove(id).unwrap_or_default();
            sessions.considered += 1;
            match compare(&session, &records, &mut hits, &effect) {
                Compared::Unknown => sessions.not_comparable += 1,
                Compared::Same => {}
                Compared::Differs(sample) => {
                    sessions.changed += 1;
                    *counts.entry((sample.decided, sample.would_be)).or_default() += 1;
                    if sessions.samples.len() < SAMPLES {
                        sessions.samples.push(sample);
                    }
                }
            }
        }
    }
    sessions.by_status = counts.into_iter().map(|((from, to), count)| ByStatus { from, to, count }).collect();
    sessions.by_status.sort_by_key(|row| (std::cmp::Reverse(row.count), row.from, row.to));
    Ok(Preview { lists_revision, evaluated_at: now, sessions, without_effect })
}

/// Sessions the change may mean something to. Ids are in order of creation.
async fn touched(tx: &mut Tx, application: ApplicationId, effect: &Effect) -> Result<BTreeSet<SessionId>, Error> {
    let mut touched = BTreeSet::new();
    for addition in &effect.additions {
        touched.extend(preview::list_showing(tx, application, &addition.value, MOST + 1).await?);
    }
    for entry in &effect.removed {
        touched.extend(preview::list_hit(tx, *entry, MOST + 1).await?);
    }
    for subject in &effect.refused {
        touched.extend(preview::list_of_subject(tx, application, subject, MOST + 1).await?);
    }
    Ok(touched)
}

/// What came of deciding a session twice.
enum Compared {
    Unknown,
    Same,
    Differs(Sample),
}

fn compare(
    session: &Session,
    records: &[Record],
    hits: &mut HashMap<gavel_core::ids::RecordId, Vec<StoredHit>>,
    effect: &Effect,
) -> Compared {
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
    let none = BTreeSet::new();
    if effect.refuses(session) {
        return sample(session.first_outcome.unwrap_or(session.status).as_str(), "Refused", &none, &none);
    }
    if session.first_outcome.is_none() {
        return Compared::Same; // Nothing has been decided yet.
    }
    let (mut before, mut after) = (Outcome::default(), Outcome::default());
    for record in records {
        let weighed = record.weighed_with.as_ref().and_then(Weighed::from_json);
        let Some(weighed) = weighed else { return Compared::Unknown };
        let stored = hits.remove(&record.id).unwrap_or_default();
        let then: Vec<ListFinding> = stored.iter().map(|hit| hit.finding.clone()).collect();
        let item = weighed.item(record.feature, record.node_id.clone(), record.data.clone());
        let mut changed: Vec<ListFinding> =
            stored.iter().filter(|hit| !effect.removed.contains(&hit.entry)).map(|hit| hit.finding.clone()).collect();
        changed.extend(signals(&item).iter().flat_map(|signal| effect.findings(signal)));
        before.add(session, record, &weighed, &then);
        after.add(session, record, &weighed, &changed);
    }
    let nodes: Vec<&str> = records.iter().filter_map(|record| record.node_id.as_deref()).collect();
    let missing = has_missing_step(&workflow_steps(session), &nodes);
    let [decided, would_be] = [&before, &after].map(|outcome| session_outcome(&outcome.statuses, true, missing, false).as_str());
    match decided == would_be {
        true => Compared::Same,
        false => sample(decided, would_be, &before.risks, &after.risks),
    }
}

/// What the records of a session come to.
#[derive(Default)]
struct Outcome {
    statuses: Vec<FeatureStatus>,
    risks: BTreeSet<String>,
}

impl Outcome {
    fn add(&mut self, session: &Session, record: &Record, weighed: &Weighed, findings: &[ListFinding]) {
        let workflow = workflow_steps(session);
        let step = workflow.iter().position(|step| record.node_id.as_deref() == Some(&*step.node_id));
        let placement = Placement { feature: record.feature, node_id: record.node_id.clone(), step };
        let item = weighed.item(record.feature, record.node_id.clone(), record.data.clone());
        let assessed = assess(&item, &config_of(&placement, &workflow), findings, &weighed.duplicates);
        self.statuses.push(assessed.status);
        self.risks.extend(assessed.warnings.into_iter().map(|warning| warning.risk));
    }
}
