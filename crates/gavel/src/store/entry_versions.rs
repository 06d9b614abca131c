//! Versions of entries: the lists as they stood, what two states differ in, and new versions of what is there.
//!
//! A version is part of every revision from its `added_rev` to before its `removed_rev`. Nothing here rewrites one: an edit
//! ends the live version and adds a row with the same id.

use gavel_core::{
    entry::EntryValue,
    ids::{ApplicationId, EntryId, ListId},
    list::ListType,
    screening::{Comparison, Hit},
    time::Timestamp,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    StoreError, Tx, Value,
    db::placeholders,
    entries::{self, Entry, Place},
    revisions::Moment,
};

/// The entries of an application's lists that matched a value at a moment, in the order of the index.
///
/// For an address every range that covers it is asked for by the digest of its own text.
pub async fn list_hits(
    tx: &mut Tx,
    application: ApplicationId,
    value: &EntryValue,
    moment: Moment,
) -> Result<Vec<Hit>, StoreError> {
    let own = value.digest();
    let digests: Vec<[u8; 32]> = value.covering().iter().map(EntryValue::digest).collect();
    let mut params: Vec<Value> =
        vec![application.0.into(), value.entry_type().as_str().into(), moment.revision.into(), moment.at.into()];
    params.extend(digests.iter().map(|digest| Value::from(*digest)));
    // Two halves, because each has an index of its own. The signs keep the planner from an index over all revisions.
    let half = |removed: &str| {
        format!(
            "SELECT e.list_id, l.list_type, e.id, e.added_rev, e.held_at, e.key_digest
             FROM lists l JOIN entries e ON e.list_id = l.id AND e.key_digest IN ({}) AND {removed}
             WHERE l.application_id = $1 AND l.entry_type = $2 AND +e.added_rev <= $3 AND (e.expires_at IS NULL OR e.expires_at > $4)",
            placeholders(5, digests.len())
        )
    };
    let sql =
        format!("{} UNION ALL {}", half("e.removed_rev IS NULL"), half("e.removed_rev IS NOT NULL AND +e.removed_rev > $3"));
    let mut hits = Vec::new();
    for row in tx.query(&sql, &params).await? {
        let mut c = row.columns();
        hits.push(Hit {
            list: ListId(c.take()?),
            list_type: ListType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("list type"))?,
            entry: EntryId(c.take()?),
            added_rev: c.take()?,
            held: c.take::<Option<Timestamp>>()?.is_some(),
            comparison: if c.take::<Vec<u8>>()? == own { Comparison::Equal } else { Comparison::Cidr },
        });
    }
    hits.sort_unstable_by_key(|hit| (hit.added_rev, hit.entry));
    Ok(hits)
}

/// What a new version of an entry may say differently.
pub struct Revised {
    /// For people.
    pub display_label: String,
    /// For people.
    pub comment: String,
    /// Free JSON object.
    pub metadata: Option<Box<RawValue>>,
    /// From when on it no longer matches.
    pub expires_at: Option<Timestamp>,
    /// Since when the flood guard keeps it.
    pub held_at: Option<Timestamp>,
}

/// The version of an entry that is not removed, and its row; expired or not.
pub async fn find_kept(tx: &mut Tx, list: ListId, id: EntryId) -> Result<Option<(Uuid, Entry)>, StoreError> {
    let sql =
        format!("SELECT {}, version_id FROM entries WHERE id = $2 AND list_id = $1 AND removed_rev IS NULL", entries::COLUMNS);
    let row = tx.query_opt(&sql, &[list.0.into(), id.0.into()]).await?;
    row.map(|row| Ok((row.get(entries::WIDTH)?, entries::from_row(&row)?))).transpose()
}

