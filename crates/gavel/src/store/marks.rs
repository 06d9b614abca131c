//! Entries and the records they were made from: where a value comes from, and the mark that shows it was blocked.
//!
//! A mark is a view for people and clients. Nothing that decides reads it.

use gavel_core::{
    entry::{EntryType, EntryValue},
    evidence::Feature,
    ids::{EntryId, RecordId, SessionId},
};
use serde_json::{Map, Value as Json, value::RawValue};

use super::{StoreError, Tx, records, sessions::Session};

/// A record of a session that holds a value of a type.
pub struct Source {
    /// The session and its number.
    pub session: (SessionId, i64),
    /// The record.
    pub record: RecordId,
    /// Its value.
    pub value: EntryValue,
    /// What the server adds to an entry's metadata.
    metadata: Map<String, Json>,
}

impl Source {
    /// The caller's metadata with the server's own members, which win.
    pub fn merged(&self, sent: Option<Box<RawValue>>) -> Result<Option<Box<RawValue>>, StoreError> {
        if self.metadata.is_empty() {
            return Ok(sent);
        }
        let mut all: Map<String, Json> = match sent {
            Some(sent) => serde_json::from_str(sent.get()).map_err(|_| StoreError::unreadable("metadata"))?,
            None => Map::new(),
        };
        all.extend(self.metadata.clone());
        let text = serde_json::to_string(&all).map_err(|_| StoreError::unreadable("metadata"))?;
        RawValue::from_string(text).map(Some).map_err(|_| StoreError::unreadable("metadata"))
    }
}

/// Where a value of a type stands in a record.
fn field_of(entry_type: EntryType) -> Option<(Feature, &'static str)> {
    match entry_type {
        EntryType::Document => Some((Feature::Ocr, "document_number")),
        EntryType::Phone => Some((Feature::PhoneVerification, "full_number")),
        EntryType::Email => Some((Feature::EmailVerification, "email")),
        EntryType::IpAddress => Some((Feature::IpAnalysis, "ip_address")),
        EntryType::DeviceFingerprint => Some((Feature::IpAnalysis, "device_fingerprint")),
        EntryType::Face
        | EntryType::WalletAddress
        | EntryType::BankAccount
        | EntryType::Country
        | EntryType::User
        | EntryType::Business
        | EntryType::Key => None,
    }
}

/// The records of a session with a usable value of this type, in order of recording.
pub async fn list_sources(tx: &mut Tx, session: &Session, entry_type: EntryType) -> Result<Vec<Source>, StoreError> {
    let Some((feature, field)) = field_of(entry_type) else { return Ok(Vec::new()) };
    let mut sources = Vec::new();
    for record in records::list_records(tx, session.id).await? {
        if record.feature != feature {
            continue;
        }
        let Some(sent) = record.data.get(field).and_then(Json::as_str) else { continue };
        if let Ok(value) = EntryValue::parse(entry_type, sent) {
            let metadata = if entry_type == EntryType::Document { document_metadata(&record.data) } else { Map::new() };
            sources.push(Source { session: (session.id, session.number), record: record.id, value, metadata });
        }
    }
    Ok(sources)
}

fn document_metadata(data: &Map<String, Json>) -> Map<String, Json> {
    let member = |name: &str| data.get(name).cloned().unwrap_or_default();
    let code = data.get("document_type").and_then(Json::as_str).map(records::document_code);
    [
        ("full_name".to_owned(), member("full_name")),
        ("issuing_state".to_owned(), member("issuing_state")),
        ("document_type".to_owned(), code.into()),
    ]
    .into_iter()
    .collect()
}

/// Marks a record as the source of a blocklist entry.
pub async fn set_mark(tx: &mut Tx, record: RecordId, entry: EntryId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE records SET is_blocklisted = $3, marked_by = $2 WHERE id = $1",
        &[record.0.into(), entry.0.into(), true.into()],
    )
    .await?;
    Ok(())
}

/// Clears the marks an entry holds.
pub async fn clear_marks(tx: &mut Tx, entry: EntryId) -> Result<(), StoreError> {
    tx.execute("UPDATE records SET is_blocklisted = $2, marked_by = NULL WHERE marked_by = $1", &[entry.0.into(), false.into()])
        .await?;
    Ok(())
}
