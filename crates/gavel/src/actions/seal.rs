//! Sealing: audit rows get their place in the chain of their application, and the end of the chain is signed.
//!
//! A row is chained in a transaction of its own after the one that wrote it, so that no lock serialises unrelated changes.
//! Each of these transactions holds the chain's lock and leaves it whole: however many processes seal, and wherever one is
//! killed, the next one goes on from what is committed. The clock plays no part.

use gavel_core::{
    audit::{Checkpoint, SignedCheckpoint},
    ids::ApplicationId,
    time::Timestamp,
};

use super::Error;
use crate::{
    app::App,
    store::{Tx, audit_chain, audit_keys},
};

/// Rows sealed in one transaction: few enough that on SQLite nobody waits long for the one writer.
const PART: u64 = 256;

/// Seals the oldest rows that wait; answers how many.
pub async fn seal_part(tx: &mut Tx, application: ApplicationId) -> Result<u64, Error> {
    let end = audit_chain::lock_end(tx, application).await?;
    let events = audit_chain::list_unsealed(tx, application, end, PART).await?;
    let mut previous = end.hash;
    let sealed: Vec<_> = events
        .into_iter()
        .map(|event| {
            previous = event.hash(&previous);
            (event, previous)
        })
        .collect();
    audit_chain::insert_sealed(tx, application, &sealed).await?;
    Ok(sealed.len() as u64)
}

/// Signs the end of a chain, unless that has been done.
pub async fn sign_end(tx: &mut Tx, app: &App, application: ApplicationId, at: Timestamp) -> Result<(), Error> {
    // Under the lock: a change of keys is a row of the chain, and what lies behind it is signed with the new one.
    let end = audit_chain::lock_end(tx, application).await?;
    let signed = sign(tx, app, Checkpoint { application, count: end.count, head: end.hash, at }).await?;
    Ok(audit_chain::insert_checkpoint(tx, &signed).await?)
}

async fn sign(tx: &mut Tx, app: &App, checkpoint: Checkpoint) -> Result<SignedCheckpoint, Error> {
    let keys = audit_keys::list_keys(tx).await?;
    let current = keys.last().ok_or_else(|| Error::fault("there is no audit key"))?;
    Ok(checkpoint.sign(&app.signing.key(&current.public.id()).map_err(Error::fault)?))
}

/// Seals everything that waits in all applications; answers how many rows. A chain that cannot go on does not hold up the
/// others.
pub async fn seal_all(app: &App) -> Result<u64, Error> {
    let waiting = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(audit_chain::list_waiting(tx).await?) })).await?;
    let (mut sealed, mut failed) = (0, Ok(()));
    for application in waiting {
        match seal_application(app, application).await {
            Ok(rows) => sealed += rows,
            Err(error) => failed = Err(error),
        }
    }
    failed.map(|()| sealed)
}

async fn seal_application(app: &App, application: ApplicationId) -> Result<u64, Error> {
    let mut sealed = 0;
    loop {
        let rows = app.store.write::<_, Error, _>(move |tx| Box::pin(seal_part(tx, application))).await?;
        sealed += rows;
        if rows < PART {
            return Ok(sealed);
        }
    }
}

/// Signs the end of every chain that has gone on since it was signed.
pub async fn sign_all(app: &App) -> Result<(), Error> {
    let unsigned = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(audit_chain::list_unsigned(tx).await?) })).await?;
    for application in unsigned {
        let (app_, now) = (app.clone(), app.clock.now());
        app.store.write::<_, Error, _>(move |tx| Box::pin(async move { sign_end(tx, &app_, application, now).await })).await?;
    }
    Ok(())
}
