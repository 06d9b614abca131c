//! Sessions: start, set the status of, delete (contract, sessions §2, §7–§9).

use gavel_core::{
    entry::{EntryType, EntryValue},
    evidence::{Feature, Item},
    ids::{ApplicationId, MediaId, SessionId, WorkflowId},
    json::FieldErrors,
    list::ListType,
    session::{
        AgainstCurrent, FeatureStatus, NewStatus, SessionFeature, SessionKind, SessionStatus, SessionType, StatusUpdate,
        check_source,
    },
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    Caller, Error, decision, events,
    new_session::NewSession,
    status::{self, Remark},
};
use crate::{
    app::App,
    clock::{new_id, random_text},
    media::sniff,
    secrets::digest,
    store::{
        Tx,
        applications::{self, Counter},
        events as event_rows, media, records,
        sessions::{self, Session, Step},
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
        }
    }
}

/// Starts a session, or hands out the person's unfinished one.
pub async fn create(app: &App, caller: &Caller, body: Result<NewSession, FieldErrors>) -> Result<CreatedSession, Error> {
    let new = body?;
    let index = app.live.snapshot(caller.application).await?;
    let portrait = match new.portrait.clone() {
        Some(content) => Some(store_portrait(app, content).await?),
        None => None,
    };
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let now = app.clock.now();
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let workflow = workflows::find_for_session(tx, caller.application, new.workflow).await?;
            let workflow = workflow.ok_or_else(|| Error::Invalid(FieldErrors::plain("workflow_id", "Invalid workflow_id.")))?;
            let kind = kind_of(&workflow);
            let index = app.live.within(tx, caller.application, &index).await?;
            refuse_blocked(&index, kind, new.vendor_data.as_deref(), now)?;
            if let Some(session) = reuse(tx, caller.application, &new, &workflow).await? {
                caller.audit(tx, "session.reused", &[("session", session.id.0)], now).await?;
                return Ok(CreatedSession::of(&app, session));
            }
            if let Some(portrait) = &portrait {
                media::insert_media(tx, caller.application, portrait).await?;
            }
            let counter = match kind {
                SessionKind::User => Counter::SessionNumber,
                SessionKind::Business => Counter::BusinessSessionNumber,
            };
            let number = applications::take_next(tx, caller.application, counter).await?;
            let session = start(new, workflow, kind, i64::try_from(number).unwrap_or(i64::MAX), portrait.map(|m| m.id), now)?;
            sessions::insert_session(tx, caller.application, &session).await?;
            let details = json!({ "status": session.status.as_str() });
            let actor = ("SESSION_CREATED", caller.actor.display());
            event_rows::insert_history(tx, session.id, new_id(), actor, &details, now).await?;
            events::status_updated(tx, &app, &application, &session, None).await?;
            caller.audit(tx, "session.created", &[("session", session.id.0)], now).await?;
            Ok(CreatedSession::of(&app, session))
        })
    })
    .await
}

fn kind_of(workflow: &Workflow) -> SessionKind {
    match workflow.workflow_type.as_str() {
        "kyb" => SessionKind::Business,
        _ => SessionKind::User,
    }
}

/// The entries live now decide, not any stored status.
fn refuse_blocked(
    index: &gavel_core::screening::Index,
    kind: SessionKind,
    vendor_data: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let entry_type = match kind {
        SessionKind::User => EntryType::User,
        SessionKind::Business => EntryType::Business,
    };
    let Some(value) = vendor_data.and_then(|sent| EntryValue::parse(entry_type, sent).ok()) else { return Ok(()) };
    if index.hits(&value, now).iter().any(|hit| hit.list_type == ListType::Blocklist) {
        let text = "This user or business has been blocked and cannot create new verification sessions.";
        return Err(Error::Invalid(FieldErrors::plain("vendor_data", text)));
    }
    Ok(())
}

