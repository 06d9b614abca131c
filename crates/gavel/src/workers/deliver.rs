//! Delivery: waiting events to their destinations, signed, in order per object (contract, webhooks §3–§5).
//!
//! A pass claims the first event of every due lane under a lease and posts each in a task of its own; [`record`]
//! writes what came of it under the lease's token. A process that is killed between posting and recording leaves the
//! lease to run out; the event is sent again with the same `event_id`.
//!
//! At most [`AT_ONCE`] attempts run or wait to be recorded at a time, and at most [`PER_DESTINATION`] run to one
//! destination. Only as much is claimed as can start at once, so a slow receiver neither takes the places of others nor
//! lets a lease run out in a queue.

use std::{collections::HashMap, sync::Arc, time::Duration};

use gavel_core::{ids::DestinationId, time::Timestamp};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use uuid::Uuid;

use super::{
    attempt,
    record::{self, Recorder},
};
use crate::{
    actions::Error,
    app::App,
    clock::new_id,
    store::{outbox, outbox::Claimed},
};

/// Most attempts of this process at a time.
const AT_ONCE: usize = 256;
/// Most attempts of this process to one destination at a time.
const PER_DESTINATION: usize = 16;
/// Longest sleep between two looks: another process may have queued something.
const POLL: Duration = Duration::from_secs(1);
/// As many of these have to be free before more is claimed for it: fewer and fuller claims under load.
const WORTHWHILE: usize = PER_DESTINATION / 4;
/// A signal that comes within so long saves the look for what becomes due.
const MOMENT: Duration = Duration::from_millis(2);
/// What a lease is longer than the time-out: reading the answer's body and recording.
pub(super) const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// Delivers until told to stop; then finishes what is in flight.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    super::free_leases(&app, |tx| Box::pin(outbox::free_leases(tx))).await;
    let (recorder, recording) = record::start(&app, stopped.clone());
    let mut places = Places::default();
    let mut running = JoinSet::new();
    while !*stopped.borrow() {
        while running.try_join_next().is_some() {}
        let claimed = claim(&app, &mut places, AT_ONCE.saturating_sub(running.len())).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "waiting events could not be claimed");
            Vec::new()
        });
        for event in claimed {
            let place = places.take(event.destination);
            running.spawn(deliver(app.clone(), event, place, recorder.clone()));
        }
        tokio::select! {
            () = app.store.wakes().deliveries.notified() => {}
            _ = running.join_next(), if !running.is_empty() => {}
            () = nothing_comes(&app) => {}
            _ = stopped.changed() => {}
        }
    }
    while running.join_next().await.is_some() {}
    drop(recorder);
    let _ = recording.await;
}

/// Waits until something becomes due, at most [`POLL`].
async fn nothing_comes(app: &App) {
    tokio::time::sleep(MOMENT).await;
    let now = app.clock.now();
    let due = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(outbox::next_due(tx, now).await?) })).await;
    let pause = match due {
        Ok(Some(due)) => Duration::from_micros((due.as_micros() - now.as_micros()).max(0).unsigned_abs()).min(POLL),
        _ => POLL,
    };
    tokio::time::sleep(pause).await;
}

/// The places of each destination with attempts in flight.
#[derive(Default)]
struct Places {
    taken: HashMap<DestinationId, Arc<Semaphore>>,
    /// Which destination comes first moves with every pass: when places are short, all have their turn.
    turn: usize,
}

impl Places {
    /// Forgets destinations with nothing in flight; answers how many places the others have left, if that is worth a claim.
    fn left(&mut self) -> HashMap<DestinationId, usize> {
        self.taken.retain(|_, places| places.available_permits() < PER_DESTINATION);
        let left = |places: &Semaphore| Some(places.available_permits()).filter(|left| *left >= WORTHWHILE).unwrap_or(0);
        self.taken.iter().map(|(id, places)| (*id, left(places))).collect()
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
    let until = Timestamp::from_micros(now.as_micros() + micros(app.outbound.timeout() + LEASE_MARGIN));
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

/// Microseconds; what does not fit is long enough.
pub(super) fn micros(wait: Duration) -> i64 {
    i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2)
}

async fn deliver(app: App, event: Claimed, place: Option<OwnedSemaphorePermit>, recorder: Recorder) {
    let id = event.id;
    let attempt = match attempt::make(&app, &event).await {
        Ok(attempt) => attempt,
        Err(error) => return tracing::error!(%error, event = %id, "an event could not be prepared"),
    };
    drop(place); // The receiver has answered: another event may go to it while this one is recorded.
    app.store.wakes().deliveries.notify_one();
    recorder.record(event, attempt).await;
}
