//! What each key of a feature's `config` accepts (entities.md §5.3).
//!
//! The keys that weigh risks come from the tables of [`risks`], so a risk that is added there can be
//! configured without another word here.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::{
    evidence::{Action, Feature, facts::is_fact, risks},
    json::{FieldError, Members, Value, read},
    rules::{Refusal, StatusRules},
};

/// Most document groups of a company's workflow, and the longest name of one.
const GROUPS: (usize, usize) = (100, 255);
/// Largest free JSON, in bytes.
const FREE: usize = 16_384;
/// Largest set of rules, in bytes.
const RULES: usize = 65_536;

/// What a key holds.
enum Kind {
    /// What to do about a risk.
    Action,
    /// A border on a score, 0 to 100.
    Threshold,
    /// How often something may be tried, 1 to 5.
    Tries,
    Switch,
    Questionnaire,
    Groups,
    Method,
    /// Stored and echoed.
    Free,
    Rules,
}

/// The known keys of a `config`, as stored; or what is wrong with the first bad one.
pub(super) fn read(feature: Feature, sent: Option<&Members<'_>>) -> Result<Map<String, Json>, String> {
    let mut config = Map::new();
    for (key, value) in sent.into_iter().flat_map(Members::iter) {
        let Some(kind) = kind_of(feature, key).filter(|_| *value != Value::Null) else { continue };
        let bad = || format!("Invalid value for '{key}' in feature '{}'.", feature.workflow_name().unwrap_or_default());
        let stored = match kind {
            Kind::Rules => read_rules(value).map_err(|of_list| of_list.unwrap_or_else(bad))?,
            kind => read_value(&kind, value).map_err(|_| bad())?,
        };
        config.insert(key.to_owned(), stored);
    }
    Ok(config)
}

fn kind_of(feature: Feature, key: &str) -> Option<Kind> {
    if risks::action_keys(feature).any(|known| known == key) {
        return Some(Kind::Action);
    }
    if risks::threshold_keys(feature).any(|known| known == key) {
        return Some(Kind::Threshold);
    }
    match (feature, key) {
        (_, "status_rules") => Some(Kind::Rules),
        (Feature::Questionnaire, "questionnaire_uuid") => Some(Kind::Questionnaire),
        (Feature::Questionnaire, "review_questionnaire_manually") => Some(Kind::Switch),
        (Feature::KybDocuments, "kyb_required_document_groups") => Some(Kind::Groups),
        (Feature::Ocr, "documents_allowed") => Some(Kind::Free),
        (Feature::EmailVerification, "email_max_check_attempts" | "email_max_retries") => Some(Kind::Tries),
        (Feature::PhoneVerification, "phone_max_check_attempts" | "phone_max_retries") => Some(Kind::Tries),
        (Feature::Liveness, "face_liveness_method") => Some(Kind::Method),
        _ => None,
    }
}

fn read_value(kind: &Kind, sent: &Value<'_>) -> Result<Json, FieldError> {
    Ok(match kind {
        Kind::Action => read::choice_of(Action::from_name)(sent)?.as_str().into(),
        Kind::Threshold => {
            read::number_in(0.0, 100.0)(sent)?;
            match sent {
                Value::Text(text) => text.parse().map(Json::Number).map_err(|_| FieldError::not_a_number())?,
                other => other.into(),
            }
        }
        Kind::Tries => read::integer(1, 5)(sent)?.into(),
        Kind::Switch => read::boolean(sent)?.into(),
        Kind::Questionnaire => read::uuid::<Uuid>(sent)?.to_string().into(),
        Kind::Method => read::choice(&["ACTIVE_3D", "FLASHING", "PASSIVE"])(sent)?.into(),
        Kind::Groups => {
            let groups = read::not_empty(read::list_of(read::filled(read::text(GROUPS.1))))(sent)?;
            if groups.len() > GROUPS.0 {
                return Err(FieldError::text("too many"));
            }
            groups.into()
        }
        Kind::Free | Kind::Rules => {
            read::any_json_max_bytes(if matches!(kind, Kind::Free) { FREE } else { RULES })(sent)?;
            sent.into()
        }
    })
}

/// The rules as they were sent. `Err(Some(text))`: a list is asked what a list cannot be asked.
fn read_rules(sent: &Value<'_>) -> Result<Json, Option<String>> {
    let stored = read_value(&Kind::Rules, sent).map_err(|_| None)?;
    match StatusRules::read(sent, &is_fact) {
        Ok(_) => Ok(stored),
        Err(Refusal::List(text)) => Err(Some(text)),
        Err(Refusal::Fields(_)) => Err(None),
    }
}
