//! Workflows: what a session can be started with (contract, entities §5).
//!
//! A workflow is a group of versions. Sessions use the latest published one and keep what it asked for, so a change never
//! reaches a session that has started. Changes of one application's workflows wait for each other
//! ([`applications::lock_settings`]): one is the default, a group has one draft, and there are at most [`GROUPS`].

mod body;
mod view;

use gavel_core::{
    access::Actor,
    ids::{ApplicationId, WorkflowId, WorkflowVersionId},
    json::{FieldErrors, Fields, Sent, Value, read},
    time::Timestamp,
};
use serde_json::{Value as Json, json, value::RawValue};
use uuid::Uuid;

use super::{Caller, Error, questionnaires, versions::Step};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications,
        workflows::{self, Workflow},
    },
};
pub use body::{NewWorkflow, WorkflowChange};
pub use view::{WorkflowDetail, WorkflowRow};

/// Most workflows of an application.
const GROUPS: u64 = 50;

/// A page of workflows and how many there are.
pub async fn list(app: &App, caller: &Caller, (limit, offset): (u64, u64)) -> Result<(Vec<WorkflowRow>, u64), Error> {
    let application = caller.application;
    let (rows, total) = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(workflows::list_workflows(tx, application, limit, offset).await?) })
        })
        .await?;
    Ok((rows.into_iter().map(|row| WorkflowRow::of(app, row)).collect::<Result<_, _>>()?, total))
}

/// One version.
pub async fn show(app: &App, caller: &Caller, id: Uuid) -> Result<WorkflowDetail, Error> {
    let application = caller.application;
    let found = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { find(tx, application, id).await })).await?;
    WorkflowDetail::of(app, found)
}

/// The labels of the application's workflows and the questionnaires each names, in the order of the list.
pub(super) async fn list_askers(tx: &mut Tx, application: ApplicationId) -> Result<Vec<(String, Vec<Uuid>)>, Error> {
    let (rows, _) = workflows::list_workflows(tx, application, GROUPS, 0).await?;
    rows.into_iter().map(|row| Ok((row.label.clone(), view::questionnaires_of(&row)?))).collect()
}

async fn find(tx: &mut Tx, application: ApplicationId, id: Uuid) -> Result<Workflow, Error> {
    workflows::find_workflow(tx, application, id).await?.ok_or(Error::NOT_FOUND)
}

/// Makes a workflow with its first version.
pub async fn create(app: &App, caller: &Caller, body: Result<NewWorkflow, FieldErrors>) -> Result<WorkflowDetail, Error> {
    let (app_, caller_, now, new) = (app.clone(), caller.clone(), app.clock.now(), body?);
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            applications::lock_settings(tx, application).await?;
            questionnaires::must_know(tx, application, &new.features).await?;
            let standing = workflows::count_workflows(tx, application).await?;
            if standing >= GROUPS {
                return Err(Error::Refused(format!("Maximum number of workflows ({GROUPS}) reached.")));
            }
            let (wants_default, created_by) = (new.change.is_default == Some(true), maker(&caller_)?);
            let workflow = new.workflow((new_id(), new_id()), created_by, now)?;
            workflows::insert_workflow(tx, application, &workflow).await?;
            if standing == 0 || wants_default {
                workflows::set_default(tx, application, workflow.workflow_id).await?;
            }
            caller_.audit(tx, "workflow.created", &objects(&workflow), now).await?;
            WorkflowDetail::of(&app_, find(tx, application, workflow.id.0).await?)
        })
    })
    .await
}

/// Changes a version, publishes a draft, or makes the next version, as its state and the body say (entities §5.2).
pub async fn update(
    app: &App,
    caller: &Caller,
    id: Uuid,
    body: Result<WorkflowChange, FieldErrors>,
) -> Result<WorkflowDetail, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            applications::lock_settings(tx, application).await?;
            let standing = find(tx, application, id).await?;
            let change = body?;
            let step = Step::of(standing.is_published, change.publish)?;
            if let Some(features) = &change.features {
                questionnaires::must_know(tx, application, features).await?;
            }
            let wants_default = change.is_default == Some(true);
            let mut workflow = change.over(standing.clone())?;
            let publishes = step == Step::Publish;
            if step == Step::Next {
                workflow = next_version(tx, &caller_, workflow, now).await?;
            } else if publishes || workflow_differs(&workflow, &standing) {
                workflow.is_published |= publishes;
                workflow.published_at = if publishes { Some(now) } else { workflow.published_at };
                workflow.updated_at = now;
                workflows::set_workflow(tx, &workflow).await?;
            }
            if wants_default {
                workflows::set_default(tx, application, workflow.workflow_id).await?;
            }
            caller_.audit(tx, "workflow.updated", &objects(&workflow), now).await?;
            WorkflowDetail::of(&app_, find(tx, application, workflow.id.0).await?)
        })
    })
    .await
}

