//! Delivery: waiting events to their destinations, signed, in order per object (contract, webhooks §3–§5).
//!
//! A pass claims the first event of every due lane under a lease, posts each in a task of its own, and records the
//! outcome under the lease's token: attempt, counters, and either the end of the event or its next due time, in one
//! transaction. A process that is killed between posting and recording leaves the lease to run out; the event is sent
//! again with the same `event_id`.
//!
//! At most [`AT_ONCE`] attempts run at a time, and at most [`PER_DESTINATION`] to one destination. Only as much is claimed
//! as can start at once, so a slow receiver neither takes the places of others nor lets a lease run out in a queue.

use std::{collections::HashMap, sync::Arc, time::Duration};

use gavel_core::{
    ids::DestinationId,
    time::Timestamp,
    webhook::{Outcome, retry_wait},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use uuid::Uuid;

use super::attempt::{self, Attempt};
use crate::{
    actions::{Caller, Error},
    app::App,
    clock::new_id,
    store::{
        Tx,
        db::Dialect,
        dead_letters, deliveries,
        destinations::{self, Paused},
        outbox,
        outbox::Claimed,
    },
};

/// Most attempts of this process at a time.
const AT_ONCE: usize = 256;
/// Most attempts of this process to one destination at a time.
const PER_DESTINATION: usize = 16;
/// Longest sleep between two looks: another process may have queued something.
const POLL: Duration = Duration::from_secs(1);
/// What a lease is longer than the time-out, in seconds: reading the answer's body and recording.
const LEASE_MARGIN: i64 = 10;

/// Delivers until told to stop; then finishes what is in flight.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    if app.store.dialect() == Dialect::Sqlite {
        let freed = app.store.write::<_, Error, _>(|tx| Box::pin(async move { Ok(outbox::free_leases(tx).await?) })).await;
        if let Err(error) = freed {
            tracing::warn!(%error, "old leases were not freed");
        }
    }
    let mut places = Places::default();
    let mut running = JoinSet::new();
    while !*stopped.borrow() {
        while running.try_join_next().is_some() {}
        let claimed = claim(&app, &mut places, AT_ONCE.saturating_sub(running.len())).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "waiting events could not be claimed");
            Vec::new()
        });
        let found = !claimed.is_empty();
        for event in claimed {
            let place = places.take(event.destination);
            running.spawn(deliver(app.clone(), event, place));
        }
        if found && running.len() < AT_ONCE {
            continue;
        }
        let pause = pause(&app).await;
        tokio::select! {
            () = app.store.wakes().deliveries.notified() => {}
            _ = running.join_next(), if !running.is_empty() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

/// How long nothing new becomes due, at most [`POLL`].
async fn pause(app: &App) -> Duration {
    let now = app.clock.now();
    let due = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(outbox::next_due(tx, now).await?) })).await;
    match due {
        Ok(Some(due)) => Duration::from_micros((due.as_micros() - now.as_micros()).max(1_000).unsigned_abs()).min(POLL),
        _ => POLL,
    }
}

/// The places of each destination with attempts in flight.
#[derive(Default)]
struct Places {
    taken: HashMap<DestinationId, Arc<Semaphore>>,
    /// Which destination comes first moves with every pass: when places are short, all have their turn.
    turn: usize,
}

impl Places {
    /// Forgets destinations with nothing in flight; answers how many places the others have left.
    fn left(&mut self) -> HashMap<DestinationId, usize> {
        self.taken.retain(|_, places| places.available_permits() < PER_DESTINATION);
        self.taken.iter().map(|(id, places)| (*id, places.available_permits())).collect()
    }

    /// Takes a place; it is free again when the attempt has ended, however it ends.
    fn take(&mut self, id: DestinationId) -> Option<OwnedSemaphorePermit> {
        let places = self.taken.entry(id).or_insert_with(|| Arc::new(Semaphore::new(PER_DESTINATION)));
        places.clone().try_acquire_owned().ok()
    }
}

