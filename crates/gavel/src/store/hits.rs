//! How often entries hit, counted behind the decisions: a decision only notes its hits, a worker adds them up.

use std::collections::{BTreeMap, HashMap};

use gavel_core::{
    ids::{ApplicationId, EntryId, ListId, RecordId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{StoreError, Tx, Value, db::placeholders};

const HOUR: i64 = 3_600;
/// Hours the past of an entry reaches back.
const PAST: i64 = 7 * 24;

/// What is known of an entry's hits.
#[derive(Debug, Clone)]
pub struct Hits {
    /// How many.
    pub count: u64,
    /// The last one.
    pub last_at: Timestamp,
    /// For the flood guard.
    pub hours: Hours,
}

/// The hits of the last days by hour, counted since 1970.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hours {
    /// Until which hour the flood guard looks away: a person has let the entry go on.
    #[serde(default)]
    pub quiet_until: i64,
    /// Hours with hits.
    #[serde(default)]
    pub hits: BTreeMap<i64, u64>,
}

impl Hours {
    /// Counts a hit and forgets what is too long ago.
    pub fn note(&mut self, at: Timestamp) {
        let hour = hour_of(at);
        *self.hits.entry(hour).or_default() += 1;
        self.hits.retain(|past, _| *past > hour - PAST);
    }

    /// Hits of this hour, and of an hour of the days before on average.
    pub fn now_and_before(&self, at: Timestamp) -> (u64, f64) {
        let hour = hour_of(at);
        let before: u64 = self.hits.iter().filter(|(past, _)| **past < hour).map(|(_, hits)| hits).sum();
        (self.hits.get(&hour).copied().unwrap_or(0), before as f64 / PAST as f64)
    }

    /// Whether the flood guard looks away.
    pub fn is_quiet(&self, at: Timestamp) -> bool {
        hour_of(at) < self.quiet_until
    }
}

fn hour_of(at: Timestamp) -> i64 {
    at.as_unix_seconds().div_euclid(HOUR)
}

/// Notes a hit of a decision.
pub async fn insert_waiting(
    tx: &mut Tx,
    (screening, record): (Uuid, RecordId),
    entry: EntryId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO waiting_hits (screening_id, record_id, entry_id, at) VALUES ($1, $2, $3, $4)",
        &[screening.into(), record.0.into(), entry.0.into(), at.into()],
    )
    .await?;
    Ok(())
}

/// Whether anything waits to be added up.
pub async fn is_waiting(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(tx.query_opt("SELECT 1 FROM waiting_hits LIMIT 1", &[]).await?.is_some())
}

/// Takes up to so many noted hits away. Several processes never take the same one.
pub async fn take_waiting(tx: &mut Tx, most: u64) -> Result<Vec<(EntryId, Timestamp)>, StoreError> {
    let sql = format!(
        "DELETE FROM waiting_hits WHERE (screening_id, record_id, entry_id) IN (
             SELECT screening_id, record_id, entry_id FROM waiting_hits LIMIT $1{})
         RETURNING entry_id, at",
        tx.skip_locked()
    );
    tx.query(&sql, &[most.into()]).await?.iter().map(|row| Ok((EntryId(row.get(0)?), row.get(1)?))).collect()
}

/// The counters of these entries; those that never hit have none.
pub async fn list_hits(tx: &mut Tx, entries: &[EntryId]) -> Result<HashMap<EntryId, Hits>, StoreError> {
    let mut found = HashMap::new();
    for chunk in entries.chunks(256) {
        let params: Vec<Value> = chunk.iter().map(|id| id.0.into()).collect();
        // Locked where the caller goes on to add; in the order of ids, so that two never wait for each other.
        let sql = format!(
            "SELECT entry_id, hit_count, last_hit_at, hours FROM entry_hits WHERE entry_id IN ({}) ORDER BY entry_id",
            placeholders(1, params.len())
        );
        for row in tx.query(&sql, &params).await? {
            let mut c = row.columns();
            let entry = EntryId(c.take()?);
            let (count, last_at) = (c.take()?, c.take()?);
            let hours = serde_json::from_str(&c.take::<String>()?).map_err(|_| StoreError::unreadable("hours"))?;
            found.insert(entry, Hits { count, last_at, hours });
        }
    }
    Ok(found)
}

