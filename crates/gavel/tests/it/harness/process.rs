//! The real binary as a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Client, KEY, database::Place, eventually};

/// The binary with nothing of the caller's settings.
pub fn gavel(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GAVEL_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// `gavel …` on this place's data and database.
pub fn gavel_at(place: &Place, arguments: &[&str]) -> Command {
    let mut command = gavel(arguments);
    command.env("GAVEL_DATA", place.data());
    if let Some(url) = place.url() {
        command.env("GAVEL_DATABASE", url);
    }
    command
}

/// Runs a command to its end: whether it succeeded, standard output, standard error.
pub fn finish(mut command: Command) -> (bool, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A running `gavel serve`; killed when dropped.
pub struct Process {
    child: Child,
    output: Arc<Mutex<Vec<String>>>,
    /// Where it listens.
    pub url: String,
}

impl Process {
    /// Serves this place on a free port, with the tests' key.
    pub async fn serve(place: &Place) -> Self {
        Self::start(serve_command(place)).await
    }

    /// Starts a command and waits until it listens.
    pub async fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output: Arc<Mutex<Vec<String>>> = Arc::default();
        let streams: [Box<dyn Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let output = output.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    output.lock().unwrap().push(line);
                }
            });
        }
        let watched = Mutex::new(&mut child);
        let url = eventually("listening", || async {
            let lines = output.lock().unwrap();
            let ended = watched.lock().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "ended ({ended:?}) before it listened: {lines:?}");
            lines.iter().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
        })
        .await;
        Self { child, output, url }
    }

    /// A client with the tests' key.
    pub fn client(&self) -> Client {
        Client::new(self.url.clone(), KEY)
    }

    /// Everything it has printed.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().join("\n")
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ExitStatus {
        for _ in 0..1_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the process did not end:\n{}", self.output());
    }

    /// Asks it to end, and asserts that it does so well.
    pub async fn stop(self) {
        self.signal("TERM");
        let output = self.output.clone();
        assert!(self.ended().await.success(), "{:?}", output.lock().unwrap());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `gavel serve` for this place, on a free port, with the tests' key.
pub fn serve_command(place: &Place) -> Command {
    let mut command = gavel_at(place, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("GAVEL_BOOTSTRAP_API_KEY", KEY).env("GAVEL_WEBHOOK_ALLOW_HTTP", "1").env("GAVEL_WEBHOOK_ALLOW_PRIVATE", "1");
    command
}

/// A path that cannot be a folder, whoever asks.
pub fn file_in(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("a-file");
    std::fs::write(&path, "").unwrap();
    path
}
