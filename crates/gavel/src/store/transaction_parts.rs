//! What hangs on a transaction: the values of its parties, the entries they matched, what people should know of it, what
//! happened to it. None of it changes; what an activity said stands beside it, where an erasure can delete it.

use gavel_core::{
    entry::EntryType,
    ids::{ApplicationId, TransactionId},
    screening::Hit,
    time::Timestamp,
    transaction::{PartyValue, Severity, Side},
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{StoreError, Tx, records::ordered_bytes, transactions::read_json};

/// Takes the values of a transaction away, before others are written.
pub async fn clear_signals(tx: &mut Tx, transaction: TransactionId) -> Result<(), StoreError> {
    tx.send("DELETE FROM transaction_signals WHERE transaction_id = $1", &[transaction.0.into()]).await?;
    Ok(())
}

/// Writes a value of a party.
pub async fn insert_signal(
    tx: &mut Tx,
    (application, transaction): (ApplicationId, TransactionId),
    PartyValue { side, value }: &PartyValue,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO transaction_signals (transaction_id, side, entry_type, application_id, value, match_key, key_digest, address,
             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            transaction.0.into(),
            side.as_str().into(),
            value.entry_type().as_str().into(),
            application.0.into(),
            value.stored().into(),
            value.key().into(),
            value.digest().into(),
            value.network().map(|net| ordered_bytes(net.addr())).into(),
            at.into(),
        ],
    )
    .await
}

/// Writes an entry that a value of a party matched, and notes it for the entry's counters. `party`: the id of the party.
pub async fn insert_hit(
    tx: &mut Tx,
    transaction: TransactionId,
    (side, party, entry_type): (Side, Uuid, EntryType),
    hit: &Hit,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO transaction_hits (transaction_id, side, entry_type, entry_id, entry_added_rev, list_id, comparison, held)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            transaction.0.into(),
            side.as_str().into(),
            entry_type.as_str().into(),
            hit.entry.0.into(),
            hit.added_rev.into(),
            hit.list.0.into(),
            hit.comparison.as_str().into(),
            hit.held.into(),
        ],
    )
    .await?;
    super::hits::insert_waiting(tx, (transaction.0, party.into()), hit.entry, at).await
}

/// What a person should know of a transaction.
#[derive(Debug, Clone)]
pub struct Alert {
    /// Its id.
    pub id: Uuid,
    /// In a few words; about nobody.
    pub title: String,
    /// In more; about nobody.
    pub description: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Such as `OPEN`.
    pub status: String,
    /// Such as `RULE`.
    pub source: String,
    /// JSON object; ids, no values.
    pub metadata: Json,
    /// When.
    pub created_at: Timestamp,
    /// Until when somebody should have looked.
    pub due_at: Option<Timestamp>,
}

/// Writes an alert in its place among those of the transaction.
pub async fn insert_alert(tx: &mut Tx, transaction: TransactionId, ordinal: u64, alert: &Alert) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO transaction_alerts (id, transaction_id, ordinal, title, description, severity, status, source, metadata,
             created_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            alert.id.into(),
            transaction.0.into(),
            ordinal.into(),
            (&alert.title).into(),
            alert.description.as_ref().into(),
            alert.severity.as_str().into(),
            (&alert.status).into(),
            (&alert.source).into(),
            alert.metadata.to_string().into(),
            alert.created_at.into(),
            alert.due_at.into(),
        ],
    )
    .await
}

/// The alerts of a transaction, oldest first.
pub async fn list_alerts(tx: &mut Tx, transaction: TransactionId) -> Result<Vec<Alert>, StoreError> {
    let sql = "SELECT id, title, description, severity, status, source, metadata, created_at, due_at FROM transaction_alerts
         WHERE transaction_id = $1 ORDER BY ordinal";
    let rows = tx.query(sql, &[transaction.0.into()]).await?;
    rows.iter()
        .map(|row| {
            let mut c = row.columns();
            Ok(Alert {
                id: c.take()?,
                title: c.take()?,
                description: c.take()?,
                severity: Severity::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("severity"))?,
                status: c.take()?,
                source: c.take()?,
                metadata: read_json(&c.take::<String>()?)?,
                created_at: c.take()?,
                due_at: c.take()?,
            })
        })
        .collect()
}

/// Something that happened to a transaction.
#[derive(Debug, Clone)]
pub struct TransactionActivity {
    /// Its id.
    pub id: Uuid,
    /// Such as `TRANSACTION_CREATED`.
    pub activity_type: String,
    /// Who or what did it: `API`, `RULE`, `CONSOLE`.
    pub source: String,
    /// Where the transaction stood then.
    pub status: Option<String>,
    /// In a few words; gone after an erasure.
    pub title: Option<String>,
    /// In more; gone after an erasure.
    pub description: Option<String>,
    /// JSON object; empty after an erasure.
    pub metadata: Json,
    /// When.
    pub occurred_at: Timestamp,
}

/// Writes an activity in its place among those of the transaction.
pub async fn insert_activity(
    tx: &mut Tx,
    transaction: TransactionId,
    ordinal: u64,
    activity: &TransactionActivity,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO transaction_activities (id, transaction_id, ordinal, activity_type, source, status, occurred_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            activity.id.into(),
            transaction.0.into(),
            ordinal.into(),
            (&activity.activity_type).into(),
            (&activity.source).into(),
            activity.status.as_ref().into(),
            activity.occurred_at.into(),
        ],
    )
    .await?;
    tx.send(
        "INSERT INTO transaction_activity_values (activity_id, title, description, metadata) VALUES ($1, $2, $3, $4)",
        &[
            activity.id.into(),
            activity.title.as_ref().into(),
            activity.description.as_ref().into(),
            activity.metadata.to_string().into(),
        ],
    )
    .await
}

/// The place of the next activity of a transaction, whose row is locked.
pub async fn next_activity(tx: &mut Tx, transaction: TransactionId) -> Result<u64, StoreError> {
    let sql = "SELECT COALESCE(max(ordinal), 0) + 1 FROM transaction_activities WHERE transaction_id = $1";
    tx.query_opt(sql, &[transaction.0.into()]).await?.map_or(Ok(1), |row| row.get(0))
}

/// The activities of a transaction, oldest first.
pub async fn list_activities(tx: &mut Tx, transaction: TransactionId) -> Result<Vec<TransactionActivity>, StoreError> {
    let sql = "SELECT a.id, a.activity_type, a.source, a.status, v.title, v.description, v.metadata, a.occurred_at
         FROM transaction_activities a LEFT JOIN transaction_activity_values v ON v.activity_id = a.id
         WHERE a.transaction_id = $1 ORDER BY a.ordinal";
    let rows = tx.query(sql, &[transaction.0.into()]).await?;
    rows.iter()
        .map(|row| {
            let mut c = row.columns();
            Ok(TransactionActivity {
                id: c.take()?,
                activity_type: c.take()?,
                source: c.take()?,
                status: c.take()?,
                title: c.take()?,
                description: c.take()?,
                metadata: read_json(c.take::<Option<String>>()?.as_deref().unwrap_or("{}"))?,
                occurred_at: c.take()?,
            })
        })
        .collect()
}
