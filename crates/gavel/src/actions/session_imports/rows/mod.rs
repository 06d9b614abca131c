//! What a row of each type of import says.
//!
//! A row is read like a body: every column that is wrong is named. Of a person's row the evidence is read by the evidence's
//! own reader, so that an imported document has the form of a recorded one; what that reader says is told by column.

use std::collections::BTreeMap;

use gavel_core::{
    evidence::{Evidence, Feature, Item, facts::is_fact},
    json::{FieldError, FieldErrors, Fields, Members, Value, canonical, read},
    rules::{Refusal, StatusRules},
    session::SessionStatus,
    time::Timestamp,
    transaction::NewTransaction,
};
use serde_json::{Map, Value as Json, json, value::RawValue};

use crate::{actions::import::rows::Shape, secrets::digest};

/// Longest `external_id`, `vendor_data` or name, in characters.
const TEXT: usize = 255;
/// Largest `metadata`, in bytes.
const METADATA: usize = 16_384;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportType {
    /// Sessions of people.
    Users,
    /// Sessions of companies.
    Businesses,
    /// Conditions of a workflow's features.
    StatusRules,
    /// Transactions.
    Transactions,
}

const TYPES: [(ImportType, &str); 4] = [
    (ImportType::Users, "user_verification"),
    (ImportType::Businesses, "business_verification"),
    (ImportType::StatusRules, "status_rules"),
    (ImportType::Transactions, "transactions"),
];

impl ImportType {
    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        TYPES.into_iter().find(|(_, known)| *known == name).map(|(import_type, _)| import_type)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        TYPES.into_iter().find(|(import_type, _)| *import_type == self).map_or("", |(_, name)| name)
    }

    /// Whether a workflow must be named.
    pub const fn needs_workflow(self) -> bool {
        !matches!(self, Self::Transactions)
    }

    /// The columns, in the order of the template.
    pub fn columns(self) -> &'static [&'static str] {
        self.shape().columns
    }

    pub(super) fn shape(self) -> &'static Shape<Imported> {
        match self {
            Self::Users => &USERS,
            Self::Businesses => &BUSINESSES,
            Self::StatusRules => &RULES,
            Self::Transactions => &TRANSACTIONS,
        }
    }
}

/// A row that can be taken.
pub(super) struct Imported {
    /// Its id elsewhere.
    pub(super) external_id: String,
    /// Digest of everything it says.
    pub(super) content: [u8; 32],
    pub(super) what: What,
}

/// What it becomes.
pub(super) enum What {
    Session(Box<ImportedSession>),
    Rule(ImportedRule),
    Transaction(Box<NewTransaction>),
}

/// A session that ended elsewhere.
#[derive(Debug)]
pub(super) struct ImportedSession {
    pub(super) vendor_data: Option<String>,
    pub(super) status: SessionStatus,
    pub(super) created_at: Option<Timestamp>,
    pub(super) metadata: Option<Box<RawValue>>,
    pub(super) expected_details: Option<Box<RawValue>>,
    pub(super) items: Vec<Item>,
}

/// A condition of a feature.
#[derive(Debug)]
pub(super) struct ImportedRule {
    pub(super) feature: Feature,
    /// As it stands in the feature's `status_rules`.
    pub(super) rule: Json,
}

static USERS: Shape<Imported> = Shape {
    columns: &[
        "external_id",
        "vendor_data",
        "status",
        "created_at",
        "first_name",
        "last_name",
        "date_of_birth",
        "document_type",
        "document_number",
        "personal_number",
        "issuing_state",
        "nationality",
        "gender",
        "expiration_date",
        "address",
        "email",
        "phone_number",
        "ip_address",
        "device_fingerprint",
        "portrait_image_url",
        "metadata",
    ],
    needed: &["external_id", "status"],
    no_columns: "The first row must name the columns, external_id and status among them.",
    read: |sent| read_row(USERS.columns, "external_id", sent, read_person),
};

static BUSINESSES: Shape<Imported> = Shape {
    columns: &[
        "external_id",
        "vendor_data",
        "status",
        "created_at",
        "company_name",
        "registration_number",
        "country",
        "metadata",
    ],
    needed: &["external_id", "status", "company_name"],
    no_columns: "The first row must name the columns, external_id, status and company_name among them.",
    read: |sent| read_row(BUSINESSES.columns, "external_id", sent, read_company),
};

static RULES: Shape<Imported> = Shape {
    columns: &["external_id", "feature", "field", "operator", "value", "value_type", "score", "status"],
    needed: &["external_id", "feature", "field", "operator", "status"],
    no_columns: "The first row must name the columns, external_id, feature, field, operator and status among them.",
    read: |sent| read_row(RULES.columns, "external_id", sent, read_rule),
};

