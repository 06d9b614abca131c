//! Lists: their names, kinds and counts. Their entries: [`super::entries`].
//!
//! Whoever changes a list or its entries takes the next `lists_revision` first: that row's lock is the one that keeps two
//! changes of one application apart, so lists need no lock of their own.

use std::collections::HashMap;

use gavel_core::{
    entry::EntryType,
    guard::Approval,
    ids::{ApplicationId, ListId},
    list::{FloodGuard, ListType},
    time::Timestamp,
};

use super::{Row, StoreError, Tx, Value};

/// A list.
#[derive(Debug, Clone)]
pub struct List {
    /// Its id.
    pub id: ListId,
    /// Unique among the application's live lists.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Blocklist, allowlist or custom; fixed for life.
    pub list_type: ListType,
    /// What its entries are; fixed for life.
    pub entry_type: EntryType,
    /// Made with the application; cannot be renamed or deleted.
    pub is_system: bool,
    /// Live entries at the time of reading.
    pub entry_count: u64,
    /// Time of the newest addition ever.
    pub last_entry_added_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last change of it or its entries.
    pub updated_at: Timestamp,
}

/// `$1` is always the time of reading: an expired entry stops counting without a write.
const COLUMNS: &str = "id, name, description, list_type, entry_type, is_system,
    entry_count - (SELECT count(*) FROM entries e WHERE e.list_id = l.id AND e.removed_rev IS NULL AND e.expires_at <= $1) AS live_count,
    last_entry_added_at, created_at, updated_at";

fn from_row(row: &Row) -> Result<List, StoreError> {
    let mut c = row.columns();
    Ok(List {
        id: ListId(c.take()?),
        name: c.take()?,
        description: c.take()?,
        list_type: ListType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("list type"))?,
        entry_type: EntryType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("entry type"))?,
        is_system: c.take()?,
        entry_count: c.take()?,
        last_entry_added_at: c.take()?,
        created_at: c.take()?,
        updated_at: c.take()?,
    })
}

/// Which lists, and in which order.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only this kind.
    pub list_type: Option<ListType>,
    /// Only this type of entry.
    pub entry_type: Option<EntryType>,
    /// Only system lists, or only others.
    pub is_system: Option<bool>,
    /// Fields to order by, each ascending (`false`) or descending (`true`); newest first in the end.
    pub ordering: Vec<(Order, bool)>,
}

/// What lists can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Time of creation.
    CreatedAt,
    /// Number of live entries.
    EntryCount,
    /// Time of the newest addition; never-filled lists last, both ways.
    LastEntryAddedAt,
}

/// Writes a list. `false`: a live list has this name.
pub async fn insert_list(tx: &mut Tx, application: ApplicationId, list: &List) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "INSERT INTO lists (id, application_id, name, description, list_type, entry_type, is_system, entry_count,
                 last_entry_added_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, NULL, $8, $8)
             ON CONFLICT (application_id, name) WHERE deleted_at IS NULL DO NOTHING",
            &[
                list.id.0.into(),
                application.0.into(),
                (&list.name).into(),
                (&list.description).into(),
                list.list_type.as_str().into(),
                list.entry_type.as_str().into(),
                list.is_system.into(),
                list.created_at.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// What the entries of these lists are, of those that are live and this application's.
pub async fn list_entry_types(
    tx: &mut Tx,
    application: ApplicationId,
    ids: &[ListId],
) -> Result<HashMap<ListId, EntryType>, StoreError> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(256) {
        let mut params: Vec<Value> = vec![application.0.into()];
        params.extend(chunk.iter().map(|id| Value::from(id.0)));
        let sql = format!(
            "SELECT id, entry_type FROM lists WHERE application_id = $1 AND deleted_at IS NULL AND id IN ({})",
            super::db::placeholders(2, chunk.len())
        );
        for row in tx.query(&sql, &params).await? {
            let entry_type = EntryType::from_name(&row.get::<String>(1)?).ok_or_else(|| StoreError::unreadable("entry type"))?;
            found.insert(ListId(row.get(0)?), entry_type);
        }
    }
    Ok(found)
}

