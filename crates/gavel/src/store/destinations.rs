//! Webhook destinations and their counters.

use gavel_core::{
    ids::{ApplicationId, DestinationId},
    time::Timestamp,
    webhook::EventType,
};

use super::{
    Row, StoreError, Tx,
    db::{parts, placeholders},
};

/// Where events are sent.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its id.
    pub id: DestinationId,
    /// Where it belongs.
    pub application: ApplicationId,
    /// Its name.
    pub label: String,
    /// Where to POST.
    pub url: String,
    /// Whether events are sent.
    pub enabled: bool,
    /// Form of the decision: `v1`, `v2` or `v3`.
    pub webhook_version: String,
    /// Which events, in the order they were named.
    pub subscribed_events: Vec<EventType>,
    /// Encrypted.
    pub secret: Vec<u8>,
    /// The secret before a rotation, encrypted, and until when it is valid beside the new one.
    pub previous: Option<(Vec<u8>, Timestamp)>,
    /// Whether it stands behind the older single-URL configuration.
    pub is_single_url: bool,
    /// Set while nothing is sent and everything is kept.
    pub paused: Option<Paused>,
    /// Attempts so far.
    pub counts: Counts,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last change by a person or a key.
    pub updated_at: Timestamp,
}

/// A pause: since when, and why.
#[derive(Debug, Clone)]
pub struct Paused {
    /// Since when.
    pub at: Timestamp,
    /// `requested` or `failing`.
    pub reason: String,
}

/// Every attempt ever made.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// All.
    pub total: u64,
    /// Those without a 2xx answer.
    pub failed: u64,
    /// Those with any answer.
    pub answered: u64,
    /// Milliseconds of all answered attempts together.
    pub total_ms: u64,
    /// Fastest answer in milliseconds.
    pub min_ms: Option<i64>,
    /// Slowest answer in milliseconds.
    pub max_ms: Option<i64>,
    /// Start of the last attempt.
    pub last_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, application_id, label, url, enabled, webhook_version, subscribed_events, secret, total_deliveries,
    failed_deliveries, answered_deliveries, total_ms, min_ms, max_ms, last_delivery_at, created_at, updated_at,
    previous_secret, previous_until, is_single_url, paused_at, pause_reason";

fn from_row(row: &Row) -> Result<Destination, StoreError> {
    let mut c = row.columns();
    Ok(Destination {
        id: DestinationId(c.take()?),
        application: ApplicationId(c.take()?),
        label: c.take()?,
        url: c.take()?,
        enabled: c.take()?,
        webhook_version: c.take()?,
        subscribed_events: c
            .take::<String>()?
            .split_whitespace()
            .map(|name| EventType::from_name(name).ok_or_else(|| StoreError::unreadable("event type")))
            .collect::<Result<_, _>>()?,
        secret: c.take()?,
        counts: Counts {
            total: c.take()?,
            failed: c.take()?,
            answered: c.take()?,
            total_ms: c.take()?,
            min_ms: c.take()?,
            max_ms: c.take()?,
            last_at: c.take()?,
        },
        created_at: c.take()?,
        updated_at: c.take()?,
        previous: c.take::<Option<Vec<u8>>>()?.zip(c.take()?),
        is_single_url: c.take()?,
        paused: c.take::<Option<Timestamp>>()?.zip(c.take()?).map(|(at, reason)| Paused { at, reason }),
    })
}

fn names(events: &[EventType]) -> String {
    events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(" ")
}

