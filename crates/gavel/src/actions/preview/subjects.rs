//! Users and businesses a change would block, or set free: their status follows the entries that cover them.

use std::collections::{BTreeMap, HashMap};

use gavel_core::{
    entry::EntryValue,
    ids::{ApplicationId, EntryId, SubjectId},
    session::SessionKind,
    subject::{SubjectStatus, kind_of},
    time::Timestamp,
};
use serde::Serialize;

use super::{ByStatus, MOST, SAMPLES};
use crate::{
    actions::Error,
    store::{Tx, preview},
};

/// What would become of users, or of businesses.
#[derive(Debug, Serialize)]
pub(super) struct Subjects {
    /// Named by the change and looked at.
    considered: u64,
    /// Whether these are all there are.
    complete: bool,
    changed: u64,
    by_status: Vec<ByStatus>,
    samples: Vec<Sample>,
}

#[derive(Debug, Serialize)]
struct Sample {
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

impl Subjects {
    /// Looks at those of a kind whom blocklists would name otherwise than now.
    pub(super) async fn look(
        tx: &mut Tx,
        (application, kind): (ApplicationId, SessionKind),
        judged: &[(EntryValue, Option<EntryId>)],
        now: Timestamp,
    ) -> Result<Self, Error> {
        let mut by_key: BTreeMap<&str, Judgement<'_>> = BTreeMap::new();
        for (value, gone) in judged.iter().filter(|(value, _)| kind_of(value.entry_type()) == Some(kind)) {
            let of = by_key.entry(value.key()).or_insert(Judgement { value, comes: false, goes: Vec::new() });
            of.comes |= gone.is_none();
            of.goes.extend(gone);
        }
        let mut found = Self { considered: 0, complete: true, changed: 0, by_status: Vec::new(), samples: Vec::new() };
        let mut counts: HashMap<(&'static str, &'static str), u64> = HashMap::new();
        for Judgement { value, comes, goes } in by_key.into_values() {
            let left = preview::list_blocking(tx, application, value, now).await?.into_iter().any(|entry| !goes.contains(&entry));
            let covered = comes || left;
            let room = (MOST as u64).saturating_sub(found.considered);
            let subjects = preview::list_subjects(tx, application, (kind, value), room + 1).await?;
            if subjects.len() as u64 > room {
                found.complete = false;
                break;
            }
            found.considered += subjects.len() as u64;
            for (didit_internal_id, vendor_data, status) in subjects {
                let would_be = followed(status, covered);
                if would_be != status {
                    found.changed += 1;
                    *counts.entry((status.as_str(), would_be.as_str())).or_default() += 1;
                    found.samples.push(Sample { didit_internal_id, vendor_data, status, would_be });
                    found.samples.truncate(SAMPLES);
                }
            }
        }
        found.by_status = super::by_status(counts);
        Ok(found)
    }
}

/// The status that follows from whether a live entry covers somebody.
fn followed(status: SubjectStatus, covered: bool) -> SubjectStatus {
    match (status, covered) {
        (_, true) => SubjectStatus::Blocked,
        (SubjectStatus::Blocked, false) => SubjectStatus::Active,
        (SubjectStatus::Active | SubjectStatus::Flagged, false) => status,
    }
}
