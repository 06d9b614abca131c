//! The features a workflow can ask for, and the five names each of them goes by.
//!
//! A feature is called `OCR` in a workflow, `ID_VERIFICATION` in a session's `features`, its records sit in
//! `id_verifications`, its warnings say `ID_VERIFICATION`, a change of its status is reported under the type `KYC`, and
//! its steps are numbered `feature_ocr_1`, `feature_ocr_2`. The names were not made by one hand (a phone check is
//! `PHONE_VERIFICATION`, `PHONE` and `Phone`), so nothing may derive one from another: [`Feature`] holds the table of
//! the contract (sessions.md §1) and every name is looked up there.
//!
//! Three features share one array: a liveness check, an age estimation and a face search all leave a record in
//! `liveness_checks`. Evidence sent there is a [`Feature::Liveness`] unless it names a step of another feature.

/// A kind of check a session can hold records of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// An identity document was read.
    Ocr,
    /// The chip of a document was read.
    Nfc,
    /// A live face was seen.
    Liveness,
    /// The age of a face was estimated.
    AgeEstimation,
    /// A picture was searched in the face index. A call of its own, never a step of a workflow.
    FaceSearch,
    /// Two faces were compared.
    FaceMatch,
    /// A proof of address was read.
    ProofOfAddress,
    /// A phone number was confirmed.
    PhoneVerification,
    /// An e-mail address was confirmed.
    EmailVerification,
    /// A name was screened against sanction lists and media.
    Aml,
    /// Network address and device were looked at.
    IpAnalysis,
    /// Data was compared with a register.
    DatabaseValidation,
    /// Questions were answered.
    Questionnaire,
    /// Other documents were read.
    DocumentAi,
    /// A company was looked up in its register.
    KybRegistry,
    /// A company's documents were read.
    KybDocuments,
    /// A company's owners and officers were looked at.
    KybKeyPeople,
}

/// One row of the table of sessions.md §1.
struct Names {
    workflow: Option<&'static str>,
    name: &'static str,
    array: &'static str,
    warning: &'static str,
    kind: &'static str,
    stem: Option<&'static str>,
}

const fn step(
    workflow: &'static str,
    name: &'static str,
    array: &'static str,
    warning: &'static str,
    kind: &'static str,
    stem: &'static str,
) -> Names {
    Names { workflow: Some(workflow), name, array, warning, kind, stem: Some(stem) }
}

impl Feature {
    /// Every feature, in the order of the contract's table.
    pub const ALL: [Self; 17] = [
        Self::Ocr,
        Self::Nfc,
        Self::Liveness,
        Self::AgeEstimation,
        Self::FaceSearch,
        Self::FaceMatch,
        Self::ProofOfAddress,
        Self::PhoneVerification,
        Self::EmailVerification,
        Self::Aml,
        Self::IpAnalysis,
        Self::DatabaseValidation,
        Self::Questionnaire,
        Self::DocumentAi,
        Self::KybRegistry,
        Self::KybDocuments,
        Self::KybKeyPeople,
    ];

    #[rustfmt::skip]
    const fn names(self) -> Names {
        match self {
            Self::Ocr => step("OCR", "ID_VERIFICATION", "id_verifications", "ID_VERIFICATION", "KYC", "feature_ocr"),
            Self::Nfc => step("NFC", "NFC", "nfc_verifications", "NFC", "NFC", "feature_nfc"),
            Self::Liveness => step("LIVENESS", "LIVENESS", "liveness_checks", "LIVENESS", "Face", "feature_liveness"),
            Self::AgeEstimation => step("AGE_ESTIMATION", "AGE_ESTIMATION", "liveness_checks", "LIVENESS", "Face", "feature_age_estimation"),
            Self::FaceSearch => Names {
                workflow: None, name: "FACE_SEARCH", array: "liveness_checks", warning: "LIVENESS", kind: "Face", stem: None,
            },
            Self::FaceMatch => step("FACE_MATCH", "FACE_MATCH", "face_matches", "FACEMATCH", "FaceMatch", "feature_face_match"),
            Self::ProofOfAddress => step("PROOF_OF_ADDRESS", "POA", "poa_verifications", "PROOF_OF_ADDRESS", "POA", "feature_poa"),
            Self::PhoneVerification => step("PHONE_VERIFICATION", "PHONE", "phone_verifications", "PHONE", "Phone", "feature_phone"),
            Self::EmailVerification => step("EMAIL_VERIFICATION", "EMAIL_VERIFICATION", "email_verifications", "EMAIL", "Email", "feature_email"),
            Self::Aml => step("AML", "AML", "aml_screenings", "AML", "AML", "feature_aml"),
            Self::IpAnalysis => step("IP_ANALYSIS", "IP_ANALYSIS", "ip_analyses", "LOCATION", "Location", "feature_ip"),
            Self::DatabaseValidation => step("DATABASE_VALIDATION", "DATABASE_VALIDATION", "database_validations", "DATABASE_VALIDATION", "DatabaseValidation", "feature_database_validation"),
            Self::Questionnaire => step("QUESTIONNAIRE", "QUESTIONNAIRE", "questionnaire_responses", "QUESTIONNAIRE", "Questionnaire", "feature_questionnaire"),
            Self::DocumentAi => step("DOCUMENT_AI", "DOCUMENT_AI", "document_ai_documents", "DOCUMENT_AI", "DocumentAI", "feature_document_ai"),
            Self::KybRegistry => step("KYB_REGISTRY", "KYB_REGISTRY", "registry_checks", "KYB_REGISTRY", "KYBRegistry", "feature_kyb_registry"),
            Self::KybDocuments => step("KYB_DOCUMENTS", "KYB_DOCUMENTS", "document_verifications", "KYB_DOCUMENTS", "KYBDocuments", "feature_kyb_documents"),
            Self::KybKeyPeople => step("KYB_KEY_PEOPLE", "KYB_KEY_PEOPLE", "key_people_checks", "KYB_KEY_PEOPLE", "KYBKeyPeople", "feature_kyb_key_people"),
        }
    }

