//! The tables of risks: which code weighs what in which feature (sessions.md §6.2, §6.3).
//!
//! [`rule`] answers for a feature and a code. A code the contract does not know has no rule; then the sender's word
//! counts. The codes the server alone may raise — lists, duplicates — are told apart by [`is_server_owned`]: a client
//! that sends one is not believed, in neither direction.
//!
//! Grouped as in the contract: codes that always decline, codes whose action the feature's `config` names, codes that
//! follow from a score.

use super::{
    Config, Feature,
    warning::{Action, LogType},
};

/// How the weight of a risk is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Always the same.
    Always(LogType),
    /// The action a key of the configuration names.
    ByAction(&'static str, Action),
    /// Raised by the server from a score of the item.
    ByScore(ScoreRule),
}

/// A risk that follows from a number: worse below a border, or worse above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRule {
    /// The code it raises.
    pub risk: &'static str,
    /// The member of the item that holds the score.
    pub member: &'static str,
    /// Which side of the border is bad.
    pub bad: Side,
    /// Beyond it the feature is declined: key, and default (`None`: off).
    pub decline: (&'static str, Option<f64>),
    /// Beyond it the feature is reviewed.
    pub review: (&'static str, Option<f64>),
}

/// A side of a border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Smaller numbers.
    Below,
    /// Greater numbers.
    Above,
}

impl ScoreRule {
    /// The weight of this score, or `None` while it is on the good side of every border.
    pub fn weigh(&self, score: f64, config: &Config) -> Option<LogType> {
        let beyond = |(key, default): (&str, Option<f64>)| {
            config.threshold(key, default).is_some_and(|border| match self.bad {
                Side::Below => score < border,
                Side::Above => score > border,
            })
        };
        if beyond(self.decline) { Some(LogType::Error) } else { beyond(self.review).then_some(LogType::Warning) }
    }
}

const ERROR: Rule = Rule::Always(LogType::Error);
const WARNING: Rule = Rule::Always(LogType::Warning);
const INFORMATION: Rule = Rule::Always(LogType::Information);

const fn no_action(key: &'static str) -> Rule {
    Rule::ByAction(key, Action::NoAction)
}

const fn review(key: &'static str) -> Rule {
    Rule::ByAction(key, Action::Review)
}

const fn decline(key: &'static str) -> Rule {
    Rule::ByAction(key, Action::Decline)
}

