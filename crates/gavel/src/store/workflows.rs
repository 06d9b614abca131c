//! Versions of workflows.

use gavel_core::{
    ids::{ApplicationId, WorkflowId, WorkflowVersionId},
    time::Timestamp,
};
use serde_json::value::RawValue;

use super::{Row, StoreError, Tx, entries::read_json};

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
    /// Whether the hosted pages may be used without a phone.
    pub is_desktop_allowed: bool,
    /// How often a face may be shown.
    pub face_liveness_max_attempts: i64,
    /// How often faces may be compared.
    pub face_match_max_attempts: i64,
    /// Whether what a declined session has shown is blocked; `None`: as the application says.
    pub auto_blocklist_on_decline: Option<bool>,
    /// Who made it, a JSON object; `None`: a key.
    pub created_by: Option<Box<RawValue>>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// When this version was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, workflow_id, version, status, label, workflow_type, features, is_default, is_white_label_enabled,
    max_retry_attempts, retry_window_days, session_expiration_time,
    EXISTS (SELECT 1 FROM workflows d WHERE d.application_id = w.application_id AND d.workflow_id = w.workflow_id AND d.status = 'draft'),
    updated_at, is_desktop_allowed, face_liveness_max_attempts, face_match_max_attempts, auto_blocklist_on_decline, created_by,
    published_at, created_at";

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
        is_desktop_allowed: c.take()?,
        face_liveness_max_attempts: c.take()?,
        face_match_max_attempts: c.take()?,
        auto_blocklist_on_decline: c.take()?,
        created_by: read_json(c.take()?)?,
        published_at: c.take()?,
        created_at: c.take()?,
    })
}

fn status_of(workflow: &Workflow) -> &'static str {
    if workflow.is_published { "published" } else { "draft" }
}

