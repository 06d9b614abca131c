//! The single-URL webhook configuration of older clients (contract, webhooks §8).
//!
//! While there is a URL it is a destination like any other, and that destination is what holds version and secret; the
//! application keeps both for the time when there is none. Whoever changes one side changes the other with it.

use gavel_core::{
    ids::{ApplicationId, DestinationId},
    json::{FieldErrors, Fields, Sent, Value, read},
    time::Timestamp,
    webhook::EventType,
};
use serde::Serialize;

use super::{
    Caller, Error,
    destinations::{self as actions, open_secret},
};
use crate::{
    app::App,
    clock::{new_id, random_text},
    store::{
        Tx,
        applications::{self, SingleUrl},
        destinations::{self, Counts, Destination},
        outbox,
    },
};

/// A change as sent.
pub struct SingleUrlBody {
    webhook_url: Sent<String>,
    webhook_version: Option<&'static str>,
    rotate_secret_key: bool,
    capture_method: Option<&'static str>,
    data_retention_months: Sent<i64>,
}

impl SingleUrlBody {
    /// Reads the body of a change.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let url = fields.nullable("webhook_url", read::filled(read::text(read::URL_LIMIT)));
        let version = fields.optional("webhook_version", read::choice(&["v1", "v2", "v3"]));
        let rotate = fields.optional("rotate_secret_key", read::boolean);
        let capture = fields.optional("capture_method", read::choice(&["mobile", "desktop", "both"]));
        let months = fields.nullable("data_retention_months", read::integer(1, 120));
        fields.finish(|| {
            Some(Self {
                webhook_url: url?,
                webhook_version: version?,
                rotate_secret_key: rotate?.unwrap_or(false),
                capture_method: capture?,
                data_retention_months: months?,
            })
        })
    }
}

/// The configuration as answered.
#[derive(Debug, Serialize)]
pub struct SingleUrlView {
    webhook_url: Option<String>,
    webhook_version: String,
    secret_shared_key: String,
    capture_method: String,
    data_retention_months: Option<i64>,
}

/// Where the application's own secret is kept.
pub(super) fn place(id: ApplicationId) -> String {
    format!("application {id}")
}

fn own_secret(app: &App, id: ApplicationId, single: &SingleUrl) -> Result<String, Error> {
    let bytes = app.secrets.open(&place(id), &single.secret);
    let bytes = bytes.ok_or_else(|| Error::fault("an application's webhook secret does not open"))?;
    String::from_utf8(bytes).map_err(Error::fault)
}

impl SingleUrlView {
    fn of(app: &App, id: ApplicationId, single: SingleUrl, destination: Option<Destination>) -> Result<Self, Error> {
        let (url, version, secret) = match destination {
            Some(it) => (Some(it.url), it.webhook_version, open_secret(app, it.id, &it.secret)?),
            None => (None, single.webhook_version.clone(), own_secret(app, id, &single)?),
        };
        Ok(Self {
            webhook_url: url,
            webhook_version: version,
            secret_shared_key: secret,
            capture_method: single.capture_method,
            data_retention_months: single.data_retention_months,
        })
    }
}

/// The configuration.
pub async fn show(app: &App, caller: &Caller) -> Result<SingleUrlView, Error> {
    let (app_, id) = (app.clone(), caller.application);
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let single = applications::find_single_url(tx, id).await?.ok_or(Error::NOT_FOUND)?;
                let live = destinations::list_destinations(tx, id).await?;
                SingleUrlView::of(&app_, id, single, live.into_iter().find(|it| it.is_single_url))
            })
        })
        .await
}

