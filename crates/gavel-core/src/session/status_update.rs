//! `PATCH …/update-status/`: the checks of the call, in the contract's order (sessions.md §7).
//!
//! 1. finding the session is the caller's; 2. [`check_source`]; 3. [`StatusUpdate::read`]; 4. [`StatusUpdate::against`];
//! 5. [`StatusUpdate::select`], and [`is_backend_only`] for the limit on repeats.
//!
//! Each answers with the contract's text; which HTTP shape it goes into is said there.
//!
//! A node is named by its `node_id`; the `feature` beside it must be a known name, and its only use is to refuse the
//! features of companies, whose parts are sessions of their own.

use super::{FeatureStatus, SessionStatus};
use crate::{
    evidence::Feature,
    json::{FieldError, FieldErrors, Fields, Value, read},
};

/// The longest comment, in characters.
const COMMENT_LIMIT: usize = 10_000;
/// The most nodes one call may name.
const NODES_LIMIT: usize = 1_000;
/// The longest node id, in characters.
const NODE_ID_LIMIT: usize = 255;

/// The statuses from which a session can be updated, as the error text lists them.
const SOURCES: &str = "Approved, Declined, In Review, Kyc Expired, Abandoned, Resubmitted";

/// Names of `nodes_to_resubmit[].feature`, in the order of the error text.
#[rustfmt::skip]
const RESUBMITTABLE: [&str; 24] = [
    "OCR", "OCR_BACK", "NFC", "AML", "FACE", "LIVENESS", "FACE_MATCH", "IP_ANALYSIS", "AGE_ESTIMATION",
    "PROOF_OF_ADDRESS", "PHONE_VERIFICATION", "EMAIL_VERIFICATION", "FACE_SEARCH", "DATABASE_VALIDATION",
    "QUESTIONNAIRE", "DOCUMENT_AI", "KYB_REGISTRY", "KYB_DOCUMENTS", "KYB_KEY_PEOPLE", "ID_VERIFICATION", "POA",
    "PHONE", "EMAIL", "KYB",
];

/// Step 2: whether a session in this status can be updated. The error is the `detail` of a 400.
pub fn check_source(current: SessionStatus) -> Result<(), String> {
    match current {
        SessionStatus::Approved
        | SessionStatus::Declined
        | SessionStatus::InReview
        | SessionStatus::KycExpired
        | SessionStatus::Abandoned
        | SessionStatus::Resubmitted => Ok(()),
        SessionStatus::NotStarted | SessionStatus::InProgress | SessionStatus::AwaitingUser | SessionStatus::Expired => {
            Err(format!("Only sessions with status {SOURCES} can be updated. Current status: {current}"))
        }
    }
}

/// The body of the call.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusUpdate {
    /// What the session becomes.
    pub new_status: NewStatus,
    /// A remark for the review row; never empty.
    pub comment: Option<String>,
    /// The steps to repeat; empty: the server chooses. Of use for Resubmitted only.
    pub nodes_to_resubmit: Vec<NodeToResubmit>,
    /// Where to send mail, in stored form; `None`: nowhere.
    pub mail_to: Option<String>,
    /// The language of the mail.
    pub email_language: &'static str,
}

/// What this call may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewStatus {
    /// Approved.
    Approved,
    /// Declined.
    Declined,
    /// Steps are to be repeated.
    Resubmitted,
}

impl From<NewStatus> for SessionStatus {
    fn from(status: NewStatus) -> Self {
        match status {
            NewStatus::Approved => Self::Approved,
            NewStatus::Declined => Self::Declined,
            NewStatus::Resubmitted => Self::Resubmitted,
        }
    }
}

/// A step that is to be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeToResubmit {
    /// Its name.
    pub node_id: String,
    /// Its feature as sent, one of the 24 names.
    pub feature: &'static str,
}

impl NodeToResubmit {
    /// The feature meant, aliases resolved; `None` for `KYB`, which means all features of companies.
    pub fn feature(&self) -> Option<Feature> {
        match self.feature {
            "OCR_BACK" => Some(Feature::Ocr),
            "FACE" => Some(Feature::Liveness),
            "EMAIL" => Some(Feature::EmailVerification),
            name => Feature::from_workflow_name(name).or_else(|| Feature::from_name(name)),
        }
    }

    fn is_business(&self) -> bool {
        self.feature().is_none_or(Feature::is_business)
    }
}

