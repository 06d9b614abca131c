//! What the features of a session add up to (sessions.md §6.4, §6.5).
//!
//! Two questions are answered here. [`live_outcome`] is asked after every result a hosted flow records: it may answer
//! "not yet". [`session_outcome`] is asked once at the end of an evidence call: it answers with the status the session
//! has afterwards, and never approves by omission — a missing step or an empty session waits for a person.
//!
//! Both take the statuses of all feature records; nothing else decides. A finished session is never asked about.

use crate::session::{FeatureStatus, SessionStatus};

/// How much a result weighs. A result that is no decision, an expired or unfinished one, weighs like In Review: it can
/// neither approve a session nor be approved away.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Approves,
    Reviews,
    Declines,
}

fn weight(status: FeatureStatus) -> Weight {
    match status {
        FeatureStatus::Approved => Weight::Approves,
        FeatureStatus::InReview | FeatureStatus::NotFinished | FeatureStatus::ResubRequested | FeatureStatus::Expired => {
            Weight::Reviews
        }
        FeatureStatus::Declined => Weight::Declines,
    }
}

/// The more severe of two results: Declined, In Review, Approved.
pub fn more_severe(one: FeatureStatus, other: FeatureStatus) -> FeatureStatus {
    match weight(one).max(weight(other)) {
        Weight::Approves => FeatureStatus::Approved,
        Weight::Reviews => FeatureStatus::InReview,
        Weight::Declines => FeatureStatus::Declined,
    }
}

/// Where a session stands while its features run: declined with the first declined feature, decided when none is open
/// any more. `None`: not decided yet.
pub fn live_outcome(features: &[FeatureStatus], flagged: bool) -> Option<SessionStatus> {
    if features.contains(&FeatureStatus::Declined) {
        return Some(SessionStatus::Declined);
    }
    let open = features.is_empty() || features.iter().any(|status| status.is_open());
    (!open).then(|| total(features, flagged))
}

/// The status of a session after an evidence call.
///
/// `features` holds the status of every record the session has, `missing_steps` says that a step of the workflow has no
/// record, `flagged` that the user or business is flagged. Without `complete` the call only records.
pub fn session_outcome(features: &[FeatureStatus], complete: bool, missing_steps: bool, flagged: bool) -> SessionStatus {
    if !complete {
        return SessionStatus::InProgress;
    }
    let missing = missing_steps || features.is_empty() || features.iter().any(|status| status.is_open());
    match total(features, flagged) {
        SessionStatus::Approved if missing => SessionStatus::InReview,
        decided => decided,
    }
}

fn total(features: &[FeatureStatus], flagged: bool) -> SessionStatus {
    match features.iter().copied().map(weight).max().unwrap_or(Weight::Approves) {
        Weight::Approves if flagged => SessionStatus::InReview,
        Weight::Approves => SessionStatus::Approved,
        Weight::Reviews => SessionStatus::InReview,
        Weight::Declines => SessionStatus::Declined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FeatureStatus::{Approved, Declined, Expired, InReview, NotFinished, ResubRequested};

    #[test]
    fn an_evidence_call_ends_with() {
        for (features, complete, missing, flagged, expected) in [
            (&[Approved, Approved][..], true, false, false, SessionStatus::Approved),
            (&[Approved, InReview], true, false, false, SessionStatus::InReview),
            (&[InReview, Declined], true, false, false, SessionStatus::Declined),
            (&[Approved], true, true, false, SessionStatus::InReview),
            (&[Declined], true, true, false, SessionStatus::Declined),
            (&[], true, false, false, SessionStatus::InReview),
            (&[], true, true, false, SessionStatus::InReview),
            (&[], false, false, false, SessionStatus::InProgress),
            (&[Declined], false, false, false, SessionStatus::InProgress),
            (&[Approved], true, false, true, SessionStatus::InReview),
            (&[Declined], true, false, true, SessionStatus::Declined),
            (&[Approved, NotFinished], true, false, false, SessionStatus::InReview),
            (&[Approved, ResubRequested], true, false, false, SessionStatus::InReview),
            (&[Approved, Expired], true, false, false, SessionStatus::InReview),
        ] {
            let outcome = session_outcome(features, complete, missing, flagged);
            assert_eq!(outcome, expected, "{features:?} complete {complete} missing {missing} flagged {flagged}");
        }
    }

    #[test]
    fn a_running_session_is() {
        for (features, flagged, expected) in [
            (&[NotFinished, Declined][..], false, Some(SessionStatus::Declined)),
            (&[Approved, NotFinished], false, None),
            (&[InReview, ResubRequested], false, None),
            (&[], false, None),
            (&[Approved, InReview], false, Some(SessionStatus::InReview)),
            (&[Approved], false, Some(SessionStatus::Approved)),
            (&[Approved], true, Some(SessionStatus::InReview)),
        ] {
            assert_eq!(live_outcome(features, flagged), expected, "{features:?} flagged {flagged}");
        }
    }

    #[test]
    fn the_more_severe_counts() {
        assert_eq!(more_severe(Approved, InReview), InReview);
        assert_eq!(more_severe(Declined, InReview), Declined);
        assert_eq!(more_severe(Approved, Approved), Approved);
        assert_eq!(more_severe(Approved, NotFinished), InReview);
    }
}
