//! A transaction is created: screened before the transaction of the database, decided and written inside it.

use std::sync::Arc;

use gavel_core::{
    access::Actor,
    ids::{ApplicationId, TransactionId},
    json::FieldErrors,
    rules::Facts,
    session::SessionKind,
    subject::SubjectStatus,
    time::Timestamp,
    transaction::{Decided, Match, NewTransaction, Severity, Source, Weighing, facts, reason_of},
};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{
    listing,
    parties::{self, Participant},
    remediation,
    ruling::{self, Asked, Ruled},
    screening::Screened,
    view::{self, Detail},
};
use crate::{
    actions::{Caller, Error, events, subjects, transaction_rules::Lists},
    app::App,
    clock::new_id,
    live::RuleSet,
    store::{
        Tx,
        applications::{self, Counter},
        preview_transactions, settings, subjects as subject_rows,
        transaction_locks::{self, Reach},
        transaction_parts::{self as parts, Alert, TransactionActivity},
        transactions::{self, Head, Transaction},
    },
};

const DAY: i64 = 86_400;

/// Creates a transaction and decides it. Where the rules were changed meanwhile and look farther now, it is begun again,
/// holding everything any rule could look at.
pub async fn create(app: &App, caller: &Caller, body: Result<NewTransaction, FieldErrors>) -> Result<Detail, Error> {
    let new = body?;
    match attempt(app, caller, new.clone(), false).await {
        Err(Error::Again) => attempt(app, caller, new, true).await,
        done => done,
    }
}

async fn attempt(app: &App, caller: &Caller, new: NewTransaction, holds_all: bool) -> Result<Detail, Error> {
    let screened = Screened::of(app.live.snapshot(caller.application).await?, &new, app.clock.now());
    let rules = app.rule_sets.snapshot(&app.store, caller.application).await?;
    let begun = Begun { screened, rules, holds_all };
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| Box::pin(async move { record(tx, &app_, &caller_, new, begun).await })).await
}

/// What was looked up before the transaction of the database.
struct Begun {
    screened: Screened,
    rules: Arc<RuleSet>,
    /// Hold everything any rule could look at.
    holds_all: bool,
}

/// The transaction; its checks come in the contract's order.
async fn record(tx: &mut Tx, app: &App, caller: &Caller, new: NewTransaction, begun: Begun) -> Result<Detail, Error> {
    let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
    if transactions::is_known(tx, application.id, &new.transaction_id).await? {
        return Err(already_there());
    }
    let rules = hold(tx, app, application.id, &new, &begun).await?;
    let now = app.clock.now();
    let screened = begun.screened.at_last(tx, app, application.id, &new, now).await?;
    screened.refuse_blocked(&new)?;
    let (kind, vendor_data) = (new.subject.kind(), new.subject.vendor_data.as_deref());
    let subject = subjects::sessions::meet(tx, application.id, kind, vendor_data, now).await?;
    let counterparty = find_counterparty(tx, caller, &new).await?;
    let flagged = [subject.as_ref().map(|(subject, _)| subject.status), counterparty].contains(&Some(SubjectStatus::Flagged));
    let matches = screened.matches();
    let at = new.at.unwrap_or(now);
    let days_before = days_before(tx, caller, &new, at).await?;
    let facts = facts(&new, days_before);
    let ruled = ask_rules(tx, &rules, (application.id, facts.clone()), (&screened, &matches), (at, now)).await?;
    let thresholds = settings::find_switches(tx, application.id).await?.ok_or(Error::NOT_FOUND)?.transaction_scores;
    let decided = Weighing { matches: &matches, rules: &ruled.effects, flagged, thresholds }.weigh();
    let listed = listing::add_subject(tx, caller, &ruled.lists, &new, now).await?;
    let remediation = remediation::start(tx, app, caller, &new, (decided.status, ruled.workflow), now).await?;
    let participants = parties::of(&new, counterparty.is_some());
    let number = applications::take_next(tx, application.id, Counter::TransactionNumber).await?;
    let mut row = row_of(&new, &participants, (number, at, now), decided, (&screened, facts));
    row.remediation_session = remediation;
    if !transactions::insert_transaction(tx, application.id, &row).await? {
        return Err(already_there());
    }
    if flagged {
        preview_transactions::set_flagged(tx, row.id).await?;
    }
    write_parts(tx, caller, &row, &participants, &screened, &matches).await?;
    let id = row.id;
    ruled.write(tx, caller, (id, row.head.status), 1, now).await?;
    listing::audit(tx, caller, &listed, id, now).await?;
    let made = subject.filter(|(_, is_new)| *is_new).map(|(subject, _)| (kind.as_str(), subject.id.0));
    let detail = view::detail(tx, app, &application, row).await?;
    events::transaction_updated(tx, &application, (id, 1), &detail, None, now).await?;
    let objects: Vec<_> = std::iter::once(("transaction", id.0)).chain(made).collect();
    caller.audit(tx, "transaction.created", &objects, now).await?;
    Ok(detail)
}