/// The live list of this application.
pub async fn find_list(tx: &mut Tx, application: ApplicationId, id: ListId, now: Timestamp) -> Result<Option<List>, StoreError> {
    let row = tx
        .query_opt(
            &format!("SELECT {COLUMNS} FROM lists l WHERE application_id = $2 AND id = $3 AND deleted_at IS NULL"),
            &[now.into(), application.0.into(), id.0.into()],
        )
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// A page of live lists and how many there are in all.
pub async fn list_lists(
    tx: &mut Tx,
    application: ApplicationId,
    filter: &Filter,
    (limit, offset): (u64, u64),
    now: Timestamp,
) -> Result<(Vec<List>, u64), StoreError> {
    let mut clause = String::from("application_id = $2 AND deleted_at IS NULL");
    let mut params: Vec<Value> = vec![now.into(), application.0.into()];
    let mut also = |column: &str, value: Option<Value>| {
        if let Some(value) = value {
            params.push(value);
            clause.push_str(&format!(" AND {column} = ${}", params.len()));
        }
    };
    also("list_type", filter.list_type.map(|t| t.as_str().into()));
    also("entry_type", filter.entry_type.map(|t| t.as_str().into()));
    also("is_system", filter.is_system.map(Value::from));
    let total = tx
        // The time is bound by comparing it with itself: both statements then share their parameters.
        .query_opt(&format!("SELECT count(*) FROM lists l WHERE CAST($1 AS bigint) IS NOT NULL AND {clause}"), &params)
        .await?
        .map_or(Ok(0), |row| row.get(0))?;
    let order: String = filter.ordering.iter().map(|(field, descending)| order_term(*field, *descending)).collect();
    let (limit_at, offset_at) = (params.len() + 1, params.len() + 2);
    params.extend([limit.into(), offset.into()]);
    let sql = format!(
        "SELECT {COLUMNS} FROM lists l WHERE {clause} ORDER BY {order}created_at DESC, id DESC LIMIT ${limit_at} OFFSET ${offset_at}"
    );
    let rows = tx.query(&sql, &params).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}

fn order_term(field: Order, descending: bool) -> String {
    let column = match field {
        Order::CreatedAt => "created_at",
        Order::EntryCount => "live_count",
        Order::LastEntryAddedAt => "last_entry_added_at",
    };
    format!("{column} {} NULLS LAST, ", if descending { "DESC" } else { "ASC" })
}

/// Renames or describes a list. `false`: another live list has this name.
pub async fn set_name_and_description(
    tx: &mut Tx,
    application: ApplicationId,
    id: ListId,
    name: &str,
    description: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE lists SET name = $3, description = $4, updated_at = $5
             WHERE id = $2 AND NOT EXISTS (
                 SELECT 1 FROM lists o WHERE o.application_id = $1 AND o.name = $3 AND o.deleted_at IS NULL AND o.id <> $2)",
            &[application.0.into(), id.0.into(), name.into(), description.into(), now.into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Moves the count of stored rows, and the times an addition or a removal moves.
pub async fn add_to_count(tx: &mut Tx, id: ListId, by: i64, now: Timestamp) -> Result<(), StoreError> {
    let added_at = (by > 0).then_some(now);
    tx.send(
        "UPDATE lists SET entry_count = entry_count + $2, updated_at = $3, last_entry_added_at = COALESCE($4, last_entry_added_at)
         WHERE id = $1",
        &[id.0.into(), by.into(), now.into(), added_at.into()],
    )
    .await?;
    Ok(())
}

/// Marks a list as deleted; its name is free again.
pub async fn set_deleted(tx: &mut Tx, id: ListId, now: Timestamp) -> Result<(), StoreError> {
    tx.send("UPDATE lists SET deleted_at = $2, updated_at = $2 WHERE id = $1", &[id.0.into(), now.into()]).await?;
    Ok(())
}

/// What a list has beyond the contract.
pub struct Facts {
    /// When an entry hits so often that a person should look.
    pub flood_guard: Option<FloodGuard>,
    /// Entries that have expired and are not removed.
    pub expired: u64,
    /// Live entries the flood guard holds.
    pub held: u64,
}

/// What a list has beyond the contract.
pub async fn find_facts(tx: &mut Tx, id: ListId, now: Timestamp) -> Result<Facts, StoreError> {
    let kept = "SELECT count(*) FROM entries e WHERE e.list_id = l.id AND e.removed_rev IS NULL";
    let sql = format!(
        "SELECT flood_guard, ({kept} AND e.expires_at <= $2),
             ({kept} AND e.held_at IS NOT NULL AND (e.expires_at IS NULL OR e.expires_at > $2))
         FROM lists l WHERE id = $1"
    );
    let row = tx.query_opt(&sql, &[id.0.into(), now.into()]).await?.ok_or_else(|| StoreError::unreadable("list"))?;
    let guard: Option<String> = row.get(0)?;
    let flood_guard = guard.map(|text| serde_json::from_str(&text).map_err(|_| StoreError::unreadable("flood guard")));
    Ok(Facts { flood_guard: flood_guard.transpose()?, expired: row.get(1)?, held: row.get(2)? })
}

/// Sets or takes away a list's flood guard.
pub async fn set_flood_guard(tx: &mut Tx, id: ListId, guard: Option<FloodGuard>) -> Result<(), StoreError> {
    let text = guard.map(|guard| serde_json::to_string(&guard)).transpose().map_err(|_| StoreError::unreadable("flood guard"))?;
    tx.send("UPDATE lists SET flood_guard = $2 WHERE id = $1", &[id.0.into(), text.into()]).await?;
    Ok(())
}

/// Which changes of a list need another person.
pub async fn find_approval(tx: &mut Tx, id: ListId) -> Result<Approval, StoreError> {
    let row = tx.query_opt("SELECT approval FROM lists WHERE id = $1", &[id.0.into()]).await?;
    let text: Option<String> = row.map_or(Ok(None), |row| row.get(0))?;
    text.map_or(Ok(Approval::None), |text| serde_json::from_str(&text).map_err(|_| StoreError::unreadable("approval")))
}

/// Says which changes of a list need another person.
pub async fn set_approval(tx: &mut Tx, id: ListId, approval: Approval) -> Result<(), StoreError> {
    let text = serde_json::to_string(&approval).map_err(|_| StoreError::unreadable("approval"))?;
    tx.send("UPDATE lists SET approval = $2 WHERE id = $1", &[id.0.into(), text.into()]).await?;
    Ok(())
}

/// The name of a list, deleted or not, and whether it is a system list.
pub async fn find_name(tx: &mut Tx, id: ListId) -> Result<Option<(String, bool)>, StoreError> {
    let row = tx.query_opt("SELECT name, is_system FROM lists WHERE id = $1", &[id.0.into()]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}
