//! The inbox of the person who calls.

use axum::extract::State;
use gavel_core::json::{FieldErrors, Value};

use crate::{
    actions::{
        Caller,
        notifications::{self, NotificationView, ReadView, WasRead},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Json, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for WasRead {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

/// A page of notices.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<NotificationView>>> {
    let (rows, total) = notifications::list(&app, &caller, query.boolean("unread"), paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// Marks notices as read.
pub async fn mark_read(State(app): State<App>, caller: Caller, Json(body): Json<WasRead>) -> ApiResult<Reply<ReadView>> {
    Ok(Reply(notifications::mark_read(&app, &caller, body?).await?))
}
