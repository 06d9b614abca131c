//! Attempts to deliver, each written when it has ended.

use gavel_core::{
    ids::{ApplicationId, DeliveryId, DestinationId, EventId, SessionId},
    time::{Day, Timestamp},
    webhook::EventType,
};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    db::{parts, placeholders},
    outbox::{self, Claimed},
};

/// One attempt.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where it belongs.
    pub application: ApplicationId,
    /// Where it went.
    pub destination: DestinationId,
    /// The stored event.
    pub event: Uuid,
    /// The `event_id` the receiver saw.
    pub event_id: EventId,
    /// For events about a session.
    pub session: Option<SessionId>,
    /// What happened.
    pub event_type: EventType,
    /// The URL used.
    pub request_url: String,
    /// JSON text of the headers sent.
    pub request_header: String,
    /// The body sent.
    pub request_body: String,
    /// Status of the answer; none when there was no answer.
    pub response_status: Option<i64>,
    /// Milliseconds to the end of the answer's headers.
    pub response_time_ms: Option<i64>,
    /// Whether it was a 2xx.
    pub succeeded: bool,
    /// Why there was no answer; for logs and the console.
    pub error: Option<String>,
    /// Start of the attempt.
    pub created_at: Timestamp,
}

const COLUMNS: &str =
    "application_id, id, destination_id, event_id, outbox_id, session_id, webhook_type, request_url, request_header, request_body,
    response_status, response_time_ms, succeeded, error, created_at";

fn from_row(row: &Row) -> Result<Delivery, StoreError> {
    let mut c = row.columns();
    Ok(Delivery {
        application: ApplicationId(c.take()?),
        id: DeliveryId(c.take()?),
        destination: DestinationId(c.take()?),
        event: c.take()?,
        event_id: EventId(c.take()?),
        session: c.take::<Option<Uuid>>()?.map(SessionId),
        event_type: EventType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("event type"))?,
        request_url: c.take()?,
        request_header: c.take()?,
        request_body: c.take()?,
        response_status: c.take()?,
        response_time_ms: c.take()?,
        succeeded: c.take()?,
        error: c.take()?,
        created_at: c.take()?,
    })
}

/// Writes attempts.
pub async fn insert_deliveries(tx: &mut Tx, deliveries: &[&Delivery]) -> Result<(), StoreError> {
    for part in parts(deliveries) {
        let rows: Vec<String> = (0..part.len()).map(|n| format!("({})", placeholders(n * 15 + 1, 15))).collect();
        let sql = format!("INSERT INTO deliveries ({COLUMNS}) VALUES {}", rows.join(", "));
        let params: Vec<Value> = part.iter().flat_map(|delivery| to_row(delivery)).collect();
        tx.send(&sql, &params).await?;
    }
    Ok(())
}

fn to_row(delivery: &Delivery) -> [Value; 15] {
    [
        delivery.application.0.into(),
        delivery.id.0.into(),
        delivery.destination.0.into(),
        delivery.event.into(),
        delivery.event_id.0.into(),
        delivery.session.map(|id| id.0).into(),
        delivery.event_type.as_str().into(),
        (&delivery.request_url).into(),
        (&delivery.request_header).into(),
        (&delivery.request_body).into(),
        delivery.response_status.into(),
        delivery.response_time_ms.into(),
        delivery.succeeded.into(),
        delivery.error.as_ref().into(),
        delivery.created_at.into(),
    ]
}

/// A page of a destination's attempts, newest first, and how many there are in all. Days are UTC, both inclusive.
pub async fn list_deliveries(
    tx: &mut Tx,
    destination: DestinationId,
    (from, to): (Option<Day>, Option<Day>),
    (limit, offset): (u64, u64),
) -> Result<(Vec<Delivery>, u64), StoreError> {
    let mut clause = String::from("destination_id = $1");
    let mut params: Vec<Value> = vec![destination.0.into()];
    if let Some(from) = from {
        params.push(Timestamp::start_of(from).into());
        clause.push_str(&format!(" AND created_at >= ${}", params.len()));
    }
    if let Some(to) = to {
        params.push(Timestamp::start_of(to.next()).into());
        clause.push_str(&format!(" AND created_at < ${}", params.len()));
    }
    let total = tx
        .query_opt(&format!("SELECT count(*) FROM deliveries WHERE {clause}"), &params)
        .await?
        .map_or(Ok(0), |row| row.get(0))?;
    params.extend([limit.into(), offset.into()]);
    let sql = format!(
        "SELECT {COLUMNS} FROM deliveries WHERE {clause} ORDER BY created_at DESC, id DESC LIMIT ${} OFFSET ${}",
        params.len() - 1,
        params.len()
    );
    let rows = tx.query(&sql, &params).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}

/// One attempt of a destination.
pub async fn find_delivery(tx: &mut Tx, destination: DestinationId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE destination_id = $1 AND id = $2");
    tx.query_opt(&sql, &[destination.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// An attempt's event as it would be claimed, for the URL it was sent to.
pub async fn find_to_resend(tx: &mut Tx, destination: DestinationId, id: DeliveryId) -> Result<Option<Claimed>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT x.outbox_id, x.event_id, x.destination_id, x.application_id, CAST(0 AS bigint), x.id, x.request_url,
                 d.webhook_version, d.secret, x.webhook_type, x.session_id, e.payload,
                 d.previous_secret, d.previous_until
             FROM deliveries x JOIN events e ON e.id = x.event_id JOIN destinations d ON d.id = x.destination_id
             WHERE x.destination_id = $1 AND x.id = $2",
            &[destination.0.into(), id.0.into()],
        )
        .await?;
    row.as_ref().map(outbox::from_row).transpose()
}
