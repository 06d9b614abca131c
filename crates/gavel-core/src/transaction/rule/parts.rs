//! The parts of a rule as sent and as stored: one reader for both.

use serde_json::{Map, Value as Json, json};

use super::{
    ACTIONS, AGGREGATIONS, Action, Aggregation, CONDITIONS, Combine, Conditions, FILTER_VALUES, FILTERS, FieldKind, Filter,
    Metric, Scope, Tag, WINDOW_DAYS, aggregation::spelled, conditions::Placed, kind_of, read::Written,
};
use crate::{
    entry::country,
    json::{FieldError, FieldErrors, Fields, Value, read},
    rules::{Condition, Operator, PATTERNS, Refusal, number_of},
    transaction::{Category, Direction, TransactionStatus},
};

/// What stands in a filter for the value of the transaction that asks.
const CURRENT: &str = "__current__";
/// Operators by their spelling in rules of transactions.
const OPERATORS: [&str; 19] = [
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "not_in",
    "contains",
    "not_contains",
    "contains_any",
    "regex",
    "fuzzy_match",
    "exists",
    "is_not_empty",
    "is_not_null",
    "not_exists",
    "is_empty",
    "is_null",
];
/// Longest name of a type of actions, in characters.
const NAME: usize = 64;
/// Most names in one part of a scope.
const NAMES: usize = 100;
/// Longest text of a filter, in characters.
const TEXT: usize = 1_024;
/// Longest note, in characters.
const NOTE: usize = 2_000;
/// Longest name of a tag, in characters; of a colour half as many.
const TAG: usize = 64;
/// Most points one action adds or takes away.
const POINTS: i64 = 1_000;

/// Why an item of an array was not accepted: by its fields, or by a text that belongs to the array.
enum Bad {
    Fields(FieldErrors),
    Array(String),
}

