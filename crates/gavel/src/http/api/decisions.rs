//! The decision of a session.

use axum::extract::State;
use gavel_core::ids::SessionId;
use serde_json::value::RawValue;

use crate::{
    actions::{Caller, decision},
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Query, Versioned},
    },
};

/// Everything recorded about a session.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    query: Query,
) -> ApiResult<Versioned<Box<RawValue>>> {
    let (decision, version) = decision::show(&app, &caller, id, query.get("include") == Some("events")).await?;
    Ok(Versioned(decision, version))
}
