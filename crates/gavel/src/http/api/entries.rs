//! Entries of lists.

use axum::extract::State;
use gavel_core::{
    guard::Sweep,
    ids::{EntryId, ListId},
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        entries::{self, EntryView, NewEntry},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, Json, Nothing, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for NewEntry {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewEntry::read(sent)
    }
}

/// A page of entries.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<ListId>,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<EntryView>>> {
    let search = query.text("search");
    let newest_first = newest_first(&query);
    let (rows, total) = entries::list(&app, &caller, id, search, newest_first, paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// `ordering` where only the time of creation is offered; unknown items are ignored, the first known one counts.
pub fn newest_first(query: &Query) -> bool {
    let items = query.list("ordering").unwrap_or_default();
    items.iter().find_map(|item| match *item {
        "created_at" => Some(false),
        "-created_at" => Some(true),
        _ => None,
    }) != Some(false)
}

/// Adds an entry.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(list): Ids<ListId>,
    query: Query,
    Json(body): Json<NewEntry>,
) -> ApiResult<Reply<EntryView>> {
    let sweep = query.choice("sweep", Sweep::from_name)?;
    Ok(Reply(entries::add(&app, &caller, list, body, sweep).await?))
}

/// Removes an entry.
pub async fn delete(State(app): State<App>, caller: Caller, IdPair(list, entry): IdPair<ListId, EntryId>) -> ApiResult<Nothing> {
    entries::remove(&app, &caller, list, entry).await?;
    Ok(Nothing)
}
