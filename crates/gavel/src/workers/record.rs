//! What came of attempts, written: one transaction for all that have ended since the last one.
//!
//! Under the lease's token it writes the attempt, the destination's counters, and either the end of the event or its next
//! due time. Whose lease was taken over, or whose destination was disabled meanwhile, writes nothing. While the database is
//! not available recording is repeated for as long as the leases hold: a short outage repeats no event. After that, and
//! when the process ends before, the event is sent again with the same `event_id`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use gavel_core::{
    ids::DestinationId,
    time::Timestamp,
    webhook::{Outcome, retry_wait, spread},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    attempt::Attempt,
    deliver::{LEASE_MARGIN, micros},
};
use crate::{
    actions::{Error, upkeep},
    app::App,
    store::{
        Tx,
        dead_letters::{self, GivenUp},
        deliveries::{self, Delivery},
        destinations::{self, Tally},
        outbox::{self, Claimed},
    },
};

/// Most attempts of one transaction.
const BATCH: usize = 64;
/// Between two tries while the database is not available.
const AGAIN: Duration = Duration::from_millis(250);

/// Takes attempts that have ended. Clones are the same recorder, which ends with the last of them.
#[derive(Clone)]
pub(super) struct Recorder {
    app: App,
    ended: mpsc::Sender<(Record, oneshot::Sender<()>)>,
}

/// An ended attempt and what becomes of its event.
struct Record {
    event: Claimed,
    delivery: Delivery,
    fate: Fate,
}

#[derive(Clone, Copy)]
enum Fate {
    Delivered,
    TriedAgain(Timestamp),
    GivenUp(GivenUp),
}

/// Starts recording.
pub(super) fn start(app: &App, stopped: watch::Receiver<bool>) -> (Recorder, JoinHandle<()>) {
    let (ended, waiting) = mpsc::channel(BATCH);
    (Recorder { app: app.clone(), ended }, tokio::spawn(run(app.clone(), waiting, stopped)))
}

impl Recorder {
    /// Returns when the attempt is recorded, or will not be.
    pub(super) async fn record(&self, event: Claimed, attempt: Attempt) {
        let fate = fate(&self.app, &event, &attempt);
        let record = Record { fate, delivery: attempt.into_delivery(&event), event };
        let (done, recorded) = oneshot::channel();
        if self.ended.send((record, done)).await.is_ok() {
            let _ = recorded.await;
        }
    }
}

fn fate(app: &App, event: &Claimed, attempt: &Attempt) -> Fate {
    let outcome = if attempt.refused { Outcome::Final } else { Outcome::of(attempt.status) };
    let number = u32::try_from(event.attempts + 1).unwrap_or(u32::MAX);
    match outcome {
        Outcome::Delivered => Fate::Delivered,
        Outcome::Final => Fate::GivenUp(GivenUp::Rejected),
        Outcome::Retry => match retry_wait(&app.config.retry_schedule, number, attempt.retry_after) {
            None => Fate::GivenUp(GivenUp::Exhausted),
            Some(wait) => {
                let wait = micros(spread(wait, app.clock.chance()));
                Fate::TriedAgain(Timestamp::from_micros(app.clock.now().as_micros() + wait))
            }
        },
    }
}

async fn run(app: App, mut waiting: mpsc::Receiver<(Record, oneshot::Sender<()>)>, stopped: watch::Receiver<bool>) {
    let mut ended = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut ended, BATCH).await > 0 {
        // Those who ask to be told hear of it when they are dropped.
        let (records, _asked): (Vec<Record>, Vec<oneshot::Sender<()>>) = ended.drain(..).unzip();
        let (all, records) = (0..records.len(), Arc::new(records));
        match write(&app, &records, all, &stopped).await {
            Ok(()) => {}
            // One of them cannot be written; the others can.
            Err(Error::Fault(_)) if records.len() > 1 => {
                for n in 0..records.len() {
                    if let Err(error) = write(&app, &records, n..n + 1, &stopped).await {
                        unrecorded(&error, &records[n..=n]);
                    }
                }
            }
            Err(error) => unrecorded(&error, &records),
        }
    }
}

fn unrecorded(error: &Error, records: &[Record]) {
    for record in records {
        tracing::warn!(%error, event = %record.event.id, "an attempt could not be recorded; it will be repeated");
    }
}

/// Writes, again and again while the database is not available and the leases hold.
async fn write(app: &App, records: &Arc<Vec<Record>>, which: Range<usize>, stopped: &watch::Receiver<bool>) -> Result<(), Error> {
    let began = Instant::now();
    loop {
        let (app_, records_, which) = (app.clone(), records.clone(), which.clone());
        let written = app.store.write(move |tx| Box::pin(async move { write_all(tx, &app_, &records_[which]).await })).await;
        match written {
            Err(Error::Unavailable(_)) if began.elapsed() < LEASE_MARGIN && !*stopped.borrow() => {
                tokio::time::sleep(AGAIN).await;
            }
            other => return other,
        }
    }
}

/// The destinations' rows are locked before those of their queues, as whoever disables or deletes one does, or the two
/// would wait for each other.
async fn write_all(tx: &mut Tx, app: &App, records: &[Record]) -> Result<(), Error> {
    let now = app.clock.now();
    let at: BTreeSet<DestinationId> = records.iter().map(|record| record.event.destination).collect();
    destinations::lock_to_count(tx, &at.into_iter().collect::<Vec<_>>()).await?;
    let ours = settle(tx, records, now).await?;
    let mut tallies: BTreeMap<DestinationId, (Tally, &Claimed)> = BTreeMap::new();
    for Record { event, delivery, .. } in &ours {
        let (tally, _) = tallies.entry(event.destination).or_insert((Tally::default(), event));
        tally.add(delivery.succeeded, delivery.response_time_ms, delivery.created_at);
    }
    let pause_after = micros(app.config.webhook_pause_after);
    for (id, (tally, event)) in &tallies {
        let failing_since = destinations::count_attempts(tx, *id, tally).await?;
        if failing_since.is_some_and(|since| now.as_micros() - since.as_micros() >= pause_after) {
            upkeep::pause_failing(tx, app, (event.application, *id), now).await?;
        }
    }
    Ok(deliveries::insert_deliveries(tx, &ours.iter().map(|record| &record.delivery).collect::<Vec<_>>()).await?)
}

/// Takes the events out of the queue or lets them wait. Answers those whose claim was still ours.
async fn settle<'r>(tx: &mut Tx, records: &'r [Record], now: Timestamp) -> Result<Vec<&'r Record>, Error> {
    let (mut over, mut kept) = (Vec::new(), Vec::new());
    for record in records {
        match record.fate {
            Fate::Delivered => over.push(&record.event),
            Fate::GivenUp(reason) => {
                dead_letters::insert_claimed(tx, &record.event, reason, now).await?;
                over.push(&record.event);
            }
            Fate::TriedAgain(due) => {
                if outbox::set_due(tx, &record.event, due).await? {
                    kept.push(record.event.id);
                }
            }
        }
    }
    kept.extend(outbox::remove_claimed(tx, &over).await?);
    Ok(records.iter().filter(|record| kept.contains(&record.event.id)).collect())
}
