//! The members of an application.

use axum::extract::State;
use gavel_core::{
    ids::MemberId,
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        members::{self, ChangedView, Invitation, InvitedView, MemberChange, MemberView, NameView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, Nothing, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for Invitation {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for MemberChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

/// A page of members.
pub async fn list(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<MemberView>>> {
    let (rows, total) = members::list(&app, &caller, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// A page of those who can be mentioned.
pub async fn names(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<NameView>>> {
    let (rows, total) = members::list_names(&app, &caller, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// Invites somebody.
pub async fn invite(State(app): State<App>, caller: Caller, Json(body): Json<Invitation>) -> ApiResult<Reply<InvitedView>> {
    Ok(Reply(members::invite(&app, &caller, body).await?))
}

/// Changes role or name.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<MemberId>,
    Json(body): Json<MemberChange>,
) -> ApiResult<Reply<ChangedView>> {
    Ok(Reply(members::update(&app, &caller, id, body).await?))
}

/// Takes somebody out.
pub async fn remove(State(app): State<App>, caller: Caller, Ids(id): Ids<MemberId>) -> ApiResult<Nothing> {
    members::remove(&app, &caller, id).await?;
    Ok(Nothing)
}
