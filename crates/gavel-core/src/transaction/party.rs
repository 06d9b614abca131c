//! One side of a transaction, as sent.

use serde_json::{Map, Value as Json};

use super::{PaymentMethod, TEXT, kinds::entity_from_name};
use crate::{
    json::{FieldError, FieldErrors, Fields, Value, read},
    session::SessionKind,
    time::Day,
};

/// Longest `vendor_data`, in characters.
const VENDOR_DATA: usize = 255;
/// Longest name, in characters.
const NAME: usize = 512;
/// Largest free object, in bytes.
const OBJECT: usize = 16_384;

/// One side of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Party {
    /// A person or a company; `None`: not said.
    pub entity: Option<SessionKind>,
    /// The caller's own id of it.
    pub vendor_data: Option<String>,
    /// Its name.
    pub full_name: Option<String>,
    /// Of a person.
    pub first_name: Option<String>,
    /// Of a person.
    pub last_name: Option<String>,
    /// Of a person.
    pub date_of_birth: Option<Day>,
    /// The members sent of `country`, `town`, `state`, `street`, `post_code`.
    pub address: Map<String, Json>,
    /// The members sent of `name`, `code`, `address`.
    pub institution: Map<String, Json>,
    /// The members sent of the device's description.
    pub device: Map<String, Json>,
    /// How it pays or is paid.
    pub payment_method: Option<PaymentMethod>,
    /// Not necessarily a good address.
    pub email: Option<String>,
    /// Not necessarily a good number.
    pub phone: Option<String>,
    /// The whole object.
    pub sent: Map<String, Json>,
}

impl Party {
    /// The subject: it has a `vendor_data` and a name.
    pub(super) fn read_subject(sent: &Value<'_>) -> Result<Self, FieldError> {
        let members = read::object(sent)?;
        let is_missing = |name| match members.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::Text(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        if is_missing("vendor_data") || is_missing("full_name") {
            return Err(FieldError::text("subject.vendor_data and subject.full_name are required."));
        }
        Self::read(sent).map_err(FieldError::Nested)
    }

    /// The counterparty, of whom everything is optional; an object that says nothing is nobody.
    pub(super) fn read_counterparty(sent: &Value<'_>) -> Result<Option<Self>, FieldError> {
        let says_something = read::object(sent)?.iter().any(|(_, value)| *value != Value::Null);
        let party = Self::read(sent).map_err(FieldError::Nested)?;
        Ok(says_something.then_some(party))
    }

    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let entity = fields.optional("entity_type", read::choice_of(entity_from_name));
        let vendor_data = fields.optional("vendor_data", read::trimmed_text(VENDOR_DATA));
        let full_name = fields.optional("full_name", read::text(NAME));
        let first_name = fields.optional("first_name", read::text(NAME));
        let last_name = fields.optional("last_name", read::text(NAME));
        let date_of_birth = fields.optional("date_of_birth", read::day);
        let address = fields.optional("address", read::nested(read_address));
        let institution = fields.optional("institution_details", read::nested(read_institution));
        let device = fields.optional("device_context", read::nested(read_device));
        let payment_method = fields.optional("payment_method", read::nested(PaymentMethod::read));
        let email = fields.optional("email", read::trimmed_text(TEXT));
        let phone = fields.optional("phone", read::trimmed_text(TEXT));
        fields.finish(|| {
            Some(Self {
                entity: entity?,
                vendor_data: vendor_data?.filter(|text| !text.is_empty()),
                full_name: full_name?,
                first_name: first_name?,
                last_name: last_name?,
                date_of_birth: date_of_birth?,
                address: address?.unwrap_or_default(),
                institution: institution?.unwrap_or_default(),
                device: device?.unwrap_or_default(),
                payment_method: payment_method?.flatten(),
                email: email?,
                phone: phone?,
                sent: members_of(sent),
            })
        })
    }

    /// What it is; a person where nothing was said.
    pub fn kind(&self) -> SessionKind {
        self.entity.unwrap_or(SessionKind::User)
    }

    /// The country of its address, as sent.
    pub fn country(&self) -> Option<&str> {
        self.address.get("country").and_then(Json::as_str)
    }

    /// A member of the description of its device.
    pub fn device_text(&self, name: &str) -> Option<&str> {
        self.device.get(name).and_then(Json::as_str)
    }

    /// A member of the description of its network.
    pub fn network_text(&self, name: &str) -> Option<&str> {
        self.device.get("network_context").and_then(|network| network.get(name)).and_then(Json::as_str)
    }
}

fn members_of(sent: &Value<'_>) -> Map<String, Json> {
    match Json::from(sent) {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

/// Reads the members of an object that were sent, one after the other; unknown ones are left out.
struct Members<'v, 'a> {
    fields: Fields<'v, 'a>,
    found: Map<String, Json>,
}

impl<'v, 'a> Members<'v, 'a> {
    fn of(sent: &'v Value<'a>) -> Result<Self, FieldErrors> {
        Ok(Self { fields: Fields::of(sent)?, found: Map::new() })
    }

    fn texts(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self = self.take(name, |sent| read::text(TEXT)(sent).map(Json::from));
        }
        self
    }

    fn numbers(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self = self.take(name, read_number);
        }
        self
    }

    fn take(mut self, name: &'static str, read: impl FnOnce(&'v Value<'a>) -> Result<Json, FieldError>) -> Self {
        if let Some(Some(value)) = self.fields.optional(name, read) {
            self.found.insert(name.to_owned(), value);
        }
        self
    }

    fn finish(self) -> Result<Map<String, Json>, FieldErrors> {
        let found = self.found;
        self.fields.finish(|| Some(found))
    }
}

fn read_address(sent: &Value<'_>) -> Result<Map<String, Json>, FieldErrors> {
    Members::of(sent)?.texts(&["country", "town", "state", "street", "post_code"]).finish()
}

fn read_institution(sent: &Value<'_>) -> Result<Map<String, Json>, FieldErrors> {
    let address = |sent: &Value<'_>| read::json_object_max_bytes(OBJECT)(sent).map(|_| Json::from(sent));
    Members::of(sent)?.texts(&["name", "code"]).take("address", address).finish()
}

fn read_device(sent: &Value<'_>) -> Result<Map<String, Json>, FieldErrors> {
    let texts = [
        "fingerprint",
        "persistent_device_id",
        "user_agent",
        "browser_family",
        "browser_version",
        "platform",
        "os_family",
        "os_version",
        "accept_language",
        "session_id",
    ];
    let network = |sent: &Value<'_>| read::nested(read_network)(sent).map(Json::from);
    Members::of(sent)?.texts(&texts).numbers(&["session_age_ms"]).take("network_context", network).finish()
}

fn read_network(sent: &Value<'_>) -> Result<Map<String, Json>, FieldErrors> {
    Members::of(sent)?.texts(&["ip_address", "ip_country_code"]).numbers(&["latitude", "longitude"]).finish()
}

/// A number in the spelling it was sent with, where JSON has that spelling.
fn read_number(sent: &Value<'_>) -> Result<Json, FieldError> {
    let number = read::number(sent)?;
    let spelled = match sent {
        Value::Number(text) => text.parse().ok(),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    Ok(spelled.or_else(|| serde_json::Number::from_f64(number)).map_or(Json::Null, Json::Number))
}
