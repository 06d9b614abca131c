//! Readers for the values of items that the general readers do not cover.
//!
//! Each takes one value that is not null and gives what is stored, or the text of its mistake.

use serde_json::{Map, Number, Value};

use super::{
    Feature, MediaField, MediaRef, document_type,
    item::{MEDIA_PREFIX, placeholder},
};
use crate::{
    json::{FieldError, Members, Value as Sent, read},
    session::FeatureStatus,
};

/// The most elements of an array inside an item.
pub const ELEMENT_LIMIT: usize = 1_000;
/// The most numbers of a face's template.
pub const VECTOR_LIMIT: usize = 4_096;

const FREE_BYTES: usize = 16_384;

pub(super) fn elements<'v, 'a>(sent: &'v Sent<'a>) -> Result<&'v [Sent<'a>], FieldError> {
    let elements = read::array(sent)?;
    if elements.len() > ELEMENT_LIMIT { Err(FieldError::too_many_elements(ELEMENT_LIMIT)) } else { Ok(elements) }
}

/// An object of any members, small enough to be kept.
pub(super) fn small_object<'v, 'a>(sent: &'v Sent<'a>) -> Result<&'v Members<'a>, FieldError> {
    read::json_object_max_bytes(FREE_BYTES)(sent)?;
    read::object(sent)
}

pub(super) fn free(sent: &Sent<'_>) -> Result<Map<String, Value>, FieldError> {
    let members = small_object(sent)?;
    Ok(members.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect())
}

pub(super) fn text(limit: usize) -> impl Fn(&Sent<'_>) -> Result<Value, FieldError> {
    move |sent| read::text(limit)(sent).map(Value::String)
}

pub(super) fn choice(values: &'static [&'static str]) -> impl Fn(&Sent<'_>) -> Result<Value, FieldError> {
    move |sent| read::choice(values)(sent).map(Value::from)
}

/// A number in the sender's spelling, so that `4.50` stays `4.50`; a numeric text becomes the number it spells.
pub(super) fn number(sent: &Sent<'_>) -> Result<Value, FieldError> {
    let value = read::number(sent)?;
    let spelled = match sent {
        Sent::Number(text) => text.parse().ok(),
        Sent::Text(text) => text.parse().ok().or_else(|| Number::from_f64(value)),
        Sent::Null | Sent::Bool(_) | Sent::Array(_) | Sent::Object(_) => None,
    };
    spelled.map(Value::Number).ok_or_else(FieldError::not_a_number)
}

/// The display name of a document type; the codes of the session list mean the same, and what has no name is `Other`.
pub(super) fn document_name(sent: &Sent<'_>) -> Result<Value, FieldError> {
    let code = read::choice_of(|text| if text == "Other" { Some("OTHER") } else { document_type::code_of_text(text) })(sent)?;
    Ok(Value::from(document_type::name_of(code)))
}

/// A status this feature can have.
pub(super) fn status(feature: Feature) -> impl Fn(&Sent<'_>) -> Result<FeatureStatus, FieldError> {
    read::choice_of(move |name| {
        FeatureStatus::from_name(name).filter(|status| *status != FeatureStatus::Expired || feature.may_expire())
    })
}

/// A picture, video or file: `media:<uuid>` or an https address.
pub(super) fn medium(sent: &Sent<'_>) -> Result<MediaRef, FieldError> {
    if let Some(id) = sent.as_text().and_then(|text| text.strip_prefix(MEDIA_PREFIX)) {
        return id.parse().map(MediaRef::Stored).map_err(|_| FieldError::not_a_uuid());
    }
    let text = read::url(read::URL_LIMIT)(sent)?;
    let url = url::Url::parse(&text).map_err(|_| FieldError::not_a_url())?;
    // A picture that anybody on the way could have swapped is no evidence.
    if url.scheme() == "https" { Ok(MediaRef::Link(url)) } else { Err(FieldError::not_a_url()) }
}

/// What stands in the data for a medium: its placeholder, or null until its content was fetched and stored.
pub(super) fn medium_value(field: &MediaField) -> Value {
    match field.sent {
        MediaRef::Stored(id) => Value::String(placeholder(id)),
        MediaRef::Link(_) => Value::Null,
    }
}

/// A template that can be compared: finite numbers, not all zero.
pub(super) fn vector(sent: &Sent<'_>) -> Result<Vec<f32>, FieldError> {
    match read::array(sent)? {
        [] => return Err(FieldError::empty_list()),
        numbers if numbers.len() > VECTOR_LIMIT => return Err(FieldError::too_many_elements(VECTOR_LIMIT)),
        _ => {}
    }
    let number = |sent| match read::number(sent)? as f32 {
        number if number.is_finite() => Ok(number),
        _ => Err(FieldError::not_a_number()),
    };
    let vector: Vec<f32> = read::array(sent)?.iter().map(number).collect::<Result<_, _>>()?;
    if vector.iter().all(|number| *number == 0.0) {
        return Err(FieldError::text("Ensure this vector is not zero."));
    }
    Ok(vector)
}
