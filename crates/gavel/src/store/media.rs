//! What is known of stored pictures, videos and documents. The bytes lie in the data folder.

use gavel_core::{
    ids::{ApplicationId, MediaId, SessionId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{StoreError, Tx, Value};

/// A stored file.
#[derive(Debug, Clone)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// By content, not as the sender called it.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Vec<u8>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// Writes what is known of a file.
pub async fn insert_media(tx: &mut Tx, application: ApplicationId, media: &Media) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO media (id, application_id, content_type, size, sha256, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            media.id.0.into(),
            application.0.into(),
            (&media.content_type).into(),
            media.size.into(),
            media.sha256.clone().into(),
            media.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// What is known of a file that is still there.
pub async fn find_media(tx: &mut Tx, id: MediaId) -> Result<Option<Media>, StoreError> {
    let sql = "SELECT id, content_type, size, sha256, created_at FROM media WHERE id = $1 AND deleted_at IS NULL";
    let row = tx.query_opt(sql, &[id.0.into()]).await?;
    let read = |row: super::Row| {
        let mut c = row.columns();
        Ok(Media { id: MediaId(c.take()?), content_type: c.take()?, size: c.take()?, sha256: c.take()?, created_at: c.take()? })
    };
    row.map(read).transpose()
}

/// The content type of a file that is still there; whoever asks holds a signed link.
pub async fn find_content_type(tx: &mut Tx, id: MediaId) -> Result<Option<String>, StoreError> {
    let row = tx.query_opt("SELECT content_type FROM media WHERE id = $1 AND deleted_at IS NULL", &[id.0.into()]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Those of the given files that exist in this application.
pub async fn list_existing(tx: &mut Tx, application: ApplicationId, ids: &[MediaId]) -> Result<Vec<MediaId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut params: Vec<Value> = vec![application.0.into()];
    params.extend(ids.iter().map(|id| Value::from(id.0)));
    let sql = format!(
        "SELECT id FROM media WHERE application_id = $1 AND deleted_at IS NULL AND id IN ({})",
        super::db::placeholders(2, ids.len())
    );
    tx.query(&sql, &params).await?.iter().map(|row| row.get(0).map(MediaId)).collect()
}

/// Notes that a session shows these files.
pub async fn insert_uses(tx: &mut Tx, session: SessionId, ids: &[MediaId]) -> Result<(), StoreError> {
    for id in ids {
        tx.send(
            "INSERT INTO media_uses (session_id, media_id) VALUES ($1, $2) ON CONFLICT (session_id, media_id) DO NOTHING",
            &[session.0.into(), id.0.into()],
        )
        .await?;
    }
    Ok(())
}

/// The files a session shows.
pub async fn list_uses(tx: &mut Tx, session: SessionId) -> Result<Vec<MediaId>, StoreError> {
    let rows = tx.query("SELECT media_id FROM media_uses WHERE session_id = $1", &[session.0.into()]).await?;
    rows.iter().map(|row| row.get(0).map(MediaId)).collect()
}

/// These sessions show no files any longer. Those no other session shows are marked as deleted and answered.
pub async fn release_all(tx: &mut Tx, sessions: &[SessionId], now: Timestamp) -> Result<Vec<MediaId>, StoreError> {
    let sessions: Vec<Value> = sessions.iter().map(|id| id.0.into()).collect();
    let those = super::db::placeholders(1, sessions.len());
    let shown = tx.query(&format!("SELECT DISTINCT media_id FROM media_uses WHERE session_id IN ({those})"), &sessions).await?;
    if shown.is_empty() {
        return Ok(Vec::new());
    }
    tx.send(&format!("DELETE FROM media_uses WHERE session_id IN ({those})"), &sessions).await?;
    let shown = shown.iter().map(|row| row.get(0)).collect::<Result<Vec<Uuid>, _>>()?;
    let mut gone = Vec::new();
    for part in super::db::parts_of(1_024, &shown) {
        let mut params: Vec<Value> = vec![now.into()];
        params.extend(part.iter().map(|id| Value::from(*id)));
        let sql = format!(
            "UPDATE media SET deleted_at = $1
             WHERE id IN ({}) AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM media_uses u WHERE u.media_id = media.id)
             RETURNING id",
            super::db::placeholders(2, part.len())
        );
        for row in tx.query(&sql, &params).await? {
            gone.push(MediaId(row.get(0)?));
        }
    }
    Ok(gone)
}

/// A session shows these files no longer. Those no other session shows are marked as deleted and answered.
pub async fn release(tx: &mut Tx, session: SessionId, ids: &[MediaId], now: Timestamp) -> Result<Vec<MediaId>, StoreError> {
    let mut gone = Vec::new();
    for id in ids {
        let use_of = [session.0.into(), id.0.into()];
        tx.send("DELETE FROM media_uses WHERE session_id = $1 AND media_id = $2", &use_of).await?;
        let sql = "UPDATE media SET deleted_at = $1
                   WHERE id = $2 AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM media_uses u WHERE u.media_id = $2)";
        if tx.execute(sql, &[now.into(), id.0.into()]).await? == 1 {
            gone.push(*id);
        }
    }
    Ok(gone)
}
