//! The audit trail.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use gavel_core::{audit::SignedCheckpoint, ids::parse_uuid, json::FieldErrors, time::Timestamp};
use http::header;
use serde_json::{Value, json};

use crate::{
    actions::{
        Caller, Error,
        audit_keys::{self, PublicKeyView},
        audit_trail::{self, EventView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Query, Reply},
        page::{Page, Paging},
    },
    store::audit_log::{Filter, Place},
};

/// A page of events.
pub async fn events(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<Page<EventView>>> {
    let uuid = |name: &'static str| {
        query.get(name).map(|sent| parse_uuid(sent).map_err(|_| FieldErrors::one(name, "Enter a valid UUID."))).transpose()
    };
    let filter = Filter {
        kind: query.text("kind"),
        actor: uuid("actor")?,
        since: time(&query, "since")?,
        until: time(&query, "until")?,
        object: uuid("object")?,
        ..Filter::default()
    };
    let (rows, total) = audit_trail::list(&app, &caller, filter, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// A time; the `+` of an offset is a blank by the time it gets here.
fn time(query: &Query, name: &'static str) -> Result<Option<Timestamp>, FieldErrors> {
    let parse =
        |sent: &str| Timestamp::parse(&sent.replace(' ', "+")).ok_or_else(|| FieldErrors::one(name, "Enter a valid date/time."));
    query.get(name).map(parse).transpose()
}

/// A page of checkpoints.
pub async fn checkpoints(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<Value>>> {
    let (rows, total) = audit_trail::checkpoints(&app, &caller, paging.window(50)).await?;
    let shown = |signed: &SignedCheckpoint| serde_json::from_str(&signed.line()).map_err(Error::fault);
    Ok(Reply(paging.page(50, rows.iter().map(shown).collect::<Result<_, _>>()?, total)))
}

/// The key that checks signatures.
pub async fn public_key(State(app): State<App>) -> ApiResult<Reply<PublicKeyView>> {
    Ok(Reply(audit_keys::show(&app).await?))
}

/// The whole trail as a file.
pub async fn export(State(app): State<App>, caller: Caller, query: Query) -> ApiResult<Response> {
    let export = audit_trail::export(&app, &caller, query.boolean("values") == Some(true)).await?;
    let parts = stream::try_unfold(export, async |mut export| {
        let part = export.next().await.map_err(|error| {
            // Ends the connection in the middle: what has gone out cannot be taken back, but it must not look whole.
            tracing::error!(%error, "an export was not sent to its end");
            std::io::Error::other("not sent to its end")
        })?;
        Ok::<_, std::io::Error>(part.map(|part| (Bytes::from(part), export)))
    });
    let headers =
        [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.ndjson\"")];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// A page of what older clients know as audit logs.
pub async fn logs(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<Value>> {
    let status_code = |sent: &str| sent.parse().map_err(|_| FieldErrors::one("status_code", "A valid integer is required."));
    let from = |sent: &str| Place::parse(sent).ok_or_else(|| FieldErrors::one("cursor", "Invalid cursor."));
    let filter = Filter {
        method: query.text("method"),
        status_code: query.get("status_code").map(status_code).transpose()?,
        since: query.day("date_from")?.map(Timestamp::start_of),
        until: query.day("date_to")?.map(|day| Timestamp::start_of(day.next())),
        from: query.get("cursor").map(from).transpose()?,
        ..Filter::default()
    };
    let page = audit_trail::log(&app, &caller, filter, query.text("search")).await?;
    let link = |place: Option<Place>| place.map(|place| paging.from_cursor(&place.to_string()));
    Ok(Reply(json!({ "next": link(page.next), "previous": link(page.previous), "results": page.rows })))
}
