//! Looking into the audit trail, and taking it along: its rows, its checkpoints, and exports that anybody can check without
//! this server.

use std::collections::BTreeMap;

use gavel_core::{
    access::{ActorType, Power},
    audit::{Checkpoint, Head, SignedCheckpoint},
    ids::ApplicationId,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Caller, Error};
use crate::{
    app::App,
    store::{
        audit_chain, audit_keys,
        audit_log::{self, Filter, Logged, Place},
    },
};

/// Rows of an export read at a time.
const CHUNK: u64 = 500;
/// Rows of the older clients' list on one page.
const PAGE: usize = 50;
/// Rows one request looks through for a text; the page then ends early and its link goes on.
const LOOKED_THROUGH: usize = 20_000;

/// A row as answered.
#[derive(Debug, Serialize)]
pub struct EventView {
    uuid: Uuid,
    seq: Option<u64>,
    hash: Option<String>,
    kind: String,
    actor_type: String,
    actor_id: Option<Uuid>,
    method: String,
    route: String,
    status_code: u16,
    objects: BTreeMap<String, Uuid>,
    created_at: Timestamp,
    values: Option<Box<RawValue>>,
    values_state: &'static str,
}

fn view(logged: Logged, unmasked: bool) -> Result<EventView, Error> {
    let Logged { event, hash, personal } = logged;
    let values_state = match &personal {
        None => "erased",
        Some(_) if unmasked => "shown",
        Some(_) => "masked",
    };
    let shown = personal.filter(|_| unmasked).map(RawValue::from_string).transpose().map_err(Error::fault)?;
    Ok(EventView {
        uuid: event.id,
        seq: hash.map(|_| event.seq),
        hash: hash.map(|hash| hash.to_string()),
        kind: event.kind,
        actor_type: event.actor_type,
        actor_id: event.actor_id,
        method: event.method,
        route: event.route,
        status_code: event.status_code,
        objects: event.objects,
        created_at: event.at,
        values: shown,
        values_state,
    })
}

/// A page of rows, newest first, and how many there are.
pub async fn list(app: &App, caller: &Caller, filter: Filter, window: (u64, u64)) -> Result<(Vec<EventView>, u64), Error> {
    let (application, unmasked) = (caller.application, caller.actor.has(Power::PersonalData));
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let total = audit_log::count_events(tx, application, &filter).await?;
                let rows = audit_log::list_events(tx, application, &filter, window).await?;
                let rows = rows.into_iter().map(|row| view(row, unmasked)).collect::<Result<_, _>>()?;
                Ok((rows, total))
            })
        })
        .await
}

/// A page of checkpoints, newest first, and how many there are.
pub async fn checkpoints(app: &App, caller: &Caller, window: (u64, u64)) -> Result<(Vec<SignedCheckpoint>, u64), Error> {
    let application = caller.application;
    app.store.read(move |tx| Box::pin(async move { Ok(audit_chain::list_checkpoints(tx, application, window).await?) })).await
}

/// An export on its way.
pub struct Export {
    app: App,
    application: ApplicationId,
    values: bool,
    /// The first line, until it has been sent.
    head: Option<String>,
    /// Rows sent, and rows there are.
    sent: u64,
    count: u64,
}

/// Starts an export of everything that is sealed now. The export itself is recorded, behind what it holds.
pub async fn export(app: &App, caller: &Caller, values: bool) -> Result<Export, Error> {
    if values {
        caller.must_have(Power::PersonalData)?;
    }
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.store
        .write::<_, Error, _>(move |tx| Box::pin(async move { Ok(caller_.audit(tx, "audit.exported", &[], now).await?) }))
        .await?;
    let application = caller.application;
    let (head, count) = match signed_head(app, application, values, now).await {
        Err(Error::Unavailable(_)) => signed_head(app, application, values, now).await?, // The key was changed in between.
        other => other?,
    };
    Ok(Export { app: app.clone(), application, values, head: Some(head), sent: 0, count })
}

/// The first line of an export that is made now, and how many rows belong to it.
async fn signed_head(app: &App, application: ApplicationId, values: bool, at: Timestamp) -> Result<(String, u64), Error> {
    let found = app.store.read::<_, Error, _>(move |tx| {
        Box::pin(async move { Ok((audit_chain::find_end(tx, application).await?, audit_keys::list_keys(tx).await?)) })
    });
    let (end, keys) = found.await?;
    let current = keys.last().ok_or_else(|| Error::fault("there is no audit key"))?;
    let key = app.signing.key(&current.public.id()).map_err(|error| Error::Unavailable(error.to_string()))?;
    let end = Checkpoint { application, count: end.count, head: end.hash, at };
    let head = Head { end, rotations: audit_keys::rotations(&keys), values };
    Ok((head.line(&key), end.count))
}

