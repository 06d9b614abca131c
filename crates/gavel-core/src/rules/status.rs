//! Status rules: what a feature's configuration makes of conditions (entities.md §5.3, sessions.md §6.4).

use std::collections::BTreeSet;

use super::{Condition, Facts, Operand, PATTERNS, Refusal, Setting};
use crate::{
    ids::ListId,
    json::{FieldError, FieldErrors, Fields, Value, read},
    session::FeatureStatus,
};

/// Most rules of one feature.
pub const RULES: usize = 100;

/// The rules of one feature, in order.
#[derive(Debug, Clone, Default)]
pub struct StatusRules(Vec<StatusRule>);

/// A condition and what it makes of the feature; `None`: nothing.
#[derive(Debug, Clone)]
struct StatusRule {
    condition: Condition,
    status: Option<FeatureStatus>,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ruling {
    /// The status of the first rule that matched and has one.
    pub status: Option<FeatureStatus>,
    /// That rule's place, and an explanation of its condition.
    pub by: Option<(usize, serde_json::Value)>,
}

impl StatusRules {
    /// Reads an array of `{field, operator, value, value_type, score, status}`.
    pub fn read(sent: &Value<'_>, known: &dyn Fn(&str) -> bool) -> Result<Self, Refusal> {
        let of_no_field = |error| Refusal::Fields(FieldErrors::default().with("status_rules", error));
        let sent = read::array(sent).map_err(of_no_field)?;
        if sent.len() > RULES {
            return Err(of_no_field(FieldError::too_many_elements(RULES)));
        }
        let rules = sent.iter().map(|rule| StatusRule::read(rule, known)).collect::<Result<_, _>>().map(Self)?;
        match rules.patterns() <= PATTERNS {
            true => Ok(rules),
            false => Err(of_no_field(FieldError::too_many_patterns(PATTERNS))),
        }
    }

    /// How many patterns they ask.
    pub fn patterns(&self) -> usize {
        self.0.iter().filter(|rule| rule.condition.is_pattern()).count()
    }

    /// Reads what was stored in a configuration; no rules when there are none.
    pub fn stored(rules: Option<&serde_json::Value>) -> Result<Self, Refusal> {
        rules.map_or(Ok(Self::default()), |rules| Self::read(&Value::from(rules), &|_| true))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The status of the first rule that matches and whose status is not `No Action`. Where it declines by an entry that
    /// the flood guard holds, a person is to look instead.
    pub fn decide(&self, setting: &Setting<'_>) -> Ruling {
        for (place, rule) in self.0.iter().enumerate() {
            let Some(status) = rule.status else { continue };
            let verdict = rule.condition.evaluate(setting);
            if verdict.holds {
                let by = Some((place, rule.condition.explain(&verdict)));
                let status = match status {
                    FeatureStatus::Declined if verdict.held => FeatureStatus::InReview,
                    status => status,
                };
                return Ruling { status: Some(status), by };
            }
        }
        Ruling::default()
    }

    /// Every field the rules look at, each once.
    pub fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = Vec::new();
        for condition in self.deciding() {
            let other = match &condition.operand {
                Operand::Field(other) => Some(other.as_str()),
                Operand::Nothing | Operand::Literal(_) | Operand::Pattern(_) | Operand::List(_) | Operand::RelativeDate(_) => {
                    None
                }
            };
            for field in [Some(condition.field.as_str()), other].into_iter().flatten() {
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
        }
        fields
    }

    /// The lists the rules name, each once.
    pub fn lists(&self) -> Vec<ListId> {
        let mut lists = Vec::new();
        for condition in self.deciding() {
            if let Operand::List(list) = condition.operand
                && !lists.contains(&list)
            {
                lists.push(list);
            }
        }
        lists
    }

    /// Which list will be asked about which value, each question once.
    pub fn questions(&self, facts: &Facts) -> Vec<(ListId, String)> {
        let asked = self.deciding().filter_map(|condition| condition.asks_of_list(facts));
        let questions: BTreeSet<(ListId, String)> =
            asked.flat_map(|(list, texts)| texts.into_iter().map(move |text| (list, text))).collect();
        questions.into_iter().collect()
    }

    fn deciding(&self) -> impl Iterator<Item = &Condition> {
        self.0.iter().filter(|rule| rule.status.is_some()).map(|rule| &rule.condition)
    }
}

impl StatusRule {
    fn read(sent: &Value<'_>, known: &dyn Fn(&str) -> bool) -> Result<Self, Refusal> {
        let mut fields = Fields::of(sent)?;
        let status = fields.required(
            "status",
            read::choice_of(|name| match name {
                "Approved" => Some(Some(FeatureStatus::Approved)),
                "Declined" => Some(Some(FeatureStatus::Declined)),
                "In Review" => Some(Some(FeatureStatus::InReview)),
                "No Action" => Some(None),
                _ => None,
            }),
        );
        let condition = Condition::read(sent, known)?;
        Ok(fields.finish(|| Some(Self { condition, status: status? }))?)
    }
}
