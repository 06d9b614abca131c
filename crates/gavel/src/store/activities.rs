//! The activity feed of a session: immutable rows, with what is personal in them beside.

use gavel_core::{
    ids::{ActivityId, ApplicationId, SessionId},
    review::ActivityType,
    session::SessionStatus,
    time::Timestamp,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Row, StoreError, Tx, entries::read_json, sessions::read_status};

/// A row of the feed.
#[derive(Debug, Clone)]
pub struct Activity {
    /// Its id.
    pub id: ActivityId,
    /// What happened.
    pub kind: ActivityType,
    /// `API_KEY`, `CONSOLE_USER` or `SYSTEM`.
    pub actor_type: String,
    /// The key or the person.
    pub actor_id: Option<Uuid>,
    /// Name to show.
    pub actor_display: String,
    /// Address of a console user.
    pub actor_email: Option<String>,
    /// Status rows only.
    pub previous_status: Option<SessionStatus>,
    /// Status rows only.
    pub new_status: Option<SessionStatus>,
    /// As sent.
    pub comment: Option<String>,
    /// People named in the comment.
    pub mentioned_emails: Vec<String>,
    /// JSON object.
    pub previous_value: Option<Box<RawValue>>,
    /// JSON object.
    pub new_value: Option<Box<RawValue>>,
    /// Names of changed fields.
    pub changed_fields: Vec<String>,
    /// JSON object.
    pub metadata: Option<Box<RawValue>>,
    /// When it happened.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "a.id, a.kind, a.actor_type, a.actor_id, v.actor_display, v.actor_email, a.previous_status, a.new_status,
    v.comment, v.mentioned_emails, v.previous_value, v.new_value, a.changed_fields, v.metadata, a.created_at";

fn from_row(row: &Row) -> Result<Activity, StoreError> {
    let mut c = row.columns();
    let texts = |text: Option<String>| match text {
        Some(text) => serde_json::from_str(&text).map_err(|_| StoreError::unreadable("activity")),
        None => Ok(Vec::new()),
    };
    let status = |name: Option<String>| name.as_deref().map(read_status).transpose();
    Ok(Activity {
        id: ActivityId(c.take()?),
        kind: ActivityType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("activity type"))?,
        actor_type: c.take()?,
        actor_id: c.take()?,
        actor_display: c.take::<Option<String>>()?.unwrap_or_default(),
        actor_email: c.take()?,
        previous_status: status(c.take()?)?,
        new_status: status(c.take()?)?,
        comment: c.take()?,
        mentioned_emails: texts(c.take()?)?,
        previous_value: read_json(c.take()?)?,
        new_value: read_json(c.take()?)?,
        changed_fields: texts(c.take()?)?,
        metadata: read_json(c.take()?)?,
        created_at: c.take()?,
    })
}

/// Writes a row. `version` is the session's after this change; there is one row per version at most.
pub async fn insert_activity(
    tx: &mut Tx,
    (application, session): (ApplicationId, SessionId),
    version: u64,
    activity: &Activity,
) -> Result<(), StoreError> {
    let texts = |texts: &[String]| serde_json::to_string(texts).map_err(|_| StoreError::unreadable("activity"));
    tx.send(
        "INSERT INTO activities (id, application_id, session_id, session_version, kind, actor_type, actor_id, previous_status,
             new_status, changed_fields, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            activity.id.0.into(),
            application.0.into(),
            session.0.into(),
            version.into(),
            activity.kind.as_str().into(),
            (&activity.actor_type).into(),
            activity.actor_id.into(),
            activity.previous_status.map(SessionStatus::as_str).into(),
            activity.new_status.map(SessionStatus::as_str).into(),
            texts(&activity.changed_fields)?.into(),
            activity.created_at.into(),
        ],
    )
    .await?;
    tx.send(
        "INSERT INTO activity_values (activity_id, comment, previous_value, new_value, mentioned_emails, metadata, actor_display,
             actor_email)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            activity.id.0.into(),
            activity.comment.as_ref().into(),
            activity.previous_value.as_ref().map(|json| json.get()).into(),
            activity.new_value.as_ref().map(|json| json.get()).into(),
            texts(&activity.mentioned_emails)?.into(),
            activity.metadata.as_ref().map(|json| json.get()).into(),
            (&activity.actor_display).into(),
            activity.actor_email.as_ref().into(),
        ],
    )
    .await?;
    Ok(())
}

/// All rows of a session, newest first.
pub async fn list_activities(tx: &mut Tx, session: SessionId) -> Result<Vec<Activity>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM activities a LEFT JOIN activity_values v ON v.activity_id = a.id
         WHERE a.session_id = $1 ORDER BY a.session_version DESC"
    );
    tx.query(&sql, &[session.0.into()]).await?.iter().map(from_row).collect()
}

/// A decision by a person or a key, as others are told of it.
pub struct Decided {
    /// Name to show.
    pub actor_display: String,
    /// Address of a console user.
    pub actor_email: Option<String>,
    /// What was decided; none where a note named no status.
    pub new_status: Option<SessionStatus>,
    /// As sent.
    pub comment: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// What people and keys decided on a session, newest first.
pub async fn list_decided(tx: &mut Tx, session: SessionId) -> Result<Vec<Decided>, StoreError> {
    let sql = "SELECT v.actor_display, v.actor_email, a.new_status, v.comment, a.created_at
         FROM activities a LEFT JOIN activity_values v ON v.activity_id = a.id
         WHERE a.session_id = $1 AND a.kind = $2 AND a.actor_type <> 'SYSTEM' ORDER BY a.session_version DESC";
    let read = |row: &Row| {
        let mut c = row.columns();
        Ok(Decided {
            actor_display: c.take::<Option<String>>()?.unwrap_or_default(),
            actor_email: c.take()?,
            new_status: c.take::<Option<String>>()?.as_deref().map(read_status).transpose()?,
            comment: c.take()?,
            created_at: c.take()?,
        })
    };
    tx.query(sql, &[session.0.into(), ActivityType::StatusUpdated.as_str().into()]).await?.iter().map(read).collect()
}

/// A page of a session's feed and how many rows there are in all.
pub async fn list_page(
    tx: &mut Tx,
    session: SessionId,
    newest_first: bool,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Activity>, u64), StoreError> {
    let total = tx
        .query_opt("SELECT count(*) FROM activities WHERE session_id = $1", &[session.0.into()])
        .await?
        .map_or(Ok(0), |row| row.get(0))?;
    let sql = format!(
        "SELECT {COLUMNS} FROM activities a LEFT JOIN activity_values v ON v.activity_id = a.id
         WHERE a.session_id = $1 ORDER BY a.session_version {} LIMIT $2 OFFSET $3",
        if newest_first { "DESC" } else { "ASC" }
    );
    let rows = tx.query(&sql, &[session.0.into(), limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}
