//! Items, findings, and the warnings and status that follow.

use std::{collections::HashSet, slice::from_ref};

use super::*;
use crate::{
    entry::EntryType,
    ids::{EntryId, ListId, SessionId},
    list::ListType,
    session::FeatureStatus,
};

const LIST: &str = "11111111-1111-4111-8111-111111111111";
const ENTRY: &str = "22222222-2222-4222-8222-222222222222";
const SESSION: &str = "33333333-3333-4333-8333-333333333333";

fn on(list_type: ListType, entry_type: EntryType) -> ListFinding {
    ListFinding {
        entry_type,
        list_type,
        list: LIST.parse::<ListId>().unwrap(),
        entry: ENTRY.parse::<EntryId>().unwrap(),
        value: "the value".into(),
        held: false,
        face: None,
    }
}

fn face_on(list_type: ListType, band: Band) -> ListFinding {
    let session = SessionRef { id: Some(SESSION.parse::<SessionId>().unwrap()), number: Some(7), api_service: None };
    ListFinding { face: Some(FaceFinding { band, session }), ..on(list_type, EntryType::Face) }
}

fn duplicate(kind: DuplicateKind) -> Duplicate {
    Duplicate { kind, session: SessionRef::default(), names_differ: false }
}

fn config(keys: Json) -> Config {
    Config::new(keys.as_object().unwrap().clone())
}

fn phone(warnings: Json) -> Item {
    item("phone_verifications", json!({"full_number": "+14155552671", "warnings": warnings}))
}

/// Codes with their weights, as `RISK error`.
fn told(assessment: &Assessment) -> Vec<String> {
    assessment.warnings.iter().map(|warning| format!("{} {}", warning.risk, warning.log_type.as_str())).collect()
}

#[test]
fn nothing_found_is_approved() {
    let assessment = assess(&phone(json!([])), &Config::default(), &[], &[]);
    assert_eq!(assessment, Assessment { status: FeatureStatus::Approved, warnings: vec![] });
}

#[test]
fn sent_codes_are_weighed_by_the_table_not_by_the_sender() {
    let sent = phone(json!([
        {"risk": "HIGH_RISK_PHONE_NUMBER", "log_type": "information"},
        {"risk": "VOIP_NUMBER_DETECTED", "log_type": "error"},
        {"risk": "SOMETHING_NEW", "log_type": "warning"},
        {"risk": "SOMETHING_QUIET"},
    ]));
    let assessment = assess(&sent, &config(json!({"voip_number_action": "REVIEW"})), &[], &[]);
    assert_eq!(assessment.status, FeatureStatus::Declined);
    assert_eq!(
        told(&assessment),
        ["HIGH_RISK_PHONE_NUMBER error", "VOIP_NUMBER_DETECTED warning", "SOMETHING_NEW warning", "SOMETHING_QUIET information"]
    );
}

#[test]
fn a_risk_is_told_once_with_its_heaviest_reason() {
    let sent = phone(json!([{"risk": "NEW"}, {"risk": "NEW", "action": "DECLINE"}, {"risk": "NEW", "action": "REVIEW"}]));
    assert_eq!(told(&assess(&sent, &Config::default(), &[], &[])), ["NEW error"]);
}

#[test]
fn scores_are_graded_by_the_server() {
    for (array, body, expected) in [
        ("liveness_checks", json!({"score": 49}), vec!["LOW_LIVENESS_SCORE error"]),
        ("liveness_checks", json!({"score": 60.5}), vec!["LOW_LIVENESS_SCORE warning"]),
        ("liveness_checks", json!({"score": 99, "warnings": [{"risk": "LOW_LIVENESS_SCORE", "action": "DECLINE"}]}), vec![]),
        ("liveness_checks", json!({"warnings": [{"risk": "LOW_LIVENESS_SCORE"}]}), vec!["LOW_LIVENESS_SCORE warning"]),
        ("liveness_checks", json!({}), vec![]),
        ("face_matches", json!({"score": "39"}), vec!["LOW_FACE_MATCH_SIMILARITY error"]),
        ("aml_screenings", json!({"score": 81}), vec!["POSSIBLE_MATCH_FOUND warning"]),
        ("aml_screenings", json!({"score": 80}), vec![]),
    ] {
        let assessment = assess(&item(array, body.clone()), &Config::default(), &[], &[]);
        assert_eq!(told(&assessment), expected, "{array} {body}");
    }
    let quality = item("liveness_checks", json!({"score": 99, "face_quality": 30}));
    let strict = config(json!({"face_quality_review_threshold": 40}));
    assert_eq!(told(&assess(&quality, &strict, &[], &[])), ["LOW_FACE_QUALITY warning"]);
}

