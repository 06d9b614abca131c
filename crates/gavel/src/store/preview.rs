//! Past sessions a change of lists would touch, and what their decisions were made with.

use std::{collections::HashMap, net::IpAddr};

use gavel_core::{
    entry::{EntryType, EntryValue},
    evidence::ListFinding,
    ids::{ApplicationId, EntryId, ListId, RecordId, SessionId, SubjectId},
    list::ListType,
    session::{FeatureStatus, SessionKind},
    subject::SubjectStatus,
    time::Timestamp,
};
use ipnet::IpNet;

use super::{StoreError, Tx, Value, records::ordered_bytes};

/// A session and the instant it is decided at, by which sessions follow each other.
pub type Decided = (Timestamp, SessionId);

pub(super) fn decided(rows: &[super::Row]) -> Result<Vec<Decided>, StoreError> {
    rows.iter().map(|row| Ok((row.get(0)?, SessionId(row.get(1)?)))).collect()
}

/// Sessions that have shown a value, or an address of a range, newest first.
pub async fn list_showing(
    tx: &mut Tx,
    application: ApplicationId,
    value: &EntryValue,
    most: u64,
) -> Result<Vec<Decided>, StoreError> {
    let mut params: Vec<Value> = vec![application.0.into(), value.entry_type().as_str().into(), most.into()];
    let condition = showing(value, &mut params);
    let sql = format!(
        "SELECT min(created_at), session_id FROM signals WHERE application_id = $1 AND entry_type = $2 AND {condition}
         GROUP BY session_id ORDER BY max(created_at) DESC LIMIT $3"
    );
    decided(&tx.query(&sql, &params).await?)
}

/// The condition that picks signals with a value, or with an address of a range; its parameters come after three others.
pub(super) fn showing(value: &EntryValue, params: &mut Vec<Value>) -> &'static str {
    match value.network() {
        None => {
            params.push(value.digest().into());
            "key_digest = $4"
        }
        Some(network) => {
            let (first, last) = address_range(network);
            params.extend([first.into(), last.into()]);
            "address >= $4 AND address <= $5"
        }
    }
}

/// The first and the last address of a range, as signals hold them.
pub(super) fn address_range(network: IpNet) -> (Vec<u8>, Vec<u8>) {
    let (first, last) = ends_of(network);
    (ordered_bytes(first), ordered_bytes(last))
}

/// The first and the last address of a network.
pub(super) fn ends_of(network: IpNet) -> (IpAddr, IpAddr) {
    match network {
        IpNet::V4(network) => (network.network().into(), network.broadcast().into()),
        IpNet::V6(network) => (network.network().into(), network.broadcast().into()),
    }
}

/// Sessions whose decision an entry had a part in, newest first.
pub async fn list_hit(tx: &mut Tx, entry: EntryId, most: u64) -> Result<Vec<Decided>, StoreError> {
    let sql =
        "SELECT min(s.evaluated_at), s.session_id FROM hits h JOIN screenings s ON s.id = h.screening_id WHERE h.entry_id = $1
         GROUP BY s.session_id ORDER BY max(s.evaluated_at) DESC LIMIT $2";
    decided(&tx.query(sql, &[entry.0.into(), most.into()]).await?)
}

/// How many sessions' decisions entries of a list had a part in; not counted further than `most`.
pub async fn count_hit_by_list(tx: &mut Tx, list: ListId, most: u64) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM (
             SELECT DISTINCT s.session_id FROM hits h JOIN screenings s ON s.id = h.screening_id WHERE h.list_id = $1 LIMIT $2) t";
    tx.query_opt(sql, &[list.0.into(), most.into()]).await?.map_or(Ok(0), |row| row.get(0))
}

/// Sessions of a person or company whose `vendor_data` has this match key, newest first.
pub async fn list_of_subject(
    tx: &mut Tx,
    application: ApplicationId,
    value: &EntryValue,
    most: u64,
) -> Result<Vec<Decided>, StoreError> {
    let kind = if value.entry_type() == EntryType::Business { "business" } else { "user" };
    let sql = "SELECT created_at, id FROM sessions WHERE application_id = $1 AND kind = $2 AND vendor_folded = $3 AND deleted_at IS NULL
         ORDER BY number DESC LIMIT $4";
    let params: [Value; 4] = [application.0.into(), kind.into(), value.key().into(), most.into()];
    decided(&tx.query(sql, &params).await?)
}

/// A hit a decision was made with.
pub struct StoredHit {
    /// The entry.
    pub entry: EntryId,
    /// What it said.
    pub finding: ListFinding,
}

