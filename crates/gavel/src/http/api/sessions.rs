//! Sessions.

use axum::extract::State;
use gavel_core::{
    entry::country,
    ids::{SessionId, parse_uuid},
    json::{FieldErrors, Value},
    session::StatusUpdate,
};

use crate::{
    actions::{
        Caller,
        delete_session::{self, Selection},
        new_session::NewSession,
        session_list::{self, Kinds, Wanted},
        sessions::{self, CreatedSession, UpdatedSession},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, IfMatch, Json, Nothing, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for NewSession {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewSession::read(sent)
    }
}

impl ReadBody for StatusUpdate {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        StatusUpdate::read(sent)
    }
}

impl ReadBody for Selection {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Selection::read(sent)
    }
}

/// Starts a session.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewSession>) -> ApiResult<Reply<CreatedSession>> {
    Ok(Reply(sessions::create(&app, &caller, body).await?))
}

/// A page of sessions.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<serde_json::Value>>> {
    let kinds = Kinds::parse(query.get("session_kind"))?;
    let (rows, total, more) = session_list::list(&app, &caller, kinds, wanted(&query)?, paging.window(50)).await?;
    Ok(Reply(paging.page_where(50, rows, total, more)))
}

fn wanted(query: &Query) -> Result<Wanted, FieldErrors> {
    let uuid = |name: &'static str| {
        query.get(name).map(|sent| parse_uuid(sent).map_err(|_| FieldErrors::one(name, "Enter a valid UUID."))).transpose()
    };
    Ok(Wanted {
        status: query.texts("status"),
        vendor_data: query.text("vendor_data"),
        search: query.text("search").map(|sent| sent.trim().to_owned()).filter(|sent| !sent.is_empty()),
        workflows: query.list("workflow_id").map(|items| items.into_iter().filter_map(|item| parse_uuid(item).ok()).collect()),
        from: query.day("date_from")?,
        to: query.day("date_to")?,
        // A code nobody has matches nothing, as it should.
        countries: query
            .texts("country")
            .map(|codes| codes.into_iter().map(|code| country::alpha3(&code).map_or(code.clone(), str::to_owned)).collect()),
        document_types: query.texts("document_type"),
        document_name: query.text("document_name"),
        region: query.text("region"),
        user: uuid("didit_internal_id")?.or(uuid("euuid")?),
        session_type: query.text("session_type"),
        api_service: query.choice("api_service", Wanted::api_service)?,
        screened_name: query.text("screened_full_name"),
        risks: query.texts("warning"),
        first_in_review: query.boolean("status_initialized_as_in_review"),
        kyc_in_review: query.boolean("is_kyc_to_be_reviewed"),
    })
}

/// Sets a session's status.
pub async fn update_status(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
    query: Query,
    Json(body): Json<StatusUpdate>,
) -> ApiResult<Reply<UpdatedSession>> {
    let take_over = query.boolean("take_over").unwrap_or(false);
    Ok(Reply(sessions::update_status(&app, &caller, session, body, seen, take_over).await?))
}

/// Deletes a session.
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    IfMatch(seen): IfMatch,
) -> ApiResult<Nothing> {
    delete_session::delete(&app, &caller, session, seen).await?;
    Ok(Nothing)
}

/// Deletes several sessions, or all.
pub async fn delete_many(State(app): State<App>, caller: Caller, Json(body): Json<Selection>) -> ApiResult<Nothing> {
    delete_session::delete_many(&app, &caller, body).await?;
    Ok(Nothing)
}
