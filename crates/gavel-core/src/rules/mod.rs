//! Conditions: what a customer's rule asks about the facts of a session or a transaction.
//!
//! A [`Condition`] names a field, an [`Operator`] and what to compare with ([`Operand`]): values written into the rule,
//! another field, a list, or an instant that moves with the clock. [`Condition::evaluate`] answers with a [`Verdict`] that says
//! whether the condition holds and by which value, so that a decision can be explained later. It reads plain [`Facts`]; the
//! time and the lists come in with the [`Setting`], so the same condition over the same setting always answers the same.
//!
//! What the operators mean:
//!
//! - *Comparing.* Two numbers compare as exact decimals, two instants (or days, which begin at midnight UTC) as instants,
//!   everything else as text, letter by letter. A number is what JSON calls one, also when it is written as a text: `"1.50"` equals
//!   `1.5`, but `"007"` and `"+1"` are texts. Beyond 64 characters or an exponent of ±64 it is a text as well.
//! - *Case.* `contains`, `not_contains`, `contains_any` and `fuzzy_match` ignore it; everything else does not.
//! - *Arrays.* A positive operator holds when it holds for any element, a negated one when its positive holds for none. A path
//!   that leads through an array goes on in each of its elements. The first [`ELEMENTS`] values of a field count.
//! - *Missing fields* (absent, null, an empty array) make every condition false but `is_empty`. So does a missing field on
//!   the other side, negated operators included. `is_empty` also holds for a text of length zero and for `{}`.
//! - *Patterns* are matched unanchored and in linear time. They have at most [`PATTERN`] characters and at most 128 KiB when
//!   compiled, and at most [`PATTERNS`] are asked together. `regex` looks at the first [`LOOKED_AT`] characters of a field, its
//!   elements one after the other, `fuzzy_match` at the first [`ALIKE`], and parts are looked for in the first [`SEARCHED`], so
//!   that no text makes a decision slow: rules are asked while the session is locked.
//! - *`fuzzy_match`* holds when the similarity of both sides, each with its words put in order, is at least `score` of 100.
//! - *Relative dates* are at most [`DAYS`] days away. Only `equals`, `not_equals` and the four that order take them, and a field that
//!   is no instant makes the condition false.
//! - *Lists* take `equals`, `in`, `contains`, `contains_any` (the value is on the list) and their negations (it is not). The
//!   value is read by the rule of the list's type; when that refuses it, both are false. A list that is gone is empty. A match
//!   with an entry that the flood guard holds is marked in the verdict ([`Verdict::held`]).
//!
//! Deliberately missing: what follows from a condition. [`StatusRules`] is that for the features of a workflow.

mod compare;
mod condition;
mod facts;
mod operator;
mod read;
mod status;

pub use compare::{canonical, number_of};
pub use condition::{Condition, Listed, Operand, RelativeDate, Setting, Verdict};
pub use facts::{ELEMENTS, Facts};
pub use operator::Operator;
pub use read::Refusal;
pub use status::{RULES, Ruling, StatusRules};

/// Longest pattern of `regex`, in characters.
pub const PATTERN: usize = 1_000;
/// Most patterns in the rules of one feature, or in one rule over transactions.
pub const PATTERNS: usize = 10;
/// Most characters of a field that `regex` looks at.
pub const LOOKED_AT: usize = 1_000;
/// Most characters of a field in which `contains` and its kin look.
pub const SEARCHED: usize = 10_000;
/// Most characters of either side that `fuzzy_match` looks at.
pub const ALIKE: usize = 1_000;
/// Farthest a relative date may be, in days.
pub const DAYS: u64 = 36_500;

#[cfg(test)]
mod tests;
