//! Conditions of a rule, in groups or not.

use serde_json::Value as Json;

use super::Combine;
use crate::{
    ids::ListId,
    rules::{Condition, Operand, Setting, Verdict},
};

/// The conditions of a rule.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    pub(super) all: Vec<Placed>,
    /// How the groups are put together; `None`: there are no groups.
    pub(super) groups: Option<Combine>,
}

/// A condition and its group.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) condition: Condition,
    pub(super) group: i64,
    /// How the conditions of the group are put together; that of its first condition counts.
    pub(super) inside: Combine,
}

impl Conditions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Asks every one of them.
    pub(super) fn ask(&self, setting: &Setting<'_>) -> Vec<Verdict> {
        self.all.iter().map(|placed| placed.condition.evaluate(setting)).collect()
    }

    /// What counts beside the aggregations: each condition, or all groups as one.
    pub(super) fn answers(&self, verdicts: &[Verdict]) -> Vec<bool> {
        let Some(across) = self.groups else { return verdicts.iter().map(|verdict| verdict.holds).collect() };
        let mut groups: Vec<(i64, Combine, Vec<bool>)> = Vec::new();
        for (placed, verdict) in self.all.iter().zip(verdicts) {
            match groups.iter_mut().find(|(group, ..)| *group == placed.group) {
                Some((_, _, answers)) => answers.push(verdict.holds),
                None => groups.push((placed.group, placed.inside, vec![verdict.holds])),
            }
        }
        let of_groups: Vec<bool> = groups.iter().map(|(_, inside, answers)| inside.of(answers)).collect();
        vec![across.of(&of_groups)]
    }

    pub(super) fn explain(&self, verdicts: &[Verdict]) -> Vec<Json> {
        self.all.iter().zip(verdicts).map(|(placed, verdict)| placed.condition.explain(verdict)).collect()
    }

    /// Whether one of them looks at this field.
    pub fn look_at(&self, field: &str) -> bool {
        let is_other = |operand: &Operand| matches!(operand, Operand::Field(other) if other == field);
        self.all.iter().any(|placed| placed.condition.field == field || is_other(&placed.condition.operand))
    }

    /// The lists they name.
    pub fn lists(&self) -> impl Iterator<Item = ListId> {
        self.all.iter().filter_map(|placed| placed.condition.list())
    }
}
