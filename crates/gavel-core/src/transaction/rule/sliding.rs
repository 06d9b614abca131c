//! A window that moves over transactions in the order of their instants: what [`Tally`] is for one of them, for one after
//! the other. What leaves the window at one end is taken out again, so the memory it takes is that of one window.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::Arc,
};

use bigdecimal::BigDecimal;

use super::{Aggregation, Metric, Tally, aggregation::single, tally::Part};
use crate::{rules::Facts, time::Timestamp};

/// Most transactions a window may hold here.
const MOST: usize = 2_000_000;

/// More transactions lie in one window than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowTooLarge;

impl fmt::Display for WindowTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "More than {MOST} transactions lie in one window of an aggregation.")
    }
}

/// A window over transactions that come in order.
pub struct Sliding {
    aggregation: Aggregation,
    inside: VecDeque<(Timestamp, Arc<str>, Part)>,
    /// By what transactions have in common with the one that asks.
    bags: HashMap<Arc<str>, Bag>,
}

/// What one key has in the window.
#[derive(Default)]
struct Bag {
    count: u64,
    numbers: u64,
    total: BigDecimal,
    sorted: BTreeMap<BigDecimal, u64>,
    values: HashMap<String, u64>,
}

impl Sliding {
    /// An empty one.
    pub fn new(aggregation: &Aggregation) -> Self {
        Self { aggregation: aggregation.clone(), inside: VecDeque::new(), bags: HashMap::new() }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.inside.clear();
        self.bags.clear();
    }

    /// Takes the next transaction in, if it passes the filters that do not depend on who asks.
    pub fn push(&mut self, facts: &Facts, at: Timestamp) -> Result<(), WindowTooLarge> {
        self.move_to(at);
        let fixed = self.aggregation.filters.iter().filter_map(|filter| Some((&filter.field, filter.values.as_ref()?)));
        let passes = |(field, values): (&String, &Vec<String>)| single(facts, field).is_some_and(|value| values.contains(&value));
        if !fixed.into_iter().all(passes) {
            return Ok(());
        }
        let Some(key) = self.key(facts) else { return Ok(()) };
        if self.inside.len() >= MOST {
            return Err(WindowTooLarge);
        }
        let part = self.aggregation.part(facts);
        // The spelling is kept once, however many share it.
        let key: Arc<str> = self.bags.get_key_value(key.as_str()).map_or_else(|| key.as_str().into(), |(known, _)| known.clone());
        self.bags.entry(key.clone()).or_default().put(self.aggregation.metric, &part);
        self.inside.push_back((at, key, part));
        Ok(())
    }

    /// What the transaction pushed last asks for, itself included.
    pub fn tally(&self, facts: &Facts) -> Tally {
        let bag = self.key(facts).and_then(|key| self.bags.get(key.as_str()));
        let Some(bag) = bag else { return Tally::new(self.aggregation.metric) };
        bag.tally(self.aggregation.metric)
    }

    /// The values of the fields transactions are to have in common, told apart by their lengths.
    fn key(&self, facts: &Facts) -> Option<String> {
        let common = self.aggregation.filters.iter().filter(|filter| filter.values.is_none());
        let mut key = String::new();
        for filter in common {
            let value = single(facts, &filter.field)?;
            key.push_str(&format!("{}:{value}", value.len()));
        }
        Some(key)
    }

    fn move_to(&mut self, at: Timestamp) {
        let from = at.plus_seconds(-self.aggregation.seconds);
        while let Some((gone, key, part)) = self.inside.pop_front_if(|(gone, ..)| *gone < from) {
            debug_assert!(gone <= at, "transactions come in order");
            if let Some(bag) = self.bags.get_mut(&key) {
                bag.take(self.aggregation.metric, &part);
                if bag.count == 0 {
                    self.bags.remove(&key);
                }
            }
        }
    }
}

impl Bag {
    fn put(&mut self, metric: Metric, part: &Part) {
        self.count += 1;
        match part {
            Part::Number(Some(number)) if matches!(metric, Metric::Min | Metric::Max) => {
                *self.sorted.entry(number.clone()).or_default() += 1;
            }
            Part::Number(Some(number)) => {
                self.numbers += 1;
                self.total += number;
            }
            Part::Value(Some(value)) => *self.values.entry(value.clone()).or_default() += 1,
            Part::One | Part::Number(None) | Part::Value(None) => {}
        }
    }

    fn take(&mut self, metric: Metric, part: &Part) {
        self.count -= 1;
        match part {
            Part::Number(Some(number)) if matches!(metric, Metric::Min | Metric::Max) => {
                let left = self.sorted.get_mut(number).map(|often| {
                    *often -= 1;
                    *often
                });
                if left == Some(0) {
                    self.sorted.remove(number);
                }
            }
            Part::Number(Some(number)) => {
                self.numbers -= 1;
                self.total -= number;
            }
            Part::Value(Some(value)) => {
                let left = self.values.get_mut(value).map(|often| {
                    *often -= 1;
                    *often
                });
                if left == Some(0) {
                    self.values.remove(value);
                }
            }
            Part::One | Part::Number(None) | Part::Value(None) => {}
        }
    }

    fn tally(&self, metric: Metric) -> Tally {
        match metric {
            Metric::Count => Tally::Count(self.count),
            Metric::Sum | Metric::Avg => {
                Tally::Sum { total: self.total.clone(), numbers: self.numbers, average: metric == Metric::Avg }
            }
            Metric::Min => Tally::Extreme { found: self.sorted.keys().next().cloned(), least: true },
            Metric::Max => Tally::Extreme { found: self.sorted.keys().next_back().cloned(), least: false },
            Metric::DistinctCount => Tally::Distinct { seen: HashMap::new(), others: self.values.len() as u64 },
        }
    }
}
