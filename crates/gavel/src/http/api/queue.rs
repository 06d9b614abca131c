//! The reviewers' desk: the queue, claims, presence, decisions that can be undone.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use gavel_core::{
    ids::SessionId,
    json::{FieldErrors, Value},
};
use serde::Serialize;

use crate::{
    actions::{
        Caller,
        pending_review::{self, PendingBody, PendingView},
        presence::{self, Present},
        queue::{self, ClaimBody, ItemView, NextBody, Overview, PriorityBody, ReviewerBody},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, IfMatch, Json, Nothing, Query, ReadBody, Reply, Versioned},
        page::{Page, Paging},
    },
};

impl ReadBody for NextBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NextBody::read(sent)
    }
}

impl ReadBody for ClaimBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        ClaimBody::read(sent)
    }
}

impl ReadBody for ReviewerBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        ReviewerBody::read(sent)
    }
}

impl ReadBody for PriorityBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        PriorityBody::read(sent)
    }
}

impl ReadBody for PendingBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        PendingBody::read(sent)
    }
}

/// The queue as answered: how full it is, and a page of it.
#[derive(Debug, Serialize)]
pub struct QueuePage {
    #[serde(flatten)]
    overview: Overview,
    #[serde(flatten)]
    page: Page<ItemView>,
}

/// How full the queue is, who holds what, and a page of it.
pub async fn list(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<QueuePage>> {
    let (overview, rows, total) = queue::list(&app, &caller, query.boolean("claimed"), paging.window(50)).await?;
    Ok(Reply(QueuePage { overview, page: paging.page(50, rows, total) }))
}

/// Claims the next session.
pub async fn next(State(app): State<App>, caller: Caller, Json(body): Json<NextBody>) -> ApiResult<Response> {
    let next = queue::next(&app, &caller, body).await?;
    Ok(match next.version() {
        Some(version) => Versioned(next, version).into_response(),
        None => Reply(next).into_response(),
    })
}

/// A session's place in the queue.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<SessionId>) -> ApiResult<Versioned<ItemView>> {
    Ok(versioned(queue::show(&app, &caller, id).await?))
}

/// Sets a session's priority.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    Json(body): Json<PriorityBody>,
) -> ApiResult<Versioned<ItemView>> {
    Ok(versioned(queue::set_priority(&app, &caller, id, body).await?))
}

/// Claims a session.
pub async fn claim(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    Json(body): Json<ClaimBody>,
) -> ApiResult<Versioned<ItemView>> {
    Ok(versioned(queue::claim(&app, &caller, id, body, seen).await?))
}

/// Holds a session for another while.
pub async fn renew(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    Json(body): Json<ReviewerBody>,
) -> ApiResult<Versioned<ItemView>> {
    Ok(versioned(queue::renew(&app, &caller, id, body).await?))
}

/// Gives a session back.
pub async fn release(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    Json(body): Json<ReviewerBody>,
) -> ApiResult<Versioned<ItemView>> {
    Ok(versioned(queue::release(&app, &caller, id, body).await?))
}

fn versioned(item: ItemView) -> Versioned<ItemView> {
    let version = item.version();
    Versioned(item, version)
}

/// Says that the caller looks at a session.
pub async fn look(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    Json(body): Json<ReviewerBody>,
) -> ApiResult<Reply<Present>> {
    Ok(Reply(presence::note(&app, &caller, id, body).await?))
}

/// Who looks at a session.
pub async fn present(State(app): State<App>, caller: Caller, Ids(id): Ids<SessionId>) -> ApiResult<Reply<Present>> {
    Ok(Reply(presence::show(&app, &caller, id).await?))
}

/// Decides, with time to undo it.
pub async fn decide(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    Json(body): Json<PendingBody>,
) -> ApiResult<Reply<PendingView>> {
    Ok(Reply(pending_review::create(&app, &caller, id, body, seen).await?))
}

/// The last decision that could be undone.
pub async fn pending(State(app): State<App>, caller: Caller, Ids(id): Ids<SessionId>) -> ApiResult<Reply<PendingView>> {
    Ok(Reply(pending_review::show(&app, &caller, id).await?))
}

/// Takes a decision back.
pub async fn undo(State(app): State<App>, caller: Caller, Ids(id): Ids<SessionId>) -> ApiResult<Nothing> {
    pending_review::undo(&app, &caller, id).await?;
    Ok(Nothing)
}
