//! Warnings: what was found in a feature item, and how much it weighs.
//!
//! A warning names a risk by its code. Its weight is an [`Action`] before anything happened (what the configuration
//! wants, or what the sender states) and a [`LogType`] afterwards; the two are the same three steps under the names the
//! contract gives them in different places. Texts for people are made here from the code: nobody parses them, so they
//! are not part of the contract and not stored in tables beyond those worth a careful sentence.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Feature;

/// What is to be done about a risk, from lenient to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Note it.
    NoAction,
    /// Let a person look.
    Review,
    /// Decline.
    Decline,
}

impl Action {
    /// The action of this name, in any case, as configurations may spell it.
    pub fn from_name(name: &str) -> Option<Self> {
        [("NO_ACTION", Self::NoAction), ("REVIEW", Self::Review), ("DECLINE", Self::Decline)]
            .into_iter()
            .find_map(|(known, action)| known.eq_ignore_ascii_case(name).then_some(action))
    }

    /// The name in configurations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAction => "NO_ACTION",
            Self::Review => "REVIEW",
            Self::Decline => "DECLINE",
        }
    }
}

/// How much a warning weighs, from light to heavy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogType {
    /// Changes nothing.
    Information,
    /// Sends the feature to review.
    Warning,
    /// Declines the feature.
    Error,
}

impl LogType {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The weight of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Information, Self::Warning, Self::Error].into_iter().find(|log_type| log_type.as_str() == name)
    }

    /// The action it follows from.
    pub const fn action(self) -> Action {
        match self {
            Self::Information => Action::NoAction,
            Self::Warning => Action::Review,
            Self::Error => Action::Decline,
        }
    }
}

impl From<Action> for LogType {
    fn from(action: Action) -> Self {
        match action {
            Action::NoAction => Self::Information,
            Action::Review => Self::Warning,
            Action::Decline => Self::Error,
        }
    }
}

impl Serialize for LogType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One entry of a feature item's `warnings` (sessions.md §6.1); serialises to exactly the contract's members.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// The feature's name in warnings.
    pub feature: &'static str,
    /// The code of the risk.
    pub risk: String,
    /// What it is about.
    pub additional_data: Option<Map<String, Value>>,
    /// How much it weighs.
    pub log_type: LogType,
    /// A few words for people.
    pub short_description: String,
    /// A sentence for people.
    pub long_description: String,
    /// The step it belongs to.
    pub node_id: Option<String>,
}

impl Warning {
    /// A warning with the texts that belong to its risk.
    pub fn new(
        feature: Feature,
        node_id: Option<&str>,
        risk: &str,
        log_type: LogType,
        additional_data: Option<Map<String, Value>>,
    ) -> Self {
        let (short_description, long_description) = describe(risk);
        Self {
            feature: feature.warning_name(),
            risk: risk.to_owned(),
            additional_data,
            log_type,
            short_description,
            long_description,
            node_id: node_id.map(str::to_owned),
        }
    }
}

