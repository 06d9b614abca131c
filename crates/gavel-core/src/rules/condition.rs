//! One condition, and what it answers.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::{Value, json};

use super::{
    ALIKE, Facts, LOOKED_AT, Operator, SEARCHED,
    compare::{Comparable, first, similarity},
};
use crate::{ids::ListId, time::Timestamp};

/// A question about one field.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Path of the field.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub operand: Operand,
    /// Least similarity of a `fuzzy_match`, 0 to 100.
    pub score: f64,
}

/// What a field is compared with.
#[derive(Debug, Clone)]
pub enum Operand {
    /// Nothing: the operator asks for presence.
    Nothing,
    /// Values written into the condition; several only for operators that take several.
    Literal(Literal),
    /// The pattern of a `regex`.
    Pattern(Regex),
    /// Another field.
    Field(String),
    /// The entries of a list.
    List(ListId),
    /// An instant that moves with the clock.
    RelativeDate(RelativeDate),
}

/// Values written into a condition.
#[derive(Debug, Clone)]
pub struct Literal(pub(super) Vec<Comparable<'static>>);

/// An instant as far from now as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelativeDate {
    /// Seconds from now; negative in the past.
    pub seconds: i64,
}

/// Whether a value is on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// It is not, or the list is gone.
    No,
    /// It is, by entries that the flood guard holds for a person.
    Held,
    /// It is.
    Yes,
}

/// What a condition is asked in.
pub struct Setting<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// The instant of the decision.
    pub now: Timestamp,
    /// Whether a list holds a value, given as text; `None`: the list's type refuses the value.
    pub listed: &'a dyn Fn(ListId, &str) -> Option<Listed>,
}

/// What a condition answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Whether it holds.
    pub holds: bool,
    /// It holds only by entries that the flood guard holds: a person should look.
    pub held: bool,
    /// The value it holds by; for a negated operator everything that was there.
    pub value: Option<Value>,
}

