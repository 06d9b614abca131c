//! Past transactions a change of lists would touch, and what they were decided with.

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, EntryId, ListId, TransactionId},
    transaction::{Match, Side},
};

use super::{Row, StoreError, Tx, Value, preview::showing};

fn read_ids(rows: &[Row]) -> Result<Vec<TransactionId>, StoreError> {
    rows.iter().map(|row| row.get(0).map(TransactionId)).collect()
}

/// Transactions a party of which has shown a value, or an address of a range, newest first. Those that came with a file are
/// not among them: nothing was decided about them here.
pub async fn list_showing(
    tx: &mut Tx,
    application: ApplicationId,
    value: &EntryValue,
    most: u64,
) -> Result<Vec<TransactionId>, StoreError> {
    let mut params: Vec<Value> = vec![application.0.into(), value.entry_type().as_str().into(), most.into()];
    let condition = showing(value, &mut params);
    let sql = format!(
        "SELECT s.transaction_id FROM (SELECT transaction_id, max(created_at) AS shown_at FROM transaction_signals
           WHERE application_id = $1 AND entry_type = $2 AND {condition} GROUP BY transaction_id) s
         JOIN transactions t ON t.id = s.transaction_id AND t.source = 'LIVE'
         ORDER BY s.shown_at DESC, s.transaction_id DESC LIMIT $3"
    );
    read_ids(&tx.query(&sql, &params).await?)
}

/// Transactions a value of which an entry has matched, newest first.
pub async fn list_hit(tx: &mut Tx, entry: EntryId, most: u64) -> Result<Vec<TransactionId>, StoreError> {
    let sql = "SELECT DISTINCT transaction_id FROM transaction_hits WHERE entry_id = $1 ORDER BY transaction_id DESC LIMIT $2";
    read_ids(&tx.query(sql, &[entry.0.into(), most.into()]).await?)
}

/// Whether a participant was flagged when the transaction was decided.
pub async fn is_flagged(tx: &mut Tx, id: TransactionId) -> Result<bool, StoreError> {
    let row = tx.query_opt("SELECT participant_flagged FROM transactions WHERE id = $1", &[id.0.into()]).await?;
    row.map_or(Ok(false), |row| row.get(0))
}

/// Notes that one was.
pub async fn set_flagged(tx: &mut Tx, id: TransactionId) -> Result<(), StoreError> {
    tx.send("UPDATE transactions SET participant_flagged = $2 WHERE id = $1", &[id.0.into(), true.into()]).await
}

/// The values of the parties, as they were screened.
pub async fn list_values(tx: &mut Tx, id: TransactionId) -> Result<Vec<(Side, EntryValue)>, StoreError> {
    let sql = "SELECT side, entry_type, value FROM transaction_signals WHERE transaction_id = $1 ORDER BY side DESC, entry_type";
    let read = |row: &Row| {
        let (side, entry_type) = read_kinds(row)?;
        let value = EntryValue::parse(entry_type, &row.get::<String>(2)?).map_err(|_| StoreError::unreadable("signal"))?;
        Ok((side, value))
    };
    tx.query(sql, &[id.0.into()]).await?.iter().map(read).collect()
}

fn read_kinds(row: &Row) -> Result<(Side, EntryType), StoreError> {
    let side = Side::from_name(&row.get::<String>(0)?).ok_or_else(|| StoreError::unreadable("side"))?;
    let entry_type = EntryType::from_name(&row.get::<String>(1)?).ok_or_else(|| StoreError::unreadable("entry type"))?;
    Ok((side, entry_type))
}

/// The entries of blocklists its values matched.
pub async fn list_matches(tx: &mut Tx, id: TransactionId) -> Result<Vec<Match>, StoreError> {
    let sql =
        "SELECT h.side, h.entry_type, h.entry_id, h.list_id, h.held FROM transaction_hits h JOIN lists l ON l.id = h.list_id
         WHERE h.transaction_id = $1 AND l.list_type = 'blocklist' ORDER BY h.side DESC, h.entry_type, h.entry_id";
    let read = |row: &Row| {
        let (side, entry_type) = read_kinds(row)?;
        Ok(Match { side, entry_type, entry: EntryId(row.get(2)?), list: ListId(row.get(3)?), held: row.get(4)? })
    };
    tx.query(sql, &[id.0.into()]).await?.iter().map(read).collect()
}
