//! Blocklist calls by session.

use axum::extract::State;
use gavel_core::json::{FieldErrors, Value};

use crate::{
    actions::{
        Caller,
        blocklist::{self, BlocklistRow, Message, Selection},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Json, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

/// What is to be blocked.
pub struct Addition(Selection);
/// What is to be unblocked.
pub struct Removal(Selection);

impl ReadBody for Addition {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Selection::read_addition(sent).map(Self)
    }
}

impl ReadBody for Removal {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Selection::read_removal(sent).map(Self)
    }
}

/// A page of what was blocked from sessions.
pub async fn list(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<Page<BlocklistRow>>> {
    let only = query.choice("item_type", blocklist::item_type)?;
    let (rows, total) = blocklist::list(&app, &caller, only, paging.window(20)).await?;
    Ok(Reply(paging.page(20, rows, total)))
}

/// Blocks values of a session.
pub async fn add(State(app): State<App>, caller: Caller, Json(body): Json<Addition>) -> ApiResult<Reply<Message>> {
    Ok(Reply(blocklist::add(&app, &caller, body.map(|addition| addition.0)).await?))
}

/// Takes them back.
pub async fn remove(State(app): State<App>, caller: Caller, Json(body): Json<Removal>) -> ApiResult<Reply<Message>> {
    Ok(Reply(blocklist::remove(&app, &caller, body.map(|removal| removal.0)).await?))
}
