//! Erasure: everything held about a person goes (`/x/subjects/erase/`), and what was done is proven by a receipt that says
//! nothing of them.
//!
//! The request takes the person's sessions out of sight in one transaction; nothing is added to them from then on. The
//! rest is done in small steps ([`steps`]), each a transaction that also writes how far the erasure has come, so that a
//! process that is killed goes on where it was and no removal is counted twice. What is left of a session is a skeleton, and
//! so is what is left of the person's side of a transaction ([`transactions`]).

mod steps;
mod subject;
mod transactions;

use std::time::Duration;

use gavel_core::{
    ids::{ErasureId, SessionId},
    json::{FieldErrors, Fields, Value, read},
    session::SessionKind,
    time::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

use super::{Caller, Error, subjects};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        erase::{self, Known},
        erase_transactions,
        erasures::{self, Counts, Erasure},
        subject_locks,
    },
};
pub use steps::{LEASE, run};
pub(super) use steps::{SESSIONS, release_files};
use subject::About;

/// How long a request waits for its erasure to be done; then a worker goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is to be erased, as sent.
pub struct EraseBody {
    of: Of,
    list_entries: bool,
}

enum Of {
    Subject(String),
    Session(SessionId),
}

impl EraseBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let vendor_data = fields.optional("vendor_data", read::filled(read::trimmed_text(255)));
        let session = fields.optional("session_id", read::uuid);
        let list_entries = fields.optional("list_entries", read::boolean);
        let (vendor_data, session, list_entries) = fields.finish(|| Some((vendor_data?, session?, list_entries?)))?;
        let of = match (vendor_data, session) {
            (Some(vendor_data), None) => Of::Subject(vendor_data),
            (None, Some(session)) => Of::Session(session),
            _ => return Err(FieldErrors::of_no_field("Send either vendor_data or session_id.")),
        };
        Ok(Self { of, list_entries: list_entries.unwrap_or(false) })
    }
}

