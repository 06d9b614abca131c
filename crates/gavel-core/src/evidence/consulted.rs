//! What status rules saw: the fields they looked at and what the lists said, kept with the record so that the ruling can be
//! repeated, also with other lists.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    ids::{EntryId, ListId},
    rules::{Facts, Listed, Ruling, Setting, StatusRules},
    screening::Hit,
    time::Timestamp,
};

/// An entry that covered a value when the rules asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covering {
    /// The entry.
    pub entry: EntryId,
    /// The revision that brought the version that matched.
    pub revision: u64,
    /// The flood guard kept it for a person.
    pub held: bool,
}

impl From<&Hit> for Covering {
    fn from(hit: &Hit) -> Self {
        Self { entry: hit.entry, revision: hit.added_rev, held: hit.held }
    }
}

/// Fields and answers of lists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Consulted {
    /// The fields by their paths.
    pub facts: Facts,
    /// What was asked of which list: the entries that covered the value; `None`: the list's type refuses it.
    pub answers: BTreeMap<(ListId, String), Option<Vec<Covering>>>,
}

impl Consulted {
    /// What the rules say about what is kept here.
    pub fn decide(&self, rules: &StatusRules, now: Timestamp) -> Ruling {
        rules.decide(&Setting { facts: &self.facts, now, listed: &|list, value| self.listed(list, value) })
    }

    fn listed(&self, list: ListId, value: &str) -> Option<Listed> {
        match self.answers.get(&(list, value.to_owned())) {
            None => Some(Listed::No),
            Some(None) => None,
            Some(Some(entries)) if entries.is_empty() => Some(Listed::No),
            Some(Some(entries)) if entries.iter().all(|entry| entry.held) => Some(Listed::Held),
            Some(Some(_)) => Some(Listed::Yes),
        }
    }

    /// Every entry that covered a value, each once.
    pub fn entries(&self) -> Vec<Covering> {
        let mut found: Vec<Covering> = Vec::new();
        for covering in self.answers.values().flatten().flatten() {
            if !found.iter().any(|known| known.entry == covering.entry) {
                found.push(*covering);
            }
        }
        found
    }

    /// As it is stored.
    pub fn to_json(&self) -> Value {
        let entry =
            |covering: &Covering| json!({ "entry": covering.entry, "revision": covering.revision, "held": covering.held });
        let answers = self.answers.iter().map(|((list, value), entries)| {
            let entries = entries.as_ref().map(|entries| entries.iter().map(entry).collect::<Vec<_>>());
            json!({ "list": list, "value": value, "entries": entries })
        });
        json!({ "facts": self.facts.members(), "lists": answers.collect::<Vec<_>>() })
    }

    /// From what was stored; `None` when it was not written by [`to_json`](Self::to_json).
    pub fn from_json(stored: &Value) -> Option<Self> {
        let covering = |value: &Value| {
            Some(Covering {
                entry: value["entry"].as_str()?.parse().ok()?,
                revision: value["revision"].as_u64()?,
                held: value["held"].as_bool()?,
            })
        };
        let answer = |value: &Value| {
            let entries = match &value["entries"] {
                Value::Null => None,
                entries => Some(entries.as_array()?.iter().map(covering).collect::<Option<Vec<_>>>()?),
            };
            Some(((value["list"].as_str()?.parse().ok()?, value["value"].as_str()?.to_owned()), entries))
        };
        let facts: Map<String, Value> = stored["facts"].as_object()?.clone();
        Some(Self { facts: Facts::new(facts), answers: stored["lists"].as_array()?.iter().map(answer).collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10";

    #[test]
    fn what_was_stored_reads_back() {
        let list: ListId = ID.parse().unwrap();
        let covering = |held| Covering { entry: ID.parse().unwrap(), revision: 7, held };
        let consulted = Consulted {
            facts: Facts::new(Map::from_iter([("kyc.age".into(), json!(30)), ("phone.full_number".into(), Value::Null)])),
            answers: BTreeMap::from([
                ((list, "a".to_owned()), Some(vec![covering(true), covering(false)])),
                ((list, "b".to_owned()), Some(vec![])),
                ((list, "c".to_owned()), None),
                ((list, "d".to_owned()), Some(vec![covering(true)])),
            ]),
        };
        assert_eq!(Consulted::from_json(&consulted.to_json()), Some(consulted.clone()));
        assert_eq!(Consulted::from_json(&json!({ "facts": {} })), None);
        assert_eq!(consulted.entries().len(), 1);
        let said = ["a", "b", "c", "d", "never asked"].map(|value| consulted.listed(list, value));
        assert_eq!(said, [Some(Listed::Yes), Some(Listed::No), None, Some(Listed::Held), Some(Listed::No)]);
    }
}
