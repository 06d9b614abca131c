//! Telling the customer's systems: every event is queued in the transaction of its cause (contract, webhooks §1, §2).

use gavel_core::{ids::TransactionId, session::SessionKind, time::Timestamp, transaction::TransactionStatus, webhook::EventType};
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{Error, decision, subjects, transactions::Detail};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        applications::Application,
        destinations,
        events::{self, Event},
        outbox,
        sessions::Session,
    },
};

/// Queues `status.updated` for a session whose row has just been written. Answers the decision, when the event carries one.
pub async fn status_updated(
    tx: &mut Tx,
    app: &App,
    application: &Application,
    session: &Session,
    resubmit_info: Option<Value>,
) -> Result<Option<Box<RawValue>>, Error> {
    let mut payload = envelope(app, application, session, EventType::StatusUpdated);
    if let Some(info) = resubmit_info {
        payload.insert("resubmit_info".into(), info);
    }
    queue_for_session(tx, app, application, session, EventType::StatusUpdated, payload).await
}

/// The same, for whoever answers with the decision: it is put together once, whether or not the event carries it.
pub async fn status_updated_for_answer(
    tx: &mut Tx,
    app: &App,
    application: &Application,
    session: &Session,
) -> Result<Box<RawValue>, Error> {
    match status_updated(tx, app, application, session, None).await? {
        Some(decision) => Ok(decision),
        None => decision::load(tx, app, application, session).await,
    }
}

/// Queues `data.updated` for a session whose row has just been written; its version has moved, because events of a session
/// are delivered in the order of its versions.
pub async fn data_updated(
    tx: &mut Tx,
    app: &App,
    application: &Application,
    session: &Session,
    changed_fields: &[String],
) -> Result<(), Error> {
    let mut payload = envelope(app, application, session, EventType::DataUpdated);
    payload.insert("trigger".into(), json!("manual_review"));
    payload.insert("changed_fields".into(), json!(changed_fields));
    queue_for_session(tx, app, application, session, EventType::DataUpdated, payload).await?;
    Ok(())
}

fn envelope(app: &App, application: &Application, session: &Session, event_type: EventType) -> Map<String, Value> {
    let mut payload = Map::new();
    let mut put = |name: &str, value: Value| payload.insert(name.to_owned(), value);
    put("webhook_type", event_type.as_str().into());
    put("created_at", app.clock.now().as_unix_seconds().into());
    put("application_id", application.id.to_string().into());
    put("environment", application.environment.as_str().into());
    put("session_id", session.id.to_string().into());
    put("status", session.status.as_str().into());
    put("vendor_data", session.vendor_data.clone().into());
    put("metadata", decision::raw(session.metadata.as_deref()));
    put("workflow_id", session.workflow_id.map(|id| id.to_string()).into());
    put("workflow_version", session.workflow_version.into());
    if session.kind == SessionKind::Business {
        put("business_session_id", session.id.to_string().into());
        put("session_kind", json!("business"));
    }
    payload
}

/// What an event about a session says.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(flatten)]
    envelope: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a RawValue>,
}

/// Queues an event, with the decision where its status calls for one. Answers that decision.
async fn queue_for_session(
    tx: &mut Tx,
    app: &App,
    application: &Application,
    session: &Session,
    event_type: EventType,
    mut envelope: Map<String, Value>,
) -> Result<Option<Box<RawValue>>, Error> {
    if session.kind == SessionKind::Business {
        let id = subjects::sessions::find_id(tx, application.id, session).await?;
        envelope.insert("vendor_business_id".into(), id.map(|id| id.to_string()).into());
    }
    let decision = match session.status.is_in_decision_webhooks() {
        true => Some(decision::load(tx, app, application, session).await?),
        false => None,
    };
    let payload = Payload { envelope, decision: decision.as_deref() };
    let event = Event {
        id: new_id(),
        application: application.id,
        event_type,
        object: session.id.0,
        sequence: session.version,
        session: Some(session.id),
        payload: serde_json::to_string(&payload).map_err(Error::fault)?,
        at: app.clock.now(),
    };
    queue(tx, &event).await?;
    Ok(decision)
}

/// Queues `transaction.created` for a transaction whose row has just been written, or, where it stood elsewhere before,
/// `transaction.status.updated`.
pub(super) async fn transaction_updated(
    tx: &mut Tx,
    application: &Application,
    (id, version): (TransactionId, u64),
    detail: &Detail,
    from: Option<TransactionStatus>,
    at: Timestamp,
) -> Result<(), Error> {
    let event_type = match from {
        None => EventType::TransactionCreated,
        Some(_) => EventType::TransactionStatusUpdated,
    };
    let transaction = serde_json::to_value(detail).map_err(Error::fault)?;
    let mut payload = json!({
        "webhook_type": event_type.as_str(),
        "created_at": at.as_unix_seconds(),
        "application_id": application.id.to_string(),
        "environment": application.environment.as_str(),
        "transaction_id": transaction["uuid"],
        "txn_id": transaction["txn_id"],
        "status": transaction["status"],
        "vendor_data": transaction["vendor_data"],
        "transaction": transaction,
    });
    if let Some(from) = from {
        payload["previous_status"] = from.as_str().into();
    }
    let event = Event {
        id: new_id(),
        application: application.id,
        event_type,
        object: id.0,
        sequence: version,
        session: None,
        payload: payload.to_string(),
        at,
    };
    queue(tx, &event).await
}

/// Writes an event once, and one waiting delivery for every destination that wants it now.
pub(super) async fn queue(tx: &mut Tx, event: &Event) -> Result<(), Error> {
    events::insert_event(tx, event).await?;
    for destination in destinations::list_for_event(tx, event.application).await? {
        if destination.enabled && destination.subscribed_events.contains(&event.event_type) {
            outbox::insert_waiting(tx, new_id(), event, &destination).await?;
            tx.wake_deliveries();
        }
    }
    Ok(())
}
