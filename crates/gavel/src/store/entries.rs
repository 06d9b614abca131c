//! Entries of lists, one row per version.
//!
//! `added_rev` and `removed_rev` are numbers of the application's `lists_revision`: a version is part of every revision
//! from the one to before the other, so earlier states stay readable and an index can follow by reading what has changed
//! since the last number it saw.

use std::collections::HashMap;

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, EntryId, ListId, RecordId, SessionId},
    list::ListType,
    screening::EntryRecord,
    time::Timestamp,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value, db::placeholders, revisions::Moment};

/// An entry as it stands.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The same through all versions.
    pub id: EntryId,
    /// Normalised.
    pub value: String,
    /// For people.
    pub display_label: String,
    /// For people.
    pub comment: String,
    /// `api`, a person's e-mail address, or `system`.
    pub added_by: String,
    /// The session it was made from.
    pub reference_session: Option<(SessionId, i64)>,
    /// The record of that session.
    pub reference_record: Option<RecordId>,
    /// Another object it was made from.
    pub reference_object: Option<Uuid>,
    /// Free JSON object.
    pub metadata: Option<Box<RawValue>>,
    /// From when on it no longer matches.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The revision of the lists that brought this version of it.
    pub revision: u64,
    /// Since when the flood guard keeps it for a person to look at.
    pub held_at: Option<Timestamp>,
}

/// What [`from_row`] reads.
pub(super) const COLUMNS: &str = "id, value, display_label, comment, added_by, reference_session_id, reference_session_number,
    reference_record_id, reference_object_uuid, metadata, expires_at, created_at, added_rev, held_at";
/// How many columns that are: what stands behind them comes from here on.
pub(super) const WIDTH: usize = 14;

pub(super) fn from_row(row: &Row) -> Result<Entry, StoreError> {
    let mut c = row.columns();
    Ok(Entry {
        id: EntryId(c.take()?),
        value: c.take()?,
        display_label: c.take()?,
        comment: c.take()?,
        added_by: c.take()?,
        reference_session: match (c.take::<Option<Uuid>>()?, c.take::<Option<i64>>()?) {
            (Some(id), Some(number)) => Some((SessionId(id), number)),
            _ => None,
        },
        reference_record: c.take::<Option<Uuid>>()?.map(RecordId),
        reference_object: c.take()?,
        metadata: read_json(c.take()?)?,
        expires_at: c.take()?,
        created_at: c.take()?,
        revision: c.take()?,
        held_at: c.take()?,
    })
}

/// A stored JSON text.
pub(super) fn read_json(text: Option<String>) -> Result<Option<Box<RawValue>>, StoreError> {
    text.map(|text| RawValue::from_string(text).map_err(|_| StoreError::unreadable("JSON"))).transpose()
}

/// What an addition writes beside the entry itself.
pub struct Addition<'a> {
    /// The application.
    pub application: ApplicationId,
    /// The list.
    pub list: ListId,
    /// The value as parsed.
    pub value: &'a EntryValue,
    /// The spelling the caller sent.
    pub sent_value: &'a str,
    /// This row.
    pub version: Uuid,
}

/// The columns an addition writes, and how many they are.
pub(super) const INSERT_COLUMNS: (&str, usize) = (
    "version_id, id, application_id, list_id, value, sent_value, match_key, key_digest, folded, display_label, comment, added_by,
     reference_session_id, reference_session_number, reference_record_id, reference_object_uuid, metadata, expires_at,
     created_at, added_rev",
    20,
);

/// What stands in them.
pub(super) fn insert_params(addition: &Addition<'_>, entry: &Entry) -> [Value; INSERT_COLUMNS.1] {
    [
        addition.version.into(),
        entry.id.0.into(),
        addition.application.0.into(),
        addition.list.0.into(),
        (&entry.value).into(),
        addition.sent_value.into(),
        differing_key(addition.value).into(),
        addition.value.digest().into(),
        folded(&[&entry.value, &entry.display_label]).into(),
        (&entry.display_label).into(),
        (&entry.comment).into(),
        (&entry.added_by).into(),
        entry.reference_session.map(|(id, _)| id.0).into(),
        entry.reference_session.map(|(_, number)| number).into(),
        entry.reference_record.map(|id| id.0).into(),
        entry.reference_object.into(),
        entry.metadata.as_ref().map(|json| json.get()).into(),
        entry.expires_at.into(),
        entry.created_at.into(),
        entry.revision.into(),
    ]
}

