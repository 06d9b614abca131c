//! What a test does behind the server's back: rows set up and counted, files made, bodies drawn at random.

use std::collections::BTreeMap;

use gavel::{
    actions::{Caller, Error},
    store::{Value as Param, applications, db::Target, workflows},
};
use gavel_core::{
    access::{Actor, Role},
    ids::ApplicationId,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

use super::{Client, Server, client, text};

/// Tables a request may write to, except those the workers write to by themselves.
const TABLES: [&str; 43] = [
    "activities",
    "activity_values",
    "audit_events",
    "audit_values",
    "corrected_signals",
    "counters",
    "entries",
    "events",
    "hits",
    "idempotency",
    "import_batches",
    "imported_objects",
    "imports",
    "list_revisions",
    "lists",
    "media",
    "pending_reviews",
    "questionnaires",
    "records",
    "screenings",
    "session_events",
    "session_files",
    "session_import_errors",
    "session_import_parts",
    "session_imports",
    "session_risks",
    "session_tags",
    "sessions",
    "shares",
    "signals",
    "subject_comments",
    "subject_origins",
    "subject_tags",
    "subjects",
    "tags",
    "transaction_activities",
    "transaction_alerts",
    "transaction_hits",
    "transaction_rule_runs",
    "transaction_rules",
    "transaction_signals",
    "transaction_tags",
    "transactions",
];

impl Server {
    /// What is in the database: rows per table, and the sum of all versions and numbers. Equal before and after: nothing
    /// was written.
    pub async fn counts(&self) -> BTreeMap<String, i64> {
        let read = self.app.store.read::<_, Error, _>(|tx| {
            Box::pin(async move {
                let mut counts = BTreeMap::new();
                let sums = [("versions", "sum(version) FROM sessions"), ("numbers", "sum(value) FROM counters")];
                let tables = TABLES.map(|table| (table, format!("count(*) FROM {table}")));
                let sums = sums.map(|(name, sum)| (name, sum.to_owned()));
                for (name, what) in tables.into_iter().chain(sums) {
                    let sql = format!("SELECT CAST({what}", what = what.replacen(" FROM", " AS BIGINT) FROM", 1));
                    let row = tx.query_opt(&sql, &[]).await?.unwrap();
                    counts.insert(name.to_owned(), row.get::<Option<i64>>(0)?.unwrap_or(0));
                }
                Ok(counts)
            })
        });
        read.await.unwrap()
    }

    /// Runs one statement.
    pub async fn sql(&self, statement: &'static str, params: Vec<Param>) {
        self.app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    tx.execute(statement, &params).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
    }

    /// The tables that name one of these sessions in `session_id`.
    pub async fn rows_of(&self, sessions: &[String]) -> Vec<String> {
        let ids: Vec<uuid::Uuid> = sessions.iter().map(|id| id.parse().unwrap()).collect();
        let tables = match &self.app.config.target {
            Target::Sqlite(_) => {
                "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'session_id' ORDER BY m.name"
            }
            Target::Postgres(_) => {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'session_id' ORDER BY table_name"
            }
        };
        let read = self.app.store.read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let mut found = Vec::new();
                for row in tx.query(tables, &[]).await? {
                    let table: String = row.get(0)?;
                    for id in &ids {
                        let sql = format!("SELECT 1 FROM {table} WHERE session_id = $1 LIMIT 1");
                        if tx.query_opt(&sql, &[(*id).into()]).await?.is_some() && !found.contains(&table) {
                            found.push(table.clone());
                        }
                    }
                }
                Ok(found)
            })
        });
        read.await.unwrap()
    }

    /// Puts a session into a status no call leads to.
    pub async fn set_status(&self, session: &str, status: &str) {
        let id: uuid::Uuid = session.parse().unwrap();
        self.sql("UPDATE sessions SET status = $2 WHERE id = $1", vec![id.into(), status.into()]).await;
    }

    /// The first application.
    pub async fn application(&self) -> ApplicationId {
        let read = self
            .app
            .store
            .read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?[0].id) }));
        read.await.unwrap()
    }

    /// Whether reviews change statuses.
    pub async fn set_reviews_change_status(&self, on: bool) {
        self.client.patch("/x/settings/", json!({ "reviews_change_status": on })).await.ok(200);
    }

    /// The feed of a session, newest first.
    pub async fn feed(&self, session: &str) -> Vec<Value> {
        self.client.get(&format!("/v3/sessions/{session}/reviews/")).await.ok(200)["results"].as_array().unwrap().clone()
    }

    /// A published workflow with these features, in order; its stable id.
    pub async fn workflow_of(&self, features: Value) -> String {
        let (application, now) = (self.application().await, self.app.clock.now());
        let (workflow, version) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        self.app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(
                    async move { Ok(workflows::insert_default(tx, application, workflow.into(), version.into(), now).await?) },
                )
            })
            .await
            .unwrap();
        let features = features.as_array().unwrap().iter();
        let features: Value =
            features.map(|step| if step.is_string() { json!({ "feature": step }) } else { step.clone() }).collect();
        let params = vec![version.into(), features.to_string().into(), false.into()];
        self.sql("UPDATE workflows SET features = $2, is_default = $3, label = 'Made' WHERE id = $1", params).await;
        workflow.to_string()
    }

    /// A new session of this workflow.
    pub async fn session_of(&self, workflow: &str) -> String {
        text(&self.client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"])
    }

    /// A new session of a company.
    pub async fn business_session(&self) -> String {
        let workflow = self.workflow_of(json!(["KYB_REGISTRY"])).await;
        self.session_of(&workflow).await
    }

    /// A session that has ended with this status, by evidence that leads to it.
    pub async fn finished(&self, status: &str) -> String {
        let evidence = json!({ "email_verifications": [{ "email": "ana@example.com", "status": status }] });
        let decision = self.session_with_evidence(evidence).await;
        assert_eq!(decision["status"], status);
        text(&decision["session_id"])
    }

    /// A new session that waits for a person.
    pub async fn in_review(&self) -> String {
        self.finished("In Review").await
    }

    /// A caller who is a console user: an address at `acme.example`, with this name.
    pub async fn acting_member(&self, name: &str) -> Caller {
        let (email, role) = (format!("{}@acme.example", name.to_lowercase()), Role::ComplianceOfficer);
        let id = self.account(&email, role).await.0;
        let actor = Actor::Member { id, name: name.to_owned(), email, role };
        Caller { actor, ..Caller::system(self.application().await, "POST", "/test/") }
    }

    /// The decision of a session.
    pub async fn decision(&self, session: &str) -> Value {
        self.client.get(&format!("/v3/session/{session}/decision/")).await.ok(200)
    }
}

