//! Notifications: that a member is to be told of a row of a feed, or of a destination. What they read is read from the row
//! itself, so that an erasure takes it from both, and a deleted session or destination hides them.

use gavel_core::{
    ids::{ActivityId, ApplicationId, DestinationId, MemberId, NotificationId, SessionId},
    review::NoticeKind,
    time::Timestamp,
};

use super::{Row, StoreError, Tx, db::placeholders};

/// A notification to be written.
#[derive(Debug, Clone)]
pub struct NewNotification {
    /// Its id.
    pub id: NotificationId,
    /// Where it happened.
    pub application: ApplicationId,
    /// Who is told.
    pub member: MemberId,
    /// Of what.
    pub kind: NoticeKind,
    /// Where it can be seen.
    pub at: Place,
    /// When it happened.
    pub created_at: Timestamp,
}

/// What a notification points at.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// A row of a session's feed.
    Row(SessionId, ActivityId),
    /// A destination.
    Destination(DestinationId),
}

/// What a notification is about.
#[derive(Debug, Clone)]
pub enum About {
    /// A row of a session's feed.
    Row(FeedRow),
    /// A destination: id and label.
    Destination(DestinationId, String),
}

/// A row of a session's feed as a notification shows it.
#[derive(Debug, Clone)]
pub struct FeedRow {
    /// Which session.
    pub session: SessionId,
    /// The session's number.
    pub session_number: u64,
    /// The row.
    pub activity: ActivityId,
    /// The kind of row.
    pub activity_type: String,
    /// Who did it.
    pub actor_display: Option<String>,
    /// Their address, if they are a person.
    pub actor_email: Option<String>,
    /// What they said, all of it.
    pub comment: Option<String>,
}

/// A notification with what it is about.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// Of what it tells.
    pub kind: NoticeKind,
    /// About what.
    pub about: About,
    /// When.
    pub created_at: Timestamp,
    /// When it was read.
    pub read_at: Option<Timestamp>,
}

const COLUMNS: &str = "n.id, n.kind, n.created_at, n.read_at, n.destination_id, d.label, n.session_id, s.number, n.activity_id,
    a.kind, v.actor_display, v.actor_email, v.comment";
/// How many columns that are.
const WIDTH: usize = 13;
/// With the condition under which there is something to see.
const FROM: &str = "FROM notifications n
    LEFT JOIN sessions s ON s.id = n.session_id AND s.deleted_at IS NULL
    LEFT JOIN activities a ON a.id = n.activity_id LEFT JOIN activity_values v ON v.activity_id = n.activity_id
    LEFT JOIN destinations d ON d.id = n.destination_id AND d.deleted_at IS NULL
    WHERE (s.id IS NOT NULL OR d.id IS NOT NULL)";

fn from_row(row: &Row) -> Result<Notification, StoreError> {
    let mut c = row.columns();
    Ok(Notification {
        id: NotificationId(c.take()?),
        kind: NoticeKind::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("notification"))?,
        created_at: c.take()?,
        read_at: c.take()?,
        about: match (c.take::<Option<_>>()?, c.take::<Option<_>>()?) {
            (Some(destination), Some(label)) => About::Destination(DestinationId(destination), label),
            _ => About::Row(FeedRow {
                session: SessionId(c.take()?),
                session_number: c.take()?,
                activity: ActivityId(c.take()?),
                activity_type: c.take()?,
                actor_display: c.take()?,
                actor_email: c.take()?,
                comment: c.take()?,
            }),
        },
    })
}

/// Writes a notification.
pub async fn insert_notification(tx: &mut Tx, new: &NewNotification) -> Result<(), StoreError> {
    let (session, activity, destination) = match new.at {
        Place::Row(session, activity) => (Some(session.0), Some(activity.0), None),
        Place::Destination(destination) => (None, None, Some(destination.0)),
    };
    tx.send(
        "INSERT INTO notifications (id, application_id, member_id, kind, session_id, activity_id, destination_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            new.id.0.into(),
            new.application.0.into(),
            new.member.0.into(),
            new.kind.as_str().into(),
            session.into(),
            activity.into(),
            destination.into(),
            new.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A page of somebody's notifications in an application, newest first, and how many there are.
pub async fn list_page(
    tx: &mut Tx,
    (member, application): (MemberId, ApplicationId),
    unread: Option<bool>,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Notification>, u64), StoreError> {
    let filter = match unread {
        Some(true) => " AND n.read_at IS NULL",
        Some(false) => " AND n.read_at IS NOT NULL",
        None => "",
    };
    let whose = format!("{FROM} AND n.member_id = $1 AND n.application_id = $2{filter}");
    let params = [member.0.into(), application.0.into()];
    let total = tx.query_opt(&format!("SELECT count(*) {whose}"), &params).await?.map_or(Ok(0), |row| row.get(0))?;
    let sql = format!("SELECT {COLUMNS} {whose} ORDER BY n.created_at DESC, n.id DESC LIMIT $3 OFFSET $4");
    let [member, application] = params;
    let rows = tx.query(&sql, &[member, application, limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}

/// The notification, unless what it is about is deleted.
pub async fn find_notification(tx: &mut Tx, id: NotificationId) -> Result<Option<(ApplicationId, Notification)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, n.application_id {FROM} AND n.id = $1");
    let row = tx.query_opt(&sql, &[id.0.into()]).await?;
    row.map(|row| Ok((ApplicationId(row.get(WIDTH)?), from_row(&row)?))).transpose()
}

/// How many somebody has not read.
pub async fn count_unread(tx: &mut Tx, (member, application): (MemberId, ApplicationId)) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) {FROM} AND n.member_id = $1 AND n.application_id = $2 AND n.read_at IS NULL");
    tx.query_opt(&sql, &[member.0.into(), application.0.into()]).await?.map_or(Ok(0), |row| row.get(0))
}

/// Marks these of somebody's as read, or all of them. Answers how many were unread.
pub async fn set_read(
    tx: &mut Tx,
    (member, application): (MemberId, ApplicationId),
    which: Option<&[NotificationId]>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // Those nobody can see are not read, and not counted.
    let seen = format!("SELECT n.id {FROM} AND n.member_id = $1 AND n.application_id = $2 AND n.read_at IS NULL");
    let mut sql = format!("UPDATE notifications SET read_at = $3 WHERE read_at IS NULL AND id IN ({seen})");
    let mut params = vec![member.0.into(), application.0.into(), now.into()];
    if let Some(ids) = which {
        sql = format!("{sql} AND id IN ({})", placeholders(4, ids.len()));
        params.extend(ids.iter().map(|id| id.0.into()));
    }
    tx.execute(&sql, &params).await
}
