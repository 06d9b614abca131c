//! Files people attached to sessions, beside those the records name.

use gavel_core::{
    ids::{ApplicationId, MediaId, SessionFileId, SessionId},
    time::Timestamp,
};

use super::{Row, StoreError, Tx};

/// An attached file.
#[derive(Debug, Clone)]
pub struct SessionFile {
    /// The attachment.
    pub id: SessionFileId,
    /// The stored file.
    pub media: MediaId,
    /// What people call it.
    pub name: Option<String>,
    /// Name of whoever attached it.
    pub added_by: String,
    /// When.
    pub created_at: Timestamp,
    /// By content.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
}

fn from_row(row: &Row) -> Result<SessionFile, StoreError> {
    let mut c = row.columns();
    Ok(SessionFile {
        id: SessionFileId(c.take()?),
        media: MediaId(c.take()?),
        name: c.take()?,
        added_by: c.take()?,
        created_at: c.take()?,
        content_type: c.take()?,
        size: c.take()?,
    })
}

const COLUMNS: &str = "f.id, f.media_id, f.name, f.added_by, f.created_at, m.content_type, m.size
    FROM session_files f JOIN media m ON m.id = f.media_id";

/// Attaches a file.
pub async fn insert_file(tx: &mut Tx, session: SessionId, file: &SessionFile) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO session_files (id, session_id, media_id, name, added_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            file.id.0.into(),
            session.0.into(),
            file.media.0.into(),
            file.name.as_ref().into(),
            (&file.added_by).into(),
            file.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Content type and size of a stored file of this application.
pub async fn find_media(tx: &mut Tx, application: ApplicationId, id: MediaId) -> Result<Option<(String, u64)>, StoreError> {
    let sql = "SELECT content_type, size FROM media WHERE application_id = $1 AND id = $2 AND deleted_at IS NULL";
    let row = tx.query_opt(sql, &[application.0.into(), id.0.into()]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// One attached file of a session.
pub async fn find_file(tx: &mut Tx, session: SessionId, id: SessionFileId) -> Result<Option<SessionFile>, StoreError> {
    let sql = format!("SELECT {COLUMNS} WHERE f.session_id = $1 AND f.id = $2");
    tx.query_opt(&sql, &[session.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Takes an attached file off.
pub async fn remove_file(tx: &mut Tx, session: SessionId, id: SessionFileId) -> Result<(), StoreError> {
    tx.send("DELETE FROM session_files WHERE session_id = $1 AND id = $2", &[session.0.into(), id.0.into()]).await?;
    Ok(())
}

/// The attached files of a session, oldest first.
pub async fn list_files(tx: &mut Tx, session: SessionId) -> Result<Vec<SessionFile>, StoreError> {
    let sql = format!("SELECT {COLUMNS} WHERE f.session_id = $1 ORDER BY f.created_at, f.id");
    tx.query(&sql, &[session.0.into()]).await?.iter().map(from_row).collect()
}
