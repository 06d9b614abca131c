//! Recorded feature results, their signals, and what they were screened with.

use gavel_core::{
    entry::EntryType,
    evidence::Feature,
    ids::{ApplicationId, MediaId, RecordId, SessionId},
    screening::Hit,
    session::FeatureStatus,
    time::Timestamp,
};
use serde_json::{Value as Json, value::RawValue};
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value};

/// One feature result of a session.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// The session it belongs to.
    pub session: SessionId,
    /// What was checked.
    pub feature: Feature,
    /// The step; none for standalone calls.
    pub node_id: Option<String>,
    /// Place in the order of recording.
    pub ordinal: u64,
    /// Its own outcome.
    pub status: FeatureStatus,
    /// The item as of the contract, without what the server adds (node, status, warnings, matches).
    pub data: serde_json::Map<String, Json>,
    /// The warnings, as answered.
    pub warnings: Json,
    /// Other sessions with the same value, as answered.
    pub matches: Json,
    /// A view for people: an entry was made from this record.
    pub is_blocklisted: bool,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// What it was weighed with beside its data and the lists; unknown of records of older versions.
    pub weighed_with: Option<Json>,
}

const COLUMNS: &str = "id, session_id, feature, node_id, ordinal, status, data, warnings, matches, is_blocklisted, created_at,
    weighed_with";

fn from_row(row: &Row) -> Result<Record, StoreError> {
    let mut c = row.columns();
    let json = |text: String| serde_json::from_str(&text).map_err(|_| StoreError::unreadable("record"));
    Ok(Record {
        id: RecordId(c.take()?),
        session: SessionId(c.take()?),
        feature: Feature::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("feature"))?,
        node_id: c.take()?,
        ordinal: c.take()?,
        status: FeatureStatus::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("feature status"))?,
        data: serde_json::from_str(&c.take::<String>()?).map_err(|_| StoreError::unreadable("record"))?,
        warnings: json(c.take()?)?,
        matches: json(c.take()?)?,
        is_blocklisted: c.take()?,
        created_at: c.take()?,
        weighed_with: c.take::<Option<String>>()?.map(json).transpose()?,
    })
}

/// Writes a record.
pub async fn insert_record(tx: &mut Tx, application: ApplicationId, record: &Record) -> Result<(), StoreError> {
    let data = serde_json::to_string(&record.data).map_err(|_| StoreError::unreadable("record"))?;
    tx.send(
        "INSERT INTO records (application_id, id, session_id, feature, node_id, ordinal, status, data, warnings, matches,
             is_blocklisted, created_at, weighed_with)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            application.0.into(),
            record.id.0.into(),
            record.session.0.into(),
            record.feature.name().into(),
            record.node_id.as_ref().into(),
            record.ordinal.into(),
            record.status.as_str().into(),
            data.into(),
            record.warnings.to_string().into(),
            record.matches.to_string().into(),
            record.is_blocklisted.into(),
            record.created_at.into(),
            record.weighed_with.as_ref().map(Json::to_string).into(),
        ],
    )
    .await?;
    note_shown(tx, record).await
}

/// Notes which sessions a record shows: by these one is found when it is erased.
async fn note_shown(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    for shown in record.matches.as_array().into_iter().flatten() {
        if let Some(id) = shown.get("session_id").and_then(Json::as_str).and_then(|id| id.parse::<SessionId>().ok()) {
            tx.send(
                "INSERT INTO shown_in (session_id, record_id, holder_id) VALUES ($1, $2, $3)
                 ON CONFLICT (session_id, record_id) DO NOTHING",
                &[id.0.into(), record.id.0.into(), record.session.0.into()],
            )
            .await?;
        }
    }
    Ok(())
}

/// The records of a session, in order of recording.
pub async fn list_records(tx: &mut Tx, session: SessionId) -> Result<Vec<Record>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM records WHERE session_id = $1 ORDER BY ordinal");
    tx.query(&sql, &[session.0.into()]).await?.iter().map(from_row).collect()
}

