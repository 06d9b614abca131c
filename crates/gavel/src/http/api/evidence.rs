//! Evidence for sessions, and what was made of it.

use axum::extract::State;
use gavel_core::{
    evidence::Evidence,
    ids::SessionId,
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller, evidence,
        replay::{self, MadeWith, ReplayBody, Replayed},
    },
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

impl ReadBody for ReplayBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        ReplayBody::read(sent)
    }
}

/// Records evidence and answers the decision.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    Json(body): Json<Evidence>,
) -> ApiResult<Reply<Box<serde_json::value::RawValue>>> {
    Ok(Reply(evidence::add(&app, &caller, session, body, seen).await?))
}

/// What a session's decisions were made with.
pub async fn made_with(State(app): State<App>, caller: Caller, Ids(session): Ids<SessionId>) -> ApiResult<Reply<MadeWith>> {
    Ok(Reply(replay::show(&app, &caller, session).await?))
}

/// Makes a session's decisions again.
pub async fn replay(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    Json(body): Json<ReplayBody>,
) -> ApiResult<Reply<Replayed>> {
    Ok(Reply(replay::replay(&app, &caller, session, body).await?))
}
