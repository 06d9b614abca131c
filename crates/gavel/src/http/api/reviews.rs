//! Reviews of sessions.

use axum::extract::State;
use gavel_core::{
    ids::SessionId,
    json::{FieldErrors, Value},
    review::{NewNote, NewReview},
};

use super::entries::newest_first;
use crate::{
    actions::{
        Caller,
        reviews::{self, ActivityView, ReviewBody, ReviewView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, IfMatch, Json, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for ReviewBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Ok(Self { deciding: NewReview::read(sent), noting: NewNote::read(sent) })
    }
}

/// Decides on a session.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    query: Query,
    Json(body): Json<ReviewBody>,
) -> ApiResult<Reply<ReviewView>> {
    let take_over = query.boolean("take_over").unwrap_or(false);
    Ok(Reply(reviews::create(&app, &caller, session, body?, seen, take_over).await?))
}

/// A page of a session's feed.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<ActivityView>>> {
    let (rows, total) = reviews::list(&app, &caller, session, newest_first(&query), paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}
