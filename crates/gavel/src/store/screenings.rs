//! What decisions were made with, item by item, as it was written down when they were made. Nothing later changes it; what
//! is deleted with a record or by an erasure is gone here too.

use std::collections::HashMap;

use gavel_core::{
    entry::EntryValue,
    ids::{ApplicationId, RecordId, SessionId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{StoreError, Tx, Value, read_entry_value};

/// A decision of the lists on what one evidence call brought.
#[derive(Debug)]
pub struct Screening {
    /// Its id.
    pub id: Uuid,
    /// Which lists.
    pub lists_revision: u64,
    /// At which instant.
    pub evaluated_at: Timestamp,
    /// JSON of the roll-up; unknown of decisions of older versions.
    pub summary: Option<String>,
    /// Items that were deleted because their steps were repeated.
    pub items_cleared: u64,
    /// The items that are left, in order of recording: the record, and JSON.
    pub items: Vec<(RecordId, String)>,
}

/// Writes down what the roll-up of a decision was made of.
pub async fn set_summary(tx: &mut Tx, screening: Uuid, summary: &str) -> Result<(), StoreError> {
    tx.send("UPDATE screenings SET summary = $2 WHERE id = $1", &[screening.into(), summary.into()]).await?;
    Ok(())
}

/// Writes down what an item was made with and what came of it.
pub async fn insert_item(
    tx: &mut Tx,
    (screening, session): (Uuid, SessionId),
    (record, ordinal): (RecordId, u64),
    answer: &str,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO screening_items (screening_id, record_id, session_id, ordinal, answer) VALUES ($1, $2, $3, $4, $5)",
        &[screening.into(), record.0.into(), session.0.into(), ordinal.into(), answer.into()],
    )
    .await?;
    Ok(())
}

/// Forgets an item with its record, and remembers that there was one.
pub async fn clear_item(tx: &mut Tx, record: RecordId) -> Result<(), StoreError> {
    let record: [Value; 1] = [record.0.into()];
    tx.send(
        "UPDATE screenings SET items_cleared = items_cleared + 1
         WHERE id IN (SELECT screening_id FROM screening_items WHERE record_id = $1)",
        &record,
    )
    .await?;
    tx.send("DELETE FROM screening_items WHERE record_id = $1", &record).await?;
    Ok(())
}

/// The decisions of a session, oldest first.
pub async fn list_screenings(tx: &mut Tx, application: ApplicationId, session: SessionId) -> Result<Vec<Screening>, StoreError> {
    let params: [Value; 2] = [application.0.into(), session.0.into()];
    let rows = tx
        .query(
            "SELECT id, lists_revision, evaluated_at, summary, items_cleared FROM screenings
             WHERE application_id = $1 AND session_id = $2 ORDER BY evaluated_at, id",
            &params,
        )
        .await?;
    let mut items: HashMap<Uuid, Vec<(RecordId, String)>> = HashMap::new();
    let sql = "SELECT screening_id, record_id, answer FROM screening_items WHERE session_id = $1 ORDER BY ordinal, record_id";
    for row in tx.query(sql, &params[1..]).await? {
        let mut c = row.columns();
        items.entry(c.take()?).or_default().push((RecordId(c.take()?), c.take()?));
    }
    rows.iter()
        .map(|row| {
            let mut c = row.columns();
            let id = c.take()?;
            Ok(Screening {
                id,
                lists_revision: c.take()?,
                evaluated_at: c.take()?,
                summary: c.take()?,
                items_cleared: c.take()?,
                items: items.remove(&id).unwrap_or_default(),
            })
        })
        .collect()
}

/// The normalised values of a session's records, as they were screened.
pub async fn list_signals(tx: &mut Tx, session: SessionId) -> Result<HashMap<RecordId, Vec<EntryValue>>, StoreError> {
    let sql = "SELECT record_id, entry_type, value, match_key FROM signals WHERE session_id = $1 ORDER BY record_id, entry_type";
    let mut found: HashMap<RecordId, Vec<EntryValue>> = HashMap::new();
    for row in tx.query(sql, &[session.0.into()]).await? {
        let mut c = row.columns();
        let record = RecordId(c.take()?);
        found.entry(record).or_default().push(read_entry_value(&mut c)?);
    }
    Ok(found)
}
