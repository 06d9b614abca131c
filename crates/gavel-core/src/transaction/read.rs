//! A transaction as sent: the body of `POST /v3/transactions/` (entities §4.1).

use serde_json::{Map, Value as Json};

use super::{Amount, Category, CurrencyKind, Direction, Party, TEXT};
use crate::{
    json::{FieldError, FieldErrors, Fields, Value, read},
    time::Timestamp,
};

/// Longest id of the caller, in characters.
const ID: usize = 128;
/// Longest name of a time zone, in characters.
const ZONE: usize = 64;
/// Longest name of a currency, in characters.
const CURRENCY: usize = 16;
/// Longest details of a payment, in characters.
const DETAILS: usize = 1_000;
/// Longest reference of a payment, in characters.
const REFERENCE: usize = 255;
/// Longest type of an action, in characters.
const ACTION: usize = 64;
/// Largest `custom_properties`, in bytes.
const PROPERTIES: usize = 16_384;

/// A transaction as sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTransaction {
    /// The caller's id of it.
    pub transaction_id: String,
    /// What kind of event it is.
    pub category: Category,
    /// When it happened; `None`: now. Any instant of the years 1 to 9999.
    pub at: Option<Timestamp>,
    /// Name of a time zone.
    pub time_zone: Option<String>,
    /// Which way the money goes.
    pub direction: Direction,
    /// How much.
    pub amount: Amount,
    /// Of what; upper case.
    pub currency: String,
    /// What kind of money.
    pub currency_kind: Option<CurrencyKind>,
    /// The same in another currency, by the caller's rate.
    pub amount_in_default_currency: Option<Amount>,
    /// That currency.
    pub default_currency: Option<String>,
    /// What it is for.
    pub payment_details: Option<String>,
    /// The payment's id elsewhere.
    pub payment_reference_id: Option<String>,
    /// What was done; empty where nothing was said.
    pub action_type: String,
    /// The customer's own user or business.
    pub subject: Party,
    /// The other side.
    pub counterparty: Option<Party>,
    /// Free values, for rules and people.
    pub custom_properties: Map<String, Json>,
    /// How the parties hang together.
    pub network_snapshot: Option<NetworkSnapshot>,
}

/// A graph, stored and echoed.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSnapshot {
    /// Objects.
    pub nodes: Vec<Json>,
    /// Objects.
    pub edges: Vec<Json>,
    /// An object.
    pub metrics: Map<String, Json>,
}

/// What `transaction_details` says.
struct Details {
    direction: Direction,
    amount: Amount,
    currency: String,
    currency_kind: Option<CurrencyKind>,
    in_default: Option<Amount>,
    default_currency: Option<String>,
    payment_details: Option<String>,
    payment_reference_id: Option<String>,
    action_type: Option<String>,
}

impl NewTransaction {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let transaction_id = fields.required("transaction_id", read::filled(read::text(ID)));
        let category = category(&mut fields);
        let at = fields.optional("transaction_at", read::timestamp);
        let time_zone = fields.optional("time_zone", read::text(ZONE));
        let details = fields.required("transaction_details", read::nested(Details::read));
        let subject = fields.required("subject", Party::read_subject);
        let counterparty = fields.optional("counterparty", Party::read_counterparty);
        let properties =
            fields.optional("custom_properties", |sent| read::json_object_max_bytes(PROPERTIES)(sent).map(|_| object_of(sent)));
        let network_snapshot = fields.optional("network_snapshot", read::nested(NetworkSnapshot::read));
        fields.finish(|| {
            let details = details?;
            Some(Self {
                transaction_id: transaction_id?,
                category: category?,
                at: at?,
                time_zone: time_zone?,
                direction: details.direction,
                amount: details.amount,
                currency: details.currency.to_uppercase(),
                currency_kind: details.currency_kind,
                amount_in_default_currency: details.in_default,
                default_currency: details.default_currency,
                payment_details: details.payment_details,
                payment_reference_id: details.payment_reference_id,
                action_type: details.action_type.unwrap_or_default(),
                subject: subject?,
                counterparty: counterparty?.flatten(),
                custom_properties: properties?.unwrap_or_default(),
                network_snapshot: network_snapshot?,
            })
        })
    }
}

/// A category nobody knows is an error of no field.
fn category(fields: &mut Fields<'_, '_>) -> Option<Category> {
    let read = fields.required("transaction_category", |sent| Ok(sent.as_text().and_then(Category::from_name)))?;
    if read.is_none() {
        fields.add_error("non_field_errors", FieldError::text("Unsupported transaction category."));
    }
    read
}

impl Details {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let direction = fields.required("direction", read::choice_of(Direction::from_name));
        let amount = fields.required("amount", Amount::read_positive);
        let currency = fields.required("currency", read::filled(read::text(CURRENCY)));
        let currency_kind = fields.optional("currency_kind", read::choice_of(CurrencyKind::from_name));
        let in_default = fields.optional("amount_in_default_currency", Amount::read);
        let default_currency = fields.optional("default_currency", read::text(TEXT));
        let payment_details = fields.optional("payment_details", read::text(DETAILS));
        let payment_reference_id = fields.optional("payment_reference_id", read::text(REFERENCE));
        let action_type = fields.optional("action_type", read::text(ACTION));
        fields.finish(|| {
            Some(Self {
                direction: direction?,
                amount: amount?,
                currency: currency?,
                currency_kind: currency_kind?,
                in_default: in_default?,
                default_currency: default_currency?,
                payment_details: payment_details?,
                payment_reference_id: payment_reference_id?,
                action_type: action_type?,
            })
        })
    }
}

impl NetworkSnapshot {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let object = |sent: &Value<'_>| Fields::of(sent).map(|_| Json::from(sent));
        let nodes = fields.optional("nodes", read::list_of_objects(object));
        let edges = fields.optional("edges", read::list_of_objects(object));
        let metrics = fields.optional("metrics", |sent| read::object(sent).map(|_| object_of(sent)));
        fields.finish(|| {
            let (nodes, edges) = (nodes?.unwrap_or_default(), edges?.unwrap_or_default());
            Some(Self { nodes, edges, metrics: metrics?.unwrap_or_default() })
        })
    }
}

fn object_of(sent: &Value<'_>) -> Map<String, Json> {
    match Json::from(sent) {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}
