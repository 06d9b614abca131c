//! People whose data is erased, and the receipts.

use axum::extract::State;
use gavel_core::{
    ids::ErasureId,
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        erasure::{self, EraseBody, Receipt},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for EraseBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        EraseBody::read(sent)
    }
}

/// Erases a person.
pub async fn erase(State(app): State<App>, caller: Caller, Json(body): Json<EraseBody>) -> ApiResult<Reply<Receipt>> {
    Ok(Reply(erasure::erase(&app, &caller, body).await?))
}

/// A page of receipts.
pub async fn list(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<Receipt>>> {
    let (rows, total) = erasure::list(&app, &caller, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// One receipt.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<ErasureId>) -> ApiResult<Reply<Receipt>> {
    Ok(Reply(erasure::show(&app, &caller, id).await?))
}