/// What step 4 finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgainstCurrent {
    /// The session changes.
    Changes,
    /// It is already so: answer 200 and do nothing.
    AlreadySo,
}

impl StatusUpdate {
    /// Step 3: reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let new_status = fields.required("new_status", new_status);
        let comment = fields.optional("comment", read::text(COMMENT_LIMIT));
        let nodes = fields.optional("nodes_to_resubmit", nodes);
        let send_email = fields.optional("send_email", read::boolean);
        let address = fields.optional("email_address", read::email);
        let language = fields.optional("email_language", read::text(COMMENT_LIMIT));
        if send_email == Some(Some(true)) && address == Some(None) {
            let missing = "Email address is required when send_email is true.";
            fields.add_error("email_address", FieldError::text(missing));
        }
        fields.finish(|| {
            let address = address?.map(|address| address.stored().to_owned());
            Some(Self {
                new_status: new_status?,
                comment: comment?.filter(|comment| !comment.is_empty()),
                nodes_to_resubmit: nodes?.unwrap_or_default(),
                mail_to: address.filter(|_| send_email == Some(Some(true))),
                email_language: language?.and_then(|code| super::language(&code)).unwrap_or("en"),
            })
        })
    }

    /// Step 4: compares with the status the session has. The error is a bare array of one text.
    pub fn against(&self, current: SessionStatus) -> Result<AgainstCurrent, &'static str> {
        match (self.new_status, current) {
            (NewStatus::Resubmitted, SessionStatus::Resubmitted) => Err("The new status is the same as the current status."),
            (new, current) if SessionStatus::from(new) == current => Ok(AgainstCurrent::AlreadySo),
            (NewStatus::Approved | NewStatus::Declined | NewStatus::Resubmitted, _) => Ok(AgainstCurrent::Changes),
        }
    }

    /// Step 5, for Resubmitted only: which of the session's features are to be repeated, as indices of `features`. The
    /// error is the text of `nodes_to_resubmit`, not in an array.
    pub fn select(&self, features: &[SessionFeature<'_>]) -> Result<Vec<usize>, String> {
        let refused: Vec<&str> =
            self.nodes_to_resubmit.iter().filter(|node| node.is_business()).map(|node| node.feature).collect();
        if !refused.is_empty() {
            return Err(format!(
                "The following features cannot be resubmitted directly: {}. Resubmit the relevant child KYC sessions \
                 instead; the parent will recompute automatically.",
                refused.join(", ")
            ));
        }
        let named = |feature: &SessionFeature<'_>| {
            self.nodes_to_resubmit.iter().any(|node| Some(node.node_id.as_str()) == feature.node_id)
        };
        let wanted = |feature: &SessionFeature<'_>| {
            if self.nodes_to_resubmit.is_empty() { feature.can_be_repeated() } else { named(feature) }
        };
        let selected: Vec<usize> =
            features.iter().enumerate().filter(|(_, feature)| wanted(feature)).map(|(index, _)| index).collect();
        if selected.is_empty() {
            return Err("No features found that need resubmission. All features are already approved.".to_owned());
        }
        Ok(selected)
    }
}

/// A feature of the session, run or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionFeature<'a> {
    /// Its step.
    pub node_id: Option<&'a str>,
    /// What it is.
    pub feature: Feature,
    /// Where it stands.
    pub status: FeatureStatus,
}

impl SessionFeature<'_> {
    /// Whether it is repeated when the caller names no steps.
    fn can_be_repeated(&self) -> bool {
        let status = match self.status {
            FeatureStatus::Declined | FeatureStatus::InReview | FeatureStatus::NotFinished | FeatureStatus::Expired => true,
            FeatureStatus::Approved | FeatureStatus::ResubRequested => false,
        };
        let feature = match self.feature {
            Feature::Ocr
            | Feature::Liveness
            | Feature::FaceMatch
            | Feature::ProofOfAddress
            | Feature::PhoneVerification
            | Feature::EmailVerification
            | Feature::Aml
            | Feature::DatabaseValidation
            | Feature::Questionnaire => true,
            Feature::Nfc
            | Feature::AgeEstimation
            | Feature::FaceSearch
            | Feature::IpAnalysis
            | Feature::DocumentAi
            | Feature::KybRegistry
            | Feature::KybDocuments
            | Feature::KybKeyPeople => false,
        };
        status && feature
    }
}

