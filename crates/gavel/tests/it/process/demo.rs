//! `gavel demo`, as somebody who has just cloned the repository meets it.

use std::{
    collections::{HashMap, HashSet},
    process::Stdio,
    time::Duration,
};

use gavel_core::session::SessionStatus;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::harness::{Client, text};

/// A running demo and what it has said so far.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .env_remove("GAVEL_LISTEN")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, said: Vec::new() }
    }

    /// The next line with this in it.
    async fn line(&mut self, part: &str) -> String {
        let read = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.said.push(line.clone());
                if line.contains(part) {
                    return Some(line);
                }
            }
            None
        };
        let found = tokio::time::timeout(Duration::from_secs(60), read).await;
        found.ok().flatten().unwrap_or_else(|| panic!("no {part:?} in {:#?}", self.said))
    }

    /// The last word of the next line with this in it.
    async fn word(&mut self, part: &str) -> String {
        self.line(part).await.split_whitespace().last().unwrap().to_owned()
    }

    /// Ends it as a service manager would; its exit code.
    async fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        ended.unwrap().unwrap().code()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_the_whole_product_and_leaves_nothing_behind() {
    let mut demo = Demo::start();
    let url = demo.word("  URL").await;
    let client = Client::new(url.clone(), demo.word("  API key").await);
    let login = demo.line("  Sign in").await;
    let review = demo.line("/reviews/").await;
    demo.line("Webhooks as they arrive").await;
    assert!(demo.said.iter().all(|line| !line.contains('\x1b')), "no colours into a pipe");

    let sessions = every_status_is_there(&client).await;
    warnings_are_real(&client, &sessions).await;
    pictures_can_be_seen(&client, &sessions).await;
    let transactions = client.get("/v3/transactions/?limit=200").await.ok(200);
    let outcomes: HashSet<_> = transactions["results"].as_array().unwrap().iter().map(|row| text(&row["status"])).collect();
    assert_eq!(outcomes, HashSet::from(["APPROVED", "IN_REVIEW", "DECLINED"].map(str::to_owned)));

    let path = review.split_whitespace().find_map(|word| word.strip_prefix(&url)).unwrap().to_owned();
    let body = json!({ "new_status": "Declined", "comment": "Selfie shows another person." });
    assert_eq!(client.post(&path, body).await.ok(201)["user"], "API Client");
    let delivery = demo.line("status.updated").await;
    assert!(delivery.contains("Declined") && delivery.ends_with(" verified"), "{delivery}");

    let [email, .., password] = login.split_whitespace().skip(2).collect::<Vec<_>>()[..] else { panic!("{login}") };
    let body = json!({ "email": email.trim_end_matches(','), "password": password });
    let me = client.without_key().post("/x/sign-in/", body).await.ok(200);
    assert_eq!(me["applications"][0]["role"], "Owner");

    assert_eq!(demo.terminate().await, Some(0));
}

async fn every_status_is_there(client: &Client) -> Vec<Value> {
    let page = client.get("/v3/sessions/?limit=200").await.ok(200);
    let sessions = page["results"].as_array().unwrap().clone();
    assert!(sessions.len() >= 60, "{}", sessions.len());
    let statuses: HashSet<_> = sessions.iter().map(|session| text(&session["status"])).collect();
    for status in SessionStatus::ALL {
        assert!(statuses.contains(status.as_str()), "no session is {status}");
    }
    let countries: HashSet<_> = sessions.iter().filter_map(|session| session["country"].as_str()).collect();
    assert!(countries.len() >= 20, "{countries:?}");
    sessions
}

/// Lists, scores and senders have left their marks.
async fn warnings_are_real(client: &Client, sessions: &[Value]) {
    let mut risks: HashMap<String, usize> = HashMap::new();
    for session in sessions.iter().filter(|session| ["Declined", "In Review"].contains(&session["status"].as_str().unwrap())) {
        let path = format!("/v3/session/{}/decision/", text(&session["session_id"]));
        let decision = client.get(&path).await.ok(200).to_string();
        for found in decision.split("\"risk\":\"").skip(1) {
            *risks.entry(found.split('"').next().unwrap().to_owned()).or_default() += 1;
        }
    }
    for risk in [
        "PHONE_NUMBER_IN_BLOCKLIST",
        "EMAIL_IN_BLOCKLIST",
        "IP_ADDRESS_IN_BLOCKLIST",
        "ID_DOCUMENT_IN_BLOCKLIST",
        "DEVICE_FINGERPRINT_IN_BLOCKLIST",
        "LOW_FACE_MATCH_SIMILARITY",
        "NAME_MISMATCH_ID_VERIFICATION",
        "POSSIBLE_MATCH_FOUND",
    ] {
        assert!(risks.contains_key(risk), "{risk} is not among {risks:?}");
    }
}

async fn pictures_can_be_seen(client: &Client, sessions: &[Value]) {
    let approved = sessions.iter().find(|session| session["status"] == "Approved").unwrap();
    let decision = client.get(&format!("/v3/session/{}/decision/", text(&approved["session_id"]))).await.ok(200);
    let pictures = [
        &decision["id_verifications"][0]["front_image"],
        &decision["id_verifications"][0]["portrait_image"],
        &decision["liveness_checks"][0]["reference_image"],
    ];
    for link in pictures {
        let file = reqwest::get(text(link)).await.unwrap();
        assert_eq!((file.status().as_u16(), &file.headers()["content-type"]), (200, &"image/jpeg".parse().unwrap()));
        let picture = image::load_from_memory_with_format(&file.bytes().await.unwrap(), image::ImageFormat::Jpeg).unwrap();
        assert!(picture.width() >= 240 && picture.height() >= 240);
    }
}
