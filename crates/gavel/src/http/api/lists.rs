//! Lists.

use axum::extract::State;
use gavel_core::{
    entry::EntryType,
    ids::ListId,
    json::{FieldErrors, Value},
    list::ListType,
};

use crate::{
    actions::{
        Caller,
        lists::{self, ListChange, ListView, NewList},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, Nothing, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
    store::lists::{Filter, Order},
};

impl ReadBody for NewList {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewList::read(sent)
    }
}

impl ReadBody for ListChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        ListChange::read(sent)
    }
}

/// A page of lists.
pub async fn list(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<Page<ListView>>> {
    let filter = Filter {
        list_type: query.choice("list_type", ListType::from_name)?,
        entry_type: query.choice("entry_type", EntryType::from_name)?,
        is_system: query.boolean("is_system"),
        ordering: query.list("ordering").unwrap_or_default().into_iter().filter_map(order).collect(),
    };
    let (rows, total) = lists::list(&app, &caller, filter, paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

fn order(item: &str) -> Option<(Order, bool)> {
    let (name, descending) = item.strip_prefix('-').map_or((item, false), |name| (name, true));
    let order = match name {
        "created_at" => Order::CreatedAt,
        "entry_count" => Order::EntryCount,
        "last_entry_added_at" => Order::LastEntryAddedAt,
        _ => return None,
    };
    Some((order, descending))
}

/// Makes a list.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewList>) -> ApiResult<Reply<ListView>> {
    Ok(Reply(lists::create(&app, &caller, body).await?))
}

/// Shows a list.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<ListId>) -> ApiResult<Reply<ListView>> {
    Ok(Reply(lists::show(&app, &caller, id).await?))
}

/// Changes name or description.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<ListId>,
    Json(body): Json<ListChange>,
) -> ApiResult<Reply<ListView>> {
    Ok(Reply(lists::update(&app, &caller, id, body).await?))
}

/// Deletes a list with its entries.
pub async fn delete(State(app): State<App>, caller: Caller, Ids(id): Ids<ListId>) -> ApiResult<Nothing> {
    lists::delete(&app, &caller, id).await?;
    Ok(Nothing)
}
