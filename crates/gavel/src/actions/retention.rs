//! Retention: personal values go by themselves after so many months, by kind, a bounded part at a time; and the report of
//! what would go.
//!
//! Old sessions are erased as people are ([`super::erasure`]), with a receipt of kind `retention`, so that a process that
//! is killed goes on. The other kinds are taken away in small transactions, each complete in itself.

use gavel_core::{
    guard::Retention,
    ids::ApplicationId,
    json::{FieldErrors, Fields, Value, read},
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    erasure::{self, release_files},
    settings::RetentionChange,
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications, erase,
        erasures::{self, Counts, Erasure},
        retention, settings,
    },
};

/// Sessions of one receipt.
const SESSIONS: u64 = 500;
/// Sessions whose files are released at a time.
const WITH_FILES: u64 = 50;
/// Audit rows looked at at a time.
const AUDIT: u64 = 1_000;
/// Refused rows of files of other systems taken away at a time.
const ROWS: u64 = 1_000;
/// Batches of imports taken away at a time.
const BATCHES: u64 = 100;

/// A policy to report on, as sent.
pub struct ReportBody {
    retention: Option<RetentionChange>,
}

impl ReportBody {
    /// Reads the body; it may be empty: the policy that holds.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let retention = fields.optional("retention", read::nested(RetentionChange::read));
        fields.finish(|| Some(Self { retention: retention? }))
    }
}

/// What would go now.
#[derive(Debug, Serialize)]
pub struct Report {
    evaluated_at: Timestamp,
    sessions: Kind,
    media: Kind,
    audit_values: Kind,
    imports: Kind,
}

/// Of one kind.
#[derive(Debug, Serialize)]
struct Kind {
    months: Option<u64>,
    /// What is from before it goes.
    before: Option<Timestamp>,
    count: u64,
}

/// Counts what would go under the policy that holds, or under one that is asked about. Takes nothing away.
pub async fn report(app: &App, caller: &Caller, body: Result<ReportBody, FieldErrors>) -> Result<Report, Error> {
    let (body, application, now) = (body?, caller.application, app.clock.now());
    let found = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let holds = settings::find_switches(tx, application).await?.ok_or(Error::NOT_FOUND)?.retention;
                let policy = body.retention.map_or(holds, |change| change.over(holds));
                count(tx, application, policy, now).await
            })
        })
        .await?;
    match caller.claim {
        None => Ok(found),
        Some(_) => app.act(caller, move |_| Box::pin(async move { Ok(found) })).await,
    }
}

async fn count(tx: &mut Tx, application: ApplicationId, policy: Retention, now: Timestamp) -> Result<Report, Error> {
    let kind = |months: Option<u64>| Kind { months, before: months.map(|months| now.months_before(months)), count: 0 };
    let mut report = Report {
        evaluated_at: now,
        sessions: kind(policy.sessions),
        media: kind(policy.media),
        audit_values: kind(policy.audit_values),
        imports: kind(policy.imports),
    };
    if let Some(before) = report.sessions.before {
        report.sessions.count = retention::count_sessions(tx, application, before).await?;
    }
    if let Some(before) = report.media.before {
        report.media.count = retention::count_files(tx, application, before).await?;
    }
    if let Some(before) = report.audit_values.before {
        let from = retention::find_reached(tx, application, "audit_values").await?;
        report.audit_values.count = retention::count_audit_values(tx, application, (from, before)).await?;
    }
    if let Some(before) = report.imports.before {
        report.imports.count = retention::count_import_rows(tx, application, before).await?;
    }
    Ok(report)
}

/// Applies the policies of all applications. Answers how much went.
pub async fn apply(app: &App) -> Result<u64, Error> {
    let policies = app
        .store
        .read::<_, Error, _>(|tx| {
            Box::pin(async move {
                let mut policies = Vec::new();
                for application in applications::list_applications(tx).await? {
                    let switches = settings::find_switches(tx, application.id).await?;
                    policies.extend(switches.map(|switches| (application.id, switches.retention)));
                }
                Ok(policies)
            })
        })
        .await?;
    let mut gone = 0;
    for (application, policy) in policies {
        let now = app.clock.now();
        let before = |months: Option<u64>| months.map(|months| now.months_before(months));
        if let Some(before) = before(policy.sessions) {
            while sessions(app, application, before, &mut gone).await? {}
        }
        if let Some(before) = before(policy.media) {
            while media(app, application, before, &mut gone).await? {}
        }
        if let Some(before) = before(policy.audit_values) {
            while audit_values(app, application, before, &mut gone).await? {}
        }
        if let Some(before) = before(policy.imports) {
            while imports(app, application, before, &mut gone).await? {}
        }
    }
    Ok(gone)
}

