//! Adding up what hits: the counters of entries, and the flood guard that reads them.

use std::collections::BTreeMap;

use gavel_core::{
    ids::{ApplicationId, EntryId},
    list::FloodGuard,
    time::Timestamp,
};

use super::{Caller, Error, amendment::Amendment, entry_details::revise};
use crate::{
    app::App,
    store::{
        Tx,
        entry_versions::{self, Revised},
        hits::{self, Guarded, Hits},
    },
};

/// Most hits of one transaction.
const MOST: u64 = 1_000;

/// Adds up hits that wait. `true`: more may be waiting.
pub async fn add_up(app: &App) -> Result<bool, Error> {
    let waiting = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(hits::is_waiting(tx).await?) })).await?;
    if !waiting {
        return Ok(false);
    }
    let now = app.clock.now();
    let (taken, floods) = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let taken = hits::take_waiting(tx, MOST).await?;
                // In the order of ids, so that two processes never wait for each other.
                let mut by_entry: BTreeMap<EntryId, Vec<Timestamp>> = BTreeMap::new();
                for (entry, at) in &taken {
                    by_entry.entry(*entry).or_default().push(*at);
                }
                let mut floods = Vec::new();
                for (entry, at) in by_entry {
                    let counted = hits::add_hits(tx, entry, &at).await?;
                    if let Some(guarded) = hits::find_guarded(tx, entry).await?
                        && is_flood(&guarded, &counted, now)?
                    {
                        floods.push((guarded.application, entry));
                    }
                }
                Ok((taken.len() as u64, floods))
            })
        })
        .await?;
    for (application, entry) in floods {
        app.store.write::<_, Error, _>(move |tx| Box::pin(async move { hold(tx, application, entry, now).await })).await?;
    }
    Ok(taken == MOST)
}

fn is_flood(guarded: &Guarded, hits: &Hits, now: Timestamp) -> Result<bool, Error> {
    let guard: FloodGuard = serde_json::from_str(&guarded.policy).map_err(Error::fault)?;
    let (this_hour, before) = hits.hours.now_and_before(now);
    Ok(!hits.hours.is_quiet(now) && guard.is_flood(this_hour, before))
}

/// Keeps an entry for a person: until then its matches go to review. A transaction of its own, because the revision's lock
/// comes before all counters.
async fn hold(tx: &mut Tx, application: ApplicationId, entry: EntryId, now: Timestamp) -> Result<(), Error> {
    let caller = Caller::system(application, "WORKER", "");
    let amendment = Amendment::begin(tx, &caller, now).await?;
    let Some(guarded) = hits::find_guarded(tx, entry).await? else { return Ok(()) };
    let Some((version, row)) = entry_versions::find_kept(tx, guarded.list, entry).await? else { return Ok(()) };
    let revised = Revised {
        display_label: row.display_label.clone(),
        comment: row.comment.clone(),
        metadata: row.metadata.clone(),
        expires_at: row.expires_at,
        held_at: Some(amendment.moment.at),
    };
    revise(tx, &amendment, guarded.list, (version, &row), &revised, "entry.held").await?;
    caller.audit(tx, "entry.held", &[("list", guarded.list.0), ("entry", entry.0)], now).await?;
    Ok(())
}
