//! A workflow as answered.

use gavel_core::{
    evidence::{Feature, next_node_id},
    ids::{WorkflowId, WorkflowVersionId, parse_uuid},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};
use uuid::Uuid;

use crate::{actions::Error, app::App, store::workflows::Workflow};

/// The end of every graph: the evidence decides.
const END: &str = "status_1";

/// A row of the list.
#[derive(Debug, Serialize)]
pub struct WorkflowRow {
    uuid: WorkflowVersionId,
    workflow_id: WorkflowId,
    workflow_label: String,
    workflow_type: String,
    is_default: bool,
    is_archived: bool,
    is_white_label_enabled: bool,
    total_price: u8,
    min_price: u8,
    max_price: u8,
    features: String,
    is_simple_workflow: bool,
    is_editable: bool,
    workflow_url: String,
    max_retry_attempts: i64,
    retry_window_days: Option<i64>,
    session_expiration_time: i64,
    version: u64,
    status: &'static str,
    has_draft: bool,
    created_by: Option<Box<RawValue>>,
    updated_at: Timestamp,
}

/// One version.
#[derive(Debug, Serialize)]
pub struct WorkflowDetail {
    #[serde(flatten)]
    row: WorkflowRow,
    is_desktop_allowed: bool,
    face_liveness_max_attempts: i64,
    face_match_max_attempts: i64,
    auto_blocklist_on_decline: Option<bool>,
    workflow_graph: Value,
    published_at: Option<Timestamp>,
    created_at: Timestamp,
}

/// A feature as it is stored.
#[derive(Deserialize)]
struct Stored {
    feature: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    config: Map<String, Value>,
}

fn features_of(workflow: &Workflow) -> Result<Vec<Stored>, Error> {
    serde_json::from_str(workflow.features.get()).map_err(Error::fault)
}

/// The questionnaires a workflow names.
pub(super) fn questionnaires_of(workflow: &Workflow) -> Result<Vec<Uuid>, Error> {
    let named = |stored: &Stored| parse_uuid(stored.config.get("questionnaire_uuid")?.as_str()?).ok();
    Ok(features_of(workflow)?.iter().filter_map(named).collect())
}

impl WorkflowRow {
    pub(super) fn of(app: &App, row: Workflow) -> Result<Self, Error> {
        let names: Vec<String> = features_of(&row)?.into_iter().map(|stored| stored.feature).collect();
        Ok(Self {
            uuid: row.id,
            workflow_id: row.workflow_id,
            workflow_label: row.label,
            workflow_type: row.workflow_type,
            is_default: row.is_default,
            is_archived: false,
            is_white_label_enabled: row.is_white_label_enabled,
            total_price: 0,
            min_price: 0,
            max_price: 0,
            features: names.join(" + "),
            is_simple_workflow: true,
            is_editable: !row.is_published,
            workflow_url: format!("{}/start/{}", app.config.public_url, row.workflow_id),
            max_retry_attempts: row.max_retry_attempts,
            retry_window_days: row.retry_window_days,
            session_expiration_time: row.session_expiration_time,
            version: row.version,
            status: if row.is_published { "published" } else { "draft" },
            has_draft: row.has_draft,
            created_by: row.created_by,
            updated_at: row.updated_at,
        })
    }
}

impl WorkflowDetail {
    pub(super) fn of(app: &App, workflow: Workflow) -> Result<Self, Error> {
        Ok(Self {
            is_desktop_allowed: workflow.is_desktop_allowed,
            face_liveness_max_attempts: workflow.face_liveness_max_attempts,
            face_match_max_attempts: workflow.face_match_max_attempts,
            auto_blocklist_on_decline: workflow.auto_blocklist_on_decline,
            workflow_graph: graph(features_of(&workflow)?),
            published_at: workflow.published_at,
            created_at: workflow.created_at,
            row: WorkflowRow::of(app, workflow)?,
        })
    }
}

/// The features as nodes that lead from one to the next, and in the end to the decision.
fn graph(features: Vec<Stored>) -> Value {
    let mut ids: Vec<String> = Vec::with_capacity(features.len());
    for stored in &features {
        let taken: Vec<&str> = ids.iter().map(String::as_str).collect();
        let feature = Feature::from_workflow_name(&stored.feature);
        ids.push(feature.and_then(|feature| next_node_id(feature, &taken)).unwrap_or_default());
    }
    let start = ids.first().map_or(END, String::as_str).to_owned();
    let mut nodes = Map::new();
    for (place, stored) in features.into_iter().enumerate() {
        let next = ids.get(place + 1).map_or(END, String::as_str);
        let node = json!({
            "type": "feature", "feature": stored.feature, "label": stored.label, "config": stored.config, "next": next,
        });
        nodes.insert(ids[place].clone(), node);
    }
    nodes.insert(END.to_owned(), json!({ "type": "status", "status": "Determine" }));
    json!({ "start_node": start, "nodes": nodes })
}
