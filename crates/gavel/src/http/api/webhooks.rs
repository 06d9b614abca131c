//! The single-URL configuration, and what Gavel adds to destinations.

use axum::extract::State;
use gavel_core::{
    ids::DestinationId,
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        destinations::DeliveryView,
        resend,
        single_url::{self, SingleUrlBody, SingleUrlView},
        upkeep::{self, DeadLetterRow, ReplayBody, Replayed, RotateBody, UpkeepView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for SingleUrlBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for RotateBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for ReplayBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

/// Shows the single-URL configuration.
pub async fn show_single_url(State(app): State<App>, caller: Caller) -> ApiResult<Reply<SingleUrlView>> {
    Ok(Reply(single_url::show(&app, &caller).await?))
}

/// Changes it.
pub async fn update_single_url(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SingleUrlBody>,
) -> ApiResult<Reply<SingleUrlView>> {
    Ok(Reply(single_url::update(&app, &caller, body).await?))
}

/// Shows a destination with the state of its queue.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<DestinationId>) -> ApiResult<Reply<UpkeepView>> {
    Ok(Reply(upkeep::show(&app, &caller, id).await?))
}

/// Sends a test.
pub async fn test(State(app): State<App>, caller: Caller, Ids(id): Ids<DestinationId>) -> ApiResult<Reply<DeliveryView>> {
    Ok(Reply(resend::test(&app, &caller, id).await?))
}

/// Makes a new secret.
pub async fn rotate_secret(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<DestinationId>,
    Json(body): Json<RotateBody>,
) -> ApiResult<Reply<UpkeepView>> {
    Ok(Reply(upkeep::rotate_secret(&app, &caller, id, body).await?))
}

/// Stops sending.
pub async fn pause(State(app): State<App>, caller: Caller, Ids(id): Ids<DestinationId>) -> ApiResult<Reply<UpkeepView>> {
    Ok(Reply(upkeep::pause(&app, &caller, id).await?))
}

/// Sends again.
pub async fn resume(State(app): State<App>, caller: Caller, Ids(id): Ids<DestinationId>) -> ApiResult<Reply<UpkeepView>> {
    Ok(Reply(upkeep::resume(&app, &caller, id).await?))
}

/// Queues past events.
pub async fn replay(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<DestinationId>,
    Json(body): Json<ReplayBody>,
) -> ApiResult<Reply<Replayed>> {
    Ok(Reply(upkeep::replay(&app, &caller, id, body).await?))
}

/// Lists given-up events.
pub async fn dead_letters(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<DestinationId>,
    paging: Paging,
) -> ApiResult<Reply<Page<DeadLetterRow>>> {
    let (rows, total) = upkeep::list_dead_letters(&app, &caller, id, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}