type Table = &'static [(Rule, &'static [&'static str])];

const ID_VERIFICATION: Table = &[
    (ERROR, &["ID_DOCUMENT_IN_BLOCKLIST"]),
    (INFORMATION, &["ID_DOCUMENT_IN_ALLOWLIST"]),
    (no_action("duplicated_user_action"), &["POSSIBLE_DUPLICATED_USER"]),
    (no_action("reused_image_action"), &["REUSED_IMAGE"]),
    (
        ERROR,
        &[
            "DOCUMENT_NOT_SUPPORTED_FOR_APPLICATION",
            "DOCUMENT_EXPIRED",
            "PORTRAIT_IMAGE_NOT_DETECTED",
            "AGE_BELOW_MINIMUM",
            "AGE_NOT_DETECTED",
        ],
    ),
    (
        no_action("invalid_code_action"),
        &["QR_NOT_DETECTED", "QR_VALIDATION_FAILED", "BARCODE_NOT_DETECTED", "BARCODE_VALIDATION_FAILED"],
    ),
    (no_action("invalid_mrz_action"), &["MRZ_NOT_DETECTED", "MRZ_VALIDATION_FAILED"]),
    (
        review("inconsistent_data_action"),
        &[
            "DATA_INCONSISTENT",
            "MRZ_AND_DATA_EXTRACTED_FROM_OCR_NOT_SAME",
            "DOCUMENT_NAME_DIFFERENT_FROM_OTHER_APPROVED_DOCUMENTS",
        ],
    ),
    (
        review("invalid_validation_action"),
        &[
            "INVALID_DATE",
            "COULD_NOT_RECOGNIZE_DOCUMENT",
            "COULD_NOT_DETECT_DOCUMENT_TYPE",
            "DOCUMENT_NUMBER_NOT_DETECTED",
            "NAME_NOT_DETECTED",
            "DATE_OF_BIRTH_NOT_DETECTED",
            "SCREEN_CAPTURE_DETECTED",
            "PRINTED_COPY_DETECTED",
            "PORTRAIT_MANIPULATION_DETECTED",
            "PUBLIC_DOCUMENT_IMAGE_DETECTED",
            "CRITICAL_FIELD_OCCLUSION_DETECTED",
        ],
    ),
    (no_action("expiration_date_not_detected_action"), &["EXPIRATION_DATE_NOT_DETECTED"]),
    (
        no_action("document_or_personal_number_format_mismatch_action"),
        &["DOCUMENT_NUMBER_FORMAT_MISMATCH", "PERSONAL_NUMBER_FORMAT_MISMATCH"],
    ),
    (decline("minimum_age_action"), &["MINIMUM_AGE_NOT_MET"]),
    (no_action("image_quality_too_low_action"), &["POOR_DOCUMENT_QUALITY"]),
    (no_action("unparsed_address_action"), &["UNPARSABLE_OR_INVALID_ADDRESS"]),
];

/// Whatever is said to differ from what the customer expected of an identity document, by the ending of the code.
const EXPECTATION: (&str, Rule) = ("_MISMATCH_WITH_PROVIDED", review("expected_details_mismatch_action"));

const NFC: Table = &[
    (review("inconsistent_data_action"), &["DATA_INCONSISTENT"]),
    (review("unverified_chip_action"), &["NFC_CHIP_NOT_VERIFIED"]),
];

const LIVENESS: Table = &[
    (ERROR, &["FACE_IN_BLOCKLIST"]),
    (WARNING, &["POSSIBLE_FACE_IN_BLOCKLIST"]),
    (INFORMATION, &["FACE_IN_ALLOWLIST"]),
    (no_action(DUPLICATED_FACE_ACTION), &["DUPLICATED_FACE", "POSSIBLE_DUPLICATED_FACE"]),
    (no_action("reused_image_action"), &["REUSED_IMAGE"]),
    (ERROR, &["NO_FACE_DETECTED", "LIVENESS_FACE_ATTACK", "AGE_BELOW_MINIMUM", "AGE_NOT_DETECTED"]),
    (review("face_liveness_multiple_faces_action"), &["MULTIPLE_FACES_DETECTED"]),
];

/// A face search answers one question and has no configuration; a lookalike on a blocklist is enough to decline it.
const FACE_SEARCH: Table = &[
    (ERROR, &["FACE_IN_BLOCKLIST", "POSSIBLE_FACE_IN_BLOCKLIST"]),
    (INFORMATION, &["FACE_IN_ALLOWLIST", "DUPLICATED_FACE", "POSSIBLE_DUPLICATED_FACE"]),
    (WARNING, &["MULTIPLE_FACES_DETECTED"]),
];

const FACEMATCH: Table = &[(ERROR, &["NO_REFERENCE_IMAGE"])];

const PHONE: Table = &[
    (ERROR, &["PHONE_NUMBER_IN_BLOCKLIST"]),
    (INFORMATION, &["PHONE_NUMBER_IN_ALLOWLIST"]),
    (no_action("duplicated_phone_number_action"), &["DUPLICATED_PHONE_NUMBER"]),
    (ERROR, &["VERIFICATION_CODE_ATTEMPTS_EXCEEDED", "HIGH_RISK_PHONE_NUMBER"]),
    (no_action("voip_number_action"), &["VOIP_NUMBER_DETECTED"]),
    (no_action("disposable_number_action"), &["DISPOSABLE_NUMBER_DETECTED"]),
];

const EMAIL: Table = &[
    (ERROR, &["EMAIL_IN_BLOCKLIST"]),
    (INFORMATION, &["EMAIL_IN_ALLOWLIST"]),
    (no_action("duplicated_email_action"), &["DUPLICATED_EMAIL"]),
    (ERROR, &["EMAIL_CODE_ATTEMPTS_EXCEEDED", "UNDELIVERABLE_EMAIL_DETECTED"]),
    (no_action("breached_email_action"), &["BREACHED_EMAIL_DETECTED"]),
    (no_action("disposable_email_action"), &["DISPOSABLE_EMAIL_DETECTED"]),
];

const PROOF_OF_ADDRESS: Table = &[
    (
        ERROR,
        &[
            "MISSING_ADDRESS_INFORMATION",
            "POA_DOCUMENT_EXPIRED",
            "INVALID_DOCUMENT_TYPE",
            "UNABLE_TO_VALIDATE_DOCUMENT_AGE",
            "POA_DOCUMENT_NOT_SUPPORTED_FOR_APPLICATION",
        ],
    ),
    (
        review("poa_name_or_address_mismatch_action"),
        &[
            "NAME_MISMATCH_WITH_PROVIDED",
            "NAME_MISMATCH_ID_VERIFICATION",
            "ADDRESS_MISMATCH_WITH_PROVIDED",
            "POA_COUNTRY_MISMATCH_WITH_PROVIDED",
            "POA_NAME_NOT_DETECTED",
        ],
    ),
    (review("poa_document_authenticity_action"), &["SUSPECTED_DOCUMENT_MANIPULATION", "DOCUMENT_METADATA_MISMATCH"]),
    (review("poa_document_issues_action"), &["POOR_DOCUMENT_QUALITY"]),
    (review("poa_unsupported_language_action"), &["UNSUPPORTED_DOCUMENT_LANGUAGE"]),
    (no_action("poa_issuer_not_identified_action"), &["ISSUER_NOT_IDENTIFIED"]),
    (review("poa_issue_date_not_detected_action"), &["UNABLE_TO_EXTRACT_ISSUE_DATE", "FUTURE_ISSUE_DATE"]),
    (no_action("poa_unparsable_or_invalid_address_action"), &["UNPARSABLE_OR_INVALID_ADDRESS"]),
];

const AML: Table = &[(WARNING, &["COULD_NOT_PERFORM_AML_SCREENING"])];

const LOCATION: Table = &[
    (ERROR, &["IP_ADDRESS_IN_BLOCKLIST"]),
    (decline("device_blocklist_action"), &["DEVICE_FINGERPRINT_IN_BLOCKLIST"]),
    (INFORMATION, &["IP_ADDRESS_IN_ALLOWLIST", "DEVICE_FINGERPRINT_IN_ALLOWLIST"]),
    (no_action("duplicated_ip_action"), &["DUPLICATED_IP_ADDRESS"]),
    (no_action("duplicated_device_action"), &["DUPLICATED_DEVICE_FINGERPRINT"]),
    (no_action("recovered_device_action"), &["DEVICE_RECOVERED_HIGH_CONFIDENCE"]),
    (no_action("vpn_detection_action"), &["PRIVATE_NETWORK_DETECTED"]),
    (no_action("ip_mismatch_action"), &["COUNTRY_FROM_DOCUMENT_DOES_NOT_MATCH_COUNTRY_FROM_IP"]),
    (no_action("expected_ip_mismatch_action"), &["EXPECTED_IP_ADDRESS_MISMATCH"]),
];

const DATABASE_VALIDATION: Table = &[
    (review("database_validation_no_match_action"), &["DATABASE_VALIDATION_NO_MATCH"]),
    (review("database_validation_partial_match_action"), &["DATABASE_VALIDATION_PARTIAL_MATCH"]),
    (WARNING, &["COULD_NOT_PERFORM_DATABASE_VALIDATION"]),
];

const DOCUMENT_AI: Table = &[
    (review("document_ai_missing_required_fields_action"), &["DOCUMENT_AI_MISSING_REQUIRED_FIELDS"]),
    (review("document_ai_name_mismatch_action"), &["DOCUMENT_AI_NAME_MISMATCH"]),
    (review("document_ai_unreadable_document_action"), &["DOCUMENT_AI_UNREADABLE_DOCUMENT"]),
    (review("document_ai_unsupported_file_action"), &["DOCUMENT_AI_UNSUPPORTED_FILE"]),
    (review("document_ai_document_tampering_action"), &["DOCUMENT_AI_SUSPECTED_MANIPULATION"]),
];

/// What to do about a face seen before.
pub(super) const DUPLICATED_FACE_ACTION: &str = "face_liveness_possible_duplicated_face_action";
/// The same when the names differ; the stricter of the two counts.
pub(super) const FACE_NAME_MISMATCH_ACTION: &str = "face_liveness_duplicated_face_name_mismatch_action";

const LIVENESS_SCORES: &[ScoreRule] = &[
    ScoreRule {
        risk: "LOW_LIVENESS_SCORE",
        member: "score",
        bad: Side::Below,
        decline: ("face_liveness_score_decline_threshold", Some(50.0)),
        review: ("face_liveness_score_review_threshold", Some(70.0)),
    },
    ScoreRule {
        risk: "LOW_FACE_QUALITY",
        member: "face_quality",
        bad: Side::Below,
        decline: ("face_quality_decline_threshold", None),
        review: ("face_quality_review_threshold", None),
    },
];

const FACEMATCH_SCORES: &[ScoreRule] = &[ScoreRule {
    risk: "LOW_FACE_MATCH_SIMILARITY",
    member: "score",
    bad: Side::Below,
    decline: ("face_match_score_decline_threshold", Some(40.0)),
    review: ("face_match_score_review_threshold", Some(60.0)),
}];

const AML_SCORES: &[ScoreRule] = &[ScoreRule {
    risk: "POSSIBLE_MATCH_FOUND",
    member: "score",
    bad: Side::Above,
    decline: ("aml_score_review_threshold", Some(100.0)),
    review: ("aml_score_approve_threshold", Some(80.0)),
}];

/// The risks the server raises from the scores of this feature's items.
pub const fn score_rules(feature: Feature) -> &'static [ScoreRule] {
    match feature {
        Feature::Liveness | Feature::AgeEstimation => LIVENESS_SCORES,
        Feature::FaceMatch => FACEMATCH_SCORES,
        Feature::Aml => AML_SCORES,
        Feature::Ocr
        | Feature::Nfc
        | Feature::FaceSearch
        | Feature::ProofOfAddress
        | Feature::PhoneVerification
        | Feature::EmailVerification
        | Feature::IpAnalysis
        | Feature::DatabaseValidation
        | Feature::Questionnaire
        | Feature::DocumentAi
        | Feature::KybRegistry
        | Feature::KybDocuments
        | Feature::KybKeyPeople => &[],
    }
}

