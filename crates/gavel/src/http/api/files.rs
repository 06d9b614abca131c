//! Files of entries: in, out, and what became of their rows.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use gavel_core::{
    guard::Sweep,
    ids::{ImportId, ListId},
    json::FieldErrors,
};
use http::header;

use crate::{
    actions::{
        Caller, Error, export,
        import::{self, How, ImportView, rows::Format},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, Query, Reply},
        page::{Page, Paging},
    },
    store::imports::Part,
};

fn format_of(query: &Query) -> Result<Format, FieldErrors> {
    Ok(query.choice("format", Format::from_name)?.unwrap_or(Format::Csv))
}

/// Takes a file into a list.
pub async fn import(
    State(app): State<App>,
    caller: Caller,
    Ids(list): Ids<ListId>,
    query: Query,
    request: Request,
) -> ApiResult<Reply<ImportView>> {
    let how = How {
        format: format_of(&query)?,
        sweep: query.choice("sweep", Sweep::from_name)?,
        dry_run: query.boolean("dry_run") == Some(true),
        abort: query.choice("on_error", |name| ["skip", "abort"].into_iter().find(|known| *known == name))? == Some("abort"),
    };
    let file = request.into_body().into_data_stream();
    // A task of its own: when the client goes away this handler is dropped, and somebody must say how far the file came.
    let done = tokio::spawn(async move { import::import(&app, &caller, list, how, file, |_| {}).await });
    Ok(Reply(done.await.map_err(Error::fault)??))
}

/// A page of a list's imports.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(list): Ids<ListId>,
    paging: Paging,
) -> ApiResult<Reply<Page<ImportView>>> {
    let (rows, total) = import::list(&app, &caller, list, paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// One import.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, id): IdPair<ListId, ImportId>,
) -> ApiResult<Reply<ImportView>> {
    Ok(Reply(import::show(&app, &caller, list, id).await?))
}

/// What became of every row, as lines of JSON.
pub async fn verdicts(State(app): State<App>, caller: Caller, IdPair(list, id): IdPair<ListId, ImportId>) -> ApiResult<Response> {
    import::show(&app, &caller, list, id).await?;
    Ok(stream_lines(app, id, Part::Verdicts))
}

/// The refused rows as they were sent, with their reasons: to be corrected and sent again.
pub async fn rejects(State(app): State<App>, caller: Caller, IdPair(list, id): IdPair<ListId, ImportId>) -> ApiResult<Response> {
    import::show(&app, &caller, list, id).await?;
    Ok(stream_lines(app, id, Part::Rejects))
}

/// Sends the batches of a job one after the other.
fn stream_lines(app: App, id: ImportId, part: Part) -> Response {
    let lines = stream::try_unfold(0, move |from| {
        let app = app.clone();
        async move {
            let next = import::lines(&app, id, from, part).await.map_err(cut)?;
            Ok::<_, std::io::Error>(next.map(|(next, text)| (Bytes::from(text), next)))
        }
    });
    file("application/x-ndjson", "ndjson", Body::from_stream(lines))
}

/// A list's entries as a file.
pub async fn export(State(app): State<App>, caller: Caller, Ids(list): Ids<ListId>, query: Query) -> ApiResult<Response> {
    let format = format_of(&query)?;
    let export = export::start(&app, &caller, list, format, query.get("as_of").map(str::to_owned)).await?;
    let parts = stream::try_unfold(export, async |mut export| {
        let part = export.next().await.map_err(cut)?;
        Ok::<_, std::io::Error>(part.map(|part| (Bytes::from(part), export)))
    });
    let content_type = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Ndjson => "application/x-ndjson",
    };
    Ok(file(content_type, format.as_str(), Body::from_stream(parts)))
}

fn file(content_type: &'static str, ending: &str, body: Body) -> Response {
    let name = format!("attachment; filename=\"entries.{ending}\"");
    ([(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, name)], body).into_response()
}

/// Ends the connection in the middle: what has gone out cannot be taken back, but it must not look whole.
fn cut(error: Error) -> std::io::Error {
    tracing::error!(%error, "a file was not sent to its end");
    std::io::Error::other("not sent to its end")
}
