//! What a rule would have answered about stored transactions. Nothing is stored.
//!
//! Transactions are read a part at a time, in an order in which windows can slide: one subject after the other where every
//! aggregation keeps to the subject, else as they happened. So what is in memory is a part and the windows, however many
//! transactions there are. Lists are asked as they are now; `score`, `severity` and `tags` are what came out.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use gavel_core::{
    ids::{ApplicationId, ListId, TransactionId},
    json::{FieldErrors, Value},
    rules::Setting,
    time::Timestamp,
    transaction::rule::{Aggregation, Logic, Sliding, Tally, WindowTooLarge, read_backtest},
};
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::Lists;
use crate::{
    actions::{Caller, Error},
    app::App,
    store::{
        Tx,
        applications::{self, Counter},
        transaction_past::{self as past, Bookmark, Past, Sequence, Span},
        transaction_rule_runs as runs,
    },
};

/// Transactions read at a time.
const PART: u64 = 1_000;
/// The newest transactions the short form looks at.
const NEWEST: u64 = 10_000;
/// Longest period of the long form, in days.
const DAYS: i64 = 3_660;
/// Transactions shown as examples.
const SAMPLES: usize = 20;

/// What is tested and over how many days, as sent.
pub struct BacktestBody(Logic, i64);

impl BacktestBody {
    /// Reads the body of the short form.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        read_backtest(sent, None).map(|(logic, days)| Self(logic, days))
    }
}

/// The same for the long form, whose period may be longer.
pub struct LongBacktestBody(Logic, i64);

impl LongBacktestBody {
    /// Reads the body of the long form.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        read_backtest(sent, Some(DAYS)).map(|(logic, days)| Self(logic, days))
    }
}

/// What a test found.
#[derive(Debug, Serialize)]
pub struct Estimate {
    evaluated: u64,
    matched: u64,
    affected_entities: u64,
    period_days: i64,
}

/// Tests a rule over the newest transactions.
pub async fn estimate(app: &App, caller: &Caller, body: Result<BacktestBody, FieldErrors>) -> Result<Estimate, Error> {
    let BacktestBody(logic, days) = body?;
    let mut test = Backtest::begin(app, caller, (logic, days), Some(NEWEST)).await?;
    while test.advance().await? {}
    Ok(test.estimate())
}

/// Begins a test over all transactions of the period.
pub async fn start(app: &App, caller: &Caller, body: Result<LongBacktestBody, FieldErrors>) -> Result<Backtest, Error> {
    let LongBacktestBody(logic, days) = body?;
    Backtest::begin(app, caller, (logic, days), None).await
}

/// A test on its way.
pub struct Backtest {
    app: App,
    application: ApplicationId,
    days: i64,
    /// What is read, from before the period where windows reach back.
    span: Span,
    sequence: Option<Sequence>,
    bookmark: Bookmark,
    /// Transactions of the period.
    total: u64,
    /// The summary is still to come.
    is_open: bool,
    /// Shared with the thread that looks at a part.
    state: Arc<Mutex<State>>,
}

/// What the test knows so far.
struct State {
    logic: Logic,
    windows: Vec<Sliding>,
    lists: Lists,
    /// Where the period begins.
    from: (Timestamp, u64),
    /// Windows are emptied when another subject comes.
    subject: Option<String>,
    by_subject: bool,
    read: u64,
    evaluated: u64,
    matched: u64,
    /// Hashes of the subjects of matches.
    entities: HashSet<u128>,
    samples: BTreeMap<(Timestamp, u64), Json>,
}

