//! Filling the demo: lists first, then session after session, each at its own moment of the past weeks.

use std::collections::VecDeque;

use gavel_core::{ids::SessionId, session::SessionStatus};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{
    api::{Api, text},
    evidence::{self, Stored, listed},
    past::{self, Past},
    people::{PEOPLE, Person},
    pictures::Pictures,
    receiver::Receiver,
    stories::{Ending, Finding, Story, stories},
    terminal::Terminal,
    transactions,
};
use crate::{app::App, cli::CliError};

const DAY: i64 = 86_400;
/// Pictures that are drawn while earlier ones are sent.
const DRAWN_AHEAD: usize = 6;

/// What is there now.
pub struct Filled {
    /// Number of sessions.
    pub sessions: usize,
    /// How many have which status, in the contract's order.
    pub statuses: Vec<(SessionStatus, usize)>,
    /// Number of lists, and of their entries.
    pub lists: usize,
    /// Number of entries on all lists.
    pub entries: u64,
    /// Number of transactions.
    pub transactions: usize,
    /// Number of pictures.
    pub pictures: usize,
    /// Webhooks that were verified, and that were not.
    pub deliveries: (usize, usize),
    /// Id and number of a session that waits for a reviewer.
    pub to_review: (String, String),
    /// Where phone numbers are blocked.
    pub phone_blocklist: String,
}

/// Fills the server behind `api`; answers what is there and the receiver that has seen it all.
pub async fn fill(app: &App, api: &Api, terminal: Terminal) -> Result<(Filled, Receiver), CliError> {
    let stories = stories();
    let begin = stories.first().map_or(0, |story| story.ago) + DAY;
    let mut past = Past::begin(app, begin);
    let receiver = Receiver::start(api, app.clock.clone(), terminal).await?;
    let lists = Lists::make(api).await?;
    let workflows = api.get("/v3/workflows/").await?;
    let mut teller = Teller {
        app: app.clone(),
        api: api.clone(),
        workflow: text(&workflows["results"][0], "workflow_id").to_owned(),
        lists,
        due: Vec::new(),
        pictures: 0,
        to_review: Default::default(),
    };
    let year = app.clock.now().to_string().get(..4).and_then(|year| year.parse().ok()).unwrap_or_default();
    let mut cast: VecDeque<_> = stories.iter().enumerate().map(|(n, story)| Role::of(n % PEOPLE, *story, year)).collect();
    let mut drawn: VecDeque<(Role, Drawing)> = VecDeque::new();
    for (done, story) in stories.iter().enumerate() {
        terminal.progress(done, stories.len());
        while drawn.len() < DRAWN_AHEAD
            && let Some(role) = cast.pop_front()
        {
            let drawing = role.draw();
            drawn.push_back((role, drawing));
        }
        let Some((role, drawing)) = drawn.pop_front() else { break };
        teller.catch_up(&mut past, story.ago).await?;
        teller.tell(&mut past, role, drawing.await?).await?;
    }
    teller.catch_up(&mut past, 0).await?;
    past.reach(0).await?; // Once more: the last webhooks are on their way.
    let transactions = transactions::send(app, api, year).await?;
    terminal.progress(stories.len(), stories.len());
    Ok((Filled { transactions, ..teller.sum_up(&receiver).await? }, receiver))
}

type Drawing = JoinHandle<Option<Pictures>>;

/// A person in a story.
struct Role {
    person: Person,
    story: Story,
}

impl Role {
    fn of(number: usize, story: Story, year: i32) -> Self {
        let mut person = Person::of(number, year);
        story.finding.shape(&mut person);
        Self { person, story }
    }

    /// Draws what the story needs, elsewhere.
    fn draw(&self) -> Drawing {
        let (person, story) = (self.person.clone(), self.story);
        tokio::task::spawn_blocking(move || match story.ending {
            Ending::NotStarted | Ending::Expired => None,
            _ => Some(Pictures::of(&person, &story.finding.selfie_of(&person))),
        })
    }
}

/// The lists the demo speaks of.
struct Lists {
    documents: String,
    phones: String,
}

