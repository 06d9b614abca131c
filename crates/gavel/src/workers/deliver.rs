//! Delivery: waiting events to their destinations, signed, in order per object (contract, webhooks §3–§5).
//!
//! A pass claims the first event of every due lane under a lease, posts each in a task of its own, and records the
//! outcome under the lease's token: attempt, counters, and either the end of the event or its next due time, in one
//! transaction. A process that is killed between posting and recording leaves the lease to run out; the event is sent
//! again with the same `event_id`. At most [`AT_ONCE`] attempts run at a time, and at most [`PER_DESTINATION`] to one
//! destination, so a slow receiver delays nobody else.

use std::{collections::HashMap, sync::Arc, time::Duration};

use gavel_core::{
    evidence::link_decision_media,
    ids::DestinationId,
    json,
    time::Timestamp,
    webhook::{Outcome, Signatures, retry_after, retry_wait, signatures},
};
use serde_json::{Map, Value};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};

use crate::{
    actions::{Error, destinations::open_secret},
    app::App,
    clock::new_id,
    media,
    store::{
        db::Dialect,
        deliveries::{self, Delivery},
        destinations, outbox,
        outbox::Claimed,
    },
};

/// Most attempts of this process at a time.
const AT_ONCE: usize = 128;
/// Most attempts to one destination at a time.
const PER_DESTINATION: usize = 16;
/// Longest sleep between two looks: another process may have queued something.
const POLL: Duration = Duration::from_secs(1);
/// What a lease is longer than an attempt can take, in seconds.
const LEASE_MARGIN: i64 = 10;
/// What of an answer's body is read before the connection is given up.
const ANSWER_LIMIT: usize = 64 << 10;

/// Delivers until told to stop; then finishes what is in flight.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    if app.store.dialect() == Dialect::Sqlite {
        let freed = app.store.write::<_, Error, _>(|tx| Box::pin(async move { Ok(outbox::free_leases(tx).await?) })).await;
        if let Err(error) = freed {
            tracing::warn!(%error, "old leases were not freed");
        }
    }
    let limits = Limits::default();
    let mut running = JoinSet::new();
    while !*stopped.borrow() {
        while running.try_join_next().is_some() {}
        let claimed = claim(&app, AT_ONCE.saturating_sub(running.len())).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "waiting events could not be claimed");
            Vec::new()
        });
        let found = !claimed.is_empty();
        for event in claimed {
            running.spawn(deliver(app.clone(), event, limits.clone()));
        }
        if found && running.len() < AT_ONCE {
            continue;
        }
        let pause = pause(&app).await;
        tokio::select! {
            () = app.store.wakes().deliveries.notified() => {}
            _ = running.join_next(), if !running.is_empty() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

/// How long nothing will be due, at most [`POLL`].
async fn pause(app: &App) -> Duration {
    let now = app.clock.now();
    let due = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(outbox::next_due(tx).await?) })).await;
    match due {
        Ok(Some(due)) => Duration::from_micros((due.as_micros() - now.as_micros()).max(1_000).unsigned_abs()).min(POLL),
        _ => POLL,
    }
}

/// One limit per destination, made when it is first seen.
#[derive(Clone, Default)]
struct Limits(Arc<std::sync::Mutex<HashMap<DestinationId, Arc<Semaphore>>>>);

impl Limits {
    fn of(&self, id: DestinationId) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(|e| e.into_inner());
        all.entry(id).or_insert_with(|| Arc::new(Semaphore::new(PER_DESTINATION))).clone()
    }
}

async fn claim(app: &App, room: usize) -> Result<Vec<Claimed>, Error> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let until = now.plus_seconds(lease_seconds(app));
    app.store.write(move |tx| Box::pin(async move { Ok(outbox::claim_due(tx, now, until, new_id(), room as u64).await?) })).await
}

