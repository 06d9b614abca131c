//! Evidence for sessions.

use axum::extract::State;
use gavel_core::{
    evidence::Evidence,
    ids::SessionId,
    json::{FieldErrors, Value},
};

use crate::{
    actions::{Caller, evidence},
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, IfMatch, Json, ReadBody, Reply},
    },
};

impl ReadBody for Evidence {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Evidence::read(sent)
    }
}

/// Records evidence and answers the decision.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    Json(body): Json<Evidence>,
) -> ApiResult<Reply<serde_json::Value>> {
    Ok(Reply(evidence::add(&app, &caller, session, body, seen).await?))
}
