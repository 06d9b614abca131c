//! The key that signs the audit trail: the first one, and the change to the next.

use gavel_core::{
    audit::{Rotation, SigningKey},
    time::Timestamp,
};
use serde::Serialize;

use super::{Caller, Error, seal};
use crate::{
    app::App,
    store::{
        Tx, applications,
        audit_keys::{self, AuditKey},
    },
};

/// Name of the algorithm on the wire.
const ALGORITHM: &str = "Ed25519";

/// At the start of a server: makes the first key of a database, or sees that the one in use is here.
pub async fn prepare(app: &App) -> Result<(), Error> {
    if list(app).await?.is_empty() {
        let (key, since) = (app.signing.make().map_err(refused)?, app.clock.now());
        let public = key.public();
        let first = AuditKey { number: 1, public, signatures: None, since };
        let made = app.store.write(move |tx| Box::pin(async move { Ok(audit_keys::insert_key(tx, &first).await?) })).await;
        // Of several processes that start at once, the first one's key stands.
        if matches!(made, Ok(false)) || made.as_ref().is_err_and(Error::wrote_nothing) {
            app.signing.remove(&public.id());
        }
        made?;
    }
    let current = list(app).await?.pop().ok_or_else(|| Error::fault("there is no audit key"))?;
    app.signing.key(&current.public.id()).map_err(refused)?;
    Ok(())
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Refused(error.to_string())
}

/// All keys, the first one first.
pub async fn list(app: &App) -> Result<Vec<AuditKey>, Error> {
    app.store.read(|tx| Box::pin(async move { Ok(audit_keys::list_keys(tx).await?) })).await
}

/// Goes over to a new key. Every application's chain says so, and is signed up to there with the new key.
pub async fn rotate(app: &App, lost: bool) -> Result<AuditKey, Error> {
    let old = list(app).await?.pop().ok_or(Error::NotFound("There is no key yet; `gavel serve` makes the first one."))?;
    let signer = match lost {
        // A change nobody signed for cannot be told from somebody else's: it is for when there is no other way.
        true if app.signing.is_here(&old.public.id()) => {
            let told =
                "The key is not lost: its file is in the data folder. Rotate without --lost, and whoever trusts it follows.";
            return Err(Error::Refused(told.into()));
        }
        true => None,
        false => Some(app.signing.key(&old.public.id()).map_err(refused)?),
    };
    let new = app.signing.make().map_err(refused)?;
    let (app_, old_, new_, now) = (app.clone(), old.clone(), new.clone(), app.clock.now());
    let done = app
        .store
        .write::<_, Error, _>(move |tx| Box::pin(async move { hand_over(tx, &app_, &old_, signer.as_ref(), &new_, now).await }))
        .await;
    match &done {
        Ok(_) if !lost => app.signing.remove(&old.public.id()),
        Err(error) if error.wrote_nothing() => app.signing.remove(&new.public().id()),
        Ok(_) | Err(_) => {}
    }
    done
}

async fn hand_over(
    tx: &mut Tx,
    app: &App,
    old: &AuditKey,
    signer: Option<&SigningKey>,
    new: &SigningKey,
    now: Timestamp,
) -> Result<AuditKey, Error> {
    let rotation = match signer {
        Some(signer) => Rotation::sign(signer, new, now),
        None => Rotation::after_loss(old.public, new, now),
    };
    let signatures = Some((rotation.old_signature, rotation.new_signature));
    let next = AuditKey { number: old.number + 1, public: new.public(), signatures, since: now };
    if !audit_keys::insert_key(tx, &next).await? {
        return Err(Error::Refused("Somebody else has just rotated the key.".into()));
    }
    let mut all = applications::list_applications(tx).await?;
    all.sort_by_key(|application| application.id); // Locks in one order.
    for application in all {
        let caller = Caller::system(application.id, "CLI", "gavel audit keys rotate");
        caller.audit(tx, "audit.key_rotated", &[("rotation", rotation.id())], now).await?;
        while seal::seal_part(tx, application.id).await? > 0 {}
        seal::sign_end(tx, app, application.id, now).await?;
    }
    Ok(next)
}

/// The key in use and those before it, as anybody who checks needs them.
#[derive(Debug, Serialize)]
pub struct PublicKeyView {
    public_key: String,
    key_id: String,
    algorithm: &'static str,
    since: Timestamp,
    earlier: Vec<EarlierKey>,
}

#[derive(Debug, Serialize)]
struct EarlierKey {
    public_key: String,
    key_id: String,
    algorithm: &'static str,
    since: Timestamp,
    until: Timestamp,
}

/// For the public-key call.
pub async fn show(app: &App) -> Result<PublicKeyView, Error> {
    let keys = list(app).await?;
    let current = keys.last().ok_or_else(|| Error::fault("there is no audit key"))?;
    let earlier = keys.windows(2).rev().map(|pair| EarlierKey {
        public_key: pair[0].public.to_string(),
        key_id: pair[0].public.id(),
        algorithm: ALGORITHM,
        since: pair[0].since,
        until: pair[1].since,
    });
    Ok(PublicKeyView {
        public_key: current.public.to_string(),
        key_id: current.public.id(),
        algorithm: ALGORITHM,
        since: current.since,
        earlier: earlier.collect(),
    })
}
