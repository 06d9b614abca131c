//! What conditions are asked about: a JSON object and paths into it.

use serde_json::{Map, Value};

/// Most values of a field that count.
pub const ELEMENTS: usize = 256;

/// The facts of a session or a transaction: an object per feature, `{"kyc": {…}, "session": {…}}`, or the few values that
/// were kept of one, `{"kyc.nationality": "ESP"}`. Both answer to the same paths.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts(Map<String, Value>);

impl Facts {
    /// From an object.
    pub fn new(facts: Map<String, Value>) -> Self {
        Self(facts)
    }

    /// The values a dotted path leads to, arrays opened, nulls left out. A member whose name is the whole rest of the path
    /// comes before one whose name ends at the next dot: names may hold dots.
    pub fn find(&self, path: &str) -> Vec<&Value> {
        let mut found = Vec::new();
        descend(&self.0, path, &mut found);
        found
    }

    /// The one text a path leads to.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.find(path).as_slice() {
            [Value::String(text)] => Some(text),
            _ => None,
        }
    }

    /// Puts a member in the place of what was there.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// What a path leads to in one value, for keeping: null, the value, or an array of the values.
    pub fn keep(value: &Value, path: &str) -> Value {
        let mut found = Vec::new();
        go_on(value, path, &mut found);
        match found.as_slice() {
            [] => Value::Null,
            [one] => (*one).clone(),
            several => several.iter().map(|value| (*value).clone()).collect(),
        }
    }

    /// The members as they are.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// The values a path leads to from here; an empty path has arrived.
fn go_on<'v>(value: &'v Value, path: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Null => {}
        Value::Array(elements) => {
            for element in elements {
                if found.len() >= ELEMENTS {
                    return;
                }
                go_on(element, path, found);
            }
        }
        Value::Object(members) if !path.is_empty() => descend(members, path, found),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) if path.is_empty() => found.push(value),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {}
    }
}

fn descend<'v>(members: &'v Map<String, Value>, path: &str, found: &mut Vec<&'v Value>) {
    if let Some(value) = members.get(path) {
        go_on(value, "", found);
    } else if let Some((name, rest)) = path.split_once('.')
        && let Some(value) = members.get(name)
    {
        go_on(value, rest, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(facts: Value, path: &str) -> Vec<Value> {
        let Value::Object(members) = facts else { panic!("not an object") };
        Facts::new(members).find(path).into_iter().cloned().collect()
    }

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let facts = || {
            json!({
                "kyc": { "name": "Ana", "age": 30, "none": null, "address": { "city": "Bonn" }, "tags": ["a", ["b", null]], "empty": [] },
                "aml": { "hits": [{ "datasets": ["PEP", "SIP"] }, { "datasets": ["PEP"] }, 5] },
                "session": { "metadata": { "a.b": 1, "a": { "b": 2 } } },
                "phone.country_code": "DE",
            })
        };
        for (path, expected) in [
            ("kyc.name", json!(["Ana"])),
            ("kyc.age", json!([30])),
            ("kyc.none", json!([])),
            ("kyc.nothing", json!([])),
            ("kyc.name.first", json!([])),
            ("kyc.address.city", json!(["Bonn"])),
            ("kyc.address", json!([{ "city": "Bonn" }])),
            ("kyc.tags", json!(["a", "b"])),
            ("kyc.empty", json!([])),
            ("aml.hits.datasets", json!(["PEP", "SIP", "PEP"])),
            ("session.metadata.a.b", json!([1])),
            ("phone.country_code", json!(["DE"])),
            ("", json!([])),
            (".", json!([])),
            ("kyc", json!([facts()["kyc"]])),
        ] {
            assert_eq!(Value::from(found(facts(), path)), expected, "{path}");
        }
    }

    #[test]
    fn so_many_values_count() {
        let many: Vec<usize> = (0..ELEMENTS + 5).collect();
        assert_eq!(found(json!({ "a": many }), "a").len(), ELEMENTS);
    }

    #[test]
    fn what_is_kept_answers_as_the_whole_did() {
        let whole = json!({ "hits": [{ "n": 1 }, { "n": null }, { "n": 2 }], "one": ["x"], "none": [] });
        for (path, kept) in [("hits.n", json!([1, 2])), ("one", json!("x")), ("none", json!(null)), ("gone", json!(null))] {
            assert_eq!(Facts::keep(&whole, path), kept, "{path}");
            let whole_found = found(json!({ "a": whole.clone() }), &format!("a.{path}"));
            assert_eq!(found(json!({ format!("a.{path}"): kept }), &format!("a.{path}")), whole_found);
        }
    }
}
