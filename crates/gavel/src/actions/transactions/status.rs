//! A person changes where a transaction stands (`/x/`). What it was decided with, its score and its reason stay as they were.

use gavel_core::{
    ids::TransactionId,
    json::{FieldErrors, Fields, Value, read},
    transaction::TransactionStatus,
};
use serde_json::json;

use super::{
    create::source_of,
    view::{self, Detail},
};
use crate::{
    actions::{Caller, Error, events},
    app::App,
    clock::new_id,
    store::{
        applications::{self, Counter},
        transaction_parts::{self as parts, TransactionActivity},
        transaction_rules, transactions,
    },
};

/// Longest comment, in characters.
const COMMENT: usize = 10_000;

/// A change as sent.
pub struct StatusChange {
    status: TransactionStatus,
    comment: Option<String>,
}

impl StatusChange {
    /// Reads the body. Nobody is made to wait for a user by hand: that takes a session.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let settable = |name: &str| TransactionStatus::from_name(name).filter(|to| *to != TransactionStatus::AwaitingUser);
        let status = fields.required("status", read::choice_of(settable));
        let comment = fields.optional("comment", read::text(COMMENT));
        fields.finish(|| Some(Self { status: status?, comment: comment? }))
    }
}

/// Sets the status; to the same one nothing happens.
pub async fn set_status(
    app: &App,
    caller: &Caller,
    id: TransactionId,
    body: Result<StatusChange, FieldErrors>,
) -> Result<Detail, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let mut row = transactions::lock_transaction(tx, application.id, id).await?.ok_or(Error::NOT_FOUND)?;
            let change = body?;
            let from = std::mem::replace(&mut row.head.status, change.status);
            if from == change.status {
                return view::detail(tx, &app, &application, row).await;
            }
            row.version += 1;
            transactions::set_status(tx, &row).await?;
            // Under the lock new transactions count their rules under, so that two never wait for each other's rules.
            applications::lock_current(tx, application.id, Counter::TransactionNumber).await?;
            transaction_rules::move_matches(tx, id, from, change.status).await?;
            let activity = TransactionActivity {
                id: new_id(),
                activity_type: "TRANSACTION_STATUS_CHANGED".to_owned(),
                source: source_of(&caller.actor).to_owned(),
                status: Some(change.status.as_str().to_owned()),
                title: Some("Status changed".to_owned()),
                description: change.comment,
                metadata: json!({
                    "previous_status": from,
                    "new_status": change.status,
                    "actor_name": caller.actor.display(),
                    "actor_email": caller.actor.email(),
                }),
                occurred_at: now,
            };
            let ordinal = parts::next_activity(tx, id).await?;
            parts::insert_activity(tx, id, ordinal, &activity).await?;
            let version = row.version;
            let detail = view::detail(tx, &app, &application, row).await?;
            events::transaction_updated(tx, &application, (id, version), &detail, Some(from), now).await?;
            caller.audit(tx, "transaction.status_updated", &[("transaction", id.0)], now).await?;
            Ok(detail)
        })
    })
    .await
}
