//! API keys: only their SHA-256 is kept. A key has at least 24 characters of the operator's or 32 random bytes, so a fast
//! hash is enough; a slow one would cost every request 27 ms.

use gavel_core::{
    access::Scopes,
    ids::{ApplicationId, KeyId},
    time::Timestamp,
};

use super::{Row, StoreError, Tx};

/// An API key without the key itself.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// The one application it belongs to.
    pub application: ApplicationId,
    /// What people call it.
    pub name: String,
    /// The first characters, to tell keys apart in a list.
    pub prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Addresses and ranges it may be used from; empty means any.
    pub ip_allowlist: Vec<ipnet::IpNet>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, application_id, name, prefix, scopes, ip_allowlist, expires_at, created_at, revoked_at";

fn from_row(row: &Row) -> Result<ApiKey, StoreError> {
    let mut c = row.columns();
    Ok(ApiKey {
        id: KeyId(c.take()?),
        application: ApplicationId(c.take()?),
        name: c.take()?,
        prefix: c.take()?,
        scopes: c.take::<String>()?.parse().map_err(|_| StoreError::unreadable("scopes"))?,
        ip_allowlist: c
            .take::<String>()?
            .split_whitespace()
            .map(|range| range.parse().map_err(|_| StoreError::unreadable("address range")))
            .collect::<Result<_, _>>()?,
        expires_at: c.take()?,
        created_at: c.take()?,
        revoked_at: c.take()?,
    })
}

/// Writes a key. `false`: the same key exists already.
pub async fn insert_key(tx: &mut Tx, key: &ApiKey, hash: [u8; 32]) -> Result<bool, StoreError> {
    let allowlist = key.ip_allowlist.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let rows = tx
        .execute(
            "INSERT INTO api_keys (id, application_id, name, prefix, hash, scopes, ip_allowlist, expires_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hash) DO NOTHING",
            &[
                key.id.0.into(),
                key.application.0.into(),
                (&key.name).into(),
                (&key.prefix).into(),
                hash.into(),
                key.scopes.to_string().into(),
                allowlist.into(),
                key.expires_at.into(),
                key.created_at.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// The key with this hash, revoked or not.
pub async fn find_by_hash(tx: &mut Tx, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM api_keys WHERE hash = $1"), &[hash.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Whether a key was revoked.
pub async fn is_revoked(tx: &mut Tx, id: KeyId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM api_keys WHERE id = $1 AND revoked_at IS NOT NULL";
    Ok(tx.query_opt(sql, &[id.0.into()]).await?.is_some())
}

/// The person who made a key, where one is known.
pub async fn find_maker(tx: &mut Tx, id: KeyId) -> Result<Option<uuid::Uuid>, StoreError> {
    let row = tx.query_opt("SELECT created_by FROM api_keys WHERE id = $1", &[id.0.into()]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// Says which person made a key.
pub async fn set_maker(tx: &mut Tx, id: KeyId, maker: uuid::Uuid) -> Result<(), StoreError> {
    tx.send("UPDATE api_keys SET created_by = $2 WHERE id = $1", &[id.0.into(), maker.into()]).await?;
    Ok(())
}

/// A page of an application's keys, newest first, and how many there are.
pub async fn list_page(
    tx: &mut Tx,
    application: ApplicationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<ApiKey>, u64), StoreError> {
    let total = tx.query_opt("SELECT count(*) FROM api_keys WHERE application_id = $1", &[application.0.into()]).await?;
    let sql =
        format!("SELECT {COLUMNS} FROM api_keys WHERE application_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3");
    let rows = tx.query(&sql, &[application.0.into(), limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}

/// Revokes a key of an application. `false`: no such key, or revoked before.
pub async fn set_revoked_in(tx: &mut Tx, application: ApplicationId, id: KeyId, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE api_keys SET revoked_at = $3 WHERE application_id = $1 AND id = $2 AND revoked_at IS NULL";
    Ok(tx.execute(sql, &[application.0.into(), id.0.into(), at.into()]).await? == 1)
}

/// All keys of the server, oldest first.
pub async fn list_keys(tx: &mut Tx) -> Result<Vec<ApiKey>, StoreError> {
    let rows = tx.query(&format!("SELECT {COLUMNS} FROM api_keys ORDER BY created_at, id"), &[]).await?;
    rows.iter().map(from_row).collect()
}

/// Revokes a key. `None`: no such key, or revoked before. Otherwise its application.
pub async fn set_revoked(tx: &mut Tx, id: KeyId, at: Timestamp) -> Result<Option<ApplicationId>, StoreError> {
    let row = tx
        .query_opt(
            "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING application_id",
            &[id.0.into(), at.into()],
        )
        .await?;
    row.map(|row| row.get(0).map(ApplicationId)).transpose()
}
