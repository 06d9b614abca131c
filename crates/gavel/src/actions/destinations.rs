//! Webhook destinations and what was sent to them (contract, webhooks §6, §7).

use gavel_core::{
    ids::{DeliveryId, DestinationId, SessionId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    time::{Day, Timestamp},
    webhook::EventType,
};
use serde::Serialize;

use super::{Caller, Error, single_url};
use crate::{
    app::App,
    clock::{new_id, random_text},
    store::{
        Tx, applications,
        deliveries::{self, Delivery},
        destinations::{self, Counts, Destination},
        outbox,
    },
};

pub(super) const NOT_FOUND: Error = Error::NotFound("Webhook destination not found.");
/// Longest label, in characters.
const LABEL: usize = 255;

/// A destination as sent, whole or in part.
pub struct DestinationBody {
    label: Option<String>,
    url: Option<String>,
    enabled: Option<bool>,
    webhook_version: Option<&'static str>,
    subscribed_events: Option<Vec<EventType>>,
}

impl DestinationBody {
    /// Reads the body of a create.
    pub fn read_new(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent, true)
    }

    /// Reads the body of a change.
    pub fn read_change(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent, false)
    }

    fn read(sent: &Value<'_>, is_new: bool) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let must = |fields: &Fields<'_, '_>, name: &str| is_new || fields.sent(name).is_some();
        let label = match must(&fields, "label") {
            true => fields.required("label", read::filled(read::trimmed_text(LABEL))).map(Some),
            false => Some(None),
        };
        let url = match must(&fields, "url") {
            true => fields.required("url", read::filled(read::text(read::URL_LIMIT))).map(Some),
            false => Some(None),
        };
        let enabled = fields.optional("enabled", read::boolean);
        let version = fields.optional("webhook_version", read::choice(&["v1", "v2", "v3"]));
        let events = fields.optional("subscribed_events", read_events);
        fields.finish(|| {
            Some(Self { label: label?, url: url?, enabled: enabled?, webhook_version: version?, subscribed_events: events? })
        })
    }
}

fn read_events(sent: &Value<'_>) -> Result<Vec<EventType>, FieldError> {
    let items = read::array(sent)?;
    if items.is_empty() {
        return Err(FieldError::text("At least one subscribed event is required."));
    }
    let (mut events, mut unknown) = (Vec::new(), Vec::new());
    for item in items {
        match item.as_text().and_then(EventType::from_name) {
            Some(event) if events.contains(&event) => {}
            Some(event) => events.push(event),
            None => unknown.push(item.as_text().map_or_else(|| item.to_json(), str::to_owned)),
        }
    }
    match unknown.is_empty() {
        true => Ok(events),
        false => Err(FieldError::text(format!("Unsupported webhook events: {}", unknown.join(", ")))),
    }
}

