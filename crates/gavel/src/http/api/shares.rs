//! Sessions shared with other applications of this server.

use axum::extract::State;
use gavel_core::{
    ids::SessionId,
    json::{FieldErrors, Value},
};
use serde_json::value::RawValue;

use crate::{
    actions::{
        Caller,
        share::{self, ImportBody, ShareBody, Shared},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, ReadBody, Reply},
    },
};

impl ReadBody for ShareBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        ShareBody::read(sent)
    }
}

impl ReadBody for ImportBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        ImportBody::read(sent)
    }
}

/// Lets another application copy a session.
pub async fn share(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    Json(body): Json<ShareBody>,
) -> ApiResult<Reply<Shared>> {
    Ok(Reply(share::share(&app, &caller, session, body).await?))
}

/// Copies a session another application has shared.
pub async fn import(State(app): State<App>, caller: Caller, Json(body): Json<ImportBody>) -> ApiResult<Reply<Box<RawValue>>> {
    Ok(Reply(share::import(&app, &caller, body).await?))
}
