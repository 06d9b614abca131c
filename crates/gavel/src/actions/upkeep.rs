//! Looking after a destination: rotating its secret, pausing, resuming, dead letters and replay (`/x/webhook/`).

use gavel_core::{
    ids::{ApplicationId, DestinationId, EventId, SessionId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    time::Timestamp,
    webhook::EventType,
};
use serde::Serialize;

use super::{
    Caller, Error,
    destinations::{DestinationView, NOT_FOUND, lock, place},
    notify, single_url,
};
use crate::{
    app::App,
    clock::{new_id, random_text},
    store::{
        Tx, applications,
        dead_letters::{self, DeadLetter},
        destinations::{self, Destination, Paused},
        outbox,
    },
};

/// Longest overlap of two secrets, in hours.
const LONGEST_OVERLAP: i64 = 30 * 24;
/// Most events one replay queues.
const REPLAY_LIMIT: usize = 10_000;

/// A destination with the state of its queue.
#[derive(Debug, Serialize)]
pub struct UpkeepView {
    #[serde(flatten)]
    destination: DestinationView,
    paused_at: Option<Timestamp>,
    pause_reason: Option<String>,
    queue_length: u64,
    dead_letters_count: u64,
    previous_secret_valid_until: Option<Timestamp>,
}

async fn view(tx: &mut Tx, app: &App, destination: Destination) -> Result<UpkeepView, Error> {
    let now = app.clock.now();
    Ok(UpkeepView {
        queue_length: outbox::count_waiting(tx, destination.id).await?,
        dead_letters_count: dead_letters::count_dead_letters(tx, destination.id).await?,
        paused_at: destination.paused.as_ref().map(|paused| paused.at),
        pause_reason: destination.paused.as_ref().map(|paused| paused.reason.clone()),
        previous_secret_valid_until: destination.previous.as_ref().map(|(_, until)| *until).filter(|until| now < *until),
        destination: DestinationView::of(app, destination)?,
    })
}

/// One destination with the state of its queue.
pub async fn show(app: &App, caller: &Caller, id: DestinationId) -> Result<UpkeepView, Error> {
    let (app_, application) = (app.clone(), caller.application);
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let destination = destinations::find_destination(tx, application, id).await?.ok_or(NOT_FOUND)?;
                view(tx, &app_, destination).await
            })
        })
        .await
}

/// How long two secrets are valid, as sent.
pub struct RotateBody {
    overlap_hours: i64,
}

impl RotateBody {
    /// Reads the body; it may be empty.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let hours = fields.optional("overlap_hours", read::integer(0, LONGEST_OVERLAP));
        fields.finish(|| Some(Self { overlap_hours: hours?.unwrap_or(24) }))
    }
}

/// Makes a new secret and shows it at once. Until the overlap ends the one before it is valid too; of three, in two
/// rotations within one overlap, the oldest is dropped.
pub async fn rotate_secret(
    app: &App,
    caller: &Caller,
    id: DestinationId,
    body: Result<RotateBody, FieldErrors>,
) -> Result<UpkeepView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            applications::lock_settings(tx, caller_.application).await?;
            let mut destination = lock(tx, &caller_, id).await?;
            let hours = body?.overlap_hours;
            let secret = random_text::<32>();
            let old = std::mem::replace(&mut destination.secret, app_.secrets.seal(&place(id), secret.as_bytes()));
            destination.previous = (hours > 0).then(|| (old, now.plus_seconds(hours * 3_600)));
            destination.updated_at = now;
            destinations::set_secret(tx, id, &destination.secret, destination.previous.as_ref(), now).await?;
            single_url::note_secret(tx, &app_, &destination, &secret).await?;
            caller_.audit(tx, "destination.secret_rotated", &[("destination", id.0)], now).await?;
            view(tx, &app_, destination).await
        })
    })
    .await
}

/// Stops sending and keeps the queue. Attempts under way end as they end. Pausing twice changes nothing.
pub async fn pause(app: &App, caller: &Caller, id: DestinationId) -> Result<UpkeepView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut destination = lock(tx, &caller_, id).await?;
            let paused = Paused { at: now, reason: "requested".to_owned() };
            if destinations::set_paused(tx, id, &paused).await? {
                destination.paused = Some(paused);
                caller_.audit(tx, "destination.paused", &[("destination", id.0)], now).await?;
            }
            view(tx, &app_, destination).await
        })
    })
    .await
}

