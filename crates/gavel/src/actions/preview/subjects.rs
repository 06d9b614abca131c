//! Users and businesses a change would block, or set free: their status follows the entries that cover them.

use std::collections::BTreeMap;

use gavel_core::{
    entry::EntryValue,
    ids::{ApplicationId, EntryId, SubjectId},
    session::SessionKind,
    subject::{SubjectStatus, kind_of},
    time::Timestamp,
};
use serde::Serialize;

use super::{Looked, MOST};
use crate::{
    actions::Error,
    store::{Tx, preview},
};

/// One who would have another status.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    didit_internal_id: SubjectId,
    vendor_data: Option<String>,
    status: SubjectStatus,
    would_be: SubjectStatus,
}

/// What a change does to those of one key.
struct Judgement<'v> {
    value: &'v EntryValue,
    comes: bool,
    goes: Vec<EntryId>,
}

/// Looks at those of a kind whom blocklists would name otherwise than now.
pub(super) async fn look(
    tx: &mut Tx,
    (application, kind): (ApplicationId, SessionKind),
    judged: &[(EntryValue, Option<EntryId>)],
    now: Timestamp,
) -> Result<Looked<Sample>, Error> {
    let mut by_key: BTreeMap<&str, Judgement<'_>> = BTreeMap::new();
    for (value, gone) in judged.iter().filter(|(value, _)| kind_of(value.entry_type()) == Some(kind)) {
        let of = by_key.entry(value.key()).or_insert(Judgement { value, comes: false, goes: Vec::new() });
        of.comes |= gone.is_none();
        of.goes.extend(gone);
    }
    let mut found = Looked::new(true);
    for Judgement { value, comes, goes } in by_key.into_values() {
        let left = preview::list_blocking(tx, application, value, now).await?.into_iter().any(|entry| !goes.contains(&entry));
        let room = (MOST as u64).saturating_sub(found.considered);
        let mut subjects = preview::list_subjects(tx, application, (kind, value), room + 1).await?;
        found.complete &= subjects.len() as u64 <= room;
        subjects.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        found.considered += subjects.len() as u64;
        for (didit_internal_id, vendor_data, status) in subjects {
            let would_be = followed(status, comes || left);
            if would_be != status && found.note(status.as_str(), would_be.as_str()) {
                found.samples.push(Sample { didit_internal_id, vendor_data, status, would_be });
            }
        }
    }
    Ok(found.finish())
}

/// The status that follows from whether a live entry covers somebody.
fn followed(status: SubjectStatus, covered: bool) -> SubjectStatus {
    match (status, covered) {
        (_, true) => SubjectStatus::Blocked,
        (SubjectStatus::Blocked, false) => SubjectStatus::Active,
        (SubjectStatus::Active | SubjectStatus::Flagged, false) => status,
    }
}
