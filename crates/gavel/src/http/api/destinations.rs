//! Webhook destinations.

use axum::extract::State;
use gavel_core::{
    ids::{DeliveryId, DestinationId},
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        destinations::{self, DeliveryRow, DeliveryView, DestinationBody, DestinationRow, DestinationView},
        resend,
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, Json, Nothing, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

/// A destination to be made.
pub struct New(DestinationBody);
/// A destination to be changed.
pub struct Change(DestinationBody);

impl ReadBody for New {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        DestinationBody::read_new(sent).map(Self)
    }
}

impl ReadBody for Change {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        DestinationBody::read_change(sent).map(Self)
    }
}

/// All destinations.
pub async fn list(State(app): State<App>, caller: Caller) -> ApiResult<Reply<Vec<DestinationRow>>> {
    Ok(Reply(destinations::list(&app, &caller).await?))
}

/// Makes one.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<New>) -> ApiResult<Reply<DestinationView>> {
    Ok(Reply(destinations::create(&app, &caller, body.map(|new| new.0)).await?))
}

/// Shows one.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<DestinationId>) -> ApiResult<Reply<DestinationView>> {
    Ok(Reply(destinations::show(&app, &caller, id).await?))
}

/// Changes one.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<DestinationId>,
    Json(body): Json<Change>,
) -> ApiResult<Reply<DestinationView>> {
    Ok(Reply(destinations::update(&app, &caller, id, body.map(|change| change.0)).await?))
}

/// Deletes one.
pub async fn delete(State(app): State<App>, caller: Caller, Ids(id): Ids<DestinationId>) -> ApiResult<Nothing> {
    destinations::delete(&app, &caller, id).await?;
    Ok(Nothing)
}

/// What was sent to one.
pub async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<DestinationId>,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<DeliveryRow>>> {
    let days = (query.day("date_from"), query.day("date_to"));
    destinations::show(&app, &caller, id).await?; // Found before the query is judged.
    let (rows, total) = destinations::list_deliveries(&app, &caller, id, (days.0?, days.1?), paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// One attempt with what was sent.
pub async fn delivery(
    State(app): State<App>,
    caller: Caller,
    IdPair(id, delivery): IdPair<DestinationId, DeliveryId>,
) -> ApiResult<Reply<DeliveryView>> {
    Ok(Reply(destinations::show_delivery(&app, &caller, id, delivery).await?))
}

/// Sends one again.
pub async fn resend_delivery(
    State(app): State<App>,
    caller: Caller,
    IdPair(id, delivery): IdPair<DestinationId, DeliveryId>,
) -> ApiResult<Reply<DeliveryView>> {
    Ok(Reply(resend::resend(&app, &caller, id, delivery).await?))
}
