//! The other commands, beside a running server.

use serde_json::json;

use crate::{
    harness::{
        Client, Engine, Receiver,
        database::Place,
        eventually,
        process::{Process, finish, gavel, gavel_at, serve_command},
        text,
    },
    on_both_engines,
};

on_both_engines!(keys_are_made_listed_and_revoked_beside_a_server);
async fn keys_are_made_listed_and_revoked_beside_a_server(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let run = |arguments: &[&str]| finish(gavel_at(&place, arguments));
    let (succeeded, made, said) = run(&["key", "create", "--name", "Reader", "--scopes", "sessions:read"]);
    assert!(succeeded, "{said}");
    let line = |begin: &str| made.lines().find_map(|line| line.strip_prefix(begin)).unwrap().to_owned();
    let (key, id) = (line("api key: "), line("id: "));
    let client = server.client().with_key(&key);
    client.get("/v3/sessions/").await.ok(200);
    client.get("/v3/lists/").await.ok(403);
    let (_, listed, _) = run(&["key", "list"]);
    let row = listed.lines().find(|line| line.contains(&id)).unwrap();
    assert!(row.contains("Reader") && row.contains("sessions:read") && row.contains("active"), "{row}");
    assert!(!listed.contains(&key), "a key is shown once");
    assert!(run(&["key", "revoke", &id]).0);
    eventually("the revocation", || async { (client.get("/v3/sessions/").await.status == 401).then_some(()) }).await;
    let (succeeded, _, said) = run(&["key", "revoke", &id]);
    assert!(!succeeded && said.contains("revoked before"), "{said}");
    assert!(run(&["key", "list"]).1.lines().any(|line| line.contains(&id) && line.contains("revoked")));
    for (arguments, named) in [
        (vec!["key", "create", "--scopes", "everything"], "everything"),
        (vec!["key", "create", "--expires-in", "0"], "0"),
        (vec!["key", "revoke", "nonsense"], "nonsense"),
    ] {
        let (succeeded, _, said) = run(&arguments);
        assert!(!succeeded && said.contains(named), "{said}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_folder_stays_as_it_is() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let (succeeded, _, said) = finish(gavel_at(&place, &["key", "list"]));
    assert!(!succeeded && said.contains("is not the data folder of a server"), "{said}");
    assert_eq!(std::fs::read_dir(place.data()).unwrap().count(), 0);
}

on_both_engines!(doctor_says_what_is_wrong);
async fn doctor_says_what_is_wrong(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let (succeeded, said, _) = finish(gavel_at(&place, &["doctor"]));
    assert!(!succeeded && said.contains("BAD   server key"), "{said}");
    let server = Process::serve(&place).await;
    let (succeeded, said, complaint) = finish(gavel_at(&place, &["doctor"]));
    assert!(succeeded, "{said}{complaint}");
    assert!(said.contains("ok    database") && said.contains("1 application(s)"), "{said}");
    assert!(said.contains("ok    immutable rows"), "{said}");
    server.stop().await;
    let mut command = gavel_at(&place, &["doctor"]);
    command.env("GAVEL_DATABASE", "postgres://127.0.0.1:1/none");
    let (succeeded, said, _) = finish(command);
    assert!(!succeeded && said.contains("BAD   database"), "{said}");
}

on_both_engines!(doctor_notes_what_is_left_lying_and_misses_no_key);
async fn doctor_notes_what_is_left_lying_and_misses_no_key(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let doctor = || finish(gavel_at(&place, &["doctor"]));
    let (succeeded, said, _) = doctor();
    assert!(succeeded && !said.contains("note"), "{said}");
    for good in [
        "ok    audit key: ",
        "ok    audit rows to seal: ",
        "ok    dead letters: none",
        "ok    e-mail: none is stuck",
        "ok    leases: ",
    ] {
        assert!(said.contains(good), "{good}: {said}");
    }
    let client = server.client();
    let list = json!({ "name": "Guarded", "list_type": "blocklist", "entry_type": "email" });
    let list = text(&client.post("/v3/lists/", list).await.ok(201)["uuid"]);
    client.patch(&format!("/x/lists/{list}/"), json!({ "approval": { "policy": "always" } })).await.ok(200);
    let (succeeded, said, _) = doctor();
    assert!(succeeded, "a note is nothing bad: {said}");
    assert!(said.contains("note  four eyes: no member of the application can approve changes of \"Guarded\""), "{said}");
    // The way out.
    let entries = format!("/v3/lists/{list}/entries/");
    client.post(&entries, json!({ "value": "a@example.com" })).await.ok(403);
    let (succeeded, said, complaint) = finish(gavel_at(&place, &["list", "release", "Guarded"]));
    assert!(succeeded, "{said}{complaint}");
    client.post(&entries, json!({ "value": "a@example.com" })).await.ok(201);
    let trail = client.get("/x/audit/events/?kind=list.settings_updated").await.ok(200);
    assert_eq!((&trail["count"], &trail["results"][0]["actor_type"]), (&json!(2), &json!("SYSTEM")));
    assert!(!doctor().1.contains("four eyes"));
    let (succeeded, _, said) = finish(gavel_at(&place, &["list", "release", "Nothing"]));
    assert!(!succeeded && said.contains("there is no list \"Nothing\""), "{said}");
    server.stop().await;
    let files = || std::fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().path());
    let key = files().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("audit-")).unwrap();
    let secret = std::fs::read_to_string(&key).unwrap();
    for (what, hint) in [(None, "is missing"), (Some("c2VjcmV0"), "does not hold the audit key")] {
        match what {
            None => std::fs::remove_file(&key).unwrap(),
            Some(text) => std::fs::write(&key, text).unwrap(),
        }
        let (succeeded, said, _) = doctor();
        assert!(!succeeded && said.contains("BAD   audit key") && said.contains(hint), "{said}");
        assert!(!said.contains(secret.trim()) && !said.contains("c2VjcmV0"), "{said}");
    }
}

