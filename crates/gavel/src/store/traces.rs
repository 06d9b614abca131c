//! From a session, a transaction, a user or a business to the entries made from it, and back.

use super::{
    StoreError, Tx, Value,
    entries::{self, Entry},
};
use gavel_core::{
    ids::{ApplicationId, ListId, SessionId, SubjectId, TransactionId},
    session::SessionKind,
};

/// What entries were made from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A session, by `reference_session_id`.
    Session(SessionId),
    /// A transaction, by `reference_object_uuid`.
    Transaction(TransactionId),
}

/// An entry and where it stands.
pub struct Placed {
    /// The entry.
    pub entry: Entry,
    /// Its list.
    pub list: ListId,
    /// What that is called.
    pub list_name: String,
    /// What a match with it means.
    pub list_type: String,
}

/// The columns of an entry `e`, by that name.
pub(super) fn entry_columns() -> String {
    entries::COLUMNS.split(',').map(|name| format!("e.{}", name.trim())).collect::<Vec<_>>().join(", ")
}

/// A page of the entries made from something that are not removed, expired ones too, newest first; and how many there are.
pub async fn list_made_from(
    tx: &mut Tx,
    application: ApplicationId,
    source: Source,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Placed>, u64), StoreError> {
    let (column, id) = match source {
        Source::Session(id) => ("reference_session_id", id.0),
        Source::Transaction(id) => ("reference_object_uuid", id.0),
    };
    let from = format!(
        "FROM entries e JOIN lists l ON l.id = e.list_id
         WHERE e.{column} = $1 AND l.application_id = $2 AND l.deleted_at IS NULL AND e.removed_rev IS NULL"
    );
    let params: [Value; 4] = [id.into(), application.0.into(), limit.into(), offset.into()];
    let total = tx.query_opt(&format!("SELECT count(*) {from}"), &params[..2]).await?.map_or(Ok(0), |row| row.get(0))?;
    let sql = format!(
        "SELECT {}, l.id, l.name, l.list_type {from} ORDER BY e.created_at DESC, e.id DESC LIMIT $3 OFFSET $4",
        entry_columns()
    );
    let read = |row: &super::Row| {
        Ok(Placed {
            entry: entries::from_row(row)?,
            list: ListId(row.get(entries::WIDTH)?),
            list_name: row.get(entries::WIDTH + 1)?,
            list_type: row.get(entries::WIDTH + 2)?,
        })
    };
    Ok((tx.query(&sql, &params).await?.iter().map(read).collect::<Result<_, _>>()?, total))
}

/// The number of a session that is still there.
pub async fn find_number(tx: &mut Tx, application: ApplicationId, id: SessionId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT number FROM sessions WHERE id = $1 AND application_id = $2 AND deleted_at IS NULL";
    tx.query_opt(sql, &[id.0.into(), application.0.into()]).await?.map(|row| row.get(0)).transpose()
}

/// The kind of a user or business that is still there.
pub async fn find_kind(tx: &mut Tx, application: ApplicationId, id: SubjectId) -> Result<Option<SessionKind>, StoreError> {
    let sql = "SELECT kind FROM subjects WHERE id = $1 AND application_id = $2";
    let row = tx.query_opt(sql, &[id.0.into(), application.0.into()]).await?;
    row.map(|row| row.get::<String>(0)).transpose().map(|kind| kind.as_deref().and_then(SessionKind::from_name))
}

/// Whether there is such a transaction.
pub async fn is_transaction(tx: &mut Tx, application: ApplicationId, id: TransactionId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM transactions WHERE id = $1 AND application_id = $2";
    Ok(tx.query_opt(sql, &[id.0.into(), application.0.into()]).await?.is_some())
}

/// The users or businesses lists know by a key, oldest first.
pub async fn list_known_as(
    tx: &mut Tx,
    application: ApplicationId,
    (kind, key): (SessionKind, [u8; 32]),
    most: u64,
) -> Result<Vec<SubjectId>, StoreError> {
    let sql =
        "SELECT id FROM subjects WHERE application_id = $1 AND kind = $2 AND key_digest = $3 ORDER BY created_at, id LIMIT $4";
    let rows = tx.query(sql, &[application.0.into(), kind.as_str().into(), key.into(), most.into()]).await?;
    rows.iter().map(|row| row.get(0).map(SubjectId)).collect()
}