/// All versions of an entry, newest first, and when each ended.
pub async fn list_versions(tx: &mut Tx, list: ListId, id: EntryId) -> Result<Vec<(Entry, Option<Ended>)>, StoreError> {
    let sql = format!(
        "SELECT {}, removed_rev, removed_at FROM entries WHERE id = $2 AND list_id = $1 ORDER BY added_rev DESC LIMIT 200",
        entries::COLUMNS
    );
    let rows = tx.query(&sql, &[list.0.into(), id.0.into()]).await?;
    rows.iter()
        .map(|row| {
            let ended = match (row.get::<Option<u64>>(entries::WIDTH)?, row.get::<Option<Timestamp>>(entries::WIDTH + 1)?) {
                (Some(revision), Some(at)) => Some(Ended { revision, at }),
                _ => None,
            };
            Ok((entries::from_row(row)?, ended))
        })
        .collect()
}

/// The end of a version.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Ended {
    /// The revision that ended it.
    pub revision: u64,
    /// When.
    pub at: Timestamp,
}

/// Ends a version.
pub async fn end_version(tx: &mut Tx, version: Uuid, moment: Moment) -> Result<(), StoreError> {
    tx.send(
        "UPDATE entries SET removed_rev = $2, removed_at = $3 WHERE version_id = $1 AND removed_rev IS NULL",
        &[version.into(), moment.revision.into(), moment.at.into()],
    )
    .await?;
    Ok(())
}

/// Adds a version like an ended one, with other words.
pub async fn insert_revised(
    tx: &mut Tx,
    (of, new): (Uuid, Uuid),
    value: &str,
    revised: &Revised,
    moment: Moment,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO entries (version_id, id, application_id, list_id, value, sent_value, match_key, key_digest, folded,
             display_label, comment, added_by, reference_session_id, reference_session_number, reference_record_id,
             reference_object_uuid, metadata, expires_at, created_at, added_rev, held_at)
         SELECT $2, id, application_id, list_id, value, sent_value, match_key, key_digest, $3,
             $4, $5, added_by, reference_session_id, reference_session_number, reference_record_id,
             reference_object_uuid, $6, $7, created_at, $8, $9
         FROM entries WHERE version_id = $1",
        &[
            of.into(),
            new.into(),
            entries::folded(&[value, &revised.display_label]).into(),
            (&revised.display_label).into(),
            (&revised.comment).into(),
            revised.metadata.as_ref().map(|json| json.get()).into(),
            revised.expires_at.into(),
            moment.revision.into(),
            revised.held_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Adds a version with the words of an ended one: it stands again as it stood.
pub async fn insert_copy(tx: &mut Tx, (of, new): (Uuid, Uuid), moment: Moment) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO entries (version_id, id, application_id, list_id, value, sent_value, match_key, key_digest, folded,
             display_label, comment, added_by, reference_session_id, reference_session_number, reference_record_id,
             reference_object_uuid, metadata, expires_at, created_at, added_rev, held_at)
         SELECT $2, id, application_id, list_id, value, sent_value, match_key, key_digest, folded,
             display_label, comment, added_by, reference_session_id, reference_session_number, reference_record_id,
             reference_object_uuid, metadata, expires_at, created_at, $3, held_at
         FROM entries WHERE version_id = $1",
        &[of.into(), new.into(), moment.revision.into()],
    )
    .await?;
    Ok(())
}

/// An entry in which two states of a list differ: its version in each.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The entry.
    pub entry: EntryId,
    /// Its version in the earlier state.
    pub before: Option<Uuid>,
    /// Its version in the later one.
    pub after: Option<Uuid>,
}

