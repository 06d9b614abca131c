//! Transactions: created, shown, listed (contract, entities §4).
//!
//! A transaction is decided when it is created ([`create()`]): by the lists of that moment, by what is known of its participants
//! and by rules ([`ruling`]). What it was decided with is kept beside it. One that comes with a file of another system
//! ([`arrival`]) is not decided. [`view`] is the one form in which a transaction is shown, to callers and in events; a person
//! may change the status later ([`status`]), and the session a transaction waits for does ([`remediation`]).

mod arrival;
mod create;
mod listing;
mod parties;
mod remediation;
mod ruling;
mod screening;
mod status;
mod view;

use std::collections::HashMap;

use gavel_core::ids::TransactionId;

pub(super) use arrival::Arrival;
pub use create::create;
pub use remediation::end_waiting;
pub(super) use ruling::asked_for;
pub use status::{StatusChange, set_status};
pub use view::{Detail, Row};

use super::{Caller, Error};
use crate::{
    app::App,
    store::{applications, transaction_rule_runs, transactions},
};

/// One transaction with everything.
pub async fn show(app: &App, caller: &Caller, id: TransactionId) -> Result<Detail, Error> {
    let (application, app_) = (caller.application, app.clone());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let application = applications::find_application(tx, application).await?.ok_or(Error::NOT_FOUND)?;
                let found = transactions::find_transaction(tx, application.id, id).await?.ok_or(Error::NOT_FOUND)?;
                view::detail(tx, &app_, &application, found).await
            })
        })
        .await
}

/// A page of transactions, the latest first, and how many there are.
pub async fn list(app: &App, caller: &Caller, window: (u64, u64)) -> Result<(Vec<Row>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let (found, total) = transactions::list_transactions(tx, application, window).await?;
                let ids: Vec<TransactionId> = found.iter().map(|(id, _)| *id).collect();
                let mut tags: HashMap<TransactionId, Vec<_>> = HashMap::new();
                for (id, tag) in transaction_rule_runs::list_tags(tx, &ids).await? {
                    tags.entry(id).or_default().push(tag);
                }
                let rows = found.into_iter().map(|(id, head)| Row::of(id, head, tags.remove(&id).unwrap_or_default()));
                Ok((rows.collect(), total))
            })
        })
        .await
}
