//! A change of an application's lists while it is made: who makes it, which revision it becomes.

use gavel_core::{ids::ListId, time::Timestamp};

use super::{Caller, Error};
use crate::store::{
    Tx,
    revisions::{self, Effect, Moment},
};

/// A change that has its number. Whoever changes a list begins one before looking at anything: the number's lock keeps two
/// changes of one application apart. What changes anything ends with [`note`](Self::note); without it the number stays free.
pub(super) struct Amendment<'a> {
    /// Who makes it.
    pub caller: &'a Caller,
    /// The revision it becomes.
    pub moment: Moment,
    /// Whose idea it was, where somebody else makes it.
    pub proposed_by: Option<String>,
}

impl<'a> Amendment<'a> {
    /// Locks the sequence of revisions.
    pub(super) async fn begin(tx: &mut Tx, caller: &'a Caller, now: Timestamp) -> Result<Self, Error> {
        Ok(Self { caller, moment: revisions::begin(tx, caller.application, now).await?, proposed_by: None })
    }

    /// Who is named beside the entries it adds.
    pub(super) fn added_by(&self) -> &str {
        self.proposed_by.as_deref().unwrap_or_else(|| self.caller.actor.added_by())
    }

    /// Writes what it did to a list, and has the index follow after the commit.
    pub(super) async fn note(&self, tx: &mut Tx, list: ListId, effect: Effect) -> Result<(), Error> {
        let made_by = self.caller.actor.added_by();
        revisions::insert_revision(tx, self.caller.application, list, self.moment, effect, made_by).await?;
        tx.wake_lists();
        Ok(())
    }
}
