//! Sessions: the row that carries the status, and what it takes to list them.

use gavel_core::{
    ids::{ApplicationId, MediaId, SessionId, WorkflowId, WorkflowVersionId},
    session::{SessionKind, SessionStatus, SessionType},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value, entries::read_json};

/// A session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// A person's or a company's.
    pub kind: SessionKind,
    /// Running number per application and kind, from 1.
    pub number: i64,
    /// Opens the hosted page.
    pub token: String,
    /// Where it stands.
    pub status: SessionStatus,
    /// Moves by one with every change of status, data or activity.
    pub version: u64,
    /// The caller's id of the person or company.
    pub vendor_data: Option<String>,
    /// The workflow version it was started with.
    pub workflow_version_id: Option<WorkflowVersionId>,
    /// The stable id of that workflow.
    pub workflow_id: Option<WorkflowId>,
    /// The number of that version.
    pub workflow_version: Option<i64>,
    /// Hosted flow, API call or import.
    pub session_type: SessionType,
    /// Which standalone call made it.
    pub api_service: Option<String>,
    /// Where the browser goes at the end.
    pub callback: Option<String>,
    /// Who is sent there.
    pub callback_method: String,
    /// The caller's JSON, as sent.
    pub metadata: Option<Box<RawValue>>,
    /// Of the hosted page.
    pub language: Option<String>,
    /// As read, a JSON object.
    pub contact_details: Option<Box<RawValue>>,
    /// As sent, a JSON object.
    pub expected_details: Option<Box<RawValue>>,
    /// The portrait given at creation.
    pub portrait: Option<MediaId>,
    /// Steps of the workflow, then those recorded outside it.
    pub steps: Vec<Step>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Seconds an unfinished session lives; starts again with a resubmission.
    pub lifetime: i64,
    /// When it ends by itself; none once finished.
    pub expires_at: Option<Timestamp>,
    /// The first finished status it had.
    pub first_outcome: Option<SessionStatus>,
    /// When it last became Approved.
    pub approved_at: Option<Timestamp>,
}

/// One step of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// Name of the feature, such as `ID_VERIFICATION`.
    pub feature: String,
    /// Such as `feature_ocr_1`.
    pub node_id: String,
    /// The feature's configuration.
    #[serde(default)]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Whether the workflow names it; otherwise evidence brought it.
    pub in_workflow: bool,
}

/// Of `sessions s`. A workflow that is gone altogether is nobody's any more; its sessions need no write to say so.
const COLUMNS: &str = "id, kind, number, token, status, version, vendor_data, workflow_version_id,
    (SELECT w.workflow_id FROM workflows w WHERE w.application_id = s.application_id AND w.workflow_id = s.workflow_id LIMIT 1),
    workflow_version, session_type, api_service, callback, callback_method, metadata, language, contact_details, expected_details,
    portrait_media_id, steps, created_at, lifetime, expires_at, first_outcome, approved_at";

fn from_row(row: &Row) -> Result<Session, StoreError> {
    let mut c = row.columns();
    Ok(Session {
        id: SessionId(c.take()?),
        kind: SessionKind::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("session kind"))?,
        number: c.take()?,
        token: c.take()?,
        status: read_status(&c.take::<String>()?)?,
        version: c.take()?,
        vendor_data: c.take()?,
        workflow_version_id: c.take::<Option<Uuid>>()?.map(WorkflowVersionId),
        workflow_id: c.take::<Option<Uuid>>()?.map(WorkflowId),
        workflow_version: c.take()?,
        session_type: SessionType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("session type"))?,
        api_service: c.take()?,
        callback: c.take()?,
        callback_method: c.take()?,
        metadata: read_json(c.take()?)?,
        language: c.take()?,
        contact_details: read_json(c.take()?)?,
        expected_details: read_json(c.take()?)?,
        portrait: c.take::<Option<Uuid>>()?.map(MediaId),
        steps: serde_json::from_str(&c.take::<String>()?).map_err(|_| StoreError::unreadable("steps"))?,
        created_at: c.take()?,
        lifetime: c.take()?,
        expires_at: c.take()?,
        first_outcome: c.take::<Option<String>>()?.as_deref().map(read_status).transpose()?,
        approved_at: c.take()?,
    })
}

pub(super) fn read_status(name: &str) -> Result<SessionStatus, StoreError> {
    SessionStatus::from_name(name).ok_or_else(|| StoreError::unreadable("session status"))
}

