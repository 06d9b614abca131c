//! From a user or business to the entries about it (`/x/`); the way back is the entry's `reference_object_uuid`.

use gavel_core::{
    ids::{ListId, SubjectId},
    session::SessionKind,
};
use serde::Serialize;

use super::{Detail, detail};
use crate::{
    actions::{
        Caller, Error,
        entry_details::{EntryDetails, with_hits},
    },
    app::App,
    store::{
        subject_facts::{self, Naming},
        subjects,
    },
};

/// A subject with the entries about it.
#[derive(Debug, Serialize)]
pub struct Traced {
    #[serde(flatten)]
    detail: Detail,
    /// Live entries that match it or refer to it, newest first.
    entries: Vec<NamingView>,
}

#[derive(Debug, Serialize)]
struct NamingView {
    list_uuid: ListId,
    list_name: String,
    list_type: String,
    /// Whether it matches; otherwise it only refers to the subject.
    matches: bool,
    #[serde(flatten)]
    entry: EntryDetails,
}

/// The subject with this id.
pub async fn show(app: &App, caller: &Caller, kind: SessionKind, id: SubjectId) -> Result<Traced, Error> {
    let (application, app_, now) = (caller.application, app.clone(), app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let subject = subjects::find_subject(tx, application, kind, id).await?.ok_or(Error::NOT_FOUND)?;
                let naming = subject_facts::list_naming(tx, application, (kind, id, subject.key()), now).await?;
                let mut entries = Vec::with_capacity(naming.len());
                for Naming { entry, list, list_name, list_type, matches } in naming {
                    let shown = with_hits(tx, vec![entry], now).await?.pop().ok_or(Error::NOT_FOUND)?;
                    entries.push(NamingView { list_uuid: list, list_name, list_type, matches, entry: shown });
                }
                Ok(Traced { detail: detail(tx, &app_, application, subject).await?, entries })
            })
        })
        .await
}
