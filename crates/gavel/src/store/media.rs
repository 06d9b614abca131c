//! What is known of stored pictures, videos and documents. The bytes lie in the data folder.

use gavel_core::{
    ids::{ApplicationId, MediaId},
    time::Timestamp,
};

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
    tx.execute(
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

/// Marks files as deleted.
pub async fn set_deleted(tx: &mut Tx, ids: &[MediaId], now: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut params: Vec<Value> = vec![now.into()];
    params.extend(ids.iter().map(|id| Value::from(id.0)));
    let sql = format!("UPDATE media SET deleted_at = $1 WHERE id IN ({})", super::db::placeholders(2, ids.len()));
    tx.execute(&sql, &params).await?;
    Ok(())
}
