//! Tags of users and businesses: one row per tag of an application, one link per subject that bears it. Whoever puts on
//! or takes off holds [`super::subject_locks::hold_tags`]; a tag nobody bears is gone.

use std::collections::HashMap;

use gavel_core::{
    ids::{ApplicationId, SubjectId, TagId},
    time::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value, db::placeholders, subjects::CHUNK};

/// A tag.
#[derive(Debug, Clone, Serialize)]
pub struct Tag {
    /// Its id.
    pub uuid: TagId,
    /// As it was first written.
    pub name: String,
    /// `#rrggbb`.
    pub color: String,
}

/// A tag somebody bears.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// Of the link.
    pub uuid: Uuid,
    /// The tag.
    pub tag: Tag,
    /// Address of the person who put it on.
    pub added_by_email: Option<String>,
    /// Name of whoever did.
    pub added_by_name: String,
    /// When.
    pub created_at: Timestamp,
}

/// Two spellings of a tag are one.
fn key(name: &str) -> String {
    name.to_lowercase()
}

/// Makes a tag, unless there is one of that name.
pub async fn insert_tag(tx: &mut Tx, application: ApplicationId, tag: &Tag, now: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO tags (id, application_id, name_key, name, color, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (application_id, name_key) DO NOTHING",
        &[tag.uuid.0.into(), application.0.into(), key(&tag.name).into(), (&tag.name).into(), (&tag.color).into(), now.into()],
    )
    .await
}

/// The tag of this name, however it is written.
pub async fn find_tag(tx: &mut Tx, application: ApplicationId, name: &str) -> Result<Option<Tag>, StoreError> {
    let sql = "SELECT id, name, color FROM tags WHERE application_id = $1 AND name_key = $2";
    let row = tx.query_opt(sql, &[application.0.into(), key(name).into()]).await?;
    row.map(|row| Ok(Tag { uuid: TagId(row.get(0)?), name: row.get(1)?, color: row.get(2)? })).transpose()
}

/// How many tags an application has.
pub async fn count_tags(tx: &mut Tx, application: ApplicationId) -> Result<u64, StoreError> {
    let row = tx.query_opt("SELECT count(*) FROM tags WHERE application_id = $1", &[application.0.into()]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// Puts a tag on.
pub async fn insert_link(tx: &mut Tx, subject: SubjectId, link: &Link) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO subject_tags (id, subject_id, tag_id, added_by_email, added_by_name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            link.uuid.into(),
            subject.0.into(),
            link.tag.uuid.0.into(),
            link.added_by_email.as_ref().into(),
            (&link.added_by_name).into(),
            link.created_at.into(),
        ],
    )
    .await
}

/// Takes a tag off. `false`: it was not there.
pub async fn remove_link(tx: &mut Tx, subject: SubjectId, tag: TagId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM subject_tags WHERE subject_id = $1 AND tag_id = $2";
    Ok(tx.execute(sql, &[subject.0.into(), tag.0.into()]).await? == 1)
}

/// Ends the tags nobody bears any more.
pub async fn remove_unused(tx: &mut Tx, application: ApplicationId) -> Result<(), StoreError> {
    let sql = "DELETE FROM tags WHERE application_id = $1 AND NOT EXISTS (SELECT 1 FROM subject_tags l WHERE l.tag_id = tags.id)";
    tx.send(sql, &[application.0.into()]).await
}

/// The tags of subjects, those put on first come first.
pub async fn list_links(tx: &mut Tx, subjects: &[SubjectId]) -> Result<HashMap<SubjectId, Vec<Link>>, StoreError> {
    let mut found: HashMap<SubjectId, Vec<Link>> = HashMap::new();
    for chunk in subjects.chunks(CHUNK) {
        let sql = format!(
            "SELECT l.subject_id, l.id, t.id, t.name, t.color, l.added_by_email, l.added_by_name, l.created_at
             FROM subject_tags l JOIN tags t ON t.id = l.tag_id WHERE l.subject_id IN ({}) ORDER BY l.created_at, l.id",
            placeholders(1, chunk.len())
        );
        let params: Vec<Value> = chunk.iter().map(|id| id.0.into()).collect();
        for row in tx.query(&sql, &params).await? {
            let (subject, link) = read_link(&row)?;
            found.entry(subject).or_default().push(link);
        }
    }
    Ok(found)
}

fn read_link(row: &Row) -> Result<(SubjectId, Link), StoreError> {
    let mut c = row.columns();
    let subject = SubjectId(c.take()?);
    let link = Link {
        uuid: c.take()?,
        tag: Tag { uuid: TagId(c.take()?), name: c.take()?, color: c.take()? },
        added_by_email: c.take()?,
        added_by_name: c.take()?,
        created_at: c.take()?,
    };
    Ok((subject, link))
}
