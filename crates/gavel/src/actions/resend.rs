//! Sending an event again by hand (contract, webhooks §7): at once, once, beside the queue.

use gavel_core::ids::{DeliveryId, DestinationId};

use super::{
    Caller, Error,
    destinations::{DeliveryView, NOT_FOUND},
};
use crate::{
    app::App,
    store::{deliveries, destinations, outbox::Claimed},
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

async fn send(app: &App, caller: &Caller, event: Claimed) -> Result<DeliveryView, Error> {
    let attempt = attempt::make(app, &event).await?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            destinations::count_attempt(tx, event.destination, attempt.succeeded(), attempt.ms, attempt.began).await?;
            let application = event.application;
            let delivery = attempt.into_delivery(event);
            deliveries::insert_delivery(tx, application, &delivery).await?;
            let objects = [("destination", delivery.destination.0), ("delivery", delivery.id.0)];
            caller_.audit(tx, "delivery.resent", &objects, now).await?;
            Ok(DeliveryView::from(delivery))
        })
    })
    .await
}
