//! One status for many users or businesses (contract, console-routes §4).
//!
//! In runs of a few, each a transaction of its own: all of them in one would hold up everybody's sessions until it ends. What
//! is answered is kept in the last one; a call that ends before it may be sent again, since the same status again is none.

use std::collections::BTreeSet;

use gavel_core::{json::FieldErrors, session::SessionKind, subject::SubjectStatus};
use serde::Serialize;

use super::{body::BulkStatus, setting::Setter};
use crate::{
    actions::{Caller, Error},
    app::App,
    store::{
        Tx,
        subject_locks::{self, FEW, Scope},
        subjects::{self, Selection, key_of},
    },
};

/// How many were found.
#[derive(Debug, Serialize)]
pub struct Updated {
    updated: usize,
}

/// Sets the status of everybody named who is known, those of one run in one revision of the lists.
pub async fn set_status(
    app: &App,
    caller: &Caller,
    kind: SessionKind,
    body: Result<BulkStatus, FieldErrors>,
) -> Result<Updated, Error> {
    let BulkStatus { vendor_data, status } = body?;
    let names: Vec<String> = vendor_data.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut runs: Vec<Run> = names.chunks(FEW).map(|names| Run { kind, names: names.to_vec(), status }).collect();
    let Some(last) = runs.pop() else { return Ok(Updated { updated: 0 }) };
    let mut before = 0;
    for run in runs {
        let (app_, caller_) = (app.clone(), caller.clone());
        before += app.store.write(move |tx| Box::pin(async move { run.set_before_the_last(tx, &app_, &caller_).await })).await?;
    }
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| Box::pin(async move { Ok(Updated { updated: before + last.set(tx, &app_, &caller_).await? }) }))
        .await
}

/// Few enough to be held by name.
struct Run {
    kind: SessionKind,
    names: Vec<String>,
    status: SubjectStatus,
}

impl Run {
    /// Sets them; the claim on an `Idempotency-Key` holds until the next one.
    async fn set_before_the_last(self, tx: &mut Tx, app: &App, caller: &Caller) -> Result<usize, Error> {
        caller.renew_claim(tx, app.clock.now()).await?;
        self.set(tx, app, caller).await
    }

    /// Sets them; how many are known.
    async fn set(self, tx: &mut Tx, app: &App, caller: &Caller) -> Result<usize, Error> {
        let keys = self.names.iter().filter_map(|known| key_of(self.kind, Some(known))).collect();
        subject_locks::lock(tx, caller.application, &Scope::Keys(self.kind, keys)).await?;
        let chosen = Selection::Named(self.names, Vec::new());
        let found = subjects::lock_selected(tx, caller.application, self.kind, &chosen).await?;
        let mut setter = Setter::of(tx, caller, app.clock.now()).await?;
        for id in &found {
            // Read one by one: those before may have moved it.
            if let Some(mut subject) = subjects::find_subject(tx, caller.application, self.kind, *id).await? {
                setter.set(tx, &mut subject, self.status, None).await?;
            }
        }
        setter.finish(tx).await?;
        Ok(found.len())
    }
}
