//! The configuration of one step of a workflow.
//!
//! A feature's `config` is an object of keys that were checked when the workflow was saved (entities.md §5.3). Here it
//! is only read, always with the default the contract states next to the key: a feature recorded outside the workflow
//! has an empty configuration and therefore every default.

use serde_json::{Map, Value};

use super::warning::Action;

/// A feature's `config`. The empty one has the default of every key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config(Map<String, Value>);

impl Config {
    /// The configuration as it is stored in the workflow.
    pub fn new(keys: Map<String, Value>) -> Self {
        Self(keys)
    }

    /// Every key as it is stored.
    pub fn keys(&self) -> &Map<String, Value> {
        &self.0
    }

    /// What to do about a risk.
    pub fn action(&self, key: &str, default: Action) -> Action {
        self.0.get(key).and_then(Value::as_str).and_then(Action::from_name).unwrap_or(default)
    }

    /// A border on a score; `None`: the border is off.
    pub fn threshold(&self, key: &str, default: Option<f64>) -> Option<f64> {
        self.0.get(key).and_then(Value::as_f64).or(default)
    }

    /// A switch, off unless set.
    pub fn is_on(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Any other key, for rules that are not read here (`status_rules`).
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The configuration of a chip check beside the document check of the same workflow: whether inconsistent data is a
    /// reason to stop is said once, at the document (sessions.md §6.3).
    pub fn beside_document(mut self, document: &Self) -> Self {
        const SHARED: &str = "inconsistent_data_action";
        match document.0.get(SHARED) {
            Some(action) => self.0.insert(SHARED.to_owned(), action.clone()),
            None => self.0.remove(SHARED),
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(keys: Value) -> Config {
        match keys {
            Value::Object(keys) => Config::new(keys),
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn absent_and_unreadable_keys_have_the_default() {
        let config = config(json!({"a": "decline", "b": "SHRUG", "c": null, "d": 55.5}));
        assert_eq!(config.action("a", Action::NoAction), Action::Decline);
        for key in ["b", "c", "d", "e"] {
            assert_eq!(config.action(key, Action::Review), Action::Review, "{key}");
        }
        assert_eq!(config.threshold("d", Some(50.0)), Some(55.5));
        assert_eq!(config.threshold("c", None), None);
        assert!(!config.is_on("e"));
    }

    #[test]
    fn a_chip_takes_the_documents_word_on_inconsistent_data() {
        let document = config(json!({"inconsistent_data_action": "DECLINE"}));
        let chip = Config::default().beside_document(&document);
        assert_eq!(chip.action("inconsistent_data_action", Action::Review), Action::Decline);
        let alone = chip.beside_document(&Config::default());
        assert_eq!(alone.action("inconsistent_data_action", Action::Review), Action::Review);
    }
}
