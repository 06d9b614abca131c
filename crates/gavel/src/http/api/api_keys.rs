//! API keys, and the application they belong to.

use axum::extract::State;
use gavel_core::{
    ids::KeyId,
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        api_keys::{self, KeyView, NewKey},
        settings::{self, ApplicationView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, Nothing, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for NewKey {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewKey::read(sent)
    }
}

/// The applications the caller can see: its own.
pub async fn applications(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<ApplicationView>>> {
    let own = settings::application(&app, &caller).await?;
    let (limit, offset) = paging.window(50);
    let rows = if offset == 0 && limit > 0 { vec![own] } else { Vec::new() };
    Ok(Reply(paging.page(50, rows, 1)))
}

/// A page of keys.
pub async fn list(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<KeyView>>> {
    let (rows, total) = api_keys::list(&app, &caller, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// Makes a key.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewKey>) -> ApiResult<Reply<KeyView>> {
    Ok(Reply(api_keys::create(&app, &caller, body).await?))
}

/// Revokes a key.
pub async fn revoke(State(app): State<App>, caller: Caller, Ids(id): Ids<KeyId>) -> ApiResult<Nothing> {
    api_keys::revoke(&app, &caller, id).await?;
    Ok(Nothing)
}