impl Export {
    /// The next part of the file; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if let Some(head) = self.head.take() {
            return Ok(Some((head + "\n").into_bytes()));
        }
        if self.sent >= self.count {
            return Ok(None);
        }
        let (application, range) = (self.application, (self.sent, self.count));
        let rows = self.app.store.read::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(audit_chain::list_sealed(tx, application, range, CHUNK).await?) })
        });
        let mut lines = String::new();
        for row in rows.await? {
            row.event.write_line(&mut lines, &row.hash, row.personal.as_ref().filter(|_| self.values));
            self.sent = row.event.seq;
        }
        if lines.is_empty() {
            return Err(Error::fault("the chain ends before its end"));
        }
        Ok(Some(lines.into_bytes()))
    }
}

/// A row as the older clients know it (contract, console-routes §6).
#[derive(Debug, Serialize)]
pub struct LogView {
    uuid: Uuid,
    timestamp: Timestamp,
    actor: Option<String>,
    method: String,
    path: Option<String>,
    status_code: u16,
    ip: Option<String>,
    application_id: ApplicationId,
}

/// One page of them, and where its neighbours begin.
pub struct LogPage {
    /// The rows.
    pub rows: Vec<LogView>,
    /// Behind the last one, when there may be more.
    pub next: Option<Place>,
    /// Before the first one, when there may be more.
    pub previous: Option<Place>,
}

/// A page of rows, newest first; those whose path, actor or address holds the text, if one is given. What the caller may
/// not see is not searched either.
pub async fn log(app: &App, caller: &Caller, filter: Filter, search: Option<String>) -> Result<LogPage, Error> {
    let (application, unmasked) = (caller.application, caller.actor.has(Power::PersonalData));
    let came_from = filter.from;
    let backwards = came_from.is_some_and(|place| place.newer);
    let limit = if search.is_some() { CHUNK } else { PAGE as u64 + 1 };
    let (mut rows, mut filter, mut looked, mut more) = (Vec::new(), filter, 0, true);
    while more && rows.len() <= PAGE && looked < LOOKED_THROUGH {
        let wanted = filter.clone();
        let read = app.store.read::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(audit_log::list_events(tx, application, &wanted, (limit, 0)).await?) })
        });
        let found = read.await?;
        more = found.len() as u64 == limit;
        looked += found.len();
        for logged in found {
            filter.from = Some(Place { at: logged.event.at, id: logged.event.id, newer: backwards });
            let row = log_view(logged, application, unmasked);
            if search.as_deref().is_none_or(|text| row.holds(text)) {
                rows.push(row);
            }
        }
    }
    let beyond = rows.len() > PAGE || more;
    if rows.len() > PAGE {
        rows.truncate(PAGE);
        filter.from = rows.last().map(|row| row.place(backwards));
    }
    if backwards {
        rows.reverse();
    }
    let at = |place: Option<Place>, newer| place.map(|place| Place { newer, ..place });
    Ok(match backwards {
        false => LogPage {
            next: filter.from.filter(|_| beyond),
            previous: came_from.and(rows.first().map(|row| row.place(true)).or(at(came_from, true))),
            rows,
        },
        true => LogPage {
            next: rows.last().map(|row| row.place(false)).or(at(came_from, false)),
            previous: filter.from.filter(|_| beyond),
            rows,
        },
    })
}

fn log_view(logged: Logged, application: ApplicationId, unmasked: bool) -> LogView {
    let personal: serde_json::Value =
        logged.personal.filter(|_| unmasked).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let value = |name: &str| personal[name].as_str().map(str::to_owned);
    let actor = match ActorType::from_name(&logged.event.actor_type) {
        Some(ActorType::ApiKey) => Some("API Client".to_owned()),
        Some(ActorType::ConsoleUser) => value("email"),
        Some(ActorType::System) | None => Some("System".to_owned()),
    };
    LogView {
        uuid: logged.event.id,
        timestamp: logged.event.at,
        actor,
        method: logged.event.method,
        path: value("path"),
        status_code: logged.event.status_code,
        ip: value("ip"),
        application_id: application,
    }
}

impl LogView {
    fn holds(&self, text: &str) -> bool {
        [&self.path, &self.actor, &self.ip].into_iter().flatten().any(|value| value.contains(text))
    }

    fn place(&self, newer: bool) -> Place {
        Place { at: self.timestamp, id: self.uuid, newer }
    }
}
