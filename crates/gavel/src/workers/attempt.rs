//! One attempt: the event's payload as its destination gets it now, signed, posted (contract, webhooks §2–§5).

use std::time::Duration;

use gavel_core::{
    evidence::link_decision_media,
    json,
    time::Timestamp,
    webhook::{Secrets, Signatures, retry_after, signatures},
};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    actions::{Error, destinations::open_secret},
    app::App,
    clock::new_id,
    media,
    store::{deliveries::Delivery, outbox::Claimed},
};

/// What of an answer's body is read before the connection is given up, and for how long. The lease has room for it.
const ANSWER_LIMIT: usize = 64 << 10;
const ANSWER_TIME: Duration = Duration::from_secs(1);

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

impl Attempt {
    /// Whether the receiver took the event.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The row that remembers it.
    pub fn into_delivery(self, event: &Claimed) -> Delivery {
        Delivery {
            id: new_id(),
            application: event.application,
            destination: event.destination,
            event: event.event,
            event_id: event.id,
            session: event.session,
            event_type: event.event_type,
            request_url: event.url.clone(),
            succeeded: self.succeeded(),
            request_header: self.headers,
            request_body: self.body,
            response_status: self.status.map(i64::from),
            response_time_ms: self.ms,
            error: self.error,
            created_at: self.began,
        }
    }
}

/// Signs and posts one event.
pub async fn make(app: &App, event: &Claimed) -> Result<Attempt, Error> {
    let began = app.clock.now();
    let current = open_secret(app, event.destination, &event.secret)?;
    let previous = event.previous.as_ref().filter(|(_, until)| began < *until);
    let previous = previous.map(|(sealed, _)| open_secret(app, event.destination, sealed)).transpose()?;
    let secrets = Secrets { current: &current, previous: previous.as_deref() };
    let payload = payload(app, event, began)?;
    let value = json::Value::from(&payload);
    let body = json::canonical::body(&value);
    let headers = headers(event, began, &signatures(secrets, &value, &body));
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
    // A body may be 128 levels deep; inside the decision inside the payload its metadata is deeper, and still small.
    let mut stored = serde_json::Deserializer::from_str(&event.payload);
    stored.disable_recursion_limit();
    let mut payload: Map<String, Value> = serde::Deserialize::deserialize(&mut stored).map_err(Error::fault)?;
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
    let mut headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", concat!("DiditWebhook/2.0 (compatible; Gavel/", env!("CARGO_PKG_VERSION"), ")").to_owned()),
        ("X-Timestamp", timestamp.clone()),
        ("X-Signature", signed.signature.clone()),
        ("X-Signature-V2", signed.v2.clone()),
        ("X-Signature-Simple", signed.simple.clone()),
        ("webhook-id", event.id.to_string()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signed.standard.clone()),
    ];
    if event.is_test {
        headers.push(("X-Didit-Test-Webhook", "true".to_owned()));
    }
    headers
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
            let _ = tokio::time::timeout(ANSWER_TIME, drain(&mut response)).await;
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