const fn table(feature: Feature) -> Table {
    match feature {
        Feature::Ocr => ID_VERIFICATION,
        Feature::Nfc => NFC,
        Feature::Liveness | Feature::AgeEstimation => LIVENESS,
        Feature::FaceSearch => FACE_SEARCH,
        Feature::FaceMatch => FACEMATCH,
        Feature::ProofOfAddress => PROOF_OF_ADDRESS,
        Feature::PhoneVerification => PHONE,
        Feature::EmailVerification => EMAIL,
        Feature::Aml => AML,
        Feature::IpAnalysis => LOCATION,
        Feature::DatabaseValidation => DATABASE_VALIDATION,
        Feature::DocumentAi => DOCUMENT_AI,
        Feature::Questionnaire | Feature::KybRegistry | Feature::KybDocuments | Feature::KybKeyPeople => &[],
    }
}

/// How this risk weighs in this feature; `None`: the contract does not know the code there.
pub fn rule(feature: Feature, risk: &str) -> Option<Rule> {
    let listed = table(feature).iter().find(|(_, codes)| codes.contains(&risk)).map(|(rule, _)| *rule);
    let scored = || score_rules(feature).iter().find(|rule| rule.risk == risk).map(|rule| Rule::ByScore(*rule));
    let expected = || (feature == Feature::Ocr && risk.ends_with(EXPECTATION.0)).then_some(EXPECTATION.1);
    listed.or_else(scored).or_else(expected)
}