/// A picture.
pub fn png() -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n"[..], &[7; 24]].concat()
}

/// Uploads a picture; its id.
pub async fn upload(client: &Client) -> String {
    let request = client.request(reqwest::Method::POST, "/x/media/").header("content-type", "image/png").body(png());
    text(&client::send(request).await.ok(201)["uuid"])
}

/// A body that makes a questionnaire.
pub fn questionnaire() -> Value {
    json!({ "title": "Funds", "languages": ["en"], "form_elements": [{ "element_type": "short_text", "label": { "en": "Source?" } }] })
}

/// Bodies drawn at random, the same in every run: objects with some of these members, whose values are anything.
pub fn bodies(members: &'static [&'static str], count: usize) -> Vec<Value> {
    let rng = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let name = prop_oneof![8 => proptest::sample::select(members), 1 => Just("x")];
    let body = prop_oneof![
        1 => any_json(members).boxed(),
        9 => proptest::collection::vec((name, any_json(members)), 0..6)
            .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()))
            .boxed(),
    ];
    (0..count).map(|_| body.new_tree(&mut runner).unwrap().current()).collect()
}

fn any_json(members: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let texts = proptest::sample::select(vec![
        "",
        " ",
        "\0",
        "😀",
        "Approved",
        "Resubmitted",
        "a@b.example",
        "+14155552671",
        "2001:db8::1",
        "1e400",
        "2026-02-30",
        "media:",
        "media:0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10",
        "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10",
        "Passport",
        "ESP",
        "data:;base64,",
    ]);
    let numbers =
        proptest::sample::select(vec!["0", "-0.0", "1e308", "-1", "9223372036854775808", "1.50", "18446744073709551616"]);
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => numbers.prop_map(|text| serde_json::from_str(text).unwrap()),
        3 => texts.prop_map(Value::from),
        1 => "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let name = prop_oneof![4 => proptest::sample::select(members).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => proptest::collection::vec((name, inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}