/// A record as a decision shows it: what is JSON stays text.
pub struct ShownRecord {
    /// What was checked.
    pub feature: Feature,
    /// The step; none for standalone calls.
    pub node_id: Option<String>,
    /// Its own outcome.
    pub status: FeatureStatus,
    /// The item without what the server adds, an object.
    pub data: String,
    /// An array.
    pub warnings: Box<RawValue>,
    /// An array.
    pub matches: Box<RawValue>,
}

/// The records of a session as a decision shows them, in order of recording.
pub async fn list_shown(tx: &mut Tx, session: SessionId) -> Result<Vec<ShownRecord>, StoreError> {
    let sql = "SELECT feature, node_id, status, data, warnings, matches FROM records WHERE session_id = $1 ORDER BY ordinal";
    let unreadable = || StoreError::unreadable("record");
    let json = |text: String| RawValue::from_string(text).map_err(|_| unreadable());
    let read = |row: &Row| {
        let mut c = row.columns();
        Ok(ShownRecord {
            feature: Feature::from_name(&c.take::<String>()?).ok_or_else(unreadable)?,
            node_id: c.take()?,
            status: FeatureStatus::from_name(&c.take::<String>()?).ok_or_else(unreadable)?,
            data: c.take()?,
            warnings: json(c.take()?)?,
            matches: json(c.take()?)?,
        })
    };
    tx.query(sql, &[session.0.into()]).await?.iter().map(read).collect()
}

/// The records of several sessions, in order of recording within each.
pub async fn list_records_of(tx: &mut Tx, sessions: &[SessionId]) -> Result<Vec<Record>, StoreError> {
    if sessions.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE session_id IN ({}) ORDER BY session_id, ordinal",
        super::db::placeholders(1, sessions.len())
    );
    let params: Vec<Value> = sessions.iter().map(|id| id.0.into()).collect();
    tx.query(&sql, &params).await?.iter().map(from_row).collect()
}

/// Changes the status of one record.
pub async fn set_status(tx: &mut Tx, id: RecordId, status: FeatureStatus) -> Result<(), StoreError> {
    tx.send("UPDATE records SET status = $2 WHERE id = $1", &[id.0.into(), status.as_str().into()]).await?;
    Ok(())
}

/// Changes the data of one record, and who else has shown the same.
pub async fn set_data(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    let data = serde_json::to_string(&record.data).map_err(|_| StoreError::unreadable("record"))?;
    let params = [record.id.0.into(), data.into(), record.matches.to_string().into()];
    tx.send("UPDATE records SET data = $2, matches = $3 WHERE id = $1", &params).await?;
    note_shown(tx, record).await
}

/// Switches the ongoing monitoring of a session's AML screenings off, or on again where it was switched off.
pub async fn switch_monitoring(tx: &mut Tx, session: SessionId, on: bool) -> Result<(), StoreError> {
    const SWITCH: &str = "is_ongoing_monitoring_enabled";
    let sql = "SELECT id, data FROM records WHERE session_id = $1 AND feature = $2 AND monitoring_paused = $3";
    let unreadable = |_| StoreError::unreadable("record");
    for row in tx.query(sql, &[session.0.into(), Feature::Aml.name().into(), on.into()]).await? {
        let mut data: serde_json::Map<String, Json> = serde_json::from_str(&row.get::<String>(1)?).map_err(unreadable)?;
        if data.get(SWITCH).and_then(Json::as_bool) != Some(!on) {
            continue; // Never monitored.
        }
        data.insert(SWITCH.into(), on.into());
        let data = serde_json::to_string(&data).map_err(unreadable)?;
        tx.send(
            "UPDATE records SET data = $2, monitoring_paused = $3 WHERE id = $1",
            &[row.get::<Uuid>(0)?.into(), data.into(), (!on).into()],
        )
        .await?;
    }
    Ok(())
}

/// Takes a record's captured data, warnings, signals and stored hits away; the step waits to be repeated.
pub async fn clear_record(tx: &mut Tx, id: RecordId) -> Result<(), StoreError> {
    super::screenings::clear_item(tx, id).await?;
    let id = [Value::from(id.0)];
    tx.send("DELETE FROM hits WHERE record_id = $1", &id).await?;
    tx.send("DELETE FROM signals WHERE record_id = $1", &id).await?;
    tx.send("DELETE FROM corrected_signals WHERE record_id = $1", &id).await?;
    tx.send("DELETE FROM records WHERE id = $1", &id).await?;
    Ok(())
}