/// The keys of a feature's configuration that say what to do about a risk. A chip check has none for inconsistent data:
/// that is said once, at the document.
pub fn action_keys(feature: Feature) -> impl Iterator<Item = &'static str> {
    let of_rule = |rule: &Rule| match rule {
        Rule::ByAction(key, _) => Some(*key),
        Rule::Always(_) | Rule::ByScore(_) => None,
    };
    let of_expectation = of_rule(&EXPECTATION.1).filter(|_| feature == Feature::Ocr);
    let of_names = matches!(feature, Feature::Liveness | Feature::AgeEstimation).then_some(FACE_NAME_MISMATCH_ACTION);
    let listed = table(feature).iter().filter_map(move |(rule, _)| of_rule(rule));
    listed
        .filter(move |key| !(feature == Feature::Nfc && *key == "inconsistent_data_action"))
        .chain(of_expectation)
        .chain(of_names)
}

/// The keys that set a border on a score.
pub fn threshold_keys(feature: Feature) -> impl Iterator<Item = &'static str> {
    score_rules(feature).iter().flat_map(|rule| [rule.decline.0, rule.review.0])
}

/// Whether only the server may raise this risk: it alone knows the lists and the other sessions.
pub fn is_server_owned(risk: &str) -> bool {
    risk.ends_with("_IN_BLOCKLIST")
        || risk.ends_with("_IN_ALLOWLIST")
        || risk.starts_with("DUPLICATED_")
        || risk.starts_with("POSSIBLE_DUPLICATED_")
        || matches!(risk, "DEVICE_RECOVERED_HIGH_CONFIDENCE" | "REUSED_IMAGE")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_code_stands_twice_in_a_table() {
        for feature in Feature::ALL {
            let mut seen = HashSet::new();
            for code in table(feature).iter().flat_map(|(_, codes)| codes.iter()) {
                assert!(seen.insert(code), "{feature:?} {code}");
            }
            assert!(score_rules(feature).iter().all(|rule| !seen.contains(&rule.risk)));
        }
    }

    #[test]
    fn rules_are_the_contracts() {
        use Feature::*;
        for (feature, risk, expected) in [
            (Ocr, "DOCUMENT_EXPIRED", ERROR),
            (Ocr, "MINIMUM_AGE_NOT_MET", decline("minimum_age_action")),
            (Ocr, "QR_NOT_DETECTED", no_action("invalid_code_action")),
            (Ocr, "FULL_NAME_MISMATCH_WITH_PROVIDED", review("expected_details_mismatch_action")),
            (Ocr, "POOR_DOCUMENT_QUALITY", no_action("image_quality_too_low_action")),
            (ProofOfAddress, "POOR_DOCUMENT_QUALITY", review("poa_document_issues_action")),
            (ProofOfAddress, "ADDRESS_MISMATCH_WITH_PROVIDED", review("poa_name_or_address_mismatch_action")),
            (Nfc, "DATA_INCONSISTENT", review("inconsistent_data_action")),
            (Liveness, "POSSIBLE_FACE_IN_BLOCKLIST", WARNING),
            (AgeEstimation, "AGE_NOT_DETECTED", ERROR),
            (FaceSearch, "POSSIBLE_FACE_IN_BLOCKLIST", ERROR),
            (FaceSearch, "DUPLICATED_FACE", INFORMATION),
            (IpAnalysis, "DEVICE_FINGERPRINT_IN_BLOCKLIST", decline("device_blocklist_action")),
            (Aml, "COULD_NOT_PERFORM_AML_SCREENING", WARNING),
            (DocumentAi, "DOCUMENT_AI_SUSPECTED_MANIPULATION", review("document_ai_document_tampering_action")),
        ] {
            assert_eq!(rule(feature, risk), Some(expected), "{feature:?} {risk}");
        }
        for (feature, risk) in [
            (PhoneVerification, "DOCUMENT_EXPIRED"),
            (PhoneVerification, "NAME_MISMATCH_WITH_PROVIDED"),
            (Ocr, "document_expired"),
            (Questionnaire, "ANYTHING"),
        ] {
            assert_eq!(rule(feature, risk), None, "{feature:?} {risk}");
        }
    }

    #[test]
    fn scores_are_graded_at_the_borders() {
        let defaults = Config::default();
        let weigh = |feature, index: usize, score| score_rules(feature)[index].weigh(score, &defaults);
        for (score, expected) in [(49.9, Some(LogType::Error)), (50.0, Some(LogType::Warning)), (70.0, None), (100.0, None)] {
            assert_eq!(weigh(Feature::Liveness, 0, score), expected, "liveness {score}");
        }
        for (score, expected) in [(39.9, Some(LogType::Error)), (40.0, Some(LogType::Warning)), (60.0, None)] {
            assert_eq!(weigh(Feature::FaceMatch, 0, score), expected, "face match {score}");
        }
        for (score, expected) in [(80.0, None), (80.1, Some(LogType::Warning)), (100.0, Some(LogType::Warning))] {
            assert_eq!(weigh(Feature::Aml, 0, score), expected, "aml {score}");
        }
        assert_eq!(weigh(Feature::Liveness, 1, 0.0), None, "face quality is off by default");
    }

    #[test]
    fn list_and_duplicate_codes_belong_to_the_server() {
        for risk in
            ["PHONE_NUMBER_IN_BLOCKLIST", "EMAIL_IN_ALLOWLIST", "DUPLICATED_EMAIL", "POSSIBLE_DUPLICATED_USER", "REUSED_IMAGE"]
        {
            assert!(is_server_owned(risk), "{risk}");
        }
        for risk in ["DOCUMENT_EXPIRED", "LOW_LIVENESS_SCORE", "VOIP_NUMBER_DETECTED"] {
            assert!(!is_server_owned(risk), "{risk}");
        }
    }
}
