//! Rules as answered, and which of them in which order.

use std::cmp::{Ordering, Reverse};

use gavel_core::{
    ids::RuleId,
    time::Timestamp,
    transaction::{Severity, rule::Mode},
};
use serde::Serialize;
use serde_json::Value as Json;

use crate::store::{
    db::one_sigma,
    transaction_rules::{Counts, Rule},
};

/// A rule as answered.
#[derive(Debug, Serialize)]
pub struct RuleView {
    uuid: RuleId,
    title: String,
    description: Option<String>,
    category: String,
    mode: &'static str,
    evaluation_mode: &'static str,
    scope: Json,
    conditions: Json,
    aggregation: Json,
    actions: Json,
    metadata: Json,
    severity: Option<Severity>,
    source: &'static str,
    library_key: Option<String>,
    latest_triggered_at: Option<Timestamp>,
    run_count: u64,
    approved_count: u64,
    reviewed_count: u64,
    declined_count: u64,
    awaiting_user_count: u64,
    approved_pct: f64,
    reviewed_pct: f64,
    declined_pct: f64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Where a rule comes from.
const fn source_of(rule: &Rule) -> &'static str {
    if rule.library.is_some() { "PRESET" } else { "CUSTOM" }
}

/// Hundredths of a per cent of the transactions the rule matched.
fn share(part: u64, counts: &Counts) -> u64 {
    let matched = counts.approved + counts.reviewed + counts.declined + counts.awaiting_user;
    (part * 10_000 + matched / 2).checked_div(matched).unwrap_or(0)
}

fn percent(part: u64, counts: &Counts) -> f64 {
    share(part, counts) as f64 / 100.0
}

impl From<Rule> for RuleView {
    fn from(rule: Rule) -> Self {
        let (counts, source) = (rule.counts, source_of(&rule));
        let [scope, conditions, aggregation, actions] = rule.parts;
        Self {
            uuid: rule.id,
            title: rule.title,
            description: rule.description,
            category: rule.category,
            mode: rule.mode.as_str(),
            evaluation_mode: rule.evaluation_mode.mode(),
            scope,
            conditions,
            aggregation,
            actions,
            metadata: rule.metadata,
            severity: rule.severity,
            source,
            library_key: rule.library.map(|(key, _)| key),
            latest_triggered_at: counts.latest_triggered_at,
            run_count: counts.runs,
            approved_count: counts.approved,
            reviewed_count: counts.reviewed,
            declined_count: counts.declined,
            awaiting_user_count: counts.awaiting_user,
            approved_pct: percent(counts.approved, &counts),
            reviewed_pct: percent(counts.reviewed, &counts),
            declined_pct: percent(counts.declined, &counts),
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}

/// What rules can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// How often it ran.
    RunCount,
    /// Which part of its matches was approved.
    ApprovedPct,
    /// Which went to review.
    ReviewedPct,
    /// Which was declined.
    DeclinedPct,
    /// When it matched last; those that never did come last, both ways.
    LatestTriggeredAt,
    /// Its title.
    Title,
    /// When it was made.
    CreatedAt,
    /// Where it comes from.
    Source,
}

impl Order {
    /// The order of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "run_count" => Self::RunCount,
            "approved_pct" => Self::ApprovedPct,
            "reviewed_pct" => Self::ReviewedPct,
            "declined_pct" => Self::DeclinedPct,
            "latest_triggered_at" => Self::LatestTriggeredAt,
            "title" => Self::Title,
            "created_at" => Self::CreatedAt,
            "source" => Self::Source,
            _ => return None,
        })
    }

    fn compare(self, one: &Rule, other: &Rule, descending: bool) -> Ordering {
        let turned = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
        let (mine, theirs) = (&one.counts, &other.counts);
        match self {
            Self::RunCount => turned(mine.runs.cmp(&theirs.runs)),
            Self::ApprovedPct => turned(share(mine.approved, mine).cmp(&share(theirs.approved, theirs))),
            Self::ReviewedPct => turned(share(mine.reviewed, mine).cmp(&share(theirs.reviewed, theirs))),
            Self::DeclinedPct => turned(share(mine.declined, mine).cmp(&share(theirs.declined, theirs))),
            Self::LatestTriggeredAt => match (mine.latest_triggered_at, theirs.latest_triggered_at) {
                (Some(mine), Some(theirs)) => turned(mine.cmp(&theirs)),
                (mine, theirs) => mine.is_none().cmp(&theirs.is_none()),
            },
            Self::Title => turned(one.title.cmp(&other.title)),
            Self::CreatedAt => turned(one.position.cmp(&other.position)),
            Self::Source => turned(source_of(one).cmp(source_of(other))),
        }
    }
}

/// Which rules, in which order.
#[derive(Debug, Default)]
pub struct RuleFilter {
    /// Only those of the library, or only others.
    pub is_preset: Option<bool>,
    /// Only this category.
    pub category: Option<String>,
    /// Only this mode.
    pub mode: Option<Mode>,
    /// Only those that came with this bundle.
    pub bundle: Option<String>,
    /// In title or description, case ignored.
    pub search: Option<String>,
    /// Fields to order by, each descending or not; newest first in the end.
    pub ordering: Vec<(Order, bool)>,
}

impl RuleFilter {
    /// Those that pass, in order.
    pub(super) fn over(&self, mut rules: Vec<Rule>) -> Vec<Rule> {
        rules.retain(|rule| self.lets(rule));
        rules.sort_by_key(|rule| Reverse(rule.position));
        for (order, descending) in self.ordering.iter().rev() {
            rules.sort_by(|one, other| order.compare(one, other, *descending));
        }
        rules
    }

    fn lets(&self, rule: &Rule) -> bool {
        let is = |wanted: &Option<String>, found: Option<&String>| wanted.as_ref().is_none_or(|wanted| Some(wanted) == found);
        let says = |wanted: &String| {
            let folded = |text: &String| one_sigma(&text.to_lowercase());
            let (wanted, texts) = (folded(wanted), [Some(&rule.title), rule.description.as_ref()]);
            texts.into_iter().flatten().any(|text| folded(text).contains(&wanted))
        };
        self.is_preset.is_none_or(|preset| preset == rule.library.is_some())
            && is(&self.category, Some(&rule.category))
            && self.mode.is_none_or(|mode| mode == rule.mode)
            && is(&self.bundle, rule.library.as_ref().map(|(_, bundle)| bundle))
            && self.search.as_ref().is_none_or(says)
    }
}
