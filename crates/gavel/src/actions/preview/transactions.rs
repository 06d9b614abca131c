//! Past transactions a change would have decided differently: weighed again from the matches they were decided with, once
//! as it was and once with the change.

use std::collections::{BTreeSet, HashMap};

use gavel_core::{
    ids::{ApplicationId, EntryId, TransactionId},
    transaction::{Match, TransactionStatus, Weighing, reason_of},
};
use serde::Serialize;

use super::{ByStatus, MOST, SAMPLES, change::Effect};
use crate::{
    actions::Error,
    store::{Tx, preview_transactions as past, settings, transactions},
};

/// What would have become of transactions.
#[derive(Debug, Serialize)]
pub(super) struct Transactions {
    /// Touched by the change and looked at.
    considered: u64,
    /// Whether these are all there are; the newest come first.
    complete: bool,
    changed: u64,
    by_status: Vec<ByStatus>,
    /// Newest first.
    samples: Vec<Sample>,
}

#[derive(Debug, Serialize)]
struct Sample {
    transaction_uuid: TransactionId,
    transaction_number: u64,
    vendor_data: Option<String>,
    /// Where it stands now.
    status: TransactionStatus,
    decided: &'static str,
    would_be: &'static str,
}

impl Transactions {
    /// Looks at those the change touches.
    pub(super) async fn look(tx: &mut Tx, application: ApplicationId, effect: &Effect) -> Result<Self, Error> {
        let touched = touched(tx, application, effect).await?;
        let mut found =
            Self { considered: 0, complete: touched.len() <= MOST, changed: 0, by_status: Vec::new(), samples: Vec::new() };
        let thresholds = settings::find_switches(tx, application).await?.ok_or(Error::NOT_FOUND)?.transaction_scores;
        let mut counts: HashMap<(&'static str, &'static str), u64> = HashMap::new();
        for id in touched.into_iter().rev().take(MOST) {
            found.considered += 1;
            let flagged = past::is_flagged(tx, id).await?;
            let decide = |matches: &[Match]| Weighing { matches, rules: &[], flagged, thresholds }.weigh().status.as_str();
            let matches = past::list_matches(tx, id).await?;
            let decided = decide(&matches);
            let would_be = match with(tx, id, matches, effect).await? {
                Some(matches) => decide(&matches),
                None => "Refused",
            };
            if decided == would_be {
                continue;
            }
            found.changed += 1;
            *counts.entry((decided, would_be)).or_default() += 1;
            if found.samples.len() < SAMPLES {
                found.samples.extend(sample(tx, application, id, (decided, would_be)).await?);
            }
        }
        found.by_status = super::by_status(counts);
        Ok(found)
    }
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
    let found = transactions::find_transaction(tx, application, id).await?;
    Ok(found.map(|transaction| Sample {
        transaction_uuid: id,
        transaction_number: transaction.head.number,
        vendor_data: transaction.head.subject.vendor_data,
        status: transaction.head.status,
        decided,
        would_be,
    }))
}