/// Texts worth more than what their code says.
#[rustfmt::skip]
const TEXTS: &[(&str, &str, &str)] = &[
    ("FACE_IN_BLOCKLIST", "Face is on a blocklist", "The face is the same as a face on one of the blocklists of this application."),
    ("POSSIBLE_FACE_IN_BLOCKLIST", "Face may be on a blocklist", "The face resembles a face on one of the blocklists; the similarity is not high enough to be sure."),
    ("ID_DOCUMENT_IN_BLOCKLIST", "Document is on a blocklist", "The number of the document is on one of the blocklists of this application."),
    ("PHONE_NUMBER_IN_BLOCKLIST", "Phone number is on a blocklist", "The phone number is on one of the blocklists of this application."),
    ("EMAIL_IN_BLOCKLIST", "E-mail address is on a blocklist", "The e-mail address is on one of the blocklists of this application."),
    ("IP_ADDRESS_IN_BLOCKLIST", "IP address is on a blocklist", "The IP address, or a network it belongs to, is on one of the blocklists of this application."),
    ("DEVICE_FINGERPRINT_IN_BLOCKLIST", "Device is on a blocklist", "The fingerprint of the device is on one of the blocklists of this application."),
    ("FACE_IN_ALLOWLIST", "Face is on an allowlist", "The face is on an allowlist, so other sessions with the same face are not reported as duplicates."),
    ("ID_DOCUMENT_IN_ALLOWLIST", "Document is on an allowlist", "The document is on an allowlist, so other users with the same document are not reported as duplicates."),
    ("PHONE_NUMBER_IN_ALLOWLIST", "Phone number is on an allowlist", "The phone number is on an allowlist, so other sessions with the same number are not reported as duplicates."),
    ("EMAIL_IN_ALLOWLIST", "E-mail address is on an allowlist", "The e-mail address is on an allowlist, so other sessions with the same address are not reported as duplicates."),
    ("IP_ADDRESS_IN_ALLOWLIST", "IP address is on an allowlist", "The IP address, or a network it belongs to, is on an allowlist, so other sessions from it are not reported as duplicates."),
    ("DEVICE_FINGERPRINT_IN_ALLOWLIST", "Device is on an allowlist", "The device is on an allowlist, so other sessions from it are not reported as duplicates."),
    ("DUPLICATED_FACE", "Face was seen before", "The same face belongs to an approved session of another user."),
    ("POSSIBLE_DUPLICATED_FACE", "Face may have been seen before", "A similar face belongs to an approved session of another user."),
    ("POSSIBLE_DUPLICATED_USER", "Document was used before", "The same document belongs to an approved session of another user."),
    ("DUPLICATED_PHONE_NUMBER", "Phone number was used before", "The same phone number belongs to an approved session of another user."),
    ("DUPLICATED_EMAIL", "E-mail address was used before", "The same e-mail address belongs to an approved session of another user."),
    ("DUPLICATED_IP_ADDRESS", "IP address was used before", "Another user's session came from the same IP address."),
    ("DUPLICATED_DEVICE_FINGERPRINT", "Device was used before", "Another user's session came from the same device."),
    ("DEVICE_RECOVERED_HIGH_CONFIDENCE", "Device was recognised", "The device was recognised with high confidence as one that another user's session came from."),
    ("REUSED_IMAGE", "Image was used before", "The same picture was used in another session."),
    ("LOW_LIVENESS_SCORE", "Low liveness score", "The score of the liveness check is below the border set for this step."),
    ("LOW_FACE_QUALITY", "Low face quality", "The quality of the face image is below the border set for this step."),
    ("LOW_FACE_MATCH_SIMILARITY", "Low face similarity", "The similarity of the two faces is below the border set for this step."),
    ("POSSIBLE_MATCH_FOUND", "Possible match in a screening", "The score of the screening is above the border set for this step."),
];

fn describe(risk: &str) -> (String, String) {
    if let Some((_, short, long)) = TEXTS.iter().find(|(code, ..)| *code == risk) {
        return ((*short).to_owned(), (*long).to_owned());
    }
    let words = in_words(risk);
    let long = format!("The check reported: {}.", words.to_lowercase());
    (words, long)
}

/// `DOCUMENT_EXPIRED` → `Document expired`.
fn in_words(code: &str) -> String {
    let lower = code.replace('_', " ").trim().to_lowercase();
    let mut rest = lower.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest).collect(),
        None => "Unnamed risk".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialises_to_the_contracts_members_in_order() {
        let warning = Warning::new(Feature::Ocr, Some("feature_ocr_1"), "DOCUMENT_EXPIRED", LogType::Error, None);
        assert_eq!(
            serde_json::to_string(&warning).unwrap(),
            r#"{"feature":"ID_VERIFICATION","risk":"DOCUMENT_EXPIRED","additional_data":null,"log_type":"error","short_description":"Document expired","long_description":"The check reported: document expired.","node_id":"feature_ocr_1"}"#
        );
    }

    #[test]
    fn every_code_has_texts() {
        for code in ["FACE_IN_BLOCKLIST", "X", "_", "", "é"] {
            let (short, long) = describe(code);
            assert!(!short.is_empty() && long.len() > 10, "{code}");
        }
    }

    #[test]
    fn weight_and_action_are_the_same_steps() {
        for action in [Action::NoAction, Action::Review, Action::Decline] {
            assert_eq!(LogType::from(action).action(), action);
            assert_eq!(Action::from_name(&action.as_str().to_lowercase()), Some(action));
        }
        assert!(LogType::Error > LogType::Warning && Action::Decline > Action::Review);
    }
}
