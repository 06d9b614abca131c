//! Workflows.

use axum::extract::State;

use crate::{
    actions::{
        Caller,
        workflows::{self, WorkflowRow},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::Reply,
        page::{Page, Paging},
    },
};

/// A page of workflows.
pub async fn list(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<WorkflowRow>>> {
    let (rows, total) = workflows::list(&app, &caller, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}
