//! A session as sent: the body of `POST /v3/session/` (contract, sessions §2).

use base64::{Engine, engine::general_purpose::STANDARD};
use gavel_core::{
    entry::{ip_address, phone::Phone},
    json::{FieldError, FieldErrors, Fields, Value, read},
    session::language,
};
use serde_json::{Map, Value as Json, value::RawValue};
use uuid::Uuid;

/// Longest `vendor_data`, in characters.
const VENDOR_DATA: usize = 255;
/// Largest `metadata`, in bytes.
const METADATA: usize = 16_384;
/// Largest portrait, in bytes.
const PORTRAIT: usize = 2 << 20;
/// What `expected_document_types` may name.
const DOCUMENT_TYPES: [&str; 7] = ["P", "ID", "DL", "RP", "HIC", "TC", "SSC"];

/// A session as sent.
pub struct NewSession {
    /// A workflow, or a version of one.
    pub workflow: Uuid,
    /// The caller's id of the person or company.
    pub vendor_data: Option<String>,
    /// Where the browser goes at the end.
    pub callback: Option<String>,
    /// Who is sent there.
    pub callback_method: String,
    /// Any JSON.
    pub metadata: Option<Box<RawValue>>,
    /// Of the hosted page.
    pub language: Option<String>,
    /// JSON object with all four members.
    pub contact_details: Option<Box<RawValue>>,
    /// JSON object as sent, read.
    pub expected_details: Option<Box<RawValue>>,
    /// An image, decoded.
    pub portrait: Option<Vec<u8>>,
}

impl NewSession {
    /// One for somebody, with nothing else said.
    pub fn of_subject(workflow: Uuid, vendor_data: Option<&str>) -> Self {
        Self {
            workflow,
            vendor_data: vendor_data.map(str::to_owned),
            callback: None,
            callback_method: "initiator".to_owned(),
            metadata: None,
            language: None,
            contact_details: None,
            expected_details: None,
            portrait: None,
        }
    }

    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let workflow = fields.required("workflow_id", read::uuid);
        let vendor_data = fields.optional("vendor_data", read::trimmed_text(VENDOR_DATA));
        let callback = fields.optional("callback", read_callback);
        let method = fields.optional("callback_method", read::choice(&["initiator", "completer", "both"]));
        let metadata = fields.optional("metadata", |sent| to_raw(read::any_json_max_bytes(METADATA)(sent)?));
        let language = fields.optional("language", read::choice_of(language));
        let contact = fields.optional("contact_details", read::nested(read_contact));
        let expected = fields.optional("expected_details", read::nested(read_expected));
        let portrait = fields.optional("portrait_image", read_portrait);
        if let Some(Some(scenario)) = fields.optional("sandbox_scenario", read::text(100))
            && !scenario.is_empty()
        {
            let text = "Sandbox scenarios are only available in sandbox applications.";
            fields.add_error("sandbox_scenario", FieldError::text(text));
        }
        fields.finish(|| {
            Some(Self {
                workflow: workflow?,
                vendor_data: vendor_data?.filter(|text| !text.is_empty()),
                callback: callback?,
                callback_method: method?.unwrap_or("initiator").to_owned(),
                metadata: metadata?,
                language: language?.map(str::to_owned),
                contact_details: contact?,
                expected_details: expected?,
                portrait: portrait?,
            })
        })
    }
}

fn to_raw(text: String) -> Result<Box<RawValue>, FieldError> {
    RawValue::from_string(text).map_err(|_| FieldError::text("Value must be valid JSON."))
}

fn to_raw_object(members: Map<String, Json>) -> Option<Box<RawValue>> {
    RawValue::from_string(Json::Object(members).to_string()).ok()
}

/// An absolute URI of any scheme. The URL standard repairs what a browser's user types; a callback needs no repair.
fn read_callback(sent: &Value<'_>) -> Result<String, FieldError> {
    let text = read::text(2_048)(sent)?;
    match url::Url::parse(&text) {
        Ok(_) if !text.contains(|c: char| c.is_whitespace() || c.is_control()) => Ok(text),
        Ok(_) | Err(_) => Err(FieldError::not_a_url()),
    }
}

