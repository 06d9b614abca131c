//! One status for many users or businesses (contract, console-routes §4).

use gavel_core::{json::FieldErrors, session::SessionKind};
use serde::Serialize;

use super::{body::BulkStatus, setting::Setter};
use crate::{
    actions::{Caller, Error},
    app::App,
    store::{
        subject_locks::{self, Scope},
        subjects::{self, Selection, key_of},
    },
};

/// How many were found.
#[derive(Debug, Serialize)]
pub struct Updated {
    updated: usize,
}

/// Sets the status of everybody named who is known, in one revision of the lists.
pub async fn set_status(
    app: &App,
    caller: &Caller,
    kind: SessionKind,
    body: Result<BulkStatus, FieldErrors>,
) -> Result<Updated, Error> {
    let body = body?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let keys = body.vendor_data.iter().filter_map(|known| key_of(kind, Some(known))).collect();
            subject_locks::lock(tx, caller.application, &Scope::Keys(kind, keys)).await?;
            let chosen = Selection::Named(body.vendor_data, Vec::new());
            let found = subjects::lock_selected(tx, caller.application, kind, &chosen).await?;
            let mut setter = Setter::of(tx, &caller, now).await?;
            for id in &found {
                // Read one by one: those before may have moved it.
                if let Some(mut subject) = subjects::find_subject(tx, caller.application, kind, *id).await? {
                    setter.set(tx, &mut subject, body.status, None).await?;
                }
            }
            setter.finish(tx).await?;
            Ok(Updated { updated: found.len() })
        })
    })
    .await
}
