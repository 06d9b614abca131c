//! The queue: one row per session that is In Review, kept in step by triggers on sessions, so that no path to a status can
//! forget it. A row that somebody holds is taken by nobody else until its time is over, which is compared with *now*: a
//! claim needs no worker to end.
//!
//! Whoever changes a row locks it; a session's own row is always locked before it, never after.

use gavel_core::{
    access::ActorType,
    evidence::Feature,
    ids::{ApplicationId, MemberId, SessionId, WorkflowId},
    session::{FeatureStatus, SessionKind},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    db::{Columns, placeholders},
};

/// Whoever works on a session: a person, a key, or one of several people behind a key.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Key or person.
    pub actor_type: ActorType,
    /// Which.
    pub actor_id: Uuid,
    /// Whom the key named; empty: nobody.
    pub reviewer: String,
    /// Name to show.
    pub name: String,
}

impl Holder {
    /// Whether both are the same; what they are called does not matter.
    pub fn is(&self, other: &Self) -> bool {
        self.actor_type == other.actor_type && self.actor_id == other.actor_id && self.reviewer == other.reviewer
    }

    pub(super) fn read(c: &mut Columns<'_>) -> Result<Option<Self>, StoreError> {
        let (actor_type, actor_id) = (c.take::<Option<String>>()?, c.take::<Option<Uuid>>()?);
        let (reviewer, name) = (c.take::<Option<String>>()?, c.take::<Option<String>>()?);
        let (Some(actor_type), Some(actor_id)) = (actor_type, actor_id) else { return Ok(None) };
        Ok(Some(Self {
            actor_type: ActorType::from_name(&actor_type).ok_or_else(|| StoreError::unreadable("actor type"))?,
            actor_id,
            reviewer: reviewer.unwrap_or_default(),
            name: name.unwrap_or_default(),
        }))
    }

    pub(super) fn params(&self) -> [Value; 4] {
        [self.actor_type.as_str().into(), self.actor_id.into(), (&self.reviewer).into(), (&self.name).into()]
    }
}

/// A claim, whether its time is over or not.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose.
    pub holder: Holder,
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// A session in the queue.
#[derive(Debug, Clone)]
pub struct Item {
    /// The session.
    pub session: SessionId,
    /// Higher comes first.
    pub priority: i64,
    /// Since when it waits.
    pub since: Timestamp,
    /// The last claim, over or not; [`claim`](Self::claim) says whose it is now.
    pub claim: Option<Claim>,
}

impl Item {
    /// Who holds it now.
    pub fn claim(&self, now: Timestamp) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| claim.until > now)
    }
}

const COLUMNS: &str =
    "session_id, priority, since, claimed_until, claimed_at, holder_type, holder_id, holder_reviewer, holder_name";

fn from_row(row: &Row) -> Result<Item, StoreError> {
    let mut c = row.columns();
    let (session, priority, since) = (SessionId(c.take()?), c.take()?, c.take()?);
    let (until, at) = (c.take::<Option<Timestamp>>()?, c.take::<Option<Timestamp>>()?);
    let holder = Holder::read(&mut c)?;
    let claim = match (until, at, holder) {
        (Some(until), Some(at), Some(holder)) => Some(Claim { holder, at, until }),
        _ => None,
    };
    Ok(Item { session, priority, since, claim })
}