/// A destination as answered, with its secret.
#[derive(Debug, Serialize)]
pub struct DestinationView {
    uuid: DestinationId,
    label: String,
    url: String,
    enabled: bool,
    webhook_version: String,
    secret_shared_key: String,
    subscribed_events: Vec<EventType>,
    created_at: Timestamp,
    updated_at: Timestamp,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Summary {
    total_deliveries: u64,
    failed_deliveries: u64,
    error_rate_percentage: u64,
    min_response_time_ms: Option<i64>,
    avg_response_time_ms: Option<u64>,
    max_response_time_ms: Option<i64>,
    last_delivery_at: Option<Timestamp>,
}

/// A row of the list, without the secret.
#[derive(Debug, Serialize)]
pub struct DestinationRow {
    uuid: DestinationId,
    label: String,
    url: String,
    enabled: bool,
    webhook_version: String,
    subscribed_events_count: usize,
    subscribed_events: Vec<EventType>,
    deliveries_count: u64,
    failed_deliveries_count: u64,
    average_response_time_ms: Option<u64>,
    error_rate_percentage: u64,
    last_delivery_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn error_rate(counts: &Counts) -> u64 {
    // Rounded half up: twice the value and one more, halved.
    (counts.failed * 200 + counts.total).checked_div(counts.total * 2).unwrap_or(0)
}

fn average_ms(counts: &Counts) -> Option<u64> {
    counts.total_ms.checked_div(counts.answered)
}

impl From<Destination> for DestinationRow {
    fn from(row: Destination) -> Self {
        Self {
            uuid: row.id,
            label: row.label,
            url: row.url,
            enabled: row.enabled,
            webhook_version: row.webhook_version,
            subscribed_events_count: row.subscribed_events.len(),
            subscribed_events: row.subscribed_events,
            deliveries_count: row.counts.total,
            failed_deliveries_count: row.counts.failed,
            average_response_time_ms: average_ms(&row.counts),
            error_rate_percentage: error_rate(&row.counts),
            last_delivery_at: row.counts.last_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl DestinationView {
    pub(super) fn of(app: &App, row: Destination) -> Result<Self, Error> {
        Ok(Self {
            secret_shared_key: open_secret(app, row.id, &row.secret)?,
            uuid: row.id,
            label: row.label,
            url: row.url,
            enabled: row.enabled,
            webhook_version: row.webhook_version,
            subscribed_events: row.subscribed_events,
            created_at: row.created_at,
            updated_at: row.updated_at,
            summary: Summary {
                total_deliveries: row.counts.total,
                failed_deliveries: row.counts.failed,
                error_rate_percentage: error_rate(&row.counts),
                avg_response_time_ms: average_ms(&row.counts),
                min_response_time_ms: row.counts.min_ms,
                max_response_time_ms: row.counts.max_ms,
                last_delivery_at: row.counts.last_at,
            },
        })
    }
}

pub(super) fn place(id: DestinationId) -> String {
    format!("destination {id}")
}

/// The secret a destination's deliveries are signed with.
pub fn open_secret(app: &App, id: DestinationId, sealed: &[u8]) -> Result<String, Error> {
    let bytes = app.secrets.open(&place(id), sealed).ok_or_else(|| Error::fault("a destination's secret does not open"))?;
    String::from_utf8(bytes).map_err(Error::fault)
}

/// All destinations, oldest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<DestinationRow>, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let rows = destinations::list_destinations(tx, application).await?;
                Ok(rows.into_iter().map(DestinationRow::from).collect())
            })
        })
        .await
}

/// One destination.
pub async fn show(app: &App, caller: &Caller, id: DestinationId) -> Result<DestinationView, Error> {
    let application = caller.application;
    let row = app
        .store
        .read(move |tx| Box::pin(async move { destinations::find_destination(tx, application, id).await?.ok_or(NOT_FOUND) }))
        .await?;
    DestinationView::of(app, row)
}

fn check_url(app: &App, url: &str) -> Result<(), Error> {
    app.outbound.check(url).map(drop).map_err(|refused| Error::field("url", refused.text()))
}

fn url_taken() -> Error {
    Error::field("url", "This webhook destination already exists for the application.")
}

/// Makes a destination with a secret of its own.
pub async fn create(app: &App, caller: &Caller, body: Result<DestinationBody, FieldErrors>) -> Result<DestinationView, Error> {
    let body = body?;
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    let url = body.url.unwrap_or_default();
    check_url(app, &url)?;
    app.act(caller, move |tx| {
        Box::pin(async move {
            let id: DestinationId = new_id();
            let destination = Destination {
                id,
                application: caller_.application,
                label: body.label.unwrap_or_default(),
                url,
                enabled: body.enabled.unwrap_or(true),
                webhook_version: body.webhook_version.unwrap_or("v3").to_owned(),
                subscribed_events: body.subscribed_events.unwrap_or_default(),
                secret: app_.secrets.seal(&place(id), random_text::<32>().as_bytes()),
                previous: None,
                is_single_url: false,
                paused: None,
                counts: Counts::default(),
                created_at: now,
                updated_at: now,
            };
            if !destinations::insert_destination(tx, &destination).await? {
                return Err(url_taken());
            }
            caller_.audit(tx, "destination.created", &[("destination", id.0)], now).await?;
            DestinationView::of(&app_, destination)
        })
    })
    .await
}

