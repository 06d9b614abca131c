//! Values that status rules asked lists about, for finding the sessions a change of a list would touch.

use gavel_core::{
    entry::EntryValue,
    ids::{ListId, RecordId, SessionId},
    time::Timestamp,
};

use super::{
    StoreError, Tx, Value,
    preview::{Decided, decided, ends_of},
    records::ordered_bytes,
};

/// Notes that a record's rules asked a list about a value.
pub async fn insert_asked(
    tx: &mut Tx,
    (record, session): (RecordId, SessionId),
    list: ListId,
    value: &EntryValue,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO asked_values (record_id, list_id, key_digest, session_id, address, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (record_id, list_id, key_digest) DO NOTHING",
        &[
            record.0.into(),
            list.0.into(),
            value.digest().into(),
            session.0.into(),
            value.network().map(|net| ordered_bytes(net.addr())).into(),
            at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Sessions whose rules asked a list about a value, or about an address of a range, newest first.
pub async fn list_asking(tx: &mut Tx, list: ListId, value: &EntryValue, most: u64) -> Result<Vec<Decided>, StoreError> {
    let mut params: Vec<Value> = vec![list.0.into(), most.into()];
    let condition = match value.network() {
        None => {
            params.push(value.digest().into());
            "key_digest = $3"
        }
        Some(network) => {
            let (first, last) = ends_of(network);
            params.extend([ordered_bytes(first).into(), ordered_bytes(last).into()]);
            "address >= $3 AND address <= $4"
        }
    };
    let sql = format!(
        "SELECT min(created_at), session_id FROM asked_values WHERE list_id = $1 AND {condition}
         GROUP BY session_id ORDER BY max(created_at) DESC LIMIT $2"
    );
    decided(&tx.query(&sql, &params).await?)
}
