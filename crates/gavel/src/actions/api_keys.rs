//! The keys of an application (`/x/api-keys/`): listed, made and revoked by people and by keys with full access. Whoever
//! makes a key is kept with it: what it proposes, they cannot approve.

use gavel_core::{
    access::{Level, Resource, Scopes},
    ids::KeyId,
    json::{FieldError, FieldErrors, Fields, Value, read},
    time::Timestamp,
};
use ipnet::IpNet;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{Caller, Error, keys::new_secret};
use crate::{
    app::App,
    clock::new_id,
    secrets::digest,
    store::keys::{self, ApiKey},
};

/// Longest name, in characters.
const NAME: usize = 255;
/// Most addresses and ranges of a key.
const RANGES: usize = 100;

/// A key as sent.
pub struct NewKey {
    name: String,
    scopes: Scopes,
    ip_allowlist: Vec<IpNet>,
    expires_at: Option<Timestamp>,
}

impl NewKey {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let name = fields.required("name", read::filled(read::trimmed_text(NAME)));
        let scopes = fields.required("scopes", read_scopes);
        let ip_allowlist = fields.optional("ip_allowlist", |sent| match read::array(sent)?.len() {
            n if n > RANGES => Err(FieldError::too_many_elements(RANGES)),
            _ => read::list_of(read_range)(sent),
        });
        let expires_at = fields.optional("expires_at", read::timestamp);
        fields.finish(|| {
            Some(Self { name: name?, scopes: scopes?, ip_allowlist: ip_allowlist?.unwrap_or_default(), expires_at: expires_at? })
        })
    }
}

/// `"full"`, or a level per resource.
fn read_scopes(sent: &Value<'_>) -> Result<Scopes, FieldError> {
    if sent.as_text() == Some("full") {
        return Ok(Scopes::Full);
    }
    let members = read::object(sent)?;
    let (mut levels, mut errors) = (Vec::new(), FieldErrors::default());
    for (name, value) in members.iter() {
        let level = read::choice_of(Level::from_name)(value);
        match (Resource::from_name(name), level) {
            (Some(resource), Ok(level)) => levels.push((resource, level)),
            (None, _) => errors.add(name.to_string(), FieldError::text("There is no such resource.")),
            (_, Err(error)) => errors.add(name.to_string(), error),
        }
    }
    match errors.is_empty() {
        true if levels.iter().all(|(_, level)| *level == Level::None) => {
            Err(FieldError::text("Give at least one resource a level."))
        }
        true => Ok(Scopes::limited(levels)),
        false => Err(FieldError::Nested(errors)),
    }
}

fn read_range(sent: &Value<'_>) -> Result<IpNet, FieldError> {
    let text = sent.as_text().ok_or_else(FieldError::not_a_string)?;
    let address = || text.parse().ok().map(|address: std::net::IpAddr| address.to_canonical().into());
    text.parse().ok().or_else(address).ok_or_else(|| FieldError::text("Enter a valid IP address or CIDR range."))
}

/// A key as answered; the key itself only by the call that makes it.
#[derive(Debug, Serialize)]
pub struct KeyView {
    uuid: KeyId,
    name: String,
    prefix: String,
    scopes: Json,
    ip_allowlist: Vec<String>,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let scopes = match &key.scopes {
            Scopes::Full => "full".into(),
            limited => {
                let level = |resource: &Resource| (resource.as_str().to_owned(), limited.level(*resource).as_str().into());
                Json::Object(Resource::ALL.iter().map(level).collect::<Map<_, _>>())
            }
        };
        Self {
            uuid: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes,
            ip_allowlist: key.ip_allowlist.iter().map(ToString::to_string).collect(),
            expires_at: key.expires_at,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
            key: None,
        }
    }
}

/// A page of the application's keys, newest first, revoked ones too, and how many there are.
pub async fn list(app: &App, caller: &Caller, window: (u64, u64)) -> Result<(Vec<KeyView>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let (rows, total) = keys::list_page(tx, application, window).await?;
                Ok((rows.into_iter().map(KeyView::from).collect(), total))
            })
        })
        .await
}

/// Makes a key. Its answer is the only one that shows it.
pub async fn create(app: &App, caller: &Caller, body: Result<NewKey, FieldErrors>) -> Result<KeyView, Error> {
    let (new, caller_, now) = (body?, caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let secret = new_secret();
            let key = ApiKey {
                id: new_id(),
                application: caller.application,
                name: new.name,
                prefix: secret.chars().take(8).collect(),
                scopes: new.scopes,
                ip_allowlist: new.ip_allowlist,
                expires_at: new.expires_at,
                created_at: now,
                revoked_at: None,
            };
            if !keys::insert_key(tx, &key, digest(secret.as_bytes())).await? {
                return Err(Error::fault("a random key exists already"));
            }
            if let Some(maker) = super::proposals::person_behind(tx, &caller).await? {
                keys::set_maker(tx, key.id, maker).await?;
            }
            caller.audit(tx, "key.created", &[("key", key.id.0)], now).await?;
            Ok(KeyView { key: Some(secret), ..KeyView::from(key) })
        })
    })
    .await
}

/// Revokes a key; also the one that is used for it.
pub async fn revoke(app: &App, caller: &Caller, id: KeyId) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            if !keys::set_revoked_in(tx, caller_.application, id, now).await? {
                return Err(Error::NOT_FOUND);
            }
            caller_.audit(tx, "key.revoked", &[("key", id.0)], now).await?;
            Ok(())
        })
    })
    .await
}