/// Whether a selection holds only features the user takes no part in; repeating those changes nothing by itself, so a
/// repeat within 30 seconds is refused while rate limits are on.
pub fn is_backend_only(selected: &[Feature]) -> bool {
    !selected.is_empty()
        && selected.iter().all(|feature| matches!(feature, Feature::Aml | Feature::DatabaseValidation | Feature::IpAnalysis))
}

fn new_status(sent: &Value<'_>) -> Result<NewStatus, FieldError> {
    match read::choice_of(SessionStatus::from_name)(sent)? {
        SessionStatus::Approved => Ok(NewStatus::Approved),
        SessionStatus::Declined => Ok(NewStatus::Declined),
        SessionStatus::Resubmitted => Ok(NewStatus::Resubmitted),
        SessionStatus::NotStarted
        | SessionStatus::InProgress
        | SessionStatus::AwaitingUser
        | SessionStatus::InReview
        | SessionStatus::Expired
        | SessionStatus::KycExpired
        | SessionStatus::Abandoned => {
            Err(FieldError::text("You can only update the status to 'Approved', 'Declined', or 'Resubmitted'."))
        }
    }
}

fn nodes(sent: &Value<'_>) -> Result<Vec<NodeToResubmit>, FieldError> {
    if read::array(sent)?.len() > NODES_LIMIT {
        return Err(FieldError::too_many_elements(NODES_LIMIT));
    }
    read::list_of_objects(node)(sent)
}

fn node(sent: &Value<'_>) -> Result<NodeToResubmit, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let node_id = fields.required("node_id", read::filled(read::text(NODE_ID_LIMIT)));
    let feature = fields.required("feature", resubmittable);
    fields.finish(|| Some(NodeToResubmit { node_id: node_id?, feature: feature? }))
}

