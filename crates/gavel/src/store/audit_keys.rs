//! The public keys of the audit trail, in the order they were in use, with what was signed when one followed another.

use gavel_core::{
    audit::{PublicKey, Rotation, Signature},
    time::Timestamp,
};

use super::{Row, StoreError, Tx};

/// A key that is or was in use.
#[derive(Debug, Clone)]
pub struct AuditKey {
    /// From 1.
    pub number: u64,
    /// What checks its signatures.
    pub public: PublicKey,
    /// What was signed when it came into use: by the key before it, unless that was lost, and by itself.
    pub signatures: Option<(Option<Signature>, Signature)>,
    /// Since when.
    pub since: Timestamp,
}

fn from_row(row: &Row) -> Result<AuditKey, StoreError> {
    let unreadable = || StoreError::unreadable("audit key");
    let signature = |bytes: Vec<u8>| bytes.try_into().map(Signature).map_err(|_| unreadable());
    let mut c = row.columns();
    let number = c.take()?;
    let public: [u8; 32] = c.take::<Vec<u8>>()?.try_into().map_err(|_| unreadable())?;
    let old: Option<Vec<u8>> = c.take()?;
    let new: Option<Vec<u8>> = c.take()?;
    let old = old.map(signature).transpose()?;
    Ok(AuditKey {
        number,
        public: PublicKey::from_bytes(&public).ok_or_else(unreadable)?,
        signatures: new.map(signature).transpose()?.map(|new| (old, new)),
        since: c.take()?,
    })
}

/// All keys, the first one first; the last one is in use.
pub async fn list_keys(tx: &mut Tx) -> Result<Vec<AuditKey>, StoreError> {
    let sql = "SELECT number, public_key, old_signature, new_signature, created_at FROM audit_keys ORDER BY number";
    tx.query(sql, &[]).await?.iter().map(from_row).collect()
}

/// The changes from each key to the next.
pub fn rotations(keys: &[AuditKey]) -> Vec<Rotation> {
    let change = |pair: &[AuditKey]| {
        let (old_signature, new_signature) = pair[1].signatures?;
        Some(Rotation { old: pair[0].public, new: pair[1].public, at: pair[1].since, old_signature, new_signature })
    };
    keys.windows(2).filter_map(change).collect()
}

/// Writes the next key. `false`: somebody else was faster.
pub async fn insert_key(tx: &mut Tx, key: &AuditKey) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "INSERT INTO audit_keys (number, key_id, public_key, old_signature, new_signature, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (number) DO NOTHING",
            &[
                key.number.into(),
                key.public.id().into(),
                key.public.to_bytes().into(),
                key.signatures.and_then(|(old, _)| old).map(|old| old.0.to_vec()).into(),
                key.signatures.map(|(_, new)| new.0.to_vec()).into(),
                key.since.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}
