//! What follows from matches, rules, scores and participants.

use proptest::prelude::*;

use super::super::{Decided, Match, RuleEffect, Severity, Side, Thresholds, TransactionStatus, Weighing};
use crate::{
    entry::EntryType,
    ids::{EntryId, ListId},
};

fn found(entry_type: EntryType, held: bool) -> Match {
    let id = uuid::Uuid::nil();
    Match { side: Side::Subject, entry_type, list: ListId(id), entry: EntryId(id), held }
}

fn rule(title: &str, score: i64, status: Option<TransactionStatus>) -> RuleEffect {
    RuleEffect { title: title.to_owned(), score, status }
}

/// Status, score, severity, code and label in one line.
fn told(decided: &Decided) -> String {
    let severity = decided.severity.map_or("-", Severity::as_str);
    let reason = decided.reason.as_ref().map_or("-".to_owned(), |reason| format!("{} {}", reason.code, reason.label));
    format!("{} {} {severity} {reason}", decided.status.as_str(), decided.score)
}

fn weighed(matches: &[Match], rules: &[RuleEffect], flagged: bool) -> String {
    told(&Weighing { matches, rules, flagged, thresholds: Thresholds::default() }.weigh())
}

#[test]
fn nothing_is_approved() {
    assert_eq!(weighed(&[], &[], false), "APPROVED 0 - -");
}

#[test]
fn the_first_match_says_why() {
    let matches = [found(EntryType::IpAddress, false), found(EntryType::Phone, false)];
    assert_eq!(weighed(&matches, &[], false), "DECLINED 100 CRITICAL IP_ADDRESS_IN_BLOCKLIST IP address in blocklist");
    let rules = [rule("Discount", -60, Some(TransactionStatus::Approved))];
    assert_eq!(weighed(&matches, &rules, true), "DECLINED 100 CRITICAL IP_ADDRESS_IN_BLOCKLIST IP address in blocklist");
}

#[test]
fn an_entry_that_is_held_asks_a_person() {
    let held = found(EntryType::Email, true);
    assert_eq!(weighed(std::slice::from_ref(&held), &[], false), "IN_REVIEW 0 LOW EMAIL_IN_BLOCKLIST Email in blocklist");
    let both = [held, found(EntryType::Phone, false)];
    assert_eq!(weighed(&both, &[], false), "DECLINED 100 CRITICAL PHONE_NUMBER_IN_BLOCKLIST Phone number in blocklist");
}

#[test]
fn scores_have_borders() {
    for (score, expected) in [
        (-5, "APPROVED 0 LOW -"),
        (24, "APPROVED 24 LOW -"),
        (25, "APPROVED 25 MEDIUM -"),
        (49, "APPROVED 49 MEDIUM -"),
        (50, "IN_REVIEW 50 HIGH RULE_MATCHED Large"),
        (79, "IN_REVIEW 79 HIGH RULE_MATCHED Large"),
        (80, "DECLINED 80 CRITICAL RULE_MATCHED Large"),
        (i64::MAX, "DECLINED 100 CRITICAL RULE_MATCHED Large"),
    ] {
        assert_eq!(weighed(&[], &[rule("Large", score, None)], false), expected, "{score}");
    }
}

#[test]
fn the_most_severe_counts() {
    use TransactionStatus::{Approved, AwaitingUser, Declined, InReview};
    for (asked, expected) in [
        ([Some(Approved), None], "APPROVED 0 LOW -"),
        ([Some(InReview), Some(AwaitingUser)], "AWAITING_USER 0 LOW RULE_MATCHED second"),
        ([Some(Declined), Some(AwaitingUser)], "DECLINED 0 LOW RULE_MATCHED first"),
        ([Some(Approved), Some(InReview)], "IN_REVIEW 0 LOW RULE_MATCHED second"),
    ] {
        let rules = [rule("first", 0, asked[0]), rule("second", 0, asked[1])];
        assert_eq!(weighed(&[], &rules, false), expected);
    }
}

#[test]
fn a_flagged_participant_is_looked_at() {
    assert_eq!(weighed(&[], &[], true), "IN_REVIEW 0 - PARTICIPANT_FLAGGED Participant flagged");
    let approves = [rule("Known", 10, Some(TransactionStatus::Approved))];
    assert_eq!(weighed(&[], &approves, true), "IN_REVIEW 10 LOW PARTICIPANT_FLAGGED Participant flagged");
    let declines = [rule("Known", 0, Some(TransactionStatus::Declined))];
    assert_eq!(weighed(&[], &declines, true), "DECLINED 0 LOW RULE_MATCHED Known");
}

proptest! {
    /// Nothing that is added makes an outcome milder.
    #[test]
    fn more_is_never_milder(
        held in proptest::collection::vec(any::<bool>(), 0..3),
        rules in proptest::collection::vec((0_i64..60, 0_usize..5), 0..4),
        flagged: bool,
        review in 0_u8..=100,
        decline in 0_u8..=100,
    ) {
        let matches: Vec<Match> = held.iter().map(|held| found(EntryType::Email, *held)).collect();
        let rules: Vec<RuleEffect> =
            rules.iter().map(|(score, at)| rule("r", *score, TransactionStatus::ALL.get(*at).copied())).collect();
        let thresholds = Thresholds { review, decline };
        let whole = Weighing { matches: &matches, rules: &rules, flagged, thresholds }.weigh();
        for less in [
            Weighing { matches: &matches[matches.len().min(1)..], rules: &rules, flagged, thresholds },
            Weighing { matches: &matches, rules: &rules[rules.len().min(1)..], flagged, thresholds },
            Weighing { matches: &matches, rules: &rules, flagged: false, thresholds },
        ] {
            let less = less.weigh();
            prop_assert!(less.status <= whole.status && less.score <= whole.score);
        }
        let declined_by_list = held.contains(&false);
        prop_assert!(!declined_by_list || whole.status == TransactionStatus::Declined);
        prop_assert!(whole.status == TransactionStatus::Approved || whole.reason.is_some() || review.min(decline) == 0);
    }
}
