//! The stage: a server of its own for every test, on an engine of its own, spoken to over real HTTP.
//!
//! [`db_test!`](crate::db_test) makes one test per engine. Without `GAVEL_TEST_POSTGRES` the PostgreSQL half is skipped,
//! unless `GAVEL_REQUIRE_POSTGRES=1` makes that a failure.

pub mod client;
pub mod database;
pub mod files;
pub mod inside;
pub mod ledger;
pub mod payload;
pub mod people;
pub mod process;
pub mod raw;
pub mod receiver;
pub mod smtp;
pub mod tls;
pub mod trail;

use std::time::Duration;

use gavel::{
    app::App,
    cli::serve::{Ready, prepare},
    config::{Settings, Switch},
};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};

pub use client::{Answer, Client};
pub use database::Engine;
pub use receiver::Receiver;

/// The key of the application every test starts with.
pub const KEY: &str = "test-key-0123456789abcdef";

/// One test per engine: `db_test!(name, server => { … })` makes `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! db_test {
    ($name:ident, $server:ident => $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "not every test needs its neighbours")]
            use super::*;
            async fn run(engine: $crate::harness::Engine) {
                let Some($server) = $crate::harness::Server::start(engine).await else { return };
                $body
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run($crate::harness::Engine::Sqlite).await
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run($crate::harness::Engine::Postgres).await
            }
        }
    };
}

/// A running server with an empty database and the application `Default`.
pub struct Server {
    /// Speaks with the full-access key.
    pub client: Client,
    /// The server's own handle, for looking inside and moving the clock.
    pub app: App,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    place: database::Place,
}

impl Server {
    /// Starts one; `None` when this engine is not to be had here.
    pub async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |_| {}).await
    }

    /// The same with other settings.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Settings)) -> Option<Self> {
        let place = database::Place::migrated(engine).await?;
        let mut settings = settings(&place);
        change(&mut settings);
        let ready = prepare(settings.check().unwrap()).await.map_err(|e| panic!("{e:?}")).unwrap();
        let server = Self::run(ready, place);
        while !server.app.live.is_loaded() {
            tokio::time::sleep(Duration::from_millis(1)).await; // Until then `readyz` says no.
        }
        Some(server)
    }

    /// Serves what has been prepared at this place.
    pub fn run(ready: Ready, place: database::Place) -> Self {
        let app = ready.app.clone();
        let client = Client::new(format!("http://{}", app.config.listen), KEY);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(ready.run(async move {
            let _ = stopped.await;
        }));
        Self { client, app, stop: Some(stop), running: Some(running), place }
    }

    /// Ends the server as a signal would, and waits until it has ended.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
    }

    /// The URL of its PostgreSQL database, if it is one.
    pub fn database_url(&self) -> Option<String> {
        self.place.url()
    }

    /// Base address.
    pub fn url(&self) -> String {
        format!("http://{}", self.app.config.listen)
    }

    /// A client with a key of other scopes, for the same application.
    pub async fn client_with(&self, scopes: &str) -> Client {
        let scopes = scopes.parse().unwrap();
        let (_, key) = gavel::actions::keys::create(&self.app, None, "test".into(), scopes, None).await.unwrap();
        Client::new(self.url(), key)
    }

    /// A client whose key has these limits besides full access.
    pub async fn client_limited(
        &self,
        ip_allowlist: &[&str],
        expires_at: Option<gavel_core::time::Timestamp>,
    ) -> (Client, gavel_core::ids::KeyId) {
        use gavel::{
            actions::Error,
            store::{applications, keys},
        };
        let secret = gavel::actions::keys::new_secret();
        let hash = gavel::secrets::digest(secret.as_bytes());
        let id: gavel_core::ids::KeyId = gavel::clock::new_id();
        let ip_allowlist = ip_allowlist.iter().map(|range| range.parse().unwrap()).collect();
        let created_at = self.app.clock.now();
        self.app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let key = keys::ApiKey {
                        id,
                        application: applications::list_applications(tx).await?[0].id,
                        name: "limited".into(),
                        prefix: "limited".into(),
                        scopes: gavel_core::access::Scopes::Full,
                        ip_allowlist,
                        expires_at,
                        created_at,
                        revoked_at: None,
                    };
                    assert!(keys::insert_key(tx, &key, hash).await?);
                    Ok(())
                })
            })
            .await
            .unwrap();
        (Client::new(self.url(), secret), id)
    }

    /// A client of another application on the same server.
    pub async fn foreign_client(&self) -> Client {
        use gavel::actions::{Error, applications::provision, keys};
        let (app, key) = (self.app.clone(), keys::new_secret());
        let secret = key.clone();
        self.app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let other = provision(tx, &app, "Other", gavel_core::session::Environment::Live).await?;
                    keys::insert(tx, &app, other, "other", gavel_core::access::Scopes::Full, None, &secret).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        Client::new(self.url(), key)
    }

    /// The default workflow's stable id.
    pub async fn workflow(&self) -> String {
        let workflows = self.client.get("/v3/workflows/").await.ok(200);
        let default = workflows["results"].as_array().unwrap().iter().find(|row| row["is_default"] == true);
        text(&default.unwrap()["workflow_id"])
    }

    /// A new session's id.
    pub async fn session(&self) -> String {
        self.session_with(json!({})).await
    }

    /// A new session's id, with more in the body.
    pub async fn session_with(&self, more: Value) -> String {
        let mut body = json!({ "workflow_id": self.workflow().await });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        text(&self.client.post("/v3/session/", body).await.ok(201)["session_id"])
    }

    /// Sends evidence; the decision it leads to.
    pub async fn evidence(&self, session: &str, body: Value) -> Value {
        self.client.post(&format!("/x/sessions/{session}/evidence/"), body).await.ok(200)
    }

    /// A session with this evidence; its decision.
    pub async fn session_with_evidence(&self, body: Value) -> Value {
        let session = self.session().await;
        self.evidence(&session, body).await
    }

    /// The id of a system list, by the type of its entries.
    pub async fn system_list(&self, entry_type: &str) -> String {
        let lists = self.client.get(&format!("/v3/lists/?entry_type={entry_type}&is_system=true")).await.ok(200);
        text(&lists["results"][0]["uuid"])
    }

    /// A new list's id.
    pub async fn list(&self, name: &str, list_type: &str, entry_type: &str) -> String {
        let body = json!({ "name": name, "list_type": list_type, "entry_type": entry_type });
        text(&self.client.post("/v3/lists/", body).await.ok(201)["uuid"])
    }

    /// Adds a value to a list; the entry's id.
    pub async fn add(&self, list: &str, value: &str) -> String {
        let entry = self.client.post(&format!("/v3/lists/{list}/entries/"), json!({ "value": value })).await.ok(201);
        text(&entry["uuid"])
    }

    /// A destination for all session events at this receiver; id and secret.
    pub async fn destination(&self, receiver: &Receiver) -> (String, String) {
        let body = json!({ "label": "test", "url": receiver.url(), "subscribed_events": ["status.updated", "data.updated"] });
        let made = self.client.post("/v3/webhook/destinations/", body).await.ok(201);
        (text(&made["uuid"]), text(&made["secret_shared_key"]))
    }
}

