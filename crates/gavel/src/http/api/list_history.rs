//! What Gavel knows of lists beyond the contract: entries as they stand or stood, history, differences, the way back.

use axum::extract::State;
use gavel_core::{
    ids::{EntryId, ListId},
    json::{FieldErrors, Value},
};

use super::entries::newest_first;
use crate::{
    actions::{
        Caller,
        entry_details::{self, EntryChange, EntryDetails, EntryHistory, Question},
        list_history::{self, DifferenceView, Revert, Reverted},
        list_settings::{self, ListSettings, SettingsChange},
        lookup::{self, Lookup},
        preview::{self, Changes, Preview},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, Json, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
    store::revisions::RevisionRow,
};

impl ReadBody for EntryChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        EntryChange::read(sent)
    }
}

impl ReadBody for Revert {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Revert::read(sent)
    }
}

impl ReadBody for SettingsChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        SettingsChange::read(sent)
    }
}

impl ReadBody for Changes {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Changes::read(sent)
    }
}

/// A list with its settings.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<ListId>) -> ApiResult<Reply<ListSettings>> {
    Ok(Reply(list_settings::show(&app, &caller, id).await?))
}

/// Changes the settings of a list.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<ListId>,
    Json(body): Json<SettingsChange>,
) -> ApiResult<Reply<ListSettings>> {
    Ok(Reply(list_settings::update(&app, &caller, id, body).await?))
}

/// A page of entries, as they stand or stood.
pub async fn entries(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<ListId>,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<EntryDetails>>> {
    let question = Question {
        as_of: query.get("as_of").map(str::to_owned),
        with_expired: query.boolean("with_expired") == Some(true),
        search: query.text("search"),
        newest_first: newest_first(&query),
        window: paging.window(25),
    };
    let (rows, total) = entry_details::list(&app, &caller, id, question).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// One entry with its versions.
pub async fn entry(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, entry): IdPair<ListId, EntryId>,
) -> ApiResult<Reply<EntryHistory>> {
    Ok(Reply(entry_details::show(&app, &caller, list, entry).await?))
}

/// Edits an entry.
pub async fn update_entry(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, entry): IdPair<ListId, EntryId>,
    Json(body): Json<EntryChange>,
) -> ApiResult<Reply<EntryDetails>> {
    Ok(Reply(entry_details::update(&app, &caller, list, entry, body).await?))
}

/// A page of revisions.
pub async fn history(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<ListId>,
    paging: Paging,
) -> ApiResult<Reply<Page<RevisionRow>>> {
    let (rows, total) = list_history::history(&app, &caller, id, paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// A page of differences.
pub async fn diff(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<ListId>,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<DifferenceView>>> {
    let between = (query.get("from").map(str::to_owned), query.get("to").map(str::to_owned));
    let (rows, total) = list_history::diff(&app, &caller, id, between, paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// Goes back to an earlier state.
pub async fn revert(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<ListId>,
    Json(body): Json<Revert>,
) -> ApiResult<Reply<Reverted>> {
    Ok(Reply(list_history::revert(&app, &caller, id, body).await?))
}

/// Which lists hold a value.
pub async fn look_up(State(app): State<App>, caller: Caller, query: Query) -> ApiResult<Reply<Lookup>> {
    let text = |name: &str| query.get(name).map(str::to_owned);
    Ok(Reply(lookup::look_up(&app, &caller, text("entry_type"), text("value"), text("as_of")).await?))
}

/// What a change would have meant for past sessions.
pub async fn preview(State(app): State<App>, caller: Caller, Json(body): Json<Changes>) -> ApiResult<Reply<Preview>> {
    Ok(Reply(preview::preview(&app, &caller, body).await?))
}
