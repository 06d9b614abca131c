//! Records of other sessions that hold the same value.

use gavel_core::{
    entry::EntryValue,
    ids::{ApplicationId, SessionId},
    session::{FeatureStatus, SessionStatus},
    time::Timestamp,
};
use serde_json::{Map, Value as Json};

use super::{Row, StoreError, Tx, corrections::NOT_CORRECTED, sessions::read_status};

/// Of the records that hold a value, how many of the newest are looked at: a value half the world shares costs no more
/// than another.
const LOOKED_AT: u64 = 200;
/// Most rows answered: a session may hold the value several times.
const MOST: u64 = 20;

/// A record of another session.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The session.
    pub session: SessionId,
    /// Its number.
    pub number: i64,
    /// Whose it is.
    pub vendor_data: Option<String>,
    /// Where it stands now.
    pub status: SessionStatus,
    /// The standalone call that made it.
    pub api_service: Option<String>,
    /// How the record itself came out.
    pub outcome: FeatureStatus,
    /// The record's item.
    pub data: Map<String, Json>,
    /// Whether an entry was made from the record.
    pub is_blocklisted: bool,
    /// When the record was made.
    pub recorded_at: Timestamp,
}

fn from_row(row: &Row) -> Result<Seen, StoreError> {
    let mut c = row.columns();
    Ok(Seen {
        session: SessionId(c.take()?),
        number: c.take()?,
        vendor_data: c.take()?,
        status: read_status(&c.take::<String>()?)?,
        api_service: c.take()?,
        outcome: FeatureStatus::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("feature status"))?,
        data: serde_json::from_str(&c.take::<String>()?).map_err(|_| StoreError::unreadable("record"))?,
        is_blocklisted: c.take()?,
        recorded_at: c.take()?,
    })
}

/// Records of other people's live sessions with this value, newest first: those that were approved, or all of them when
/// the value is on a blocklist. A session without `vendor_data` is somebody else's to everybody.
pub async fn list_seen(
    tx: &mut Tx,
    application: ApplicationId,
    (session, vendor_data): (SessionId, Option<&str>),
    value: &EntryValue,
    is_blocked: bool,
) -> Result<Vec<Seen>, StoreError> {
    let approved = if is_blocked { "" } else { "AND r.status = 'Approved'" };
    let rows = tx
        .query(
            &format!(
                "SELECT s.id, s.number, s.vendor_data, s.status, s.api_service, r.status, r.data, r.is_blocklisted, g.created_at
                 FROM (SELECT * FROM (SELECT s.record_id, s.session_id, s.created_at FROM signals s
                           WHERE s.application_id = $1 AND s.entry_type = $2 AND s.key_digest = $3 AND s.session_id <> $4
                               AND {NOT_CORRECTED}
                           ORDER BY s.created_at DESC LIMIT $6) found
                       UNION ALL
                       SELECT * FROM (SELECT record_id, session_id, created_at FROM corrected_signals
                           WHERE application_id = $1 AND entry_type = $2 AND key_digest = $3 AND session_id <> $4
                           ORDER BY created_at DESC LIMIT $6) edited) g
                 JOIN records r ON r.id = g.record_id JOIN sessions s ON s.id = g.session_id
                 WHERE s.deleted_at IS NULL AND (s.vendor_data IS NULL OR s.vendor_data <> $5) {approved}
                 ORDER BY g.created_at DESC, s.number DESC LIMIT $7"
            ),
            &[
                application.0.into(),
                value.entry_type().as_str().into(),
                value.digest().into(),
                session.0.into(),
                // No session has the empty text as its vendor_data: to a session without one everybody is somebody else.
                vendor_data.unwrap_or_default().into(),
                LOOKED_AT.into(),
                MOST.into(),
            ],
        )
        .await?;
    rows.iter().map(from_row).collect()
}
