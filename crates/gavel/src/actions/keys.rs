//! API keys: made, listed and revoked at the command line.

use gavel_core::{
    access::Scopes,
    ids::{ApplicationId, KeyId},
    time::Timestamp,
};

use super::{Caller, Error};
use crate::{
    app::App,
    clock::{new_id, random_text},
    secrets::digest,
    store::{
        Tx, applications,
        keys::{self, ApiKey},
    },
};

/// A new key: `gvl_` and 32 random bytes.
pub fn new_secret() -> String {
    format!("gvl_{}", random_text::<32>())
}

/// Writes a key in the transaction of whoever makes it.
pub async fn insert(
    tx: &mut Tx,
    app: &App,
    application: ApplicationId,
    name: &str,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
    secret: &str,
) -> Result<KeyId, Error> {
    let now = app.clock.now();
    let key = ApiKey {
        id: new_id(),
        application,
        name: name.to_owned(),
        prefix: secret.chars().take(8).collect(),
        scopes,
        ip_allowlist: Vec::new(),
        expires_at,
        created_at: now,
        revoked_at: None,
    };
    if !keys::insert_key(tx, &key, digest(secret.as_bytes())).await? {
        return Err(Error::Refused("This key exists already.".into()));
    }
    Caller::system(application, "CLI", "gavel key create").audit(tx, "key.created", &[("key", key.id.0)], now).await?;
    Ok(key.id)
}

/// Makes a key for an application, the first one when none is named. Answers the key, shown this once.
pub async fn create(
    app: &App,
    application: Option<ApplicationId>,
    name: String,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
) -> Result<(KeyId, String), Error> {
    let app_ = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let all = applications::list_applications(tx).await?;
                let chosen = all.iter().find(|found| application.is_none_or(|id| id == found.id));
                let chosen = chosen.ok_or(Error::NotFound("There is no such application."))?;
                let secret = new_secret();
                let id = insert(tx, &app_, chosen.id, &name, scopes, expires_at, &secret).await?;
                Ok((id, secret))
            })
        })
        .await
}

/// All keys of the server.
pub async fn list(app: &App) -> Result<Vec<ApiKey>, Error> {
    app.store.read(|tx| Box::pin(async move { Ok(keys::list_keys(tx).await?) })).await
}

/// Revokes a key.
pub async fn revoke(app: &App, id: KeyId) -> Result<(), Error> {
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let revoked = keys::set_revoked(tx, id, now).await?;
                let application = revoked.ok_or(Error::NotFound("There is no such key, or it was revoked before."))?;
                Caller::system(application, "CLI", "gavel key revoke").audit(tx, "key.revoked", &[("key", id.0)], now).await?;
                Ok(())
            })
        })
        .await
}
