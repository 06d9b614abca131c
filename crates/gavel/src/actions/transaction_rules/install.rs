//! The library: what it offers, installing and uninstalling.

use std::collections::HashSet;

use gavel_core::{
    entry::EntryType,
    ids::{ApplicationId, ListId},
    json::{FieldErrors, Fields, Value, read},
    time::Timestamp,
    transaction::rule::{COUNTRIES, Starter, starters},
};
use serde::Serialize;
use serde_json::Value as Json;

use super::{begin, must_have_room, rule_of, title_taken};
use crate::{
    actions::{Caller, Error},
    app::App,
    store::{
        Tx,
        lists::{self, Filter},
        transaction_rules::{self as rules, Rule},
    },
};

/// Longest name of a rule or a bundle, in characters.
const NAME: usize = 64;

/// A rule of the library, as answered.
#[derive(Debug, Serialize)]
pub struct StarterView {
    library_key: String,
    title: String,
    description: Option<String>,
    category: String,
    evaluation_mode: &'static str,
    scope: Json,
    conditions: Json,
    aggregation: Json,
    actions: Json,
    metadata: Json,
    bundle: String,
    tags: Vec<String>,
    industries: Vec<String>,
    source: &'static str,
    is_installed: bool,
}

impl StarterView {
    fn of(starter: Starter, is_installed: bool) -> Self {
        let conditions = starter.conditions_with(COUNTRIES);
        let metadata = Json::Object(starter.metadata().clone());
        let [scope, _, aggregation, actions] = starter.rule.parts.json();
        Self {
            library_key: starter.key,
            title: starter.rule.title,
            description: starter.rule.description,
            category: starter.rule.category,
            evaluation_mode: starter.rule.parts.evaluation_mode.unwrap_or_default().mode(),
            scope,
            conditions,
            aggregation,
            actions,
            metadata,
            bundle: starter.bundle,
            tags: starter.tags,
            industries: starter.industries,
            source: "PRESET",
            is_installed,
        }
    }
}

/// The rules of the library that pass, each with whether it is installed.
pub async fn library(
    app: &App,
    caller: &Caller,
    (bundle, category, search): (Option<&str>, Option<&str>, Option<&str>),
) -> Result<Vec<StarterView>, Error> {
    let application = caller.application;
    let standing =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(rules::list_rules(tx, application).await?) })).await?;
    let installed = keys_of(&standing);
    let passes = |starter: &Starter| {
        bundle.is_none_or(|bundle| bundle == starter.bundle)
            && category.is_none_or(|category| category == starter.rule.category)
            && search.is_none_or(|search| starter.says(search))
    };
    let all = starters().into_iter().filter(passes);
    Ok(all
        .map(|starter| {
            let is_installed = installed.contains(&starter.key);
            StarterView::of(starter, is_installed)
        })
        .collect())
}

fn keys_of(standing: &[Rule]) -> HashSet<String> {
    standing.iter().filter_map(|rule| rule.library.as_ref()).map(|(key, _)| key.clone()).collect()
}

/// Which rules of the library are meant, as sent.
pub struct Selection(Vec<Starter>);

impl Selection {
    /// Reads the body: names, a bundle, or both.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let keys = fields.optional("library_keys", read::list_of(read::text(NAME)));
        let bundle = fields.optional("bundle", read::text(NAME));
        let (keys, bundle) = fields.finish(|| Some((keys?.unwrap_or_default(), bundle?.filter(|name| !name.is_empty()))))?;
        if keys.is_empty() && bundle.is_none() {
            return Err(FieldErrors::one("library_keys", "Provide library_keys or bundle."));
        }
        let all = starters();
        if let Some(key) = keys.iter().find(|key| all.iter().all(|starter| starter.key != **key)) {
            return Err(FieldErrors::one("library_keys", format!("Unknown library key: {key}")));
        }
        if let Some(bundle) = bundle.as_ref().filter(|bundle| all.iter().all(|starter| starter.bundle != **bundle)) {
            return Err(FieldErrors::one("bundle", format!("Unknown bundle: {bundle}")));
        }
        let is_meant = |starter: &Starter| keys.contains(&starter.key) || bundle.as_ref() == Some(&starter.bundle);
        Ok(Self(all.into_iter().filter(is_meant).collect()))
    }
}

