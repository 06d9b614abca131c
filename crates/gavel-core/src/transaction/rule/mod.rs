//! Rules: what a customer asks of every transaction, and what follows when the answer is yes (entities §4.4).
//!
//! A rule is a [`Logic`] and a list of [`Action`]s. The logic looks at one transaction through [`Condition`](crate::rules::Condition)s over its
//! facts and at the transactions before it through [`Aggregation`]s: how many, how much, how many different. It is asked in
//! three steps, because only the caller can look into the past: [`Logic::begin`] asks the conditions; where they do not decide
//! alone, the caller finds a [`Tally`] for each aggregation ([`Aggregation::question`] says of what); [`Logic::finish`]
//! puts both together and explains. The same three steps serve a new transaction, where a database counts, and a test
//! over stored ones, where [`Sliding`] does.
//!
//! What is meant where the contract leaves room:
//!
//! - *Windows* hold what happened from so long before this transaction up to and including its own instant, and the
//!   transaction itself where it passes the filters.
//! - *Filters* compare single values. Texts are equal letter by letter (`"1"` is not `"1.0"`: they are somebody's ids),
//!   countries as alpha-3, numbers as decimals; free values as what they look like. A transaction without the field, or with an
//!   array in it, passes no filter on it, and `"__current__"` of nothing is passed by none.
//! - *Metrics.* `count` counts transactions. The others look at `field`: numbers for `sum`, `min`, `max`, `avg`, everything
//!   for `distinct_count`. The sum of nothing is 0; least, greatest and average of nothing make the aggregation false. Amounts
//!   are added as they are: whoever needs one currency filters by it.
//! - *Moving fields* (`score`, `severity`, `tags`) are what the rules before have made of them, and are known to conditions only.
//! - *Groups.* A condition without `group_index` among others with one belongs to group 0. Conditions in groups count as one
//!   beside the aggregations, which `evaluation_mode` then puts together.
//! - Aggregations are not asked when the conditions decide alone.
//!
//! Deliberately missing: time, lists and the database; the caller brings them.

mod action;
mod aggregation;
mod conditions;
mod fields;
mod library;
mod logic;
mod parts;
mod read;
mod sliding;
mod tally;

pub use action::{Action, Tag, effect, summary};
pub use aggregation::{Aggregation, Filter, Metric, Question};
pub use conditions::Conditions;
pub use fields::{FieldKind, kind_of};
pub use library::{COUNTRIES, Starter, starters};
pub use logic::{Begun, Combine, Logic, Outcome, Scope};
pub use read::{Mode, NewRule, Parts, RuleChange, Written, nothing_asked, read_backtest};
pub use sliding::{Sliding, WindowTooLarge};
pub use tally::Tally;

/// Most conditions of a rule.
pub const CONDITIONS: usize = 100;
/// Most aggregations of a rule.
pub const AGGREGATIONS: usize = 10;
/// Most actions of a rule.
pub const ACTIONS: usize = 20;
/// Most filters of an aggregation, and most values of one.
pub const FILTERS: usize = 20;
/// Most values of a filter.
pub const FILTER_VALUES: usize = 100;
/// Longest window, in days.
pub const WINDOW_DAYS: i64 = 3_660;

#[cfg(test)]
mod tests;
