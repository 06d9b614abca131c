//! A transaction that comes with a file of another system: approved, with no score and no alert, told to nobody.

use std::sync::Arc;

use gavel_core::{
    ids::TransactionId,
    screening::Index,
    time::Timestamp,
    transaction::{Decided, NewTransaction, Source, TransactionStatus, facts},
};

use super::{
    create::{days_before, find_counterparty, row_of, write_parts},
    parties,
    screening::Screened,
};
use crate::{
    actions::{Caller, Error},
    store::{
        Tx,
        applications::{self, Counter},
        transaction_parts as parts, transactions,
    },
};

/// What all transactions of a file share.
pub(in crate::actions) struct Arrival<'a> {
    pub(in crate::actions) caller: &'a Caller,
    /// Named beside the transaction; nothing is looked up in it.
    pub(in crate::actions) index: &'a Arc<Index>,
    pub(in crate::actions) now: Timestamp,
}

impl Arrival<'_> {
    /// Writes it, in the place of the one that is there if there is one.
    pub(in crate::actions) async fn write(
        &self,
        tx: &mut Tx,
        new: &NewTransaction,
        standing: Option<TransactionId>,
    ) -> Result<TransactionId, Error> {
        let application = self.caller.application;
        let screened = Screened::unasked(self.index.clone(), new, self.now);
        let counterparty = find_counterparty(tx, self.caller, new).await?;
        let participants = parties::of(new, counterparty.is_some());
        let at = new.at.unwrap_or(self.now);
        let days_before = days_before(tx, self.caller, new, at).await?;
        let decided = Decided { status: TransactionStatus::Approved, score: 0, severity: None, reason: None };
        let standing = match standing {
            Some(id) => transactions::find_transaction(tx, application, id).await?,
            None => None,
        };
        let number = match &standing {
            Some(standing) => standing.head.number,
            None => applications::take_next(tx, application, Counter::TransactionNumber).await?,
        };
        let mut row = row_of(new, &participants, (number, at, self.now), decided, (&screened, facts(new, days_before)));
        row.source = Source::Imported;
        let Some(standing) = standing else {
            if !transactions::insert_transaction(tx, application, &row).await? {
                return Err(Error::fault("a transaction was there after all"));
            }
            write_parts(tx, self.caller, &row, &participants, &screened, &[]).await?;
            return Ok(row.id);
        };
        (row.id, row.version, row.head.created_at) = (standing.id, standing.version + 1, standing.head.created_at);
        transactions::set_transaction(tx, application, &row).await?;
        parts::clear_signals(tx, row.id).await?;
        for (value, _) in &screened.values {
            parts::insert_signal(tx, (application, row.id), value, self.now).await?;
        }
        Ok(row.id)
    }
}
