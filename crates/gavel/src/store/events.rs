//! What happened to an object: the events webhooks carry, and the history inside a session's decision.

use gavel_core::{ids::ApplicationId, ids::SessionId, time::Timestamp, webhook::EventType};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{StoreError, Tx, entries::read_json};

/// An event as it is stored once, however many destinations there are.
pub struct Event {
    /// Its id inside the server; a destination sees another.
    pub id: Uuid,
    /// Where it happened.
    pub application: ApplicationId,
    /// What happened.
    pub event_type: EventType,
    /// The session, user, business or transaction.
    pub object: Uuid,
    /// The object's version after the change: events of one object are delivered in this order.
    pub sequence: u64,
    /// For events about a session.
    pub session: Option<SessionId>,
    /// The payload but for what each delivery adds; media as placeholders.
    pub payload: String,
    /// When it happened.
    pub at: Timestamp,
}

/// Writes an event.
pub async fn insert_event(tx: &mut Tx, event: &Event) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO events (id, application_id, webhook_type, object_id, sequence, session_id, payload, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            event.id.into(),
            event.application.0.into(),
            event.event_type.as_str().into(),
            event.object.into(),
            event.sequence.into(),
            event.session.map(|id| id.0).into(),
            (&event.payload).into(),
            event.at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Keeps an event from being removed before the end of the transaction. `false`: there is none any more.
pub async fn hold(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM events WHERE id = $1{}", tx.for_key_share());
    Ok(tx.query_opt(&sql, &[id.into()]).await?.is_some())
}

/// A row of `events[]` in a decision.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Its id.
    pub id: Uuid,
    /// Such as `STATUS_CHANGED`.
    pub kind: String,
    /// Name to show.
    pub actor: String,
    /// JSON object.
    pub details: Box<RawValue>,
    /// When.
    pub created_at: Timestamp,
}

/// Adds to a session's history.
pub async fn insert_history(
    tx: &mut Tx,
    session: SessionId,
    id: Uuid,
    (kind, actor): (&str, &str),
    details: &serde_json::Value,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO session_events (id, session_id, kind, actor, details, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &[id.into(), session.0.into(), kind.into(), actor.into(), details.to_string().into(), at.into()],
    )
    .await?;
    Ok(())
}

/// A session's history, oldest first.
pub async fn list_history(tx: &mut Tx, session: SessionId) -> Result<Vec<HistoryRow>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, kind, actor, details, created_at FROM session_events WHERE session_id = $1 ORDER BY created_at, id",
            &[session.0.into()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = row.columns();
            Ok(HistoryRow {
                id: c.take()?,
                kind: c.take()?,
                actor: c.take()?,
                details: read_json(c.take()?)?.ok_or_else(|| StoreError::unreadable("event"))?,
                created_at: c.take()?,
            })
        })
        .collect()
}
