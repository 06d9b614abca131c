//! Status rules of another system: they stand behind those of the workflow's features, and a batch makes one new version.

use gavel_core::{evidence::Feature, rules, time::Timestamp};
use serde_json::{Value as Json, json};

use super::{
    rows::What,
    run::{Good, Outcome, worker},
};
use crate::{
    actions::{Error, workflows},
    store::{Tx, applications, session_imports::Job},
};

/// Applies the rows. `None`: the workflow is gone.
pub(super) async fn apply(tx: &mut Tx, job: &Job, rows: Vec<Good>, now: Timestamp) -> Result<Option<Outcome>, Error> {
    let caller = worker(job);
    applications::lock_settings(tx, caller.application).await?;
    let found = match job.workflow {
        Some(id) => workflows::find_published(tx, caller.application, id).await?,
        None => None,
    };
    let Some(workflow) = found else { return Ok(None) };
    let mut features: Vec<Json> = serde_json::from_str(workflow.features.get()).map_err(Error::fault)?;
    let mut outcome = Outcome::default();
    for row in rows {
        let What::Rule(new) = &row.row.what else { return Err(Error::fault("a row of another import")) };
        match put(&mut features, new.feature, &new.rule, &row.row.external_id) {
            Ok(Put::Appended) => outcome.created += 1,
            Ok(Put::Replaced) => outcome.updated += 1,
            Ok(Put::Known) => outcome.skipped += 1,
            Err(text) => outcome.refused.push(row.refused(text)),
        }
    }
    if outcome.created + outcome.updated > 0 {
        workflows::publish_features(tx, &caller, workflow, &Json::Array(features), now).await?;
    }
    Ok(Some(outcome))
}

#[derive(Debug, PartialEq, Eq)]
enum Put {
    Appended,
    Replaced,
    Known,
}

/// Puts a rule into the first step of its feature; where it stood with another one it stands no longer.
fn put(features: &mut [Json], feature: Feature, rule: &Json, external_id: &str) -> Result<Put, String> {
    let name = feature.workflow_name();
    let same = |standing: &Json| standing.get("external_id").and_then(Json::as_str) == Some(external_id);
    let place = features.iter().position(|step| step.get("feature").and_then(Json::as_str) == name);
    let place = place.ok_or("feature: The workflow does not ask for it.")?;
    let rules = &mut features[place]["config"]["status_rules"];
    if rules.is_null() {
        *rules = json!([]);
    }
    let rules = rules.as_array_mut().ok_or("feature: Its rules cannot be read.")?;
    let put = match rules.iter().position(same) {
        Some(place) if rules[place] == *rule => Put::Known,
        Some(place) => {
            rules[place] = rule.clone();
            Put::Replaced
        }
        None if rules.len() < rules::RULES => {
            rules.push(rule.clone());
            Put::Appended
        }
        None => return Err(format!("feature: It has {} rules already.", rules::RULES)),
    };
    let mut moved = false;
    for (_, step) in features.iter_mut().enumerate().filter(|(other, _)| *other != place) {
        if let Some(rules) = step.pointer_mut("/config/status_rules").and_then(Json::as_array_mut) {
            let standing = rules.len();
            rules.retain(|rule| !same(rule));
            moved |= rules.len() < standing;
        }
    }
    Ok(if moved { Put::Replaced } else { put })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_appended_once_and_replaced_by_another_of_its_name() {
        let mut features = vec![json!({ "feature": "LIVENESS", "config": {} }), json!({ "feature": "OCR", "config": {} })];
        let rule = |status: &str| json!({ "field": "kyc.age", "operator": "is_empty", "status": status, "external_id": "r1" });
        assert_eq!(put(&mut features, Feature::Ocr, &rule("Declined"), "r1"), Ok(Put::Appended));
        assert_eq!(put(&mut features, Feature::Ocr, &rule("Declined"), "r1"), Ok(Put::Known));
        assert_eq!(put(&mut features, Feature::Ocr, &rule("In Review"), "r1"), Ok(Put::Replaced));
        assert_eq!(features[1]["config"]["status_rules"], json!([rule("In Review")]));
        assert!(put(&mut features, Feature::Aml, &rule("Declined"), "r1").is_err());
        for n in 1..rules::RULES {
            assert_eq!(put(&mut features, Feature::Ocr, &rule("Declined"), &format!("more {n}")), Ok(Put::Appended));
        }
        assert!(put(&mut features, Feature::Ocr, &rule("Declined"), "one more").is_err());
    }

    #[test]
    fn a_rule_that_moves_stands_in_one_place() {
        let mut features = vec![json!({ "feature": "LIVENESS" }), json!({ "feature": "OCR", "config": {} })];
        let rule = json!({ "field": "kyc.age", "operator": "is_empty", "status": "Declined", "external_id": "r1" });
        assert_eq!(put(&mut features, Feature::Ocr, &rule, "r1"), Ok(Put::Appended));
        assert_eq!(put(&mut features, Feature::Liveness, &rule, "r1"), Ok(Put::Replaced));
        let standing = json!([{ "feature": "LIVENESS", "config": { "status_rules": [rule] } }, { "feature": "OCR", "config": { "status_rules": [] } }]);
        assert_eq!(json!(features), standing);
        assert_eq!(put(&mut features, Feature::Liveness, &rule, "r1"), Ok(Put::Known));
    }
}
