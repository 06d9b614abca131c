//! The other side of the webhooks: a small HTTP server that checks every signature, as a customer's would.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{Router, extract::State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    api::{Api, text},
    terminal::Terminal,
};
use crate::{
    cli::{CliError, webhook::all_hold},
    clock::Clock,
};

/// A running receiver.
pub struct Receiver {
    inbox: Arc<Inbox>,
    running: JoinHandle<()>,
}

struct Inbox {
    api: Api,
    clock: Clock,
    terminal: Terminal,
    secret: OnceLock<String>,
    verified: AtomicUsize,
    refused: AtomicUsize,
    speaks: AtomicBool,
}

impl Receiver {
    /// Starts one on a free port and subscribes it to everything that happens to sessions.
    pub async fn start(api: &Api, clock: Clock, terminal: Terminal) -> Result<Self, CliError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/webhooks", listener.local_addr()?);
        let inbox = Arc::new(Inbox {
            api: api.clone(),
            clock,
            terminal,
            secret: OnceLock::new(),
            verified: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            speaks: AtomicBool::new(false),
        });
        let router = Router::new().fallback(receive).with_state(inbox.clone());
        let running = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await; // Ends with the process.
        });
        let body = json!({ "label": "Demo receiver", "url": url, "subscribed_events": ["status.updated", "data.updated"] });
        let destination = api.post("/v3/webhook/destinations/", &body).await?;
        let _ = inbox.secret.set(text(&destination, "secret_shared_key").to_owned());
        Ok(Self { inbox, running })
    }

    /// From now on every delivery is a line on the terminal.
    pub fn speak(&self) {
        self.inbox.speaks.store(true, Ordering::Relaxed);
    }

    /// Deliveries whose signatures were all right, and others.
    pub fn counts(&self) -> (usize, usize) {
        (self.inbox.verified.load(Ordering::Relaxed), self.inbox.refused.load(Ordering::Relaxed))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let verified = inbox.verify(&headers, &body);
    let count = if verified { &inbox.verified } else { &inbox.refused };
    count.fetch_add(1, Ordering::Relaxed);
    if inbox.speaks.load(Ordering::Relaxed) {
        let payload: Value = serde_json::from_slice(&body).unwrap_or_default();
        let number = inbox.session_number(&payload).await;
        inbox.terminal.delivery(&inbox.clock.now().to_string(), &payload, &number, verified);
    }
    if verified { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}

impl Inbox {
    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        self.secret.get().is_some_and(|secret| all_hold(secret, headers, body, self.clock.now()))
    }

    /// People speak of numbers, payloads without a decision only of ids: then the server is asked.
    async fn session_number(&self, payload: &Value) -> String {
        let number = |decision: &Value| decision.get("session_number").map(Value::to_string);
        if let Some(number) = payload.get("decision").and_then(number) {
            return number;
        }
        let path = format!("/v3/session/{}/decision/", text(payload, "session_id"));
        self.api.get(&path).await.ok().as_ref().and_then(number).unwrap_or_else(|| "?".to_owned())
    }
}