/// A normalised value found in a record.
pub struct Signal<'a> {
    /// The record.
    pub record: RecordId,
    /// Its session.
    pub session: SessionId,
    /// The value.
    pub value: &'a gavel_core::entry::EntryValue,
    /// When it was recorded.
    pub at: Timestamp,
}

/// Writes a signal.
pub async fn insert_signal(tx: &mut Tx, application: ApplicationId, signal: &Signal<'_>) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO signals (record_id, entry_type, application_id, session_id, value, match_key, key_digest, address, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (record_id, entry_type) DO NOTHING",
        &[
            signal.record.0.into(),
            signal.value.entry_type().as_str().into(),
            application.0.into(),
            signal.session.0.into(),
            signal.value.stored().into(),
            signal.value.key().into(),
            signal.value.digest().into(),
            signal.value.network().map(|net| ordered_bytes(net.addr())).into(),
            signal.at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// 16 bytes in the order of addresses; IPv4 as mapped IPv6.
pub(super) fn ordered_bytes(address: std::net::IpAddr) -> Vec<u8> {
    match address {
        std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().octets().to_vec(),
        std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// Writes what a decision was made with: the state of the lists, the instant, and every hit.
pub async fn insert_screening(
    tx: &mut Tx,
    id: Uuid,
    (application, session): (ApplicationId, SessionId),
    lists_revision: u64,
    evaluated_at: Timestamp,
    hits: &[(RecordId, EntryType, Hit)],
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO screenings (id, application_id, session_id, lists_revision, evaluated_at) VALUES ($1, $2, $3, $4, $5)",
        &[id.into(), application.0.into(), session.0.into(), lists_revision.into(), evaluated_at.into()],
    )
    .await?;
    for (record, entry_type, hit) in hits {
        tx.send(
            "INSERT INTO hits (screening_id, record_id, entry_id, entry_added_rev, list_id, entry_type, comparison)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[
                id.into(),
                record.0.into(),
                hit.entry.0.into(),
                hit.added_rev.into(),
                hit.list.0.into(),
                entry_type.as_str().into(),
                hit.comparison.as_str().into(),
            ],
        )
        .await?;
        super::hits::insert_waiting(tx, (id, *record), hit.entry, evaluated_at).await?;
    }
    Ok(())
}

/// The files a session's records name; they go with the session.
pub fn media_of(records: &[Record]) -> Vec<MediaId> {
    let mut found = Vec::new();
    for record in records {
        let mut item = Json::Object(record.data.clone());
        let collect = std::cell::RefCell::new(&mut found);
        gavel_core::evidence::link_media(record.feature.array(), &mut item, &|id| {
            collect.borrow_mut().push(id);
            String::new()
        });
    }
    found
}

/// The latest picture of a person's face that was found good: of a liveness check, or the portrait of a document.
pub async fn find_stored_face(tx: &mut Tx, application: ApplicationId, vendor_data: &str) -> Result<Option<MediaId>, StoreError> {
    // A few rows, because a record may have been made without a picture.
    let sql = "SELECT r.feature, r.data FROM records r JOIN sessions s ON s.id = r.session_id
         WHERE s.application_id = $1 AND s.vendor_data = $2 AND s.kind = 'user' AND s.deleted_at IS NULL
             AND r.feature IN ($3, $4) AND r.status = $5
         ORDER BY r.created_at DESC, r.ordinal DESC LIMIT 20";
    let (liveness, document) = (Feature::Liveness.name(), Feature::Ocr.name());
    let params: [Value; 5] =
        [application.0.into(), vendor_data.into(), liveness.into(), document.into(), FeatureStatus::Approved.as_str().into()];
    for row in tx.query(sql, &params).await? {
        let mut c = row.columns();
        let member = if c.take::<String>()? == liveness { "reference_image" } else { "portrait_image" };
        let data: Json = serde_json::from_str(&c.take::<String>()?).map_err(|_| StoreError::unreadable("record"))?;
        let placeholder = data.get(member).and_then(Json::as_str);
        let id = placeholder.and_then(gavel_core::evidence::stored_media);
        if id.is_some() {
            return Ok(id);
        }
    }
    Ok(None)
}
