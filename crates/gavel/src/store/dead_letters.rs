//! Events that were given up at a destination, and why: kept like delivery payloads, so that they can be sent again.

use gavel_core::{
    ids::{ApplicationId, DestinationId, EventId, SessionId},
    time::Timestamp,
    webhook::EventType,
};
use uuid::Uuid;

use super::{StoreError, Tx, outbox::Claimed};

/// Most rows one clean-up statement takes away.
const BATCH: u64 = 1_000;

/// Why an event was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// The receiver's answer or its address says that trying again is no use.
    Rejected,
    /// Every attempt of the schedule has failed.
    Exhausted,
    /// Its destination was paused for as long as payloads are kept.
    Paused,
}

impl GivenUp {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Exhausted => "exhausted",
            Self::Paused => "paused",
        }
    }
}

/// An event that was given up.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The `event_id` the receiver saw.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// For events about a session.
    pub session: Option<SessionId>,
    /// Attempts made.
    pub attempts: u64,
    /// A [`GivenUp`] by its name; unknown for events given up before it was written.
    pub reason: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it was given up.
    pub given_up_at: Timestamp,
}

/// Remembers a claimed event after its last attempt. Writes nothing when the claim is no longer ours.
pub async fn insert_claimed(tx: &mut Tx, claimed: &Claimed, reason: GivenUp, now: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO dead_letters (id, event_id, destination_id, attempts, given_up_at, reason)
         SELECT id, event_id, destination_id, attempts + 1, $3, $4 FROM outbox WHERE id = $1 AND lease_token = $2",
        &[claimed.id.0.into(), claimed.token.into(), now.into(), reason.as_str().into()],
    )
    .await?;
    Ok(())
}

/// A page of a destination's dead letters, newest first, and how many there are in all.
pub async fn list_dead_letters(
    tx: &mut Tx,
    destination: DestinationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<DeadLetter>, u64), StoreError> {
    let total = count_dead_letters(tx, destination).await?;
    let rows = tx
        .query(
            "SELECT l.id, e.webhook_type, e.session_id, l.attempts, l.reason, e.created_at, l.given_up_at
             FROM dead_letters l JOIN events e ON e.id = l.event_id
             WHERE l.destination_id = $1 ORDER BY l.given_up_at DESC, l.id DESC LIMIT $2 OFFSET $3",
            &[destination.0.into(), limit.into(), offset.into()],
        )
        .await?;
    let rows = rows.iter().map(|row| {
        let mut c = row.columns();
        Ok(DeadLetter {
            id: EventId(c.take()?),
            event_type: EventType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("event type"))?,
            session: c.take::<Option<Uuid>>()?.map(SessionId),
            attempts: c.take()?,
            reason: c.take()?,
            created_at: c.take()?,
            given_up_at: c.take()?,
        })
    });
    Ok((rows.collect::<Result<_, StoreError>>()?, total))
}

