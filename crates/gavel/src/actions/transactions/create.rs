//! A transaction is created: screened before the transaction of the database, decided and written inside it.

use std::sync::Arc;

use gavel_core::{
    access::Actor,
    ids::TransactionId,
    json::FieldErrors,
    subject::SubjectStatus,
    time::Timestamp,
    transaction::{Decided, Match, NewTransaction, Severity, Source, Weighing, facts, reason_of},
};
use serde_json::{Value as Json, json};

use super::{
    parties::{self, Participant},
    screening::Screened,
    view::{self, Detail},
};
use crate::{
    actions::{Caller, Error, events, subjects},
    app::App,
    clock::new_id,
    store::{
        Tx,
        applications::{self, Counter},
        settings, subjects as subject_rows,
        transaction_parts::{self as parts, Alert, TransactionActivity},
        transactions::{self, Head, Transaction},
    },
};

const DAY: i64 = 86_400;

/// Creates a transaction and decides it.
pub async fn create(app: &App, caller: &Caller, body: Result<NewTransaction, FieldErrors>) -> Result<Detail, Error> {
    let new = body?;
    let screened = Screened::of(app.live.snapshot(caller.application).await?, &new, app.clock.now());
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| Box::pin(async move { record(tx, &app_, &caller_, new, screened).await })).await
}

/// The transaction; its checks come in the contract's order.
async fn record(tx: &mut Tx, app: &App, caller: &Caller, new: NewTransaction, mut screened: Screened) -> Result<Detail, Error> {
    let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
    if transactions::is_known(tx, application.id, &new.transaction_id).await? {
        return Err(already_there());
    }
    // Nobody adds an entry about the subject, and nobody else makes its record, before this one is written.
    let (kind, vendor_data) = (new.subject.kind(), new.subject.vendor_data.as_deref());
    subjects::sessions::hold(tx, application.id, kind, vendor_data).await?;
    let now = app.clock.now();
    let index = app.live.within(tx, application.id, &screened.index).await?;
    if !Arc::ptr_eq(&index, &screened.index) {
        screened = Screened::of(index, &new, now);
    }
    screened.refuse_blocked(&new)?;
    let subject = subjects::sessions::meet(tx, application.id, kind, vendor_data, now).await?;
    let counterparty = find_counterparty(tx, caller, &new).await?;
    let flagged = [subject.as_ref().map(|(subject, _)| subject.status), counterparty].contains(&Some(SubjectStatus::Flagged));
    let matches = screened.matches();
    let thresholds = settings::find_switches(tx, application.id).await?.ok_or(Error::NOT_FOUND)?.transaction_scores;
    let decided = Weighing { matches: &matches, rules: &[], flagged, thresholds }.weigh();
    let participants = parties::of(&new, counterparty.is_some());
    let at = new.at.unwrap_or(now);
    let days_before = days_before(tx, caller, &new, at).await?;
    let number = applications::take_next(tx, application.id, Counter::TransactionNumber).await?;
    let row = row_of(&new, &participants, (number, at, now), decided, (&screened, days_before));
    if !transactions::insert_transaction(tx, application.id, &row).await? {
        return Err(already_there());
    }
    write_parts(tx, caller, &row, &participants, &screened, &matches).await?;
    let id = row.id;
    let made = subject.filter(|(_, is_new)| *is_new).map(|(subject, _)| (kind.as_str(), subject.id.0));
    let detail = view::detail(tx, app, &application, row).await?;
    events::transaction_created(tx, &application, id, &detail, now).await?;
    let objects: Vec<_> = std::iter::once(("transaction", id.0)).chain(made).collect();
    caller.audit(tx, "transaction.created", &objects, now).await?;
    Ok(detail)
}

fn already_there() -> Error {
    Error::field("transaction_id", "A transaction with this transaction_id already exists.")
}

/// Where the user or business on the other side stands; `None`: the application knows nobody of that name.
async fn find_counterparty(tx: &mut Tx, caller: &Caller, new: &NewTransaction) -> Result<Option<SubjectStatus>, Error> {
    let Some(party) = &new.counterparty else { return Ok(None) };
    let Some(vendor_data) = &party.vendor_data else { return Ok(None) };
    let known = subject_rows::find_by_vendor_data(tx, caller.application, party.kind(), vendor_data).await?;
    Ok(known.map(|known| known.status))
}

