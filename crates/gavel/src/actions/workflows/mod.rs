//! Workflows: what a session can be started with.

use gavel_core::{
    ids::{WorkflowId, WorkflowVersionId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Caller, Error};
use crate::{
    app::App,
    store::workflows::{self, Workflow},
};

/// A row of the list, as answered.
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
    created_by: Option<()>,
    updated_at: Timestamp,
}

#[derive(Deserialize)]
struct Named {
    feature: String,
}

impl WorkflowRow {
    fn of(app: &App, row: Workflow) -> Result<Self, Error> {
        let features: Vec<Named> = serde_json::from_str(row.features.get()).map_err(Error::fault)?;
        let names: Vec<String> = features.into_iter().map(|named| named.feature).collect();
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
            created_by: None,
            updated_at: row.updated_at,
        })
    }
}

/// A page of workflows and how many there are.
pub async fn list(app: &App, caller: &Caller, (limit, offset): (u64, u64)) -> Result<(Vec<WorkflowRow>, u64), Error> {
    let application = caller.application;
    let (rows, total) = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(workflows::list_workflows(tx, application, limit, offset).await?) })
        })
        .await?;
    Ok((rows.into_iter().map(|row| WorkflowRow::of(app, row)).collect::<Result<_, _>>()?, total))
}