/// Writes a version. Its `has_draft` is not part of it.
pub async fn insert_workflow(tx: &mut Tx, application: ApplicationId, workflow: &Workflow) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO workflows (id, workflow_id, application_id, version, status, label, workflow_type, features, is_default,
             is_white_label_enabled, is_desktop_allowed, max_retry_attempts, retry_window_days, face_liveness_max_attempts,
             face_match_max_attempts, session_expiration_time, auto_blocklist_on_decline, created_by, published_at, created_at,
             updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        &[
            workflow.id.0.into(),
            workflow.workflow_id.0.into(),
            application.0.into(),
            workflow.version.into(),
            status_of(workflow).into(),
            (&workflow.label).into(),
            (&workflow.workflow_type).into(),
            workflow.features.get().into(),
            workflow.is_default.into(),
            workflow.is_white_label_enabled.into(),
            workflow.is_desktop_allowed.into(),
            workflow.max_retry_attempts.into(),
            workflow.retry_window_days.into(),
            workflow.face_liveness_max_attempts.into(),
            workflow.face_match_max_attempts.into(),
            workflow.session_expiration_time.into(),
            workflow.auto_blocklist_on_decline.into(),
            workflow.created_by.as_ref().map(|json| json.get()).into(),
            workflow.published_at.into(),
            workflow.created_at.into(),
            workflow.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Writes what a change in place moves.
pub async fn set_workflow(tx: &mut Tx, workflow: &Workflow) -> Result<(), StoreError> {
    tx.send(
        "UPDATE workflows SET status = $2, label = $3, workflow_type = $4, features = $5, is_white_label_enabled = $6,
             is_desktop_allowed = $7, max_retry_attempts = $8, retry_window_days = $9, face_liveness_max_attempts = $10,
             face_match_max_attempts = $11, session_expiration_time = $12, published_at = $13, updated_at = $14
         WHERE id = $1",
        &[
            workflow.id.0.into(),
            status_of(workflow).into(),
            (&workflow.label).into(),
            (&workflow.workflow_type).into(),
            workflow.features.get().into(),
            workflow.is_white_label_enabled.into(),
            workflow.is_desktop_allowed.into(),
            workflow.max_retry_attempts.into(),
            workflow.retry_window_days.into(),
            workflow.face_liveness_max_attempts.into(),
            workflow.face_match_max_attempts.into(),
            workflow.session_expiration_time.into(),
            workflow.published_at.into(),
            workflow.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Sets for all versions of a workflow whether declined sessions put what they have shown on blocklists.
pub async fn set_auto_blocklist(
    tx: &mut Tx,
    application: ApplicationId,
    workflow: WorkflowId,
    on: Option<bool>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "UPDATE workflows SET auto_blocklist_on_decline = $3, updated_at = $4 WHERE application_id = $1 AND workflow_id = $2",
        &[application.0.into(), workflow.0.into(), on.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Whether a session of this workflow that is declined puts what it has shown on blocklists: the workflow's word, which is the
/// same in all of its versions, else the application's.
pub async fn find_auto_blocklist(
    tx: &mut Tx,
    application: ApplicationId,
    workflow: Option<WorkflowId>,
) -> Result<bool, StoreError> {
    let sql = "SELECT a.auto_blocklist_on_decline,
             (SELECT w.auto_blocklist_on_decline FROM workflows w WHERE w.application_id = $1 AND w.workflow_id = $2 LIMIT 1)
         FROM applications a WHERE a.id = $1";
    let row = tx.query_opt(sql, &[application.0.into(), workflow.map(|id| id.0).into()]).await?;
    let Some(row) = row else { return Ok(false) };
    let of_workflow: Option<bool> = row.get(1)?;
    of_workflow.map_or_else(|| row.get(0), Ok)
}

/// The version named, or of the workflow named the latest published version or else its draft.
pub async fn find_workflow(tx: &mut Tx, application: ApplicationId, id: uuid::Uuid) -> Result<Option<Workflow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM workflows w WHERE application_id = $1 AND (workflow_id = $2 OR id = $2)
         ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END, status DESC, version DESC LIMIT 1"
    );
    tx.query_opt(&sql, &[application.0.into(), id.into()]).await?.as_ref().map(from_row).transpose()
}

/// How many workflows an application has.
pub async fn count_workflows(tx: &mut Tx, application: ApplicationId) -> Result<u64, StoreError> {
    let sql = "SELECT count(DISTINCT workflow_id) FROM workflows WHERE application_id = $1";
    tx.query_opt(sql, &[application.0.into()]).await?.map_or(Ok(0), |row| row.get(0))
}

/// The number of a workflow's latest version; `None`: it has no version.
pub async fn find_last_version(tx: &mut Tx, application: ApplicationId, workflow: WorkflowId) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT max(version) FROM workflows WHERE application_id = $1 AND workflow_id = $2";
    let row = tx.query_opt(sql, &[application.0.into(), workflow.0.into()]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// Makes a workflow the application's only default.
pub async fn set_default(tx: &mut Tx, application: ApplicationId, workflow: WorkflowId) -> Result<(), StoreError> {
    tx.send(
        "UPDATE workflows SET is_default = (workflow_id = $2) WHERE application_id = $1 AND is_default <> (workflow_id = $2)",
        &[application.0.into(), workflow.0.into()],
    )
    .await?;
    Ok(())
}

/// The application's default workflow.
pub async fn find_default(tx: &mut Tx, application: ApplicationId) -> Result<Option<WorkflowId>, StoreError> {
    let sql = "SELECT workflow_id FROM workflows WHERE application_id = $1 AND is_default = $2 LIMIT 1";
    let row = tx.query_opt(sql, &[application.0.into(), true.into()]).await?;
    row.map(|row| Ok(WorkflowId(row.get(0)?))).transpose()
}

/// The workflow of an application that was made last.
pub async fn find_newest(tx: &mut Tx, application: ApplicationId) -> Result<Option<WorkflowId>, StoreError> {
    Ok(list_workflows(tx, application, 1, 0).await?.0.first().map(|workflow| workflow.workflow_id))
}

/// Removes a version.
pub async fn remove_version(tx: &mut Tx, id: WorkflowVersionId) -> Result<(), StoreError> {
    tx.send("DELETE FROM workflows WHERE id = $1", &[id.0.into()]).await?;
    Ok(())
}

/// Removes the draft of a workflow, if there is one.
pub async fn remove_draft(tx: &mut Tx, application: ApplicationId, workflow: WorkflowId) -> Result<(), StoreError> {
    let sql = "DELETE FROM workflows WHERE application_id = $1 AND workflow_id = $2 AND status = 'draft'";
    tx.send(sql, &[application.0.into(), workflow.0.into()]).await?;
    Ok(())
}

/// Writes the workflow a new application starts with: published, without a required step, so that the evidence decides.
pub async fn insert_default(
    tx: &mut Tx,
    application: ApplicationId,
    workflow: WorkflowId,
    version: WorkflowVersionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
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

/// One row per workflow, its latest published version or else its draft; newest workflow first, whenever its versions were
/// made (ids are made in the order of time). With the total.
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
                 ORDER BY workflow_id DESC LIMIT $2 OFFSET $3"
            ),
            &[application.0.into(), limit.into(), offset.into()],
        )
        .await?;
    let total = count_workflows(tx, application).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}
