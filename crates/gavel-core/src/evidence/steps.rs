//! Which step of the workflow a piece of evidence belongs to, and what it is called.
//!
//! A workflow names its steps by node ids: the feature's stem and a running number. Evidence may name the step it is
//! for; without a name it takes the first step of its feature that has no record yet; when there is none left, it is
//! recorded outside the workflow under the next free number (sessions.md §1, §6.5). Items are placed in the order they
//! were sent, each seeing the places of those before it.
//!
//! Liveness checks and age estimations share an array, so an item sent there also fits a step of the other feature;
//! otherwise a workflow that asks for an age estimation could never be completed by evidence.

use std::collections::HashSet;

use super::{Config, Feature, Item};

/// A step of a session's workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowStep {
    /// What it asks for.
    pub feature: Feature,
    /// Its name.
    pub node_id: String,
    /// How it is configured.
    pub config: Config,
}

/// Where an item is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The feature it counts as: the step's.
    pub feature: Feature,
    /// Its node id; `None` only for features that have none.
    pub node_id: Option<String>,
    /// The step it takes, as an index of the workflow; `None`: outside the workflow, where every `config` key has its
    /// default.
    pub step: Option<usize>,
}

/// The first free node id of a feature: `feature_ocr_2` when `feature_ocr_1` is taken. `None` for a feature whose
/// records have no node id.
pub fn next_node_id(feature: Feature, taken: &[&str]) -> Option<String> {
    let stem = feature.node_stem()?;
    let number = |name: &&str| name.strip_prefix(stem)?.strip_prefix('_')?.parse::<usize>().ok();
    let numbers: HashSet<usize> = taken.iter().filter_map(number).collect();
    // Of n taken numbers one of the first n + 1 is free.
    (1..=numbers.len() + 1).find(|number| !numbers.contains(number)).map(|number| format!("{stem}_{number}"))
}

/// Places the items of one call. `recorded` holds the node ids of the records the session has already.
pub fn assign_steps(items: &[Item], workflow: &[WorkflowStep], recorded: &[String]) -> Vec<Placement> {
    let mut filled: Vec<String> = recorded.to_vec();
    let mut placements = Vec::with_capacity(items.len());
    for item in items {
        let placement = place(item, workflow, &filled);
        filled.extend(placement.node_id.clone());
        placements.push(placement);
    }
    placements
}

/// Whether a step of the workflow has no record: then a session cannot be approved (sessions.md §6.5).
pub fn has_missing_step(workflow: &[WorkflowStep], recorded: &[&str]) -> bool {
    workflow.iter().any(|step| !recorded.contains(&step.node_id.as_str()))
}

fn place(item: &Item, workflow: &[WorkflowStep], filled: &[String]) -> Placement {
    let fits = |step: &WorkflowStep| step.feature.array() == item.feature.array();
    let named = |step: &WorkflowStep| item.node_id.as_deref() == Some(step.node_id.as_str());
    let open = |step: &WorkflowStep| !filled.contains(&step.node_id);
    let found = workflow
        .iter()
        .position(|step| fits(step) && named(step))
        .or_else(|| workflow.iter().position(|step| step.feature == item.feature && open(step)))
        .or_else(|| workflow.iter().position(|step| fits(step) && open(step)));
    match found {
        Some(index) => {
            let step = &workflow[index];
            Placement { feature: step.feature, node_id: Some(step.node_id.clone()), step: Some(index) }
        }
        None => {
            let steps = workflow.iter().map(|step| step.node_id.as_str());
            let taken: Vec<&str> = steps.chain(filled.iter().map(String::as_str)).collect();
            Placement { feature: item.feature, node_id: next_node_id(item.feature, &taken), step: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow(features: &[Feature]) -> Vec<WorkflowStep> {
        let mut steps: Vec<WorkflowStep> = Vec::new();
        for feature in features {
            let taken: Vec<&str> = steps.iter().map(|step| step.node_id.as_str()).collect();
            let node_id = next_node_id(*feature, &taken).unwrap();
            steps.push(WorkflowStep { feature: *feature, node_id, config: Config::default() });
        }
        steps
    }

    fn item(feature: Feature, node_id: Option<&str>) -> Item {
        Item { node_id: node_id.map(str::to_owned), ..Item::empty(feature, 0) }
    }

    fn nodes(items: &[Item], workflow: &[WorkflowStep], recorded: &[&str]) -> Vec<(String, Option<usize>)> {
        let recorded: Vec<String> = recorded.iter().map(|node| (*node).to_owned()).collect();
        let placed = assign_steps(items, workflow, &recorded);
        placed.into_iter().map(|place| (place.node_id.unwrap(), place.step)).collect()
    }

    #[test]
    fn numbers_start_at_one_and_skip_what_is_taken() {
        assert_eq!(next_node_id(Feature::Ocr, &[]).as_deref(), Some("feature_ocr_1"));
        assert_eq!(next_node_id(Feature::Ocr, &["feature_ocr_1", "feature_phone_2"]).as_deref(), Some("feature_ocr_2"));
        assert_eq!(next_node_id(Feature::Ocr, &["feature_ocr_2"]).as_deref(), Some("feature_ocr_1"));
        assert_eq!(next_node_id(Feature::FaceSearch, &[]), None);
    }

    #[test]
    fn items_fill_the_steps_of_their_feature_in_order() {
        let workflow = workflow(&[Feature::Ocr, Feature::Ocr]);
        let items = [item(Feature::Ocr, None), item(Feature::Ocr, None), item(Feature::Ocr, None)];
        let expected = [("feature_ocr_1".into(), Some(0)), ("feature_ocr_2".into(), Some(1)), ("feature_ocr_3".into(), None)];
        assert_eq!(nodes(&items, &workflow, &[]), expected);
        assert_eq!(nodes(&items[..1], &workflow, &["feature_ocr_1"]), expected[1..2]);
    }

    #[test]
    fn a_named_step_is_taken_even_when_it_has_a_record() {
        let workflow = workflow(&[Feature::IpAnalysis, Feature::IpAnalysis]);
        let named = [item(Feature::IpAnalysis, Some("feature_ip_2"))];
        assert_eq!(nodes(&named, &workflow, &["feature_ip_2"]), [("feature_ip_2".into(), Some(1))]);
    }

    #[test]
    fn a_name_that_does_not_fit_is_ignored() {
        let workflow = workflow(&[Feature::Ocr, Feature::PhoneVerification]);
        let items = [item(Feature::PhoneVerification, Some("feature_ocr_1")), item(Feature::Aml, Some("nowhere"))];
        assert_eq!(nodes(&items, &workflow, &[]), [("feature_phone_1".into(), Some(1)), ("feature_aml_1".into(), None)]);
    }

    #[test]
    fn a_liveness_item_serves_an_age_estimation_when_no_liveness_step_is_open() {
        let workflow = workflow(&[Feature::AgeEstimation, Feature::Liveness]);
        let placed = assign_steps(&[item(Feature::Liveness, None), item(Feature::Liveness, None)], &workflow, &[]);
        let features: Vec<_> = placed.iter().map(|place| (place.feature, place.step)).collect();
        assert_eq!(features, [(Feature::Liveness, Some(1)), (Feature::AgeEstimation, Some(0))]);
    }

    #[test]
    fn a_step_without_a_record_is_missing() {
        let workflow = workflow(&[Feature::Ocr, Feature::Liveness]);
        assert!(has_missing_step(&workflow, &["feature_ocr_1"]));
        assert!(!has_missing_step(&workflow, &["feature_liveness_1", "feature_ocr_1"]));
        assert!(!has_missing_step(&[], &[]));
    }
}