/// Writes a destination. `false`: a live one has this URL.
pub async fn insert_destination(tx: &mut Tx, destination: &Destination) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "INSERT INTO destinations (id, application_id, label, url, enabled, webhook_version, subscribed_events, secret,
                 is_single_url, total_deliveries, failed_deliveries, answered_deliveries, total_ms, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 0, $10, $10)
             ON CONFLICT (application_id, url) WHERE deleted_at IS NULL DO NOTHING",
            &[
                destination.id.0.into(),
                destination.application.0.into(),
                (&destination.label).into(),
                (&destination.url).into(),
                destination.enabled.into(),
                (&destination.webhook_version).into(),
                names(&destination.subscribed_events).into(),
                destination.secret.clone().into(),
                destination.is_single_url.into(),
                destination.created_at.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// The live destination of this application.
pub async fn find_destination(
    tx: &mut Tx,
    application: ApplicationId,
    id: DestinationId,
) -> Result<Option<Destination>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM destinations WHERE application_id = $1 AND id = $2 AND deleted_at IS NULL");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// The same, locked until the end of the transaction.
pub async fn lock_destination(
    tx: &mut Tx,
    application: ApplicationId,
    id: DestinationId,
) -> Result<Option<Destination>, StoreError> {
    let lock = tx.for_update();
    let sql = format!("SELECT {COLUMNS} FROM destinations WHERE application_id = $1 AND id = $2 AND deleted_at IS NULL{lock}");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// The live destinations of an application, oldest first.
pub async fn list_destinations(tx: &mut Tx, application: ApplicationId) -> Result<Vec<Destination>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM destinations WHERE application_id = $1 AND deleted_at IS NULL ORDER BY created_at, id");
    tx.query(&sql, &[application.0.into()]).await?.iter().map(from_row).collect()
}

/// The live destinations of an application as an event is fanned out to them. None of them is disabled or deleted before
/// the end of the transaction: whoever does that drops what waits, and must find what is queued here.
pub async fn list_for_event(tx: &mut Tx, application: ApplicationId) -> Result<Vec<Destination>, StoreError> {
    let lock = tx.for_key_share();
    let sql = format!(
        "SELECT {COLUMNS} FROM destinations WHERE application_id = $1 AND deleted_at IS NULL ORDER BY created_at, id{lock}"
    );
    tx.query(&sql, &[application.0.into()]).await?.iter().map(from_row).collect()
}

/// Writes what a PATCH may change. `false`: another live destination has this URL.
pub async fn set_destination(tx: &mut Tx, destination: &Destination) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE destinations SET label = $3, url = $4, enabled = $5, webhook_version = $6, subscribed_events = $7, updated_at = $8
             WHERE id = $2 AND NOT EXISTS (
                 SELECT 1 FROM destinations o
                 WHERE o.application_id = $1 AND o.url = $4 AND o.deleted_at IS NULL AND o.id <> $2)",
            &[
                destination.application.0.into(),
                destination.id.0.into(),
                (&destination.label).into(),
                (&destination.url).into(),
                destination.enabled.into(),
                (&destination.webhook_version).into(),
                names(&destination.subscribed_events).into(),
                destination.updated_at.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Takes a new secret; the one before it may stay valid for a while.
pub async fn set_secret(
    tx: &mut Tx,
    id: DestinationId,
    secret: &[u8],
    previous: Option<&(Vec<u8>, Timestamp)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "UPDATE destinations SET secret = $2, previous_secret = $3, previous_until = $4, updated_at = $5 WHERE id = $1",
        &[
            id.0.into(),
            secret.into(),
            previous.map(|(secret, _)| secret.as_slice()).into(),
            previous.map(|(_, until)| *until).into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Pauses a destination. `false`: it is paused already.
pub async fn set_paused(tx: &mut Tx, id: DestinationId, paused: &Paused) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE destinations SET paused_at = $2, pause_reason = $3 WHERE id = $1 AND paused_at IS NULL",
            &[id.0.into(), paused.at.into(), (&paused.reason).into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Ends a pause; the days of failure are counted anew.
pub async fn set_resumed(tx: &mut Tx, id: DestinationId) -> Result<(), StoreError> {
    tx.send("UPDATE destinations SET paused_at = NULL, pause_reason = NULL, failing_since = NULL WHERE id = $1", &[id.0.into()])
        .await?;
    Ok(())
}

/// The live destination behind the single-URL configuration.
pub async fn lock_single_url(tx: &mut Tx, application: ApplicationId) -> Result<Option<Destination>, StoreError> {
    let lock = tx.for_update();
    let sql =
        format!("SELECT {COLUMNS} FROM destinations WHERE application_id = $1 AND is_single_url AND deleted_at IS NULL{lock}");
    tx.query_opt(&sql, &[application.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Marks a destination as deleted.
pub async fn set_deleted(tx: &mut Tx, id: DestinationId, now: Timestamp) -> Result<(), StoreError> {
    tx.send("UPDATE destinations SET deleted_at = $2 WHERE id = $1", &[id.0.into(), now.into()]).await?;
    Ok(())
}

/// Ended attempts at one destination, added up.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    total: u64,
    failed: u64,
    answered: u64,
    total_ms: i64,
    min_ms: Option<i64>,
    max_ms: Option<i64>,
    last_at: Option<Timestamp>,
    succeeded: bool,
    /// Start of the first failure after the last success among them.
    failing_since: Option<Timestamp>,
}

impl Tally {
    /// Adds an attempt; they come in the order in which they ended. `ms` is missing when there was no answer.
    pub fn add(&mut self, succeeded: bool, ms: Option<i64>, at: Timestamp) {
        self.total += 1;
        self.failed += u64::from(!succeeded);
        self.answered += u64::from(ms.is_some());
        self.total_ms += ms.unwrap_or_default();
        self.min_ms = [self.min_ms, ms].into_iter().flatten().min();
        self.max_ms = [self.max_ms, ms].into_iter().flatten().max();
        self.last_at = self.last_at.max(Some(at));
        self.succeeded |= succeeded;
        self.failing_since = if succeeded { None } else { self.failing_since.or(Some(at)) };
    }
}

/// Locks destinations whose attempts are about to be counted, in one order, against others who count and against whoever
/// disables or deletes one; events are still fanned out to them.
pub async fn lock_to_count(tx: &mut Tx, ids: &[DestinationId]) -> Result<(), StoreError> {
    let lock = tx.for_no_key_update();
    for part in parts(ids) {
        let sql = format!("SELECT id FROM destinations WHERE id IN ({}) ORDER BY id{lock}", placeholders(1, part.len()));
        tx.query(&sql, &part.iter().map(|id| id.0.into()).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Counts ended attempts. Answers since when nothing but failures has come back; `None` after a success.
pub async fn count_attempts(tx: &mut Tx, id: DestinationId, tally: &Tally) -> Result<Option<Timestamp>, StoreError> {
    let row = tx
        .query_opt(
            "UPDATE destinations SET total_deliveries = total_deliveries + $2, failed_deliveries = failed_deliveries + $3,
             answered_deliveries = answered_deliveries + $4, total_ms = total_ms + $5,
             min_ms = CASE WHEN min_ms IS NULL OR $6 < min_ms THEN COALESCE($6, min_ms) ELSE min_ms END,
             max_ms = CASE WHEN max_ms IS NULL OR $7 > max_ms THEN COALESCE($7, max_ms) ELSE max_ms END,
             last_delivery_at = $8,
             failing_since = CASE WHEN $9 = 1 THEN $10 ELSE COALESCE(failing_since, $10) END
         WHERE id = $1 RETURNING failing_since",
            &[
                id.0.into(),
                tally.total.into(),
                tally.failed.into(),
                tally.answered.into(),
                tally.total_ms.into(),
                tally.min_ms.into(),
                tally.max_ms.into(),
                tally.last_at.into(),
                i64::from(tally.succeeded).into(),
                tally.failing_since.into(),
            ],
        )
        .await?;
    row.map_or(Ok(None), |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_tells_what_one_by_one_would_have_told() {
        let at = |n| Timestamp::from_micros(n);
        let mut tally = Tally::default();
        tally.add(false, None, at(1));
        tally.add(true, Some(40), at(2));
        assert_eq!((tally.succeeded, tally.failing_since), (true, None));
        tally.add(false, Some(10), at(5));
        tally.add(false, Some(90), at(4));
        assert_eq!((tally.total, tally.failed, tally.answered, tally.total_ms), (4, 3, 3, 140));
        assert_eq!((tally.min_ms, tally.max_ms, tally.last_at), (Some(10), Some(90), Some(at(5))));
        assert_eq!(tally.failing_since, Some(at(5)), "the first since the success");
    }
}
