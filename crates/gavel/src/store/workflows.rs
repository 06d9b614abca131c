//! Versions of workflows.

use gavel_core::{
    ids::{ApplicationId, WorkflowId, WorkflowVersionId},
    time::Timestamp,
};
use serde_json::value::RawValue;

use super::{Row, StoreError, Tx};

/// One version of a workflow.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// This version.
    pub id: WorkflowVersionId,
    /// All versions of it; stable.
    pub workflow_id: WorkflowId,
    /// From 1.
    pub version: u64,
    /// Whether new sessions may use it; otherwise a draft.
    pub is_published: bool,
    /// Its name.
    pub label: String,
    /// `kyc` or `kyb`.
    pub workflow_type: String,
    /// JSON array of `{"feature","label","config"}`, in order.
    pub features: Box<RawValue>,
    /// Used when nothing else is named.
    pub is_default: bool,
    /// Whether the hosted pages carry the customer's own look.
    pub is_white_label_enabled: bool,
    /// How often a person may start again.
    pub max_retry_attempts: i64,
    /// Within how many days.
    pub retry_window_days: Option<i64>,
    /// Seconds until an unfinished session ends.
    pub session_expiration_time: i64,
    /// Whether there is a newer draft.
    pub has_draft: bool,
    /// Last change.
    pub updated_at: Timestamp,
}

const COLUMNS: &str = "id, workflow_id, version, status, label, workflow_type, features, is_default, is_white_label_enabled,
    max_retry_attempts, retry_window_days, session_expiration_time,
    EXISTS (SELECT 1 FROM workflows d WHERE d.workflow_id = w.workflow_id AND d.status = 'draft'), updated_at";

fn from_row(row: &Row) -> Result<Workflow, StoreError> {
    let mut c = row.columns();
    Ok(Workflow {
        id: WorkflowVersionId(c.take()?),
        workflow_id: WorkflowId(c.take()?),
        version: c.take()?,
        is_published: c.take::<String>()? == "published",
        label: c.take()?,
        workflow_type: c.take()?,
        features: RawValue::from_string(c.take()?).map_err(|_| StoreError::unreadable("workflow features"))?,
        is_default: c.take()?,
        is_white_label_enabled: c.take()?,
        max_retry_attempts: c.take()?,
        retry_window_days: c.take()?,
        session_expiration_time: c.take()?,
        has_draft: c.take()?,
        updated_at: c.take()?,
    })
}

/// Writes the workflow a new application starts with: published, without a required step, so that the evidence decides.
pub async fn insert_default(
    tx: &mut Tx,
    application: ApplicationId,
    workflow: WorkflowId,
    version: WorkflowVersionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO workflows (id, workflow_id, application_id, version, status, label, workflow_type, features, is_default,
             is_white_label_enabled, is_desktop_allowed, max_retry_attempts, retry_window_days, face_liveness_max_attempts,
             face_match_max_attempts, session_expiration_time, published_at, created_at, updated_at)
         VALUES ($1, $2, $3, 1, 'published', 'ID Verification', 'kyc', '[]', $4, $5, $5, 3, 7, 3, 3, 604800, $6, $6, $6)",
        &[version.0.into(), workflow.0.into(), application.0.into(), true.into(), false.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// The version a new session uses: the latest published one of the workflow, or exactly the published version named.
pub async fn find_for_session(tx: &mut Tx, application: ApplicationId, id: uuid::Uuid) -> Result<Option<Workflow>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "SELECT {COLUMNS} FROM workflows w
                 WHERE application_id = $1 AND (workflow_id = $2 OR id = $2) AND status = 'published'
                 ORDER BY version DESC LIMIT 1"
            ),
            &[application.0.into(), id.into()],
        )
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The labels of these versions.
pub async fn list_labels(tx: &mut Tx, ids: &[WorkflowVersionId]) -> Result<Vec<(WorkflowVersionId, String)>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT id, label FROM workflows WHERE id IN ({})", super::db::placeholders(1, ids.len()));
    let params: Vec<super::Value> = ids.iter().map(|id| id.0.into()).collect();
    let read = |row: &Row| {
        let mut c = row.columns();
        Ok((WorkflowVersionId(c.take()?), c.take()?))
    };
    tx.query(&sql, &params).await?.iter().map(read).collect()
}

/// One row per workflow, its latest published version or else its draft; newest workflow first. With the total.
pub async fn list_workflows(
    tx: &mut Tx,
    application: ApplicationId,
    limit: u64,
    offset: u64,
) -> Result<(Vec<Workflow>, u64), StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM workflows w
                 WHERE application_id = $1 AND id = (
                     SELECT c.id FROM workflows c WHERE c.workflow_id = w.workflow_id
                     ORDER BY c.status DESC, c.version DESC LIMIT 1)
                 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
            ),
            &[application.0.into(), limit.into(), offset.into()],
        )
        .await?;
    let total = tx
        .query_opt("SELECT count(DISTINCT workflow_id) FROM workflows WHERE application_id = $1", &[application.0.into()])
        .await?
        .map_or(Ok(0), |row| row.get(0))?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}
