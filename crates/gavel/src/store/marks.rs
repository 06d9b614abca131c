//! Entries and the records they were made from: where a value comes from, and the mark that shows it was blocked.
//!
//! A mark is a view for people and clients. Nothing that decides reads it.

use gavel_core::{
    entry::{EntryType, EntryValue},
    evidence::{Feature, document_code},
    ids::{ApplicationId, EntryId, ListId, RecordId, SessionId},
    time::Timestamp,
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
    let code = document_code(data);
    [
        ("full_name".to_owned(), member("full_name")),
        ("issuing_state".to_owned(), member("issuing_state")),
        ("document_type".to_owned(), code.into()),
    ]
    .into_iter()
    .collect()
}

/// The values one of `records` holds now, as edits have left it.
const HELD_NOW: &str = "(
    SELECT g.application_id, g.entry_type, g.key_digest FROM signals g
    WHERE g.record_id = records.id
        AND NOT EXISTS (SELECT 1 FROM corrected_signals c WHERE c.record_id = g.record_id AND c.entry_type = g.entry_type)
    UNION ALL
    SELECT c.application_id, c.entry_type, c.key_digest FROM corrected_signals c
    WHERE c.record_id = records.id AND c.key_digest IS NOT NULL) s";

/// Whether an entry of this type, made from a session, leaves a mark on its record (contract, lists §6).
pub fn leaves_mark(entry_type: EntryType) -> bool {
    matches!(entry_type, EntryType::Face | EntryType::Document | EntryType::Phone | EntryType::Email)
}

/// Marks a record as the source of a blocklist entry.
pub async fn set_mark(tx: &mut Tx, record: RecordId, entry: EntryId) -> Result<(), StoreError> {
    tx.send(
        "UPDATE records SET is_blocklisted = $3, marked_by = $2 WHERE id = $1",
        &[record.0.into(), entry.0.into(), true.into()],
    )
    .await?;
    Ok(())
}

/// Marks a record unless another entry holds its mark.
pub async fn set_mark_if_free(tx: &mut Tx, record: RecordId, entry: EntryId) -> Result<(), StoreError> {
    tx.send(
        "UPDATE records SET is_blocklisted = $3, marked_by = $2 WHERE id = $1 AND marked_by IS NULL",
        &[record.0.into(), entry.0.into(), true.into()],
    )
    .await?;
    Ok(())
}

/// Gives the entries a revision brought to a blocklist the marks of their records back, where nobody else holds them.
pub async fn restore_marks(tx: &mut Tx, list: ListId, revision: u64, now: Timestamp) -> Result<(), StoreError> {
    let brought = "FROM entries e WHERE e.list_id = $1 AND e.added_rev = $2 AND (e.expires_at IS NULL OR e.expires_at > $3)
         AND e.reference_record_id IS NOT NULL";
    tx.send(
        &format!(
            "UPDATE records SET is_blocklisted = $4, marked_by = (SELECT e.id {brought} AND e.reference_record_id = records.id LIMIT 1)
             WHERE marked_by IS NULL AND id IN (SELECT e.reference_record_id {brought})"
        ),
        &[list.0.into(), revision.into(), now.into(), true.into()],
    )
    .await?;
    Ok(())
}

/// Whether any mark is held by an entry that expired after one instant and up to another.
pub async fn is_expired(tx: &mut Tx, (after, now): (Timestamp, Timestamp)) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM entries e JOIN records r ON r.marked_by = e.id
         WHERE e.removed_rev IS NULL AND e.expires_at > $1 AND e.expires_at <= $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[after.into(), now.into()]).await?.is_some())
}

/// Lets go of the marks of entries that expired after one instant and up to another, as [`release_marks`] does for removed
/// ones.
pub async fn release_expired(tx: &mut Tx, (after, now): (Timestamp, Timestamp)) -> Result<(), StoreError> {
    let covering = format!(
        "FROM {HELD_NOW}
         JOIN lists l ON l.application_id = s.application_id AND l.entry_type = s.entry_type AND l.list_type = 'blocklist'
         JOIN entries x ON x.id = records.marked_by AND x.removed_rev IS NULL
         JOIN lists lx ON lx.id = x.list_id AND lx.entry_type = s.entry_type
         JOIN entries e ON e.list_id = l.id AND e.key_digest = s.key_digest AND e.removed_rev IS NULL
         WHERE e.expires_at IS NULL OR e.expires_at > $2"
    );
    tx.send(
        &format!(
            "UPDATE records
             SET marked_by = (SELECT e.id {covering} ORDER BY e.created_at, e.id LIMIT 1),
                 is_blocklisted = EXISTS (SELECT 1 {covering})
             WHERE marked_by IN (SELECT id FROM entries WHERE removed_rev IS NULL AND expires_at > $1 AND expires_at <= $2)"
        ),
        &[after.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Clears the marks on these records.
pub async fn clear_marks(tx: &mut Tx, records: &[RecordId]) -> Result<(), StoreError> {
    for record in records {
        let params = [record.0.into(), false.into()];
        tx.send("UPDATE records SET is_blocklisted = $2, marked_by = NULL WHERE id = $1", &params).await?;
    }
    Ok(())
}

/// Lets go of the marks held by the entries this revision removed: another live blocklist entry that covers the record's
/// value takes the mark over, else it is cleared. To be called when everything the revision adds is written.
///
/// Only types compared by match key leave marks, so "covers" is an equal digest.
pub async fn release_marks(
    tx: &mut Tx,
    application: ApplicationId,
    entry_type: EntryType,
    revision: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !leaves_mark(entry_type) {
        return Ok(());
    }
    let covering = format!(
        "FROM {HELD_NOW}
         JOIN lists l ON l.application_id = s.application_id AND l.entry_type = s.entry_type AND l.list_type = 'blocklist'
         JOIN entries e ON e.list_id = l.id AND e.key_digest = s.key_digest AND e.removed_rev IS NULL
         WHERE s.entry_type = $3 AND (e.expires_at IS NULL OR e.expires_at > $4)"
    );
    tx.send(
        &format!(
            "UPDATE records
             SET marked_by = (SELECT e.id {covering} ORDER BY e.created_at, e.id LIMIT 1),
                 is_blocklisted = EXISTS (SELECT 1 {covering})
             WHERE marked_by IN (SELECT r.id FROM entries r WHERE r.application_id = $1 AND r.removed_rev = $2)"
        ),
        &[application.0.into(), revision.into(), entry_type.as_str().into(), now.into()],
    )
    .await?;
    Ok(())
}