#[test]
fn a_blocked_value_declines_under_its_own_name() {
    for (array, body, entry_type, risk, member) in [
        ("id_verifications", json!({}), EntryType::Document, "ID_DOCUMENT_IN_BLOCKLIST", "document_number"),
        (
            "phone_verifications",
            json!({"full_number": "+14155552671"}),
            EntryType::Phone,
            "PHONE_NUMBER_IN_BLOCKLIST",
            "phone_number",
        ),
        ("email_verifications", json!({"email": "a@b.example"}), EntryType::Email, "EMAIL_IN_BLOCKLIST", "email"),
        ("ip_analyses", json!({}), EntryType::IpAddress, "IP_ADDRESS_IN_BLOCKLIST", "ip_address"),
        ("ip_analyses", json!({}), EntryType::DeviceFingerprint, "DEVICE_FINGERPRINT_IN_BLOCKLIST", "device_fingerprint"),
    ] {
        let findings =
            [on(ListType::Custom, entry_type), on(ListType::Allowlist, entry_type), on(ListType::Blocklist, entry_type)];
        let assessment = assess(&item(array, body), &Config::default(), &findings, &[]);
        assert_eq!(told(&assessment), [format!("{risk} error")]);
        assert_eq!(json!(assessment.warnings[0].additional_data), json!({member: "the value"}));
        assert_eq!(assessment.status, FeatureStatus::Declined);
    }
}

#[test]
fn a_device_is_treated_as_configured() {
    let device = item("ip_analyses", json!({}));
    let findings = [on(ListType::Blocklist, EntryType::DeviceFingerprint)];
    for (action, status) in
        [("NO_ACTION", FeatureStatus::Approved), ("REVIEW", FeatureStatus::InReview), ("DECLINE", FeatureStatus::Declined)]
    {
        let config = config(json!({"device_blocklist_action": action}));
        assert_eq!(assess(&device, &config, &findings, &[]).status, status, "{action}");
    }
}

#[test]
fn a_held_entry_sends_to_review_unless_another_one_blocks() {
    let blocked = on(ListType::Blocklist, EntryType::Phone);
    let held = ListFinding { held: true, ..blocked.clone() };
    let phone = phone(json!([]));
    assert_eq!(told(&assess(&phone, &Config::default(), from_ref(&held), &[])), ["PHONE_NUMBER_IN_BLOCKLIST warning"]);
    assert_eq!(told(&assess(&phone, &Config::default(), &[held, blocked], &[])), ["PHONE_NUMBER_IN_BLOCKLIST error"]);
}

#[test]
fn an_allowlist_quiets_duplicates_and_nothing_else() {
    let sent = phone(json!([{"risk": "HIGH_RISK_PHONE_NUMBER"}]));
    let config = config(json!({"duplicated_phone_number_action": "REVIEW"}));
    let seen = [duplicate(DuplicateKind::PhoneNumber)];
    assert_eq!(told(&assess(&sent, &config, &[], &seen)), ["HIGH_RISK_PHONE_NUMBER error", "DUPLICATED_PHONE_NUMBER warning"]);
    let allowed = assess(&sent, &config, &[on(ListType::Allowlist, EntryType::Phone)], &seen);
    assert_eq!(told(&allowed), ["HIGH_RISK_PHONE_NUMBER error", "PHONE_NUMBER_IN_ALLOWLIST information"]);
    assert_eq!(json!(allowed.warnings[1].additional_data), json!({"list_uuid": LIST, "entry_uuid": ENTRY}));
}

#[test]
fn an_allowlisted_device_quiets_both_of_its_risks_but_not_the_address() {
    let seen = [
        duplicate(DuplicateKind::IpAddress),
        duplicate(DuplicateKind::DeviceFingerprint),
        duplicate(DuplicateKind::RecoveredDevice),
    ];
    let findings = [on(ListType::Allowlist, EntryType::DeviceFingerprint)];
    let assessment = assess(&item("ip_analyses", json!({})), &Config::default(), &findings, &seen);
    assert_eq!(told(&assessment), ["DUPLICATED_IP_ADDRESS information", "DEVICE_FINGERPRINT_IN_ALLOWLIST information"]);
}

#[test]
fn faces_are_told_by_their_best_band() {
    let face = item("liveness_checks", json!({}));
    let told = |findings: &[ListFinding], seen: &[Duplicate]| told(&assess(&face, &Config::default(), findings, seen));
    let (sure, perhaps) = (face_on(ListType::Blocklist, Band::High), face_on(ListType::Blocklist, Band::Possible));
    assert_eq!(told(&[perhaps.clone(), sure.clone()], &[]), ["FACE_IN_BLOCKLIST error"]);
    assert_eq!(told(from_ref(&perhaps), &[]), ["POSSIBLE_FACE_IN_BLOCKLIST warning"]);
    let seen = [duplicate(DuplicateKind::PossibleFace), duplicate(DuplicateKind::Face)];
    assert_eq!(told(&[], &seen), ["DUPLICATED_FACE information"]);
    assert_eq!(told(&[face_on(ListType::Allowlist, Band::High)], &seen), ["FACE_IN_ALLOWLIST information"]);
    assert_eq!(told(&[face_on(ListType::Allowlist, Band::Possible)], &seen), ["DUPLICATED_FACE information"]);
    let warned = assess(&face, &Config::default(), &[sure], &[]).warnings;
    assert_eq!(
        json!(warned[0].additional_data),
        json!({"blocklisted_session_id": SESSION, "blocklisted_session_number": 7, "api_service": null})
    );
    let mut search = face.clone();
    search.feature = Feature::FaceSearch;
    assert_eq!(assess(&search, &Config::default(), &[perhaps], &[]).status, FeatureStatus::Declined);
}