fn read_contact(sent: &Value<'_>) -> Result<Box<RawValue>, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let email = fields.optional("email", read::email);
    let phone = fields.optional("phone", read::text(usize::MAX));
    let notify = fields.optional("send_notification_emails", read::boolean);
    let lang = fields.optional("email_lang", read::choice_of(language));
    fields.finish(|| {
        // A number that cannot be read is unknown, not an error.
        let phone = phone?.and_then(|text| Phone::parse(&text).ok());
        to_raw_object(Map::from_iter([
            ("email".to_owned(), email?.map(|email| email.stored().to_owned()).into()),
            ("email_lang".to_owned(), lang?.unwrap_or("en").into()),
            ("send_notification_emails".to_owned(), notify?.unwrap_or(false).into()),
            ("phone".to_owned(), phone.map(|phone| phone.e164().to_owned()).into()),
        ]))
    })
}

fn read_expected(sent: &Value<'_>) -> Result<Box<RawValue>, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let mut members = Map::new();
    let mut complete = true;
    let mut keep = |name: &str, value: Option<Option<Json>>| match value {
        Some(Some(value)) => {
            members.insert(name.to_owned(), value);
        }
        Some(None) => {}
        None => complete = false,
    };
    for (name, most) in [
        ("first_name", 255),
        ("last_name", 255),
        ("address", 255),
        ("identification_number", 255),
        ("company_name", 255),
        ("registry_country", 10),
        ("registration_number", 100),
    ] {
        keep(name, fields.optional(name, |sent| read::text(most)(sent).map(Json::from)));
    }
    keep("date_of_birth", fields.optional("date_of_birth", |sent| read::day(sent).map(|day| day.to_string().into())));
    keep("gender", fields.optional("gender", |sent| read::choice(&["M", "F"])(sent).map(Json::from)));
    if fields.sent("gender") == Some(&Value::Null) {
        keep("gender", Some(Some(Json::Null))); // The one member whose null says something.
    }
    for name in ["nationality", "country", "id_country", "poa_country"] {
        keep(name, fields.optional(name, |sent| read::country3(name)(sent).map(Json::from)));
    }
    keep("ip_address", fields.optional("ip_address", read_address));
    keep("expected_document_types", fields.optional("expected_document_types", read_document_types));
    if members.contains_key("address") && !members.contains_key("country") && !members.contains_key("poa_country") {
        let text = "Provide country or poa_country together with address.";
        fields.add_error("non_field_errors", FieldError::text(text));
    }
    fields.finish(|| complete.then(|| to_raw_object(members)).flatten())
}

/// An address, kept as sent: expected details are echoed, not corrected.
fn read_address(sent: &Value<'_>) -> Result<Json, FieldError> {
    let text = read::text(64)(sent)?;
    match ip_address::parse_address(&text) {
        Some(_) => Ok(text.into()),
        None => Err(FieldError::text("Enter a valid IPv4 or IPv6 address.")),
    }
}

fn read_document_types(sent: &Value<'_>) -> Result<Json, FieldError> {
    let known = |text: &str| DOCUMENT_TYPES.into_iter().find(|code| code.eq_ignore_ascii_case(text));
    let codes = read::list_of(|item| read::choice_of(known)(item))(sent)?;
    Ok(codes.into())
}

fn read_portrait(sent: &Value<'_>) -> Result<Vec<u8>, FieldError> {
    let text = read::text(8 << 20)(sent)?;
    let encoded = match text.split_once(";base64,") {
        Some((head, rest)) if head.starts_with("data:") => rest,
        _ => &text,
    };
    if encoded.len() / 4 * 3 > PORTRAIT + 3 {
        return Err(FieldError::text("Image size exceeds 2MB."));
    }
    let content = STANDARD.decode(encoded.trim()).map_err(|_| FieldError::text("Invalid base64 image."))?;
    if content.len() > PORTRAIT {
        return Err(FieldError::text("Image size exceeds 2MB."));
    }
    match crate::media::sniff(&content) {
        Some(found) if found.starts_with("image/") => Ok(content),
        _ => Err(FieldError::text("Unsupported image format.")),
    }
}