/// Writes an entry. `false`: the list holds a live entry with this match key.
pub async fn insert_entry(tx: &mut Tx, addition: &Addition<'_>, entry: &Entry) -> Result<bool, StoreError> {
    let sql = format!(
        "INSERT INTO entries ({}) VALUES ({}) ON CONFLICT (list_id, key_digest) WHERE removed_rev IS NULL DO NOTHING",
        INSERT_COLUMNS.0,
        super::db::placeholders(1, INSERT_COLUMNS.1)
    );
    Ok(tx.execute(&sql, &insert_params(addition, entry)).await? == 1)
}

/// The match key, unless it is the value itself.
fn differing_key(value: &EntryValue) -> Option<&str> {
    (value.key() != value.stored()).then(|| value.key())
}

/// What a search looks into: the texts in lower case, kept apart by a character no client can send.
pub(super) fn folded(texts: &[&str]) -> String {
    texts.iter().map(|text| text.to_lowercase()).collect::<Vec<_>>().join("\u{1f}")
}

/// Most digests of one `IN (…)`.
const DIGESTS: usize = 256;

fn digests(list: ListId, values: &[&EntryValue]) -> Vec<Value> {
    let mut params: Vec<Value> = vec![list.0.into()];
    params.extend(values.iter().map(|value| Value::from(value.digest())));
    // Filled up to a power of two, so that only a few texts of the statement are ever prepared.
    if let Some(last) = params.last().cloned() {
        params.resize(1 + values.len().next_power_of_two(), last);
    }
    params
}

/// The entries of a list that hold these keys and are not removed, by digest; expired ones only when they are wanted.
pub async fn find_by_keys(
    tx: &mut Tx,
    list: ListId,
    values: &[&EntryValue],
    now: Option<Timestamp>,
) -> Result<HashMap<[u8; 32], EntryId>, StoreError> {
    let mut found = HashMap::new();
    for chunk in values.chunks(DIGESTS) {
        let mut params = digests(list, chunk);
        let members = placeholders(2, params.len() - 1);
        params.push(now.unwrap_or(Timestamp::from_micros(i64::MIN)).into());
        let sql = format!(
            "SELECT key_digest, id FROM entries WHERE list_id = $1 AND removed_rev IS NULL AND key_digest IN ({members})
                 AND (expires_at IS NULL OR expires_at > ${})",
            params.len()
        );
        for row in tx.query(&sql, &params).await? {
            let digest: Vec<u8> = row.get(0)?;
            let digest = digest.try_into().map_err(|_| StoreError::unreadable("digest"))?;
            found.insert(digest, EntryId(row.get(1)?));
        }
    }
    Ok(found)
}

/// The live entry of a list with this value.
pub async fn find_live(tx: &mut Tx, list: ListId, value: &EntryValue, now: Timestamp) -> Result<Option<EntryId>, StoreError> {
    Ok(find_by_keys(tx, list, &[value], Some(now)).await?.into_values().next())
}

/// Ends the versions of expired entries with these keys. Answers how many.
pub async fn remove_expired(tx: &mut Tx, list: ListId, values: &[&EntryValue], moment: Moment) -> Result<u64, StoreError> {
    let mut removed = 0;
    for chunk in values.chunks(DIGESTS) {
        let mut params = digests(list, chunk);
        let members = placeholders(2, params.len() - 1);
        let (rev, at) = (params.len() + 1, params.len() + 2);
        params.extend([moment.revision.into(), moment.at.into()]);
        let sql = format!(
            "UPDATE entries SET removed_rev = ${rev}, removed_at = ${at}
             WHERE list_id = $1 AND removed_rev IS NULL AND expires_at <= ${at} AND key_digest IN ({members})"
        );
        removed += tx.execute(&sql, &params).await?;
    }
    Ok(removed)
}

/// Which entries of a list are meant.
#[derive(Debug, Clone, Copy)]
pub enum Standing {
    /// Those that are live at an instant.
    Live(Timestamp),
    /// Those that were live at a moment of the past.
    AsOf(Moment),
    /// Those that are not removed, expired or not.
    Kept,
}

