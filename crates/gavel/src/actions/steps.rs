//! What a workflow asks of a session: its steps, and what follows from them.

use gavel_core::{evidence::Feature, session::SessionKind};
use serde_json::Value;

use super::Error;
use crate::store::{sessions::Step, workflows::Workflow};

/// A feature as a workflow version configures it.
#[derive(serde::Deserialize)]
struct Configured {
    feature: String,
    #[serde(default)]
    config: serde_json::Map<String, Value>,
}

fn configured(workflow: &Workflow) -> Result<Vec<Configured>, Error> {
    serde_json::from_str(workflow.features.get()).map_err(Error::fault)
}

/// A company's, when the workflow asks for anything about companies.
pub(super) fn kind_of(workflow: &Workflow) -> Result<SessionKind, Error> {
    let business = configured(workflow)?.iter().any(|step| step.feature.starts_with("KYB_"));
    Ok(if business { SessionKind::Business } else { SessionKind::User })
}

/// Whether a face is to be compared before any document could have brought one to compare it with.
pub(super) fn needs_portrait(workflow: &Workflow) -> Result<bool, Error> {
    let steps = configured(workflow)?;
    let first = |feature: Feature| steps.iter().position(|step| Some(feature) == Feature::from_workflow_name(&step.feature));
    Ok(first(Feature::FaceMatch).is_some_and(|face| first(Feature::Ocr).is_none_or(|document| document > face)))
}

/// The steps of a workflow version, each with its node id.
pub(super) fn steps_of(workflow: &Workflow) -> Result<Vec<Step>, Error> {
    let features = configured(workflow)?;
    let mut steps: Vec<Step> = Vec::with_capacity(features.len());
    for configured in features {
        let feature =
            Feature::from_workflow_name(&configured.feature).ok_or_else(|| Error::fault("unknown feature in a workflow"))?;
        let taken: Vec<&str> = steps.iter().map(|step| step.node_id.as_str()).collect();
        let node_id = gavel_core::evidence::next_node_id(feature, &taken).unwrap_or_default();
        steps.push(Step { feature: feature.name().to_owned(), node_id, config: configured.config, in_workflow: true });
    }
    Ok(steps)
}