/// What is installed after a call, and what the call did.
#[derive(Debug, Serialize)]
pub struct Installed {
    installed_library_keys: Vec<String>,
    installed_count: usize,
    uninstalled_count: usize,
}

/// What stands, in the order of the library.
async fn standing(
    tx: &mut Tx,
    caller: &Caller,
    (installed_count, uninstalled_count): (usize, usize),
) -> Result<Installed, Error> {
    let installed = keys_of(&rules::list_rules(tx, caller.application).await?);
    let keys = starters().into_iter().map(|starter| starter.key).filter(|key| installed.contains(key));
    Ok(Installed { installed_library_keys: keys.collect(), installed_count, uninstalled_count })
}

/// Installs rules of the library; those that are installed are passed over.
pub async fn install(app: &App, caller: &Caller, body: Result<Selection, FieldErrors>) -> Result<Installed, Error> {
    let (caller_, now, Selection(meant)) = (caller.clone(), app.clock.now(), body?);
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            begin(tx, application).await?;
            let there = rules::list_rules(tx, application).await?;
            let installed = keys_of(&there);
            let new: Vec<Starter> = meant.into_iter().filter(|starter| !installed.contains(&starter.key)).collect();
            must_have_room(there.len(), new.len())?;
            let count = new.len();
            for starter in new {
                let rule = put(tx, &caller_, starter, now).await?;
                caller_.audit(tx, "rule.installed", &[("rule", rule.id.0)], now).await?;
            }
            standing(tx, &caller_, (count, 0)).await
        })
    })
    .await
}

/// Writes a rule of the library. Where a rule of the customer's has its title, it says where it comes from.
async fn put(tx: &mut Tx, caller: &Caller, starter: Starter, now: Timestamp) -> Result<Rule, Error> {
    let conditions = match starter.asks_countries() {
        true => Some(starter.conditions_with(&countries(tx, caller.application, now).await?.to_string())),
        false => None,
    };
    let library = Some((starter.key, starter.bundle));
    let mut rule = Rule { library, severity: Some(starter.severity), ..rule_of(starter.rule, now) };
    if let Some(conditions) = conditions {
        rule.parts[1] = conditions;
    }
    if rules::is_title_taken(tx, caller.application, &rule.title, rule.id).await? {
        rule.title.push_str(" (library)");
    }
    match rules::insert_rule(tx, caller.application, &rule).await? {
        true => Ok(rule),
        false => Err(title_taken()),
    }
}

/// The system list of countries that rules of the library ask.
async fn countries(tx: &mut Tx, application: ApplicationId, now: Timestamp) -> Result<ListId, Error> {
    let filter = Filter { entry_type: Some(EntryType::Country), ..Filter::default() };
    let (all, _) = lists::list_lists(tx, application, &filter, (i64::MAX as u64, 0), now).await?;
    let list = all.into_iter().find(|list| list.is_system && list.name == COUNTRIES);
    list.map(|list| list.id).ok_or_else(|| Error::fault("an application without its system list of countries"))
}

/// Removes rules of the library, as far as they are installed. Lists they asked stay.
pub async fn uninstall(app: &App, caller: &Caller, body: Result<Selection, FieldErrors>) -> Result<Installed, Error> {
    let (caller_, now, Selection(meant)) = (caller.clone(), app.clock.now(), body?);
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            begin(tx, application).await?;
            let mut count = 0;
            for rule in rules::list_rules(tx, application).await? {
                let is_meant = rule.library.as_ref().is_some_and(|(key, _)| meant.iter().any(|starter| starter.key == *key));
                if is_meant && rules::remove_rule(tx, application, rule.id).await? {
                    count += 1;
                    caller_.audit(tx, "rule.uninstalled", &[("rule", rule.id.0)], now).await?;
                }
            }
            standing(tx, &caller_, (0, count)).await
        })
    })
    .await
}