    /// What workflows call it (`OCR`); `None` for a face search, which no workflow can ask for.
    pub const fn workflow_name(self) -> Option<&'static str> {
        self.names().workflow
    }

    /// What a session's `features` call it (`ID_VERIFICATION`).
    pub const fn name(self) -> &'static str {
        self.names().name
    }

    /// The array of a decision that holds its records (`id_verifications`).
    pub const fn array(self) -> &'static str {
        self.names().array
    }

    /// The `feature` of its warnings (`LOCATION` for an IP analysis).
    pub const fn warning_name(self) -> &'static str {
        self.names().warning
    }

    /// The `feature_type` of answers about one of its records (`KYC`).
    pub const fn feature_type(self) -> &'static str {
        self.names().kind
    }

    /// What its node ids start with (`feature_ocr`); `None` where records have no node id.
    pub const fn node_stem(self) -> Option<&'static str> {
        self.names().stem
    }

    /// The feature a workflow calls by this name, exact case.
    pub fn from_workflow_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.workflow_name() == Some(name))
    }

    /// The feature a session's `features` call by this name, exact case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }

    /// The feature evidence in this array belongs to; `liveness_checks` means a liveness check.
    pub fn from_array(array: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.array() == array)
    }

    /// Whether it belongs to sessions of companies; a workflow with such a feature makes business sessions.
    pub const fn is_business(self) -> bool {
        matches!(self, Self::KybRegistry | Self::KybDocuments | Self::KybKeyPeople)
    }

    /// Whether a feature record may be `Expired`: documents, phone numbers and e-mail addresses age, the rest does not.
    pub const fn may_expire(self) -> bool {
        matches!(self, Self::Ocr | Self::PhoneVerification | Self::EmailVerification)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_lead_back_to_the_feature() {
        for feature in Feature::ALL {
            assert_eq!(Feature::from_name(feature.name()), Some(feature));
            match feature.workflow_name() {
                Some(name) => assert_eq!(Feature::from_workflow_name(name), Some(feature)),
                None => assert_eq!(feature, Feature::FaceSearch),
            }
        }
        assert_eq!(Feature::from_workflow_name("ocr"), None);
    }

    #[test]
    fn stems_are_unique() {
        let stems: BTreeSet<_> = Feature::ALL.into_iter().filter_map(Feature::node_stem).collect();
        assert_eq!(stems.len(), 16);
    }

    #[test]
    fn the_shared_array_means_liveness() {
        assert_eq!(Feature::from_array("liveness_checks"), Some(Feature::Liveness));
        assert_eq!(Feature::from_array("id_verifications"), Some(Feature::Ocr));
        assert_eq!(Feature::from_array("matches"), None);
    }

    #[test]
    fn the_odd_names_are_the_contracts() {
        let phone = Feature::PhoneVerification;
        assert_eq!((phone.name(), phone.warning_name(), phone.feature_type()), ("PHONE", "PHONE", "Phone"));
        assert_eq!((phone.array(), phone.node_stem()), ("phone_verifications", Some("feature_phone")));
        assert_eq!(Feature::IpAnalysis.warning_name(), "LOCATION");
        assert_eq!(Feature::FaceMatch.warning_name(), "FACEMATCH");
        assert_eq!(Feature::ProofOfAddress.name(), "POA");
    }
}
