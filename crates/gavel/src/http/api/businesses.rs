//! Businesses.

use axum::extract::State;
use gavel_core::{
    ids::SubjectId,
    json::{FieldErrors, Value},
    session::SessionKind,
};

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
    store::subjects::Filter,
};

const KIND: SessionKind = SessionKind::Business;

/// A business as sent.
pub struct NewBusiness(NewSubject);

impl ReadBody for NewBusiness {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewSubject::read(KIND, sent).map(Self)
    }
}

/// A change of a business as sent.
pub struct BusinessChange(Change);

impl ReadBody for BusinessChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Change::read(KIND, sent).map(Self)
    }
}

/// Which subjects a list is to show.
pub(super) fn wanted(query: &Query) -> Filter {
    Filter { statuses: query.texts("status"), search: query.text("search") }
}

/// A page of businesses.
pub async fn list(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<Page<Row>>> {
    let (rows, total) = subjects::list(&app, &caller, KIND, wanted(&query), paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// Makes a business.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewBusiness>) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::create(&app, &caller, KIND, body.map(|body| body.0)).await?))
}

/// One business.
pub async fn show(State(app): State<App>, caller: Caller, Segment(vendor_data): Segment) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::show(&app, &caller, KIND, vendor_data).await?))
}

/// Changes a business.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Segment(vendor_data): Segment,
    Json(body): Json<BusinessChange>,
) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::update(&app, &caller, KIND, vendor_data, body.map(|body| body.0)).await?))
}

/// Sets a business's status.
pub async fn update_status(
    State(app): State<App>,
    caller: Caller,
    Segment(vendor_data): Segment,
    Json(body): Json<StatusChange>,
) -> ApiResult<Reply<Detail>> {
    Ok(Reply(subjects::update_status(&app, &caller, KIND, vendor_data, body).await?))
}

/// Deletes businesses.
pub async fn delete(State(app): State<App>, caller: Caller, Json(body): Json<Chosen>) -> ApiResult<Reply<Deleted>> {
    Ok(Reply(remove::delete(&app, &caller, KIND, body).await?))
}

/// Sets the status of many businesses.
pub async fn bulk_status(State(app): State<App>, caller: Caller, Json(body): Json<BulkStatus>) -> ApiResult<Reply<Updated>> {
    Ok(Reply(bulk::set_status(&app, &caller, KIND, body).await?))
}

/// One business with the entries about it.
pub async fn trace(State(app): State<App>, caller: Caller, Ids(id): Ids<SubjectId>) -> ApiResult<Reply<Traced>> {
    Ok(Reply(trace::show(&app, &caller, KIND, id).await?))
}
