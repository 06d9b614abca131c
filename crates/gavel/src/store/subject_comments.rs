//! What happened to a user, for people to read. Comments go with the user.

use gavel_core::{
    ids::SubjectId,
    subject::{CommentType, SubjectStatus},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Row, StoreError, Tx,
    entries::read_json,
    subjects::{read_texts, texts},
};

/// A row to be written.
pub struct NewComment<'a> {
    /// Its id.
    pub id: Uuid,
    /// What it tells of.
    pub kind: CommentType,
    /// What somebody said about it.
    pub comment: Option<&'a str>,
    /// Address and name of whoever did it.
    pub actor: (Option<&'a str>, &'a str),
    /// Statuses before and after.
    pub statuses: Option<(SubjectStatus, SubjectStatus)>,
    /// Values before and after, JSON objects.
    pub values: (Option<String>, Option<String>),
    /// Names of the fields.
    pub changed_fields: Vec<String>,
    /// JSON object.
    pub metadata: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A row as answered.
#[derive(Debug, Serialize)]
pub struct Comment {
    uuid: Uuid,
    comment_type: String,
    comment: Option<String>,
    actor_email: Option<String>,
    actor_name: String,
    previous_status: Option<String>,
    new_status: Option<String>,
    previous_value: Option<Box<RawValue>>,
    new_value: Option<Box<RawValue>>,
    changed_fields: Vec<String>,
    metadata: Option<Box<RawValue>>,
    mentioned_emails: Vec<String>,
    created_at: Timestamp,
}

fn from_row(row: &Row) -> Result<Comment, StoreError> {
    let mut c = row.columns();
    Ok(Comment {
        uuid: c.take()?,
        comment_type: c.take()?,
        comment: c.take()?,
        actor_email: c.take()?,
        actor_name: c.take()?,
        previous_status: c.take()?,
        new_status: c.take()?,
        previous_value: read_json(c.take()?)?,
        new_value: read_json(c.take()?)?,
        changed_fields: read_texts(&c.take::<String>()?)?,
        metadata: read_json(c.take()?)?,
        mentioned_emails: Vec::new(), // Comments on users call nobody.
        created_at: c.take()?,
    })
}

/// Writes a row.
pub async fn insert_comment(tx: &mut Tx, subject: SubjectId, new: NewComment<'_>) -> Result<(), StoreError> {
    let (before, after) = new.values;
    tx.send(
        "INSERT INTO subject_comments (id, subject_id, comment_type, comment, actor_email, actor_name, previous_status, new_status,
             previous_value, new_value, changed_fields, metadata, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            new.id.into(),
            subject.0.into(),
            new.kind.as_str().into(),
            new.comment.into(),
            new.actor.0.into(),
            new.actor.1.into(),
            new.statuses.map(|(before, _)| before.as_str()).into(),
            new.statuses.map(|(_, after)| after.as_str()).into(),
            before.into(),
            after.into(),
            texts(&new.changed_fields)?.into(),
            new.metadata.into(),
            new.at.into(),
        ],
    )
    .await?;
    Ok(())
}

const COLUMNS: &str =
    "id, comment_type, comment, actor_email, actor_name, previous_status, new_status, previous_value, new_value,
    changed_fields, metadata, created_at";

/// One row of a user.
pub async fn find_comment(tx: &mut Tx, subject: SubjectId, id: Uuid) -> Result<Option<Comment>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM subject_comments WHERE subject_id = $1 AND id = $2");
    tx.query_opt(&sql, &[subject.0.into(), id.into()]).await?.as_ref().map(from_row).transpose()
}

/// A user's rows, newest first.
pub async fn list_comments(tx: &mut Tx, subject: SubjectId) -> Result<Vec<Comment>, StoreError> {
    /// A detail shows no more.
    const MOST: u64 = 1_000;
    let sql = format!("SELECT {COLUMNS} FROM subject_comments WHERE subject_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2");
    tx.query(&sql, &[subject.0.into(), MOST.into()]).await?.iter().map(from_row).collect()
}