fn lease_seconds(app: &App) -> i64 {
    i64::try_from(app.outbound.timeout().as_secs()).unwrap_or(60) + LEASE_MARGIN
}

/// What came of one attempt.
pub struct Attempt {
    /// When it began.
    pub began: Timestamp,
    /// Headers as sent, JSON text.
    pub headers: String,
    /// Body as sent.
    pub body: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Milliseconds to the end of the answer's headers.
    pub ms: Option<i64>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// Whether the target itself is refused: then trying again is no use.
    pub refused: bool,
    /// What `Retry-After` asks for.
    pub retry_after: Option<Duration>,
}

async fn deliver(app: App, event: Claimed, limits: Limits) {
    let limit = limits.of(event.destination);
    let leased = Duration::from_secs(lease_seconds(&app).unsigned_abs()) - app.outbound.timeout();
    // Somebody slow fills this destination's places: the lease is given up before it could run out under an attempt.
    let Ok(Ok(_permit)) = tokio::time::timeout(leased, limit.acquire()).await else { return };
    let attempt = match attempt(&app, &event).await {
        Ok(attempt) => attempt,
        Err(error) => return tracing::error!(%error, event = %event.id, "an event could not be prepared"),
    };
    let id = event.id;
    if let Err(error) = record(&app, event, attempt).await {
        tracing::warn!(%error, event = %id, "an attempt could not be recorded; it will be repeated");
    }
}

/// Signs and posts one event.
pub async fn attempt(app: &App, event: &Claimed) -> Result<Attempt, Error> {
    let began = app.clock.now();
    let secret = open_secret(app, event.destination, &event.secret)?;
    let payload = payload(app, event, began)?;
    let value = json::Value::from(&payload);
    let body = json::canonical::body(&value);
    let headers = headers(event, began, &signatures(secret.as_str(), &value, &body));
    let sent = Map::from_iter(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())));
    let headers_text = Value::Object(sent).to_string();
    let mut attempt = Attempt {
        began,
        headers: headers_text,
        body: body.clone(),
        status: None,
        ms: None,
        error: None,
        refused: false,
        retry_after: None,
    };
    post(app, &event.url, headers, body, &mut attempt).await;
    Ok(attempt)
}

/// The payload as this destination gets it now.
fn payload(app: &App, event: &Claimed, now: Timestamp) -> Result<Value, Error> {
    let mut payload: Map<String, Value> = serde_json::from_str(&event.payload).map_err(Error::fault)?;
    payload.insert("event_id".into(), event.id.to_string().into());
    payload.insert("timestamp".into(), now.as_unix_seconds().into());
    if let Some(decision) = payload.get_mut("decision") {
        link_decision_media(decision, &|id| media::link(&app.secrets, &app.config.public_url, id, now));
        if event.webhook_version != "v3" {
            older_decision(decision);
        }
    }
    Ok(Value::Object(payload))
}

/// The form of `v1` and `v2`: instead of every array its first item, under an older name.
fn older_decision(decision: &mut Value) {
    const OLDER: [(&str, &str); 10] = [
        ("id_verifications", "id_verification"),
        ("nfc_verifications", "nfc"),
        ("liveness_checks", "liveness"),
        ("face_matches", "face_match"),
        ("phone_verifications", "phone"),
        ("email_verifications", "email"),
        ("poa_verifications", "poa"),
        ("aml_screenings", "aml"),
        ("ip_analyses", "ip_analysis"),
        ("database_validations", "database_validation"),
    ];
    let Some(members) = decision.as_object_mut() else { return };
    for (array, single) in OLDER {
        if let Some(items) = members.shift_remove(array) {
            let first = items.as_array().and_then(|items| items.first().cloned()).unwrap_or_default();
            members.insert(single.to_owned(), first);
        }
    }
}

