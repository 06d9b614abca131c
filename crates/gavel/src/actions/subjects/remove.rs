//! Users and businesses deleted for good. Their sessions and the entries about them stay.

use gavel_core::{json::FieldErrors, session::SessionKind};
use serde::Serialize;

use super::body::Chosen;
use crate::{
    actions::{Caller, Error},
    app::App,
    store::{
        subject_locks, subject_tags,
        subjects::{self, Selection},
    },
};

/// How many are gone.
#[derive(Debug, Serialize)]
pub struct Deleted {
    deleted: usize,
}

/// Deletes the chosen subjects; unknown ones are skipped.
pub async fn delete(app: &App, caller: &Caller, kind: SessionKind, body: Result<Chosen, FieldErrors>) -> Result<Deleted, Error> {
    let chosen = body?;
    let selection = match (chosen.all, chosen.vendor_data.len() + chosen.ids.len()) {
        (true, _) => Selection::All,
        (false, 0) => return Err(Error::RefusedBare(nothing_chosen(kind))),
        (false, _) => Selection::Named(chosen.vendor_data, chosen.ids),
    };
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            subject_locks::hold_tags(tx, caller_.application).await?;
            let ids = subjects::lock_selected(tx, caller_.application, kind, &selection).await?;
            subjects::remove_subjects(tx, &ids).await?;
            subject_tags::remove_unused(tx, caller_.application).await?;
            let noun = kind.as_str();
            let kind = match kind {
                SessionKind::User => "user.deleted",
                SessionKind::Business => "business.deleted",
            };
            for id in &ids {
                caller_.audit(tx, kind, &[(noun, id.0)], now).await?;
            }
            Ok(Deleted { deleted: ids.len() })
        })
    })
    .await
}

fn nothing_chosen(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::User => "Provide vendor_data_list or set delete_all=true.",
        SessionKind::Business => "Provide vendor_data_list, didit_internal_id_list, or set delete_all=true.",
    }
}
