//! Users.

use axum::extract::State;
use gavel_core::{
    ids::SubjectId,
    json::{FieldErrors, Value},
    session::SessionKind,
};

use super::businesses::wanted;
use crate::{
    actions::{
        Caller,
        subjects::{
            self, Detail, Row,
            body::{BulkStatus, Change, Chosen, NewSubject, StatusChange},
            bulk::{self, Updated},
            remove::{self, Deleted},
            trace::{self, Traced},
        },
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, Query, ReadBody, Reply, Segment},
        page::{Page, Paging},
    },
};

const KIND: SessionKind = SessionKind::User;

/// A user as sent.
pub struct NewUser(NewSubject);

impl ReadBody for NewUser {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewSubject::read(KIND, sent).map(Self)
    }
}

/// A change of a user as sent.
pub struct UserChange(Change);

impl ReadBody for UserChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Change::read(KIND, sent).map(Self)
    }
}

impl ReadBody for StatusChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        StatusChange::read(sent)
    }
}

impl ReadBody for BulkStatus {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        BulkStatus::read(sent)
    }
}

impl ReadBody for Chosen {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Chosen::read(sent)
    }
}

/// A page of users.
pub async fn list(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<Page<Row>>> {
    let (rows, total) = subjects::list(&app, &caller, KIND, wanted(&query), paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// Makes a user.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewUser>) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::create(&app, &caller, KIND, body.map(|body| body.0)).await?))
}

/// One user.
pub async fn show(State(app): State<App>, caller: Caller, Segment(vendor_data): Segment) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::show(&app, &caller, KIND, vendor_data).await?))
}

/// Changes a user.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Segment(vendor_data): Segment,
    Json(body): Json<UserChange>,
) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::update(&app, &caller, KIND, vendor_data, body.map(|body| body.0)).await?))
}

/// Sets a user's status.
pub async fn update_status(
    State(app): State<App>,
    caller: Caller,
    Segment(vendor_data): Segment,
    Json(body): Json<StatusChange>,
) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::update_status(&app, &caller, KIND, vendor_data, body).await?))
}

/// Deletes users.
pub async fn delete(State(app): State<App>, caller: Caller, Json(body): Json<Chosen>) -> ApiResult<Reply<Deleted>> {
    Ok(Reply(remove::delete(&app, &caller, KIND, body).await?))
}

/// Sets the status of many users.
pub async fn bulk_status(State(app): State<App>, caller: Caller, Json(body): Json<BulkStatus>) -> ApiResult<Reply<Updated>> {
    Ok(Reply(bulk::set_status(&app, &caller, KIND, body).await?))
}

/// One user with the entries about it.
pub async fn trace(State(app): State<App>, caller: Caller, Ids(id): Ids<SubjectId>) -> ApiResult<Reply<Traced>> {
    Ok(Reply(trace::show(&app, &caller, KIND, id).await?))
}
