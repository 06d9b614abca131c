//! Sweeps: after an addition to a blocklist, approved sessions that have shown the value are listed or put back for a
//! person to review (`sweep=report|review`; off by default).
//!
//! The addition only notes that a sweep is to be made; a worker makes it, a session at a time, each in a transaction with
//! its activity and its event. A finished session is never decided again by itself: this is a status change of its own,
//! asked for by whoever added the entry or by the application's settings.

use gavel_core::{
    guard::Sweep as Mode,
    ids::{EntryId, ImportId, ListId, SessionId, SweepId},
    list::ListType,
    session::SessionStatus,
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    amendment::Amendment,
    status::{self, Remark},
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications, imports,
        lists::{self, List},
        sessions, settings,
        sweeps::{self, Item, Sweep},
    },
};

/// Seconds a process has for a step before another one goes on.
pub const LEASE: i64 = 15;
/// Sessions found at a time.
const FOUND: u64 = 50;

/// What a caller asks for, or what the application does by itself; nothing but for blocklists.
pub(super) async fn mode(tx: &mut Tx, caller: &Caller, list: &List, asked: Option<Mode>) -> Result<Mode, Error> {
    if list.list_type != ListType::Blocklist {
        return Ok(Mode::Off);
    }
    match asked {
        Some(mode) => Ok(mode),
        None => Ok(settings::find_switches(tx, caller.application).await?.map_or(Mode::Off, |switches| switches.sweep)),
    }
}

/// Notes that a sweep is to follow what an amendment has added to a list.
pub(super) async fn follow(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    mode: Mode,
    import: Option<ImportId>,
) -> Result<(), Error> {
    if mode == Mode::Off {
        return Ok(());
    }
    let known = match import {
        Some(import) => sweeps::find_of_import(tx, list.id, import).await?,
        None => None,
    };
    let id = match known {
        Some(id) => id,
        None => {
            let sweep = Sweep {
                id: new_id(),
                application: amendment.caller.application,
                list: list.id,
                mode,
                import,
                entries: 0,
                found: 0,
                reviewed: 0,
                made_by: amendment.caller.actor.added_by().to_owned(),
                created_at: amendment.moment.at,
                finished_at: None,
            };
            sweeps::insert_sweep(tx, &sweep).await?;
            let objects = [("list", list.id.0), ("sweep", sweep.id.0)];
            amendment.caller.audit(tx, "sweep.started", &objects, amendment.moment.at).await?;
            sweep.id
        }
    };
    sweeps::insert_part(tx, id, amendment.moment.revision).await?;
    Ok(())
}

/// A sweep as answered.
#[derive(Debug, Serialize)]
pub struct SweepView {
    uuid: SweepId,
    list_uuid: ListId,
    mode: Mode,
    status: &'static str,
    import_uuid: Option<ImportId>,
    entries: u64,
    found: u64,
    reviewed: u64,
    made_by: String,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl From<Sweep> for SweepView {
    fn from(sweep: Sweep) -> Self {
        Self {
            uuid: sweep.id,
            list_uuid: sweep.list,
            mode: sweep.mode,
            status: if sweep.finished_at.is_some() { "completed" } else { "running" },
            import_uuid: sweep.import,
            entries: sweep.entries,
            found: sweep.found,
            reviewed: sweep.reviewed,
            made_by: sweep.made_by,
            created_at: sweep.created_at,
            finished_at: sweep.finished_at,
        }
    }
}

/// A session a sweep has found, as answered.
#[derive(Debug, Serialize)]
pub struct ItemView {
    session_id: SessionId,
    session_number: i64,
    vendor_data: Option<String>,
    status: SessionStatus,
    entry_uuid: EntryId,
    outcome: String,
    found_at: Timestamp,
}

impl From<Item> for ItemView {
    fn from(item: Item) -> Self {
        Self {
            session_id: item.session,
            session_number: item.number,
            vendor_data: item.vendor_data,
            status: item.status,
            entry_uuid: item.entry,
            outcome: item.outcome,
            found_at: item.at,
        }
    }
}

/// A page of a list's sweeps and how many there are.
pub async fn list(app: &App, caller: &Caller, list: ListId, window: (u64, u64)) -> Result<(Vec<SweepView>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                let (rows, total) = sweeps::list_sweeps(tx, list, window).await?;
                Ok((rows.into_iter().map(SweepView::from).collect(), total))
            })
        })
        .await
}

/// One sweep.
pub async fn show(app: &App, caller: &Caller, list: ListId, id: SweepId) -> Result<SweepView, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                Ok(sweeps::find_sweep(tx, list, id).await?.ok_or(Error::NOT_FOUND)?.into())
            })
        })
        .await
}