/// Settings for a local test server.
pub fn settings(place: &database::Place) -> Settings {
    Settings {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        data: Some(place.data().to_owned()),
        database: place.url(),
        database_connections: Some(8),
        webhook_allow_http: Some(Switch(true)),
        webhook_allow_private: Some(Switch(true)),
        webhook_retry_schedule: Some("50ms,50ms,100ms".into()),
        webhook_timeout: Some("1s".into()),
        bootstrap_api_key: Some(KEY.into()),
        ..Settings::default()
    }
}

/// A JSON text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Waits until something holds; gives up after ten seconds. Polls, because what is waited for happens elsewhere.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    for _ in 0..500 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not happen within ten seconds");
}

/// A body for a snapshot: indented, without what differs from run to run.
pub fn shown(value: &Value) -> String {
    serde_json::to_string_pretty(&redacted(value)).unwrap()
}

/// Replaces what differs from run to run: ids, times, tokens, signed links, the port.
pub fn redacted(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(redacted_text(text)),
        Value::Array(items) => items.iter().map(redacted).collect(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| match name.as_str() {
                "session_token" => (name.clone(), "[token]".into()),
                _ => (name.clone(), redacted(value)),
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

fn redacted_text(text: &str) -> String {
    let is_uuid = |text: &str| text.len() == 36 && text.bytes().filter(|b| *b == b'-').count() == 4;
    let is_time = |text: &str| text.len() == 27 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    if is_uuid(text) {
        "[uuid]".to_owned()
    } else if is_time(text) {
        "[time]".to_owned()
    } else if let Some(rest) = text.strip_prefix("http://127.0.0.1:") {
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        let path = path.split('/').map(|part| if is_uuid(part.split('?').next().unwrap_or("")) { "[uuid]" } else { part });
        let mut parts: Vec<&str> = path.collect();
        if let Some(place) = parts.iter().position(|part| *part == "session").filter(|place| place + 2 == parts.len()) {
            parts[place + 1] = "[token]";
        }
        format!("[server]/{}", parts.join("/"))
    } else {
        text.to_owned()
    }
}
