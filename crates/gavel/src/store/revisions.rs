//! Revisions of an application's lists: one sequence of numbers for all of them, one row per list a number touched.
//!
//! Whoever changes lists locks the counter first ([`begin`]), which keeps two changes apart. The instants
//! of revisions never go back, whatever the clock does, so that "the lists as of this time" has one answer.

use gavel_core::{
    ids::{ApplicationId, ListId},
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Row, StoreError, Tx,
    applications::{self, Counter},
};

/// A revision that is being made, or a state of the lists to look back at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Its number.
    pub revision: u64,
    /// Its instant: what has expired by then is not part of it.
    pub at: Timestamp,
}

/// What a revision did to a list.
#[derive(Debug, Clone, Copy)]
pub struct Effect {
    /// Such as `entry.added`.
    pub kind: &'static str,
    /// Entries that are in the list since.
    pub added: u64,
    /// Entries that are gone since.
    pub removed: u64,
    /// Entries with another label, comment, metadata or expiry since.
    pub changed: u64,
}

impl Effect {
    /// On the list itself, not on its entries.
    pub fn of_list(kind: &'static str) -> Self {
        Self { kind, added: 0, removed: 0, changed: 0 }
    }
}

/// A row of a list's history.
#[derive(Debug, Serialize)]
pub struct RevisionRow {
    /// The number; others of the sequence belong to other lists.
    pub revision: u64,
    /// What happened.
    pub kind: String,
    /// How many entries came.
    pub added: u64,
    /// How many went.
    pub removed: u64,
    /// How many became different.
    pub changed: u64,
    /// `api`, a person's e-mail address, or `system`.
    pub made_by: String,
    /// When.
    pub at: Timestamp,
}

/// The revision a change will be. The counter stays locked until the end of the transaction, and moves when the change is
/// written: a change that comes to nothing leaves no gap.
pub async fn begin(tx: &mut Tx, application: ApplicationId, now: Timestamp) -> Result<Moment, StoreError> {
    let last = applications::lock_current(tx, application, Counter::ListsRevision).await?;
    let at = find_instant(tx, application, last).await?;
    Ok(Moment { revision: last + 1, at: at.map_or(now, |at| now.max(at)) })
}

/// Writes what a revision did to a list. The first row takes the revision's number.
pub async fn insert_revision(
    tx: &mut Tx,
    application: ApplicationId,
    list: ListId,
    moment: Moment,
    effect: Effect,
    made_by: &str,
) -> Result<(), StoreError> {
    applications::set_current(tx, application, Counter::ListsRevision, moment.revision).await?;
    tx.send(
        "INSERT INTO list_revisions (application_id, revision, list_id, kind, added, removed, changed, made_by, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            application.0.into(),
            moment.revision.into(),
            list.0.into(),
            effect.kind.into(),
            effect.added.into(),
            effect.removed.into(),
            effect.changed.into(),
            made_by.into(),
            moment.at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A page of a list's history, newest first, and how long it is.
pub async fn list_revisions(
    tx: &mut Tx,
    list: ListId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<RevisionRow>, u64), StoreError> {
    let total = tx.query_opt("SELECT count(*) FROM list_revisions WHERE list_id = $1", &[list.0.into()]).await?;
    let rows = tx
        .query(
            "SELECT revision, kind, added, removed, changed, made_by, at FROM list_revisions
             WHERE list_id = $1 ORDER BY revision DESC LIMIT $2 OFFSET $3",
            &[list.0.into(), limit.into(), offset.into()],
        )
        .await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}

fn from_row(row: &Row) -> Result<RevisionRow, StoreError> {
    let mut c = row.columns();
    Ok(RevisionRow {
        revision: c.take()?,
        kind: c.take()?,
        added: c.take()?,
        removed: c.take()?,
        changed: c.take()?,
        made_by: c.take()?,
        at: c.take()?,
    })
}

/// The last revision at an instant; 0 before the first.
pub async fn find_at(tx: &mut Tx, application: ApplicationId, at: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT max(revision) FROM list_revisions WHERE application_id = $1 AND at <= $2";
    let row = tx.query_opt(sql, &[application.0.into(), at.into()]).await?;
    Ok(row.map_or(Ok(None), |row| row.get::<Option<u64>>(0))?.unwrap_or(0))
}

/// The instant of a revision: of the last one up to it that touched a list.
pub async fn find_instant(tx: &mut Tx, application: ApplicationId, revision: u64) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT at FROM list_revisions WHERE application_id = $1 AND revision <= $2 ORDER BY revision DESC LIMIT 1";
    let row = tx.query_opt(sql, &[application.0.into(), revision.into()]).await?;
    row.map(|row| row.get(0)).transpose()
}