impl Condition {
    /// Asks it.
    pub fn evaluate(&self, setting: &Setting<'_>) -> Verdict {
        let found = setting.facts.find(&self.field);
        if self.operator.asks_presence() {
            return self.presence(&found);
        }
        let values: Vec<(&Value, Comparable<'_>)> =
            found.iter().filter_map(|value| Some((*value, Comparable::of(value)?))).collect();
        if values.is_empty() {
            return Verdict::default();
        }
        match &self.operand {
            Operand::Nothing => Verdict::default(),
            Operand::Literal(literal) => self.against(&values, &literal.0),
            Operand::Pattern(pattern) => by(looked_at(pairs(&values), LOOKED_AT)
                .into_iter()
                .find(|(_, text)| pattern.is_match(text))
                .map(|(value, _)| value)),
            Operand::Field(path) => {
                let others = setting.facts.find(path);
                let others: Vec<Comparable<'_>> = others.into_iter().filter_map(Comparable::of).collect();
                self.against(&values, &others)
            }
            Operand::List(list) => self.of_list(&values, *list, setting),
            Operand::RelativeDate(date) => {
                let instants: Vec<_> = values.into_iter().filter(|(_, value)| value.is_time()).collect();
                self.against(&instants, &[Comparable::of_time(setting.now.plus_seconds(date.seconds))])
            }
        }
    }

    /// The list it asks, if it asks one.
    pub fn list(&self) -> Option<ListId> {
        match self.operand {
            Operand::List(list) => Some(list),
            Operand::Nothing | Operand::Literal(_) | Operand::Pattern(_) | Operand::Field(_) | Operand::RelativeDate(_) => None,
        }
    }

    /// Which list is asked about which values, when one is.
    pub fn asks_of_list(&self, facts: &Facts) -> Option<(ListId, Vec<String>)> {
        let Operand::List(list) = self.operand else { return None };
        let texts = facts.find(&self.field).into_iter().filter_map(|value| Some(Comparable::of(value)?.text.into_owned()));
        Some((list, texts.collect()))
    }

    /// Whether it asks a pattern.
    pub fn is_pattern(&self) -> bool {
        self.operator == Operator::Regex
    }

    /// An explanation to be stored: what was asked and what came of it.
    pub fn explain(&self, verdict: &Verdict) -> Value {
        json!({
            "field": self.field, "operator": self.operator.as_str(), "holds": verdict.holds, "held": verdict.held, "value": verdict.value,
        })
    }

    fn presence(&self, found: &[&Value]) -> Verdict {
        let present = found.iter().find(|value| !is_nothing(value));
        match (self.operator, present) {
            (Operator::IsEmpty, None) => Verdict { holds: true, ..Verdict::default() },
            (Operator::IsNotEmpty, Some(value)) => by(Some(value)),
            _ => Verdict::default(),
        }
    }

    /// Every pair of both sides; the negated operators hold when their positive holds for no pair.
    fn against(&self, values: &[(&Value, Comparable<'_>)], others: &[Comparable<'_>]) -> Verdict {
        if values.is_empty() || others.is_empty() {
            return Verdict::default();
        }
        let any = |holds: &dyn Fn(&Comparable<'_>, &Comparable<'_>) -> bool| {
            values.iter().find(|(_, value)| others.iter().any(|other| holds(value, other))).map(|(value, _)| *value)
        };
        let orders = |wanted: &dyn Fn(Ordering) -> bool| by(any(&|value, other| wanted(value.cmp(other))));
        let equal = || any(&|value, other| value.cmp(other) == Ordering::Equal);
        match self.operator {
            Operator::Equals | Operator::In => by(equal()),
            Operator::NotEquals | Operator::NotIn => none(values, equal()),
            Operator::GreaterThan => orders(&Ordering::is_gt),
            Operator::GreaterThanOrEquals => orders(&Ordering::is_ge),
            Operator::LessThan => orders(&Ordering::is_lt),
            Operator::LessThanOrEquals => orders(&Ordering::is_le),
            Operator::Contains | Operator::ContainsAny => by(containing(values, others)),
            Operator::NotContains => none(values, containing(values, others)),
            Operator::FuzzyMatch => by(self.alike(values, others)),
            Operator::Regex | Operator::IsEmpty | Operator::IsNotEmpty => Verdict::default(),
        }
    }

    fn alike<'v>(&self, values: &[(&'v Value, Comparable<'_>)], others: &[Comparable<'_>]) -> Option<&'v Value> {
        let others = looked_at(others.iter().map(|other| ((), other)), ALIKE);
        let alike = |text: &str| others.iter().any(|((), other)| similarity(text, other) >= self.score);
        looked_at(pairs(values), ALIKE).into_iter().find(|(_, text)| alike(text)).map(|(value, _)| value)
    }

    fn of_list(&self, values: &[(&Value, Comparable<'_>)], list: ListId, setting: &Setting<'_>) -> Verdict {
        let Some(positive) = self.operator.of_list() else { return Verdict::default() };
        let read = |(value, text): &(&Value, Comparable<'_>)| Some(((*value).clone(), (setting.listed)(list, &text.text)?));
        let read: Vec<(Value, Listed)> = values.iter().filter_map(read).collect();
        let surely = read.iter().find(|(_, listed)| *listed == Listed::Yes);
        let on_it = surely.or_else(|| read.iter().find(|(_, listed)| *listed == Listed::Held));
        match (positive, on_it) {
            (true, Some((value, listed))) => Verdict { holds: true, held: *listed == Listed::Held, value: Some(value.clone()) },
            (false, None) if !read.is_empty() => {
                let values: Vec<&Value> = read.iter().map(|(value, _)| value).collect();
                Verdict { holds: true, held: false, value: Some(together(&values)) }
            }
            (true, None) | (false, _) => Verdict::default(),
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn by(value: Option<&Value>) -> Verdict {
    Verdict { holds: value.is_some(), held: false, value: value.cloned() }
}

fn none(values: &[(&Value, Comparable<'_>)], found: Option<&Value>) -> Verdict {
    match found {
        Some(_) => Verdict::default(),
        None => {
            let values: Vec<&Value> = values.iter().map(|(value, _)| *value).collect();
            Verdict { holds: true, held: false, value: Some(together(&values)) }
        }
    }
}

fn together(values: &[&Value]) -> Value {
    match values {
        [one] => (*one).clone(),
        several => several.iter().map(|value| (*value).clone()).collect(),
    }
}

fn containing<'v>(values: &[(&'v Value, Comparable<'_>)], others: &[Comparable<'_>]) -> Option<&'v Value> {
    let parts: Vec<String> = others.iter().map(|other| other.text.to_lowercase()).filter(|part| !part.is_empty()).collect();
    let holds = |text: &str| {
        let text = text.to_lowercase();
        parts.iter().any(|part| text.contains(part.as_str()))
    };
    looked_at(pairs(values), SEARCHED).into_iter().find(|(_, text)| holds(text)).map(|(value, _)| value)
}

fn pairs<'v, 't>(values: &'t [(&'v Value, Comparable<'t>)]) -> impl Iterator<Item = (&'v Value, &'t Comparable<'t>)> {
    values.iter().map(|(value, comparable)| (*value, comparable))
}

/// The texts that the slow operators look at: no more than so many characters of all of them together.
fn looked_at<'t, T>(values: impl Iterator<Item = (T, &'t Comparable<'t>)>, characters: usize) -> Vec<(T, &'t str)> {
    let mut left = characters;
    let mut texts = Vec::new();
    for (value, comparable) in values {
        if left == 0 {
            break;
        }
        let text = first(&comparable.text, left);
        left -= text.chars().count();
        texts.push((value, text));
    }
    texts
}
