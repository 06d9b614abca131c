//! A real HTTP server that receives webhooks and remembers them.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, response::IntoResponse, response::Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;

use super::{eventually, payload};

/// One received request.
#[derive(Debug, Clone)]
pub struct Received {
    /// Headers.
    pub headers: HeaderMap,
    /// Body, byte by byte.
    pub body: Vec<u8>,
}

impl Received {
    /// The body as JSON, however deep.
    pub fn json(&self) -> Value {
        let mut sent = serde_json::Deserializer::from_slice(&self.body);
        sent.disable_recursion_limit();
        Value::deserialize(&mut sent).unwrap()
    }

    /// A header's text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }
}

/// What to answer, by number of the request from 0.
type Behaviour = dyn Fn(usize) -> (StatusCode, Duration) + Send + Sync;

struct Inside {
    received: Mutex<Vec<Received>>,
    behaviour: Box<Behaviour>,
}

/// A receiver on a port of its own.
pub struct Receiver {
    address: SocketAddr,
    inside: Arc<Inside>,
}

impl Receiver {
    /// Answers 200 to everything.
    pub async fn start() -> Self {
        Self::answering(|_| (StatusCode::OK, Duration::ZERO)).await
    }

    /// Answers as told, after a wait.
    pub async fn answering(behaviour: impl Fn(usize) -> (StatusCode, Duration) + Send + Sync + 'static) -> Self {
        let inside = Arc::new(Inside { received: Mutex::default(), behaviour: Box::new(behaviour) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(receive).with_state(inside.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, inside }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Everything received so far.
    pub fn received(&self) -> Vec<Received> {
        self.inside.received.lock().unwrap().clone()
    }

    /// Waits until there are this many. All of them have to be as the contract has them.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let received = eventually(&format!("delivery {count}"), || async {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await;
        for delivery in &received {
            assert_eq!(payload::faults(&delivery.json()), [""; 0], "{:#}", delivery.json());
        }
        received
    }
}

async fn receive(State(inside): State<Arc<Inside>>, headers: HeaderMap, body: Bytes) -> Response {
    let number = {
        let mut received = inside.received.lock().unwrap();
        received.push(Received { headers, body: body.to_vec() });
        received.len() - 1
    };
    let (status, wait) = (inside.behaviour)(number);
    tokio::time::sleep(wait).await;
    status.into_response()
}