async fn reuse(tx: &mut Tx, application: ApplicationId, new: &NewSession, workflow: &Workflow) -> Result<Option<Session>, Error> {
    let Some(vendor_data) = &new.vendor_data else { return Ok(None) };
    let Some(mut session) = sessions::lock_reusable(tx, application, vendor_data, workflow.id).await? else { return Ok(None) };
    if new.callback.is_some() || new.metadata.is_some() {
        session.callback = new.callback.clone().or(session.callback);
        session.metadata = new.metadata.clone().or(session.metadata);
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
    })
}

/// The steps of a workflow version, each with its node id.
fn steps_of(workflow: &Workflow) -> Result<Vec<Step>, Error> {
    #[derive(serde::Deserialize)]
    struct Configured {
        feature: String,
        #[serde(default)]
        config: serde_json::Map<String, Value>,
    }
    let features: Vec<Configured> = serde_json::from_str(workflow.features.get()).map_err(Error::fault)?;
    let mut steps: Vec<Step> = Vec::with_capacity(features.len());
    for configured in features {
        let feature =
            Feature::from_workflow_name(&configured.feature).ok_or_else(|| Error::fault("unknown feature in a workflow"))?;
        let taken: Vec<&str> = steps.iter().map(|step| step.node_id.as_str()).collect();
        let node_id = gavel_core::evidence::next_node_id(feature, &taken).unwrap_or_default();
        steps.push(Step { feature: feature.name().to_owned(), node_id, config: configured.config, in_workflow: true });
    }
    Ok(steps)
}

async fn store_portrait(app: &App, content: Vec<u8>) -> Result<media::Media, Error> {
    let content_type = sniff(&content).filter(|found| found.starts_with("image/"));
    let media = media::Media {
        id: new_id(),
        content_type: content_type.ok_or_else(|| Error::field("portrait_image", "Unsupported image format."))?.to_owned(),
        size: content.len() as u64,
        sha256: digest(&content).to_vec(),
        created_at: app.clock.now(),
    };
    app.media.put(media.id, content).await?;
    Ok(media)
}

/// Sets the status by hand; the checks come in the contract's order.
pub async fn update_status(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<StatusUpdate, FieldErrors>,
    seen: Option<u64>,
) -> Result<Value, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let mut session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NOT_FOUND)?;
            check_source(session.status).map_err(Error::Refused)?;
            let update = body?;
            status::must_be_at(&session, seen)?;
            let answer = json!({ "session_id": id });
            if update.against(session.status).map_err(Error::RefusedBare)? == AgainstCurrent::AlreadySo {
                return Ok(answer);
            }
            let resubmit_info = match update.new_status {
                NewStatus::Resubmitted => Some(reopen(tx, caller.application, &mut session, &update, app.clock.now()).await?),
                NewStatus::Approved | NewStatus::Declined => None,
            };
            let remark = Remark { comment: update.comment, resubmit_info };
            let to = SessionStatus::from(update.new_status);
            status::set_by_hand(tx, &app, &caller, &application, &mut session, to, remark).await?;
            caller.audit(tx, "session.status_updated", &[("session", id.0)], app.clock.now()).await?;
            Ok(answer)
        })
    })
    .await
}