/// Nobody adds an entry about the subject, and nobody else makes its record, before this one is written; nor does anybody
/// write a transaction that the rules of this one would have to count. Answers the rules, which do not change from here on.
async fn hold(
    tx: &mut Tx,
    app: &App,
    application: ApplicationId,
    new: &NewTransaction,
    Begun { rules: known, holds_all, .. }: &Begun,
) -> Result<Arc<RuleSet>, Error> {
    let (kind, vendor_data) = (new.subject.kind(), new.subject.vendor_data.as_deref());
    let reach = if *holds_all { Reach::Everybody } else { known.reach };
    let holds_namesakes = *holds_all || known.lists_subjects;
    match holds_namesakes {
        true => subjects::sessions::hold_namesakes(tx, application, vendor_data).await?,
        false => subjects::sessions::hold(tx, application, kind, vendor_data).await?,
    }
    transaction_locks::hold_past(tx, application, vendor_data, reach).await?;
    let rules = app.rule_sets.within(tx, application, known).await?;
    // Where less is held than the rules look at by now, it is too late to hold more.
    let suffices = reach >= rules.reach && holds_namesakes >= rules.lists_subjects;
    if suffices { Ok(rules) } else { Err(Error::Again) }
}

async fn ask_rules(
    tx: &mut Tx,
    rules: &RuleSet,
    (application, facts): (ApplicationId, Map<String, Json>),
    (screened, matches): (&Screened, &[Match]),
    (at, now): (Timestamp, Timestamp),
) -> Result<Ruled, Error> {
    let lists = Lists::of(tx, application, &rules.lists, (&screened.index, screened.at)).await?;
    let score = if matches.iter().any(|found| !found.held) { 100 } else { 0 };
    let asked = Asked { application, facts: Facts::new(facts), at, now, lists: &lists, score, is_found: !matches.is_empty() };
    ruling::run(tx, rules, asked).await
}

fn already_there() -> Error {
    Error::field("transaction_id", "A transaction with this transaction_id already exists.")
}

/// Where the user or business on the other side stands; `None`: the application knows nobody of that name.
pub(super) async fn find_counterparty(
    tx: &mut Tx,
    caller: &Caller,
    new: &NewTransaction,
) -> Result<Option<SubjectStatus>, Error> {
    let Some(party) = &new.counterparty else { return Ok(None) };
    find_status(tx, caller, (party.kind(), party.vendor_data.as_deref())).await
}

/// Where the user or business of this name stands; `None`: the application knows nobody of it.
pub(super) async fn find_status(
    tx: &mut Tx,
    caller: &Caller,
    (kind, vendor_data): (SessionKind, Option<&str>),
) -> Result<Option<SubjectStatus>, Error> {
    let Some(vendor_data) = vendor_data else { return Ok(None) };
    let known = subject_rows::find_by_vendor_data(tx, caller.application, kind, vendor_data).await?;
    Ok(known.map(|known| known.status))
}

/// Whole days since the subject's transaction before this one.
pub(super) async fn days_before(tx: &mut Tx, caller: &Caller, new: &NewTransaction, at: Timestamp) -> Result<Option<i64>, Error> {
    let Some(vendor_data) = &new.subject.vendor_data else { return Ok(None) };
    let known = (new.subject.kind(), vendor_data.as_str());
    let previous = transactions::find_previous_date(tx, caller.application, known, at).await?;
    Ok(previous.map(|previous| (at.as_unix_seconds() - previous.as_unix_seconds()) / DAY))
}

pub(super) fn row_of(
    new: &NewTransaction,
    participants: &[Participant<'_>],
    (number, at, now): (u64, Timestamp, Timestamp),
    decided: Decided,
    (screened, facts): (&Screened, Map<String, Json>),
) -> Transaction {
    let network = new
        .network_snapshot
        .as_ref()
        .map(|sent| json!({ "uuid": new_id::<Uuid>(), "nodes": sent.nodes, "edges": sent.edges, "metrics": sent.metrics }));
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
        facts: Json::Object(facts),
        remediation_session: None,
        lists_revision: screened.index.revision(),
        evaluated_at: screened.at,
    }
}

/// What hangs on the row: values, hits, alerts, the first activity.
pub(super) async fn write_parts(
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
pub(super) fn source_of(actor: &Actor) -> &'static str {
    match actor {
        Actor::ApiKey { .. } => "API",
        Actor::Member { .. } => "CONSOLE",
        Actor::System => "SYSTEM",
    }
}
