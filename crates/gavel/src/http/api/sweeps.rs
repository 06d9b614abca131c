//! Sweeps of past sessions.

use axum::extract::State;
use gavel_core::ids::{ListId, SweepId};

use crate::{
    actions::{
        Caller,
        sweeps::{self, ItemView, SweepView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, Reply},
        page::{Page, Paging},
    },
};

/// A page of a list's sweeps.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(list): Ids<ListId>,
    paging: Paging,
) -> ApiResult<Reply<Page<SweepView>>> {
    let (rows, total) = sweeps::list(&app, &caller, list, paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// One sweep.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, id): IdPair<ListId, SweepId>,
) -> ApiResult<Reply<SweepView>> {
    Ok(Reply(sweeps::show(&app, &caller, list, id).await?))
}

/// A page of the sessions it has found.
pub async fn items(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, id): IdPair<ListId, SweepId>,
    paging: Paging,
) -> ApiResult<Reply<Page<ItemView>>> {
    let (rows, total) = sweeps::items(&app, &caller, (list, id), paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}
