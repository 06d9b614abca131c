//! Starting and ending.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    harness::{
        Engine, KEY,
        database::Place,
        eventually,
        process::{Process, file_in, finish, gavel, gavel_at, serve_command},
    },
    on_both_engines,
};

on_both_engines!(a_request_in_flight_is_finished_after_sigterm);
async fn a_request_in_flight_is_finished_after_sigterm(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let workflows = server.client().get("/v3/workflows/").await.ok(200);
    let body = format!("{{\"workflow_id\":{}}}", workflows["results"][0]["workflow_id"]);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v3/session/ HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{}", &body[..5]).as_bytes()).await.unwrap();
    eventually("the request's arrival", || async { server.client().get("/livez").await.status.is_success().then_some(()) }).await;
    server.signal("TERM");
    eventually("the door to be shut", || async { tokio::net::TcpStream::connect(&address).await.is_err().then_some(()) }).await;
    stream.write_all(&body.as_bytes()[5..]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 201 "), "{}", String::from_utf8_lossy(&answer));
    assert!(server.ended().await.success());
    // What was answered is there.
    let server = Process::serve(&place).await;
    assert_eq!(server.client().get("/v3/sessions/").await.ok(200)["count"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_file_is_refused() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let server = Process::serve(&place).await;
    let (succeeded, _, said) = finish(serve_command(&place));
    assert!(!succeeded);
    assert!(said.contains("another gavel server uses") && said.contains("gavel.db"), "{said}");
    server.client().get("/v3/sessions/").await.ok(200);
    server.kill();
    Process::serve(&place).await.stop().await; // A killed server holds nothing.
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_to_is_named() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let file = file_in(place.data());
    for folder in [file.clone(), file.join("inside"), "/proc/gavel-data".into(), "/proc".into()] {
        let mut command = gavel(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("GAVEL_DATA", &folder);
        let (succeeded, _, said) = finish(command);
        assert!(!succeeded);
        assert!(said.contains("data folder") && said.contains(folder.to_str().unwrap()) && said.contains("--data"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_cannot_be_used_is_named() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let secret = "sh0rt-s3cret";
    for (name, value, named) in [
        ("GAVEL_BOOTSTRAP_API_KEY", secret, "GAVEL_BOOTSTRAP_API_KEY: must have at least 24 characters"),
        ("GAVEL_BOOTSTRAP_API_KEY", "with a blank 0123456789abcdef", "GAVEL_BOOTSTRAP_API_KEY: must consist of visible ASCII"),
        ("GAVEL_DATABASE", "mysql://u:sh0rt-s3cret@x/y", "--database: must be a postgres:// URL"),
        ("GAVEL_LISTEN", "everywhere", "--listen"),
        ("GAVEL_PUBLIC_URL", "id.example.com", "--public-url"),
        ("GAVEL_WEBHOOK_RETRY_SCHEDULE", "1s,soon", "--webhook-retry-schedule: \"soon\""),
        ("GAVEL_WEBHOOK_TIMEOUT", "2m", "--webhook-timeout: must be 1s to 60s"),
        ("GAVEL_TRUSTED_PROXIES", "10.0.0.0/8,x", "--trusted-proxies: x"),
        ("GAVEL_SERVER_KEY", secret, "the server key must be 32 bytes"),
        ("GAVEL_DATABASE", "postgres://127.0.0.1:1/none", "database"),
    ] {
        let mut command = gavel_at(&place, &["serve", "--listen", "127.0.0.1:0"]);
        if name == "GAVEL_LISTEN" {
            command = gavel_at(&place, &["serve"]);
        }
        command.env(name, value);
        let (succeeded, out, said) = finish(command);
        assert!(!succeeded, "{name}");
        assert!(said.contains(named), "{name}: {said}");
        assert!(!out.contains("listening") && !said.contains(secret), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_named() {
    let place = Place::make(Engine::Sqlite).await.unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (succeeded, _, said) = finish(gavel_at(&place, &["serve", "--listen", &address]));
    assert!(!succeeded);
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}

on_both_engines!(the_first_key_is_printed_once);
async fn the_first_key_is_printed_once(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let command = || gavel_at(&place, &["serve", "--listen", "127.0.0.1:0"]);
    let first = Process::start(command()).await;
    let printed = first.output();
    let key = printed.lines().find_map(|line| line.strip_prefix("api key: ")).unwrap().to_owned();
    first.client().with_key(&key).get("/v3/lists/").await.ok(200);
    first.client().get("/v3/lists/").await.ok(401);
    first.stop().await;
    let second = Process::start(command()).await;
    assert!(!second.output().contains("api key"), "{}", second.output());
    second.client().with_key(&key).get("/v3/lists/").await.ok(200);
    second.stop().await;
}
