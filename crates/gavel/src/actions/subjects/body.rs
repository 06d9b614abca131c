//! Users and businesses as sent: the bodies of create, PATCH, update-status, bulk status and delete.

use gavel_core::{
    entry::phone::Phone,
    json::{FieldError, FieldErrors, Fields, Sent, Value, read},
    session::SessionKind,
    subject::{Profile, SubjectStatus},
};
use serde_json::{Value as Json, value::RawValue};
use uuid::Uuid;

use crate::actions::entries::read_metadata;

/// Longest `vendor_data`, in characters.
const VENDOR_DATA: usize = 255;
/// Longest name by which the caller calls a subject.
const DISPLAY_NAME: usize = 255;
/// Longest name of a person.
const FULL_NAME: usize = 512;
/// Longest name of a company.
const LEGAL_NAME: usize = 255;
/// Longest number in a register.
const REGISTRATION_NUMBER: usize = 100;
/// Longest country code of a company.
const COUNTRY_CODE: usize = 10;
/// Longest reason of a status.
const REASON: usize = 10_000;
/// Most approved e-mail addresses, of telephone numbers and of issuing states that are sent, each: every answer about the user
/// shows them all, and so does every comment on a change of them.
const LISTED: usize = 1_000;
/// Most subjects of one bulk status.
const BULK: usize = 1_000;

const STATUS_OPTIONS: &str = "Invalid status. Valid options are: ACTIVE, FLAGGED, BLOCKED";

fn read_status(sent: &Value<'_>) -> Result<SubjectStatus, FieldError> {
    sent.as_text().and_then(SubjectStatus::from_name).ok_or_else(|| FieldError::text(STATUS_OPTIONS))
}

/// A subject as sent.
pub struct NewSubject {
    pub(super) vendor_data: Option<String>,
    pub(super) change: Change,
}

impl NewSubject {
    /// Reads the body of a create.
    pub fn read(kind: SessionKind, sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let name = read::filled(read::trimmed_text(VENDOR_DATA));
        let vendor_data = match kind {
            SessionKind::User => fields.required("vendor_data", name).map(Some),
            SessionKind::Business => fields.optional("vendor_data", name),
        };
        let status = fields.optional("status", read_status);
        let change = Change::read_fields(kind, &mut fields);
        fields.finish(|| Some(Self { vendor_data: vendor_data?, change: Change { status: status?, ..change? } }))
    }
}

/// What a PATCH changes; what is not sent stays.
#[derive(Debug, Clone)]
pub struct Change {
    pub(super) status: Option<SubjectStatus>,
    pub(super) metadata: Sent<Box<RawValue>>,
    display_name: Sent<String>,
    full_name: Sent<String>,
    date_of_birth: Sent<String>,
    approved_emails: Option<Vec<String>>,
    approved_phones: Option<Vec<String>>,
    issuing_states: Option<Vec<String>>,
    legal_name: Sent<String>,
    registration_number: Sent<String>,
    country_code: Sent<String>,
}

impl Change {
    /// Reads the body of a PATCH.
    pub fn read(kind: SessionKind, sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let status = match kind {
            SessionKind::User => fields.optional("status", read::choice_of(SubjectStatus::from_name)),
            SessionKind::Business => fields.optional("status", read_status),
        };
        let change = Self::read_fields(kind, &mut fields);
        fields.finish(|| Some(Self { status: status?, ..change? }))
    }

    /// Everything but the status.
    fn read_fields(kind: SessionKind, fields: &mut Fields<'_, '_>) -> Option<Self> {
        let metadata = fields.nullable("metadata", read_metadata);
        let display_name = fields.nullable("display_name", read::text(DISPLAY_NAME));
        let nothing = Self {
            status: None,
            metadata: Sent::Absent,
            display_name: Sent::Absent,
            full_name: Sent::Absent,
            date_of_birth: Sent::Absent,
            approved_emails: None,
            approved_phones: None,
            issuing_states: None,
            legal_name: Sent::Absent,
            registration_number: Sent::Absent,
            country_code: Sent::Absent,
        };
        match kind {
            SessionKind::User => {
                let full_name = fields.nullable("full_name", read::text(FULL_NAME));
                let date_of_birth = fields.nullable("date_of_birth", |sent| read::day(sent).map(|day| day.to_string()));
                let emails = fields.optional("approved_emails", up_to(LISTED, read::list_of(read_email)));
                let phones = fields.optional("approved_phones", up_to(LISTED, read::list_of(read_phone)));
                let states = fields.optional("issuing_states", up_to(LISTED, read::list_of(read::country3("issuing_states"))));
                Some(Self {
                    metadata: metadata?,
                    display_name: display_name?,
                    full_name: full_name?,
                    date_of_birth: date_of_birth?,
                    approved_emails: emails?.map(once_each),
                    approved_phones: phones?.map(once_each),
                    issuing_states: states?.map(once_each),
                    ..nothing
                })
            }
            SessionKind::Business => {
                let legal_name = fields.nullable("legal_name", read::text(LEGAL_NAME));
                let registration_number = fields.nullable("registration_number", read::text(REGISTRATION_NUMBER));
                let country_code = fields.nullable("country_code", read::text(COUNTRY_CODE));
                Some(Self {
                    metadata: metadata?,
                    display_name: display_name?,
                    legal_name: legal_name?,
                    registration_number: registration_number?,
                    country_code: country_code?,
                    ..nothing
                })
            }
        }
    }