/// Pauses a destination where nothing has arrived for days, until somebody resumes it. Those who may are told, once.
pub async fn pause_failing(
    tx: &mut Tx,
    app: &App,
    (application, id): (ApplicationId, DestinationId),
    now: Timestamp,
) -> Result<(), Error> {
    let paused = Paused { at: now, reason: "failing".to_owned() };
    if destinations::set_paused(tx, id, &paused).await? {
        Caller::system(application, "WORKER", "").audit(tx, "destination.paused", &[("destination", id.0)], now).await?;
        notify::destination_paused(tx, app, (application, id), now).await?;
    }
    Ok(())
}

/// Sends again, at once and in order, what has waited.
pub async fn resume(app: &App, caller: &Caller, id: DestinationId) -> Result<UpkeepView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut destination = lock(tx, &caller_, id).await?;
            if destination.paused.take().is_some() {
                destinations::set_resumed(tx, id).await?;
                outbox::set_all_due(tx, id, now).await?;
                tx.wake_deliveries();
                caller_.audit(tx, "destination.resumed", &[("destination", id.0)], now).await?;
            }
            view(tx, &app_, destination).await
        })
    })
    .await
}

/// Which past events to send again.
pub struct ReplayBody {
    since: Timestamp,
    until: Option<Timestamp>,
    only_failed: bool,
}

impl ReplayBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let since = fields.required("since", read::timestamp);
        let until = fields.optional("until", read::timestamp);
        let only = fields.optional("only", read::choice(&["failed"]));
        if let (Some(since), Some(Some(until))) = (since, until)
            && until <= since
        {
            fields.add_error("until", FieldError::text("Must be later than since."));
        }
        fields.finish(|| Some(Self { since: since?, until: until?, only_failed: only?.is_some() }))
    }

    /// The same from typed values, for the command line.
    pub fn new(since: Timestamp, until: Option<Timestamp>, only_failed: bool) -> Self {
        Self { since, until, only_failed }
    }
}

/// How many events a replay has queued.
#[derive(Debug, Serialize)]
pub struct Replayed {
    /// Events that wait now and did not before.
    pub queued: usize,
}

/// Queues the events of a period again, under the ids the receiver has seen. What it is not subscribed to stays out.
pub async fn replay(
    app: &App,
    caller: &Caller,
    id: DestinationId,
    body: Result<ReplayBody, FieldErrors>,
) -> Result<Replayed, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let destination = lock(tx, &caller_, id).await?;
            let body = body?;
            if !destination.enabled {
                return Err(Error::Refused("The webhook destination is disabled.".into()));
            }
            let (of, period) = ((caller_.application, id), (body.since, body.until.unwrap_or(now)));
            let mut past = dead_letters::list_past(tx, of, period, body.only_failed, REPLAY_LIMIT as u64 + 1).await?;
            if past.len() > REPLAY_LIMIT {
                return Err(Error::field("since", "More than 10000 events; choose a shorter period."));
            }
            past.retain(|event| destination.subscribed_events.contains(&event.event_type));
            for event in &past {
                let seen_as = event.seen_as.map_or_else(new_id, EventId);
                dead_letters::requeue(tx, seen_as, event, id, now).await?;
            }
            tx.wake_deliveries();
            caller_.audit(tx, "destination.replayed", &[("destination", id.0)], now).await?;
            Ok(Replayed { queued: past.len() })
        })
    })
    .await
}

/// A given-up event as answered.
#[derive(Debug, Serialize)]
pub struct DeadLetterRow {
    event_id: EventId,
    webhook_type: EventType,
    session_id: Option<SessionId>,
    attempts: u64,
    reason: Option<String>,
    created_at: Timestamp,
    given_up_at: Timestamp,
}

impl From<DeadLetter> for DeadLetterRow {
    fn from(row: DeadLetter) -> Self {
        Self {
            event_id: row.id,
            webhook_type: row.event_type,
            session_id: row.session,
            attempts: row.attempts,
            reason: row.reason,
            created_at: row.created_at,
            given_up_at: row.given_up_at,
        }
    }
}

/// A page of given-up events, newest first, and how many there are.
pub async fn list_dead_letters(
    app: &App,
    caller: &Caller,
    id: DestinationId,
    window: (u64, u64),
) -> Result<(Vec<DeadLetterRow>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                destinations::find_destination(tx, application, id).await?.ok_or(NOT_FOUND)?;
                let (rows, total) = dead_letters::list_dead_letters(tx, id, window).await?;
                Ok((rows.into_iter().map(DeadLetterRow::from).collect(), total))
            })
        })
        .await
}
