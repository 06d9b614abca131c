//! Events that wait for a destination.
//!
//! A *lane* is one destination and one object: its events leave in order. Only the first of a lane can be claimed, and
//! while it is leased or waits for a retry nothing behind it moves. A claim carries a fencing token: whoever comes back
//! after its lease has run out finds another token and writes nothing.

use gavel_core::{
    ids::{ApplicationId, DestinationId, EventId, SessionId},
    time::Timestamp,
    webhook::EventType,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx, destinations::Destination, events::Event};

/// Puts an event into the queue of a destination.
pub async fn insert_waiting(tx: &mut Tx, id: EventId, event: &Event, destination: &Destination) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO outbox (id, event_id, destination_id, object_id, sequence, attempts, due_at, leased_until)
         VALUES ($1, $2, $3, $4, $5, 0, $6, 0)",
        &[id.0.into(), event.id.into(), destination.id.0.into(), event.object.into(), event.sequence.into(), event.at.into()],
    )
    .await?;
    Ok(())
}

/// A claimed event with everything an attempt needs.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The event at this destination.
    pub id: EventId,
    /// The event itself.
    pub event: Uuid,
    /// The destination.
    pub destination: DestinationId,
    /// Its application.
    pub application: ApplicationId,
    /// Attempts that have ended.
    pub attempts: u64,
    /// Proves that the claim is still ours.
    pub token: Uuid,
    /// Where to POST, now.
    pub url: String,
    /// Form of the decision.
    pub webhook_version: String,
    /// Encrypted.
    pub secret: Vec<u8>,
    /// What happened.
    pub event_type: EventType,
    /// For events about a session.
    pub session: Option<SessionId>,
    /// The payload but for what each delivery adds.
    pub payload: String,
}

/// Claims lanes whose first event is due: at most `limit`, oldest first, each leased until `until`.
pub async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    until: Timestamp,
    token: Uuid,
    limit: u64,
) -> Result<Vec<Claimed>, StoreError> {
    let lock = tx.skip_locked();
    let rows = tx
        .query(
            &format!(
                "UPDATE outbox SET leased_until = $2, lease_token = $3
                 WHERE id IN (
                     SELECT o.id FROM outbox o
                     WHERE o.due_at <= $1 AND o.leased_until <= $1 AND NOT EXISTS (
                         SELECT 1 FROM outbox p
                         WHERE p.destination_id = o.destination_id AND p.object_id = o.object_id AND p.sequence < o.sequence)
                     ORDER BY o.due_at, o.id LIMIT $4{lock})
                 RETURNING id"
            ),
            &[now.into(), until.into(), token.into(), limit.into()],
        )
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx
        .query(
            "SELECT o.id, o.event_id, o.destination_id, e.application_id, o.attempts, o.lease_token, d.url, d.webhook_version,
                 d.secret, e.webhook_type, e.session_id, e.payload
             FROM outbox o JOIN events e ON e.id = o.event_id JOIN destinations d ON d.id = o.destination_id
             WHERE o.lease_token = $1 ORDER BY o.due_at, o.id",
            &[token.into()],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Claimed, StoreError> {
    let mut c = row.columns();
    Ok(Claimed {
        id: EventId(c.take()?),
        event: c.take()?,
        destination: DestinationId(c.take()?),
        application: ApplicationId(c.take()?),
        attempts: c.take()?,
        token: c.take()?,
        url: c.take()?,
        webhook_version: c.take()?,
        secret: c.take()?,
        event_type: EventType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("event type"))?,
        session: c.take::<Option<Uuid>>()?.map(SessionId),
        payload: c.take()?,
    })
}

/// Takes a delivered or given-up event out. `false`: the claim is no longer ours, or the destination is gone.
pub async fn remove_claimed(tx: &mut Tx, claimed: &Claimed) -> Result<bool, StoreError> {
    let rows =
        tx.execute("DELETE FROM outbox WHERE id = $1 AND lease_token = $2", &[claimed.id.0.into(), claimed.token.into()]).await?;
    Ok(rows == 1)
}

/// Lets a claimed event wait for its next attempt. `false`: the claim is no longer ours.
pub async fn set_due(tx: &mut Tx, claimed: &Claimed, due_at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE outbox SET attempts = attempts + 1, due_at = $3, leased_until = 0, lease_token = NULL
             WHERE id = $1 AND lease_token = $2",
            &[claimed.id.0.into(), claimed.token.into(), due_at.into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Drops what waits for a destination that was disabled or deleted.
pub async fn drop_waiting(tx: &mut Tx, destination: DestinationId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM outbox WHERE destination_id = $1", &[destination.0.into()]).await?;
    Ok(())
}

/// Frees every lease. Only the one process of a SQLite file does this, at its start: nobody else can hold one.
pub async fn free_leases(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute("UPDATE outbox SET leased_until = 0, lease_token = NULL WHERE leased_until > 0", &[]).await?;
    Ok(())
}

/// When the next event is due, or its lease runs out.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let row =
        tx.query_opt("SELECT min(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) FROM outbox", &[]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}
