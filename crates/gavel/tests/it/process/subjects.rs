//! Users across processes, and those an upgrade finds in the sessions of earlier versions.

use gavel::store::{Store, StoreError, db::Dialect};
use serde_json::{Value, json};

use crate::{
    harness::{Client, Engine, database::Place, process::Process, settings, text},
    on_both_engines,
};

async fn workflow(client: &Client) -> Value {
    client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone()
}

async fn user_list(client: &Client) -> String {
    text(&client.get("/v3/lists/?entry_type=user&is_system=true").await.ok(200)["results"][0]["uuid"])
}

async fn may_start(client: &Client, workflow: &Value, name: &str) -> bool {
    let answer = client.post("/v3/session/", json!({ "workflow_id": workflow, "vendor_data": name })).await;
    assert!(answer.status == 201 || answer.status == 400, "{}", answer.body);
    answer.status == 201
}

async fn set(client: &Client, name: &str, status: &str) {
    client.patch(&format!("/v3/users/{name}/update-status/"), json!({ "status": status })).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_blocked_in_one_is_refused_by_the_other_at_once() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = tokio::join!(Process::serve(&place), Process::serve(&place));
    let clients = [first.client(), second.client()];
    let workflow = workflow(&clients[0]).await;
    for n in 0..30 {
        let (here, there) = (&clients[n % 2], &clients[(n + 1) % 2]);
        let name = format!("user{n}");
        assert!(may_start(here, &workflow, &name).await);
        set(here, &name, "BLOCKED").await;
        assert!(!may_start(there, &workflow, &name).await, "{n}");
        set(there, &name, "ACTIVE").await;
        assert!(may_start(here, &workflow, &name).await, "{n}");
    }
    first.stop().await;
    second.stop().await;
}

/// Entries added in one, sessions of somebody new started in both: no session after the entry, and whoever there is is
/// blocked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_and_an_entry_at_the_same_time_agree_across_processes() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let (first, second) = tokio::join!(Process::serve(&place), Process::serve(&place));
    let clients = [first.client(), second.client()];
    let (workflow, list) = (workflow(&clients[0]).await, user_list(&clients[0]).await);
    let entries = format!("/v3/lists/{list}/entries/");
    for n in 0..60 {
        let (here, there) = (&clients[n % 2], &clients[(n + 1) % 2]);
        let name = format!("racer{n}");
        let (entry, ours, theirs) = tokio::join!(
            here.post(&entries, json!({ "value": name })),
            may_start(here, &workflow, &name),
            may_start(there, &workflow, &name)
        );
        entry.ok(201);
        assert!(!may_start(there, &workflow, &name).await, "{n}");
        let user = there.get(&format!("/v3/users/{name}/")).await;
        match ours || theirs {
            true => assert_eq!(user.ok(200)["status"], "BLOCKED", "{n}"),
            false => assert_eq!(user.status, 404, "{n}"),
        }
    }
    first.stop().await;
    second.stop().await;
}

async fn blocking_survives_a_kill(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let workflow = workflow(&server.client()).await;
    for name in ["ana", "bob"] {
        assert!(may_start(&server.client(), &workflow, name).await);
        set(&server.client(), name, "BLOCKED").await;
    }
    set(&server.client(), "bob", "ACTIVE").await;
    server.kill();
    let server = Process::serve(&place).await;
    assert!(!may_start(&server.client(), &workflow, "ana").await);
    assert!(may_start(&server.client(), &workflow, "bob").await);
    assert_eq!(server.client().get("/v3/users/ana/").await.ok(200)["status"], "BLOCKED");
    server.stop().await;
}
on_both_engines!(blocking_survives_a_kill);

/// Puts the users back to what the migration that brought them makes of the sessions there are: its own statement runs again.
fn as_migrated(engine: Engine) -> String {
    let migration = match engine {
        Engine::Sqlite => include_str!("../../../migrations/sqlite/V17__subjects.sql"),
        Engine::Postgres => include_str!("../../../migrations/postgres/V17__subjects.sql"),
    };
    let (_, users_of_sessions) = migration.split_once("INSERT INTO subjects ").unwrap();
    format!(
        "DELETE FROM subject_origins; DELETE FROM subject_comments; DELETE FROM subjects; INSERT INTO subjects {users_of_sessions}"
    )
}

async fn earlier_sessions_get_their_users(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let client = server.client();
    let workflow = workflow(&client).await;
    let start = async |name: Value| {
        text(&client.post("/v3/session/", json!({ "workflow_id": workflow, "vendor_data": name })).await.ok(201)["session_id"])
    };
    let evidence = json!({
        "id_verifications": [{ "document_number": "X1", "full_name": "Ana Ruiz", "date_of_birth": "1990-01-02", "issuing_state": "ESP" }],
        "email_verifications": [{ "email": "ana@example.com" }],
    });
    let first = start(json!("Ána")).await;
    assert_eq!(client.post(&format!("/x/sessions/{first}/evidence/"), evidence).await.ok(200)["status"], "Approved");
    start(json!("Ána")).await;
    for name in [json!("bob"), Value::Null] {
        start(name).await;
    }
    let gone = start(json!("gone")).await;
    client.delete(&format!("/v3/session/{gone}/delete/")).await.ok(204);
    client.post(&format!("/v3/lists/{}/entries/", user_list(&client).await), json!({ "value": "BOB" })).await.ok(201);
    let before = client.get("/v3/users/%C3%81na/").await.ok(200);
    server.stop().await;

    let store = Store::open(&settings(&place).check().unwrap().target).await.unwrap();
    let statements = as_migrated(engine);
    let undone = store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.batch(&statements).await })).await;
    undone.unwrap();
    store.close().await;
    drop(store);

    let server = Process::serve(&place).await;
    let client = server.client();
    let users = client.get("/v3/users/?search=á").await.ok(200);
    assert_eq!(users["count"], 1);
    let mut after = client.get("/v3/users/%C3%81na/").await.ok(200);
    let members = after.as_object_mut().unwrap();
    for (name, value) in before.as_object().unwrap() {
        if !["didit_internal_id", "created_at", "updated_at", "last_activity_at"].contains(&name.as_str()) {
            assert_eq!(members.get(name), Some(value), "{name}");
        }
    }
    assert_eq!(client.get("/v3/users/bob/").await.ok(200)["status"], "BLOCKED");
    assert_eq!(client.get("/v3/users/").await.ok(200)["count"], 2);
    let sessions = client.get("/v3/sessions/?vendor_data=bob").await.ok(200);
    assert!(uuid::Uuid::parse_str(&text(&sessions["results"][0]["didit_internal_id"])).is_ok());
    set(&client, "bob", "ACTIVE").await;
    assert!(may_start(&client, &workflow, "bob").await);
    server.stop().await;
}
on_both_engines!(earlier_sessions_get_their_users);
