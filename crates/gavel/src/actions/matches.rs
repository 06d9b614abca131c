//! Who else has shown the same value: the `matches[]` of an item and the duplicate risks (contract, sessions §5, §6.2).

use gavel_core::{
    entry::EntryType,
    evidence::{Duplicate, DuplicateKind, SessionRef, Signal},
    ids::{ApplicationId, SessionId},
    list::ListType,
    screening::Hit,
    session::FeatureStatus,
};
use serde_json::{Map, Value, json};

use super::Error;
use crate::store::{
    Tx,
    duplicates::{self, Seen},
};

/// Most rows of `matches[]`.
const MOST: usize = 5;

/// What other sessions say about an item.
#[derive(Default)]
pub(super) struct Found {
    /// As answered.
    pub matches: Vec<Value>,
    /// Risks to be weighed.
    pub duplicates: Vec<Duplicate>,
}

/// Looks for every signal of an item among the other sessions of the application.
pub(super) async fn find(
    tx: &mut Tx,
    application: ApplicationId,
    session: (SessionId, Option<&str>),
    signals: &[Signal],
    hits: &[(Signal, Hit)],
) -> Result<Found, Error> {
    let mut found = Found::default();
    for signal in signals {
        let Some(kind) = kind_of(signal.entry_type) else { continue };
        let is_blocked = hits.iter().any(|(of, hit)| of.entry_type == signal.entry_type && hit.list_type == ListType::Blocklist);
        let mut seen = duplicates::list_seen(tx, application, session, &signal.value, is_blocked).await?;
        let mut named = std::collections::HashSet::new();
        seen.retain(|row| named.insert(row.session));
        if let Some(first) = seen.iter().find(|row| row.outcome == FeatureStatus::Approved) {
            let session =
                SessionRef { id: Some(first.session), number: Some(first.number), api_service: first.api_service.clone() };
            found.duplicates.push(Duplicate { kind, session, names_differ: false });
        }
        let rows = seen.iter().map(|row| shown(signal, row));
        let entry = entry_row(signal, is_blocked, &seen);
        found.matches.extend(entry.into_iter().chain(rows));
    }
    found.matches.truncate(MOST);
    Ok(found)
}

/// What it means when a value of this type is seen again; types that are not compared across sessions have none.
pub(super) fn kind_of(entry_type: EntryType) -> Option<DuplicateKind> {
    match entry_type {
        EntryType::Document => Some(DuplicateKind::Document),
        EntryType::Phone => Some(DuplicateKind::PhoneNumber),
        EntryType::Email => Some(DuplicateKind::Email),
        EntryType::IpAddress => Some(DuplicateKind::IpAddress),
        EntryType::DeviceFingerprint => Some(DuplicateKind::DeviceFingerprint),
        EntryType::Face
        | EntryType::WalletAddress
        | EntryType::BankAccount
        | EntryType::Country
        | EntryType::User
        | EntryType::Business
        | EntryType::Key => None,
    }
}

fn shown(signal: &Signal, seen: &Seen) -> Value {
    let mut row = Map::new();
    row.insert("session_id".into(), seen.session.to_string().into());
    row.insert("session_number".into(), seen.number.into());
    row.insert("vendor_data".into(), seen.vendor_data.clone().into());
    row.insert("verification_date".into(), seen.recorded_at.to_string().into());
    row.extend(own_members(signal, Some(seen)));
    row.insert("status".into(), seen.status.as_str().into());
    // Addresses and devices are shared by strangers: their rows never show a mark.
    let marks = !matches!(signal.entry_type, EntryType::IpAddress | EntryType::DeviceFingerprint);
    row.insert("is_blocklisted".into(), (marks && seen.is_blocklisted).into());
    row.insert("api_service".into(), seen.api_service.clone().into());
    if signal.entry_type != EntryType::Document {
        row.insert("source".into(), "session".into());
    }
    Value::Object(row)
}

/// The members a row has by the type of its item.
fn own_members(signal: &Signal, seen: Option<&Seen>) -> Map<String, Value> {
    let member = |name: &str| seen.and_then(|seen| seen.data.get(name)).cloned().unwrap_or_default();
    let object = |names: &[&str]| Value::Object(names.iter().map(|name| ((*name).to_owned(), member(name))).collect());
    let value = || Value::from(signal.value.stored());
    let members = match signal.entry_type {
        EntryType::Document => json!({
            "user_details": seen.map(|_| json!({
                "name": member("full_name"), "document_type": member("document_type"), "document_number": member("document_number"),
            })),
            "front_image_url": member("front_image"),
        }),
        EntryType::Phone => json!({ "phone_number": value() }),
        EntryType::Email => json!({ "email": value() }),
        EntryType::IpAddress | EntryType::DeviceFingerprint => {
            let by_address = signal.entry_type == EntryType::IpAddress;
            json!({
                "match_type": signal.entry_type.as_str(),
                "match_source": if by_address { "ip_address" } else { "persistent_id" },
                "matched_value": value(),
                "device_info": object(&["device_brand", "device_model", "browser_family", "os_family", "platform", "device_fingerprint"]),
                "location_info": object(&["ip_address", "ip_country", "ip_country_code", "ip_state", "ip_city", "is_vpn_or_tor", "is_data_center"]),
                "confidence": Value::Null,
                "match_mode": "deterministic",
            })
        }
        _ => Value::Null,
    };
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A blocklist entry that covers the value stands first; for phones and addresses only where no session shows it already.
fn entry_row(signal: &Signal, is_blocked: bool, seen: &[Seen]) -> Option<Value> {
    let wanted = match signal.entry_type {
        EntryType::Document => true,
        EntryType::Phone | EntryType::Email => !seen.iter().any(|row| row.is_blocklisted),
        _ => false,
    };
    if !is_blocked || !wanted {
        return None;
    }
    let mut row = Map::new();
    for name in ["session_id", "session_number", "vendor_data", "verification_date"] {
        row.insert(name.into(), Value::Null);
    }
    row.extend(own_members(signal, None));
    row.insert("status".into(), Value::Null);
    row.insert("is_blocklisted".into(), true.into());
    row.insert("api_service".into(), Value::Null);
    if signal.entry_type != EntryType::Document {
        row.insert("source".into(), "list_entry".into());
    }
    Some(Value::Object(row))
}
