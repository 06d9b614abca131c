//! The rules run over a new transaction: what they answer, what that changes, what is written of it.

use gavel_core::{
    ids::{ApplicationId, ListId, RuleId, TransactionId},
    rules::{Facts, Setting},
    time::Timestamp,
    transaction::{
        RuleEffect, Severity, TransactionStatus,
        rule::{Action, Aggregation, Mode, Outcome, Tag, Tally, effect, summary},
    },
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    actions::{Caller, Error, transaction_rules::Lists},
    clock::new_id,
    live::{RuleSet, Running},
    store::{
        Tx,
        transaction_parts::{self as parts, TransactionActivity},
        transaction_past,
        transaction_rule_runs::{self as runs, RuleRun, TransactionTag},
        transaction_rules as rules,
    },
};

/// A tag's colour where a rule says none.
const COLOR: &str = "#6B7280";

/// What the rules made of a transaction.
#[derive(Default)]
pub(super) struct Ruled {
    /// One for each rule that ran, in order.
    runs: Vec<RuleRun>,
    /// What the active ones that matched ask for.
    pub(super) effects: Vec<RuleEffect>,
    /// Rules that matched.
    matched: Vec<RuleId>,
    /// Each as a rule means it, with the tag of the application that it is, when there is one.
    tags: Vec<(Tag, Option<TransactionTag>)>,
    /// Each with the title of its rule.
    notes: Vec<(String, String)>,
    /// Lists the subject goes onto, each once.
    pub(super) lists: Vec<ListId>,
    /// The workflow of the first rule that waits for the subject.
    pub(super) workflow: Option<Option<Uuid>>,
}

/// What rules asked for when a transaction was decided. They are not asked again.
pub(in crate::actions) async fn asked_for(tx: &mut Tx, id: TransactionId) -> Result<Vec<RuleEffect>, Error> {
    let counts = runs::list_runs(tx, id).await?.into_iter().filter(|run| run.matched && run.mode == Mode::Active);
    Ok(counts.map(|run| RuleEffect { title: run.title, score: run.score_delta, status: run.status_target }).collect())
}

/// What rules are asked about.
pub(super) struct Asked<'a> {
    pub(super) application: ApplicationId,
    /// Without what moves while rules run.
    pub(super) facts: Facts,
    /// When the transaction happened.
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) lists: &'a Lists,
    /// The score it has before any rule.
    pub(super) score: i64,
    /// Something was found before any rule.
    pub(super) is_found: bool,
}

/// Runs the rules in their order.
pub(super) async fn run(tx: &mut Tx, set: &RuleSet, mut asked: Asked<'_>) -> Result<Ruled, Error> {
    let mut ruled = Ruled::default();
    for rule in &set.rules {
        if !rule.logic.scope.holds(&asked.facts) {
            continue;
        }
        ruled.put_moving(&mut asked);
        let outcome = ask(tx, rule, &asked).await?;
        let tagged = ruled.tags.len();
        ruled.note(rule, outcome, asked.now);
        for (tag, known) in &mut ruled.tags[tagged..] {
            *known = find_tag(tx, asked.application, tag).await?; // Rules behind it see the tag as it is called.
        }
    }
    Ok(ruled)
}

async fn ask(tx: &mut Tx, rule: &Running, asked: &Asked<'_>) -> Result<Outcome, Error> {
    let listed = |list, text: &str| asked.lists.say(list, text);
    let begun = rule.logic.begin(&Setting { facts: &asked.facts, now: asked.now, listed: &listed });
    let mut tallies = Vec::new();
    if !begun.is_decided() {
        for aggregation in &rule.logic.aggregations {
            tallies.push(tally(tx, aggregation, asked).await?);
        }
    }
    Ok(rule.logic.finish(&begun, &tallies))
}

/// The application's tag that is meant, when there is one.
async fn find_tag(tx: &mut Tx, application: ApplicationId, tag: &Tag) -> Result<Option<TransactionTag>, Error> {
    Ok(match (&tag.name, tag.id) {
        (Some(name), _) => runs::find_tag_by_name(tx, application, name).await?,
        (None, Some(id)) => runs::find_tag(tx, application, id).await?,
        (None, None) => None,
    })
}

/// What is committed before, and the transaction itself.
async fn tally(tx: &mut Tx, aggregation: &Aggregation, asked: &Asked<'_>) -> Result<Tally, Error> {
    let Some(question) = aggregation.question(&asked.facts, asked.at) else { return Ok(Tally::new(aggregation.metric)) };
    let counts = question.lets(&asked.facts);
    let mut tally = transaction_past::tally_before(tx, asked.application, &question, counts.then_some(&asked.facts)).await?;
    if counts {
        tally.add(aggregation.part(&asked.facts));
    }
    Ok(tally)
}

