//! What one member of an item says about another.
//!
//! After the shape has been read, the values that identify a person get their canonical form, and members that follow
//! from them are filled in: the parts of a phone number, the name of a country, a full name. What follows from a value
//! always wins over what was sent beside it; two members of one item must not contradict each other.
//!
//! Device fingerprints and document numbers are left as they are. One that no list could hold is still a fact about the
//! session; it is only no signal (see [`signals`](super::signals)).

use serde_json::{Map, Value};

use super::{Feature, Item, document_type};
use crate::{
    entry::{country, email::Email, ip_address, phone::Phone},
    json::{FieldError, Members, Value as Sent},
};

/// A member that is wrong, and why.
pub(super) type Wrong = (&'static str, FieldError);

/// Normalises an item whose members were read from `sent`. A member that could not be read was reported already.
pub(super) fn normalise(item: &mut Item, sent: &Members<'_>) -> Result<(), Wrong> {
    match item.feature {
        Feature::Ocr => {
            document(&mut item.data, sent);
            Ok(())
        }
        Feature::PhoneVerification => phone(item, sent),
        Feature::EmailVerification => email(item, sent),
        Feature::IpAnalysis => address(item),
        Feature::Nfc
        | Feature::Liveness
        | Feature::AgeEstimation
        | Feature::FaceSearch
        | Feature::FaceMatch
        | Feature::ProofOfAddress
        | Feature::Aml
        | Feature::DatabaseValidation
        | Feature::Questionnaire
        | Feature::DocumentAi
        | Feature::KybRegistry
        | Feature::KybDocuments
        | Feature::KybKeyPeople => Ok(()),
    }
}

fn phone(item: &mut Item, sent: &Members<'_>) -> Result<(), Wrong> {
    const FIELD: &str = "full_number";
    let part = |member: &str| item.text(member).map(str::trim).filter(|text| !text.is_empty());
    let number = match (part(FIELD), part("phone_number_prefix"), part("phone_number")) {
        (Some(number), _, _) => number.to_owned(),
        (None, Some(prefix), Some(number)) => format!("+{}{number}", prefix.trim_start_matches('+')),
        (None, None, _) | (None, _, None) => return missing(FIELD, sent),
    };
    let phone = Phone::parse(&number).map_err(|error| (FIELD, FieldError::text(error.message())))?;
    set(&mut item.data, "phone_number_prefix", phone.prefix());
    set(&mut item.data, "phone_number", phone.national());
    set(&mut item.data, FIELD, phone.e164());
    if let Some(region) = phone.region() {
        set(&mut item.data, "country_code", region);
        if let Some(name) = country::alpha3(region).and_then(country::name_of) {
            set(&mut item.data, "country_name", name);
        }
    }
    Ok(())
}

fn email(item: &mut Item, sent: &Members<'_>) -> Result<(), Wrong> {
    const FIELD: &str = "email";
    let Some(text) = item.text(FIELD) else { return missing(FIELD, sent) };
    let email = Email::parse(text).map_err(|error| (FIELD, FieldError::text(error.message())))?;
    set(&mut item.data, FIELD, email.stored());
    Ok(())
}

/// One address, not a network: an item describes where a person was.
fn address(item: &mut Item) -> Result<(), Wrong> {
    const FIELD: &str = "ip_address";
    let value = match item.text(FIELD).map(str::trim) {
        None => return Ok(()),
        Some("") => Value::Null,
        Some(text) => match ip_address::parse_address(text) {
            Some(address) => Value::String(address.to_string()),
            None => return Err((FIELD, FieldError::text("Enter a valid IPv4 or IPv6 address."))),
        },
    };
    item.data.insert(FIELD.to_owned(), value);
    Ok(())
}

fn document(data: &mut Map<String, Value>, sent: &Members<'_>) {
    if let Some(code) = sent.get("document_type").and_then(Sent::as_text).and_then(document_type::code_of_text) {
        document_type::set(data, Some(code)); // A code without a name of its own is kept beside the name.
    }
    let text = |member: &str| data.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let state_name = match (text("issuing_state_name"), text("issuing_state")) {
        (None, Some(code)) => country::name_of(code),
        (Some(_), _) | (None, None) => None,
    };
    let full_name = match (text("full_name"), text("first_name"), text("last_name")) {
        (None, Some(first), Some(last)) => Some(format!("{first} {last}")),
        (None, Some(only), None) | (None, None, Some(only)) => Some(only.to_owned()),
        (Some(_), _, _) | (None, None, None) => None,
    };
    if let Some(name) = state_name {
        set(data, "issuing_state_name", name);
    }
    if let Some(name) = full_name {
        set(data, "full_name", &name);
    }
}

/// A required value is not there. When something unreadable is there instead, that was reported already.
fn missing(field: &'static str, sent: &Members<'_>) -> Result<(), Wrong> {
    match sent.get(field) {
        None => Err((field, FieldError::required())),
        Some(Sent::Null) => Err((field, FieldError::null())),
        Some(Sent::Text(text)) if text.trim().is_empty() => Err((field, FieldError::blank())),
        Some(_) => Ok(()),
    }
}

fn set(data: &mut Map<String, Value>, member: &str, value: &str) {
    data.insert(member.to_owned(), Value::String(value.to_owned()));
}
