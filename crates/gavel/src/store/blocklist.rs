//! The system blocklists as seen from sessions: the entries that were made from one.

use gavel_core::{
    entry::EntryType,
    ids::{ApplicationId, EntryId, ListId, SessionId},
    time::Timestamp,
};
use serde_json::{Map, Value as Json};

use super::{
    Row, StoreError, Tx, Value,
    db::placeholders,
    lists::{self, Filter, List},
};

/// An entry made from a session.
pub struct FromSession {
    /// What it is.
    pub entry_type: EntryType,
    /// The session and its number.
    pub session: (SessionId, i64),
    /// Normalised.
    pub value: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The item it was taken from, as long as the session is there.
    pub data: Option<Map<String, Json>>,
}

fn from_row(row: &Row) -> Result<FromSession, StoreError> {
    let mut c = row.columns();
    Ok(FromSession {
        entry_type: EntryType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("entry type"))?,
        session: (SessionId(c.take()?), c.take()?),
        value: c.take()?,
        created_at: c.take()?,
        data: c
            .take::<Option<String>>()?
            .map(|text| serde_json::from_str(&text).map_err(|_| StoreError::unreadable("record")))
            .transpose()?,
    })
}

/// The system blocklist of this type.
pub async fn find_system(
    tx: &mut Tx,
    application: ApplicationId,
    entry_type: EntryType,
    now: Timestamp,
) -> Result<List, StoreError> {
    let filter = Filter { entry_type: Some(entry_type), is_system: Some(true), ..Filter::default() };
    let (found, _) = lists::list_lists(tx, application, &filter, (1, 0), now).await?;
    found.into_iter().next().ok_or_else(|| StoreError::unreadable("system list"))
}

/// The live entries of a list that were made from a session.
pub async fn list_made_from(tx: &mut Tx, list: ListId, session: SessionId) -> Result<Vec<EntryId>, StoreError> {
    let rows = tx
        .query(
            "SELECT id FROM entries WHERE list_id = $1 AND reference_session_id = $2 AND removed_rev IS NULL",
            &[list.0.into(), session.0.into()],
        )
        .await?;
    rows.iter().map(|row| row.get(0).map(EntryId)).collect()
}

/// A page of the live entries of the system blocklists of these types that were made from a session, newest first, and
/// how many there are in all.
pub async fn list_from_sessions(
    tx: &mut Tx,
    application: ApplicationId,
    types: &[EntryType],
    (limit, offset): (u64, u64),
    now: Timestamp,
) -> Result<(Vec<FromSession>, u64), StoreError> {
    let source = format!(
        "FROM entries e JOIN lists l ON l.id = e.list_id AND l.is_system AND l.list_type = 'blocklist'
         LEFT JOIN sessions s ON s.id = e.reference_session_id AND s.deleted_at IS NULL
         LEFT JOIN records r ON r.id = e.reference_record_id AND r.session_id = s.id
         WHERE l.application_id = $1 AND e.removed_rev IS NULL AND (e.expires_at IS NULL OR e.expires_at > $2)
             AND e.reference_session_id IS NOT NULL AND l.entry_type IN ({})",
        placeholders(3, types.len())
    );
    let mut params: Vec<Value> = vec![application.0.into(), now.into()];
    params.extend(types.iter().map(|entry_type| Value::from(entry_type.as_str())));
    let total = tx.query_opt(&format!("SELECT count(*) {source}"), &params).await?.map_or(Ok(0), |row| row.get(0))?;
    params.extend([limit.into(), offset.into()]);
    let sql = format!(
        "SELECT l.entry_type, e.reference_session_id, e.reference_session_number, e.value, e.created_at, r.data {source}
         ORDER BY e.created_at DESC, e.id DESC LIMIT ${} OFFSET ${}",
        params.len() - 1,
        params.len()
    );
    let rows = tx.query(&sql, &params).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}