static TRANSACTIONS: Shape<Imported> = Shape {
    columns: &[
        "transaction_id",
        "transaction_at",
        "transaction_category",
        "direction",
        "amount",
        "currency",
        "subject_vendor_data",
        "subject_full_name",
        "counterparty_vendor_data",
        "counterparty_full_name",
        "method_type",
        "account_id",
        "metadata",
    ],
    needed: &[
        "transaction_id",
        "transaction_category",
        "direction",
        "amount",
        "currency",
        "subject_vendor_data",
        "subject_full_name",
    ],
    no_columns: "The first row must name the columns, transaction_id, transaction_category, direction, amount, currency, \
                 subject_vendor_data and subject_full_name among them.",
    read: |sent| read_row(TRANSACTIONS.columns, "transaction_id", sent, read_transaction),
};

/// Reads the known columns of a row; an empty one is absent.
fn read_row(
    columns: &[&str],
    key: &'static str,
    sent: &Value<'_>,
    read_what: fn(&Value<'_>) -> Result<What, FieldErrors>,
) -> Result<Imported, FieldErrors> {
    let says = |value: &Value<'_>| *value != Value::Null && value.as_text().is_none_or(|text| !text.trim().is_empty());
    let known = Fields::of(sent)?.members().iter().filter(|(name, value)| columns.contains(name) && says(value));
    let known: Members<'_> = known.map(|(name, value)| (name.to_owned().into(), value.clone())).collect();
    let content = content_of(&known);
    let known = Value::Object(known);
    let mut fields = Fields::of(&known)?;
    let external_id = fields.required(key, read::filled(read::trimmed_text(TEXT)));
    match (fields.finish(|| external_id), read_what(&known)) {
        (Ok(external_id), Ok(what)) => Ok(Imported { external_id, content, what }),
        (Err(mut errors), Err(others)) => {
            errors.append(others);
            Err(errors)
        }
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
    }
}

/// Equal for rows that say the same, whatever the order of their columns and the spelling of their numbers.
fn content_of(members: &Members<'_>) -> [u8; 32] {
    let sorted: BTreeMap<&str, String> = members.iter().map(|(name, value)| (name, canonical::v2(value))).collect();
    digest(json!(sorted).to_string().as_bytes())
}

/// The columns of a person's row that are evidence: where they stand in it.
const EVIDENCE: [(&str, &str, &str); 16] = [
    ("first_name", "id_verifications", "first_name"),
    ("last_name", "id_verifications", "last_name"),
    ("date_of_birth", "id_verifications", "date_of_birth"),
    ("document_type", "id_verifications", "document_type"),
    ("document_number", "id_verifications", "document_number"),
    ("personal_number", "id_verifications", "personal_number"),
    ("issuing_state", "id_verifications", "issuing_state"),
    ("nationality", "id_verifications", "nationality"),
    ("gender", "id_verifications", "gender"),
    ("expiration_date", "id_verifications", "expiration_date"),
    ("address", "id_verifications", "address"),
    ("portrait_image_url", "id_verifications", "portrait_image"),
    ("email", "email_verifications", "email"),
    ("phone_number", "phone_verifications", "full_number"),
    ("ip_address", "ip_analyses", "ip_address"),
    ("device_fingerprint", "ip_analyses", "device_fingerprint"),
];

fn read_person(sent: &Value<'_>) -> Result<What, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    fields.optional("portrait_image_url", read::url(read::URL_LIMIT));
    let mut evidence = Map::new();
    for (column, array, member) in EVIDENCE {
        if let Some(value) = fields.sent(column) {
            let items = evidence.entry(array).or_insert_with(|| json!([{}]));
            items[0][member] = value.into();
        }
    }
    let evidence = Json::Object(evidence);
    let items = match Evidence::read(&Value::from(&evidence)) {
        Ok(evidence) => Some(evidence.items),
        Err(errors) => {
            for (column, text) in texts(&errors).into_iter().map(|(path, text)| (column_of(&path), text)) {
                fields.add_error(column, FieldError::text(text));
            }
            None
        }
    };
    read_session(fields, None, items)
}

/// The column behind a path such as `phone_verifications[0].full_number`.
fn column_of(path: &str) -> String {
    let (array, member) = path.split_once("[0].").unwrap_or((path, ""));
    let found = EVIDENCE.into_iter().find(|(_, of, name)| *of == array && *name == member);
    found.map_or(path, |(column, ..)| column).to_owned()
}

fn read_company(sent: &Value<'_>) -> Result<What, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let name = fields.required("company_name", read::text(TEXT));
    let number = fields.optional("registration_number", read::text(100));
    let country = fields.optional("country", read::text(10));
    let details = || {
        let said = [("company_name", Some(name?)), ("registration_number", number?), ("registry_country", country?)];
        let said: Map<String, Json> = said.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))).collect();
        RawValue::from_string(Json::Object(said).to_string()).ok()
    };
    let details = details();
    let items = details.is_some().then(Vec::new);
    read_session(fields, details, items)
}

