//! Where a transaction stands is changed after it was decided, by a person (`/x/`) or because its waiting is over. What it was
//! decided with, its score and its reason stay as they were.

use gavel_core::{
    ids::TransactionId,
    json::{FieldErrors, Fields, Value, read},
    time::Timestamp,
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
        Tx,
        applications::{self, Application, Counter},
        transaction_parts::{self as parts, TransactionActivity},
        transaction_rules,
        transactions::{self, Transaction},
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
            let row = transactions::lock_transaction(tx, application.id, id).await?.ok_or(Error::NOT_FOUND)?;
            let change = body?;
            if row.head.status == change.status {
                return view::detail(tx, &app, &application, row).await;
            }
            move_to(tx, (&app, &caller, &application), row, (change.status, change.comment), now).await
        })
    })
    .await
}

/// Moves a locked transaction that stands elsewhere: row, counts of rules, activity, event and audit row together.
pub(super) async fn move_to(
    tx: &mut Tx,
    (app, caller, application): (&App, &Caller, &Application),
    mut row: Transaction,
    (to, comment): (TransactionStatus, Option<String>),
    now: Timestamp,
) -> Result<Detail, Error> {
    let (id, from) = (row.id, std::mem::replace(&mut row.head.status, to));
    row.version += 1;
    transactions::set_status(tx, &row).await?;
    // Under the lock new transactions count their rules under, so that two never wait for each other's rules.
    applications::lock_current(tx, application.id, Counter::TransactionNumber).await?;
    transaction_rules::move_matches(tx, id, from, to).await?;
    let activity = TransactionActivity {
        id: new_id(),
        activity_type: "TRANSACTION_STATUS_CHANGED".to_owned(),
        source: source_of(&caller.actor).to_owned(),
        status: Some(to.as_str().to_owned()),
        title: Some("Status changed".to_owned()),
        description: comment,
        metadata: json!({
            "previous_status": from,
            "new_status": to,
            "actor_name": caller.actor.display(),
            "actor_email": caller.actor.email(),
        }),
        occurred_at: now,
    };
    let ordinal = parts::next_activity(tx, id).await?;
    parts::insert_activity(tx, id, ordinal, &activity).await?;
    let version = row.version;
    let detail = view::detail(tx, app, application, row).await?;
    events::transaction_updated(tx, application, (id, version), &detail, Some(from), now).await?;
    caller.audit(tx, "transaction.status_updated", &[("transaction", id.0)], now).await?;
    Ok(detail)
}
