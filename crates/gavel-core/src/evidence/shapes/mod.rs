//! The shapes of all feature items, as the contract lists them (sessions.md §5).
//!
//! One table per decision array, in files by what they are about. Adding a key to the contract means adding it here
//! and nowhere else: reading, answers and media links follow.

mod contact;
mod data;
mod document;
mod face;
mod network;
mod questions;
mod screening;

use super::{Feature, shape::Field};

pub(crate) use screening::HIT_STATUSES;

/// The arrays evidence may bring, in the order of the contract's shapes.
pub const SENDABLE: [Feature; 12] = [
    Feature::Ocr,
    Feature::Nfc,
    Feature::Liveness,
    Feature::FaceMatch,
    Feature::PhoneVerification,
    Feature::EmailVerification,
    Feature::ProofOfAddress,
    Feature::DocumentAi,
    Feature::Questionnaire,
    Feature::Aml,
    Feature::IpAnalysis,
    Feature::DatabaseValidation,
];

/// The members of this feature's items, in the contract's order. Empty for the features of companies, whose arrays
/// stay null in this version.
pub const fn shape_of(feature: Feature) -> &'static [Field] {
    match feature {
        Feature::Ocr => document::ID_VERIFICATION,
        Feature::Nfc => document::NFC_VERIFICATION,
        Feature::Liveness | Feature::AgeEstimation | Feature::FaceSearch => face::LIVENESS_CHECK,
        Feature::FaceMatch => face::FACE_MATCH,
        Feature::PhoneVerification => contact::PHONE_VERIFICATION,
        Feature::EmailVerification => contact::EMAIL_VERIFICATION,
        Feature::ProofOfAddress => data::POA_VERIFICATION,
        Feature::DocumentAi => data::DOCUMENT_AI_DOCUMENT,
        Feature::Questionnaire => questions::QUESTIONNAIRE_RESPONSE,
        Feature::Aml => screening::AML_SCREENING,
        Feature::IpAnalysis => network::IP_ANALYSIS,
        Feature::DatabaseValidation => screening::DATABASE_VALIDATION,
        Feature::KybRegistry | Feature::KybDocuments | Feature::KybKeyPeople => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::evidence::shape::Kind;

    fn no_key_twice(fields: &[Field]) {
        let names: BTreeSet<_> = fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), fields.len(), "{fields:?}");
        for field in fields {
            if let Kind::Object(inner) | Kind::Open(inner) | Kind::Objects(inner) | Kind::ObjectsIfAny(inner) = field.kind {
                no_key_twice(inner);
            }
        }
    }

    #[test]
    fn every_sendable_array_has_a_shape_with_a_node_and_a_status() {
        for feature in SENDABLE {
            let shape = shape_of(feature);
            no_key_twice(shape);
            for member in ["node_id", "status"] {
                assert_eq!(shape.iter().filter(|field| field.name == member).count(), 1, "{feature:?} {member}");
            }
        }
    }
}