/// Empties the features that are to be repeated and opens the session again. Answers `resubmit_info`.
async fn reopen(
    tx: &mut Tx,
    application: ApplicationId,
    session: &mut Session,
    update: &StatusUpdate,
    now: Timestamp,
) -> Result<Value, Error> {
    let records = records::list_records(tx, session.id).await?;
    let missing = session.steps.iter().filter(|step| records.iter().all(|r| r.node_id.as_deref() != Some(&step.node_id)));
    let features: Vec<SessionFeature<'_>> = records
        .iter()
        .map(|record| SessionFeature { node_id: record.node_id.as_deref(), feature: record.feature, status: record.status })
        .chain(missing.filter_map(|step| {
            let feature = Feature::from_name(&step.feature)?;
            Some(SessionFeature { node_id: Some(&step.node_id), feature, status: FeatureStatus::NotFinished })
        }))
        .collect();
    let refused = |text: String| Error::Invalid(FieldErrors::plain("nodes_to_resubmit", text));
    let selected = update.select(&features).map_err(refused)?;
    let mut nodes = Vec::new();
    let mut reasons = serde_json::Map::new();
    for place in selected {
        let feature = features[place];
        let node_id = feature.node_id.unwrap_or_default();
        nodes.push(json!({ "node_id": node_id, "feature": feature.feature.workflow_name() }));
        reasons.insert(node_id.to_owned(), update.comment.clone().unwrap_or_default().into());
        if let Some(record) = records.get(place) {
            let empty = records::Record {
                status: FeatureStatus::ResubRequested,
                data: Item::empty(record.feature, 0).data,
                warnings: json!([]),
                matches: json!([]),
                is_blocklisted: false,
                ..record.clone()
            };
            records::clear_record(tx, record.id).await?;
            records::insert_record(tx, application, &empty).await?;
        }
    }
    session.expires_at = Some(now.plus_seconds(session.lifetime));
    Ok(json!({ "nodes_to_resubmit": nodes, "reasons": reasons }))
}

/// Deletes one session of either kind: it disappears from every read.
pub async fn delete(app: &App, caller: &Caller, id: SessionId) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    let files = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let session = sessions::lock_session(tx, caller_.application, id).await?.ok_or(Error::NOT_FOUND)?;
                remove(tx, &caller_, session.id, now).await
            })
        })
        .await?;
    app.media.remove(&files).await;
    Ok(())
}

/// Deletes user sessions by number, or all of them (`None`). Numbers nobody has are skipped.
pub async fn delete_many(app: &App, caller: &Caller, body: Result<Selection, FieldErrors>) -> Result<(), Error> {
    let Selection(numbers) = body?;
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut files = Vec::new();
            for id in sessions::lock_by_number(tx, caller_.application, numbers.as_deref()).await? {
                files.extend(remove(tx, &caller_, id, now).await?);
            }
            // Their rows say they are gone; the bytes follow when the transaction has ended.
            tokio::spawn(async move { app_.media.remove(&files).await });
            Ok(())
        })
    })
    .await
}

/// Marks a session and its files as deleted. Answers the files.
async fn remove(tx: &mut Tx, caller: &Caller, id: SessionId, now: Timestamp) -> Result<Vec<MediaId>, Error> {
    let files = records::media_of(&records::list_records(tx, id).await?);
    media::set_deleted(tx, &files, now).await?;
    sessions::set_deleted(tx, id, now).await?;
    caller.audit(tx, "session.deleted", &[("session", id.0)], now).await?;
    Ok(files)
}

/// What a batch delete names.
pub struct Selection(pub Option<Vec<i64>>);

impl Selection {
    /// Reads the body of a batch delete.
    pub fn read(sent: &gavel_core::json::Value<'_>) -> Result<Self, FieldErrors> {
        use gavel_core::json::{FieldError, Fields, read};
        const MOST: usize = 1_000;
        let mut fields = Fields::of(sent)?;
        let all = fields.optional("delete_all", read::boolean);
        if all == Some(Some(true)) {
            return Ok(Self(None));
        }
        let numbers = fields.optional("session_numbers", |sent| {
            let items = read::array(sent)?;
            match items.len() {
                0 => return Err(FieldError::empty_list()),
                n if n > MOST => return Err(FieldError::text(format!("Ensure this field has no more than {MOST} elements."))),
                _ => {}
            }
            let number = |item| read::integer(0, i64::MAX)(item).ok();
            items.iter().map(number).collect::<Option<Vec<i64>>>().ok_or(FieldError::text("All session_numbers must be numeric."))
        });
        if numbers == Some(None) {
            fields.add_error("session_numbers", FieldError::text("This field is required unless delete_all is true."));
        }
        fields.finish(|| Some(Self(numbers?)))
    }
}