on_both_engines!(migrate_prepares_and_repeats);
async fn migrate_prepares_and_repeats(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let (succeeded, said, complaint) = finish(gavel_at(&place, &["migrate"]));
    assert!(succeeded && said.contains("V1__applications"), "{said}{complaint}");
    let (succeeded, said, _) = finish(gavel_at(&place, &["migrate"]));
    assert!(succeeded && said.contains("up to date"), "{said}");
    let server = Process::serve(&place).await;
    assert!(finish(gavel_at(&place, &["migrate"])).0, "beside a running server as well");
    server.client().get("/v3/sessions/").await.ok(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn config_shows_no_secret_and_can_be_used_as_a_file() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let file = place.data().join("settings.toml");
    let data = place.data().join("a \"quoted\" folder");
    std::fs::write(
        &file,
        format!(
            "listen = '127.0.0.1:0'\ndata = '{}'\nserver_key = 's3cret-key'\nbootstrap_api_key = 's3cret-0123456789abcdefgh'\n\
             database = 'postgres://u:s3cret@db.example.com/gavel?password=s3cret'\nwebhook_timeout = '1500ms'\n\
             webhook_retry_schedule = '50ms,2h'\nwebhook_allow_http = true\ntrusted_proxies = '10.0.0.0/8'\n",
            data.display()
        ),
    )
    .unwrap();
    let (succeeded, shown, complaint) = finish(gavel(&["config", "--config", file.to_str().unwrap()]));
    assert!(succeeded, "{complaint}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(
        shown.contains("webhook_retry_schedule = \"50ms,7200s\"") && shown.contains("webhook_timeout = \"1500ms\""),
        "{shown}"
    );
    std::fs::write(&file, &shown).unwrap();
    let (_, again, complaint) = finish(gavel(&["config", "--config", file.to_str().unwrap()]));
    assert_eq!(
        again.replace("given", "server.key in the data folder"),
        shown.replace("given", "server.key in the data folder"),
        "{complaint}"
    );
    // A flag wins over the file.
    let (_, flagged, _) = finish(gavel(&["config", "--config", file.to_str().unwrap(), "--listen", "127.0.0.1:9"]));
    assert!(flagged.contains("listen = \"127.0.0.1:9\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_settings_serves_and_its_faults_are_named() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let file = place.data().join("settings.toml");
    std::fs::write(&file, "media_max_bytes = 1000\n").unwrap();
    let mut command = serve_command(&place);
    command.arg("--config").arg(&file);
    Process::start(command).await.stop().await;
    for (text, named) in [
        ("listne = '127.0.0.1:1'", "listne"),
        ("\n\nbootstrap_api_key = 1234567890", "bootstrap_api_key"),
        ("listen = 'here'", "listen"),
        ("listen = ", "settings.toml"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (succeeded, _, said) = finish(gavel(&["config", "--config", file.to_str().unwrap()]));
        assert!(!succeeded && said.contains(named) && !said.contains("1234567890"), "{said}");
    }
    let (succeeded, _, said) = finish(gavel(&["config", "--config", "/nowhere/gavel.toml"]));
    assert!(!succeeded && said.contains("/nowhere/gavel.toml"), "{said}");
}

on_both_engines!(past_events_are_queued_again_beside_a_server);
async fn past_events_are_queued_again_beside_a_server(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let (client, receiver) = (server.client(), Receiver::start().await);
    let body = json!({ "label": "w", "url": receiver.url(), "subscribed_events": ["status.updated"] });
    let destination = text(&client.post("/v3/webhook/destinations/", body).await.ok(201)["uuid"]);
    let workflow = client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"].clone();
    client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201);
    let first = receiver.wait_for(1).await[0].json();
    let path = format!("/x/webhook/destinations/{destination}/");
    eventually("an empty queue", || async { (client.get(&path).await.ok(200)["queue_length"] == 0).then_some(()) }).await;
    let run = |since: &str, more: &[&str]| {
        finish(gavel_at(&place, &[&["webhook", "replay", "--destination", &destination, "--since", since], more].concat()))
    };
    assert_eq!(run("2020-01-01T00:00:00Z", &["--failed"]).1, "queued: 0\n");
    assert_eq!(run("2020-01-01T00:00:00Z", &[]).1, "queued: 1\n");
    assert_eq!(receiver.wait_for(2).await[1].json()["event_id"], first["event_id"]);
    let (succeeded, _, said) = run("yesterday", &[]);
    assert!(!succeeded && said.contains("yesterday is not a time"), "{said}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_shows_what_is_genuine_and_refuses_the_rest() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let server = Process::serve(&place).await;
    let client = server.client();
    // The destination comes first, for its secret; the listener's address follows.
    let body = json!({ "label": "w", "url": "http://127.0.0.1:1/", "subscribed_events": ["status.updated"] });
    let made = client.post("/v3/webhook/destinations/", body).await.ok(201);
    let listener =
        Process::start(gavel(&["webhook", "listen", "--listen", "127.0.0.1:0", "--secret", &text(&made["secret_shared_key"])]))
            .await;
    let (uuid, url) = (text(&made["uuid"]), format!("{}/hook", listener.url));
    client.patch(&format!("/v3/webhook/destinations/{uuid}/"), json!({ "url": url })).await.ok(200);
    let test = client.post(&format!("/x/webhook/destinations/{uuid}/test/"), json!({})).await.ok(200);
    assert_eq!(test["response_status"], 204);
    let shown = format!("verified {}", text(&test["request_body"]));
    eventually("the line", || async { listener.output().contains(&shown).then_some(()) }).await;
    let stranger = Client::new(listener.url.clone(), "none");
    let forged = serde_json::from_str(&text(&test["request_body"])).unwrap();
    assert_eq!(stranger.post("/hook", forged).await.status, 401, "the same body without signatures");
    assert_eq!(stranger.post("/hook", json!("x".repeat(4 << 20))).await.status, 413);
    server.stop().await;
}