/// A page of the sessions a sweep has found and how many there are.
pub async fn items(
    app: &App,
    caller: &Caller,
    (list, id): (ListId, SweepId),
    window: (u64, u64),
) -> Result<(Vec<ItemView>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                sweeps::find_sweep(tx, list, id).await?.ok_or(Error::NOT_FOUND)?;
                let (rows, total) = sweeps::list_items(tx, id, window).await?;
                Ok((rows.into_iter().map(ItemView::from).collect(), total))
            })
        })
        .await
}

/// What a sweep does next.
enum Next {
    /// These sessions have shown the entry's value.
    Found(EntryId, String, Vec<SessionId>),
    /// An entry, or a part, was done with.
    GoesOn,
    /// Its import has not ended.
    Waits,
    /// Nothing is left.
    Ended,
}

/// Makes a claimed sweep, as far as there is something to look at.
pub async fn run(app: &App, sweep: &Sweep) -> Result<(), Error> {
    loop {
        match next(app, sweep).await? {
            Next::Found(entry, list, sessions) => {
                for session in sessions {
                    found(app, sweep, (session, entry), list.clone()).await?;
                }
            }
            Next::GoesOn => {}
            Next::Waits | Next::Ended => return Ok(()),
        }
    }
}

async fn next(app: &App, sweep: &Sweep) -> Result<Next, Error> {
    let (sweep, now) = (sweep.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                sweeps::set_leased(tx, sweep.id, now.plus_seconds(LEASE)).await?;
                let list = lists::find_list(tx, sweep.application, sweep.list, now).await?;
                let part = sweeps::find_part(tx, sweep.id).await?;
                let Some(list) = list else {
                    sweeps::set_abandoned(tx, sweep.id, now).await?; // Deleted: nothing of it stands any more.
                    return Ok(Next::Ended);
                };
                let Some((revision, done)) = part else { return end(tx, &sweep, now).await };
                let of = (list.id, list.entry_type);
                let Some((entry, value)) = sweeps::find_entry(tx, of, revision, done, now).await? else {
                    sweeps::set_done(tx, sweep.id, revision, None).await?;
                    return Ok(Next::GoesOn);
                };
                let whose = (sweep.application, sweep.id);
                let sessions = match &value {
                    Some(value) => sweeps::list_approved(tx, whose, value, FOUND).await?,
                    None => Vec::new(),
                };
                if sessions.is_empty() {
                    sweeps::set_done(tx, sweep.id, revision, Some(entry)).await?;
                    return Ok(Next::GoesOn);
                }
                Ok(Next::Found(entry, list.name, sessions))
            })
        })
        .await
}

/// An import that is still under way may bring more.
async fn end(tx: &mut Tx, sweep: &Sweep, now: Timestamp) -> Result<Next, Error> {
    if let Some(import) = sweep.import
        && imports::is_running(tx, import, now).await?
    {
        sweeps::set_leased(tx, sweep.id, now.plus_seconds(1)).await?;
        return Ok(Next::Waits);
    }
    sweeps::set_finished(tx, sweep.id, now).await?;
    Ok(Next::Ended)
}

/// Lists a session, or puts it back for review; once, whoever else is at it.
async fn found(app: &App, sweep: &Sweep, (id, entry): (SessionId, EntryId), list: String) -> Result<(), Error> {
    let (app_, sweep, now) = (app.clone(), sweep.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let app = app_;
                if sweep.mode != Mode::Review {
                    sweeps::insert_item(tx, sweep.id, (id, entry), "listed", now).await?;
                    return Ok(());
                }
                let session = sessions::lock_session(tx, sweep.application, id).await?;
                let still = session.filter(|session| session.status == SessionStatus::Approved);
                let outcome = if still.is_some() { "reviewed" } else { "passed_over" };
                if !sweeps::insert_item(tx, sweep.id, (id, entry), outcome, now).await? {
                    return Ok(());
                }
                if let Some(mut session) = still {
                    let caller = Caller::system(sweep.application, "WORKER", "");
                    let of = applications::find_application(tx, sweep.application).await?.ok_or(Error::NOT_FOUND)?;
                    let comment = format!("A value this session has shown was added to {list}.");
                    let remark = Remark { comment: Some(comment), ..Remark::default() };
                    status::set_by_hand(tx, &app, &caller, &of, &mut session, SessionStatus::InReview, remark).await?;
                    let objects = [("session", id.0), ("list", sweep.list.0), ("entry", entry.0), ("sweep", sweep.id.0)];
                    caller.audit(tx, "session.swept", &objects, now).await?;
                }
                Ok(())
            })
        })
        .await
}