/// A session's place in the queue; none when it is not in it.
pub async fn find_item(tx: &mut Tx, session: SessionId) -> Result<Option<Item>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM queue_items WHERE session_id = $1");
    tx.query_opt(&sql, &[session.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// The same, locked until the end of the transaction.
pub async fn lock_item(tx: &mut Tx, application: ApplicationId, session: SessionId) -> Result<Option<Item>, StoreError> {
    let lock = tx.for_update();
    let sql = format!("SELECT {COLUMNS} FROM queue_items WHERE session_id = $1 AND application_id = $2{lock}");
    tx.query_opt(&sql, &[session.0.into(), application.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Which sessions of the queue are wanted. What is not said is not asked.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Persons or companies.
    pub kind: Option<SessionKind>,
    /// Of this workflow.
    pub workflow: Option<WorkflowId>,
    /// Of this person or company.
    pub vendor_data: Option<String>,
    /// With a result of this feature that waits for a person.
    pub feature: Option<Feature>,
    /// With this risk.
    pub risk: Option<String>,
    /// Waiting since this instant or before.
    pub since_until: Option<Timestamp>,
    /// Waiting since this instant or after.
    pub since_from: Option<Timestamp>,
    /// Of this priority or more.
    pub min_priority: Option<i64>,
    /// Of this priority or less.
    pub max_priority: Option<i64>,
    /// None of these.
    pub exclude: Vec<SessionId>,
    /// Only these, where they are known already.
    pub among: Option<Vec<SessionId>>,
}

impl Wanted {
    /// Whether no index knows the answer: the queue may have to be gone through to its end.
    pub fn is_searched_for(&self) -> bool {
        let by_index = self.feature.is_none() && self.risk.is_none() && self.vendor_data.is_none();
        !by_index || self.kind.is_some() || self.since_from.is_some()
    }

    /// The conditions, after those whose parameters are given already. Other tables are asked in subqueries: what locks the
    /// row must lock nothing else.
    fn condition(&self, params: &mut Vec<Value>) -> String {
        let mut text = String::new();
        let mut and = |condition: &str, values: Vec<Value>| {
            let first = params.len() + 1;
            params.extend(values);
            text.push_str(" AND ");
            text.push_str(&condition.replace("$a", &format!("${first}")).replace("$b", &format!("${}", first + 1)));
        };
        if let Some(kind) = self.kind {
            and("q.kind = $a", vec![kind.as_str().into()]);
        }
        if let Some(workflow) = self.workflow {
            and("q.workflow_id = $a", vec![workflow.0.into()]);
        }
        if let Some(vendor_data) = &self.vendor_data {
            let own = "SELECT s.id FROM sessions s WHERE s.application_id = $1 AND s.vendor_data = $a AND s.deleted_at IS NULL";
            and(&format!("q.session_id IN ({own})"), vec![vendor_data.into()]);
        }
        if let Some(feature) = self.feature {
            let waits = "SELECT 1 FROM records r WHERE r.session_id = q.session_id AND r.feature = $a AND r.status = $b";
            and(&format!("EXISTS ({waits})"), vec![feature.name().into(), FeatureStatus::InReview.as_str().into()]);
        }
        if let Some(risk) = &self.risk {
            and("EXISTS (SELECT 1 FROM session_risks k WHERE k.session_id = q.session_id AND k.risk = $a)", vec![risk.into()]);
        }
        for (condition, instant) in [("q.since <= $a", self.since_until), ("q.since >= $a", self.since_from)] {
            if let Some(instant) = instant {
                and(condition, vec![instant.into()]);
            }
        }
        for (condition, priority) in [("q.priority >= $a", self.min_priority), ("q.priority <= $a", self.max_priority)] {
            if let Some(priority) = priority {
                and(condition, vec![priority.into()]);
            }
        }
        if !self.exclude.is_empty() {
            let first = params.len() + 1;
            params.extend(self.exclude.iter().map(|id| Value::from(id.0)));
            text.push_str(&format!(" AND q.session_id NOT IN ({})", placeholders(first, self.exclude.len())));
        }
        if let Some(among) = &self.among {
            let first = params.len() + 1;
            params.extend(among.iter().map(|id| Value::from(id.0)));
            text.push_str(&format!(" AND q.session_id IN ({})", placeholders(first, among.len())));
        }
        text
    }
}

/// The first sessions that are wanted and that nobody holds, without locking any: for a look before the transaction, so that
/// a long search holds nobody up.
pub async fn list_candidates(
    tx: &mut Tx,
    application: ApplicationId,
    wanted: &Wanted,
    now: Timestamp,
    most: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let mut params: Vec<Value> = vec![application.0.into(), now.into()];
    let condition = wanted.condition(&mut params);
    params.push(most.into());
    let sql = format!(
        "SELECT q.session_id FROM queue_items q WHERE q.application_id = $1 AND (q.claimed_until IS NULL OR q.claimed_until <= $2)
             AND {NOT_DECIDED}{condition}
         ORDER BY q.priority DESC, q.since, q.session_id LIMIT ${}",
        params.len()
    );
    tx.query(&sql, &params).await?.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// Nobody's decision on the session waits for its undo window.
const NOT_DECIDED: &str =
    "NOT EXISTS (SELECT 1 FROM pending_reviews p WHERE p.session_id = q.session_id AND p.state = 'pending')";

/// Which part of the queue is looked into: each has an index of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Nobody's.
    Free,
    /// Somebody's whose time is over.
    Lapsed,
}

impl Part {
    fn condition(self) -> &'static str {
        match self {
            Self::Free => "q.claimed_until IS NULL",
            Self::Lapsed => "q.claimed_until IS NOT NULL AND q.claimed_until <= $2",
        }
    }
}

/// The first session that nobody holds: by priority, then by how long it waits. It is locked until the end of the
/// transaction, and those that others have locked are passed over, so that no two ever get the same one.
pub async fn lock_next(
    tx: &mut Tx,
    application: ApplicationId,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Option<Item>, StoreError> {
    // Looked at before anything is locked: what this transaction does not take must not be hidden from others.
    let lapsed = first(tx, application, Part::Lapsed, wanted, now, false).await?;
    let order = match lapsed {
        None => return first(tx, application, Part::Free, wanted, now, true).await,
        Some(lapsed) => match first(tx, application, Part::Free, wanted, now, false).await? {
            Some(free) if place(&free) < place(&lapsed) => [Part::Free, Part::Lapsed],
            _ => [Part::Lapsed, Part::Free],
        },
    };
    match first(tx, application, order[0], wanted, now, true).await? {
        Some(item) => Ok(Some(item)),
        None => first(tx, application, order[1], wanted, now, true).await,
    }
}

/// By what the queue is ordered.
fn place(item: &Item) -> (std::cmp::Reverse<i64>, Timestamp, Uuid) {
    (std::cmp::Reverse(item.priority), item.since, item.session.0)
}

async fn first(
    tx: &mut Tx,
    application: ApplicationId,
    part: Part,
    wanted: &Wanted,
    now: Timestamp,
    lock: bool,
) -> Result<Option<Item>, StoreError> {
    let mut params: Vec<Value> = vec![application.0.into()];
    if part == Part::Lapsed {
        params.push(now.into());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM queue_items q WHERE q.application_id = $1 AND {} AND {NOT_DECIDED}{}
         ORDER BY q.priority DESC, q.since, q.session_id LIMIT 1{}",
        part.condition(),
        wanted.condition(&mut params),
        if lock { tx.skip_locked() } else { "" }
    );
    tx.query_opt(&sql, &params).await?.as_ref().map(from_row).transpose()
}

/// Makes a session somebody's; only under the lock of its row.
pub async fn set_claim(tx: &mut Tx, session: SessionId, claim: &Claim) -> Result<(), StoreError> {
    let [holder_type, holder_id, reviewer, name] = claim.holder.params();
    tx.send(
        "UPDATE queue_items SET claimed_until = $2, claimed_at = $3, holder_type = $4, holder_id = $5, holder_reviewer = $6,
             holder_name = $7
         WHERE session_id = $1",
        &[session.0.into(), claim.until.into(), claim.at.into(), holder_type, holder_id, reviewer, name],
    )
    .await?;
    Ok(())
}

const FREE: &str = "claimed_until = NULL, claimed_at = NULL, holder_type = NULL, holder_id = NULL, holder_reviewer = NULL,
    holder_name = NULL";

/// Makes a session nobody's.
pub async fn end_claim(tx: &mut Tx, session: SessionId) -> Result<(), StoreError> {
    let sql = format!("UPDATE queue_items SET {FREE} WHERE session_id = $1 AND claimed_until IS NOT NULL");
    tx.send(&sql, &[session.0.into()]).await?;
    Ok(())
}

/// Makes a person's sessions of an application nobody's. Answers which were theirs, some of them perhaps long over.
pub async fn end_claims_of(tx: &mut Tx, application: ApplicationId, member: MemberId) -> Result<Vec<SessionId>, StoreError> {
    let sql = format!(
        "UPDATE queue_items SET {FREE} WHERE application_id = $1 AND holder_type = $2 AND holder_id = $3 RETURNING session_id"
    );
    let person = ActorType::ConsoleUser.as_str();
    let rows = tx.query(&sql, &[application.0.into(), person.into(), member.0.into()]).await?;
    rows.iter().map(|row| row.get(0).map(SessionId)).collect()
}

/// Tidies claims away whose time is over: they count for nothing, but they stand in the way of nobody's index.
pub async fn end_lapsed(tx: &mut Tx, now: Timestamp, most: u64) -> Result<u64, StoreError> {
    let sql = format!(
        "UPDATE queue_items SET {FREE} WHERE session_id IN (
             SELECT session_id FROM queue_items WHERE claimed_until IS NOT NULL AND claimed_until <= $1 LIMIT $2{})",
        tx.skip_locked()
    );
    tx.execute(&sql, &[now.into(), most.into()]).await
}

/// A session's priority, whether it is in the queue or not yet.
pub async fn find_priority(tx: &mut Tx, session: SessionId) -> Result<i64, StoreError> {
    let row = tx.query_opt("SELECT queue_priority FROM sessions WHERE id = $1", &[session.0.into()]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// Changes it in both places. The session is locked.
pub async fn set_priority(tx: &mut Tx, session: SessionId, priority: i64) -> Result<(), StoreError> {
    let params = [session.0.into(), priority.into()];
    tx.send("UPDATE sessions SET queue_priority = $2 WHERE id = $1", &params).await?;
    tx.send("UPDATE queue_items SET priority = $2 WHERE session_id = $1", &params).await?;
    Ok(())
}

/// How full the queue is.
#[derive(Debug, Default)]
pub struct Totals {
    /// Held by nobody.
    pub waiting: u64,
    /// Held by somebody.
    pub claimed: u64,
    /// Since when the first of those nobody holds waits.
    pub oldest: Option<Timestamp>,
}

/// Counts the queue of an application.
pub async fn count(tx: &mut Tx, application: ApplicationId, now: Timestamp) -> Result<Totals, StoreError> {
    let sql = "SELECT claimed_until IS NOT NULL AND claimed_until > $2, count(*), min(since)
         FROM queue_items WHERE application_id = $1 GROUP BY 1";
    let mut totals = Totals::default();
    for row in tx.query(sql, &[application.0.into(), now.into()]).await? {
        let mut c = row.columns();
        match (c.take::<bool>()?, c.take()?) {
            (false, count) => (totals.waiting, totals.oldest) = (count, c.take()?),
            (true, count) => totals.claimed = count,
        }
    }
    Ok(totals)
}

/// Who holds how many sessions, those with the most first.
pub async fn list_holders(tx: &mut Tx, application: ApplicationId, now: Timestamp) -> Result<Vec<(Holder, u64)>, StoreError> {
    let sql = "SELECT holder_type, holder_id, holder_reviewer, max(holder_name), count(*) FROM queue_items
         WHERE application_id = $1 AND claimed_until IS NOT NULL AND claimed_until > $2
         GROUP BY holder_type, holder_id, holder_reviewer ORDER BY count(*) DESC, max(holder_name), holder_reviewer LIMIT 200";
    let mut holders = Vec::new();
    for row in tx.query(sql, &[application.0.into(), now.into()]).await? {
        let mut c = row.columns();
        if let Some(holder) = Holder::read(&mut c)? {
            holders.push((holder, c.take()?));
        }
    }
    Ok(holders)
}

/// A page of the queue in its order: all of it, only what somebody holds, or only what nobody does.
pub async fn list_items(
    tx: &mut Tx,
    application: ApplicationId,
    claimed: Option<bool>,
    now: Timestamp,
    (limit, offset): (u64, u64),
) -> Result<Vec<Item>, StoreError> {
    let (condition, mut params) = match claimed {
        None => ("", vec![application.0.into()]),
        Some(true) => ("AND claimed_until > $2", vec![application.0.into(), now.into()]),
        Some(false) => ("AND (claimed_until IS NULL OR claimed_until <= $2)", vec![application.0.into(), Value::from(now)]),
    };
    params.extend([limit.into(), offset.into()]);
    let sql = format!(
        "SELECT {COLUMNS} FROM queue_items WHERE application_id = $1 {condition}
         ORDER BY priority DESC, since, session_id LIMIT ${} OFFSET ${}",
        params.len() - 1,
        params.len()
    );
    tx.query(&sql, &params).await?.iter().map(from_row).collect()
}
