//! Transactions.

use axum::extract::State;
use gavel_core::{
    ids::TransactionId,
    json::{FieldErrors, Value},
    transaction::NewTransaction,
};
use serde::Serialize;

use crate::{
    actions::{
        Caller,
        traces::{self, PlacedEntry},
        transactions::{self, Detail, Row, StatusChange},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, ReadBody, Reply},
        page::{Page, Paging},
    },
    store::traces::Source,
};

impl ReadBody for NewTransaction {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewTransaction::read(sent)
    }
}

impl ReadBody for StatusChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        StatusChange::read(sent)
    }
}

/// A page of transactions, which tells their number twice.
#[derive(Debug, Serialize)]
pub struct TransactionPage {
    #[serde(flatten)]
    page: Page<Row>,
    total_transactions: u64,
}

/// A page of transactions.
pub async fn list(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<TransactionPage>> {
    let (rows, total_transactions) = transactions::list(&app, &caller, paging.window(50)).await?;
    Ok(Reply(TransactionPage { page: paging.page(50, rows, total_transactions), total_transactions }))
}

/// Creates a transaction.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewTransaction>) -> ApiResult<Reply<Detail>> {
    Ok(Reply(transactions::create(&app, &caller, body).await?))
}

/// One transaction.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<TransactionId>) -> ApiResult<Reply<Detail>> {
    Ok(Reply(transactions::show(&app, &caller, id).await?))
}

/// The entries made from a transaction.
pub async fn entries(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<TransactionId>,
    paging: Paging,
) -> ApiResult<Reply<Page<PlacedEntry>>> {
    let (rows, total) = traces::made_from(&app, &caller, Source::Transaction(id), paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// Sets a transaction's status.
pub async fn update_status(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<TransactionId>,
    Json(body): Json<StatusChange>,
) -> ApiResult<Reply<Detail>> {
    Ok(Reply(transactions::set_status(&app, &caller, id, body).await?))
}
