//! Rules over transactions: made, changed, removed (contract, entities §4.4). How they run is in
//! [`super::transactions`].
//!
//! A change of rules holds what every transaction holds together with others ([`transaction_locks`]), so that no
//! transaction is under way by other rules than the next, and takes the next revision, by which each process notices.

mod backtest;
mod install;
mod listed;
mod view;

use gavel_core::{
    ids::{ApplicationId, RuleId},
    json::FieldErrors,
    time::Timestamp,
    transaction::rule::{Action, NewRule, Parts, RuleChange, nothing_asked},
};

pub use backtest::{Backtest, BacktestBody, Estimate, LongBacktestBody, estimate, start};
pub use install::{Installed, Selection, StarterView, install, library, uninstall};
pub(super) use listed::Lists;
pub use view::{Order, RuleFilter, RuleView};

use super::{Caller, Error};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        applications::{self, Counter},
        transaction_locks, transaction_rule_runs as runs,
        transaction_rules::{self as rules, Counts, Rule},
    },
};

/// Most rules of an application.
const RULES: usize = 200;
/// Most patterns in all of them: every transaction may ask each, while it holds what transactions hold.
const PATTERNS: usize = 50;

/// All rules that pass, in the order that was asked for.
pub async fn list(app: &App, caller: &Caller, filter: RuleFilter) -> Result<Vec<RuleView>, Error> {
    let application = caller.application;
    let all =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(rules::list_rules(tx, application).await?) })).await?;
    Ok(filter.over(all).into_iter().map(RuleView::from).collect())
}

/// One rule.
pub async fn show(app: &App, caller: &Caller, id: RuleId) -> Result<RuleView, Error> {
    let application = caller.application;
    app.store.read(move |tx| Box::pin(async move { Ok(find(tx, application, id).await?.into()) })).await
}

async fn find(tx: &mut Tx, application: ApplicationId, id: RuleId) -> Result<Rule, Error> {
    rules::find_rule(tx, application, id).await?.ok_or(Error::NOT_FOUND)
}

/// Nobody else changes rules, and no transaction runs by them, before the end.
async fn begin(tx: &mut Tx, application: ApplicationId) -> Result<(), Error> {
    transaction_locks::hold_rules(tx, application).await?;
    applications::take_next(tx, application, Counter::RulesRevision).await?;
    Ok(())
}

/// Makes a rule.
pub async fn create(app: &App, caller: &Caller, body: Result<NewRule, FieldErrors>) -> Result<RuleView, Error> {
    let (caller_, now, new) = (caller.clone(), app.clock.now(), body?);
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            begin(tx, application).await?;
            let standing = rules::list_rules(tx, application).await?;
            must_have_room(standing.len(), 1)?;
            must_know_tags(tx, application, &new.parts).await?;
            let rule = rule_of(new, now);
            must_be_few_patterns(&standing, &rule)?;
            if !rules::insert_rule(tx, application, &rule).await? {
                return Err(title_taken());
            }
            caller_.audit(tx, "rule.created", &[("rule", rule.id.0)], now).await?;
            Ok(find(tx, application, rule.id).await?.into())
        })
    })
    .await
}

fn must_have_room(standing: usize, more: usize) -> Result<(), Error> {
    match standing + more <= RULES {
        true => Ok(()),
        false => Err(Error::Refused(format!("Maximum number of rules ({RULES}) reached."))),
    }
}

/// Together with all other rules.
fn must_be_few_patterns(all: &[Rule], rule: &Rule) -> Result<(), Error> {
    let others = all.iter().filter(|other| other.id != rule.id);
    match others.map(Rule::patterns).sum::<usize>() + rule.patterns() <= PATTERNS {
        true => Ok(()),
        false => Err(Error::Refused(format!("Maximum number of patterns in rules ({PATTERNS}) reached."))),
    }
}

fn title_taken() -> Error {
    Error::field("title", "A rule with this name already exists.")
}

fn rule_of(new: NewRule, now: Timestamp) -> Rule {
    Rule {
        id: new_id(),
        position: 0, // The store puts it behind all others.
        evaluation_mode: new.parts.evaluation_mode.unwrap_or_default(),
        parts: new.parts.json(),
        title: new.title,
        description: new.description,
        category: new.category,
        mode: new.mode,
        metadata: new.metadata.into(),
        severity: None,
        library: None,
        counts: Counts::default(),
        created_at: now,
        updated_at: now,
    }
}

/// A tag that is named by its id alone must be one of the application's.
async fn must_know_tags(tx: &mut Tx, application: ApplicationId, parts: &Parts) -> Result<(), Error> {
    let actions = parts.actions.iter().flat_map(|actions| &actions.read);
    let mut errors = Vec::new();
    let mut is_good = true;
    for action in actions {
        let mut error = FieldErrors::default();
        if let Action::AddTag(tag) = action
            && let (Some(id), None) = (tag.id, &tag.name)
            && runs::find_tag(tx, application, id).await?.is_none()
        {
            error = FieldErrors::one("tag_uuid", "Tag not found.");
            is_good = false;
        }
        errors.push(error);
    }
    match is_good {
        true => Ok(()),
        false => Err(FieldErrors::default().with("actions", gavel_core::json::FieldError::Items(errors)).into()),
    }
}

/// Changes a rule.
pub async fn update(app: &App, caller: &Caller, id: RuleId, body: Result<RuleChange, FieldErrors>) -> Result<RuleView, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            begin(tx, application).await?;
            let standing = find(tx, application, id).await?;
            let change = body?;
            must_know_tags(tx, application, &change.parts).await?;
            let rule = changed(standing, change, now)?;
            must_be_few_patterns(&rules::list_rules(tx, application).await?, &rule)?;
            if rules::is_title_taken(tx, application, &rule.title, id).await? {
                return Err(title_taken());
            }
            rules::set_rule(tx, &rule).await?;
            caller_.audit(tx, "rule.updated", &[("rule", id.0)], now).await?;
            Ok(rule.into())
        })
    })
    .await
}

fn changed(standing: Rule, change: RuleChange, now: Timestamp) -> Result<Rule, Error> {
    let [scope, conditions, aggregations, actions] = &standing.parts;
    let parts = Parts::stored(standing.evaluation_mode.mode(), [scope, conditions, aggregations, actions]);
    let parts = change.parts.over(parts.ok_or_else(|| Error::fault("a stored rule does not read"))?);
    if parts.asks_nothing() {
        return Err(FieldErrors::default().with("conditions", nothing_asked()).into());
    }
    Ok(Rule {
        evaluation_mode: parts.evaluation_mode.unwrap_or_default(),
        parts: parts.json(),
        title: change.title.unwrap_or(standing.title),
        description: change.description.over(standing.description),
        category: change.category.unwrap_or(standing.category),
        mode: change.mode.unwrap_or(standing.mode),
        metadata: change.metadata.map_or(standing.metadata, Into::into),
        updated_at: now,
        ..standing
    })
}

/// Removes a rule; what it answered stays with the transactions.
pub async fn remove(app: &App, caller: &Caller, id: RuleId) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            begin(tx, application).await?;
            if find(tx, application, id).await?.library.is_some() {
                let text = "Library rules cannot be deleted. Uninstall them via the rules install endpoint instead.";
                return Err(Error::Refused(text.into()));
            }
            rules::remove_rule(tx, application, id).await?;
            caller_.audit(tx, "rule.deleted", &[("rule", id.0)], now).await?;
            Ok(())
        })
    })
    .await
}
