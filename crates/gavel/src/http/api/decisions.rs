//! The decision of a session.

use axum::extract::State;
use gavel_core::ids::SessionId;
use serde_json::value::RawValue;

use crate::{
    actions::{
        Caller, decision,
        traces::{self, PlacedEntry},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Query, Reply, Versioned},
        page::{Page, Paging},
    },
    store::traces::Source,
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

/// The entries made from a session.
pub async fn entries(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    paging: Paging,
) -> ApiResult<Reply<Page<PlacedEntry>>> {
    let (rows, total) = traces::made_from(&app, &caller, Source::Session(id), paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}
