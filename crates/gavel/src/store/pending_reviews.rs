//! Decisions that can still be undone: written when they are made, carried out by a worker when they are due. A row is
//! settled in the transaction of what becomes of it, so that happens once, whoever is killed when.

use gavel_core::{
    access::{Actor, Role, Scopes},
    ids::{ApplicationId, KeyId, SessionId},
    review::ReviewOutcome,
    session::SessionStatus,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx};

/// What has become of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits until it is due.
    Pending,
    /// It was carried out.
    Done,
    /// It was taken back.
    Undone,
    /// When it was due, the session was no longer what it was made on.
    Refused,
}

impl State {
    const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Undone, Self::Refused];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Refused => "refused",
        }
    }
}

/// A decision that can be undone, or could.
#[derive(Debug, Clone)]
pub struct PendingReview {
    /// Its id.
    pub id: Uuid,
    /// Where.
    pub application: ApplicationId,
    /// On what.
    pub session: SessionId,
    /// The version of the session it was made on.
    pub session_version: u64,
    /// What has become of it.
    pub state: State,
    /// Why it was refused.
    pub reason: Option<String>,
    /// What it decides.
    pub outcome: ReviewOutcome,
    /// Only while it is pending.
    pub comment: Option<String>,
    /// Who decides.
    pub actor: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is carried out.
    pub due_at: Timestamp,
    /// When something became of it.
    pub settled_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, application_id, session_id, session_version, state, reason, new_status, comment, actor_type, actor_id,
    actor_name, actor_email, actor_role, created_at, due_at, settled_at";

fn from_row(row: &Row) -> Result<PendingReview, StoreError> {
    let mut c = row.columns();
    Ok(PendingReview {
        id: c.take()?,
        application: ApplicationId(c.take()?),
        session: SessionId(c.take()?),
        session_version: c.take()?,
        state: {
            let name = c.take::<String>()?;
            State::ALL.into_iter().find(|state| state.as_str() == name).ok_or_else(|| StoreError::unreadable("state"))?
        },
        reason: c.take()?,
        outcome: ReviewOutcome::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("review"))?,
        comment: c.take()?,
        actor: {
            let (kind, id) = (c.take::<String>()?, c.take::<Uuid>()?);
            let (name, email, role) = (c.take()?, c.take::<Option<String>>()?, c.take::<Option<String>>()?);
            match (kind.as_str(), email, role.as_deref().and_then(Role::from_name)) {
                // What it might do was settled when the decision was made.
                ("API_KEY", _, _) => Actor::ApiKey { id: KeyId(id), scopes: Scopes::limited([]) },
                ("CONSOLE_USER", Some(email), Some(role)) => Actor::Member { id, name, email, role },
                _ => return Err(StoreError::unreadable("actor")),
            }
        },
        created_at: c.take()?,
        due_at: c.take()?,
        settled_at: c.take()?,
    })
}

/// Writes a new one. `false`: there is one on this session already.
pub async fn insert_pending(tx: &mut Tx, review: &PendingReview) -> Result<bool, StoreError> {
    let (name, role) = match &review.actor {
        Actor::Member { name, role, .. } => (name.as_str(), Some(role.as_str())),
        Actor::ApiKey { .. } | Actor::System => ("", None),
    };
    let rows = tx
        .execute(
            "INSERT INTO pending_reviews (id, application_id, session_id, session_version, state, new_status, comment, actor_type,
                 actor_id, actor_name, actor_email, actor_role, created_at, due_at)
             VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
            &[
                review.id.into(),
                review.application.0.into(),
                review.session.0.into(),
                review.session_version.into(),
                SessionStatus::as_str(review.outcome.status()).into(),
                review.comment.as_ref().into(),
                review.actor.actor_type().as_str().into(),
                review.actor.id().unwrap_or_default().into(),
                name.into(),
                review.actor.email().into(),
                role.into(),
                review.created_at.into(),
                review.due_at.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// The last decision on a session that could be undone, if there was any.
pub async fn find_last(tx: &mut Tx, session: SessionId) -> Result<Option<PendingReview>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM pending_reviews WHERE session_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1");
    tx.query_opt(&sql, &[session.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Whether a decision on this session waits.
pub async fn is_pending(tx: &mut Tx, session: SessionId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM pending_reviews WHERE session_id = $1 AND state = 'pending'";
    Ok(tx.query_opt(sql, &[session.0.into()]).await?.is_some())
}

/// One that still waits, locked until the end of the transaction. Its session is locked before.
pub async fn lock_pending(tx: &mut Tx, id: Uuid) -> Result<Option<PendingReview>, StoreError> {
    let lock = tx.for_update();
    let sql = format!("SELECT {COLUMNS} FROM pending_reviews WHERE id = $1 AND state = 'pending'{lock}");
    tx.query_opt(&sql, &[id.into()]).await?.as_ref().map(from_row).transpose()
}

/// Says what has become of one, and forgets its comment.
pub async fn settle(tx: &mut Tx, id: Uuid, state: State, reason: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "UPDATE pending_reviews SET state = $2, reason = $3, settled_at = $4, comment = NULL WHERE id = $1",
        &[id.into(), state.as_str().into(), reason.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Those that are due, the most overdue first.
pub async fn list_due(tx: &mut Tx, now: Timestamp, most: u64) -> Result<Vec<PendingReview>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM pending_reviews WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT $2");
    tx.query(&sql, &[now.into(), most.into()]).await?.iter().map(from_row).collect()
}

/// When the next one is due.
pub async fn find_next_due(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.query_opt("SELECT min(due_at) FROM pending_reviews WHERE state = 'pending'", &[]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}
