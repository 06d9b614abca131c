//! What follows from everything that was found: one function, so that lists, rules and people can be told the same story
//! (entities §4.2).

use serde::Serialize;

use super::{Severity, Side, TransactionStatus, reason_of};
use crate::{
    entry::EntryType,
    ids::{EntryId, ListId},
};

/// From which scores on a transaction goes to review and is declined: settings of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Thresholds {
    /// To review.
    pub review: u8,
    /// Declined.
    pub decline: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { review: 50, decline: 80 }
    }
}

/// A value of a party that matches an entry of a blocklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Whose value.
    pub side: Side,
    /// What it is.
    pub entry_type: EntryType,
    /// The list of the entry.
    pub list: ListId,
    /// The entry.
    pub entry: EntryId,
    /// The flood guard keeps the entry for a person: a reason to look, not to decline.
    pub held: bool,
}

/// What a rule that matched does to the outcome. Rules that only record their run have none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleEffect {
    /// What people call the rule.
    pub title: String,
    /// Added to the score.
    pub score: i64,
    /// The status it asks for.
    pub status: Option<TransactionStatus>,
}

/// Everything that counts.
#[derive(Debug, Clone, Default)]
pub struct Weighing<'a> {
    /// Blocklist matches, in the order of the contract.
    pub matches: &'a [Match],
    /// Rules that matched, in the order they ran.
    pub rules: &'a [RuleEffect],
    /// One of the participants is flagged.
    pub flagged: bool,
    /// Borders of the score.
    pub thresholds: Thresholds,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Where the transaction stands.
    pub status: TransactionStatus,
    /// 0 to 100.
    pub score: u8,
    /// `None`: nothing matched.
    pub severity: Option<Severity>,
    /// Why; `None` where nothing stands against it.
    pub reason: Option<Reason>,
}

/// Why a transaction stands where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// For programs.
    pub code: String,
    /// For people.
    pub label: String,
}

impl Weighing<'_> {
    /// Weighs it: the most severe of what lists, rules, score and participants ask for.
    pub fn weigh(&self) -> Decided {
        let declines = self.matches.iter().any(|found| !found.held);
        let score = self.score(declines);
        let by_lists = match (declines, self.matches.is_empty()) {
            (true, _) => TransactionStatus::Declined,
            (false, false) => TransactionStatus::InReview,
            (false, true) => TransactionStatus::Approved,
        };
        let by_rules = self.rules.iter().filter_map(|rule| rule.status);
        let by_participants = if self.flagged { TransactionStatus::InReview } else { TransactionStatus::Approved };
        let status = by_rules.fold(by_lists.max(self.by_score(score)).max(by_participants), TransactionStatus::max);
        let severity = match (declines, self.matches.is_empty() && self.rules.is_empty()) {
            (true, _) => Some(Severity::Critical),
            (false, false) => Some(Severity::of_score(score)),
            (false, true) => None,
        };
        Decided { status, score, severity, reason: self.reason(status, score) }
    }

    fn score(&self, declines: bool) -> u8 {
        if declines {
            return 100; // Whatever rules take away.
        }
        let total = self.rules.iter().fold(0, |total: i64, rule| total.saturating_add(rule.score));
        total.clamp(0, 100) as u8 // Fits.
    }

    fn by_score(&self, score: u8) -> TransactionStatus {
        match score {
            score if score >= self.thresholds.decline => TransactionStatus::Declined,
            score if score >= self.thresholds.review => TransactionStatus::InReview,
            _ => TransactionStatus::Approved,
        }
    }

    fn reason(&self, status: TransactionStatus, score: u8) -> Option<Reason> {
        let named = |(code, label): (&str, &str)| Reason { code: code.to_owned(), label: label.to_owned() };
        let of_lists = self.matches.iter().find(|found| !found.held).or(self.matches.first());
        if let Some(reason) = of_lists.and_then(|found| reason_of(found.entry_type)) {
            return Some(named(reason));
        }
        if status == TransactionStatus::Approved {
            return None;
        }
        let asked = self.rules.iter().find(|rule| rule.status == Some(status));
        let scored = || self.rules.iter().find(|rule| rule.score > 0 && self.by_score(score) == status);
        match asked.or_else(scored) {
            Some(rule) => Some(named(("RULE_MATCHED", &rule.title))),
            None => self.flagged.then(|| named(("PARTICIPANT_FLAGGED", "Participant flagged"))),
        }
    }
}