/// Whole days since the subject's transaction before this one.
async fn days_before(tx: &mut Tx, caller: &Caller, new: &NewTransaction, at: Timestamp) -> Result<Option<i64>, Error> {
    let Some(vendor_data) = &new.subject.vendor_data else { return Ok(None) };
    let known = (new.subject.kind(), vendor_data.as_str());
    let previous = transactions::find_previous_date(tx, caller.application, known, at).await?;
    Ok(previous.map(|previous| (at.as_unix_seconds() - previous.as_unix_seconds()) / DAY))
}

fn row_of(
    new: &NewTransaction,
    participants: &[Participant<'_>],
    (number, at, now): (u64, Timestamp, Timestamp),
    decided: Decided,
    (screened, days_before): (&Screened, Option<i64>),
) -> Transaction {
    let network = new
        .network_snapshot
        .as_ref()
        .map(|sent| json!({ "uuid": new_id::<uuid::Uuid>(), "nodes": sent.nodes, "edges": sent.edges, "metrics": sent.metrics }));
    Transaction {
        id: new_id(),
        head: Head {
            number,
            txn_id: new.transaction_id.clone(),
            category: new.category,
            action_type: new.action_type.clone(),
            status: decided.status,
            direction: new.direction,
            amount: new.amount.clone(),
            currency: new.currency.clone(),
            payment_details: new.payment_details.clone(),
            score: decided.score,
            severity: decided.severity,
            reason: decided.reason,
            subject: parties::named(Some(&new.subject)),
            counterparty: parties::named(new.counterparty.as_ref()),
            txn_date: at,
            created_at: now,
        },
        version: 1,
        source: Source::Live,
        currency_kind: new.currency_kind,
        amount_in_default_currency: new.amount_in_default_currency.clone(),
        default_currency: new.default_currency.clone(),
        payment_txn_id: new.payment_reference_id.clone(),
        zone_id: new.time_zone.clone(),
        subject_kind: new.subject.kind(),
        parties: participants.iter().map(Participant::shown).collect(),
        payment_methods: participants.iter().filter_map(|party| party.shown_method(new.direction)).collect(),
        props: Json::Object(new.custom_properties.clone()),
        network_snapshot: network,
        facts: Json::Object(facts(new, days_before)),
        remediation_session: None,
        lists_revision: screened.index.revision(),
        evaluated_at: screened.at,
    }
}

/// What hangs on the row: values, hits, alerts, the first activity.
async fn write_parts(
    tx: &mut Tx,
    caller: &Caller,
    row: &Transaction,
    participants: &[Participant<'_>],
    screened: &Screened,
    matches: &[Match],
) -> Result<(), Error> {
    let now = row.head.created_at;
    for (value, hits) in &screened.values {
        parts::insert_signal(tx, (caller.application, row.id), value, now).await?;
        let party =
            participants.iter().find(|party| party.side == value.side).ok_or_else(|| Error::fault("a value of nobody"))?;
        for hit in hits {
            parts::insert_hit(tx, row.id, (value.side, party.id, value.value.entry_type()), hit, screened.at).await?;
        }
    }
    for (ordinal, found) in (1..).zip(matches) {
        write_alert(tx, row.id, ordinal, found, now).await?;
    }
    let activity = TransactionActivity {
        id: new_id(),
        activity_type: "TRANSACTION_CREATED".to_owned(),
        source: source_of(&caller.actor).to_owned(),
        status: Some(row.head.status.as_str().to_owned()),
        title: Some("Transaction created".to_owned()),
        description: None,
        metadata: json!({}),
        occurred_at: now,
    };
    Ok(parts::insert_activity(tx, row.id, 1, &activity).await?)
}

async fn write_alert(tx: &mut Tx, id: TransactionId, ordinal: u64, found: &Match, now: Timestamp) -> Result<(), Error> {
    let (_, title) = reason_of(found.entry_type).ok_or_else(|| Error::fault("a match of a type nobody asks about"))?;
    let whose = found.side.as_str();
    let metadata = json!({ "list_uuid": found.list, "entry_uuid": found.entry, "party": whose });
    let held = if found.held { " The entry is held for review." } else { "" };
    let alert = Alert {
        id: new_id(),
        title: title.to_owned(),
        description: Some(format!("A value of the {whose} matches an entry of a blocklist.{held}")),
        severity: Severity::Critical,
        status: "OPEN".to_owned(),
        source: "RULE".to_owned(),
        metadata,
        created_at: now,
        due_at: None,
    };
    Ok(parts::insert_alert(tx, id, ordinal, &alert).await?)
}

/// Where a change of a transaction came from, as activities tell it.
fn source_of(actor: &Actor) -> &'static str {
    match actor {
        Actor::ApiKey { .. } => "API",
        Actor::Member { .. } => "CONSOLE",
        Actor::System => "SYSTEM",
    }
}
