//! What the records of a session come to, decided again from what they were decided with.

use std::collections::{BTreeSet, HashMap};

use gavel_core::{
    evidence::{
        Assessment, Config, Consulted, Item, ListFinding, Placement, Weighed, assess, derive_status,
        facts::{self, SessionFacts, Standing},
        ruled_status,
    },
    ids::RecordId,
    rules::Facts,
    session::FeatureStatus,
};
use serde_json::{Map, Value};

use crate::{
    actions::{
        Error,
        evidence::{config_of, workflow_steps},
        rules::{Rules, session_facts},
    },
    store::{records::Record, sessions::Session},
};

/// The statuses of the records, in their order, and all risks.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) statuses: Vec<FeatureStatus>,
    pub(super) risks: BTreeSet<String>,
}

/// A record on its way to being decided again.
struct Again<'r> {
    record: &'r Record,
    item: Item,
    config: Config,
    assessment: Assessment,
    warnings: Value,
}

impl Outcome {
    /// Decides the records as recording them did: first each by itself, then the rules one after the other.
    pub(super) fn of(
        session: &Session,
        records: &[Record],
        with: &[(Weighed, Vec<ListFinding>)],
        scores: &HashMap<RecordId, Map<String, Value>>,
    ) -> Result<Self, Error> {
        let (workflow, rules) = (workflow_steps(session), Rules::of(session, records.iter().map(|record| record.feature))?);
        let mut again: Vec<Again<'_>> = Vec::with_capacity(records.len());
        for (record, (weighed, findings)) in records.iter().zip(with) {
            let step = workflow.iter().position(|step| record.node_id.as_deref() == Some(&*step.node_id));
            let config = config_of(&Placement { feature: record.feature, node_id: record.node_id.clone(), step }, &workflow);
            // Scores as they were weighed: what a record holds may have been corrected since.
            let data = scores.get(&record.id).unwrap_or(&record.data).clone();
            let item = weighed.item(record.feature, record.node_id.clone(), data);
            let assessment = assess(&item, &config, findings, &weighed.duplicates);
            let warnings = serde_json::to_value(&assessment.warnings).map_err(Error::fault)?;
            again.push(Again { record, item, config, assessment, warnings });
        }
        let of_session = session_facts(session);
        for (place, (weighed, _)) in with.iter().enumerate() {
            let Some(rules) = rules.of_node(records[place].node_id.as_deref()) else { continue };
            let Some(consulted) = &weighed.consulted else { continue };
            let facts = with_opinions(consulted, place, &again, &of_session);
            let consulted = Consulted { facts, answers: consulted.answers.clone() };
            let ruling = consulted.decide(rules, records[place].created_at);
            let one = &mut again[place];
            one.assessment.status = ruled_status(&one.item, &one.config, &one.assessment.warnings, ruling.status);
        }
        let mut outcome = Self::default();
        for one in again {
            outcome.statuses.push(one.assessment.status);
            outcome.risks.extend(one.assessment.warnings.into_iter().map(|warning| warning.risk));
        }
        Ok(outcome)
    }
}

/// The fields as they were kept, except for what the server thought of results: that may be another thing now.
fn with_opinions(consulted: &Consulted, place: usize, again: &[Again<'_>], session: &SessionFacts) -> Facts {
    let mut members = consulted.facts.members().clone();
    if !members.keys().any(|path| facts::is_opinion(path)) {
        return consulted.facts.clone();
    }
    let at = again[place].record.created_at;
    let recorded_by_then = again.iter().enumerate().filter(|(other, one)| *other != place && one.record.created_at <= at);
    let others: Vec<Standing<'_>> = recorded_by_then.map(|(_, one)| one.standing()).collect();
    let one = &again[place];
    let own = Standing { status: derive_status(one.item.feature, &one.config, &one.assessment.warnings), ..one.standing() };
    for (path, value) in members.iter_mut().filter(|(path, _)| facts::is_opinion(path)) {
        // A result that was captured again since is not here any more; what was seen of it stands.
        if let Some(found) = facts::find(path, own, &others, session) {
            *value = found;
        }
    }
    Facts::new(members)
}

impl Again<'_> {
    fn standing(&self) -> Standing<'_> {
        Standing {
            feature: self.item.feature,
            node_id: self.item.node_id.as_deref(),
            data: &self.record.data,
            status: self.assessment.status,
            warnings: &self.warnings,
            matches: &self.record.matches,
        }
    }
}