/// Adds hits to an entry's counters; answers what they are then. The row is locked until the end.
pub async fn add_hits(tx: &mut Tx, entry: EntryId, at: &[Timestamp]) -> Result<Hits, StoreError> {
    let first = at.first().copied().unwrap_or(Timestamp::from_micros(0));
    tx.send(
        "INSERT INTO entry_hits (entry_id, hit_count, last_hit_at, hours) VALUES ($1, 0, $2, '{}') ON CONFLICT (entry_id) DO NOTHING",
        &[entry.0.into(), first.into()],
    )
    .await?;
    let lock = format!("SELECT hit_count FROM entry_hits WHERE entry_id = $1{}", tx.for_update());
    tx.query_opt(&lock, &[entry.0.into()]).await?;
    let mut hits = list_hits(tx, &[entry]).await?.remove(&entry).ok_or_else(|| StoreError::unreadable("counter"))?;
    for at in at {
        hits.count += 1;
        hits.last_at = hits.last_at.max(*at);
        hits.hours.note(*at);
    }
    set_hits(tx, entry, &hits).await?;
    Ok(hits)
}

async fn set_hits(tx: &mut Tx, entry: EntryId, hits: &Hits) -> Result<(), StoreError> {
    let hours = serde_json::to_string(&hits.hours).map_err(|_| StoreError::unreadable("hours"))?;
    tx.send(
        "UPDATE entry_hits SET hit_count = $2, last_hit_at = $3, hours = $4 WHERE entry_id = $1",
        &[entry.0.into(), hits.count.into(), hits.last_at.into(), hours.into()],
    )
    .await?;
    Ok(())
}

/// A person lets an entry go on: the flood guard looks away for a day and forgets what it saw.
pub async fn quieten(tx: &mut Tx, entry: EntryId, now: Timestamp) -> Result<(), StoreError> {
    let Some(mut hits) = list_hits(tx, &[entry]).await?.remove(&entry) else { return Ok(()) };
    hits.hours = Hours { quiet_until: hour_of(now) + 24, hits: BTreeMap::new() };
    set_hits(tx, entry, &hits).await
}

/// An entry the flood guard watches.
pub struct Guarded {
    /// The application.
    pub application: ApplicationId,
    /// Its list.
    pub list: ListId,
    /// The list's setting.
    pub policy: String,
}

/// Whether the flood guard watches an entry: it is on a blocklist that has one, not removed and not held.
pub async fn find_guarded(tx: &mut Tx, entry: EntryId) -> Result<Option<Guarded>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT e.application_id, l.id, l.flood_guard FROM entries e JOIN lists l ON l.id = e.list_id
             WHERE e.id = $1 AND e.removed_rev IS NULL AND e.held_at IS NULL AND l.flood_guard IS NOT NULL",
            &[entry.0.into()],
        )
        .await?;
    row.map(|row| Ok(Guarded { application: ApplicationId(row.get(0)?), list: ListId(row.get(1)?), policy: row.get(2)? }))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_remember_a_week() {
        let at = |hour: i64| Timestamp::from_micros(hour * HOUR * 1_000_000);
        let mut hours = Hours::default();
        for hour in [0, 1, 1, 200, 200, 200, 201] {
            hours.note(at(hour));
        }
        assert_eq!(hours.hits, BTreeMap::from([(200, 3), (201, 1)]));
        assert_eq!(hours.now_and_before(at(201)), (1, 3.0 / 168.0));
        assert!(!hours.is_quiet(at(201)));
    }
}