fn steps_text(steps: &[Step]) -> Result<String, StoreError> {
    serde_json::to_string(steps).map_err(|_| StoreError::unreadable("steps"))
}

/// Writes a new session.
pub async fn insert_session(tx: &mut Tx, application: ApplicationId, session: &Session) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO sessions (application_id, id, kind, number, token, status, version, vendor_data, workflow_version_id, workflow_id,
             workflow_version, session_type, api_service, callback, callback_method, metadata, language, contact_details,
             expected_details, portrait_media_id, steps, created_at, lifetime, expires_at,
             vendor_folded)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)",
        &[
            application.0.into(),
            session.id.0.into(),
            session.kind.as_str().into(),
            session.number.into(),
            (&session.token).into(),
            session.status.as_str().into(),
            session.version.into(),
            session.vendor_data.as_ref().into(),
            session.workflow_version_id.map(|id| id.0).into(),
            session.workflow_id.map(|id| id.0).into(),
            session.workflow_version.into(),
            session.session_type.as_str().into(),
            session.api_service.as_ref().into(),
            session.callback.as_ref().into(),
            (&session.callback_method).into(),
            session.metadata.as_ref().map(|json| json.get()).into(),
            session.language.as_ref().into(),
            session.contact_details.as_ref().map(|json| json.get()).into(),
            session.expected_details.as_ref().map(|json| json.get()).into(),
            session.portrait.map(|id| id.0).into(),
            steps_text(&session.steps)?.into(),
            session.created_at.into(),
            session.lifetime.into(),
            session.expires_at.into(),
            session.vendor_data.as_deref().map(fold).into(),
        ],
    )
    .await?;
    Ok(())
}

/// The session, when it is of this application and not deleted.
pub async fn find_session(tx: &mut Tx, application: ApplicationId, id: SessionId) -> Result<Option<Session>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sessions s WHERE application_id = $1 AND id = $2 AND deleted_at IS NULL");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// The same, locked until the end of the transaction. Changes of one session are serialised by this lock.
pub async fn lock_session(tx: &mut Tx, application: ApplicationId, id: SessionId) -> Result<Option<Session>, StoreError> {
    let lock = tx.for_update();
    let sql = format!("SELECT {COLUMNS} FROM sessions s WHERE application_id = $1 AND id = $2 AND deleted_at IS NULL{lock}");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// The newest unfinished session of a person or company on a workflow's latest published version, locked. The kind is asked
/// as well: a published version changed in place may have become one of the other kind.
pub async fn lock_reusable(
    tx: &mut Tx,
    application: ApplicationId,
    (kind, vendor_data): (SessionKind, &str),
    version: WorkflowVersionId,
) -> Result<Option<Session>, StoreError> {
    let lock = tx.for_update();
    let unfinished: Vec<&str> = SessionStatus::ALL.iter().filter(|s| s.is_unfinished()).map(|s| s.as_str()).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions s
         WHERE application_id = $1 AND vendor_data = $2 AND workflow_version_id = $3 AND kind = $4 AND deleted_at IS NULL
             AND status IN ({})
             AND NOT EXISTS (SELECT 1 FROM workflows later JOIN workflows w ON w.id = $3
                 WHERE later.workflow_id = w.workflow_id AND later.status = 'published' AND later.version > w.version)
         ORDER BY number DESC LIMIT 1{lock}",
        super::db::placeholders(5, unfinished.len())
    );
    let mut params: Vec<Value> = vec![application.0.into(), vendor_data.into(), version.0.into(), kind.as_str().into()];
    params.extend(unfinished.into_iter().map(Value::from));
    tx.query_opt(&sql, &params).await?.as_ref().map(from_row).transpose()
}

