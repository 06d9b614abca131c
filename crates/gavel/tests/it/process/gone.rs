//! The database goes away and comes back.

use std::time::Duration;

use serde_json::json;
use tokio_postgres::NoTls;

use crate::harness::{Engine, database::Place, eventually, process::Process};

/// The vacuum's own workers belong to the administrator and stay.
const KILL_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = current_user";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_says_so_stays_up_and_recovers() {
    let Some(place) = Place::make(Engine::Postgres).await else { return };
    let server = Process::serve(&place).await;
    let client = server.client();
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();

    let mut url = url::Url::parse(&place.url().unwrap()).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    url.set_path("/postgres");
    let (admin, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.unwrap();
    tokio::spawn(connection);
    for round in 0..3 {
        admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.unwrap();
        admin.query(KILL_ALL, &[&name]).await.unwrap();
        let gone = json!({ "detail": "Service temporarily unavailable." });
        for _ in 0..5 {
            let answer = client.get("/v3/sessions/").await;
            answer.is(503, gone.clone());
            assert!(!answer.header("retry-after").is_empty());
            client.post("/v3/session/", json!({ "workflow_id": workflow })).await.is(503, gone.clone());
        }
        client.get("/livez").await.ok(200);
        assert_eq!(client.get("/readyz").await.status, 503);
        admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
        eventually("recovery", || async {
            (client.post("/v3/session/", json!({ "workflow_id": workflow })).await.status == 201).then_some(())
        })
        .await;
        assert!(client.get("/v3/sessions/").await.ok(200)["count"].as_i64().unwrap() > round);
    }

    // Connections that die in the middle of work: every answer is a success or a 503, never a 500.
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (client, workflow) = (client.clone(), workflow.clone());
        crowd.spawn(async move {
            for _ in 0..60 {
                let status = client.post("/v3/session/", json!({ "workflow_id": workflow })).await.status.as_u16();
                assert!(matches!(status, 201 | 503), "{status}");
            }
        });
    }
    for _ in 0..10 {
        admin.query(KILL_ALL, &[&name]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    crowd.join_all().await;
    client.get("/v3/sessions/").await.ok(200);
    server.stop().await;
}
