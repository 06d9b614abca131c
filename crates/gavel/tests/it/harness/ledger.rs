//! A receiver that keeps a ledger instead of the bodies: what has come of each session, in which order, and what came twice.
//! It judges every event when it arrives, so that hundreds of thousands cost as little as hundreds.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode};
use serde::Deserialize;
use tokio::net::TcpListener;
use uuid::Uuid;

/// What is wrong is told for the first few only.
const TOLD: usize = 20;

/// A receiver on a port of its own that takes everything.
pub struct Ledger {
    address: SocketAddr,
    book: Arc<Book>,
}

struct Book {
    /// What every session goes through.
    expected: &'static [&'static str],
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// The session and the place in it of every event by its id.
    events: HashMap<Uuid, (Uuid, usize)>,
    /// How many events of a session have come.
    sessions: HashMap<Uuid, usize>,
    duplicates: usize,
    wrong: Vec<String>,
}

/// The state of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Events by their ids.
    pub events: usize,
    /// Sessions of which all have come.
    pub complete: usize,
    /// Events that came again under the id they had.
    pub duplicates: usize,
    /// What should not be.
    pub wrong: Vec<String>,
}

#[derive(Deserialize)]
struct Body {
    event_id: Uuid,
    session_id: Uuid,
    status: String,
}

impl Ledger {
    /// Expects these statuses of every session, in this order.
    pub async fn start(expected: &'static [&'static str]) -> Self {
        let book = Arc::new(Book { expected, entries: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(receive).with_state(book.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, book }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// How many different events have come.
    pub fn events(&self) -> usize {
        self.book.entries.lock().unwrap().events.len()
    }

    /// How it stands.
    pub fn balance(&self) -> Balance {
        let entries = self.book.entries.lock().unwrap();
        Balance {
            events: entries.events.len(),
            complete: entries.sessions.values().filter(|count| **count == self.book.expected.len()).count(),
            duplicates: entries.duplicates,
            wrong: entries.wrong.clone(),
        }
    }
}

async fn receive(State(book): State<Arc<Book>>, sent: Bytes) -> StatusCode {
    let mut entries = book.entries.lock().unwrap();
    let wrong = match serde_json::from_slice::<Body>(&sent) {
        Ok(body) => entries.enter(&body, book.expected),
        Err(error) => Some(error.to_string()),
    };
    if let Some(wrong) = wrong
        && entries.wrong.len() < TOLD
    {
        entries.wrong.push(wrong);
    }
    StatusCode::OK
}

impl Entries {
    /// Answers what is wrong.
    fn enter(&mut self, body: &Body, expected: &[&str]) -> Option<String> {
        let Body { event_id, session_id, status } = body;
        if let Some((session, place)) = self.events.get(event_id) {
            self.duplicates += 1;
            let same = session == session_id && expected[*place] == status;
            return (!same).then(|| format!("{event_id} is {status} of {session_id} now, and was event {place} of {session}"));
        }
        let place = self.sessions.entry(*session_id).or_default();
        let due = expected.get(*place);
        let wrong = (due != Some(&status.as_str())).then(|| format!("{status} of {session_id} instead of {due:?}"));
        self.events.insert(*event_id, (*session_id, (*place).min(expected.len() - 1)));
        *place += 1;
        wrong
    }
}
