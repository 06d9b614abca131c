//! What came with files from elsewhere, and how it is known again: by the digest of its id there.

use std::collections::HashMap;

use gavel_core::ids::ApplicationId;
use uuid::Uuid;

use super::{StoreError, Tx, Value, db::placeholders};

/// What an id of elsewhere stands for here.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The session or transaction.
    pub object: Uuid,
    /// Digest of what was last said of it.
    pub content: [u8; 32],
}

/// Keys of one statement.
const CHUNK: usize = 500;

/// Those of these ids, as digests, that are known. `kind` is `session` or `transaction`.
pub async fn find_known(
    tx: &mut Tx,
    application: ApplicationId,
    kind: &str,
    keys: &[[u8; 32]],
) -> Result<HashMap<[u8; 32], Known>, StoreError> {
    let unreadable = |_: Vec<u8>| StoreError::unreadable("digest");
    let mut found = HashMap::with_capacity(keys.len());
    for chunk in keys.chunks(CHUNK) {
        let mut params: Vec<Value> = vec![application.0.into(), kind.into()];
        params.extend(chunk.iter().map(|key| Value::from(*key)));
        let sql = format!(
            "SELECT key_digest, object_id, content_digest FROM imported_objects
             WHERE application_id = $1 AND kind = $2 AND key_digest IN ({})",
            placeholders(3, chunk.len())
        );
        for row in tx.query(&sql, &params).await? {
            let mut c = row.columns();
            let key = c.take::<Vec<u8>>()?.try_into().map_err(unreadable)?;
            found.insert(key, Known { object: c.take()?, content: c.take::<Vec<u8>>()?.try_into().map_err(unreadable)? });
        }
    }
    Ok(found)
}

/// Writes what an id stands for, and what was said.
pub async fn set_known(
    tx: &mut Tx,
    application: ApplicationId,
    kind: &str,
    key: [u8; 32],
    known: Known,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO imported_objects (application_id, kind, key_digest, object_id, content_digest) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (application_id, kind, key_digest)
             DO UPDATE SET object_id = excluded.object_id, content_digest = excluded.content_digest",
        &[application.0.into(), kind.into(), key.into(), known.object.into(), known.content.into()],
    )
    .await?;
    Ok(())
}
