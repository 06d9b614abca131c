//! What a workflow asks for: its features in order, and how each is configured (entities.md §5).
//!
//! [`Features::read`] takes the array of a body, [`Features::read_flags`] the older form with one switch per feature. Both end
//! in the same list, checked by the same rules: which features there are, which must come after which, what a company's
//! workflow may hold, and what every key of a `config` accepts ([`config`]). Unknown keys are dropped.
//!
//! What is not decided here: versions and drafts, and whether a questionnaire exists.

mod config;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::{
    evidence::Feature,
    ids::parse_uuid,
    json::{FieldError, FieldErrors, Fields, Members, Value, read},
};

/// Most features of a workflow.
pub const FEATURES: usize = 50;
/// Longest label of a feature, in characters.
const LABEL: usize = 255;

/// The features a workflow can ask for, sorted by name.
const NAMES: [&str; 16] = [
    "AGE_ESTIMATION",
    "AML",
    "DATABASE_VALIDATION",
    "DOCUMENT_AI",
    "EMAIL_VERIFICATION",
    "FACE_MATCH",
    "IP_ANALYSIS",
    "KYB_DOCUMENTS",
    "KYB_KEY_PEOPLE",
    "KYB_REGISTRY",
    "LIVENESS",
    "NFC",
    "OCR",
    "PHONE_VERIFICATION",
    "PROOF_OF_ADDRESS",
    "QUESTIONNAIRE",
];

/// The switches of the older form, in the order of their features.
const FLAGS: [(&str, Feature); 8] = [
    ("is_nfc_enabled", Feature::Nfc),
    ("is_liveness_enabled", Feature::Liveness),
    ("is_face_match_enabled", Feature::FaceMatch),
    ("is_phone_verification_enabled", Feature::PhoneVerification),
    ("is_email_verification_enabled", Feature::EmailVerification),
    ("is_ip_analysis_enabled", Feature::IpAnalysis),
    ("is_database_validation_enabled", Feature::DatabaseValidation),
    ("is_aml_enabled", Feature::Aml),
];

/// The switch that is no feature's.
const WHITE_LABEL: &str = "is_white_label_enabled";

/// The features of a workflow, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Features(Vec<Step>);

/// A feature of a workflow.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    feature: Feature,
    label: Option<String>,
    config: Map<String, Json>,
}

impl Features {
    /// Reads `[{feature, config, label}]`.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldError> {
        let items = read::array(sent)?;
        if items.is_empty() {
            return Err(FieldError::text("At least one feature is required."));
        }
        if items.len() > FEATURES {
            return Err(FieldError::too_many_elements(FEATURES));
        }
        let items = read::list_of_objects(read_item)(sent)?;
        let steps = items.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        Self::checked(steps)
    }

    /// Reads the older form from a whole body. `None`: the body is not of that form.
    pub fn read_flags(fields: &mut Fields<'_, '_>) -> Option<Option<Self>> {
        let members = fields.members();
        let is_flag = |name: &str| name.len() > "is__enabled".len() && name.starts_with("is_") && name.ends_with("_enabled");
        let old = members.iter().any(|(name, _)| name == "workflow_type" || (is_flag(name) && name != WHITE_LABEL));
        if !old || members.get("features").is_some() {
            return None;
        }
        let kind = fields.optional("workflow_type", read::choice(&["kyc", "kyb"]));
        let mut wanted = kind.map(|kind| vec![if kind == Some("kyb") { Feature::KybRegistry } else { Feature::Ocr }]);
        for (name, feature) in FLAGS {
            match fields.optional(name, read::boolean) {
                Some(on) => wanted.iter_mut().filter(|_| on == Some(true)).for_each(|wanted| wanted.push(feature)),
                None => wanted = None,
            }
        }
        let Some(wanted) = wanted else { return Some(None) };
        let step = |feature| Sent { feature, label: None, config: Some(members) };
        match Self::checked(wanted.into_iter().map(step).collect()) {
            Ok(features) => Some(Some(features)),
            Err(error) => {
                fields.add_error("features", error);
                Some(None)
            }
        }
    }

    /// The rules, one after the other; the first that is broken answers.
    fn checked(sent: Vec<Sent<'_, '_>>) -> Result<Self, FieldError> {
        let order: Vec<Feature> = sent.iter().map(|step| step.feature).collect();
        check_order(&order).map_err(FieldError::text)?;
        check_kind(&order).map_err(FieldError::text)?;
        check_needs(&sent).map_err(FieldError::text)?;
        let step = |sent: Sent<'_, '_>| {
            let config = config::read(sent.feature, sent.config).map_err(FieldError::text)?;
            Ok(Step { feature: sent.feature, label: sent.label, config })
        };
        sent.into_iter().map(step).collect::<Result<_, _>>().map(Self)
    }

    /// `kyc`, or `kyb` when it asks for anything about companies.
    pub fn workflow_type(&self) -> &'static str {
        if self.0.iter().any(|step| step.feature.is_business()) { "kyb" } else { "kyc" }
    }

    /// The questionnaires it names.
    pub fn questionnaires(&self) -> impl Iterator<Item = Uuid> {
        self.0.iter().filter_map(|step| parse_uuid(step.config.get("questionnaire_uuid")?.as_str()?).ok())
    }

    /// As it is stored.
    pub fn to_json(&self) -> Json {
        let step = |step: &Step| json!({ "feature": name(step.feature), "label": step.label, "config": step.config });
        self.0.iter().map(step).collect()
    }
}

