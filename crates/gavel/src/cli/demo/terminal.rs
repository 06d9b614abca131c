//! What the demo says on the terminal. Colours and the moving progress line only where somebody can see them:
//! `NO_COLOR` and output into a file or pipe turn them off.

use std::{
    io::{IsTerminal, Write},
    net::SocketAddr,
};

use serde_json::Value;

use super::{api::text, fill::Filled};

/// Standard output.
#[derive(Clone, Copy)]
pub struct Terminal {
    moves: bool,
    colours: bool,
}

impl Terminal {
    /// Finds out what it can do.
    pub fn of_this_process() -> Self {
        let moves = std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let colours = moves && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { moves, colours }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// One line. A reader that has gone away is no reason to stop.
    fn say(self, line: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }

    /// The first words.
    pub fn hello(self) {
        let name = self.bold(concat!("Gavel ", env!("CARGO_PKG_VERSION"), " demo"));
        self.say(&format!("\n{name}  sample data in a temporary folder that is deleted at the end\n"));
    }

    /// The usual address was taken.
    pub fn elsewhere(self, wanted: SocketAddr) {
        self.say(&format!("  {wanted} is in use, so this demo takes a free port; --listen ADDRESS:PORT chooses one\n"));
    }

    /// How far the filling has come.
    pub fn progress(self, done: usize, of: usize) {
        if !self.moves {
            if done == 0 {
                self.say(&format!("  filling in {of} sessions ..."));
            }
            return;
        }
        const WIDTH: usize = 32;
        let full = done * WIDTH / of.max(1);
        let bar = format!("{}{}", self.paint("36", &"=".repeat(full)), self.dim(&"-".repeat(WIDTH - full)));
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "\r  {bar}  session {done} of {of} ");
        if done == of {
            let _ = write!(out, "\r\x1b[K");
        }
        let _ = out.flush();
    }

    /// Everything is there: what, where, and what to try.
    pub fn ready(self, base: &str, key: &str, login: &(String, String), filled: &Filled) {
        let line = |what: &str, text: &str| self.say(&format!("  {} {text}", self.dim(&format!("{what:<10}"))));
        let statuses: Vec<String> = filled.statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
        let (first, rest) = statuses.split_at(statuses.len() / 2);
        line("Sessions", &format!("{} · {},", filled.sessions, first.join(", ")));
        line("", &format!("     {}", rest.join(", ")));
        line("Lists", &format!("{} · with {} entries", filled.lists, filled.entries));
        line("Payments", &format!("{} · some to a blocked wallet, some by a flagged user", filled.transactions));
        line("Pictures", &format!("{} · documents, portraits and selfies, all drawn", filled.pictures));
        let (verified, refused) = filled.deliveries;
        let refused = if refused > 0 { format!(", {refused} NOT verified") } else { String::new() };
        line("Webhooks", &format!("{verified} · delivered to a local receiver, every signature verified{refused}"));
        self.say("");
        line("URL", &self.bold(base));
        line("API key", &self.bold(key));
        line("Sign in", &format!("{}, password {}", self.bold(&login.0), self.bold(&login.1)));
        self.say(&format!("\n{}", self.bold("Try it")));
        for (number, (title, command)) in commands(base, key, filled).iter().enumerate() {
            self.say(&format!("\n  {}  {title}\n\n{}", self.paint("36", &format!("{}.", number + 1)), command));
        }
        self.say(&format!(
            "\n{}  one line per delivery, checked by its signatures; Ctrl-C ends the demo\n",
            self.bold("Webhooks as they arrive")
        ));
    }

    /// A delivery has arrived.
    pub fn delivery(self, time: &str, payload: &Value, number: &str, verified: bool) {
        let clock = time.get(11..19).unwrap_or(time);
        let status = text(payload, "status");
        let coloured = match status {
            "Approved" => self.paint("32", &format!("{status:<12}")),
            "Declined" => self.paint("31", &format!("{status:<12}")),
            "In Review" => self.paint("33", &format!("{status:<12}")),
            _ => format!("{status:<12}"),
        };
        let outcome = if verified { self.paint("32", "verified") } else { self.paint("1;31", "NOT VERIFIED") };
        self.say(&format!(
            "  {}  {:<15} session {number:<5} {coloured}  {outcome}",
            self.dim(clock),
            text(payload, "webhook_type")
        ));
    }

    /// The last words.
    pub fn goodbye(self) {
        self.say(&format!("\n{}", self.dim("The demo has ended; its data is deleted.")));
    }
}

/// What to try, ready to be pasted into a shell.
fn commands(base: &str, key: &str, filled: &Filled) -> [(String, String); 3] {
    let post = |path: &str, body: &str| {
        format!(
            "      curl -X POST {base}{path} \\\n        -H 'x-api-key: {key}' \\\n        -H 'Content-Type: application/json' \\\n        \
             -d '{body}'"
        )
    };
    let (session, number) = &filled.to_review;
    let list = &filled.phone_blocklist;
    [
        (
            format!("Decide on session {number}, which waits in review: its selfie is only a little like the portrait"),
            post(
                &format!("/v3/sessions/{session}/reviews/"),
                r#"{"new_status":"Declined","comment":"Selfie shows another person."}"#,
            ),
        ),
        (
            "Put a phone number on the Phone Blocklist: the next session that carries it is declined".to_owned(),
            post(&format!("/v3/lists/{list}/entries/"), r#"{"value":"+14155552671","comment":"Reported as fraud"}"#),
        ),
        (
            "Ask what the lists say about values, without writing anything".to_owned(),
            post(
                "/x/screen/",
                r#"{"values":[{"entry_type":"phone","value":"+1 (415) 555-2671"},{"entry_type":"ip_address","value":"203.0.113.77"}]}"#,
            ),
        ),
    ]
}
