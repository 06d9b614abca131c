//! Everything a request or a worker needs, in one cheap handle.

use std::{ops::Deref, sync::Arc};

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::{
    actions::{Caller, Error, doors::Doors},
    clock::Clock,
    config::Config,
    limits::Limits,
    live::{Live, RuleSets},
    media::MediaFolder,
    outbound::Outbound,
    secrets::Secrets,
    signing::Signing,
    store::{Store, Tx, idempotency},
};

/// The server. Clones are the same server.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the server is made of.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// Time.
    pub clock: Clock,
    /// Keys.
    pub secrets: Secrets,
    /// Keys of the audit trail.
    pub signing: Signing,
    /// The database.
    pub store: Store,
    /// The screening indexes.
    pub live: Live,
    /// The rules over transactions, ready to run.
    pub rule_sets: RuleSets,
    /// Stored files.
    pub media: MediaFolder,
    /// Calls to the outside.
    pub outbound: Outbound,
    /// Limits before passwords and mails.
    pub doors: Doors,
    /// Limits on requests, where there are any.
    pub limits: Option<Limits>,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(config: Config, clock: Clock, secrets: Secrets, store: Store) -> Result<Self, Error> {
        let live = Live::new(store.clone(), secrets.index_key());
        let media = MediaFolder::new(&config.data);
        let signing = Signing::new(&config.data);
        let outbound = Outbound::new(config.outbound, &config.authorities)?;
        let doors = Doors::default();
        let limits = Limits::new(&config.rate_limits);
        let rule_sets = RuleSets::default();
        Ok(Self(Arc::new(Parts { config, clock, secrets, signing, store, live, rule_sets, media, outbound, doors, limits })))
    }

    /// Runs a caller's change in one transaction. Under an `Idempotency-Key` the answer is kept in that same transaction,
    /// so that a repeat finds either both or neither.
    pub async fn act<T, F>(&self, caller: &Caller, job: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Serialize + Send + 'static,
    {
        let Some(claim) = caller.claim.clone() else { return self.store.write(job).await };
        let (app, application) = (self.clone(), caller.application);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let answer = job(tx).await?;
                    let text = serde_json::to_vec(&answer).map_err(Error::fault)?;
                    let sealed = app.secrets.seal("idempotency", &text);
                    match idempotency::set_answer(tx, application, &claim, sealed).await? {
                        true => Ok(answer),
                        false => Err(Error::StillRunning),
                    }
                })
            })
            .await
    }
}