async fn claim(app: &App, places: &mut Places, room: usize) -> Result<Vec<Claimed>, Error> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let left = places.left();
    places.turn = places.turn.wrapping_add(1);
    let (turn, now) = (places.turn, app.clock.now());
    let until = now.plus_seconds(lease_seconds(app));
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let mut due = outbox::list_due_destinations(tx, now).await?;
                let first = turn.checked_rem(due.len()).unwrap_or(0);
                due.rotate_left(first);
                let (token, mut room): (Uuid, usize) = (new_id(), room);
                let mut found = false;
                for destination in due {
                    let limit = left.get(&destination).copied().unwrap_or(PER_DESTINATION).min(room);
                    if limit > 0 {
                        let claimed = outbox::claim_due(tx, destination, (now, until), token, limit).await?;
                        room = room.saturating_sub(usize::try_from(claimed).unwrap_or(usize::MAX));
                        found |= claimed > 0;
                    }
                }
                if found { Ok(outbox::list_claimed(tx, token).await?) } else { Ok(Vec::new()) }
            })
        })
        .await
}

fn lease_seconds(app: &App) -> i64 {
    i64::try_from(app.outbound.timeout().as_secs() + 1).unwrap_or(60) + LEASE_MARGIN
}

async fn deliver(app: App, event: Claimed, _place: Option<OwnedSemaphorePermit>) {
    let attempt = match attempt::make(&app, &event).await {
        Ok(attempt) => attempt,
        Err(error) => return tracing::error!(%error, event = %event.id, "an event could not be prepared"),
    };
    let id = event.id;
    if let Err(error) = record(&app, event, attempt).await {
        tracing::warn!(%error, event = %id, "an attempt could not be recorded; it will be repeated");
    }
}

/// Writes the attempt and what becomes of the event.
///
/// The destination's counters come first: its row is locked before those of its queue, as whoever disables or deletes it
/// does, or the two would wait for each other.
async fn record(app: &App, event: Claimed, attempt: Attempt) -> Result<(), Error> {
    let outcome = if attempt.refused { Outcome::Final } else { Outcome::of(attempt.status) };
    let number = u32::try_from(event.attempts + 1).unwrap_or(u32::MAX);
    let wait = match outcome {
        Outcome::Retry => retry_wait(&app.config.retry_schedule, number, attempt.retry_after),
        Outcome::Delivered | Outcome::Final => None,
    };
    let due = wait.map(|wait| Timestamp::from_micros(app.clock.now().as_micros() + micros(wait)));
    let (now, pause_after) = (app.clock.now(), micros(app.config.webhook_pause_after));
    let recorded = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let failing_since =
                    destinations::count_attempt(tx, event.destination, attempt.succeeded(), attempt.ms, attempt.began).await?;
                let gives_up = due.is_none() && !attempt.succeeded();
                if gives_up {
                    dead_letters::insert_claimed(tx, &event, now).await?;
                }
                let ours = match due {
                    Some(due) => outbox::set_due(tx, &event, due).await?,
                    None => outbox::remove_claimed(tx, &event).await?,
                };
                if !ours {
                    return Err(Error::Stale); // Takes the count back.
                }
                if failing_since.is_some_and(|since| now.as_micros() - since.as_micros() >= pause_after) {
                    pause_failing(tx, &event, now).await?;
                }
                deliveries::insert_delivery(tx, event.application, &attempt.into_delivery(event)).await?;
                tx.wake_deliveries(); // The next of this lane may go.
                Ok(())
            })
        })
        .await;
    match recorded {
        Err(Error::Stale) => Ok(()), // The lease ran out, or the destination was disabled: whoever holds it now records.
        other => other,
    }
}

fn micros(wait: Duration) -> i64 {
    i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2)
}

/// Nothing but failures for days: the destination is left alone until somebody resumes it.
async fn pause_failing(tx: &mut Tx, event: &Claimed, now: Timestamp) -> Result<(), Error> {
    let paused = Paused { at: now, reason: "failing".to_owned() };
    if destinations::set_paused(tx, event.destination, &paused).await? {
        let caller = Caller::system(event.application, "WORKER", "");
        caller.audit(tx, "destination.paused", &[("destination", event.destination.0)], now).await?;
    }
    Ok(())
}