impl Ruled {
    /// Puts what the rules so far have made of the transaction among its facts.
    fn put_moving(&self, asked: &mut Asked<'_>) {
        let points = self.effects.iter().fold(asked.score, |points, effect| points.saturating_add(effect.score));
        let score = u8::try_from(points.clamp(0, 100)).unwrap_or(100);
        let is_found = asked.is_found || !self.effects.is_empty();
        asked.facts.set("score", score.into());
        asked.facts.set("severity", is_found.then(|| Severity::of_score(score).as_str()).into());
        let name =
            |(tag, known): &(Tag, Option<TransactionTag>)| known.as_ref().map(|tag| &tag.name).or(tag.name.as_ref()).cloned();
        asked.facts.set("tags", self.tags.iter().filter_map(name).map(Json::from).collect());
    }

    fn note(&mut self, rule: &Running, outcome: Outcome, now: Timestamp) {
        let effect = effect(&rule.title, &rule.actions, outcome.held);
        self.runs.push(RuleRun {
            id: new_id(),
            rule: rule.id,
            title: rule.title.clone(),
            description: rule.description.clone(),
            category: rule.category.clone(),
            mode: rule.mode,
            matched: outcome.matched,
            severity: rule.severity.filter(|_| outcome.matched),
            score_delta: if outcome.matched { effect.score } else { 0 },
            status_target: effect.status.filter(|_| outcome.matched),
            action_summary: summary(&rule.actions).filter(|_| outcome.matched),
            explanation: outcome.explanation,
            created_at: now,
        });
        if !outcome.matched {
            return;
        }
        self.matched.push(rule.id);
        if rule.mode == Mode::Active {
            self.effects.push(effect);
            rule.actions.iter().for_each(|action| self.act(rule, action));
        }
    }

    fn act(&mut self, rule: &Running, action: &Action) {
        match action {
            Action::ChangeStatus(TransactionStatus::AwaitingUser, workflow) => {
                self.workflow.get_or_insert(*workflow);
            }
            Action::AddTag(tag) if self.tags.iter().all(|(other, _)| other != tag) => self.tags.push((tag.clone(), None)),
            Action::AddNote(note) => self.notes.push((rule.title.clone(), note.clone())),
            Action::AddToList(list) if !self.lists.contains(list) => self.lists.push(*list),
            Action::AddTag(_) | Action::AddToList(_) | Action::AddScore(_) | Action::ChangeStatus(..) | Action::OpenCase => {}
        }
    }

    /// Writes runs, counts, tags and notes of the transaction, whose activities begin behind `ordinal`.
    pub(super) async fn write(
        self,
        tx: &mut Tx,
        caller: &Caller,
        (id, status): (TransactionId, TransactionStatus),
        ordinal: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        if self.runs.is_empty() {
            return Ok(());
        }
        runs::insert_runs(tx, id, &self.runs).await?;
        let ran: Vec<RuleId> = self.runs.iter().map(|run| run.rule).collect();
        rules::count_runs(tx, &ran).await?;
        rules::count_matches(tx, &self.matched, status, now).await?;
        let tags = self.find_tags(tx, caller.application, now).await?;
        runs::insert_tag_uses(tx, id, &tags).await?;
        for (place, (title, note)) in (ordinal + 1..).zip(self.notes) {
            let activity = TransactionActivity {
                id: new_id(),
                activity_type: "TRANSACTION_NOTE_ADDED".to_owned(),
                source: "RULE".to_owned(),
                status: Some(status.as_str().to_owned()),
                title: Some(title),
                description: Some(note),
                metadata: json!({}),
                occurred_at: now,
            };
            parts::insert_activity(tx, id, place, &activity).await?;
        }
        Ok(())
    }

    /// The application's tags that are meant, each once; made where there is none of that name.
    async fn find_tags(&self, tx: &mut Tx, application: ApplicationId, now: Timestamp) -> Result<Vec<TransactionTag>, Error> {
        let mut found: Vec<TransactionTag> = Vec::new();
        for (tag, known) in &self.tags {
            let known = match (known, &tag.name) {
                (None, Some(name)) => {
                    let color = tag.color.clone().unwrap_or_else(|| COLOR.to_owned());
                    let new = TransactionTag { uuid: tag.id.unwrap_or_else(new_id), name: name.clone(), color };
                    runs::insert_tag(tx, application, &new, now).await?;
                    // Somebody may have been first, or the id may be taken: then that one is meant, or none.
                    runs::find_tag_by_name(tx, application, name).await?
                }
                (known, _) => known.clone(),
            };
            if let Some(tag) = known.filter(|tag| !found.contains(tag)) {
                found.push(tag);
            }
        }
        Ok(found)
    }
}