/// What a list's revisions `from` and `to` differ in: which entries they hold, and what these say. That an entry has
/// expired in between is no difference: no revision did it. `from` is the earlier one.
const DIFFERENCES: &str = "FROM (SELECT DISTINCT id FROM entries WHERE list_id = $1
              AND ((added_rev > $2 AND added_rev <= $3) OR (removed_rev > $2 AND removed_rev <= $3))) t
         LEFT JOIN entries b ON b.list_id = $1 AND b.id = t.id AND b.added_rev <= $2 AND (b.removed_rev IS NULL OR b.removed_rev > $2)
         LEFT JOIN entries a ON a.list_id = $1 AND a.id = t.id AND a.added_rev <= $3 AND (a.removed_rev IS NULL OR a.removed_rev > $3)
         WHERE (b.version_id IS NOT NULL OR a.version_id IS NOT NULL)
             AND (b.version_id IS NULL OR a.version_id IS NULL OR b.display_label <> a.display_label OR b.comment <> a.comment
                  OR COALESCE(b.metadata, '') <> COALESCE(a.metadata, '') OR COALESCE(b.expires_at, -1) <> COALESCE(a.expires_at, -1))";

/// A page of the differences between two revisions, by entry, and how many there are.
pub async fn list_differences(
    tx: &mut Tx,
    list: ListId,
    (from, to): (u64, u64),
    (limit, offset): (u64, u64),
) -> Result<(Vec<Difference>, u64), StoreError> {
    let mut params: Vec<Value> = vec![list.0.into(), from.into(), to.into()];
    let total = tx.query_opt(&format!("SELECT count(*) {DIFFERENCES}"), &params).await?.map_or(Ok(0), |row| row.get(0))?;
    params.extend([limit.into(), offset.into()]);
    let sql = format!("SELECT t.id, b.version_id, a.version_id {DIFFERENCES} ORDER BY t.id LIMIT $4 OFFSET $5");
    let rows = tx.query(&sql, &params).await?;
    let differences =
        rows.iter().map(|row| Ok(Difference { entry: EntryId(row.get(0)?), before: row.get(1)?, after: row.get(2)? }));
    Ok((differences.collect::<Result<_, StoreError>>()?, total))
}

/// Versions of a list's entries that are no longer what they were: what they said was erased.
pub async fn list_erased(tx: &mut Tx, list: ListId, after: u64) -> Result<Vec<Uuid>, StoreError> {
    let sql = "SELECT version_id FROM entries WHERE list_id = $1 AND removed_rev > $2 AND erased_at IS NOT NULL";
    tx.query(sql, &[list.0.into(), after.into()]).await?.iter().map(|row| row.get(0)).collect()
}

/// Whether one of these versions is no longer what it was: what it said was erased.
pub async fn is_any_erased(tx: &mut Tx, versions: &[(EntryId, u64)]) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM entries WHERE id = $1 AND added_rev = $2 AND erased_at IS NOT NULL";
    for (entry, revision) in versions {
        if tx.query_opt(sql, &[entry.0.into(), (*revision).into()]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// These rows, by version.
pub async fn list_rows(tx: &mut Tx, versions: &[Uuid]) -> Result<Vec<(Uuid, Entry)>, StoreError> {
    let mut found = Vec::with_capacity(versions.len());
    for chunk in versions.chunks(256) {
        let params: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let columns = entries::COLUMNS;
        let sql = format!("SELECT {columns}, version_id FROM entries WHERE version_id IN ({})", placeholders(1, params.len()));
        for row in tx.query(&sql, &params).await? {
            found.push((row.get(entries::WIDTH)?, entries::from_row(&row)?));
        }
    }
    Ok(found)
}

/// The next entries of a list as of a moment. No version is ever deleted, so the parts of one moment fit together however
/// much time passes between them.
pub async fn list_from(tx: &mut Tx, list: ListId, moment: Moment, from: Place, most: u64) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "SELECT {} FROM entries
         WHERE list_id = $1 AND (added_rev, id) > ($2, $3) AND added_rev <= $4 AND (removed_rev IS NULL OR removed_rev > $4)
             AND (expires_at IS NULL OR expires_at > $5) AND erased_at IS NULL
         ORDER BY added_rev, id LIMIT $6",
        entries::COLUMNS
    );
    let [revision, entry] = from.params();
    let params: [Value; 6] = [list.0.into(), revision, entry, moment.revision.into(), moment.at.into(), most.into()];
    tx.query(&sql, &params).await?.iter().map(entries::from_row).collect()
}
