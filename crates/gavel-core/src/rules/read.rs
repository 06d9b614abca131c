//! Conditions as sent and as stored: the same form, read by the same reader.

use regex::{Regex, RegexBuilder};

use super::{Condition, DAYS, Operand, Operator, PATTERN, RelativeDate, compare::Comparable, condition::Literal};
use crate::json::{FieldError, FieldErrors, Fields, Value, read};

/// Longest path of a field, in characters.
const FIELD: usize = 255;
/// Longest value written into a condition, in characters.
const TEXT: usize = 1_024;
/// Most values written into a condition.
const VALUES: usize = 1_000;
/// Most bytes of a compiled pattern: a step per character takes time in proportion.
const COMPILED: usize = 128 << 10;
/// Most bytes of the cache a pattern is matched with.
const CACHE: usize = 256 << 10;

/// Why a condition was not accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// These of its fields are wrong.
    Fields(FieldErrors),
    /// A list cannot be asked so; the text is the contract's and belongs to the container of the condition.
    List(String),
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

impl Condition {
    /// Reads `{field, operator, value, value_type, score}`; other members are passed over. `known` says which fields there are.
    pub fn read(sent: &Value<'_>, known: &dyn Fn(&str) -> bool) -> Result<Self, Refusal> {
        let mut fields = Fields::of(sent)?;
        let path = |sent: &Value<'_>| read_field(sent, known);
        let field = fields.required("field", path);
        let named = fields.required("operator", read::text(50));
        let operator = named.as_deref().and_then(Operator::from_name);
        if let (Some(_), None, Some(sent)) = (&named, operator, fields.sent("operator")) {
            fields.add_error("operator", FieldError::not_a_choice(sent));
        }
        let kind = fields.optional("value_type", read::choice(&["literal", "field", "list", "relative_date"]));
        let kind = kind.map(|kind| kind.unwrap_or("literal"));
        if let (Some(operator), Some("list"), Some(named)) = (operator, kind, &named)
            && operator.of_list().is_none()
        {
            return Err(Refusal::List(format!("Operator '{named}' cannot be used with a list.")));
        }
        let operand = match (operator, kind) {
            (Some(operator), Some(kind)) => read_operand(&mut fields, operator, kind, known),
            _ => None,
        };
        let score = fields.optional("score", read::number_in(0.0, 100.0));
        if operator == Some(Operator::FuzzyMatch) && score == Some(None) {
            fields.add_error("score", FieldError::required());
        }
        let condition = fields
            .finish(|| Some(Self { field: field?, operator: operator?, operand: operand?, score: score?.unwrap_or_default() }))?;
        Ok(condition)
    }
}

fn read_field(sent: &Value<'_>, known: &dyn Fn(&str) -> bool) -> Result<String, FieldError> {
    let path = read::filled(read::text(FIELD))(sent)?;
    if known(&path) { Ok(path) } else { Err(FieldError::text(format!("Unknown field '{path}'."))) }
}

fn read_operand(fields: &mut Fields<'_, '_>, operator: Operator, kind: &str, known: &dyn Fn(&str) -> bool) -> Option<Operand> {
    if operator.asks_presence() {
        return Some(Operand::Nothing);
    }
    match kind {
        "field" if operator == Operator::Regex => {
            fields.add_error("value_type", FieldError::text("A pattern must be a literal."));
            None
        }
        "field" => fields.required("value", |sent| read_field(sent, known)).map(Operand::Field),
        "list" => fields.required("value", read::uuid).map(Operand::List),
        "relative_date" if operator.is_comparison() => {
            fields.required("value", read::nested(read_date)).map(Operand::RelativeDate)
        }
        "relative_date" => {
            let text = format!("Operator '{}' cannot be used with a relative date.", operator.as_str());
            fields.add_error("value_type", FieldError::text(text));
            None
        }
        _ if operator == Operator::Regex => fields.required("value", read_pattern).map(Operand::Pattern),
        _ => fields.required("value", |sent| read_literal(sent, operator)).map(Operand::Literal),
    }
}

fn read_literal(sent: &Value<'_>, operator: Operator) -> Result<Literal, FieldError> {
    let values = match sent {
        Value::Array(values) if operator.takes_several() => {
            if values.len() > VALUES {
                return Err(FieldError::too_many_elements(VALUES));
            }
            read::not_empty(read::list_of(read_scalar))(sent)?
        }
        one => vec![read_scalar(one)?],
    };
    let is_part = matches!(operator, Operator::Contains | Operator::NotContains | Operator::ContainsAny);
    if is_part && values.iter().any(|value| value.text.is_empty()) {
        return Err(FieldError::blank()); // Every text contains it.
    }
    Ok(Literal(values))
}

fn read_scalar(sent: &Value<'_>) -> Result<Comparable<'static>, FieldError> {
    let text = match sent {
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        other => read::text(TEXT)(other)?,
    };
    Ok(Comparable::of_text(text.into()).into_owned())
}

fn read_pattern(sent: &Value<'_>) -> Result<Regex, FieldError> {
    let text = read::text(PATTERN)(sent)?;
    let built = RegexBuilder::new(&text).size_limit(COMPILED).dfa_size_limit(CACHE).build();
    built.map_err(|_| FieldError::text("Enter a valid regular expression."))
}

fn read_date(sent: &Value<'_>) -> Result<RelativeDate, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let sign = fields.required(
        "direction",
        read::choice_of(|name| match name {
            "past" => Some(-1),
            "future" => Some(1),
            _ => None,
        }),
    );
    let unit = fields.required(
        "unit",
        read::choice_of(|name| match name {
            "minutes" => Some(60),
            "hours" => Some(3_600),
            "days" => Some(86_400),
            _ => None,
        }),
    );
    let most = i64::try_from(DAYS * 86_400).unwrap_or(i64::MAX);
    let amount = fields.required("amount", read::integer(0, unit.map_or(most, |unit: i64| most / unit)));
    fields.finish(|| Some(RelativeDate { seconds: sign? * unit? * amount? }))
}