#[test]
fn a_face_under_another_name_can_be_worse() {
    let face = item("liveness_checks", json!({}));
    let config = config(json!({"face_liveness_duplicated_face_name_mismatch_action": "DECLINE"}));
    let seen = duplicate(DuplicateKind::Face);
    assert_eq!(told(&assess(&face, &config, &[], from_ref(&seen))), ["DUPLICATED_FACE information"]);
    let other_name = Duplicate { names_differ: true, ..seen };
    assert_eq!(told(&assess(&face, &config, &[], &[other_name])), ["DUPLICATED_FACE error"]);
}

#[test]
fn findings_of_other_features_are_none() {
    let findings = [on(ListType::Blocklist, EntryType::Email), on(ListType::Blocklist, EntryType::Country)];
    let seen = [duplicate(DuplicateKind::Email), duplicate(DuplicateKind::Image)];
    assert_eq!(told(&assess(&phone(json!([])), &Config::default(), &findings, &seen)), Vec::<String>::new());
}

#[test]
fn the_more_severe_of_sent_and_derived_counts() {
    for (sent, warnings, expected) in [
        ("Approved", json!([{"risk": "HIGH_RISK_PHONE_NUMBER"}]), FeatureStatus::Declined),
        ("Declined", json!([]), FeatureStatus::Declined),
        ("In Review", json!([]), FeatureStatus::InReview),
        ("Not Finished", json!([]), FeatureStatus::InReview),
        ("Expired", json!([]), FeatureStatus::InReview),
    ] {
        let item = item("phone_verifications", json!({"full_number": "+14155552671", "status": sent, "warnings": warnings}));
        assert_eq!(assess(&item, &Config::default(), &[], &[]).status, expected, "{sent}");
    }
}

#[test]
fn a_status_rule_stands_between_warnings_and_the_senders_word() {
    use FeatureStatus::{Approved, Declined, InReview};
    let review = json!([{"risk": "NEW", "action": "REVIEW"}]);
    let error = json!([{"risk": "NEW", "action": "DECLINE"}]);
    for (warnings, sent, rule, expected) in [
        (&review, "Approved", Some(Approved), Approved),
        (&error, "Approved", Some(Approved), Declined),
        (&review, "Approved", Some(Declined), Declined),
        (&error, "Approved", Some(InReview), Declined),
        (&json!([]), "Approved", Some(InReview), InReview),
        (&review, "In Review", Some(Approved), InReview),
        (&review, "Approved", None, InReview),
    ] {
        let item = item("phone_verifications", json!({"full_number": "+14155552671", "status": sent, "warnings": warnings}));
        let found = assess(&item, &Config::default(), &[], &[]).warnings;
        let status = ruled_status(&item, &Config::default(), &found, rule);
        assert_eq!(status, expected, "{warnings} {sent} {rule:?}");
    }
}

#[test]
fn a_questionnaire_can_ask_for_a_reader() {
    let answers = item("questionnaire_responses", json!({}));
    assert_eq!(assess(&answers, &Config::default(), &[], &[]).status, FeatureStatus::Approved);
    let by_hand = config(json!({"review_questionnaire_manually": true}));
    assert_eq!(assess(&answers, &by_hand, &[], &[]).status, FeatureStatus::InReview);
}

#[test]
fn location_risks_are_told_once_per_session() {
    let sent = item("ip_analyses", json!({"warnings": [{"risk": "PRIVATE_NETWORK_DETECTED"}]}));
    let mut reported = HashSet::new();
    let mut told_in = |item: &Item| {
        let mut assessment = assess(item, &Config::default(), &[], &[]);
        drop_repeated_locations(&mut assessment.warnings, &mut reported);
        assessment.warnings.len()
    };
    assert_eq!((told_in(&sent), told_in(&sent)), (1, 0));
    let other = phone(json!([{"risk": "HIGH_RISK_PHONE_NUMBER"}]));
    assert_eq!((told_in(&other), told_in(&other)), (1, 1));
}

#[test]
fn every_risk_of_a_finding_has_a_rule_where_it_is_raised() {
    for feature in Feature::ALL {
        for entry_type in EntryType::ALL {
            let mut item = Item::empty(feature, 0);
            item.node_id = Some("n".into());
            let face = FaceFinding { band: Band::High, session: SessionRef::default() };
            let finding =
                ListFinding { face: (entry_type == EntryType::Face).then_some(face), ..on(ListType::Blocklist, entry_type) };
            for warning in assess(&item, &Config::default(), &[finding], &[]).warnings {
                assert_eq!(warning.log_type, LogType::Error, "{feature:?} {entry_type}");
                assert_eq!(warning.node_id.as_deref(), Some("n"));
            }
        }
    }
}