/// The latest published version of the workflow an id means.
pub(super) async fn find_published(tx: &mut Tx, application: ApplicationId, id: Uuid) -> Result<Option<Workflow>, Error> {
    match workflows::find_workflow(tx, application, id).await? {
        Some(found) => Ok(workflows::find_for_session(tx, application, found.workflow_id.0).await?),
        None => Ok(None),
    }
}

/// Makes the next version of a workflow, with other features of the same kind.
pub(super) async fn publish_features(
    tx: &mut Tx,
    caller: &Caller,
    workflow: Workflow,
    features: &Json,
    now: Timestamp,
) -> Result<(), Error> {
    let features = RawValue::from_string(features.to_string()).map_err(Error::fault)?;
    let next = next_version(tx, caller, Workflow { features, ..workflow }, now).await?;
    caller.audit(tx, "workflow.updated", &objects(&next), now).await?;
    Ok(())
}

/// Writes the next published version in the place of a draft, if there is one.
async fn next_version(tx: &mut Tx, caller: &Caller, workflow: Workflow, now: Timestamp) -> Result<Workflow, Error> {
    let (application, group) = (caller.application, workflow.workflow_id);
    workflows::remove_draft(tx, application, group).await?;
    let last = workflows::find_last_version(tx, application, group).await?.unwrap_or(0);
    let next = Workflow {
        id: new_id::<WorkflowVersionId>(),
        version: last + 1,
        created_by: maker(caller)?,
        published_at: Some(now),
        created_at: now,
        updated_at: now,
        ..workflow
    };
    workflows::insert_workflow(tx, application, &next).await?;
    Ok(next)
}

fn workflow_differs(one: &Workflow, other: &Workflow) -> bool {
    let facts = |w: &Workflow| {
        (
            (w.label.clone(), w.features.get().to_owned(), w.is_white_label_enabled, w.is_desktop_allowed),
            (w.max_retry_attempts, w.retry_window_days, w.session_expiration_time),
            (w.face_liveness_max_attempts, w.face_match_max_attempts),
        )
    };
    facts(one) != facts(other)
}

/// Removes a version for good. Sessions keep what they were started with.
pub async fn remove(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            applications::lock_settings(tx, application).await?;
            let workflow = find(tx, application, id).await?;
            workflows::remove_version(tx, workflow.id).await?;
            let is_gone = workflows::find_last_version(tx, application, workflow.workflow_id).await?.is_none();
            if is_gone
                && workflow.is_default
                && let Some(newest) = workflows::find_newest(tx, application).await?
            {
                workflows::set_default(tx, application, newest).await?;
            }
            caller_.audit(tx, "workflow.deleted", &objects(&workflow), now).await?;
            Ok(())
        })
    })
    .await
}

/// A change of what a workflow has beyond the contract (`/x/`).
pub struct SettingsChange {
    auto_blocklist_on_decline: Sent<bool>,
}

impl SettingsChange {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let auto = fields.nullable("auto_blocklist_on_decline", read::boolean);
        fields.finish(|| Some(Self { auto_blocklist_on_decline: auto? }))
    }
}

/// Changes the settings of a workflow, of all its versions.
pub async fn update_settings(
    app: &App,
    caller: &Caller,
    id: Uuid,
    body: Result<SettingsChange, FieldErrors>,
) -> Result<WorkflowDetail, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            applications::lock_settings(tx, application).await?;
            let workflow = find(tx, application, id).await?;
            let change = body?.auto_blocklist_on_decline;
            if change != Sent::Absent {
                workflows::set_auto_blocklist(tx, application, workflow.workflow_id, change.over(None), now).await?;
                caller_.audit(tx, "workflow.settings_updated", &objects(&workflow), now).await?;
            }
            WorkflowDetail::of(&app_, find(tx, application, workflow.id.0).await?)
        })
    })
    .await
}

fn objects(workflow: &Workflow) -> [(&'static str, Uuid); 2] {
    [("workflow", workflow.workflow_id.0), ("workflow_version", workflow.id.0)]
}

/// Who makes a version, as answered; nobody in particular for keys.
fn maker(caller: &Caller) -> Result<Option<Box<RawValue>>, Error> {
    let Actor::Member { email, .. } = &caller.actor else { return Ok(None) };
    let kind = caller.actor.actor_type().as_str();
    let maker = json!({ "name": caller.actor.display(), "email": email, "type": kind });
    RawValue::from_string(maker.to_string()).map(Some).map_err(Error::fault)
}

/// The ids of a workflow and of its first version.
type NewIds = (WorkflowId, WorkflowVersionId);