/// A receipt.
#[derive(Debug, Serialize)]
pub struct Receipt {
    uuid: ErasureId,
    of: String,
    status: &'static str,
    list_entries: bool,
    sessions: u64,
    /// How much of what was removed.
    removed: Counts,
    requested_by: RequestedBy,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct RequestedBy {
    #[serde(rename = "type")]
    kind: String,
    uuid: Option<Uuid>,
}

async fn receipt(tx: &mut Tx, erasure: Erasure) -> Result<Receipt, Error> {
    Ok(Receipt {
        uuid: erasure.id,
        status: if erasure.finished_at.is_some() { "completed" } else { "running" },
        of: erasure.kind,
        list_entries: erasure.list_entries,
        sessions: erasures::count_sessions(tx, erasure.id).await?,
        removed: erasure.counts,
        requested_by: RequestedBy { kind: erasure.actor_type, uuid: erasure.actor_id },
        created_at: erasure.created_at,
        finished_at: erasure.finished_at,
    })
}

/// Erases a person, or one session. Answers when it is done, or when it takes long.
pub async fn erase(app: &App, caller: &Caller, body: Result<EraseBody, FieldErrors>) -> Result<Receipt, Error> {
    let body = body?;
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    let begun = app.act(caller, move |tx| Box::pin(async move { begin(tx, &app_, &caller_, body, now).await })).await?;
    let (app_, id) = (app.clone(), begun.uuid);
    // A task of its own: it goes on when the client has gone.
    let working = tokio::spawn(async move { go_on(&app_, id).await });
    match tokio::time::timeout(PATIENCE, working).await {
        Ok(Ok(Err(error))) => tracing::warn!(%error, erasure = %id, "an erasure stopped; it will go on"),
        Ok(Err(error)) => tracing::error!(%error, erasure = %id, "an erasure stopped; it will go on"),
        Ok(Ok(Ok(()))) | Err(_) => {}
    }
    show(app, caller, id).await
}

async fn begin(tx: &mut Tx, app: &App, caller: &Caller, body: EraseBody, now: Timestamp) -> Result<Receipt, Error> {
    let mut counts = Counts::new();
    if let Of::Subject(vendor_data) = &body.of {
        subjects::sessions::hold_namesakes(tx, caller.application, Some(vendor_data)).await?;
        subject_locks::hold_tags(tx, caller.application).await?;
    }
    let (kind, sessions) = match &body.of {
        Of::Subject(vendor_data) => ("subject", erasures::lock_sessions_of(tx, caller.application, vendor_data).await?),
        Of::Session(id) => ("session", erasures::lock_session(tx, caller.application, *id).await?),
    };
    let known = match &body.of {
        Of::Subject(vendor_data) => erase::erase_subjects(tx, caller.application, vendor_data, &mut counts).await?,
        Of::Session(_) => Known::default(),
    };
    let is_party = match &body.of {
        Of::Subject(vendor_data) => erase_transactions::is_party(tx, caller.application, vendor_data).await?,
        Of::Session(_) => false,
    };
    if sessions.is_empty() && known.subjects == 0 && !is_party {
        return Err(Error::NOT_FOUND);
    }
    let erasure = Erasure {
        id: new_id(),
        application: caller.application,
        kind: kind.to_owned(),
        list_entries: body.list_entries,
        stage: steps::FIRST.to_owned(),
        place: String::new(),
        counts,
        actor_type: caller.actor.actor_type().as_str().to_owned(),
        actor_id: caller.actor.id(),
        created_at: now,
        finished_at: None,
    };
    erasures::insert_erasure(tx, &erasure, now.plus_seconds(LEASE)).await?;
    erasures::set_progress(tx, &erasure, now.plus_seconds(LEASE)).await?;
    for session in &sessions {
        erasures::insert_session(tx, erasure.id, *session, now).await?;
    }
    if let Of::Session(id) = body.of {
        forget_times(tx, caller, id).await?;
    }
    if let Of::Subject(vendor_data) = &body.of {
        erase_transactions::insert_parts(tx, caller.application, erasure.id, vendor_data).await?;
        let about = serde_json::to_vec(&About::of(vendor_data, known.profiles)).map_err(Error::fault)?;
        erasures::set_about(tx, erasure.id, Some(app.secrets.seal(steps::ABOUT, &about))).await?;
    }
    caller.audit(tx, "subject.erasure_requested", &[("erasure", erasure.id.0)], now).await?;
    receipt(tx, erasure).await
}

/// The user or business of a session that is out of sight now has its first and its last one elsewhere.
async fn forget_times(tx: &mut Tx, caller: &Caller, id: SessionId) -> Result<(), Error> {
    let whose: Vec<String> = erase::find_said(tx, id).await?.vendor_data.into_iter().collect();
    for kind in SessionKind::ALL {
        subjects::sessions::forget(tx, caller.application, kind, Some(whose.clone())).await?;
    }
    Ok(())
}

async fn go_on(app: &App, id: ErasureId) -> Result<(), Error> {
    let read = app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(erasures::lock_erasure(tx, id).await?) }));
    match read.await? {
        Some(erasure) => run(app, erasure).await,
        None => Ok(()),
    }
}

/// One receipt.
pub async fn show(app: &App, caller: &Caller, id: ErasureId) -> Result<Receipt, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let erasure = erasures::find_erasure(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                receipt(tx, erasure).await
            })
        })
        .await
}

/// A page of receipts, newest first, and how many there are.
pub async fn list(app: &App, caller: &Caller, window: (u64, u64)) -> Result<(Vec<Receipt>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let (rows, total) = erasures::list_erasures(tx, application, window).await?;
                let mut receipts = Vec::with_capacity(rows.len());
                for erasure in rows {
                    receipts.push(receipt(tx, erasure).await?);
                }
                Ok((receipts, total))
            })
        })
        .await
}