/// An item of the array, its shape settled.
struct Sent<'v, 'a> {
    feature: Feature,
    label: Option<String>,
    config: Option<&'v Members<'a>>,
}

/// An item before its name is looked up: a wrong name is told beside, not inside it.
type Item<'v, 'a> = (String, Option<String>, Option<&'v Members<'a>>);

fn read_item<'v, 'a>(sent: &'v Value<'a>) -> Result<Item<'v, 'a>, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let feature = fields.required("feature", |sent| match sent.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => Ok(sent.to_json()),
    });
    let label = fields.optional("label", read::text(LABEL));
    let config = fields.optional("config", read::object);
    fields.finish(|| Some((feature?, label?, config?)))
}

fn named<'v, 'a>((feature, label, config): &Item<'v, 'a>) -> Result<Sent<'v, 'a>, FieldError> {
    match Feature::from_workflow_name(feature) {
        Some(feature) => Ok(Sent { feature, label: label.clone(), config: *config }),
        None => {
            let text = format!("Invalid feature '{feature}'. Allowed values: {}.", NAMES.join(", "));
            Err(FieldError::text(text))
        }
    }
}

fn name(feature: Feature) -> &'static str {
    feature.workflow_name().unwrap_or_default()
}

/// What a feature builds upon: one of these must stand before it.
const fn after(feature: Feature) -> &'static [Feature] {
    match feature {
        Feature::FaceMatch | Feature::Nfc | Feature::DatabaseValidation => &[Feature::Ocr],
        Feature::Aml => &[Feature::Ocr, Feature::KybRegistry],
        Feature::KybDocuments | Feature::KybKeyPeople => &[Feature::KybRegistry],
        Feature::Ocr
        | Feature::Liveness
        | Feature::AgeEstimation
        | Feature::FaceSearch
        | Feature::ProofOfAddress
        | Feature::PhoneVerification
        | Feature::EmailVerification
        | Feature::IpAnalysis
        | Feature::Questionnaire
        | Feature::DocumentAi
        | Feature::KybRegistry => &[],
    }
}

/// Whether it looks at a person, and so has no place in a workflow about a company.
const fn is_about_a_person(feature: Feature) -> bool {
    match feature {
        Feature::Ocr
        | Feature::Nfc
        | Feature::Liveness
        | Feature::FaceMatch
        | Feature::AgeEstimation
        | Feature::ProofOfAddress
        | Feature::DatabaseValidation
        | Feature::DocumentAi => true,
        Feature::FaceSearch
        | Feature::PhoneVerification
        | Feature::EmailVerification
        | Feature::Aml
        | Feature::IpAnalysis
        | Feature::Questionnaire
        | Feature::KybRegistry
        | Feature::KybDocuments
        | Feature::KybKeyPeople => false,
    }
}

fn check_order(order: &[Feature]) -> Result<(), String> {
    for (place, feature) in order.iter().enumerate() {
        let wanted = after(*feature);
        if !wanted.is_empty() && !order[..place].iter().any(|before| wanted.contains(before)) {
            let wanted: Vec<&str> = wanted.iter().map(|feature| name(*feature)).collect();
            return Err(format!("Feature '{}' must appear after one of: {}.", name(*feature), wanted.join(", ")));
        }
    }
    match order.first() {
        Some(Feature::IpAnalysis) => Err("Feature 'IP_ANALYSIS' cannot be the first feature.".into()),
        _ => Ok(()),
    }
}

fn check_kind(order: &[Feature]) -> Result<(), String> {
    let person = order.iter().find(|feature| is_about_a_person(**feature));
    match person.filter(|_| order.iter().any(|feature| feature.is_business())) {
        Some(feature) => Err(format!("Feature '{}' cannot be used in a business workflow.", name(*feature))),
        None => Ok(()),
    }
}

fn check_needs(steps: &[Sent<'_, '_>]) -> Result<(), String> {
    for (feature, key) in
        [(Feature::Questionnaire, "questionnaire_uuid"), (Feature::KybDocuments, "kyb_required_document_groups")]
    {
        let has = |step: &Sent<'_, '_>| step.config.and_then(|config| config.get(key)).is_some_and(|sent| *sent != Value::Null);
        if steps.iter().any(|step| step.feature == feature && !has(step)) {
            return Err(format!("Feature '{}' requires config.{key}.", name(feature)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
