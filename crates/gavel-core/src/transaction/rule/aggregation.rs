//! A question about the transactions before: how many of a kind, how much, how many different.

use std::cmp::Ordering;

use bigdecimal::BigDecimal;
use serde_json::{Value as Json, json};

use super::{FieldKind, Tally, kind_of, tally::Part};
use crate::{
    entry::country,
    rules::{Facts, Operator, canonical, number_of},
    time::Timestamp,
};

/// What is made of the transactions of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// How many.
    Count,
    /// All numbers together.
    Sum,
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// The mean.
    Avg,
    /// How many different values.
    DistinctCount,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Count, Self::Sum, Self::Max, Self::Min, Self::Avg, Self::DistinctCount];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
            Self::Avg => "avg",
            Self::DistinctCount => "distinct_count",
        }
    }

    /// The metric of this name; one has two.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "unique_count" => Some(Self::DistinctCount),
            name => Self::ALL.into_iter().find(|metric| metric.as_str() == name),
        }
    }
}

/// What must be said of a transaction before it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Of which field.
    pub field: String,
    /// One of these, in the spelling equal values share; `None`: what this transaction holds.
    pub values: Option<Vec<String>>,
}

/// An aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregation {
    /// What is made of them.
    pub metric: Metric,
    /// Of which of their fields.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: BigDecimal,
    /// How far back, in seconds.
    pub seconds: i64,
    /// The same, as written.
    pub window: String,
    /// Which of them.
    pub filters: Vec<Filter>,
}

/// What one transaction asks of those before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Question<'a> {
    /// What is asked.
    pub aggregation: &'a Aggregation,
    /// From which instant on.
    pub from: Timestamp,
    /// Until which.
    pub until: Timestamp,
    /// What each field must hold, one of these.
    pub filters: Vec<(&'a str, Vec<String>)>,
}

/// The single value of a field in the spelling that equal values share. `None`: there is none, or there are several.
pub(super) fn single(facts: &Facts, field: &str) -> Option<String> {
    match facts.find(field).as_slice() {
        [value] => spelled(field, value),
        _ => None,
    }
}

/// A value in the spelling that equal values of its field share. Objects have none.
pub(super) fn spelled(field: &str, value: &Json) -> Option<String> {
    match (kind_of(field)?, value) {
        (FieldKind::Text, Json::String(text)) => Some(text.clone()),
        (FieldKind::Text, Json::Number(number)) => Some(number.to_string()),
        (FieldKind::Country, Json::String(text)) => Some(country::alpha3(text.trim()).unwrap_or(text).to_owned()),
        _ => canonical(value),
    }
}

impl Aggregation {
    /// What a transaction of this instant asks of those before it. `None`: nothing can pass, because it lacks what others
    /// are to have in common with it.
    pub fn question<'a>(&'a self, facts: &Facts, at: Timestamp) -> Option<Question<'a>> {
        let wanted = |filter: &'a Filter| {
            let values = match &filter.values {
                Some(values) => values.clone(),
                None => vec![single(facts, &filter.field)?],
            };
            Some((filter.field.as_str(), values))
        };
        let filters = self.filters.iter().map(wanted).collect::<Option<_>>()?;
        Some(Question { aggregation: self, from: at.plus_seconds(-self.seconds), until: at, filters })
    }

    /// Whether only transactions of the same subject count.
    pub fn is_of_subject(&self) -> bool {
        self.filters.iter().any(|filter| filter.values.is_none() && filter.field == "subject_vendor_data")
    }

    /// What a transaction brings into the tally.
    pub fn part(&self, facts: &Facts) -> Part {
        match self.metric {
            Metric::Count => Part::One,
            Metric::Sum | Metric::Max | Metric::Min | Metric::Avg => {
                let found = facts.find(&self.field);
                Part::Number(if let [value] = found.as_slice() { number_of(value) } else { None })
            }
            Metric::DistinctCount => Part::Value(single(facts, &self.field)),
        }
    }

    /// Whether it holds of what came together.
    pub(super) fn holds(&self, tally: &Tally) -> bool {
        let Some((total, by)) = tally.total() else { return false };
        let ordering = total.cmp(&(&self.value * BigDecimal::from(by)));
        match self.operator {
            Operator::Equals => ordering == Ordering::Equal,
            Operator::NotEquals => ordering != Ordering::Equal,
            Operator::GreaterThan => ordering == Ordering::Greater,
            Operator::GreaterThanOrEquals => ordering != Ordering::Less,
            Operator::LessThan => ordering == Ordering::Less,
            Operator::LessThanOrEquals => ordering != Ordering::Greater,
            Operator::Contains
            | Operator::NotContains
            | Operator::ContainsAny
            | Operator::In
            | Operator::NotIn
            | Operator::IsEmpty
            | Operator::IsNotEmpty
            | Operator::Regex
            | Operator::FuzzyMatch => false, // The reader lets none of them in.
        }
    }

    /// An explanation to be stored. Without a tally it was not asked.
    pub(super) fn explain(&self, tally: Option<&Tally>) -> Json {
        json!({
            "metric": self.metric.as_str(),
            "field": self.field,
            "operator": self.operator.as_str(),
            "value": self.value.normalized().to_plain_string(),
            "window": self.window,
            "total": tally.and_then(Tally::shown),
            "holds": tally.map(|tally| self.holds(tally)),
        })
    }
}

impl Question<'_> {
    /// Whether a transaction passes the filters. Its instant is the caller's business.
    pub fn lets(&self, facts: &Facts) -> bool {
        self.filters.iter().all(|(field, values)| single(facts, field).is_some_and(|value| values.contains(&value)))
    }
}
