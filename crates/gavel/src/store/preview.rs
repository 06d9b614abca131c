//! Past sessions a change of lists would touch, and what their decisions were made with.

use std::collections::HashMap;

use gavel_core::{
    entry::{EntryType, EntryValue},
    evidence::ListFinding,
    ids::{ApplicationId, EntryId, ListId, RecordId, SessionId},
    list::ListType,
    time::Timestamp,
};
use ipnet::IpNet;

use super::{StoreError, Tx, Value, db::placeholders, records::ordered_bytes};

/// Sessions that have shown a value, or an address of a range, newest first.
pub async fn list_showing(
    tx: &mut Tx,
    application: ApplicationId,
    value: &EntryValue,
    most: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let mut params: Vec<Value> = vec![application.0.into(), value.entry_type().as_str().into(), most.into()];
    let condition = match value.network() {
        None => {
            params.push(value.digest().into());
            "key_digest = $4"
        }
        Some(network) => {
            let (first, last) = match network {
                IpNet::V4(network) => (network.network().into(), network.broadcast().into()),
                IpNet::V6(network) => (network.network().into(), network.broadcast().into()),
            };
            params.extend([ordered_bytes(first).into(), ordered_bytes(last).into()]);
            "address >= $4 AND address <= $5"
        }
    };
    let sql = format!(
        "SELECT session_id FROM signals WHERE application_id = $1 AND entry_type = $2 AND {condition}
         GROUP BY session_id ORDER BY max(created_at) DESC LIMIT $3"
    );
    tx.query(&sql, &params).await?.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// Sessions whose decision an entry had a part in, newest first.
pub async fn list_hit(tx: &mut Tx, entry: EntryId, most: u64) -> Result<Vec<SessionId>, StoreError> {
    let sql = "SELECT s.session_id FROM hits h JOIN screenings s ON s.id = h.screening_id WHERE h.entry_id = $1
         GROUP BY s.session_id ORDER BY max(s.evaluated_at) DESC LIMIT $2";
    tx.query(sql, &[entry.0.into(), most.into()]).await?.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// Sessions of a person or company whose `vendor_data` has this match key, newest first.
pub async fn list_of_subject(
    tx: &mut Tx,
    application: ApplicationId,
    value: &EntryValue,
    most: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let kind = if value.entry_type() == EntryType::Business { "business" } else { "user" };
    let sql = "SELECT id FROM sessions WHERE application_id = $1 AND kind = $2 AND vendor_folded = $3 AND deleted_at IS NULL
         ORDER BY number DESC LIMIT $4";
    let params: [Value; 4] = [application.0.into(), kind.into(), value.key().into(), most.into()];
    tx.query(sql, &params).await?.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// A hit a decision was made with.
pub struct StoredHit {
    /// The entry.
    pub entry: EntryId,
    /// What it said.
    pub finding: ListFinding,
}

/// The hits of these sessions' records as they were stored with the decisions.
pub async fn list_hits(tx: &mut Tx, sessions: &[SessionId]) -> Result<HashMap<RecordId, Vec<StoredHit>>, StoreError> {
    let mut found: HashMap<RecordId, Vec<StoredHit>> = HashMap::new();
    if sessions.is_empty() {
        return Ok(found);
    }
    let params: Vec<Value> = sessions.iter().map(|id| id.0.into()).collect();
    let sql = format!(
        "SELECT h.record_id, h.entry_id, h.list_id, l.list_type, h.entry_type, e.held_at, g.value
         FROM screenings s JOIN hits h ON h.screening_id = s.id JOIN lists l ON l.id = h.list_id
         JOIN signals g ON g.record_id = h.record_id AND g.entry_type = h.entry_type
         LEFT JOIN entries e ON e.id = h.entry_id AND e.added_rev = h.entry_added_rev
         WHERE s.session_id IN ({}) ORDER BY h.entry_added_rev, h.entry_id",
        placeholders(1, params.len())
    );
    for row in tx.query(&sql, &params).await? {
        let mut c = row.columns();
        let record = RecordId(c.take()?);
        let (entry, list) = (EntryId(c.take()?), ListId(c.take()?));
        let list_type = ListType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("list type"))?;
        let entry_type = EntryType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("entry type"))?;
        let held = c.take::<Option<Timestamp>>()?.is_some();
        let finding = ListFinding { entry_type, list_type, list, entry, value: c.take()?, held, face: None };
        found.entry(record).or_default().push(StoredHit { entry, finding });
    }
    Ok(found)
}