/// Erases the oldest sessions. `false`: there are no more.
async fn sessions(app: &App, application: ApplicationId, before: Timestamp, gone: &mut u64) -> Result<bool, Error> {
    let now = app.clock.now();
    let begun = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let found = retention::list_sessions(tx, application, before, SESSIONS).await?;
                if found.is_empty() {
                    return Ok(None);
                }
                let erasure = Erasure {
                    id: new_id(),
                    application,
                    kind: "retention".to_owned(),
                    list_entries: false,
                    stage: erasure::SESSIONS.to_owned(),
                    place: String::new(),
                    counts: Counts::new(),
                    actor_type: "SYSTEM".to_owned(),
                    actor_id: None,
                    created_at: now,
                    finished_at: None,
                };
                erasures::insert_erasure(tx, &erasure, now.plus_seconds(erasure::LEASE)).await?;
                for session in &found {
                    erasures::insert_session(tx, erasure.id, *session, now).await?;
                }
                let caller = Caller::system(application, "WORKER", "");
                caller.audit(tx, "retention.applied", &[("erasure", erasure.id.0)], now).await?;
                Ok(Some((erasure, found.len() as u64)))
            })
        })
        .await?;
    let Some((erasure, count)) = begun else { return Ok(false) };
    erasure::run(app, erasure).await?;
    *gone += count;
    Ok(count == SESSIONS)
}

/// Deletes files of the oldest sessions that show some. `false`: there are no more.
async fn media(app: &App, application: ApplicationId, before: Timestamp, gone: &mut u64) -> Result<bool, Error> {
    let read = app.store.read::<_, Error, _>(move |tx| {
        Box::pin(async move { Ok(retention::list_with_files(tx, application, before, WITH_FILES).await?) })
    });
    let found = read.await?;
    for session in &found {
        let (session, now) = (*session, app.clock.now());
        let files = release_files(app, session, now).await?;
        let removed = app.store.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let mut counts = Counts::new();
                erase::remove_files(tx, session, &files, &mut counts).await?;
                let caller = Caller::system(application, "WORKER", "");
                caller.audit(tx, "retention.files_deleted", &[("session", session.0)], now).await?;
                Ok(counts.into_values().sum::<u64>())
            })
        });
        *gone += removed.await?;
    }
    Ok(found.len() as u64 == WITH_FILES)
}

/// Takes the values beside the oldest audit rows. `false`: there are no more.
async fn audit_values(app: &App, application: ApplicationId, before: Timestamp, gone: &mut u64) -> Result<bool, Error> {
    let (looked_at, removed) = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let from = retention::find_reached(tx, application, "audit_values").await?;
                let rows = retention::list_audit(tx, application, (from, before), AUDIT).await?;
                let Some((_, last)) = rows.last() else { return Ok((0, 0)) };
                // More rows of one instant than are looked at: it is left behind when they are done with.
                let stuck = rows.len() as u64 == AUDIT && *last == from;
                let reached = if (rows.len() as u64) < AUDIT { before } else { *last };
                let events: Vec<_> = rows.iter().map(|(id, _)| *id).collect();
                let removed = retention::remove_audit_values(tx, &events).await?;
                let reached = if stuck { Timestamp::from_micros(last.as_micros() + 1) } else { reached };
                retention::set_reached(tx, application, "audit_values", reached).await?;
                Ok((rows.len() as u64, removed))
            })
        })
        .await?;
    *gone += removed;
    Ok(looked_at == AUDIT)
}

/// Takes what the oldest imports keep of their rows. `false`: there is no more.
async fn imports(app: &App, application: ApplicationId, before: Timestamp, gone: &mut u64) -> Result<bool, Error> {
    let write = app.store.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let batches = retention::remove_batches(tx, application, before, BATCHES).await?;
            Ok((batches, retention::remove_row_errors(tx, application, before, ROWS).await?))
        })
    });
    let (batches, rows) = write.await?;
    *gone += batches + rows;
    Ok(batches == BATCHES || rows == ROWS)
}