impl From<FieldErrors> for Bad {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

/// Reads an array of objects, each with the JSON it is stored as. Texts that belong to the array come before those of fields.
fn items<T>(
    sent: &Value<'_>,
    most: usize,
    read_item: impl Fn(&Value<'_>) -> Result<(T, Json), Bad>,
) -> Result<Written<Vec<T>>, FieldError> {
    let sent = read::array(sent)?;
    if sent.len() > most {
        return Err(FieldError::too_many_elements(most));
    }
    let (mut good, mut json, mut bad, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for item in sent {
        let errors = match read_item(item) {
            Ok((item, written)) => {
                good.push(item);
                json.push(written);
                FieldErrors::default()
            }
            Err(Bad::Fields(errors)) => errors,
            Err(Bad::Array(text)) => {
                texts.push(text.into());
                FieldErrors::default()
            }
        };
        bad.push(errors);
    }
    match (texts.is_empty(), bad.iter().all(FieldErrors::is_empty)) {
        (true, true) => Ok(Written { read: good, json: json.into() }),
        (false, _) => Err(FieldError::Texts(texts)),
        (true, false) => Err(FieldError::Items(bad)),
    }
}

fn unknown(field: &str) -> Bad {
    Bad::Array(format!("Unknown field '{field}'."))
}

/// Reads `scope`.
pub(super) fn read_scope(sent: &Value<'_>) -> Result<Written<Scope>, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let names = |sent: &Value<'_>| {
        let names = read::list_of(read::text(NAME))(sent)?;
        let many = || FieldError::too_many_elements(NAMES);
        if names.len() > NAMES { Err(many()) } else { Ok(names) }
    };
    let types = fields.optional("transaction_types", names);
    let exact = |name: &str| [Direction::Inbound, Direction::Outbound].into_iter().find(|known| known.as_str() == name);
    let directions = fields.optional("directions", read::list_of(read::choice_of(exact)));
    let action_types = fields.optional("action_types", names);
    let stored = |name: String| Category::from_name(&name).map_or(name, |category| category.as_str().to_owned());
    let scope = fields.finish(|| {
        let mut directions = directions?.unwrap_or_default();
        directions.dedup();
        directions.truncate(2);
        Some(Scope {
            transaction_types: types?.unwrap_or_default().into_iter().map(stored).collect(),
            directions,
            action_types: action_types?.unwrap_or_default(),
        })
    })?;
    Ok(Written { json: scope.to_json(), read: scope })
}

impl Scope {
    /// As stored and answered.
    pub(super) fn to_json(&self) -> Json {
        let directions: Vec<&str> = self.directions.iter().map(|direction| direction.as_str()).collect();
        json!({ "transaction_types": self.transaction_types, "directions": directions, "action_types": self.action_types })
    }
}

/// Reads `conditions`.
pub(super) fn read_conditions(sent: &Value<'_>) -> Result<Written<Conditions>, FieldError> {
    let read = items(sent, CONDITIONS, read_condition)?;
    let grouped = read.json.as_array().is_some_and(|all| all.iter().any(|condition| condition.get("group_index").is_some()));
    let across = read.read.first().filter(|_| grouped).map(|(_, across)| *across);
    let all: Vec<Placed> = read.read.into_iter().map(|(placed, _)| placed).collect();
    if all.iter().filter(|placed| placed.condition.is_pattern()).count() > PATTERNS {
        return Err(FieldError::too_many_patterns(PATTERNS));
    }
    Ok(Written { read: Conditions { all, groups: across }, json: read.json })
}

fn read_condition(sent: &Value<'_>) -> Result<((Placed, Combine), Json), Bad> {
    let mut fields = Fields::of(sent)?;
    let text = |name: &str| fields.sent(name).and_then(Value::as_text);
    let (field, operator, kind) = (text("field"), text("operator"), text("value_type"));
    let other = if kind == Some("field") { text("value") } else { None };
    if let Some(field) = [field, other].into_iter().flatten().find(|field| !field.is_empty() && kind_of(field).is_none()) {
        return Err(unknown(field));
    }
    let known = operator.and_then(Operator::from_name);
    let presence = matches!(known, Some(Operator::IsEmpty | Operator::IsNotEmpty));
    let value = fields.sent("value").filter(|_| !presence).map_or(Json::Null, Json::from);
    let named = operator.map(str::to_owned);
    // Spellings that other conditions know, but not these.
    for (name, refused) in [
        ("operator", known.is_some() && operator.is_some_and(|operator| !OPERATORS.contains(&operator))),
        ("value_type", kind == Some("literal")),
    ] {
        if let (true, Some(sent)) = (refused, fields.sent(name)) {
            fields.add_error(name, FieldError::not_a_choice(sent));
        }
    }
    let index = fields.optional("group_index", read::integer(0, 1_000));
    let inside = fields.optional("group_logic", read::choice_of(Combine::from_logic));
    let across = fields.optional("groups_logic", read::choice_of(Combine::from_logic));
    let kind = kind.map(str::to_owned);
    let own = fields.finish(|| Some((index?, inside?.unwrap_or(Combine::All), across?.unwrap_or(Combine::Any))));
    let condition = Condition::read(&Value::from(&in_one_spelling(sent, field)), &|_| true);
    let (condition, (index, inside, across)) = match (condition, own) {
        (Ok(condition), Ok(own)) => (condition, own),
        (Err(Refusal::List(text)), _) => return Err(Bad::Array(text)),
        (Err(Refusal::Fields(errors)), Ok(_)) | (Ok(_), Err(errors)) => return Err(errors.into()),
        (Err(Refusal::Fields(mut errors)), Err(own)) => {
            errors.append(own);
            return Err(errors.into());
        }
    };
    let mut json = json!({
        "field": condition.field, "operator": named, "value": value, "group_logic": logic(inside), "groups_logic": logic(across),
    });
    let sent_too = [("value_type", kind.map(Json::from)), ("group_index", index.map(Json::from))];
    for (name, value) in sent_too.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        json[name] = value;
    }
    if let Some(score) = sent.as_object().and_then(|members| members.get("score")).filter(|score| **score != Value::Null) {
        json["score"] = number_of(&Json::from(score)).map_or(Json::Null, |_| plain_number(score));
    }
    Ok(((Placed { condition, group: index.unwrap_or(0), inside }, across), json))
}

const fn logic(combine: Combine) -> &'static str {
    match combine {
        Combine::All => "AND",
        Combine::Any => "OR",
    }
}

/// A number, also where it was sent as a text.
fn plain_number(sent: &Value<'_>) -> Json {
    match Json::from(sent) {
        Json::String(text) => text.parse().map_or(Json::String(text), Json::Number),
        other => other,
    }
}

/// The condition with countries as alpha-3, where it compares a country with what is written into it.
fn in_one_spelling(sent: &Value<'_>, field: Option<&str>) -> Json {
    let mut json = Json::from(sent);
    let spells =
        matches!(json["operator"].as_str(), Some("eq" | "ne" | "in" | "not_in" | "contains" | "not_contains" | "contains_any"));
    if spells
        && json["value_type"].is_null()
        && field.and_then(kind_of) == Some(FieldKind::Country)
        && json.get("value").is_some()
    {
        let spell = |value: &mut Json| {
            if let Some(code) = value.as_str().and_then(|text| country::alpha3(text.trim())) {
                *value = code.into();
            }
        };
        match &mut json["value"] {
            Json::Array(values) => values.iter_mut().for_each(spell),
            value => spell(value),
        }
    }
    json
}

/// Reads `aggregation`.
pub(super) fn read_aggregations(sent: &Value<'_>) -> Result<Written<Vec<Aggregation>>, FieldError> {
    items(sent, AGGREGATIONS, read_aggregation)
}

fn read_aggregation(sent: &Value<'_>) -> Result<(Aggregation, Json), Bad> {
    let mut fields = Fields::of(sent)?;
    let filtered = fields.sent("filters").and_then(Value::as_object);
    let named = filtered.into_iter().flat_map(|members| members.iter().map(|(name, _)| name));
    let field = fields.sent("field").and_then(Value::as_text).filter(|field| !field.is_empty());
    for field in field.into_iter().chain(named) {
        match kind_of(field) {
            None => return Err(unknown(field)),
            Some(FieldKind::Moving) => return Err(Bad::Array(format!("Field '{field}' cannot be used in an aggregation."))),
            Some(FieldKind::Text | FieldKind::Country | FieldKind::Number | FieldKind::Free) => {}
        }
    }
    let metric = fields.optional("metric", read::choice_of(Metric::from_name));
    let field = fields.optional("field", read::filled(read::text(255)));
    let operators = read::choice(&["eq", "ne", "gt", "gte", "lt", "lte"]);
    let operator = fields.optional("operator", operators);
    let value = fields.required("value", |sent| number_of(&Json::from(sent)).ok_or_else(FieldError::not_a_number));
    let window = fields.optional("window", read_window);
    let filters = fields.optional("filters", read::nested(read_filters));
    let (written_value, written_filters) = (fields.sent("value").map(plain_number), filtered_json(&fields));
    let aggregation = fields.finish(|| {
        let (seconds, window) = window?.unwrap_or((86_400, "1d".to_owned()));
        Some(Aggregation {
            metric: metric?.unwrap_or(Metric::Count),
            field: field?.unwrap_or_else(|| "amount".to_owned()),
            operator: Operator::from_name(operator?.unwrap_or("eq"))?,
            value: value?,
            seconds,
            window,
            filters: filters?.unwrap_or_default(),
        })
    })?;
    let json = json!({
        "metric": aggregation.metric.as_str(), "field": aggregation.field, "operator": aggregation.operator.spellings()[1],
        "value": written_value, "window": aggregation.window, "filters": written_filters,
    });
    Ok((aggregation, json))
}

fn filtered_json(fields: &Fields<'_, '_>) -> Json {
    match fields.sent("filters").map(Json::from) {
        Some(Json::Object(members)) => Json::Object(members),
        _ => Json::Object(Map::new()),
    }
}

fn read_window(sent: &Value<'_>) -> Result<(i64, String), FieldError> {
    let text = read::text(usize::MAX)(sent)?;
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => 0,
    };
    let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    if unit == 0 || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FieldError::text("This value does not match the required pattern."));
    }
    let seconds = digits.parse::<i64>().ok().and_then(|amount| amount.checked_mul(unit));
    match seconds.filter(|seconds| *seconds <= WINDOW_DAYS * 86_400) {
        Some(seconds) => Ok((seconds, text)),
        None => Err(FieldError::text(format!("Ensure this window is not longer than {WINDOW_DAYS} days."))),
    }
}