/// Changes it. A URL makes or moves the destination `Default`, null deletes it.
pub async fn update(app: &App, caller: &Caller, body: Result<SingleUrlBody, FieldErrors>) -> Result<SingleUrlView, Error> {
    let body = body?;
    if let Sent::Value(url) = &body.webhook_url {
        app.outbound.check(url).map_err(|refused| Error::field("webhook_url", refused.text()))?;
    }
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let id = caller_.application;
            applications::lock_settings(tx, id).await?;
            let mut single = applications::find_single_url(tx, id).await?.ok_or(Error::NOT_FOUND)?;
            let current = destinations::lock_single_url(tx, id).await?;
            if body.rotate_secret_key {
                single.secret = app_.secrets.seal(&place(id), random_text::<32>().as_bytes());
            }
            single.webhook_version = body.webhook_version.map_or(single.webhook_version, str::to_owned);
            single.capture_method = body.capture_method.map_or(single.capture_method, str::to_owned);
            single.data_retention_months = body.data_retention_months.over(single.data_retention_months);
            applications::set_single_url(tx, id, &single).await?;
            let destination = match (current, body.webhook_url) {
                (None, Sent::Absent | Sent::Null) => None,
                (None, Sent::Value(url)) => Some(make(tx, &app_, id, &single, url, now).await?),
                (Some(it), Sent::Null) => {
                    outbox::drop_waiting(tx, it.id).await?;
                    destinations::set_deleted(tx, it.id, now).await?;
                    None
                }
                (Some(it), url) => Some(change(tx, &app_, it, &single, url.over(None), now, body.rotate_secret_key).await?),
            };
            caller_.audit(tx, "webhook.updated", &[("application", id.0)], now).await?;
            SingleUrlView::of(&app_, id, single, destination)
        })
    })
    .await
}

fn url_taken() -> Error {
    Error::field("webhook_url", "This webhook destination already exists for the application.")
}

async fn make(
    tx: &mut Tx,
    app: &App,
    application: ApplicationId,
    single: &SingleUrl,
    url: String,
    now: Timestamp,
) -> Result<Destination, Error> {
    let id: DestinationId = new_id();
    let secret = own_secret(app, application, single)?;
    let destination = Destination {
        id,
        application,
        label: "Default".to_owned(),
        url,
        enabled: true,
        webhook_version: single.webhook_version.clone(),
        subscribed_events: vec![EventType::StatusUpdated, EventType::DataUpdated],
        secret: app.secrets.seal(&actions::place(id), secret.as_bytes()),
        previous: None,
        is_single_url: true,
        paused: None,
        counts: Counts::default(),
        created_at: now,
        updated_at: now,
    };
    match destinations::insert_destination(tx, &destination).await? {
        true => Ok(destination),
        false => Err(url_taken()),
    }
}

async fn change(
    tx: &mut Tx,
    app: &App,
    mut destination: Destination,
    single: &SingleUrl,
    url: Option<String>,
    now: Timestamp,
    rotates: bool,
) -> Result<Destination, Error> {
    destination.url = url.unwrap_or(destination.url);
    destination.webhook_version = single.webhook_version.clone();
    destination.updated_at = now;
    if !destinations::set_destination(tx, &destination).await? {
        return Err(url_taken());
    }
    if rotates {
        let secret = own_secret(app, destination.application, single)?;
        destination.secret = app.secrets.seal(&actions::place(destination.id), secret.as_bytes());
        destinations::set_secret(tx, destination.id, &destination.secret, None, now).await?;
    }
    Ok(destination)
}

/// After a change of a destination through its own address: what it now has is the configuration's too.
pub(super) async fn note_version(tx: &mut Tx, destination: &Destination) -> Result<(), Error> {
    if destination.is_single_url {
        applications::set_webhook_version(tx, destination.application, &destination.webhook_version).await?;
    }
    Ok(())
}

/// The same for a new secret.
pub(super) async fn note_secret(tx: &mut Tx, app: &App, destination: &Destination, secret: &str) -> Result<(), Error> {
    if destination.is_single_url {
        let sealed = app.secrets.seal(&place(destination.application), secret.as_bytes());
        applications::set_webhook_secret(tx, destination.application, &sealed).await?;
    }
    Ok(())
}