    /// The profile after the change.
    pub(super) fn over(&self, profile: &Profile) -> Profile {
        let text = |sent: &Sent<String>, current: &Option<String>| sent.clone().over(current.clone());
        let list = |sent: &Option<Vec<String>>, current: &Vec<String>| sent.clone().unwrap_or_else(|| current.clone());
        Profile {
            display_name: text(&self.display_name, &profile.display_name),
            full_name: text(&self.full_name, &profile.full_name),
            date_of_birth: text(&self.date_of_birth, &profile.date_of_birth),
            approved_emails: list(&self.approved_emails, &profile.approved_emails),
            approved_phones: list(&self.approved_phones, &profile.approved_phones),
            issuing_states: list(&self.issuing_states, &profile.issuing_states),
            legal_name: text(&self.legal_name, &profile.legal_name),
            registration_number: text(&self.registration_number, &profile.registration_number),
            country_code: text(&self.country_code, &profile.country_code),
        }
    }
}

/// An array of so many elements at most; with more, none of them is looked at.
fn up_to<'v, 'a: 'v, T>(
    most: usize,
    read: impl Fn(&'v Value<'a>) -> Result<T, FieldError>,
) -> impl Fn(&'v Value<'a>) -> Result<T, FieldError> {
    move |sent| match read::array(sent)?.len() > most {
        true => Err(FieldError::too_many_elements(most)),
        false => read(sent),
    }
}

fn read_email(sent: &Value<'_>) -> Result<String, FieldError> {
    read::email(sent).map(|email| email.stored().to_owned())
}

fn read_phone(sent: &Value<'_>) -> Result<String, FieldError> {
    let text = read::text(usize::MAX)(sent)?;
    Phone::parse(&text).map(|phone| phone.e164().to_owned()).map_err(|error| FieldError::text(error.message()))
}

/// Two spellings of one value are one value.
fn once_each(sent: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(sent.len());
    let mut seen = std::collections::HashSet::new();
    for text in sent {
        if seen.insert(text.clone()) {
            kept.push(text);
        }
    }
    kept
}

/// The members of a profile as they are answered, for telling what changed.
pub(super) fn members(profile: &Profile) -> [(&'static str, Json); 9] {
    [
        ("display_name", profile.display_name.clone().into()),
        ("full_name", profile.full_name.clone().into()),
        ("date_of_birth", profile.date_of_birth.clone().into()),
        ("approved_emails", profile.approved_emails.clone().into()),
        ("approved_phones", profile.approved_phones.clone().into()),
        ("issuing_states", profile.issuing_states.clone().into()),
        ("legal_name", profile.legal_name.clone().into()),
        ("registration_number", profile.registration_number.clone().into()),
        ("country_code", profile.country_code.clone().into()),
    ]
}

/// A status to be set, and what is said about it.
pub struct StatusChange {
    pub(super) status: SubjectStatus,
    pub(super) reason: Option<String>,
}

impl StatusChange {
    /// Reads the body of an update-status.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let status = fields.required("status", read_status);
        let reason = fields.optional("reason", read::text(REASON));
        fields.finish(|| Some(Self { status: status?, reason: reason?.filter(|text| !text.is_empty()) }))
    }
}

/// A status for many.
pub struct BulkStatus {
    pub(super) vendor_data: Vec<String>,
    pub(super) status: SubjectStatus,
}

impl BulkStatus {
    /// Reads the body of a bulk status.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let names = read::not_empty(read::list_of(read::trimmed_text(usize::MAX)));
        let vendor_data = fields.required("vendor_data_list", up_to(BULK, names));
        let status = fields.required("status", read_status);
        fields.finish(|| Some(Self { vendor_data: vendor_data?, status: status? }))
    }
}

/// Which subjects are to be deleted. None chosen: the action says so.
#[derive(Default)]
pub struct Chosen {
    pub(super) all: bool,
    pub(super) vendor_data: Vec<String>,
    pub(super) ids: Vec<Uuid>,
}

impl Chosen {
    /// Reads the body of a batch delete.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let filters: Vec<String> =
            fields.members().iter().map(|(name, _)| name.to_string()).filter(|name| name.starts_with("filter_")).collect();
        for name in filters {
            fields.add_error(name, FieldError::text("This filter is not supported here."));
        }
        let all = fields.optional("delete_all", read::boolean);
        if all == Some(Some(true)) {
            return fields.finish(|| Some(Self { all: true, ..Self::default() }));
        }
        let vendor_data = fields.optional("vendor_data_list", read::list_of(read::trimmed_text(usize::MAX)));
        let ids = fields.optional("didit_internal_id_list", read::list_of(read::uuid));
        let chosen = || {
            Some(Self { all: all.map(|_| false)?, vendor_data: vendor_data?.unwrap_or_default(), ids: ids?.unwrap_or_default() })
        };
        fields.finish(chosen)
    }
}
