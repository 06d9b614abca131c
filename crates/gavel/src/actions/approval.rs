//! Four eyes: whether a change of a list may be made by one person alone.
//!
//! The question is put wherever somebody changes a list directly. What follows from something else (values blocked by a
//! decision, entries that follow a user's status, expiries, the flood guard, erasures) does not come through here.

use std::collections::HashSet;

use gavel_core::{
    entry::{EntryType, EntryValue},
    guard::Approval,
    ids::{ApplicationId, EntryId, ListId, SessionId},
};

use super::Error;
use crate::store::{Tx, lists, preview};

/// What is answered to a direct change that needs another person.
pub(super) const NEEDED: Error = Error::NotAllowed("Changes to this list need approval.");

/// A list that some changes, or all, may be made to directly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate {
    application: ApplicationId,
    list: ListId,
    /// Past sessions a change may touch.
    most: Option<u64>,
}

impl Gate {
    /// Refuses where every change needs another person.
    pub(super) async fn of(tx: &mut Tx, application: ApplicationId, list: ListId) -> Result<Self, Error> {
        match lists::find_approval(tx, list).await? {
            Approval::Always => Err(NEEDED),
            Approval::Threshold { threshold } => Ok(Self { application, list, most: Some(threshold) }),
            Approval::None => Ok(Self { application, list, most: None }),
        }
    }

    /// Whether it matters what a change touches.
    pub(super) fn counts(&self) -> bool {
        self.most.is_some()
    }

    /// Refuses a change that touches too much of the past: sessions that have shown what it adds, and sessions whose
    /// decision what it takes away had a part in.
    pub(super) async fn must_let(&self, tx: &mut Tx, added: &[&EntryValue], removed: &[EntryId]) -> Result<(), Error> {
        let Some(most) = self.most else { return Ok(()) };
        let mut touched: HashSet<SessionId> = HashSet::new();
        for value in added {
            let found = match value.entry_type() {
                EntryType::User | EntryType::Business => preview::list_of_subject(tx, self.application, value, most + 1).await?,
                _ => preview::list_showing(tx, self.application, value, most + 1).await?,
            };
            touched.extend(found.into_iter().map(|(_, session)| session));
            is_within(&touched, most)?;
        }
        for entry in removed {
            touched.extend(preview::list_hit(tx, *entry, most + 1).await?.into_iter().map(|(_, session)| session));
            is_within(&touched, most)?;
        }
        Ok(())
    }

    /// The same for the whole list.
    pub(super) async fn must_let_go(&self, tx: &mut Tx) -> Result<(), Error> {
        let Some(most) = self.most else { return Ok(()) };
        match preview::count_hit_by_list(tx, self.list, most + 1).await? <= most {
            true => Ok(()),
            false => Err(NEEDED),
        }
    }
}

fn is_within(touched: &HashSet<SessionId>, most: u64) -> Result<(), Error> {
    if touched.len() as u64 <= most { Ok(()) } else { Err(NEEDED) }
}