impl Backtest {
    async fn begin(app: &App, caller: &Caller, (logic, days): (Logic, i64), newest: Option<u64>) -> Result<Self, Error> {
        let (application, now) = (caller.application, app.clock.now());
        let index = app.live.fresh(application).await?;
        let named: Vec<ListId> = logic.conditions.lists().collect();
        let from = now.plus_seconds(-days * 86_400);
        let (span, from, total, lists) = app
            .store
            .read::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let last_number = applications::current(tx, application, Counter::TransactionNumber).await?;
                    let span = Span { from, until: now, last_number };
                    let first = first_of(tx, application, span, newest).await?;
                    let total = past::count_past(tx, application, span).await?;
                    Ok((span, first, total, Lists::of(tx, application, &named, (&index, now)).await?))
                })
            })
            .await?;
        let reach = logic.aggregations.iter().map(|aggregation| aggregation.seconds).max().unwrap_or(0);
        let by_subject = !logic.aggregations.is_empty() && logic.aggregations.iter().all(Aggregation::is_of_subject);
        let windows = logic.aggregations.iter().map(Sliding::new).collect();
        let state = State {
            logic,
            windows,
            lists,
            from,
            subject: None,
            by_subject,
            read: 0,
            evaluated: 0,
            matched: 0,
            entities: HashSet::new(),
            samples: BTreeMap::new(),
        };
        Ok(Self {
            app: app.clone(),
            application,
            days,
            span: Span { from: from.0.plus_seconds(-reach), ..span },
            sequence: Some(if by_subject { Sequence::Subject } else { Sequence::Time }),
            bookmark: Bookmark::start(),
            total: newest.map_or(total, |newest| total.min(newest)),
            is_open: true,
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Looks at the next part. `false`: there was none.
    async fn advance(&mut self) -> Result<bool, Error> {
        let Some(sequence) = self.sequence else { return Ok(false) };
        let (application, span, bookmark) = (self.application, self.span, self.bookmark.clone());
        let wants_tags = self.state().logic.conditions.look_at("tags");
        let part = self
            .app
            .store
            .read::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let mut part = past::list_past(tx, application, span, (sequence, &bookmark), PART).await?;
                    if wants_tags {
                        put_tags(tx, &mut part).await?;
                    }
                    Ok(part)
                })
            })
            .await?;
        match part.last() {
            Some(last) if part.len() as u64 == PART => self.bookmark = Bookmark::behind(last),
            // Those of nobody come behind all subjects.
            _ if sequence == Sequence::Subject => (self.sequence, self.bookmark) = (Some(Sequence::Nobody), Bookmark::start()),
            _ => self.sequence = None,
        }
        let state = self.state.clone();
        let looked = tokio::task::spawn_blocking(move || locked(&state).look_at(part));
        let done = looked.await.map_err(Error::fault)?;
        done.map_err(|too_large: WindowTooLarge| Error::Refused(too_large.to_string()))?;
        Ok(true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn estimate(&self) -> Estimate {
        let state = self.state();
        Estimate {
            evaluated: state.evaluated,
            matched: state.matched,
            affected_entities: state.entities.len() as u64,
            period_days: self.days,
        }
    }

    fn progress(&self) -> Json {
        let state = self.state();
        json!({
            "type": "progress",
            "read": state.read,
            "evaluated": state.evaluated,
            "matched": state.matched,
            "total": self.total,
        })
    }

    /// The next line of the long form; `None` behind the last.
    pub async fn next(&mut self) -> Result<Option<Json>, Error> {
        if !self.is_open {
            return Ok(None);
        }
        match self.advance().await {
            Ok(true) => Ok(Some(self.progress())),
            Ok(false) => {
                self.is_open = false;
                let mut summary = serde_json::to_value(self.estimate()).map_err(Error::fault)?;
                summary["type"] = "summary".into();
                summary["samples"] = std::mem::take(&mut self.state().samples).into_values().rev().collect();
                Ok(Some(summary))
            }
            Err(Error::Refused(text)) => {
                self.is_open = false;
                Ok(Some(json!({ "type": "error", "detail": text })))
            }
            Err(error) => Err(error),
        }
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(|e| e.into_inner())
}

/// Where evaluation begins: with the first of the period, or with the oldest of its newest.
async fn first_of(tx: &mut Tx, application: ApplicationId, span: Span, newest: Option<u64>) -> Result<(Timestamp, u64), Error> {
    let first = match newest {
        Some(newest) => past::find_newest_from(tx, application, span, newest).await?,
        None => None,
    };
    Ok(first.unwrap_or((span.from, 0)))
}

/// Puts the tags transactions have among their facts.
async fn put_tags(tx: &mut Tx, part: &mut [Past]) -> Result<(), Error> {
    let ids: Vec<TransactionId> = part.iter().map(|past| past.id).collect();
    let mut tags: HashMap<TransactionId, Vec<Json>> = HashMap::new();
    for (id, tag) in runs::list_tags(tx, &ids).await? {
        tags.entry(id).or_default().push(tag.name.into());
    }
    for past in part {
        past.facts.set("tags", tags.remove(&past.id).unwrap_or_default().into());
    }
    Ok(())
}

impl State {
    fn look_at(&mut self, part: Vec<Past>) -> Result<(), WindowTooLarge> {
        for past in part {
            if self.by_subject && self.subject != past.subject {
                self.windows.iter_mut().for_each(Sliding::clear);
                self.subject.clone_from(&past.subject);
            }
            for window in &mut self.windows {
                window.push(&past.facts, past.at)?;
            }
            if (past.at, past.number) >= self.from {
                self.read += 1;
                self.ask(&past);
            }
        }
        Ok(())
    }

    fn ask(&mut self, past: &Past) {
        if !self.logic.scope.holds(&past.facts) {
            return;
        }
        self.evaluated += 1;
        let listed = |list, text: &str| self.lists.say(list, text);
        let begun = self.logic.begin(&Setting { facts: &past.facts, now: past.created_at, listed: &listed });
        let tallies: Vec<Tally> = match begun.is_decided() {
            true => Vec::new(),
            false => self.windows.iter().map(|window| window.tally(&past.facts)).collect(),
        };
        let outcome = self.logic.finish(&begun, &tallies);
        if !outcome.matched {
            return;
        }
        self.matched += 1;
        if let Some(subject) = &past.subject {
            self.entities.insert(hash_of(&past.kind, subject));
        }
        let sample = json!({
            "uuid": past.id, "transaction_number": past.number, "txn_date": past.at, "explanation": outcome.explanation,
        });
        self.samples.insert((past.at, past.number), sample);
        if self.samples.len() > SAMPLES {
            self.samples.pop_first();
        }
    }
}

fn hash_of(kind: &str, subject: &str) -> u128 {
    let bytes = Sha256::new().chain_update(kind).chain_update([0]).chain_update(subject).finalize();
    bytes.iter().take(16).fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}
