//! The values of an item that lists are asked about.

use super::{Feature, Item};
use crate::entry::{EntryType, EntryValue};

/// A value to be screened. What fails the grammar of its type is none: a real device reports what it likes.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// What it is.
    pub entry_type: EntryType,
    /// In stored form and with its match key.
    pub value: EntryValue,
    /// The member it stands in.
    pub field: &'static str,
}

/// The signals of an item, in the order of its members (lists.md §6, §10). Faces are none: they are compared by template.
pub fn signals(item: &Item) -> Vec<Signal> {
    let read = |(field, entry_type): &(&'static str, EntryType)| {
        let value = EntryValue::parse(*entry_type, item.text(field)?).ok()?;
        Some(Signal { entry_type: *entry_type, value, field })
    };
    members(item.feature).iter().filter_map(read).collect()
}

const fn members(feature: Feature) -> &'static [(&'static str, EntryType)] {
    match feature {
        Feature::Ocr => &[("document_number", EntryType::Document)],
        Feature::PhoneVerification => &[("full_number", EntryType::Phone)],
        Feature::EmailVerification => &[("email", EntryType::Email)],
        Feature::IpAnalysis => &[("device_fingerprint", EntryType::DeviceFingerprint), ("ip_address", EntryType::IpAddress)],
        Feature::Nfc
        | Feature::Liveness
        | Feature::AgeEstimation
        | Feature::FaceSearch
        | Feature::FaceMatch
        | Feature::ProofOfAddress
        | Feature::Aml
        | Feature::DatabaseValidation
        | Feature::Questionnaire
        | Feature::DocumentAi
        | Feature::KybRegistry
        | Feature::KybDocuments
        | Feature::KybKeyPeople => &[],
    }
}
