//! Sessions: start, and set the status of (contract, sessions §2, §7).

use std::sync::Arc;

use gavel_core::{
    ids::{ApplicationId, MediaId, SessionId, WorkflowId},
    json::FieldErrors,
    list::ListType,
    screening::Index,
    session::{AgainstCurrent, NewStatus, SessionKind, SessionStatus, SessionType, StatusUpdate, check_source},
    subject::known_as,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use uuid::Uuid;

use super::{
    Caller, Error, decision, discard_if_refused, events,
    letters::MailTo,
    new_session::NewSession,
    portrait, queue,
    resubmit::reopen,
    searchable,
    status::{self, Remark},
    steps::{kind_of, steps_of},
    subjects,
};
use crate::{
    app::App,
    clock::{new_id, random_text},
    store::{
        Tx,
        applications::{self, Application},
        events as event_rows, media,
        sessions::{self, Session},
        workflows::{self, Workflow},
    },
};

/// The answer to a create.
#[derive(Debug, Serialize)]
pub struct CreatedSession {
    session_id: SessionId,
    session_number: i64,
    session_token: String,
    url: String,
    vendor_data: Option<String>,
    metadata: Option<Box<RawValue>>,
    status: SessionStatus,
    callback: Option<String>,
    workflow_id: Option<WorkflowId>,
    workflow_version: Option<i64>,
    #[serde(skip)]
    is_reused: bool,
}

impl CreatedSession {
    fn of(app: &App, session: Session) -> Self {
        Self {
            session_id: session.id,
            session_number: session.number,
            url: decision::session_url(app, &session),
            session_token: session.token,
            vendor_data: session.vendor_data,
            metadata: session.metadata,
            status: session.status,
            callback: session.callback,
            workflow_id: session.workflow_id,
            workflow_version: session.workflow_version,
            is_reused: false,
        }
    }
}

/// Starts a session, or hands out the person's unfinished one.
pub async fn create(app: &App, caller: &Caller, body: Result<NewSession, FieldErrors>) -> Result<CreatedSession, Error> {
    let mut new = body?;
    let index = app.live.snapshot(caller.application).await?;
    let portrait = portrait::make_ready(app, caller, &mut new).await?;
    let file: Vec<MediaId> = portrait.iter().map(|portrait| portrait.id).collect();
    let (app_, caller_) = (app.clone(), caller.clone());
    let done = app
        .act(caller, move |tx| Box::pin(async move { start_or_reuse(tx, &app_, &caller_, new, portrait, &index).await }))
        .await;
    match &done {
        Ok(session) if session.is_reused => app.media.remove(&file).await, // It has the portrait it was started with.
        done => discard_if_refused(app, done, &file).await,
    }
    done
}

/// The transaction; its checks come in the contract's order.
async fn start_or_reuse(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    new: NewSession,
    portrait: Option<media::Media>,
    index: &Arc<Index>,
) -> Result<CreatedSession, Error> {
    let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
    let workflow = workflows::find_for_session(tx, caller.application, new.workflow).await?;
    let workflow = workflow.ok_or_else(|| Error::Invalid(FieldErrors::plain("workflow_id", "Invalid workflow_id.")))?;
    let kind = kind_of(&workflow)?;
    subjects::sessions::hold(tx, caller.application, kind, new.vendor_data.as_deref()).await?;
    let now = app.clock.now(); // Not before: sessions of one person are made one after the other.
    let index = app.live.within(tx, caller.application, index).await?;
    refuse_blocked(&index, kind, new.vendor_data.as_deref(), now)?;
    portrait::must_suffice(&workflow, &new, portrait.as_ref())?;
    if let Some(session) = reuse(tx, caller.application, &new, (&workflow, kind)).await? {
        caller.audit(tx, "session.reused", &[("session", session.id.0)], now).await?;
        return Ok(CreatedSession { is_reused: true, ..CreatedSession::of(app, session) });
    }
    if let Some(portrait) = &portrait {
        media::insert_media(tx, caller.application, portrait).await?;
    }
    let subject = subjects::sessions::note_new(tx, caller.application, kind, new.vendor_data.as_deref(), now).await?;
    let portrait = portrait.map(|portrait| portrait.id);
    let session = insert(tx, app, caller, &application, (new, workflow, kind), (portrait, now)).await?;
    let mut objects = vec![("session", session.id.0)];
    objects.extend(subject.map(|id| (kind.as_str(), id.0)));
    caller.audit(tx, "session.created", &objects, now).await?;
    Ok(CreatedSession::of(app, session))
}

/// Starts a session the server itself sends somebody to, by a workflow or else the default one. `None`: there is no such
/// workflow, or it is not for people (companies) like this. Whoever comes here holds the name and has seen that no entry covers it.
pub(super) async fn start_for(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    (kind, vendor_data): (SessionKind, Option<&str>),
    workflow: Option<Uuid>,
    now: Timestamp,
) -> Result<Option<SessionId>, Error> {
    let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
    let named = match workflow {
        Some(id) => Some(id),
        None => workflows::find_default(tx, application.id).await?.map(|id| id.0),
    };
    let Some(named) = named else { return Ok(None) };
    let Some(workflow) = workflows::find_for_session(tx, application.id, named).await? else { return Ok(None) };
    if kind_of(&workflow)? != kind {
        return Ok(None);
    }
    let new = NewSession::of_subject(named, vendor_data);
    subjects::sessions::note_new(tx, application.id, kind, vendor_data, now).await?;
    let session = insert(tx, app, caller, &application, (new, workflow, kind), (None, now)).await?;
    caller.audit(tx, "session.created", &[("session", session.id.0)], now).await?;
    Ok(Some(session.id))
}

/// Writes a new session with its number, its first history and its event.
async fn insert(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    application: &Application,
    (new, workflow, kind): (NewSession, Workflow, SessionKind),
    (portrait, now): (Option<MediaId>, Timestamp),
) -> Result<Session, Error> {
    let number = applications::take_session_number(tx, application.id, kind).await?;
    let session = start(new, workflow, kind, number, portrait, now)?;
    sessions::insert_session(tx, application.id, &session).await?;
    media::insert_uses(tx, session.id, session.portrait.as_slice()).await?;
    if kind == SessionKind::Business {
        sessions::set_searchable(tx, session.id, &searchable::of(&session, &[])).await?;
    }
    let details = json!({ "status": session.status.as_str() });
    let actor = ("SESSION_CREATED", caller.actor.display());
    event_rows::insert_history(tx, session.id, new_id(), actor, &details, now).await?;
    events::status_updated(tx, app, application, &session, None).await?;
    Ok(session)
}

/// The entries live now decide, not any stored status. One that the flood guard holds refuses nobody: the session goes to
/// review in the end.
pub(super) fn refuse_blocked(index: &Index, kind: SessionKind, vendor_data: Option<&str>, now: Timestamp) -> Result<(), Error> {
    let Some(value) = known_as(kind, vendor_data) else { return Ok(()) };
    if index.hits(&value, now).iter().any(|hit| hit.list_type == ListType::Blocklist && !hit.held) {
        let text = "This user or business has been blocked and cannot create new verification sessions.";
        return Err(Error::Invalid(FieldErrors::plain("vendor_data", text)));
    }
    Ok(())
}

async fn reuse(
    tx: &mut Tx,
    application: ApplicationId,
    new: &NewSession,
    (workflow, kind): (&Workflow, SessionKind),
) -> Result<Option<Session>, Error> {
    let Some(vendor_data) = &new.vendor_data else { return Ok(None) };
    let found = sessions::lock_reusable(tx, application, (kind, vendor_data), workflow.id).await?;
    let Some(mut session) = found else { return Ok(None) };
    if new.callback.is_some() || new.metadata.is_some() {
        session.callback = new.callback.clone().or(session.callback);
        session.metadata = new.metadata.clone().or(session.metadata);
        session.version += 1;
        sessions::set_state(tx, &session).await?;
    }
    Ok(Some(session))
}

fn start(
    new: NewSession,
    workflow: Workflow,
    kind: SessionKind,
    number: i64,
    portrait: Option<MediaId>,
    now: Timestamp,
) -> Result<Session, Error> {
    Ok(Session {
        id: new_id(),
        kind,
        number,
        token: random_text::<9>(),
        status: SessionStatus::NotStarted,
        version: 1,
        vendor_data: new.vendor_data,
        workflow_version_id: Some(workflow.id),
        workflow_id: Some(workflow.workflow_id),
        workflow_version: i64::try_from(workflow.version).ok(),
        session_type: SessionType::Hosted,
        api_service: None,
        callback: new.callback,
        callback_method: new.callback_method,
        metadata: new.metadata,
        language: new.language,
        contact_details: new.contact_details,
        expected_details: new.expected_details,
        portrait,
        steps: steps_of(&workflow)?,
        created_at: now,
        lifetime: workflow.session_expiration_time,
        expires_at: Some(now.plus_seconds(workflow.session_expiration_time)),
        first_outcome: None,
        approved_at: None,
    })
}

/// The answer to an update-status.
#[derive(Debug, Serialize)]
pub struct UpdatedSession {
    session_id: SessionId,
    /// Files of what is to be captured again.
    #[serde(skip)]
    gone: Vec<MediaId>,
}

/// Sets the status by hand; the checks come in the contract's order. `take_over` lets a console user decide on what somebody
/// else has claimed.
pub async fn update_status(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<StatusUpdate, FieldErrors>,
    seen: Option<u64>,
    take_over: bool,
) -> Result<UpdatedSession, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    let done = app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let mut session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NOT_FOUND)?;
            check_source(session.status).map_err(Error::Refused)?;
            let update = body?;
            status::must_be_at(&session, seen)?;
            queue::must_not_be_others(tx, &caller, &session, take_over, app.clock.now()).await?;
            if update.against(session.status).map_err(Error::RefusedBare)? == AgainstCurrent::AlreadySo {
                return Ok(UpdatedSession { session_id: id, gone: Vec::new() });
            }
            let reopened = match update.new_status {
                NewStatus::Resubmitted => Some(reopen(tx, &app, &caller, &mut session, &update, now).await?),
                NewStatus::Approved | NewStatus::Declined => None,
            };
            let (resubmit_info, gone) = reopened.map(|reopened| (reopened.info, reopened.files)).unzip();
            let mail_to = update.mail_to.map(|address| MailTo { address, language: update.email_language.to_owned() });
            let remark = Remark { comment: update.comment, resubmit_info, mail_to };
            let to = SessionStatus::from(update.new_status);
            status::set_by_hand(tx, &app, &caller, &application, &mut session, to, remark).await?;
            caller.audit(tx, "session.status_updated", &[("session", id.0)], app.clock.now()).await?;
            Ok(UpdatedSession { session_id: id, gone: gone.unwrap_or_default() })
        })
    });
    let done = done.await;
    if let (Err(_), Some(limits)) = (&done, &app.limits) {
        limits.resubmit_failed(id, now); // What was rolled back need not wait.
    }
    let updated = done?;
    app.media.remove(&updated.gone).await;
    Ok(updated)
}
