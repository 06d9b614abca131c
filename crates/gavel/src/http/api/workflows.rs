//! Workflows.

use axum::extract::State;
use gavel_core::json::{FieldErrors, Value};
use uuid::Uuid;

use crate::{
    actions::{
        Caller,
        workflows::{self, NewWorkflow, SettingsChange, WorkflowChange, WorkflowDetail, WorkflowRow},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, Nothing, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for NewWorkflow {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewWorkflow::read(sent)
    }
}

impl ReadBody for WorkflowChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        WorkflowChange::read(sent)
    }
}

impl ReadBody for SettingsChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        SettingsChange::read(sent)
    }
}

/// A page of workflows.
pub async fn list(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<WorkflowRow>>> {
    let (rows, total) = workflows::list(&app, &caller, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// Makes a workflow.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewWorkflow>) -> ApiResult<Reply<WorkflowDetail>> {
    Ok(Reply(workflows::create(&app, &caller, body).await?))
}

/// One version.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<Uuid>) -> ApiResult<Reply<WorkflowDetail>> {
    Ok(Reply(workflows::show(&app, &caller, id).await?))
}

/// Changes a version or makes the next one.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(body): Json<WorkflowChange>,
) -> ApiResult<Reply<WorkflowDetail>> {
    Ok(Reply(workflows::update(&app, &caller, id, body).await?))
}

/// Removes a version.
pub async fn delete(State(app): State<App>, caller: Caller, Ids(id): Ids<Uuid>) -> ApiResult<Nothing> {
    workflows::remove(&app, &caller, id).await?;
    Ok(Nothing)
}

/// Changes what a workflow has beyond the contract.
pub async fn update_settings(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(body): Json<SettingsChange>,
) -> ApiResult<Reply<WorkflowDetail>> {
    Ok(Reply(workflows::update_settings(&app, &caller, id, body).await?))
}
