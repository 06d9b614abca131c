//! What a rule asks, and how the answers are put together.

use serde_json::{Value as Json, json};

use super::{Aggregation, Conditions, Tally};
use crate::{
    rules::{Facts, Setting, Verdict},
    transaction::Direction,
};

/// How answers are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Combine {
    /// All must be yes; so of none.
    #[default]
    All,
    /// One must be.
    Any,
}

impl Combine {
    /// The mode of this exact name.
    pub fn from_mode(name: &str) -> Option<Self> {
        [Self::All, Self::Any].into_iter().find(|combine| combine.mode() == name)
    }

    /// The name as an `evaluation_mode`.
    pub const fn mode(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Any => "ANY",
        }
    }

    /// The logic of this exact name.
    pub(super) fn from_logic(name: &str) -> Option<Self> {
        match name {
            "AND" => Some(Self::All),
            "OR" => Some(Self::Any),
            _ => None,
        }
    }

    pub(super) fn of(self, answers: &[bool]) -> bool {
        match self {
            Self::All => answers.iter().all(|answer| *answer),
            Self::Any => answers.iter().any(|answer| *answer),
        }
    }
}

/// Which transactions a rule is asked about; an empty part says nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Stored names of categories.
    pub transaction_types: Vec<String>,
    /// Which ways.
    pub directions: Vec<Direction>,
    /// Letter by letter.
    pub action_types: Vec<String>,
}

impl Scope {
    /// Whether a transaction is in it.
    pub fn holds(&self, facts: &Facts) -> bool {
        let is = |field: &str, wanted: &[String]| {
            wanted.is_empty() || facts.text(field).is_some_and(|text| wanted.iter().any(|wanted| wanted == text))
        };
        let directions: Vec<String> = self.directions.iter().map(|direction| direction.as_str().to_owned()).collect();
        is("transaction_type", &self.transaction_types) && is("direction", &directions) && is("action_type", &self.action_types)
    }
}

/// What a rule asks.
#[derive(Debug, Clone, Default)]
pub struct Logic {
    /// About which transactions.
    pub scope: Scope,
    /// How conditions and aggregations are put together.
    pub mode: Combine,
    /// Of the transaction itself.
    pub conditions: Conditions,
    /// Of those before it.
    pub aggregations: Vec<Aggregation>,
}

/// What the conditions have answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    verdicts: Vec<Verdict>,
    answers: Vec<bool>,
    /// The answer, where the aggregations cannot change it.
    decided: Option<bool>,
}

/// What a rule answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Yes or no.
    pub matched: bool,
    /// It says yes with the help of an entry that the flood guard holds.
    pub held: bool,
    /// Every condition and aggregation with what it saw: a JSON object of `conditions` and `aggregations`.
    pub explanation: Json,
}

impl Logic {
    /// Asks the conditions.
    pub fn begin(&self, setting: &Setting<'_>) -> Begun {
        let verdicts = self.conditions.ask(setting);
        let answers = self.conditions.answers(&verdicts);
        let decided = match self.mode {
            _ if self.aggregations.is_empty() => Some(self.mode.of(&answers)),
            Combine::All if answers.contains(&false) => Some(false),
            Combine::Any if answers.contains(&true) => Some(true),
            Combine::All | Combine::Any => None,
        };
        Begun { verdicts, answers, decided }
    }

    /// Puts everything together. `tallies`: one for each aggregation, or none where they need not be asked.
    pub fn finish(&self, begun: &Begun, tallies: &[Tally]) -> Outcome {
        let tallies = if begun.is_decided() { &[] } else { tallies };
        let of_past = self.aggregations.iter().zip(tallies).map(|(aggregation, tally)| aggregation.holds(tally));
        let all: Vec<bool> = begun.answers.iter().copied().chain(of_past).collect();
        let matched = begun.decided.unwrap_or_else(|| self.mode.of(&all));
        let aggregations: Vec<Json> =
            self.aggregations.iter().enumerate().map(|(place, asked)| asked.explain(tallies.get(place))).collect();
        Outcome {
            matched,
            held: matched && begun.verdicts.iter().any(|verdict| verdict.holds && verdict.held),
            explanation: json!({ "conditions": self.conditions.explain(&begun.verdicts), "aggregations": aggregations }),
        }
    }

    /// Whether it looks at nothing.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.aggregations.is_empty()
    }
}

impl Begun {
    /// Whether the aggregations need not be asked.
    pub fn is_decided(&self) -> bool {
        self.decided.is_some()
    }
}
