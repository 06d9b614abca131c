//! Rate limits (contract, conventions §9).

use gavel::{config::Switch, limits::LimitSettings};
use gavel_core::session::Environment;
use reqwest::Method;
use serde_json::json;

use crate::{
    db_test,
    harness::{Answer, Client, Engine, Server, client::send},
};

/// A server with limits.
async fn limited(engine: Engine, change: impl FnOnce(&mut LimitSettings)) -> Option<Server> {
    let set = |settings: &mut gavel::config::Settings| {
        settings.rate_limits.enabled = Some(Switch(true));
        change(&mut settings.rate_limits);
    };
    Server::start_with(engine, set).await
}

/// The three headers: limit, what is left, seconds until there is one more.
fn told(server: &Server, answer: &Answer) -> (String, String, i64) {
    let reset: i64 = answer.header("x-ratelimit-reset").parse().unwrap_or(i64::MIN);
    let limit = (answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining"));
    (limit.0.into(), limit.1.into(), reset.saturating_sub(server.app.clock.now().as_unix_seconds()))
}

#[track_caller]
fn stands(server: &Server, answer: &Answer, limit: &str, left: &str) {
    let (told_limit, told_left, _) = told(server, answer);
    assert_eq!((told_limit.as_str(), told_left.as_str()), (limit, left));
}

/// A refusal with all that belongs to it.
#[track_caller]
fn is_refused(server: &Server, answer: &Answer, limit: &str, text: &str) {
    assert_eq!((answer.status.as_u16(), &answer.body), (429, &json!({ "detail": text })));
    stands(server, answer, limit, "0");
    let wait: i64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!((1..=61).contains(&told(server, answer).2), "the reset lies ahead, within the window");
}

db_test!(they_are_off_by_default, server => {
    let answer = server.client.get("/v3/lists/").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-limit")), (200, ""));
    server.stop().await;
});

crate::on_both_engines!(each_key_has_its_own_reads_and_writes);
async fn each_key_has_its_own_reads_and_writes(engine: Engine) {
    let Some(server) = limited(engine, |set| (set.generic_get, set.generic_write) = (Some(3), Some(2))).await else { return };
    let (client, other) = (&server.client, server.client_with("lists:read").await);
    for left in ["2", "1", "0"] {
        stands(&server, &client.get("/v3/lists/").await, "3", left);
    }
    let text = "GET request rate limit exceeded. You can make up to 3 requests per minute.";
    for _ in 0..2 {
        is_refused(&server, &client.get("/v3/lists/").await, "3", text);
    }
    let head = send(client.request(Method::HEAD, "/v3/lists/")).await;
    assert_eq!((head.status.as_u16(), head.header("x-ratelimit-remaining")), (429, "0"));
    // Writes are counted apart, whatever their answer; so is another key.
    stands(&server, &client.post("/v3/lists/", json!({})).await, "2", "1");
    stands(&server, &client.delete(&format!("/v3/lists/{}/", uuid::Uuid::new_v4())).await, "2", "0");
    let text = "Write request rate limit exceeded. You can make up to 2 requests per minute.";
    is_refused(&server, &client.post("/v3/lists/", json!({})).await, "2", text);
    stands(&server, &other.get("/v3/lists/").await, "3", "2");
    // What does not come so far as to be counted is told how it stands; health tells nothing.
    for (path, method, status) in
        [("/v3/nothing/", Method::GET, 404), ("/v3/lists/", Method::PUT, 405), ("/v3/lists/", Method::POST, 403)]
    {
        let answer = send(other.request(method, path)).await;
        assert_eq!(answer.status, status);
        stands(&server, &answer, "3", "2");
    }
    stands(&server, &client.with_key("wrong").get("/v3/lists/").await, "3", "3");
    stands(&server, &send(client.request(Method::OPTIONS, "/v3/lists/")).await, "3", "3");
    for path in ["/system/healthcheck", "/livez"] {
        assert_eq!(client.get(path).await.header("x-ratelimit-limit"), "");
    }
    // What was refused has not been counted: a minute after the first one has come there is room for all three again.
    server.app.clock.advance(61);
    for left in ["2", "1", "0"] {
        stands(&server, &client.get("/v3/lists/").await, "3", left);
    }
    server.stop().await;
}

crate::on_both_engines!(what_has_a_limit_of_its_own_is_counted_there);
async fn what_has_a_limit_of_its_own_is_counted_there(engine: Engine) {
    let set = |set: &mut LimitSettings| {
        (set.session_create, set.session_update_kyc, set.session_update_poa) = (Some(2), Some(1), Some(1));
        set.generic_write = Some(3);
    };
    let Some(server) = limited(engine, set).await else { return };
    let client = &server.client;
    for left in ["1", "0"] {
        stands(&server, &client.post("/v3/session/", json!({})).await, "2", left);
    }
    let text = "Session creation rate limit exceeded. You can make up to 2 requests per minute.";
    is_refused(&server, &client.post("/v3/session/", json!({})).await, "2", text);
    let unknown = uuid::Uuid::new_v4();
    for (what, text) in [
        ("update-data", "Session KYC data update rate limit exceeded. You can make up to 1 requests per minute."),
        ("update-poa-data", "Session POA data update rate limit exceeded. You can make up to 1 requests per minute."),
    ] {
        let path = format!("/v3/session/{unknown}/{what}/");
        let answer = client.patch(&path, json!({})).await;
        assert_eq!(answer.status, 404);
        stands(&server, &answer, "1", "0");
        is_refused(&server, &client.patch(&path, json!({})).await, "1", text);
    }
    server.stop().await;
}

crate::on_both_engines!(without_a_key_the_address_counts);
async fn without_a_key_the_address_counts(engine: Engine) {
    let Some(server) = limited(engine, |set| set.generic_write = Some(1)).await else { return };
    let open = server.client.without_key();
    let forgot = json!({ "email": "nobody@acme.example" });
    open.post("/x/password/forgot/", forgot.clone()).await.ok(200);
    let text = "Write request rate limit exceeded. You can make up to 1 requests per minute.";
    is_refused(&server, &open.post("/x/password/forgot/", forgot).await, "1", text);
    server.client.post("/v3/lists/", json!({})).await.ok(400);
    server.stop().await;
}

crate::on_both_engines!(a_sandbox_has_a_quota_for_a_day);
async fn a_sandbox_has_a_quota_for_a_day(engine: Engine) {
    let Some(server) = limited(engine, |set| set.sandbox_sessions = Some(1)).await else { return };
    let sandbox = sandbox(&server).await;
    for client in [&sandbox, &server.client] {
        client.post("/v3/session/", json!({})).await.ok(400);
    }
    server.client.post("/v3/session/", json!({})).await.ok(400);
    let full = sandbox.post("/v3/session/", json!({})).await;
    let wait: u64 = full.header("retry-after").parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    full.is(
        429,
        json!({ "detail": format!(
        "Sandbox session quota exceeded (1 sessions per 24h). Wait for the window to reset. Expected available in {wait} seconds."
    ) }),
    );
    assert_eq!(full.header("x-ratelimit-limit"), "", "the quota sends Retry-After alone");
    server.app.clock.advance(86_401);
    sandbox.post("/v3/session/", json!({})).await.ok(400);
    server.stop().await;
}

/// A client of a sandbox application.
async fn sandbox(server: &Server) -> Client {
    use gavel::actions::{Error, applications::provision, keys};
    let (app, key) = (server.app.clone(), keys::new_secret());
    let secret = key.clone();
    let made = server.app.store.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let id = provision(tx, &app, "Sandbox", Environment::Sandbox).await?;
            keys::insert(tx, &app, id, "sandbox", gavel_core::access::Scopes::Full, None, &secret).await?;
            Ok(())
        })
    });
    made.await.unwrap();
    Client::new(server.url(), key)
}

