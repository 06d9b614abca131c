//! Past transactions a change would have decided differently: weighed again from the matches they were decided with, once
//! as it was and once with the change.

use std::collections::BTreeSet;

use gavel_core::{
    ids::{ApplicationId, EntryId, TransactionId},
    transaction::{Match, TransactionStatus, Weighing, reason_of},
};
use serde::Serialize;

use super::{Looked, MOST, change::Effect};
use crate::{
    actions::{Error, transactions},
    store::{Tx, preview_transactions as past, settings, transactions as rows},
};

/// One that would have come out differently.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    transaction_uuid: TransactionId,
    transaction_number: u64,
    vendor_data: Option<String>,
    /// Where it stands now.
    status: TransactionStatus,
    decided: &'static str,
    would_be: &'static str,
}

/// Looks at those the change touches.
pub(super) async fn look(tx: &mut Tx, application: ApplicationId, effect: &Effect) -> Result<Looked<Sample>, Error> {
    let touched = touched(tx, application, effect).await?;
    let mut found = Looked::new(touched.len() <= MOST);
    let thresholds = settings::find_switches(tx, application).await?.ok_or(Error::NOT_FOUND)?.transaction_scores;
    for id in touched.into_iter().rev().take(MOST) {
        found.considered += 1;
        let flagged = past::is_flagged(tx, id).await?;
        let rules = transactions::asked_for(tx, id).await?;
        let decide = |matches: &[Match]| Weighing { matches, rules: &rules, flagged, thresholds }.weigh().status.as_str();
        let matches = past::list_matches(tx, id).await?;
        let decided = decide(&matches);
        let would_be = match with(tx, id, matches, effect).await? {
            Some(matches) => decide(&matches),
            None => "Refused",
        };
        if decided != would_be && found.note(decided, would_be) {
            found.samples.extend(sample(tx, application, id, (decided, would_be)).await?);
        }
    }
    Ok(found.finish())
}

/// Transactions the change may mean something to; ids are made in the order of time.
async fn touched(tx: &mut Tx, application: ApplicationId, effect: &Effect) -> Result<BTreeSet<TransactionId>, Error> {
    let (mut touched, most) = (BTreeSet::new(), MOST as u64 + 1);
    let values = effect.additions.iter().filter(|addition| addition.decides).map(|addition| &addition.value);
    for value in values.chain(&effect.refused) {
        touched.extend(past::list_showing(tx, application, value, most).await?);
    }
    for entry in &effect.removed {
        touched.extend(past::list_hit(tx, *entry, most).await?);
    }
    Ok(touched)
}

/// The matches it would have had; `None`: a participant would have been refused.
async fn with(tx: &mut Tx, id: TransactionId, mut matches: Vec<Match>, effect: &Effect) -> Result<Option<Vec<Match>>, Error> {
    let shown = past::list_values(tx, id).await?;
    if shown.iter().any(|(_, value)| effect.names(value)) {
        return Ok(None);
    }
    matches.retain(|found| !effect.removed.contains(&found.entry));
    for (side, value) in shown.iter().filter(|(_, value)| reason_of(value.entry_type()).is_some()) {
        let come = effect.blocking(value).map(|list| Match {
            side: *side,
            entry_type: value.entry_type(),
            list,
            entry: EntryId(uuid::Uuid::nil()),
            held: false,
        });
        matches.extend(come);
    }
    Ok(Some(matches))
}

async fn sample(
    tx: &mut Tx,
    application: ApplicationId,
    id: TransactionId,
    (decided, would_be): (&'static str, &'static str),
) -> Result<Option<Sample>, Error> {
    let found = rows::find_transaction(tx, application, id).await?;
    Ok(found.map(|transaction| Sample {
        transaction_uuid: id,
        transaction_number: transaction.head.number,
        vendor_data: transaction.head.subject.vendor_data,
        status: transaction.head.status,
        decided,
        would_be,
    }))
}