fn headers(event: &Claimed, now: Timestamp, signed: &Signatures) -> Vec<(&'static str, String)> {
    let timestamp = now.as_unix_seconds().to_string();
    vec![
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", concat!("DiditWebhook/2.0 (compatible; Gavel/", env!("CARGO_PKG_VERSION"), ")").to_owned()),
        ("X-Timestamp", timestamp.clone()),
        ("X-Signature", signed.signature.clone()),
        ("X-Signature-V2", signed.v2.clone()),
        ("X-Signature-Simple", signed.simple.clone()),
        ("webhook-id", event.id.to_string()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signed.standard.clone()),
    ]
}

async fn post(app: &App, url: &str, headers: Vec<(&'static str, String)>, body: String, attempt: &mut Attempt) {
    let url = match app.outbound.check(url) {
        Ok(url) => url,
        Err(error) => {
            attempt.refused = true;
            attempt.error = Some(error.to_string());
            return;
        }
    };
    let mut request = app.outbound.client().post(url).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let began = Instant::now();
    match tokio::time::timeout(app.outbound.timeout(), request.send()).await {
        Ok(Ok(mut response)) => {
            attempt.ms = i64::try_from(began.elapsed().as_millis()).ok();
            let status = response.status().as_u16();
            attempt.status = Some(status);
            let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            attempt.retry_after = asked.and_then(|asked| retry_after(status, asked, app.clock.now()));
            // A short answer is read to its end, so that the connection can be used again.
            let _ = tokio::time::timeout(app.outbound.timeout(), drain(&mut response)).await;
        }
        Ok(Err(error)) => {
            attempt.refused = is_refused(&error);
            attempt.error = Some(describe(&error));
        }
        Err(_) => attempt.error = Some("no answer in time".into()),
    }
}

async fn drain(response: &mut reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_LIMIT {
            return;
        }
    }
}

/// The name resolved to addresses that are no target.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.is::<crate::outbound::NotATarget>() {
            return true;
        }
        source = inner.source();
    }
    false
}

/// What kind of failure it was; the URL, which may hold a token, stays out.
fn describe(error: &reqwest::Error) -> String {
    let kind = if error.is_connect() { "no connection" } else { "broken exchange" };
    let mut text = kind.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.source().is_none() {
            text = format!("{kind}: {inner}");
        }
        source = inner.source();
    }
    text
}

/// Writes the attempt and what becomes of the event.
async fn record(app: &App, event: Claimed, attempt: Attempt) -> Result<(), Error> {
    let outcome = if attempt.refused { Outcome::Final } else { Outcome::of(attempt.status) };
    let number = u32::try_from(event.attempts + 1).unwrap_or(u32::MAX);
    let wait = match outcome {
        Outcome::Retry => retry_wait(&app.config.retry_schedule, number, attempt.retry_after),
        Outcome::Delivered | Outcome::Final => None,
    };
    let due = wait.map(|wait| {
        Timestamp::from_micros(app.clock.now().as_micros() + i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2))
    });
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let ours = match due {
                    Some(due) => outbox::set_due(tx, &event, due).await?,
                    None => outbox::remove_claimed(tx, &event).await?,
                };
                if !ours {
                    return Ok(()); // The lease ran out, or the destination was disabled: whoever holds it now records.
                }
                let succeeded = outcome == Outcome::Delivered;
                let delivery = Delivery {
                    id: new_id(),
                    destination: event.destination,
                    event: event.event,
                    event_id: event.id,
                    session: event.session,
                    event_type: event.event_type,
                    request_url: event.url,
                    request_header: attempt.headers,
                    request_body: attempt.body,
                    response_status: attempt.status.map(i64::from),
                    response_time_ms: attempt.ms,
                    succeeded,
                    error: attempt.error,
                    created_at: attempt.began,
                };
                deliveries::insert_delivery(tx, event.application, &delivery).await?;
                destinations::count_attempt(tx, event.destination, succeeded, attempt.ms, attempt.began).await?;
                tx.wake_deliveries(); // The next of this lane may go.
                Ok(())
            })
        })
        .await
}