fn read_filters(sent: &Value<'_>) -> Result<Vec<Filter>, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let names: Vec<String> = fields.members().iter().map(|(name, _)| name.to_owned()).collect();
    if names.len() > FILTERS {
        return Err(FieldErrors::of_no_field(format!("Ensure this field has no more than {FILTERS} elements.")));
    }
    let mut read = Vec::new();
    for name in names {
        let values = fields.required(name.clone(), |sent| read_filter(&name, sent));
        read.push(values.map(|values| Filter { field: name, values }));
    }
    fields.finish(|| read.into_iter().collect())
}

fn read_filter(field: &str, sent: &Value<'_>) -> Result<Option<Vec<String>>, FieldError> {
    let one = |sent: &Value<'_>| match sent {
        Value::Bool(_) => Ok(Json::from(sent)),
        other => read::text(TEXT)(other).map(|_| Json::from(other)),
    };
    let spell = |value: Json| spelled(field, &value).ok_or_else(FieldError::not_a_string);
    match sent {
        Value::Text(text) if text == CURRENT => Ok(None),
        Value::Array(values) if values.len() > FILTER_VALUES => Err(FieldError::too_many_elements(FILTER_VALUES)),
        Value::Array(values) if values.iter().any(|value| value.as_text() == Some(CURRENT)) => {
            Err(FieldError::text(format!("'{CURRENT}' cannot stand in a list.")))
        }
        Value::Array(_) => {
            let values = read::not_empty(read::list_of(one))(sent)?;
            values.into_iter().map(spell).collect::<Result<_, _>>().map(Some)
        }
        other => Ok(Some(vec![spell(one(other)?)?])),
    }
}