/// How many events were given up at a destination.
pub async fn count_dead_letters(tx: &mut Tx, destination: DestinationId) -> Result<u64, StoreError> {
    let row = tx.query_opt("SELECT count(*) FROM dead_letters WHERE destination_id = $1", &[destination.0.into()]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// An event that is to be queued again.
pub struct Past {
    /// The stored event.
    pub event: Uuid,
    /// Its lane.
    pub object: Uuid,
    /// Its place in the lane.
    pub sequence: u64,
    /// What happened.
    pub event_type: EventType,
    /// The `event_id` this destination has seen, if it has.
    pub seen_as: Option<Uuid>,
}

/// Events of a period that do not wait for this destination, oldest first; of them only the given-up ones on request.
pub async fn list_past(
    tx: &mut Tx,
    (application, destination): (ApplicationId, DestinationId),
    (since, until): (Timestamp, Timestamp),
    only_failed: bool,
    limit: u64,
) -> Result<Vec<Past>, StoreError> {
    let failed = if only_failed { "AND l.id IS NOT NULL" } else { "" };
    let sql = format!(
        "SELECT e.id, e.object_id, e.sequence, e.webhook_type, COALESCE(l.id, (
             SELECT x.outbox_id FROM deliveries x WHERE x.event_id = e.id AND x.destination_id = $2
             ORDER BY x.created_at DESC, x.id DESC LIMIT 1))
         FROM events e LEFT JOIN dead_letters l ON l.event_id = e.id AND l.destination_id = $2
         WHERE e.application_id = $1 AND e.created_at >= $3 AND e.created_at < $4 {failed}
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = e.id AND o.destination_id = $2)
         ORDER BY e.created_at, e.id LIMIT $5"
    );
    let rows = tx.query(&sql, &[application.0.into(), destination.0.into(), since.into(), until.into(), limit.into()]).await?;
    rows.iter()
        .map(|row| {
            let mut c = row.columns();
            Ok(Past {
                event: c.take()?,
                object: c.take()?,
                sequence: c.take()?,
                event_type: EventType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("event type"))?,
                seen_as: c.take()?,
            })
        })
        .collect()
}

/// Queues an event again under the id its destination has seen, and forgets that it was given up.
pub async fn requeue(
    tx: &mut Tx,
    id: EventId,
    past: &Past,
    destination: DestinationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.send("DELETE FROM dead_letters WHERE event_id = $1 AND destination_id = $2", &[past.event.into(), destination.0.into()])
        .await?;
    tx.send(
        "INSERT INTO outbox (id, event_id, destination_id, object_id, sequence, attempts, due_at, leased_until)
         VALUES ($1, $2, $3, $4, $5, 0, $6, 0)",
        &[id.0.into(), past.event.into(), destination.0.into(), past.object.into(), past.sequence.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Gives up what has waited since before `before` for a destination that has been paused as long: at most [`BATCH`]
/// events, the oldest first. Answers how many it were.
pub async fn give_up_paused(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    let lock = tx.skip_locked();
    let sql = format!(
        "SELECT o.id FROM outbox o
         WHERE o.leased_until <= $2
             AND EXISTS (SELECT 1 FROM destinations d WHERE d.id = o.destination_id AND d.paused_at < $1)
             AND EXISTS (SELECT 1 FROM events e WHERE e.id = o.event_id AND e.created_at < $1)
         ORDER BY o.id LIMIT $3{lock}"
    );
    let rows = tx.query(&sql, &[before.into(), now.into(), BATCH.into()]).await?;
    for row in &rows {
        let id: Uuid = row.get(0)?;
        tx.send(
            "INSERT INTO dead_letters (id, event_id, destination_id, attempts, given_up_at, reason)
             SELECT id, event_id, destination_id, attempts, $2, $3 FROM outbox WHERE id = $1",
            &[id.into(), now.into(), GivenUp::Paused.as_str().into()],
        )
        .await?;
        tx.send("DELETE FROM outbox WHERE id = $1", &[id.into()]).await?;
    }
    Ok(rows.len() as u64)
}

/// Takes away what is older than `before`: deliveries, dead letters, and then the events nothing refers to any more. At
/// most [`BATCH`] rows of each; answers how many it were.
pub async fn remove_old(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let mut removed = 0;
    for sql in [
        "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE created_at < $1 LIMIT $2)",
        "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE given_up_at < $1 LIMIT $2)",
        "DELETE FROM events WHERE id IN (
             SELECT e.id FROM events e WHERE e.created_at < $1
                 AND NOT EXISTS (SELECT 1 FROM deliveries x WHERE x.event_id = e.id)
                 AND NOT EXISTS (SELECT 1 FROM dead_letters l WHERE l.event_id = e.id)
                 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = e.id) LIMIT $2)",
    ] {
        removed += tx.execute(sql, &[before.into(), BATCH.into()]).await?;
    }
    Ok(removed)
}
