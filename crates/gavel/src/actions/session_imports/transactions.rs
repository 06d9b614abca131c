//! Transactions of another system: approved, under no rule, against no list.

use std::{collections::HashMap, sync::Arc};

use gavel_core::{ids::TransactionId, screening::Index, session::SessionKind, time::Timestamp};

use super::{
    rows::What,
    run::{Good, Outcome, worker},
};
use crate::{
    actions::{Error, subjects, transactions::Arrival},
    store::{
        Tx,
        imported::{self, Known},
        session_imports::Job,
        subject_locks,
        transaction_locks::{self, Reach},
        transactions,
    },
};

const KIND: &str = "transaction";

/// Applies the rows. Never `None`: they need no workflow.
pub(super) async fn apply(
    tx: &mut Tx,
    job: &Job,
    rows: Vec<Good>,
    index: &Arc<Index>,
    now: Timestamp,
) -> Result<Option<Outcome>, Error> {
    let caller = worker(job);
    let application = caller.application;
    subject_locks::hold_kind(tx, application, SessionKind::User).await?;
    // No rule is asked about them, but rules of others count them.
    transaction_locks::hold_past(tx, application, None, Reach::Everybody).await?;
    let keys: Vec<[u8; 32]> = rows.iter().map(|row| row.key).collect();
    let mut known: HashMap<_, _> = imported::find_known(tx, application, KIND, &keys).await?;
    let mut made = Vec::new();
    for row in &rows {
        let What::Transaction(new) = &row.row.what else { continue };
        let met = subjects::sessions::meet(tx, application, SessionKind::User, new.subject.vendor_data.as_deref(), now).await?;
        made.extend(met.filter(|(_, is_new)| *is_new).map(|(subject, _)| subject));
    }
    subjects::sessions::block_covered(tx, application, SessionKind::User, &made, now).await?;
    let mut outcome = Outcome::default();
    for row in rows {
        let content = row.row.content;
        let What::Transaction(new) = &row.row.what else { return Err(Error::fault("a row of another import")) };
        let found = known.get(&row.key).copied();
        if found.is_some_and(|found| found.content == content) {
            outcome.skipped += 1;
            continue;
        }
        if found.is_none() && transactions::is_known(tx, application, &new.transaction_id).await? {
            outcome.refused.push(row.refused("transaction_id: A transaction with this transaction_id already exists."));
            continue;
        }
        let arrival = Arrival { caller: &caller, index, now };
        let id = arrival.write(tx, new, found.map(|found| TransactionId(found.object))).await?;
        match found {
            Some(_) => outcome.updated += 1,
            None => outcome.created += 1,
        }
        let now_known = Known { object: id.0, content };
        imported::set_known(tx, application, KIND, row.key, now_known).await?;
        known.insert(row.key, now_known);
    }
    if outcome.created + outcome.updated > 0 {
        caller.audit(tx, "transactions.imported", &[("import", job.id.0)], now).await?;
    }
    Ok(Some(outcome))
}