impl Lists {
    async fn make(api: &Api) -> Result<Self, CliError> {
        let system = api.get("/v3/lists/?is_system=true&limit=200").await?;
        let find = |name: &str| {
            let all = system["results"].as_array().into_iter().flatten();
            all.filter(|list| text(list, "name") == name).map(|list| text(list, "uuid").to_owned()).next().unwrap_or_default()
        };
        let office = json!({
            "name": "Office networks", "list_type": "allowlist", "entry_type": "ip_address",
            "description": "Our own branches: many customers share one address there",
        });
        let office = text(&api.post("/v3/lists/", &office).await?, "uuid").to_owned();
        let partners = json!({
            "name": "Reported by partners", "list_type": "custom", "entry_type": "email",
            "description": "Not blocked, but worth a second look",
        });
        let partners = text(&api.post("/v3/lists/", &partners).await?, "uuid").to_owned();
        let entries = [
            (find("Phone Blocklist"), listed::PHONE, "Called customers in our name"),
            (find("Phone Blocklist"), "+12025550143", "Number of a scam reported by the bank"),
            (find("Email Blocklist"), listed::EMAIL, "Throwaway address, seen in four applications"),
            (find("Email Blocklist"), "claims@refund-desk.example", "Phishing mails came from here"),
            (find("IP Address Blocklist"), listed::RANGE, "Hosting range behind the August attack"),
            (find("IP Address Blocklist"), "2001:db8:bad::/48", "The same, over IPv6"),
            (find("Device Fingerprint Blocklist"), listed::DEVICE, "One phone, eleven names"),
            (find("Document Blocklist"), "X-4471 8830", "Reported stolen on 3 May"),
            (find("User Blocklist"), "cust-99120", "Account closed for abuse"),
            (find("Bank Account Blocklist"), "GB82 WEST 1234 5698 7654 32", "Mule account"),
            (find("High Risk Countries"), "PRK", "Under sanctions"),
            (find("High Risk Countries"), "IRN", "Under sanctions"),
            (office, listed::OFFICE, "Branch in Utrecht"),
            (partners.clone(), "m.keller@inbox.example", "Chargeback at a partner in March"),
            (partners, "fast.cash@mail.example", "Reported twice this year"),
        ];
        for (list, value, comment) in entries {
            let path = format!("/v3/lists/{list}/entries/");
            api.post(&path, &json!({ "value": value, "comment": comment })).await?;
        }
        Ok(Self { documents: find("Document Blocklist"), phones: find("Phone Blocklist") })
    }
}

/// Tells the stories to the server.
struct Teller {
    app: App,
    api: Api,
    workflow: String,
    lists: Lists,
    /// What time will do to sessions, and how long ago.
    due: Vec<(i64, SessionId, SessionStatus)>,
    pictures: usize,
    to_review: (String, String),
}

impl Teller {
    /// Moves on to the next moment; what time does to sessions on the way is done.
    async fn catch_up(&mut self, past: &mut Past, ago: i64) -> Result<(), CliError> {
        self.due.sort_by_key(|(due, ..)| -due);
        while let Some(&(due, session, status)) = self.due.first().filter(|(due, ..)| *due >= ago) {
            past.reach(due).await?;
            past::set_status(&self.app, session, status).await?;
            self.due.remove(0);
        }
        Ok(past.reach(ago).await?)
    }

