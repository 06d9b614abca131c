//! What happened to a list: its revisions, what two of them differ in, and the way back (`/x/`).

use std::collections::{HashMap, HashSet};

use gavel_core::{
    entry::EntryValue,
    ids::{EntryId, ListId},
    json::{FieldErrors, Fields, Value},
    list::ListType,
    time::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Caller, Error,
    amendment::Amendment,
    approval::Gate,
    as_of::{self, AsOf},
    entry_details::{EntryDetails, with_hits},
    subjects::sync,
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        entry_versions::{self, Difference},
        lists, marks,
        revisions::{self, Effect, RevisionRow},
    },
};

/// Most entries one revert may bring back, take away or change: it is one transaction.
const MOST: u64 = 20_000;

/// A page of a list's revisions, newest first.
pub async fn history(app: &App, caller: &Caller, id: ListId, window: (u64, u64)) -> Result<(Vec<RevisionRow>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, id, now).await?.ok_or(Error::NOT_FOUND)?;
                Ok(revisions::list_revisions(tx, id, window).await?)
            })
        })
        .await
}

/// What became of an entry between two states.
#[derive(Debug, Serialize)]
pub struct DifferenceView {
    change: &'static str,
    before: Option<EntryDetails>,
    after: Option<EntryDetails>,
}

impl DifferenceView {
    /// For a person: what became of which value.
    pub fn line(&self) -> String {
        let sign = match self.change {
            "added" => '+',
            "removed" => '-',
            _ => '~',
        };
        let shown = self.after.as_ref().or(self.before.as_ref());
        format!("{sign} {}", shown.map_or("", EntryDetails::value))
    }
}

/// A page of what two states of a list differ in, by entry: since its beginning and until now, unless other states are
/// named. An entry that expired in between is in both: no revision
/// ended it.
pub async fn diff(
    app: &App,
    caller: &Caller,
    id: ListId,
    (from, to): (Option<String>, Option<String>),
    window: (u64, u64),
) -> Result<(Vec<DifferenceView>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, application, id, now).await?.ok_or(Error::NOT_FOUND)?;
                let from = from.unwrap_or_else(|| "0".to_owned());
                let from = as_of::resolve_param(tx, application, ("from", Some(&from)), now).await?;
                let to = as_of::resolve_param(tx, application, ("to", to.as_deref()), now).await?;
                if from.revision > to.revision {
                    return Err(Error::field("to", "Ensure this state is not before the other."));
                }
                let (found, total) = entry_versions::list_differences(tx, id, (from.revision, to.revision), window).await?;
                Ok((show(tx, found, (from.at, to.at)).await?, total))
            })
        })
        .await
}

async fn show(tx: &mut Tx, found: Vec<Difference>, (from, to): (Timestamp, Timestamp)) -> Result<Vec<DifferenceView>, Error> {
    let befores: Vec<Uuid> = found.iter().filter_map(|row| row.before).collect();
    let afters: Vec<Uuid> = found.iter().filter_map(|row| row.after).collect();
    let (mut befores, mut afters) = (details(tx, &befores, from).await?, details(tx, &afters, to).await?);
    let view = |row: Difference| {
        let change = match (row.before, row.after) {
            (None, _) => "added",
            (Some(_), None) => "removed",
            (Some(_), Some(_)) => "changed",
        };
        DifferenceView { change, before: befores.remove(&row.entry), after: afters.remove(&row.entry) }
    };
    Ok(found.into_iter().map(view).collect())
}

async fn details(tx: &mut Tx, versions: &[Uuid], at: Timestamp) -> Result<HashMap<EntryId, EntryDetails>, Error> {
    let rows: Vec<_> = entry_versions::list_rows(tx, versions).await?.into_iter().map(|(_, entry)| entry).collect();
    let ids: Vec<EntryId> = rows.iter().map(|entry| entry.id).collect();
    Ok(ids.into_iter().zip(with_hits(tx, rows, at).await?).collect())
}

/// The way back, as sent.
pub struct Revert {
    to: AsOf,
}

impl Revert {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let to = fields.required("to", AsOf::read);
        fields.finish(|| Some(Self { to: to? }))
    }
}

/// What a revert did.
#[derive(Debug, Serialize)]
pub struct Reverted {
    /// The state that stands again.
    to: u64,
    /// The revision that brought it; the current one when nothing differed.
    revision: u64,
    added: u64,
    removed: u64,
    changed: u64,
}

/// Makes a list's entries what they were, in a revision of its own. What happened since stays readable.
pub async fn revert(app: &App, caller: &Caller, id: ListId, body: Result<Revert, FieldErrors>) -> Result<Reverted, Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let scope = sync::lock_list(tx, caller.application, id).await?;
            let now = clock.now();
            let list = lists::find_list(tx, caller.application, id, now).await?.ok_or(Error::NOT_FOUND)?;
            let gate = Gate::of(tx, caller.application, id).await?;
            let asked = body?.to;
            let to = as_of::find(tx, caller.application, ("to", Some(asked)), now).await?.revision;
            let amendment = Amendment::begin(tx, &caller, now).await?;
            let moment = amendment.moment;
            let (mut found, total) = entry_versions::list_differences(tx, id, (to, moment.revision), (MOST, 0)).await?;
            if total > MOST {
                let text =
                    format!("{total} entries differ; a revert changes {MOST} at most. Import an export of that state instead.");
                return Err(Error::Refused(text));
            }
            let erased: HashSet<Uuid> = entry_versions::list_erased(tx, id, to).await?.into_iter().collect();
            found.retain(|row| row.before.is_none_or(|version| !erased.contains(&version)));
            if found.is_empty() {
                return Ok(Reverted { to, revision: moment.revision - 1, added: 0, removed: 0, changed: 0 });
            }
            if gate.counts() {
                let again: Vec<Uuid> = found.iter().filter(|row| row.after.is_none()).filter_map(|row| row.before).collect();
                let again = entry_versions::list_rows(tx, &again).await?;
                let values: Vec<EntryValue> =
                    again.iter().filter_map(|(_, entry)| EntryValue::parse(list.entry_type, &entry.value).ok()).collect();
                let gone: Vec<EntryId> = found.iter().filter(|row| row.after.is_some()).map(|row| row.entry).collect();
                gate.must_let(tx, &values.iter().collect::<Vec<_>>(), &gone).await?;
            }
            let (mut added, mut removed, mut changed) = (0, 0, 0);
            for row in &found {
                match (row.before, row.after) {
                    (Some(_), Some(_)) => changed += 1,
                    (Some(_), None) => added += 1,
                    (None, _) => removed += 1,
                }
                if let Some(version) = row.after {
                    entry_versions::end_version(tx, version, moment).await?;
                }
            }
            for version in found.iter().filter_map(|row| row.before) {
                entry_versions::insert_copy(tx, (version, new_id()), moment).await?;
            }
            for by in [i64::try_from(added).unwrap_or(0), -i64::try_from(removed).unwrap_or(0)] {
                lists::add_to_count(tx, id, by, now).await?;
            }
            marks::release_marks(tx, caller.application, list.entry_type, moment.revision, now).await?;
            if list.list_type == ListType::Blocklist && marks::leaves_mark(list.entry_type) {
                marks::restore_marks(tx, id, moment.revision, now).await?;
            }
            amendment.note(tx, id, Effect { kind: "list.reverted", added, removed, changed }).await?;
            caller.audit(tx, "list.reverted", &[("list", id.0)], now).await?;
            sync::follow(tx, &caller, &scope, now).await?;
            Ok(Reverted { to, revision: moment.revision, added, removed, changed })
        })
    })
    .await
}