/// Writes what a change of status, data or activity moves: status, version, steps, expiry, first outcome, and what a
/// reused session takes over.
pub async fn set_state(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    tx.send(
        "UPDATE sessions SET status = $2, version = $3, steps = $4, expires_at = $5, first_outcome = $6, callback = $7, metadata = $8,
             approved_at = $9
         WHERE id = $1",
        &[
            session.id.0.into(),
            session.status.as_str().into(),
            session.version.into(),
            steps_text(&session.steps)?.into(),
            session.expires_at.into(),
            session.first_outcome.map(SessionStatus::as_str).into(),
            session.callback.as_ref().into(),
            session.metadata.as_ref().map(|json| json.get()).into(),
            session.approved_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A session named with its application.
pub type Named = (ApplicationId, SessionId);

/// Unfinished sessions whose time is over, locked; those that somebody else holds are passed over.
pub async fn lock_overdue(tx: &mut Tx, now: Timestamp, most: u64) -> Result<Vec<Named>, StoreError> {
    let unfinished: Vec<&str> = SessionStatus::ALL.iter().filter(|s| s.is_unfinished()).map(|s| s.as_str()).collect();
    let sql = format!(
        "SELECT application_id, id FROM sessions
         WHERE deleted_at IS NULL AND expires_at <= $1 AND status IN ({}) ORDER BY expires_at LIMIT $2{}",
        super::db::placeholders(3, unfinished.len()),
        tx.skip_locked()
    );
    let mut params: Vec<Value> = vec![now.into(), most.into()];
    params.extend(unfinished.into_iter().map(Value::from));
    named(&tx.query(&sql, &params).await?)
}

/// Approvals of one application from before an instant, locked; those that somebody else holds are passed over.
pub async fn lock_approved_before(
    tx: &mut Tx,
    application: ApplicationId,
    before: Timestamp,
    most: u64,
) -> Result<Vec<Named>, StoreError> {
    let sql = format!(
        "SELECT application_id, id FROM sessions
         WHERE application_id = $1 AND deleted_at IS NULL AND status = 'Approved' AND approved_at <= $2
         ORDER BY approved_at LIMIT $3{}",
        tx.skip_locked()
    );
    named(&tx.query(&sql, &[application.0.into(), before.into(), most.into()]).await?)
}

fn named(rows: &[Row]) -> Result<Vec<Named>, StoreError> {
    rows.iter().map(|row| Ok((ApplicationId(row.get(0)?), SessionId(row.get(1)?)))).collect()
}

/// Those of these sessions that are not deleted, locked in order of number.
pub async fn lock_those(tx: &mut Tx, application: ApplicationId, ids: &[SessionId]) -> Result<Vec<Session>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut params: Vec<Value> = vec![application.0.into()];
    params.extend(ids.iter().map(|id| Value::from(id.0)));
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions s WHERE application_id = $1 AND id IN ({}) AND deleted_at IS NULL ORDER BY number{}",
        super::db::placeholders(2, ids.len()),
        tx.for_update()
    );
    tx.query(&sql, &params).await?.iter().map(from_row).collect()
}

/// Writes what an import says anew of a session it brought, beside its state.
pub async fn set_imported(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    tx.send(
        "UPDATE sessions SET vendor_data = $2, vendor_folded = $3, expected_details = $4, created_at = $5 WHERE id = $1",
        &[
            session.id.0.into(),
            session.vendor_data.as_ref().into(),
            session.vendor_data.as_deref().map(fold).into(),
            session.expected_details.as_ref().map(|json| json.get()).into(),
            session.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Marks sessions as deleted.
pub async fn set_deleted(tx: &mut Tx, ids: &[SessionId], now: Timestamp) -> Result<(), StoreError> {
    let mut params: Vec<Value> = vec![now.into()];
    params.extend(ids.iter().map(|id| Value::from(id.0)));
    let sql = format!("UPDATE sessions SET deleted_at = $1 WHERE id IN ({})", super::db::placeholders(2, ids.len()));
    tx.send(&sql, &params).await
}

/// The live user sessions with these numbers, or all of them, locked in order of number; and whose they are.
pub async fn lock_by_number(
    tx: &mut Tx,
    application: ApplicationId,
    numbers: Option<&[i64]>,
) -> Result<Vec<(SessionId, Option<String>)>, StoreError> {
    let mut sql =
        String::from("SELECT id, vendor_data FROM sessions WHERE application_id = $1 AND kind = 'user' AND deleted_at IS NULL");
    let mut params: Vec<Value> = vec![application.0.into()];
    if let Some(numbers) = numbers {
        sql.push_str(&format!(" AND number IN ({})", super::db::placeholders(2, numbers.len())));
        params.extend(numbers.iter().map(|n| Value::from(*n)));
    }
    sql.push_str(" ORDER BY number");
    sql.push_str(tx.for_update());
    tx.query(&sql, &params).await?.iter().map(|row| Ok((SessionId(row.get(0)?), row.get(1)?))).collect()
}

/// Copies of the latest records' values, kept for the filters of the session list.
#[derive(Debug, Default)]
pub struct Searchable {
    /// Of the latest ID document.
    pub full_name: Option<String>,
    /// As printed.
    pub document_number: Option<String>,
    /// As printed.
    pub personal_number: Option<String>,
    /// Code of the contract, such as `P`.
    pub document_type: Option<String>,
    /// Full name of the document.
    pub document_name: Option<String>,
    /// Issuing country, alpha-3.
    pub country: Option<String>,
    /// Region of the parsed address.
    pub region: Option<String>,
    /// E.164 without the plus.
    pub phone_digits: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Name screened for AML.
    pub screened_name: Option<String>,
}

/// Writes the copies, all of them.
pub async fn set_searchable(tx: &mut Tx, id: SessionId, copy: &Searchable) -> Result<(), StoreError> {
    let folded = |text: &Option<String>| text.as_deref().map(fold);
    tx.send(
        "UPDATE sessions SET full_name = $2, full_name_folded = $3,
             document_number = $4, personal_number = $5,
             document_type = $6, document_name_folded = $7,
             country = $8, region_folded = $9,
             phone_digits = $10, email_folded = $11,
             screened_name_folded = $12
         WHERE id = $1",
        &[
            id.0.into(),
            copy.full_name.as_ref().into(),
            folded(&copy.full_name).into(),
            copy.document_number.as_ref().into(),
            copy.personal_number.as_ref().into(),
            copy.document_type.as_ref().into(),
            folded(&copy.document_name).into(),
            copy.country.as_ref().into(),
            folded(&copy.region).into(),
            copy.phone_digits.as_ref().into(),
            folded(&copy.email).into(),
            folded(&copy.screened_name).into(),
        ],
    )
    .await?;
    Ok(())
}

/// Lower case without accents: what a search for a name compares.
pub fn fold(text: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    text.nfd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_lowercase()
}

/// Adds risk codes a session has been found to carry.
pub async fn insert_risks(tx: &mut Tx, id: SessionId, risks: &[&str]) -> Result<(), StoreError> {
    for risk in risks {
        tx.send(
            "INSERT INTO session_risks (session_id, risk) VALUES ($1, $2) ON CONFLICT (session_id, risk) DO NOTHING",
            &[id.0.into(), (*risk).into()],
        )
        .await?;
    }
    Ok(())
}

/// Takes all risk codes of a session away, before those that still hold are added again.
pub async fn clear_risks(tx: &mut Tx, id: SessionId) -> Result<(), StoreError> {
    tx.send("DELETE FROM session_risks WHERE session_id = $1", &[id.0.into()]).await?;
    Ok(())
}

/// The condition of a session list, built piece by piece.
pub struct Filter {
    clause: String,
    params: Vec<Value>,
}

impl Filter {
    /// The live sessions of one kind.
    pub fn of(application: ApplicationId, kind: SessionKind) -> Self {
        Self {
            clause: "application_id = $1 AND kind = $2 AND deleted_at IS NULL".into(),
            params: vec![application.0.into(), kind.as_str().into()],
        }
    }

    /// Adds a condition; every `?` in it stands for the next of the values.
    pub fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        self.clause.push_str(" AND (");
        for c in condition.chars() {
            match (c, c == '?') {
                (_, true) => {
                    self.params.push(values.next().unwrap_or(Value::Null));
                    self.clause.push_str(&format!("${}", self.params.len()));
                }
                (c, false) => self.clause.push(c),
            }
        }
        self.clause.push(')');
    }

    /// Adds `column IN (…)`; an empty list matches nothing.
    pub fn one_of(&mut self, column: &str, values: Vec<Value>) {
        match values.len() {
            0 => self.and("1 = 0", []),
            n => self.and(&format!("{column} IN ({})", vec!["?"; n].join(",")), values),
        }
    }
}

/// A page of sessions, highest number first, and how many there are in all.
pub async fn list_sessions(tx: &mut Tx, filter: &Filter, (limit, offset): (u64, u64)) -> Result<(Vec<Session>, u64), StoreError> {
    let total = tx
        .query_opt(&format!("SELECT count(*) FROM sessions s WHERE {}", filter.clause), &filter.params)
        .await?
        .map_or(Ok(0), |row| row.get(0))?;
    let mut params = filter.params.clone();
    params.extend([limit.into(), offset.into()]);
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions s WHERE {} ORDER BY number DESC LIMIT ${} OFFSET ${}",
        filter.clause,
        params.len() - 1,
        params.len()
    );
    let rows = tx.query(&sql, &params).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}
