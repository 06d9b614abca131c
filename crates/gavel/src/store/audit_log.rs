//! Looking into the audit trail: sealed rows and those that wait, newest first.

use std::fmt;

use gavel_core::{
    audit::{Event, Hash},
    ids::{ApplicationId, parse_uuid},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    audit_chain::{EVENT, event_from},
};

/// What is looked for; all must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this kind.
    pub kind: Option<String>,
    /// The key or the person.
    pub actor: Option<Uuid>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Rows that name this object.
    pub object: Option<Uuid>,
    /// HTTP method.
    pub method: Option<String>,
    /// Status code.
    pub status_code: Option<u16>,
    /// Only what lies on one side of this row; what is newer comes oldest first.
    pub from: Option<Place>,
}

/// A row of a list, and on which side of it to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its time.
    pub at: Timestamp,
    /// Its id.
    pub id: Uuid,
    /// Towards the newer ones.
    pub newer: bool,
}

impl Place {
    /// What [`fmt::Display`] has written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let newer = match parts.next()? {
            "n" => true,
            "o" => false,
            _ => return None,
        };
        let at = Timestamp::from_micros(parts.next()?.parse().ok()?);
        Some(Self { at, id: parse_uuid(parts.next()?).ok()?, newer })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", if self.newer { "n" } else { "o" }, self.at.as_micros(), self.id)
    }
}

impl Filter {
    /// The condition, and its parameters from `$1`.
    fn sql(&self, application: ApplicationId) -> (String, Vec<Value>) {
        let (mut sql, mut values) = ("e.application_id = $1".to_owned(), vec![Value::from(application.0)]);
        let mut and = |condition: &str, value: Value| {
            values.push(value);
            sql.push_str(" AND ");
            sql.push_str(&condition.replace('?', &format!("${}", values.len())));
        };
        if let Some(kind) = &self.kind {
            and("e.kind = ?", kind.into());
        }
        if let Some(actor) = self.actor {
            and("e.actor_id = ?", actor.into());
        }
        if let Some(since) = self.since {
            and("e.created_at >= ?", since.into());
        }
        if let Some(until) = self.until {
            and("e.created_at < ?", until.into());
        }
        if let Some(method) = &self.method {
            and("e.method = ?", method.into());
        }
        if let Some(status_code) = self.status_code {
            and("e.status_code = ?", i64::from(status_code).into());
        }
        if let Some(object) = self.object {
            // What waits to be sealed is not in the index of objects yet; it is little.
            values.push(object.into());
            values.push(format!("%\"{object}\"%").into());
            let n = values.len();
            sql.push_str(&format!(
                " AND e.id IN (SELECT o.event_id FROM audit_objects o WHERE o.application_id = $1 AND o.object_id = ${}
                     UNION SELECT u.event_id FROM audit_unsealed u JOIN audit_events w ON w.id = u.event_id
                     WHERE u.application_id = $1 AND w.objects LIKE ${n})",
                n - 1
            ));
        }
        if let Some(Place { at, id, newer }) = self.from {
            values.extend([at.into(), id.into()]);
            let (n, than) = (values.len(), if newer { '>' } else { '<' });
            sql.push_str(&format!(" AND (e.created_at {than} ${0} OR e.created_at = ${0} AND e.id {than} ${n})", n - 1));
        }
        (sql, values)
    }
}

/// A row of the trail with what stands beside it.
pub struct Logged {
    /// The row; its number is 0 while it waits to be sealed.
    pub event: Event,
    /// Its hash, once it is sealed.
    pub hash: Option<Hash>,
    /// The personal values as they were written; `None` after an erasure.
    pub personal: Option<String>,
}

/// A page of rows, newest first; oldest first on the way to newer ones.
pub async fn list_events(
    tx: &mut Tx,
    application: ApplicationId,
    filter: &Filter,
    (limit, offset): (u64, u64),
) -> Result<Vec<Logged>, StoreError> {
    let (condition, mut values) = filter.sql(application);
    values.extend([limit.into(), offset.into()]);
    let (n, order) = (values.len(), if filter.from.is_some_and(|place| place.newer) { "ASC" } else { "DESC" });
    let sql = format!(
        "SELECT c.seq, c.hash, v.personal, {EVENT} FROM audit_events e LEFT JOIN audit_chain c ON c.event_id = e.id
             LEFT JOIN audit_values v ON v.event_id = e.id
         WHERE {condition} ORDER BY e.created_at {order}, e.id {order} LIMIT ${} OFFSET ${n}",
        n - 1
    );
    tx.query(&sql, &values).await?.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Logged, StoreError> {
    let mut c = row.columns();
    let (seq, hash): (Option<u64>, Option<Vec<u8>>) = (c.take()?, c.take()?);
    let hash = hash.map(|hash| hash.try_into().map(Hash).map_err(|_| StoreError::unreadable("hash"))).transpose()?;
    let personal = c.take()?;
    Ok(Logged { event: event_from(&mut c, seq.unwrap_or(0))?, hash, personal })
}

/// How many rows there are.
pub async fn count_events(tx: &mut Tx, application: ApplicationId, filter: &Filter) -> Result<u64, StoreError> {
    let (condition, values) = filter.sql(application);
    let row = tx.query_opt(&format!("SELECT count(*) FROM audit_events e WHERE {condition}"), &values).await?;
    row.map_or(Ok(0), |row| row.get(0))
}
