//! What an aggregation counts up: fed one transaction after the other, or by a database.

use std::collections::HashMap;

use bigdecimal::BigDecimal;

use super::Metric;

/// What has come together of the transactions of one window.
#[derive(Debug, Clone, PartialEq)]
pub enum Tally {
    /// How many transactions.
    Count(u64),
    /// Their sum, and how many numbers it is made of.
    Sum {
        /// All numbers together.
        total: BigDecimal,
        /// How many.
        numbers: u64,
        /// Whether the average is asked for.
        average: bool,
    },
    /// The least number, or the greatest.
    Extreme {
        /// It.
        found: Option<BigDecimal>,
        /// Whether the least is asked for.
        least: bool,
    },
    /// How many different values.
    Distinct {
        /// Those that were fed, each how often.
        seen: HashMap<String, u64>,
        /// How many others there are, known from elsewhere.
        others: u64,
    },
}

/// One transaction's part in a tally.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// It is one.
    One,
    /// Its number, if it has one.
    Number(Option<BigDecimal>),
    /// Its value in the one spelling that equal values share, if it has one.
    Value(Option<String>),
}

impl Tally {
    /// Of nothing.
    pub fn new(metric: Metric) -> Self {
        match metric {
            Metric::Count => Self::Count(0),
            Metric::Sum | Metric::Avg => Self::Sum { total: BigDecimal::from(0), numbers: 0, average: metric == Metric::Avg },
            Metric::Min | Metric::Max => Self::Extreme { found: None, least: metric == Metric::Min },
            Metric::DistinctCount => Self::Distinct { seen: HashMap::new(), others: 0 },
        }
    }

    /// Adds one transaction.
    pub fn add(&mut self, part: Part) {
        match (self, part) {
            (Self::Count(count), Part::One) => *count += 1,
            (Self::Sum { total, numbers, .. }, Part::Number(Some(number))) => {
                *total += number;
                *numbers += 1;
            }
            (Self::Extreme { found, least }, Part::Number(Some(number))) => {
                let better = found.as_ref().is_none_or(|found| if *least { number < *found } else { number > *found });
                if better {
                    *found = Some(number);
                }
            }
            (Self::Distinct { seen, .. }, Part::Value(Some(value))) => *seen.entry(value).or_default() += 1,
            _ => {}
        }
    }

    /// What it comes to, as a sum and the number it is to be divided by. `None`: nothing came together.
    pub(super) fn total(&self) -> Option<(BigDecimal, u64)> {
        match self {
            Self::Count(count) => Some((BigDecimal::from(*count), 1)),
            Self::Sum { numbers: 0, average: true, .. } => None,
            Self::Sum { total, numbers, average } => Some((total.clone(), if *average { *numbers } else { 1 })),
            Self::Extreme { found, .. } => found.clone().map(|found| (found, 1)),
            Self::Distinct { seen, others } => Some((BigDecimal::from(seen.len() as u64 + others), 1)),
        }
    }

    /// What it comes to, to be shown; an average to 18 decimals.
    pub(super) fn shown(&self) -> Option<String> {
        let (total, by) = self.total()?;
        let shown = if by == 1 { total } else { (total / BigDecimal::from(by)).round(18) };
        Some(shown.normalized().to_plain_string())
    }
}