crate::on_both_engines!(what_the_server_does_alone_is_not_repeated_at_once);
async fn what_the_server_does_alone_is_not_repeated_at_once(engine: Engine) {
    let Some(server) = limited(engine, |_| {}).await else { return };
    let (first, second) = (screened(&server).await, screened(&server).await);
    let again = |session: &str, node: &str, feature: &str| {
        let nodes = json!([{ "node_id": node, "feature": feature }]);
        let (path, client) = (format!("/v3/session/{session}/update-status/"), server.client.clone());
        async move {
            client.patch(&path, json!({ "new_status": "Declined" })).await.ok(200);
            client.patch(&path, json!({ "new_status": "Resubmitted", "nodes_to_resubmit": nodes })).await
        }
    };
    again(&first, "feature_aml_1", "AML").await.ok(200);
    let before = server.counts().await;
    let refused = again(&first, "feature_aml_1", "AML").await;
    let text = "This session was already resubmitted for backend-only features within the last 30 seconds; repeating it cannot \
                change the outcome. Wait before resubmitting again.";
    is_refused(&server, &refused, "1", text);
    assert_eq!(server.counts().await["versions"] - before["versions"], 1, "only the decline before it");
    // Another session waits for nothing, nor what a person has a part in.
    again(&second, "feature_aml_1", "AML").await.ok(200);
    again(&first, "feature_email_1", "EMAIL").await.ok(200);
    server.app.clock.advance(31);
    again(&first, "feature_aml_1", "AML").await.ok(200);
    server.stop().await;
}

/// A session with a name that was screened.
async fn screened(server: &Server) -> String {
    let session = server.session().await;
    let body = json!({
        "aml_screenings": [{ "status": "In Review", "screened_data": { "full_name": "Ana Silva" } }],
        "email_verifications": [{ "email": "ana@example.com" }],
    });
    server.evidence(&session, body).await;
    session
}
