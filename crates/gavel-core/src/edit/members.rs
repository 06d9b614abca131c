//! One member of a form: how it is read, put into the data of a record, and shown.

use serde_json::{Map, Value};

use crate::{
    entry::country,
    evidence::{
        Feature, complete, document_code, document_type,
        shape::{Field, Kind as ShapeKind, TEXT_LIMIT},
        shapes::shape_of,
    },
    json::{FieldError, FieldErrors, Value as Sent, read},
};

/// Largest object of extra fields, as compact JSON.
const EXTRA_BYTES: usize = 16_384;
/// The members of an address that may be edited.
const ADDRESS: [&str; 7] = ["address_type", "city", "region", "street_1", "street_2", "postal_code", "country"];
const FORMATTED: &str = "formatted_address";

/// A member that may be edited.
#[derive(Debug)]
pub(super) struct Member {
    pub name: &'static str,
    /// Whether null clears it; otherwise null is the same as nothing.
    pub nullable: bool,
    pub kind: Kind,
}

/// What it holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A text of at most so many characters.
    Text(usize),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A code or a name of an identity document; answers show the code.
    DocumentType,
    /// An alpha-3 code.
    Country,
    /// A calendar day.
    Date,
    /// Any members, merged one by one; one of them may have to be a list.
    Extra { list: Option<&'static str> },
    /// Parts of an address, merged one by one. Where the whole of it stands, when not inside.
    Address { formatted: Option<&'static str> },
}

/// What is to happen to a member.
#[derive(Debug, Clone)]
pub(super) enum Set {
    /// This value takes its place.
    To(Value),
    /// These members of it take their places.
    Merge(Map<String, Value>),
}

impl Member {
    /// Reads a value that is not null.
    pub(super) fn read(&self, sent: &Sent<'_>) -> Result<Set, FieldError> {
        let value = match self.kind {
            Kind::Text(limit) => Value::String(read::text(limit)(sent)?),
            Kind::Choice(values) => read::choice(values)(sent)?.into(),
            Kind::DocumentType => read::choice_of(document_type::code_of_text)(sent)?.into(),
            Kind::Country => read::country3(self.name)(sent)?.into(),
            Kind::Date => read::day(sent)?.to_string().into(),
            Kind::Extra { list } => return extra(sent, list).map(Set::Merge),
            Kind::Address { .. } => return address(sent).map(Set::Merge),
        };
        Ok(Set::To(value))
    }

    /// Puts it into the data of a record.
    pub(super) fn set(&self, data: &mut Map<String, Value>, set: &Set, feature: Feature) -> Result<(), FieldErrors> {
        let value = match (self.kind, set) {
            (Kind::DocumentType, Set::To(code)) => {
                document_type::set(data, code.as_str().and_then(document_type::code_of_text));
                return Ok(());
            }
            (_, Set::To(value)) => value.clone(),
            // Nothing put into nothing is nothing.
            (_, Set::Merge(sent)) if data.get(self.name).is_none_or(Value::is_null) && sent.values().all(Value::is_null) => {
                return Ok(());
            }
            (kind, Set::Merge(sent)) => {
                let mut members = data.get(self.name).and_then(Value::as_object).cloned().unwrap_or_default();
                for (name, value) in sent {
                    match value {
                        Value::Null if matches!(kind, Kind::Extra { .. }) => members.shift_remove(name),
                        value => members.insert(name.clone(), value.clone()),
                    };
                }
                if let Some(fields) = laid_down(feature, self.name) {
                    complete(fields, &mut members);
                }
                let members = Value::Object(members);
                if matches!(kind, Kind::Extra { .. }) && members.to_string().len() > EXTRA_BYTES {
                    return Err(FieldErrors::default().with(self.name, FieldError::too_many_bytes(EXTRA_BYTES)));
                }
                members
            }
        };
        data.insert(self.name.to_owned(), value);
        Ok(())
    }

    /// Its value as an edit may set it; null when unknown.
    pub(super) fn shown(&self, data: &Map<String, Value>) -> Value {
        let value = || data.get(self.name).cloned().unwrap_or_default();
        match self.kind {
            Kind::DocumentType => document_code(data).into(),
            Kind::Address { .. } => match value() {
                Value::Object(members) => {
                    ADDRESS.iter().map(|name| ((*name).to_owned(), members.get(*name).cloned().unwrap_or_default())).collect()
                }
                _ => Value::Null,
            },
            Kind::Text(_) | Kind::Choice(_) | Kind::Country | Kind::Date | Kind::Extra { .. } => value(),
        }
    }

    /// Its value as the call answers it: an address also as a whole.
    pub(super) fn answered(&self, data: &Map<String, Value>) -> Value {
        let mut shown = self.shown(data);
        if let (Kind::Address { formatted }, Value::Object(members)) = (self.kind, &mut shown) {
            let whole = match formatted {
                Some(beside) => data.get(beside),
                None => data.get(self.name).and_then(|address| address.get(FORMATTED)),
            };
            members.insert(FORMATTED.to_owned(), whole.cloned().unwrap_or_default());
        }
        shown
    }
}

/// The members an object always has, where its shape lays them down.
fn laid_down(feature: Feature, name: &str) -> Option<&'static [Field]> {
    shape_of(feature).iter().find(|field| field.name == name).and_then(|field| match field.kind {
        ShapeKind::Object(fields) => Some(fields),
        _ => None,
    })
}

fn extra(sent: &Sent<'_>, list: Option<&str>) -> Result<Map<String, Value>, FieldError> {
    let Some(members) = sent.as_object() else { return Err(FieldError::text("This field must be a JSON object.")) };
    read::json_object_max_bytes(EXTRA_BYTES)(sent)?;
    if let Some(name) = list
        && !matches!(members.get(name), None | Some(Sent::Null | Sent::Array(_)))
    {
        return Err(FieldError::Nested(FieldErrors::plain(name.to_owned(), "Must be a list or null.")));
    }
    Ok(members.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect())
}

fn address(sent: &Sent<'_>) -> Result<Map<String, Value>, FieldError> {
    let (mut good, mut bad) = (Map::new(), FieldErrors::default());
    for (name, value) in read::object(sent)?.iter() {
        match part(name, value) {
            Ok(value) => {
                good.insert(name.to_owned(), value);
            }
            Err(error) => bad.add(name.to_owned(), error),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(FieldError::Nested(bad)) }
}

fn part(name: &str, sent: &Sent<'_>) -> Result<Value, FieldError> {
    if !ADDRESS.contains(&name) {
        return Err(FieldError::Plain(format!("Unsupported key. Allowed keys: {}", ADDRESS.join(", ")).into()));
    }
    match sent {
        Sent::Null => Ok(Value::Null),
        sent if name == "country" => {
            let code = sent.as_text().filter(|code| country::is_alpha2_upper(code));
            code.map(Value::from).ok_or(FieldError::Plain("Invalid ISO 3166-1 alpha-2 country code.".into()))
        }
        sent => read::text(TEXT_LIMIT)(sent).map(Value::String),
    }
}
