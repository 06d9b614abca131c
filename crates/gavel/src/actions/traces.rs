//! From an entry to what it was made from, and from a session or transaction to the entries made from it (`/x/`). The way from users and
//! businesses is beside them ([`super::subjects::trace`]).
//!
//! An entry says by id alone where it comes from: whoever reads lists may not read sessions or users.

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, ListId, SessionId, SubjectId, TransactionId},
    session::SessionKind,
    subject,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Caller, Error,
    entry_details::{EntryDetails, with_hits},
};
use crate::{
    app::App,
    store::{
        Tx,
        entries::Entry,
        traces::{self, Placed, Source},
    },
};

/// Most users or businesses one entry is said to name.
const MOST: u64 = 50;

/// An entry and the list it stands in.
#[derive(Debug, Serialize)]
pub struct PlacedEntry {
    list_uuid: ListId,
    list_name: String,
    list_type: String,
    #[serde(flatten)]
    entry: EntryDetails,
}

/// A page of the entries made from something, and how many there are.
pub async fn made_from(app: &App, caller: &Caller, source: Source, window: (u64, u64)) -> Result<(Vec<PlacedEntry>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let is_there = match source {
                    Source::Session(id) => traces::find_number(tx, application, id).await?.is_some(),
                    Source::Transaction(id) => traces::is_transaction(tx, application, id).await?,
                };
                if !is_there {
                    return Err(Error::NOT_FOUND);
                }
                let (found, total) = traces::list_made_from(tx, application, source, window).await?;
                let mut placed = Vec::with_capacity(found.len());
                for Placed { entry, list, list_name, list_type } in found {
                    let entry = with_hits(tx, vec![entry], now).await?.pop().ok_or(Error::NOT_FOUND)?;
                    placed.push(PlacedEntry { list_uuid: list, list_name, list_type, entry });
                }
                Ok((placed, total))
            })
        })
        .await
}

/// What an entry was made from, as far as it is still there.
#[derive(Debug, Default, Serialize)]
pub(super) struct MadeFrom {
    session: Option<SessionRef>,
    transaction: Option<TransactionRef>,
    user: Option<SubjectRef>,
    business: Option<SubjectRef>,
    /// Those an entry of a `user` or `business` list names.
    names: Vec<SubjectRef>,
}

#[derive(Debug, Serialize)]
struct SessionRef {
    session_id: SessionId,
    session_number: i64,
}

#[derive(Debug, Serialize)]
struct TransactionRef {
    uuid: TransactionId,
}

#[derive(Debug, Serialize)]
struct SubjectRef {
    didit_internal_id: Uuid,
}

impl MadeFrom {
    pub(super) async fn find(
        tx: &mut Tx,
        application: ApplicationId,
        entry: &Entry,
        entry_type: EntryType,
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        if let Some((id, _)) = entry.reference_session {
            let number = traces::find_number(tx, application, id).await?;
            found.session = number.map(|session_number| SessionRef { session_id: id, session_number });
        }
        if let Some(object) = entry.reference_object {
            let of = Some(SubjectRef { didit_internal_id: object });
            match traces::find_kind(tx, application, SubjectId(object)).await? {
                Some(SessionKind::User) => found.user = of,
                Some(SessionKind::Business) => found.business = of,
                None if traces::is_transaction(tx, application, TransactionId(object)).await? => {
                    found.transaction = Some(TransactionRef { uuid: TransactionId(object) });
                }
                None => {}
            }
        }
        let value = EntryValue::parse(entry_type, &entry.value).ok();
        if let (Some(kind), Some(value)) = (subject::kind_of(entry_type), value) {
            let named = traces::list_known_as(tx, application, (kind, value.digest()), MOST).await?;
            found.names = named.into_iter().map(|id| SubjectRef { didit_internal_id: id.0 }).collect();
        }
        Ok(found)
    }
}