/// What both kinds of sessions say. `items`: `None` when something of them is wrong.
fn read_session(
    mut fields: Fields<'_, '_>,
    expected_details: Option<Box<RawValue>>,
    items: Option<Vec<Item>>,
) -> Result<What, FieldErrors> {
    let vendor_data = fields.optional("vendor_data", read::trimmed_text(TEXT));
    let status = fields.required("status", read::choice_of(status_of));
    let created_at = fields.optional("created_at", read::timestamp);
    let metadata = fields.optional("metadata", |sent| {
        let json = read::any_json_max_bytes(METADATA)(sent)?;
        RawValue::from_string(json).map_err(|_| FieldError::text("Value must be valid JSON."))
    });
    fields.finish(|| {
        Some(What::Session(Box::new(ImportedSession {
            vendor_data: vendor_data?,
            status: status?,
            created_at: created_at?,
            metadata: metadata?,
            expected_details,
            items: items?,
        })))
    })
}

/// The statuses of sessions that are at their end.
fn status_of(name: &str) -> Option<SessionStatus> {
    SessionStatus::from_name(name).filter(|status| !status.is_unfinished())
}

fn read_rule(sent: &Value<'_>) -> Result<What, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let feature = fields.required("feature", read::choice_of(Feature::from_workflow_name));
    let mut rule = Map::new();
    for name in ["field", "operator", "value", "value_type", "score", "status", "external_id"] {
        rule.extend(fields.sent(name).map(|value| (name.to_owned(), cell(name, value))));
    }
    let rule = Json::Object(rule);
    match StatusRules::read(&Value::from(&json!([rule])), &is_fact) {
        Ok(_) => {}
        Err(Refusal::List(text)) => fields.add_error("operator", FieldError::text(text)),
        Err(Refusal::Fields(errors)) => {
            for (name, text) in texts(&errors) {
                fields.add_error(name, FieldError::text(text));
            }
        }
    }
    fields.finish(|| Some(What::Rule(ImportedRule { feature: feature?, rule })))
}

/// Several values, or an object, stand in a cell as JSON.
fn cell(name: &str, value: &Value<'_>) -> Json {
    match value.as_text().filter(|text| name == "value" && text.starts_with(['[', '{'])).map(|text| Value::parse(text.as_bytes()))
    {
        Some(Ok(parsed)) => (&parsed).into(),
        Some(Err(_)) | None => value.into(),
    }
}

fn read_transaction(sent: &Value<'_>) -> Result<What, FieldErrors> {
    let fields = Fields::of(sent)?;
    let pick = |pairs: &[(&str, &str)]| {
        let picked = pairs.iter().filter_map(|(column, name)| Some(((*name).to_owned(), fields.sent(column)?.into())));
        picked.collect::<Map<String, Json>>()
    };
    let mut body = pick(&[
        ("transaction_id", "transaction_id"),
        ("transaction_at", "transaction_at"),
        ("transaction_category", "transaction_category"),
        ("metadata", "custom_properties"),
    ]);
    let details = pick(&[("direction", "direction"), ("amount", "amount"), ("currency", "currency")]);
    let mut subject = pick(&[("subject_vendor_data", "vendor_data"), ("subject_full_name", "full_name")]);
    let method = pick(&[("method_type", "method_type"), ("account_id", "account_id")]);
    let counterparty = pick(&[("counterparty_vendor_data", "vendor_data"), ("counterparty_full_name", "full_name")]);
    if !method.is_empty() {
        subject.insert("payment_method".into(), method.into());
    }
    body.insert("transaction_details".into(), details.into());
    body.insert("subject".into(), subject.into());
    if !counterparty.is_empty() {
        body.insert("counterparty".into(), counterparty.into());
    }
    let read = NewTransaction::read(&Value::from(&Json::Object(body)));
    read.map(|new| What::Transaction(Box::new(new))).map_err(|errors| {
        texts(&errors).into_iter().fold(FieldErrors::default(), |named, (name, text)| {
            let column = if name == "custom_properties" { "metadata".to_owned() } else { name };
            named.with(column, FieldError::text(text))
        })
    })
}

/// All texts of an answer's errors, each with the name of the field it stands under.
fn texts(errors: &FieldErrors) -> Vec<(String, String)> {
    fn walk(name: &str, errors: &Json, found: &mut Vec<(String, String)>) {
        match errors {
            Json::String(text) => found.push((name.to_owned(), text.clone())),
            Json::Array(items) => items.iter().for_each(|item| walk(name, item, found)),
            Json::Object(members) => members.iter().for_each(|(name, member)| walk(name, member, found)),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    walk("", &json!(errors), &mut found);
    found
}

/// Why a row was refused, in one line.
pub(super) fn told(errors: &FieldErrors) -> String {
    /// Longest, in characters: a refused value may be quoted.
    const LONGEST: usize = 2_000;
    let lines = texts(errors).into_iter().map(|(name, text)| match name.as_str() {
        "" | "non_field_errors" => text,
        name => format!("{name}: {text}"),
    });
    lines.collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
