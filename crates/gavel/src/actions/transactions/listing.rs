//! Rules that put the subject of a transaction on lists (contract, entities §4.4, lists §8).
//!
//! Nobody is asked: lists under four eyes are exempt. The transaction itself has seen the lists as they stood before.

use gavel_core::{
    entry::EntryValue,
    ids::{ListId, TransactionId},
    time::Timestamp,
    transaction::NewTransaction,
};

use crate::{
    actions::{Caller, Error, amendment::Amendment, entries as entry_actions, subjects::sync},
    store::{
        Tx, entries, lists,
        subject_locks::{self, Scope},
    },
};

/// Puts the subject on lists. A list that is gone, one that refuses the value and one that holds it already are passed over.
/// Whoever comes here holds the names of the subject and has its record. Answers the lists it is on since.
pub(super) async fn add_subject(
    tx: &mut Tx,
    caller: &Caller,
    to: &[ListId],
    new: &NewTransaction,
    now: Timestamp,
) -> Result<Vec<ListId>, Error> {
    let (Some(vendor_data), false) = (&new.subject.vendor_data, to.is_empty()) else { return Ok(Vec::new()) };
    let server = Caller::system(caller.application, "SERVER", "");
    let amendment = Amendment::begin(tx, &server, now).await?;
    let (mut added, mut scopes) = (Vec::new(), Vec::new());
    for id in to {
        let Some(list) = lists::find_list(tx, caller.application, *id, now).await? else { continue };
        let Ok(value) = EntryValue::parse(list.entry_type, vendor_data) else { continue };
        if entries::find_live(tx, list.id, &value, now).await?.is_some() {
            continue;
        }
        if let Some(kind) = subject_locks::find_blocked_kind(tx, caller.application, list.id).await? {
            scopes.push(Scope::Keys(kind, vec![value.digest()]));
        }
        entry_actions::write_value(tx, &amendment, &list, value).await?;
        added.push(list.id);
    }
    for scope in &scopes {
        sync::follow_rule(tx, &server, scope, now).await?;
    }
    Ok(added)
}

/// Writes that a rule has put the subject on a list.
pub(super) async fn audit(
    tx: &mut Tx,
    caller: &Caller,
    added: &[ListId],
    transaction: TransactionId,
    now: Timestamp,
) -> Result<(), Error> {
    let server = Caller::system(caller.application, "SERVER", "");
    for list in added {
        server.audit(tx, "entry.added", &[("list", list.0), ("transaction", transaction.0)], now).await?;
    }
    Ok(())
}