/// Changes a destination. Disabling drops what waits for it.
pub async fn update(
    app: &App,
    caller: &Caller,
    id: DestinationId,
    body: Result<DestinationBody, FieldErrors>,
) -> Result<DestinationView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            applications::lock_settings(tx, caller_.application).await?;
            let mut destination = lock(tx, &caller_, id).await?;
            let body = body?;
            if let Some(url) = &body.url {
                check_url(&app_, url)?;
            }
            destination.label = body.label.unwrap_or(destination.label);
            destination.url = body.url.unwrap_or(destination.url);
            destination.enabled = body.enabled.unwrap_or(destination.enabled);
            destination.webhook_version = body.webhook_version.map_or(destination.webhook_version, str::to_owned);
            destination.subscribed_events = body.subscribed_events.unwrap_or(destination.subscribed_events);
            destination.updated_at = now;
            if !destinations::set_destination(tx, &destination).await? {
                return Err(url_taken());
            }
            if !destination.enabled {
                outbox::drop_waiting(tx, id).await?;
            }
            single_url::note_version(tx, &destination).await?;
            caller_.audit(tx, "destination.updated", &[("destination", id.0)], now).await?;
            DestinationView::of(&app_, destination)
        })
    })
    .await
}

/// Deletes a destination with what waits for it.
pub async fn delete(app: &App, caller: &Caller, id: DestinationId) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            lock(tx, &caller_, id).await?;
            outbox::drop_waiting(tx, id).await?;
            destinations::set_deleted(tx, id, now).await?;
            caller_.audit(tx, "destination.deleted", &[("destination", id.0)], now).await?;
            Ok(())
        })
    })
    .await
}

pub(super) async fn lock(tx: &mut Tx, caller: &Caller, id: DestinationId) -> Result<Destination, Error> {
    destinations::lock_destination(tx, caller.application, id).await?.ok_or(NOT_FOUND)
}

/// An attempt as answered in lists.
#[derive(Debug, Serialize)]
pub struct DeliveryRow {
    uuid: DeliveryId,
    session_id: Option<SessionId>,
    request_url: String,
    response_status: Option<i64>,
    response_time_ms: Option<i64>,
    status: &'static str,
    webhook_type: EventType,
    created_at: Timestamp,
}

/// An attempt with what was sent.
#[derive(Debug, Serialize)]
pub struct DeliveryView {
    #[serde(flatten)]
    row: DeliveryRow,
    request_header: String,
    request_body: String,
}

impl From<&Delivery> for DeliveryRow {
    fn from(row: &Delivery) -> Self {
        Self {
            uuid: row.id,
            session_id: row.session,
            request_url: row.request_url.clone(),
            response_status: row.response_status,
            response_time_ms: row.response_time_ms,
            status: if row.succeeded { "success" } else { "failed" },
            webhook_type: row.event_type,
            created_at: row.created_at,
        }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(row: Delivery) -> Self {
        Self { row: DeliveryRow::from(&row), request_header: row.request_header, request_body: row.request_body }
    }
}

/// A page of attempts and how many there are.
pub async fn list_deliveries(
    app: &App,
    caller: &Caller,
    id: DestinationId,
    days: (Option<Day>, Option<Day>),
    window: (u64, u64),
) -> Result<(Vec<DeliveryRow>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                destinations::find_destination(tx, application, id).await?.ok_or(NOT_FOUND)?;
                let (rows, total) = deliveries::list_deliveries(tx, id, days, window).await?;
                Ok((rows.iter().map(DeliveryRow::from).collect(), total))
            })
        })
        .await
}

/// One attempt.
pub async fn show_delivery(app: &App, caller: &Caller, id: DestinationId, delivery: DeliveryId) -> Result<DeliveryView, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                destinations::find_destination(tx, application, id).await?.ok_or(NOT_FOUND)?;
                let found = deliveries::find_delivery(tx, id, delivery).await?.ok_or(Error::NOT_FOUND)?;
                Ok(DeliveryView::from(found))
            })
        })
        .await
}
