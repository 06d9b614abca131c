//! Comments, tags and files on a session.

use axum::extract::State;
use gavel_core::{
    ids::{SessionFileId, SessionId},
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        reviews::ActivityView,
        session_files::{self, FileView, NewFile},
        session_notes::{self, NewComment, NewTag},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, IfMatch, Json, Nothing, ReadBody, Reply},
        page::{Page, Paging},
    },
    store::tags::Tag,
};

impl ReadBody for NewComment {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewComment::read(sent)
    }
}

impl ReadBody for NewTag {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewTag::read(sent)
    }
}

impl ReadBody for NewFile {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewFile::read(sent)
    }
}

/// Adds a comment.
pub async fn comment(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    Json(body): Json<NewComment>,
) -> ApiResult<Reply<ActivityView>> {
    Ok(Reply(session_notes::comment(&app, &caller, session, body, seen).await?))
}

/// The tags of a session.
pub async fn tags(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    paging: Paging,
) -> ApiResult<Reply<Page<Tag>>> {
    Ok(Reply(paging.page_of(50, session_notes::list_tags(&app, &caller, session).await?)))
}

/// Puts a tag on.
pub async fn add_tag(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    Json(body): Json<NewTag>,
) -> ApiResult<Reply<Tag>> {
    Ok(Reply(session_notes::add_tag(&app, &caller, session, body, seen).await?))
}

/// Takes a tag off.
pub async fn remove_tag(
    State(app): State<App>,
    caller: Caller,
    IdPair(session, tag): IdPair<SessionId, String>,
    IfMatch(seen): IfMatch,
) -> ApiResult<Nothing> {
    session_notes::remove_tag(&app, &caller, session, tag, seen).await?;
    Ok(Nothing)
}

/// The attached files of a session.
pub async fn files(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    paging: Paging,
) -> ApiResult<Reply<Page<FileView>>> {
    Ok(Reply(paging.page_of(50, session_files::list(&app, &caller, session).await?)))
}

/// Attaches a file.
pub async fn add_file(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    Json(body): Json<NewFile>,
) -> ApiResult<Reply<FileView>> {
    Ok(Reply(session_files::add(&app, &caller, session, body, seen).await?))
}

/// Takes a file off.
pub async fn remove_file(
    State(app): State<App>,
    caller: Caller,
    IdPair(session, file): IdPair<SessionId, SessionFileId>,
    IfMatch(seen): IfMatch,
) -> ApiResult<Nothing> {
    session_files::remove(&app, &caller, session, file, seen).await?;
    Ok(Nothing)
}
