//! Rules over transactions.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use gavel_core::{
    ids::RuleId,
    json::{FieldErrors, Value},
    transaction::rule::{Mode, NewRule, RuleChange},
};
use http::header;

use crate::{
    actions::{
        Caller, Error,
        transaction_rules::{
            self as rules, BacktestBody, Estimate, Installed, LongBacktestBody, Order, RuleFilter, RuleView, Selection,
            StarterView,
        },
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, Nothing, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for NewRule {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewRule::read(sent)
    }
}

impl ReadBody for RuleChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        RuleChange::read(sent)
    }
}

impl ReadBody for Selection {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Selection::read(sent)
    }
}

impl ReadBody for BacktestBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        BacktestBody::read(sent)
    }
}

impl ReadBody for LongBacktestBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        LongBacktestBody::read(sent)
    }
}

fn filter_of(query: &Query) -> Result<RuleFilter, FieldErrors> {
    let preset = |name: &str| match name {
        "PRESET" => Some(true),
        "CUSTOM" => Some(false),
        _ => None,
    };
    let read = |item: &str| match item.strip_prefix('-') {
        Some(name) => Order::from_name(name).map(|order| (order, true)),
        None => Order::from_name(item).map(|order| (order, false)),
    };
    let (is_preset, mode) = (query.choice("source", preset), query.choice("mode", Mode::from_name));
    let (is_preset, mode) = match (is_preset, mode) {
        (Ok(is_preset), Ok(mode)) => (is_preset, mode),
        (Err(mut errors), Err(more)) => {
            errors.append(more);
            return Err(errors);
        }
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => return Err(errors),
    };
    Ok(RuleFilter {
        is_preset,
        category: query.text("category"),
        mode,
        bundle: query.text("bundle"),
        search: query.text("search"),
        ordering: query.list("ordering").unwrap_or_default().into_iter().filter_map(read).collect(),
    })
}

/// A page of rules.
pub async fn list(State(app): State<App>, caller: Caller, query: Query, paging: Paging) -> ApiResult<Reply<Page<RuleView>>> {
    Ok(Reply(paging.page_of(50, rules::list(&app, &caller, filter_of(&query)?).await?)))
}

/// Makes a rule.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<NewRule>) -> ApiResult<Reply<RuleView>> {
    Ok(Reply(rules::create(&app, &caller, body).await?))
}

/// One rule.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<RuleId>) -> ApiResult<Reply<RuleView>> {
    Ok(Reply(rules::show(&app, &caller, id).await?))
}

/// Changes a rule.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<RuleId>,
    Json(body): Json<RuleChange>,
) -> ApiResult<Reply<RuleView>> {
    Ok(Reply(rules::update(&app, &caller, id, body).await?))
}

/// Removes a rule.
pub async fn delete(State(app): State<App>, caller: Caller, Ids(id): Ids<RuleId>) -> ApiResult<Nothing> {
    rules::remove(&app, &caller, id).await?;
    Ok(Nothing)
}

/// A page of the library.
pub async fn library(
    State(app): State<App>,
    caller: Caller,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<StarterView>>> {
    let wanted = (query.get("bundle"), query.get("category"), query.get("search"));
    Ok(Reply(paging.page_of(50, rules::library(&app, &caller, wanted).await?)))
}

/// Installs rules of the library.
pub async fn install(State(app): State<App>, caller: Caller, Json(body): Json<Selection>) -> ApiResult<Reply<Installed>> {
    Ok(Reply(rules::install(&app, &caller, body).await?))
}

/// Uninstalls rules of the library.
pub async fn uninstall(State(app): State<App>, caller: Caller, Json(body): Json<Selection>) -> ApiResult<Reply<Installed>> {
    Ok(Reply(rules::uninstall(&app, &caller, body).await?))
}

/// What a rule would have matched of the newest transactions.
pub async fn backtest(State(app): State<App>, caller: Caller, Json(body): Json<BacktestBody>) -> ApiResult<Reply<Estimate>> {
    Ok(Reply(rules::estimate(&app, &caller, body).await?))
}

/// The same of all transactions of a period, told while it goes on, as lines of JSON. It ends when nobody reads on.
pub async fn long_backtest(State(app): State<App>, caller: Caller, Json(body): Json<LongBacktestBody>) -> ApiResult<Response> {
    let test = rules::start(&app, &caller, body).await?;
    let lines = stream::try_unfold(test, async |mut test| {
        let line = test.next().await.map_err(cut)?;
        Ok::<_, std::io::Error>(line.map(|line| (Bytes::from(format!("{line}\n")), test)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// Ends the connection in the middle: what has gone out cannot be taken back, but it must not look whole.
fn cut(error: Error) -> std::io::Error {
    tracing::error!(%error, "a test of a rule was not told to its end");
    std::io::Error::other("not told to its end")
}