    async fn tell(&mut self, past: &mut Past, role: Role, pictures: Option<Pictures>) -> Result<(), CliError> {
        let Role { person, story } = role;
        let session = self.api.post("/v3/session/", &self.new_session(&person)).await?;
        let id = text(&session, "session_id");
        let typed: SessionId = id.parse().map_err(|_| CliError::new("the server answered without a session id"))?;
        if let Some(pictures) = pictures {
            past.pass(95).await?; // As long as somebody takes to find their passport.
            let stored = self.store(pictures).await?;
            let now = self.app.clock.now().to_string();
            let half = matches!(story.ending, Ending::InProgress | Ending::AwaitingUser | Ending::Abandoned);
            let body = if half { evidence::half } else { evidence::body }(&person, story.finding, &stored, &now);
            self.api.post(&format!("/x/sessions/{id}/evidence/"), &body).await?;
        }
        if story.finding == Finding::Mask {
            let body = json!({ "reference_session_id": id, "comment": "Shown by somebody with a mask" });
            self.api.post(&format!("/v3/lists/{}/entries/", self.lists.documents), &body).await?;
        }
        if (story.finding, story.ending) == (Finding::WeakFaceMatch, Ending::Evidence) {
            self.to_review = (id.to_owned(), session["session_number"].to_string());
        }
        match story.ending {
            Ending::Evidence | Ending::NotStarted | Ending::InProgress => {}
            Ending::Approved => self.review(past, id, "Approved", story.finding.remark()).await?,
            Ending::Declined => self.review(past, id, "Declined", story.finding.remark()).await?,
            Ending::HandedOver => {
                self.review(past, id, "In Review", "Same name, but the year of birth is another. Compliance, please look.")
                    .await?;
            }
            Ending::Resubmitted => {
                past.pass(1_260).await?;
                let body = json!({ "new_status": "Resubmitted", "comment": story.finding.remark() });
                self.api.patch(&format!("/v3/session/{id}/update-status/"), &body).await?;
            }
            Ending::AwaitingUser => past::set_status(&self.app, typed, SessionStatus::AwaitingUser).await?,
            Ending::Expired => self.due.push((story.ago - 7 * DAY, typed, SessionStatus::Expired)),
            Ending::Abandoned => self.due.push((story.ago - 7 * DAY, typed, SessionStatus::Abandoned)),
            Ending::KycExpired => self.due.push((story.ago - 18 * DAY, typed, SessionStatus::KycExpired)),
        }
        Ok(())
    }

    fn new_session(&self, person: &Person) -> Value {
        const PLANS: [&str; 3] = ["free", "plus", "business"];
        let mut body = json!({
            "workflow_id": self.workflow,
            "vendor_data": person.vendor_data(),
            "callback": "https://shop.example/verified",
            "metadata": { "plan": PLANS[person.number % 3], "channel": person.device().4 },
            "contact_details": { "email": person.email, "phone": person.phone },
        });
        if person.number.is_multiple_of(4) {
            body["expected_details"] = json!({
                "first_name": person.first_name, "last_name": person.last_name, "date_of_birth": person.dates.0,
                "id_country": person.country.codes.0,
            });
        }
        body
    }

    async fn store(&mut self, pictures: Pictures) -> Result<Stored, CliError> {
        self.pictures += 3 + usize::from(pictures.back.is_some());
        let back = match pictures.back {
            Some(back) => Some(self.api.store(back).await?),
            None => None,
        };
        Ok(Stored {
            front: self.api.store(pictures.front).await?,
            back,
            portrait: self.api.store(pictures.portrait).await?,
            selfie: self.api.store(pictures.selfie).await?,
        })
    }

    /// A reviewer looks at it after a while.
    async fn review(&self, past: &mut Past, id: &str, status: &str, comment: &str) -> Result<(), CliError> {
        past.pass(1_080).await?;
        let body = json!({ "new_status": status, "comment": comment });
        self.api.post(&format!("/v3/sessions/{id}/reviews/"), &body).await?;
        Ok(())
    }

    async fn sum_up(self, receiver: &Receiver) -> Result<Filled, CliError> {
        let sessions = self.api.get("/v3/sessions/?limit=200").await?;
        let rows: Vec<&str> = sessions["results"].as_array().into_iter().flatten().map(|row| text(row, "status")).collect();
        let count = |status: &SessionStatus| rows.iter().filter(|row| **row == status.as_str()).count();
        let lists = self.api.get("/v3/lists/?limit=200").await?;
        let lists: Vec<u64> =
            lists["results"].as_array().into_iter().flatten().filter_map(|list| list["entry_count"].as_u64()).collect();
        Ok(Filled {
            sessions: rows.len(),
            statuses: SessionStatus::ALL.iter().map(|status| (*status, count(status))).collect(),
            lists: lists.len(),
            entries: lists.iter().sum(),
            transactions: 0,
            pictures: self.pictures,
            deliveries: receiver.counts(),
            to_review: self.to_review,
            phone_blocklist: self.lists.phones,
        })
    }
}
