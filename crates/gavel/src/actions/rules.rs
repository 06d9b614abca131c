//! Status rules of a workflow, asked when evidence is recorded (contract, sessions §6.4, lists §11).
//!
//! They see the lists as the decision's own transaction does: the index it screened with, and what the entries of the lists
//! they name are, read in it. What they saw stays with the record ([`Consulted`]), so that it can be decided again.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use gavel_core::{
    entry::{EntryType, EntryValue},
    evidence::{
        Answer, Consulted, Covering, Feature, derive_status,
        facts::{self, SessionFacts, Standing},
        ruled_status,
    },
    ids::{ApplicationId, ListId},
    rules::{Facts, StatusRules},
    screening::Index,
    time::Timestamp,
};
use serde_json::Value;

use super::{Error, decision::raw, evidence::Draft};
use crate::store::{
    Tx, lists,
    records::Record,
    sessions::{Session, Step},
};

/// Most patterns asked in one call, over all items: they are asked while the session is locked.
const ASKED_PATTERNS: usize = 200;

/// The rules of a session's steps, as far as they are asked. Read before the transaction, because patterns take time to
/// compile; what the workflow asks of a session does not change once it has started.
pub(super) struct Rules(HashMap<String, StatusRules>);

impl Rules {
    /// Reads those that results of these features can come to, from the configuration the session started with.
    pub(super) fn of(session: &Session, features: impl IntoIterator<Item = Feature>) -> Result<Self, Error> {
        let arrays: HashSet<&str> = features.into_iter().map(Feature::array).collect();
        let mut rules = HashMap::new();
        let is_asked = |step: &Step| Feature::from_name(&step.feature).is_some_and(|feature| arrays.contains(feature.array()));
        for step in session.steps.iter().filter(|step| step.in_workflow && is_asked(step)) {
            let of_step = stored(step.config.get("status_rules"))?;
            if !of_step.is_empty() {
                rules.insert(step.node_id.clone(), of_step);
            }
        }
        Ok(Self(rules))
    }

    /// The rules of a step, when it has any.
    pub(super) fn of_node(&self, node_id: Option<&str>) -> Option<&StatusRules> {
        self.0.get(node_id?)
    }
}

/// Rules as they were stored in a configuration.
pub(super) fn stored(rules: Option<&Value>) -> Result<StatusRules, Error> {
    StatusRules::stored(rules).map_err(|_| Error::fault("unreadable status rules in a session"))
}

/// What of a session rules can ask about.
pub(super) fn session_facts(session: &Session) -> SessionFacts {
    SessionFacts {
        vendor_data: session.vendor_data.clone(),
        metadata: raw(session.metadata.as_deref()),
        expected_details: raw(session.expected_details.as_deref()),
    }
}

/// A record as rules see it.
pub(super) fn standing(record: &Record) -> Standing<'_> {
    Standing {
        feature: record.feature,
        node_id: record.node_id.as_deref(),
        data: &record.data,
        status: record.status,
        warnings: &record.warnings,
        matches: &record.matches,
    }
}

/// Asks the rules of every draft in order and puts their statuses in. A rule sees its own draft as it stands before the
/// rules, drafts before it as they came out, and drafts behind it as they stand before theirs.
pub(super) async fn apply(
    tx: &mut Tx,
    (application, session): (ApplicationId, &Session),
    rules: &Rules,
    earlier: &[Record],
    drafts: &mut [Draft],
    (index, now): (&Arc<Index>, Timestamp),
) -> Result<(), Error> {
    let named: Vec<ListId> =
        drafts.iter().filter_map(|draft| rules.of_node(draft.item.node_id.as_deref())).flat_map(StatusRules::lists).collect();
    if drafts.iter().all(|draft| rules.of_node(draft.item.node_id.as_deref()).is_none()) {
        return Ok(());
    }
    let patterns = |draft: &Draft| rules.of_node(draft.item.node_id.as_deref()).map_or(0, StatusRules::patterns);
    if drafts.iter().map(patterns).sum::<usize>() > ASKED_PATTERNS {
        let text =
            "The patterns in this workflow's status rules cannot be asked of so many items at once. Send fewer items per call.";
        return Err(Error::Refused(text.into()));
    }
    let types = lists::list_entry_types(tx, application, &named).await?;
    let of_session = session_facts(session);
    let warnings: Vec<Value> = drafts.iter().map(warnings_of).collect();
    for place in 0..drafts.len() {
        let Some(rules) = rules.of_node(drafts[place].item.node_id.as_deref()) else { continue };
        let seen: Vec<Standing<'_>> = drafts.iter().zip(&warnings).map(|(draft, warnings)| of_draft(draft, warnings)).collect();
        let (before, behind) = seen.split_at(place);
        let others: Vec<Standing<'_>> = earlier.iter().map(standing).chain(before.iter().chain(&behind[1..]).copied()).collect();
        let draft = &drafts[place];
        let derived = derive_status(draft.item.feature, &draft.config, &draft.assessment.warnings);
        let facts = facts::gather(rules, Standing { status: derived, ..behind[0] }, &others, &of_session);
        let (consulted, asked) = consult(rules, facts, &types, index, now);
        let ruling = consulted.decide(rules, now);
        let status = ruled_status(&draft.item, &draft.config, &draft.assessment.warnings, ruling.status);
        let draft = &mut drafts[place];
        draft.assessment.status = status;
        draft.weighed.consulted = Some(consulted);
        draft.asked = asked;
    }
    Ok(())
}

fn of_draft<'a>(draft: &'a Draft, warnings: &'a Value) -> Standing<'a> {
    Standing {
        feature: draft.item.feature,
        node_id: draft.item.node_id.as_deref(),
        data: &draft.item.data,
        status: draft.assessment.status,
        warnings,
        matches: &draft.matches,
    }
}

fn warnings_of(draft: &Draft) -> Value {
    serde_json::to_value(&draft.assessment.warnings).unwrap_or_default()
}

/// Asks the lists everything the rules will ask. A list that is gone answers as an empty one.
fn consult(
    rules: &StatusRules,
    facts: Facts,
    types: &HashMap<ListId, EntryType>,
    index: &Index,
    now: Timestamp,
) -> (Consulted, Vec<(ListId, EntryValue)>) {
    let (mut answers, mut asked) = (BTreeMap::new(), Vec::new());
    for (list, text) in rules.questions(&facts) {
        let answer = match types.get(&list) {
            None => Some(Answer::default()),
            Some(entry_type) => EntryValue::parse(*entry_type, &text).ok().map(|value| {
                let hits = index.hits(&value, now);
                let entries = hits.iter().filter(|hit| hit.list == list).map(Covering::from).collect();
                asked.push((list, value.clone()));
                Answer { value: Some(value), entries }
            }),
        };
        answers.insert((list, text), answer);
    }
    (Consulted { facts, answers }, asked)
}
