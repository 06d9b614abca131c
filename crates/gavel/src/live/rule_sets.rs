//! The rules over transactions as they run: read and compiled once per change, not once per transaction.
//!
//! As with the index, nothing here is the truth. A transaction of the database asks [`RuleSets::within`], which compares the
//! revision of the rules on its own connection and reads them there when they have moved.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use gavel_core::{
    ids::{ApplicationId, ListId, RuleId},
    transaction::{
        Severity,
        rule::{Action, Logic, Mode, Parts},
    },
};

use crate::store::{
    Store, StoreError, Tx,
    applications::{self, Counter},
    transaction_locks::Reach,
    transaction_rules::{self, Rule},
};

/// The rule sets of all applications. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RuleSets(Arc<RwLock<HashMap<ApplicationId, Known>>>);

#[derive(Debug)]
struct Known {
    set: Arc<RuleSet>,
    /// Somebody has seen that the rules have moved on.
    is_old: bool,
}

/// The rules of an application that run, in their order.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// Of which change of the rules.
    pub revision: u64,
    /// The rules.
    pub rules: Vec<Running>,
    /// How far they look, all together.
    pub reach: Reach,
    /// One of them puts subjects on lists.
    pub lists_subjects: bool,
    /// The lists they ask.
    pub lists: Vec<ListId>,
}

/// A rule that runs.
#[derive(Debug)]
pub struct Running {
    /// Its id.
    pub id: RuleId,
    /// What people call it.
    pub title: String,
    /// In more words.
    pub description: Option<String>,
    /// Its category.
    pub category: String,
    /// Active, or on trial.
    pub mode: Mode,
    /// How bad a match is, where that is known.
    pub severity: Option<Severity>,
    /// What it asks.
    pub logic: Logic,
    /// What follows.
    pub actions: Vec<Action>,
}

impl RuleSets {
    /// The set at hand, for a transaction that will look [`RuleSets::within`] anyway. Only what is committed gets here.
    pub async fn snapshot(&self, store: &Store, application: ApplicationId) -> Result<Arc<RuleSet>, StoreError> {
        if let Some(set) = self.look(application, |known| (!known.is_old).then(|| known.set.clone())) {
            return Ok(set);
        }
        let set = store.read(move |tx| Box::pin(read(tx, application))).await?;
        let mut sets = self.0.write().unwrap_or_else(|e| e.into_inner());
        sets.insert(application, Known { set: set.clone(), is_old: false });
        Ok(set)
    }

    /// The set as this transaction sees the rules. It may see rules that are not committed yet: they are used and not kept.
    pub async fn within(
        &self,
        tx: &mut Tx,
        application: ApplicationId,
        known: &Arc<RuleSet>,
    ) -> Result<Arc<RuleSet>, StoreError> {
        let revision = applications::current(tx, application, Counter::RulesRevision).await?;
        if known.revision == revision {
            return Ok(known.clone());
        }
        if let Some(known) = self.0.write().unwrap_or_else(|e| e.into_inner()).get_mut(&application) {
            known.is_old = true;
        }
        read(tx, application).await
    }

    fn look<T>(&self, application: ApplicationId, look: impl FnOnce(&Known) -> Option<T>) -> Option<T> {
        self.0.read().unwrap_or_else(|e| e.into_inner()).get(&application).and_then(look)
    }
}

async fn read(tx: &mut Tx, application: ApplicationId) -> Result<Arc<RuleSet>, StoreError> {
    let revision = applications::current(tx, application, Counter::RulesRevision).await?;
    let rules = transaction_rules::list_rules(tx, application).await?;
    Ok(Arc::new(RuleSet::of(rules, revision)?))
}

impl RuleSet {
    fn of(rules: Vec<Rule>, revision: u64) -> Result<Self, StoreError> {
        let running = rules.into_iter().filter(|rule| rule.mode != Mode::Disabled).map(Running::of);
        let rules: Vec<Running> = running.collect::<Result<_, _>>()?;
        let mut lists: Vec<ListId> = rules.iter().flat_map(|rule| rule.logic.conditions.lists()).collect();
        lists.sort_unstable();
        lists.dedup();
        let acts = |rule: &Running| {
            rule.mode == Mode::Active && rule.actions.iter().any(|action| matches!(action, Action::AddToList(_)))
        };
        Ok(Self {
            revision,
            reach: rules.iter().map(|rule| reach_of(&rule.logic)).max().unwrap_or_default(),
            lists_subjects: rules.iter().any(acts),
            lists,
            rules,
        })
    }
}

impl Running {
    fn of(rule: Rule) -> Result<Self, StoreError> {
        let [scope, conditions, aggregations, actions] = &rule.parts;
        let parts = Parts::stored(rule.evaluation_mode.mode(), [scope, conditions, aggregations, actions]);
        let parts = parts.ok_or_else(|| StoreError::unreadable("rule"))?;
        Ok(Self {
            id: rule.id,
            title: rule.title,
            description: rule.description,
            category: rule.category,
            mode: rule.mode,
            severity: rule.severity,
            logic: parts.logic(),
            actions: parts.actions.map(|actions| actions.read).unwrap_or_default(),
        })
    }
}

/// How far a rule looks.
fn reach_of(logic: &Logic) -> Reach {
    match logic.aggregations.iter().all(gavel_core::transaction::rule::Aggregation::is_of_subject) {
        _ if logic.aggregations.is_empty() => Reach::Itself,
        true => Reach::Subject,
        false => Reach::Everybody,
    }
}
