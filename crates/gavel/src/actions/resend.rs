//! Sending an event again by hand (contract, webhooks §7): at once, once, beside the queue.

use gavel_core::{
    ids::{DeliveryId, DestinationId, SessionId},
    webhook::EventType,
};
use serde_json::json;

use super::{
    Caller, Error,
    destinations::{DeliveryView, NOT_FOUND},
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        applications, deliveries,
        destinations::{self, Tally},
        events,
        outbox::Claimed,
    },
    workers::attempt,
};

/// Sends what an earlier attempt sent to where it was sent, signed anew. Answers the new attempt when it has ended; it is
/// recorded even when the caller has gone by then.
pub async fn resend(app: &App, caller: &Caller, id: DestinationId, delivery: DeliveryId) -> Result<DeliveryView, Error> {
    let (application, app, caller) = (caller.application, app.clone(), caller.clone());
    let event = app
        .store
        .read(move |tx| {
            Box::pin(async move {
                destinations::find_destination(tx, application, id).await?.ok_or(NOT_FOUND)?;
                deliveries::find_to_resend(tx, id, delivery).await?.ok_or(Error::NOT_FOUND)
            })
        })
        .await?;
    tokio::spawn(async move { send(&app, &caller, event).await }).await.map_err(Error::fault)?
}

/// Sends an event that did not happen, marked as a test, also to a paused or disabled destination. The attempt is recorded
/// and counted; it is never repeated.
pub async fn test(app: &App, caller: &Caller, id: DestinationId) -> Result<DeliveryView, Error> {
    let (application, app, caller) = (caller.application, app.clone(), caller.clone());
    let (destination, environment) = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let found = destinations::find_destination(tx, application, id).await?.ok_or(NOT_FOUND)?;
                let application = applications::find_application(tx, application).await?.ok_or(NOT_FOUND)?;
                Ok((found, application.environment))
            })
        })
        .await?;
    let session: SessionId = new_id();
    let payload = json!({
        "webhook_type": EventType::StatusUpdated,
        "created_at": app.clock.now().as_unix_seconds(),
        "application_id": application,
        "environment": environment.as_str(),
        "session_id": session,
        "status": "In Progress",
        "vendor_data": null,
        "metadata": { "test_webhook": true },
        "workflow_id": null,
        "workflow_version": null,
    });
    let event = Claimed {
        id: new_id(),
        event: new_id(),
        destination: id,
        application,
        attempts: 0,
        token: new_id(),
        url: destination.url,
        webhook_version: destination.webhook_version,
        secret: destination.secret,
        previous: destination.previous,
        event_type: EventType::StatusUpdated,
        session: Some(session),
        payload: payload.to_string(),
        is_test: true,
    };
    tokio::spawn(async move { send(&app, &caller, event).await }).await.map_err(Error::fault)?
}

async fn send(app: &App, caller: &Caller, event: Claimed) -> Result<DeliveryView, Error> {
    let attempt = attempt::make(app, &event).await?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut tally = Tally::default();
            tally.add(attempt.succeeded(), attempt.ms, attempt.began);
            destinations::count_attempts(tx, event.destination, &tally).await?;
            if !event.is_test && !events::hold(tx, event.event).await? {
                return Err(Error::NOT_FOUND); // Erased, or too old, since it was looked up.
            }
            let kind = if event.is_test { "destination.tested" } else { "delivery.resent" };
            let delivery = attempt.into_delivery(&event);
            deliveries::insert_deliveries(tx, &[&delivery]).await?;
            let objects = [("destination", delivery.destination.0), ("delivery", delivery.id.0)];
            caller_.audit(tx, kind, &objects, now).await?;
            Ok(DeliveryView::from(delivery))
        })
    })
    .await
}
