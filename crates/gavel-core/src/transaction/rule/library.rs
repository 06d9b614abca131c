//! Rules to begin with: shipped with the server, installed into an application by name.

use serde_json::{Map, Value as Json};

use super::{Mode, NewRule};
use crate::{json::Value, transaction::Severity};

/// A rule of the library.
#[derive(Debug, Clone)]
pub struct Starter {
    /// Its name for good.
    pub key: String,
    /// What it is part of.
    pub bundle: String,
    /// How bad a match is.
    pub severity: Severity,
    /// For whom it is.
    pub industries: Vec<String>,
    /// What it is about.
    pub tags: Vec<String>,
    /// Its title and everything it does, as it is installed.
    pub rule: NewRule,
}

/// The system list that conditions of the library ask by name, because ids are different in every application.
pub const COUNTRIES: &str = "High Risk Countries";
/// What stands for its id.
const PLACE: &str = "00000000-0000-0000-0000-000000000000";

/// The library, in order. What does not read is not in it; a test reads all of it.
pub fn starters() -> Vec<Starter> {
    let stored: Vec<Json> = serde_json::from_str(include_str!("library.json")).unwrap_or_default();
    stored.iter().filter_map(starter).collect()
}

fn starter(stored: &Json) -> Option<Starter> {
    let texts = |name: &str| {
        let texts = stored.get(name)?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<String>>>()
    };
    Some(Starter {
        key: stored.get("library_key")?.as_str()?.to_owned(),
        bundle: stored.get("bundle")?.as_str()?.to_owned(),
        severity: Severity::from_name(stored.get("severity")?.as_str()?)?,
        industries: texts("industries")?,
        tags: texts("tags")?,
        rule: NewRule::read(&Value::from(&active(stored))).ok()?,
    })
}

/// The rule as a body that makes it.
fn active(stored: &Json) -> Json {
    let mut members = stored.as_object().cloned().unwrap_or_default();
    members.insert("mode".to_owned(), Mode::Active.as_str().into());
    Json::Object(members)
}

impl Starter {
    /// Whether it asks the list of countries.
    pub fn asks_countries(&self) -> bool {
        self.rule.parts.json()[1].to_string().contains(PLACE)
    }

    /// The conditions with the id of an application's list in its place, or its name where that is to be shown.
    pub fn conditions_with(&self, list: &str) -> Json {
        let [_, mut conditions, ..] = self.rule.parts.json();
        for condition in conditions.as_array_mut().into_iter().flatten() {
            if condition.get("value").and_then(Json::as_str) == Some(PLACE) {
                condition["value"] = list.into();
            }
        }
        conditions
    }

    /// Whether a text is in its title or description, case ignored.
    pub fn says(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let texts = [Some(&self.rule.title), self.rule.description.as_ref()];
        texts.into_iter().flatten().any(|said| said.to_lowercase().contains(&text))
    }

    /// Nothing of the customer's own yet.
    pub fn metadata(&self) -> &Map<String, Json> {
        &self.rule.metadata
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_rule_of_the_library_reads() {
        let stored: Vec<Json> = serde_json::from_str(include_str!("library.json")).unwrap();
        for rule in &stored {
            assert!(starter(rule).is_some(), "{rule}: {:?}", NewRule::read(&Value::from(&active(rule))).err());
        }
        let all = starters();
        assert!(all.len() >= 12);
        let keys: HashSet<&str> = all.iter().map(|starter| starter.key.as_str()).collect();
        let titles: HashSet<&str> = all.iter().map(|starter| starter.rule.title.as_str()).collect();
        assert_eq!((keys.len(), titles.len()), (all.len(), all.len()));
        assert!(all.iter().all(|starter| !starter.rule.parts.json()[3].as_array().unwrap().is_empty()), "all do something");
    }

    #[test]
    fn the_list_of_countries_is_put_in() {
        let asks: Vec<Starter> = starters().into_iter().filter(Starter::asks_countries).collect();
        assert_eq!(asks.iter().map(|starter| starter.key.as_str()).collect::<Vec<_>>(), ["high_risk_country"]);
        let conditions = asks[0].conditions_with("here").to_string();
        assert!(!conditions.contains(PLACE) && conditions.matches("here").count() == 2, "{conditions}");
    }
}
