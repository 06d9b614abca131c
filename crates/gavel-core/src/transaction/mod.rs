//! Transactions: money that moves between a customer's user and somebody else, and what lists and rules make of it
//! (entities §4).
//!
//! A [`NewTransaction`] is what the caller sent, read whole: the amount keeps its digits ([`Amount`]), the two parties keep
//! their values as sent ([`Party`]). Lists are asked about its [`values`], in the order of the contract; conditions of
//! rules look at its [`facts()`]. [`Weighing::weigh`] is the one place where matches, rules, scores and flagged participants become a
//! status, a score, a severity and a reason.
//!
//! Deliberately missing: the rules themselves, which are conditions ([`crate::rules`]) with actions of their own, and money
//! arithmetic: nothing here adds two amounts of different currencies.

mod amount;
mod facts;
mod kinds;
mod method;
mod outcome;
mod party;
mod read;
pub mod rule;
mod value;

pub use amount::{Amount, NotAnAmount};
pub use facts::facts;
pub use kinds::{Category, CurrencyKind, Direction, Severity, Side, Source, TransactionStatus, entity_name};
pub use method::{MethodType, PaymentMethod};
pub use outcome::{Decided, Match, Reason, RuleEffect, Thresholds, Weighing};
pub use party::Party;
pub use read::{NetworkSnapshot, NewTransaction};
pub use value::{PartyValue, participants, reason_of, values};

/// Longest text without a limit of its own, in characters.
pub const TEXT: usize = 4_096;

#[cfg(test)]
mod tests;