impl Standing {
    /// The condition; what it compares with is added to the parameters.
    fn clause(self, params: &mut Vec<Value>) -> String {
        let mut place = |value: Value| {
            params.push(value);
            params.len()
        };
        match self {
            Self::Live(now) => {
                let now = place(now.into());
                format!("removed_rev IS NULL AND (expires_at IS NULL OR expires_at > ${now})")
            }
            Self::AsOf(moment) => {
                let (revision, at) = (place(moment.revision.into()), place(moment.at.into()));
                format!(
                    "added_rev <= ${revision} AND (removed_rev IS NULL OR removed_rev > ${revision})
                     AND (expires_at IS NULL OR expires_at > ${at})"
                )
            }
            Self::Kept => "removed_rev IS NULL".to_owned(),
        }
    }
}

/// The live entries of a list without looking at each: `$1` the list, `$2` now.
const COUNT_LIVE: &str = "SELECT l.entry_count - (SELECT count(*) FROM entries e
         WHERE e.list_id = l.id AND e.removed_rev IS NULL AND e.expires_at <= $2) FROM lists l WHERE l.id = $1";

/// A page of a list's entries and how many there are in all.
pub async fn list_entries(
    tx: &mut Tx,
    list: ListId,
    standing: Standing,
    search: Option<&str>,
    newest_first: bool,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Entry>, u64), StoreError> {
    let mut params: Vec<Value> = vec![list.0.into()];
    let mut clause = format!("list_id = $1 AND {}", standing.clause(&mut params));
    if let Some(search) = search {
        let (condition, text) = super::db::holds("folded", &format!("${}", params.len() + 1), &search.to_lowercase());
        params.push(text.into());
        clause.push_str(&format!(" AND {condition}"));
    }
    let counted = match (standing, search) {
        (Standing::Live(_), None) => COUNT_LIVE.to_owned(),
        _ => format!("SELECT count(*) FROM entries WHERE {clause}"),
    };
    let total = tx.query_opt(&counted, &params).await?.map_or(Ok(0), |row| row.get(0))?;
    // Of entries of one instant the newest comes first either way.
    let order = if newest_first { "created_at DESC, id DESC" } else { "created_at, id DESC" };
    let (limit_at, offset_at) = (params.len() + 1, params.len() + 2);
    params.extend([limit.into(), offset.into()]);
    let sql = format!("SELECT {COLUMNS} FROM entries WHERE {clause} ORDER BY {order} LIMIT ${limit_at} OFFSET ${offset_at}");
    let rows = tx.query(&sql, &params).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}

/// Ends an entry's live version. `false`: unknown, of another list, removed or expired.
pub async fn remove_entry(tx: &mut Tx, list: ListId, id: EntryId, moment: Moment) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE entries SET removed_rev = $3, removed_at = $4
             WHERE id = $2 AND list_id = $1 AND removed_rev IS NULL AND (expires_at IS NULL OR expires_at > $4)",
            &[list.0.into(), id.0.into(), moment.revision.into(), moment.at.into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Ends the live versions of all entries of a list.
pub async fn remove_all(tx: &mut Tx, list: ListId, moment: Moment) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE entries SET removed_rev = $2, removed_at = $3 WHERE list_id = $1 AND removed_rev IS NULL",
        &[list.0.into(), moment.revision.into(), moment.at.into()],
    )
    .await
}

/// Most members of one `IN (…)`.
const CHUNK: usize = 512;

/// These versions of entries, named by entry and the revision that brought them, removed since or not.
pub async fn find_versions(
    tx: &mut Tx,
    application: ApplicationId,
    wanted: &[(EntryId, u64)],
) -> Result<HashMap<(EntryId, u64), Entry>, StoreError> {
    let mut found = HashMap::with_capacity(wanted.len());
    for chunk in wanted.chunks(CHUNK) {
        let mut params: Vec<Value> = chunk.iter().map(|(id, _)| id.0.into()).collect();
        // Filled up to a power of two, so that only a few texts of the statement are ever prepared.
        params.resize(chunk.len().next_power_of_two(), chunk[0].0.0.into());
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE removed_rev IS NULL AND id IN ({})",
            super::db::placeholders(1, params.len())
        );
        for row in tx.query(&sql, &params).await? {
            let entry = from_row(&row)?;
            found.insert((entry.id, entry.revision), entry);
        }
    }
    // Removed or edited after the revision the caller knows: few, if any.
    for (id, added_rev) in wanted {
        if found.contains_key(&(*id, *added_rev)) {
            continue;
        }
        let sql = format!("SELECT {COLUMNS} FROM entries WHERE application_id = $1 AND added_rev = $2 AND id = $3");
        if let Some(row) = tx.query_opt(&sql, &[application.0.into(), (*added_rev).into(), id.0.into()]).await? {
            found.insert((*id, *added_rev), from_row(&row)?);
        }
    }
    Ok(found)
}