/// Reads `actions`.
pub(super) fn read_actions(sent: &Value<'_>) -> Result<Written<Vec<Action>>, FieldError> {
    items(sent, ACTIONS, |sent| Ok(read_action(sent)?))
}

fn read_action(sent: &Value<'_>) -> Result<(Action, Json), FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let known = ["add_score", "change_status", "add_tags", "add_note", "add_to_list", "open_case"];
    let Some(kind) = fields.required("type", read::choice(&known)) else { return fields.finish(|| None) };
    let action = match kind {
        "add_score" => fields.required("value", read::integer(-POINTS, POINTS)).map(Action::AddScore),
        "change_status" => {
            let status = fields.required("value", read::choice_of(TransactionStatus::from_name));
            let workflow = fields.optional("workflow_id", read::uuid);
            status.zip(workflow).map(|(status, workflow)| Action::ChangeStatus(status, workflow))
        }
        "add_tags" => read_tag(&mut fields).map(Action::AddTag),
        "add_note" => fields.required("note", read::filled(read::text(NOTE))).map(Action::AddNote),
        "add_to_list" => fields.required("list_id", read::uuid).map(Action::AddToList),
        _ => {
            let blueprint = fields.optional("blueprint", read::uuid::<uuid::Uuid>);
            let grouping = fields.optional("grouping", read::choice(&["by_applicant", "by_rule_and_applicant"]));
            let attach = fields.optional("attach_matched_transaction", read::boolean);
            blueprint.and(grouping).and(attach).map(|_| Action::OpenCase)
        }
    };
    let json = written_action(kind, action.as_ref(), sent);
    fields.finish(|| Some((action?, json)))
}

fn read_tag(fields: &mut Fields<'_, '_>) -> Option<Tag> {
    let id = fields.optional("tag_uuid", read::uuid);
    let name = fields.optional("tag_name", read::filled(read::text(TAG)));
    let color = fields.optional("tag_color", read::text(TAG / 2));
    if (id, name.as_ref()) == (Some(None), Some(&None)) {
        fields.add_error("tag_name", FieldError::required());
    }
    Some(Tag { id: id?, name: name?, color: color? })
}

/// The members of an action that count, as they are read.
fn written_action(kind: &str, action: Option<&Action>, sent: &Value<'_>) -> Json {
    let mut json = json!({ "type": kind });
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            json[name] = value;
        }
    };
    match action {
        Some(Action::AddScore(points)) => put("value", Some((*points).into())),
        Some(Action::ChangeStatus(status, workflow)) => {
            put("value", Some(status.as_str().into()));
            put("workflow_id", workflow.map(|id| id.to_string().into()));
        }
        Some(Action::AddTag(tag)) => {
            put("tag_uuid", tag.id.map(|id| id.to_string().into()));
            put("tag_name", tag.name.clone().map(Json::from));
            put("tag_color", tag.color.clone().map(Json::from));
        }
        Some(Action::AddNote(note)) => put("note", Some(note.clone().into())),
        Some(Action::AddToList(list)) => put("list_id", Some(list.to_string().into())),
        Some(Action::OpenCase) => {
            let members = sent.as_object();
            for name in ["blueprint", "grouping", "attach_matched_transaction"] {
                let value = members.and_then(|members| members.get(name)).filter(|value| **value != Value::Null);
                put(name, value.map(Json::from));
            }
        }
        None => {}
    }
    json
}