fn resubmittable(sent: &Value<'_>) -> Result<&'static str, FieldError> {
    read::choice(&RESUBMITTABLE)(sent).map_err(|error| match error {
        FieldError::Texts(texts) => {
            let valid = RESUBMITTABLE.join(", ");
            FieldError::Texts(texts.into_iter().map(|text| format!("{text} Valid choices are: {valid}").into()).collect())
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn read_body(body: &Json) -> Result<StatusUpdate, Json> {
        let text = body.to_string();
        let value = Value::parse(text.as_bytes()).unwrap();
        StatusUpdate::read(&value).map_err(|errors| serde_json::to_value(errors).unwrap())
    }

    fn resubmit(nodes: &[(&str, &str)]) -> StatusUpdate {
        let nodes: Vec<Json> = nodes.iter().map(|(node, feature)| json!({"node_id": node, "feature": feature})).collect();
        read_body(&json!({"new_status": "Resubmitted", "nodes_to_resubmit": nodes})).unwrap()
    }

    fn feature(node_id: &str, feature: Feature, status: FeatureStatus) -> SessionFeature<'_> {
        SessionFeature { node_id: Some(node_id), feature, status }
    }

    #[test]
    fn six_statuses_can_be_updated() {
        for status in SessionStatus::ALL {
            let open = matches!(status.as_str(), "Not Started" | "In Progress" | "Awaiting User" | "Expired");
            assert_eq!(check_source(status).is_err(), open, "{status}");
        }
        assert_eq!(
            check_source(SessionStatus::InProgress).unwrap_err(),
            "Only sessions with status Approved, Declined, In Review, Kyc Expired, Abandoned, Resubmitted can be updated. \
             Current status: In Progress"
        );
    }

    #[test]
    fn a_full_body_is_read() {
        let update = read_body(&json!({
            "new_status": "Resubmitted", "comment": "", "send_email": "true", "email_address": " Ana@Example.com ",
            "email_language": "xx", "nodes_to_resubmit": [{"node_id": "feature_ocr_1", "feature": "OCR_BACK"}],
        }));
        let update = update.unwrap();
        assert_eq!((update.new_status, update.comment.as_deref()), (NewStatus::Resubmitted, None));
        assert_eq!((update.mail_to.as_deref(), update.email_language), (Some("ana@example.com"), "en"));
        assert_eq!(update.nodes_to_resubmit[0].feature(), Some(Feature::Ocr));
    }

    #[test]
    fn bad_bodies_are_answered_with() {
        let valid = "OCR, OCR_BACK, NFC, AML, FACE, LIVENESS, FACE_MATCH, IP_ANALYSIS, AGE_ESTIMATION, PROOF_OF_ADDRESS, \
                     PHONE_VERIFICATION, EMAIL_VERIFICATION, FACE_SEARCH, DATABASE_VALIDATION, QUESTIONNAIRE, DOCUMENT_AI, \
                     KYB_REGISTRY, KYB_DOCUMENTS, KYB_KEY_PEOPLE, ID_VERIFICATION, POA, PHONE, EMAIL, KYB";
        for (body, errors) in [
            (json!({}), json!({"new_status": ["This field is required."]})),
            (json!({"new_status": "Bogus"}), json!({"new_status": ["\"Bogus\" is not a valid choice."]})),
            (
                json!({"new_status": "In Review"}),
                json!({"new_status": ["You can only update the status to 'Approved', 'Declined', or 'Resubmitted'."]}),
            ),
            (
                json!({"new_status": "Approved", "send_email": true}),
                json!({"email_address": ["Email address is required when send_email is true."]}),
            ),
            (
                json!({"new_status": "Approved", "nodes_to_resubmit":
                    [{"node_id": "a", "feature": "OCR"}, {"node_id": "b", "feature": "BOGUS"}]}),
                json!({"nodes_to_resubmit":
                    [{}, {"feature": [format!("\"BOGUS\" is not a valid choice. Valid choices are: {valid}")]}]}),
            ),
        ] {
            assert_eq!(read_body(&body).unwrap_err(), errors, "{body}");
        }
    }

    #[test]
    fn the_same_status_is_quietly_accepted_or_refused() {
        let update = |status: &str| read_body(&json!({"new_status": status})).unwrap();
        assert_eq!(update("Approved").against(SessionStatus::Approved), Ok(AgainstCurrent::AlreadySo));
        assert_eq!(update("Declined").against(SessionStatus::Declined), Ok(AgainstCurrent::AlreadySo));
        assert_eq!(update("Approved").against(SessionStatus::Declined), Ok(AgainstCurrent::Changes));
        assert_eq!(
            update("Resubmitted").against(SessionStatus::Resubmitted),
            Err("The new status is the same as the current status.")
        );
    }

    #[test]
    fn features_of_companies_are_refused_by_the_name_sent() {
        let refused = resubmit(&[("a", "KYB_REGISTRY"), ("b", "OCR"), ("c", "KYB")]).select(&[]).unwrap_err();
        assert_eq!(
            refused,
            "The following features cannot be resubmitted directly: KYB_REGISTRY, KYB. Resubmit the relevant child KYC \
             sessions instead; the parent will recompute automatically."
        );
    }

    #[test]
    fn named_steps_are_taken_whatever_their_status() {
        let features = [
            feature("feature_ocr_1", Feature::Ocr, FeatureStatus::Approved),
            feature("feature_ip_1", Feature::IpAnalysis, FeatureStatus::Declined),
        ];
        let update = resubmit(&[("feature_ocr_1", "ID_VERIFICATION"), ("feature_unknown", "OCR")]);
        assert_eq!(update.select(&features), Ok(vec![0]));
        assert!(resubmit(&[("feature_unknown", "OCR")]).select(&features).is_err());
    }

    #[test]
    fn without_names_everything_the_user_can_repair_is_taken() {
        let features = [
            feature("1", Feature::Ocr, FeatureStatus::Approved),
            feature("2", Feature::Liveness, FeatureStatus::Declined),
            feature("3", Feature::IpAnalysis, FeatureStatus::Declined),
            feature("4", Feature::PhoneVerification, FeatureStatus::Expired),
            feature("5", Feature::Aml, FeatureStatus::InReview),
            feature("6", Feature::Questionnaire, FeatureStatus::NotFinished),
        ];
        assert_eq!(resubmit(&[]).select(&features), Ok(vec![1, 3, 4, 5]));
        assert_eq!(
            resubmit(&[]).select(&features[..1]).unwrap_err(),
            "No features found that need resubmission. All features are already approved."
        );
    }

    #[test]
    fn every_name_but_kyb_means_a_feature() {
        for name in RESUBMITTABLE {
            let node = NodeToResubmit { node_id: String::new(), feature: name };
            assert_eq!(node.feature().is_none(), name == "KYB", "{name}");
        }
    }

    #[test]
    fn backend_only_is_about_the_whole_selection() {
        assert!(is_backend_only(&[Feature::Aml, Feature::IpAnalysis]));
        assert!(!is_backend_only(&[Feature::Aml, Feature::Ocr]));
        assert!(!is_backend_only(&[]));
    }
}
