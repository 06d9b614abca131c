//! Comments and tags on users and businesses.

use axum::extract::State;
use gavel_core::{
    ids::SubjectId,
    json::{FieldErrors, Value},
    session::SessionKind,
};

use crate::{
    actions::{
        Caller,
        session_notes::NewComment,
        subjects::notes::{self, NewTag},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, Json, Nothing, ReadBody, Reply},
        page::{Page, Paging},
    },
    store::{subject_comments::Comment, subject_tags::Link},
};

impl ReadBody for NewTag {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewTag::read(sent)
    }
}

/// Comments on a user.
pub async fn comment(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SubjectId>,
    Json(body): Json<NewComment>,
) -> ApiResult<Reply<Comment>> {
    Ok(Reply(notes::comment(&app, &caller, id, body).await?))
}

async fn tags(app: App, caller: Caller, kind: SessionKind, id: SubjectId, paging: Paging) -> ApiResult<Reply<Page<Link>>> {
    Ok(Reply(paging.page_of(50, notes::list_tags(&app, &caller, kind, id).await?)))
}

/// The tags of a user.
pub async fn user_tags(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SubjectId>,
    paging: Paging,
) -> ApiResult<Reply<Page<Link>>> {
    tags(app, caller, SessionKind::User, id, paging).await
}

/// The tags of a business.
pub async fn business_tags(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SubjectId>,
    paging: Paging,
) -> ApiResult<Reply<Page<Link>>> {
    tags(app, caller, SessionKind::Business, id, paging).await
}

/// Puts a tag on a user.
pub async fn tag_user(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SubjectId>,
    Json(body): Json<NewTag>,
) -> ApiResult<Reply<Link>> {
    Ok(Reply(notes::add_tag(&app, &caller, SessionKind::User, id, body).await?))
}

/// Puts a tag on a business.
pub async fn tag_business(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SubjectId>,
    Json(body): Json<NewTag>,
) -> ApiResult<Reply<Link>> {
    Ok(Reply(notes::add_tag(&app, &caller, SessionKind::Business, id, body).await?))
}

/// Takes a tag off a user.
pub async fn untag_user(
    State(app): State<App>,
    caller: Caller,
    IdPair(id, tag): IdPair<SubjectId, String>,
) -> ApiResult<Nothing> {
    notes::remove_tag(&app, &caller, SessionKind::User, id, tag).await?;
    Ok(Nothing)
}

/// Takes a tag off a business.
pub async fn untag_business(
    State(app): State<App>,
    caller: Caller,
    IdPair(id, tag): IdPair<SubjectId, String>,
) -> ApiResult<Nothing> {
    notes::remove_tag(&app, &caller, SessionKind::Business, id, tag).await?;
    Ok(Nothing)
}