/// The hits of a session's records as they were stored with its decisions.
pub async fn list_hits(tx: &mut Tx, session: SessionId) -> Result<HashMap<RecordId, Vec<StoredHit>>, StoreError> {
    let mut found: HashMap<RecordId, Vec<StoredHit>> = HashMap::new();
    let sql = "SELECT h.record_id, h.entry_id, h.list_id, l.list_type, h.entry_type, e.held_at, g.value
         FROM screenings s JOIN hits h ON h.screening_id = s.id JOIN lists l ON l.id = h.list_id
         JOIN signals g ON g.record_id = h.record_id AND g.entry_type = h.entry_type
         LEFT JOIN entries e ON e.id = h.entry_id AND e.added_rev = h.entry_added_rev
         WHERE s.session_id = $1 ORDER BY h.entry_added_rev, h.entry_id";
    for row in tx.query(sql, &[session.0.into()]).await? {
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

/// The values a session's records were screened with. What an edit has changed since is no part of its decision.
pub async fn list_signals(tx: &mut Tx, session: SessionId) -> Result<HashMap<RecordId, Vec<EntryValue>>, StoreError> {
    let mut found: HashMap<RecordId, Vec<EntryValue>> = HashMap::new();
    let sql = "SELECT record_id, entry_type, value FROM signals WHERE session_id = $1 ORDER BY record_id, entry_type";
    for row in tx.query(sql, &[session.0.into()]).await? {
        let entry_type = EntryType::from_name(&row.get::<String>(1)?).ok_or_else(|| StoreError::unreadable("entry type"))?;
        let value = EntryValue::parse(entry_type, &row.get::<String>(2)?).map_err(|_| StoreError::unreadable("signal"))?;
        found.entry(RecordId(row.get(0)?)).or_default().push(value);
    }
    Ok(found)
}

/// A record of somebody else that holds the same value, from before.
pub struct Earlier {
    /// The record.
    pub record: RecordId,
    /// How it came out.
    pub status: FeatureStatus,
}

/// Records of other people's live sessions with this value from before an instant, newest first; as many as a decision
/// looks at ([`super::duplicates`]).
pub async fn list_earlier(
    tx: &mut Tx,
    application: ApplicationId,
    (session, vendor_data): (SessionId, Option<&str>),
    value: &EntryValue,
    before: Timestamp,
) -> Result<Vec<Earlier>, StoreError> {
    let sql = "SELECT r.id, r.status
         FROM signals g JOIN records r ON r.id = g.record_id JOIN sessions s ON s.id = g.session_id
         WHERE g.application_id = $1 AND g.entry_type = $2 AND g.key_digest = $3 AND g.session_id <> $4 AND g.created_at < $6
             AND s.deleted_at IS NULL AND (s.vendor_data IS NULL OR s.vendor_data <> $5)
         ORDER BY g.created_at DESC LIMIT 200";
    let params: [Value; 6] = [
        application.0.into(),
        value.entry_type().as_str().into(),
        value.digest().into(),
        session.0.into(),
        vendor_data.unwrap_or_default().into(),
        before.into(),
    ];
    tx.query(sql, &params)
        .await?
        .iter()
        .map(|row| {
            let status = FeatureStatus::from_name(&row.get::<String>(1)?).ok_or_else(|| StoreError::unreadable("status"))?;
            Ok(Earlier { record: RecordId(row.get(0)?), status })
        })
        .collect()
}

/// The live entries of blocklists about a user or business that the flood guard does not hold.
pub async fn list_blocking(
    tx: &mut Tx,
    application: ApplicationId,
    value: &EntryValue,
    now: Timestamp,
) -> Result<Vec<EntryId>, StoreError> {
    let sql = "SELECT e.id FROM lists l JOIN entries e ON e.list_id = l.id AND e.key_digest = $3
         WHERE l.application_id = $1 AND l.list_type = 'blocklist' AND l.entry_type = $2 AND l.deleted_at IS NULL
             AND e.removed_rev IS NULL AND e.held_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > $4)";
    let params: [Value; 4] = [application.0.into(), value.entry_type().as_str().into(), value.digest().into(), now.into()];
    tx.query(sql, &params).await?.iter().map(|row| row.get(0).map(EntryId)).collect()
}

/// A user or business: its id, what the caller calls it, where it stands.
pub type Standing = (SubjectId, Option<String>, SubjectStatus);

/// The users or businesses a value names, newest first.
pub async fn list_subjects(
    tx: &mut Tx,
    application: ApplicationId,
    (kind, value): (SessionKind, &EntryValue),
    most: u64,
) -> Result<Vec<Standing>, StoreError> {
    let sql = "SELECT id, vendor_data, status FROM subjects WHERE application_id = $1 AND kind = $2 AND key_digest = $3
         ORDER BY created_at DESC, id DESC LIMIT $4";
    let rows = tx.query(sql, &[application.0.into(), kind.as_str().into(), value.digest().into(), most.into()]).await?;
    let read = |row: &super::Row| {
        let status = SubjectStatus::from_name(&row.get::<String>(2)?).ok_or_else(|| StoreError::unreadable("subject status"))?;
        Ok((SubjectId(row.get(0)?), row.get(1)?, status))
    };
    rows.iter().map(read).collect()
}
