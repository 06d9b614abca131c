//! Tags people put on sessions.

use gavel_core::{ids::SessionId, time::Timestamp};
use serde::Serialize;

use super::{StoreError, Tx};

/// A tag on a session.
#[derive(Debug, Clone, Serialize)]
pub struct Tag {
    /// As it was first written.
    pub tag: String,
    /// Name of whoever put it on.
    pub added_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// Two spellings of a tag are one.
fn key(tag: &str) -> String {
    tag.to_lowercase()
}

/// Puts a tag on. `false`: it was there.
pub async fn insert_tag(tx: &mut Tx, session: SessionId, tag: &Tag) -> Result<bool, StoreError> {
    let written = tx
        .execute(
            "INSERT INTO session_tags (session_id, tag_key, tag, added_by, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (session_id, tag_key) DO NOTHING",
            &[session.0.into(), key(&tag.tag).into(), (&tag.tag).into(), (&tag.added_by).into(), tag.created_at.into()],
        )
        .await?;
    Ok(written == 1)
}

/// Takes a tag off; as it was written, or none when it was not there.
pub async fn remove_tag(tx: &mut Tx, session: SessionId, tag: &str) -> Result<Option<String>, StoreError> {
    let sql = "DELETE FROM session_tags WHERE session_id = $1 AND tag_key = $2 RETURNING tag";
    tx.query_opt(sql, &[session.0.into(), key(tag).into()]).await?.map(|row| row.get(0)).transpose()
}

/// A tag of a session, however it is written.
pub async fn find_tag(tx: &mut Tx, session: SessionId, tag: &str) -> Result<Option<Tag>, StoreError> {
    Ok(list_tags(tx, session).await?.into_iter().find(|known| key(&known.tag) == key(tag)))
}

/// The tags of a session, oldest first.
pub async fn list_tags(tx: &mut Tx, session: SessionId) -> Result<Vec<Tag>, StoreError> {
    let sql = "SELECT tag, added_by, created_at FROM session_tags WHERE session_id = $1 ORDER BY created_at, tag_key";
    let rows = tx.query(sql, &[session.0.into()]).await?;
    rows.iter().map(|row| Ok(Tag { tag: row.get(0)?, added_by: row.get(1)?, created_at: row.get(2)? })).collect()
}
