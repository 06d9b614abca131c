//! The steps of an erasure that are about transactions: what they say of the person is looked for like what sessions say,
//! then the person's side of each is emptied.

use gavel_core::ids::{ErasureId, parse_uuid};
use uuid::Uuid;

use super::{
    steps::{Listed, move_on, step, take_off, worker},
    subject::{Collected, keys},
};
use crate::{
    actions::Error,
    app::App,
    store::{
        erase::Said,
        erase_transactions::{self, Part},
        erasures::Erasure,
    },
};

/// Parties dealt with at a time.
const AT_ONCE: u64 = 20;

/// Adds what the transactions say of the person, a few at a time.
pub(super) async fn collect(app: &App, id: ErasureId, collected: &mut Collected) -> Result<(), Error> {
    let mut place = String::new();
    loop {
        let from = place.clone();
        let found: Vec<(Part, Said)> = app
            .store
            .read::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let mut found = Vec::new();
                    for part in erase_transactions::list_parts(tx, id, after(&from), AT_ONCE).await? {
                        found.push((part, erase_transactions::find_said(tx, part).await?));
                    }
                    Ok(found)
                })
            })
            .await?;
        let Some((last, _)) = found.last() else { return Ok(()) };
        place = place_of(*last);
        found.iter().for_each(|((id, _), said)| collected.note(&id.to_string(), said));
    }
}

/// A party's place in the order of transactions.
fn place_of((id, side): Part) -> String {
    format!("{id} {}", side.as_str())
}

fn after(place: &str) -> (Uuid, &str) {
    let (id, side) = place.split_once(' ').unwrap_or_default();
    (parse_uuid(id).unwrap_or_default(), side)
}

/// Entries of lists with what the transactions say of the person.
pub(super) async fn entries(app: &App, at: &Erasure) -> Result<Option<Erasure>, Error> {
    let now = app.clock.now();
    step(app, at, move |tx, at| {
        Box::pin(async move {
            let parts = erase_transactions::list_parts(tx, at.id, after(&at.place), AT_ONCE).await?;
            let Some(last) = parts.last() else {
                move_on(at, "proposals");
                return Ok(());
            };
            at.place = place_of(*last);
            let mut listed = Listed::default();
            for part in parts {
                listed.keys.extend(keys(&erase_transactions::find_said(tx, part).await?));
            }
            take_off(tx, at, &listed, now).await
        })
    })
    .await
}

/// Empties the person's side of the next transactions.
pub(super) async fn erase(app: &App, at: &Erasure) -> Result<Option<Erasure>, Error> {
    let now = app.clock.now();
    step(app, at, move |tx, at| {
        Box::pin(async move {
            let parts = erase_transactions::list_parts(tx, at.id, after(&at.place), AT_ONCE).await?;
            let Some(last) = parts.last() else {
                move_on(at, "sessions");
                return Ok(());
            };
            at.place = place_of(*last);
            for (id, side) in parts {
                erase_transactions::erase_part(tx, (id, side), now, &mut at.counts).await?;
                let objects = [("erasure", at.id.0), ("transaction", id.0)];
                worker(at.application).audit(tx, "transaction.erased", &objects, now).await?;
            }
            Ok(())
        })
    })
    .await
}