/// What an index knows of a version.
const RECORD: &str =
    "e.id, e.added_rev, e.removed_rev, l.id, l.list_type, l.entry_type, e.value, e.match_key, e.expires_at, e.held_at
     FROM entries e JOIN lists l ON l.id = e.list_id WHERE e.application_id = $1";

/// The next versions that are not removed, by the revision that brought them: for building an index a part at a time.
pub async fn list_kept(tx: &mut Tx, application: ApplicationId, from: Place, most: u64) -> Result<Vec<EntryRecord>, StoreError> {
    let sql = format!(
        "SELECT {RECORD} AND (e.added_rev, e.id) > ($2, $3) AND e.removed_rev IS NULL ORDER BY e.added_rev, e.id LIMIT $4"
    );
    let rows = tx.query(&sql, &[application.0.into(), from.0.into(), from.1.0.into(), most.into()]).await?;
    rows.iter().map(|row| record_from_row(row).map(|(record, _)| record)).collect()
}

/// The next versions from a place on, with the revision that removed them: for following what has come.
pub async fn list_added(
    tx: &mut Tx,
    application: ApplicationId,
    from: Place,
    most: u64,
) -> Result<Vec<(EntryRecord, Option<u64>)>, StoreError> {
    let sql = format!("SELECT {RECORD} AND (e.added_rev, e.id) > ($2, $3) ORDER BY e.added_rev, e.id LIMIT $4");
    let rows = tx.query(&sql, &[application.0.into(), from.0.into(), from.1.0.into(), most.into()]).await?;
    rows.iter().map(record_from_row).collect()
}

/// The next removals from a place on: the entry, the revision, and the place of the ones after it.
pub async fn list_removed(
    tx: &mut Tx,
    application: ApplicationId,
    (revision, version): (u64, Uuid),
    most: u64,
) -> Result<Vec<(EntryId, u64, Uuid)>, StoreError> {
    let sql = "SELECT id, removed_rev, version_id FROM entries
         WHERE application_id = $1 AND removed_rev IS NOT NULL AND (removed_rev, version_id) > ($2, $3)
         ORDER BY removed_rev, version_id LIMIT $4";
    let rows = tx.query(sql, &[application.0.into(), revision.into(), version.into(), most.into()]).await?;
    rows.iter().map(|row| Ok((EntryId(row.get(0)?), row.get(1)?, row.get(2)?))).collect()
}

/// A place in the order of the revisions that brought versions, then of entries.
#[derive(Debug, Clone, Copy)]
pub struct Place(u64, EntryId);

impl Place {
    /// Behind everything of a revision.
    pub const fn after_revision(revision: u64) -> Self {
        Self(revision, EntryId(Uuid::max()))
    }

    /// Behind a version.
    pub const fn after(revision: u64, entry: EntryId) -> Self {
        Self(revision, entry)
    }

    /// As parameters of a comparison.
    pub(super) fn params(self) -> [Value; 2] {
        [self.0.into(), self.1.0.into()]
    }
}

fn record_from_row(row: &Row) -> Result<(EntryRecord, Option<u64>), StoreError> {
    let mut c = row.columns();
    let entry = EntryId(c.take()?);
    let added_rev = c.take()?;
    let removed_rev = c.take()?;
    let list = ListId(c.take()?);
    let list_type = ListType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("list type"))?;
    let entry_type = EntryType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("entry type"))?;
    let stored: String = c.take()?;
    let key = c.take::<Option<String>>()?.unwrap_or_else(|| stored.clone());
    let value = EntryValue::from_store(entry_type, stored, key);
    let (expires_at, held) = (c.take()?, c.take::<Option<Timestamp>>()?.is_some());
    Ok((EntryRecord { list, list_type, entry, added_rev, expires_at, held, value }, removed_rev))
}
