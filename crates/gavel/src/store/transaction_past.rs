//! The transactions before one: counted for rules, and read in order for tests of rules.
//!
//! What columns hold is counted by the database: filters on the fields of [`column_of`], how many, sums and extremes of
//! amounts, how many different values of such a field. Sums add up limbs, which neither engine can round. Everything else is
//! read row by row, as far as filters on columns and on screened values narrow it down, and looked at here.

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, TransactionId},
    rules::Facts,
    time::Timestamp,
    transaction::{
        Amount,
        rule::{Metric, Question, Tally},
    },
};
use serde_json::Value as Json;

use super::{Row, StoreError, Tx, Value, db::placeholders, transactions::read_json};

/// Rows read at a time.
const CHUNK: u64 = 500;

/// The column that holds a fact letter by letter.
fn column_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "subject_vendor_data" => "subject_vendor_data",
        "counterparty_vendor_data" => "counterparty_vendor_data",
        "currency" => "currency",
        "direction" => "direction",
        "transaction_type" => "category",
        "action_type" => "action_type",
        "default_currency_code" => "default_currency",
        _ => return None,
    })
}

/// The screened value that transactions share which share this fact.
fn signal_of(field: &str, value: &str) -> Option<(&'static str, EntryValue)> {
    let (side, rest) = match field.strip_prefix("subject_") {
        Some(rest) => ("subject", rest),
        None => ("counterparty", field.strip_prefix("counterparty_")?),
    };
    let entry_type = match rest {
        "device_fingerprint" => EntryType::DeviceFingerprint,
        "ip_address" => EntryType::IpAddress,
        "email" => EntryType::Email,
        "phone" => EntryType::Phone,
        _ => return None,
    };
    Some((side, EntryValue::parse(entry_type, value).ok()?))
}

/// A statement's condition over `transactions t`, as it grows.
struct Narrowed {
    sql: String,
    params: Vec<Value>,
    /// Every filter is in it.
    whole: bool,
}

impl Narrowed {
    fn of(application: ApplicationId, question: &Question<'_>) -> Self {
        let params = vec![application.0.into(), question.from.into(), question.until.into()];
        let sql = "t.application_id = $1 AND t.txn_date >= $2 AND t.txn_date <= $3".to_owned();
        let mut narrowed = Self { sql, params, whole: true };
        let mut by_signal = false;
        for (field, values) in &question.filters {
            if let Some(column) = column_of(field) {
                let these = placeholders(narrowed.params.len() + 1, values.len());
                narrowed.params.extend(values.iter().map(Value::from));
                narrowed.sql.push_str(&format!(" AND t.{column} IN ({these})"));
                continue;
            }
            narrowed.whole = false;
            if let ([value], false) = (values.as_slice(), by_signal)
                && let Some((side, value)) = signal_of(field, value)
            {
                by_signal = true;
                let at = narrowed.params.len();
                narrowed.sql.push_str(&format!(
                    " AND t.id IN (SELECT s.transaction_id FROM transaction_signals s WHERE s.application_id = $1
                         AND s.entry_type = ${} AND s.key_digest = ${} AND s.side = ${})",
                    at + 1,
                    at + 2,
                    at + 3
                ));
                narrowed.params.extend([value.entry_type().as_str().into(), value.digest().into(), side.into()]);
            }
        }
        narrowed
    }
}

/// What came together before a transaction that is not written yet; the transaction itself is not in it.
pub async fn tally_before(
    tx: &mut Tx,
    application: ApplicationId,
    question: &Question<'_>,
    current: &Facts,
) -> Result<Tally, StoreError> {
    let narrowed = Narrowed::of(application, question);
    if narrowed.whole {
        let counted = match (question.aggregation.metric, question.aggregation.field.as_str()) {
            (Metric::Count, _) => Some(count(tx, &narrowed).await?),
            (Metric::Sum | Metric::Avg, "amount") => Some(sum(tx, &narrowed, question.aggregation.metric).await?),
            (Metric::Min | Metric::Max, "amount") => Some(extreme(tx, &narrowed, question.aggregation.metric).await?),
            (Metric::DistinctCount, field) => match column_of(field) {
                Some(column) => Some(distinct(tx, narrowed_but(&narrowed, column, current.text(field))).await?),
                None => None,
            },
            (Metric::Sum | Metric::Avg | Metric::Min | Metric::Max, _) => None,
        };
        if let Some(counted) = counted {
            return Ok(counted);
        }
    }
    look_through(tx, narrowed, question).await
}

async fn count(tx: &mut Tx, narrowed: &Narrowed) -> Result<Tally, StoreError> {
    let sql = format!("SELECT count(*) FROM transactions t WHERE {}", narrowed.sql);
    let row = tx.query_opt(&sql, &narrowed.params).await?;
    Ok(Tally::Count(row.map_or(Ok(0), |row| row.get(0))?))
}

async fn sum(tx: &mut Tx, narrowed: &Narrowed, metric: Metric) -> Result<Tally, StoreError> {
    let limbs: Vec<String> = (0..4).map(|limb| format!("CAST(coalesce(sum(t.amount_{limb}), 0) AS bigint)")).collect();
    let sql = format!("SELECT count(*), {} FROM transactions t WHERE {}", limbs.join(", "), narrowed.sql);
    let Some(row) = tx.query_opt(&sql, &narrowed.params).await? else { return Ok(Tally::new(metric)) };
    let mut c = row.columns();
    let numbers = c.take()?;
    let total = Amount::total([c.take()?, c.take()?, c.take()?, c.take()?]);
    Ok(Tally::Sum { total, numbers, average: metric == Metric::Avg })
}

async fn extreme(tx: &mut Tx, narrowed: &Narrowed, metric: Metric) -> Result<Tally, StoreError> {
    let least = metric == Metric::Min;
    let way = if least { "ASC" } else { "DESC" };
    // Amounts are not negative, so their limbs order them.
    let order: Vec<String> = (0..4).rev().map(|limb| format!("t.amount_{limb} {way}")).collect();
    let sql = format!(
        "SELECT t.amount_0, t.amount_1, t.amount_2, t.amount_3 FROM transactions t WHERE {} ORDER BY {} LIMIT 1",
        narrowed.sql,
        order.join(", ")
    );
    let row = tx.query_opt(&sql, &narrowed.params).await?;
    let total = |row: Row| Ok::<_, StoreError>(Amount::total([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]));
    Ok(Tally::Extreme { found: row.map(total).transpose()?, least })
}

/// Different values but for the one the current transaction brings itself.
fn narrowed_but(narrowed: &Narrowed, column: &'static str, current: Option<&str>) -> (String, Vec<Value>) {
    let mut params = narrowed.params.clone();
    let mut sql = format!("SELECT count(DISTINCT t.{column}) FROM transactions t WHERE {}", narrowed.sql);
    if let Some(current) = current {
        params.push(current.into());
        sql.push_str(&format!(" AND t.{column} <> ${}", params.len()));
    }
    (sql, params)
}

async fn distinct(tx: &mut Tx, (sql, params): (String, Vec<Value>)) -> Result<Tally, StoreError> {
    let row = tx.query_opt(&sql, &params).await?;
    Ok(Tally::Distinct { seen: Default::default(), others: row.map_or(Ok(0), |row| row.get(0))? })
}

/// Reads what the filters on columns leave, and looks at the rest here.
async fn look_through(tx: &mut Tx, mut narrowed: Narrowed, question: &Question<'_>) -> Result<Tally, StoreError> {
    let mut tally = Tally::new(question.aggregation.metric);
    let behind = narrowed.params.len();
    let sql = format!(
        "SELECT t.txn_date, t.number, t.facts FROM transactions t WHERE {} AND (t.txn_date, t.number) > (${}, ${})
         ORDER BY t.txn_date, t.number LIMIT ${}",
        narrowed.sql,
        behind + 1,
        behind + 2,
        behind + 3
    );
    narrowed.params.extend([i64::MIN.into(), 0_u64.into(), CHUNK.into()]);
    loop {
        let rows = tx.query(&sql, &narrowed.params).await?;
        for row in &rows {
            let facts = facts_of(row.get::<String>(2)?.as_str())?;
            if question.lets(&facts) {
                tally.add(question.aggregation.part(&facts));
            }
        }
        match rows.last() {
            Some(last) if rows.len() as u64 == CHUNK => {
                narrowed.params[behind] = last.get::<i64>(0)?.into();
                narrowed.params[behind + 1] = last.get::<u64>(1)?.into();
            }
            _ => return Ok(tally),
        }
    }
}

fn facts_of(text: &str) -> Result<Facts, StoreError> {
    match read_json(text)? {
        Json::Object(members) => Ok(Facts::new(members)),
        _ => Err(StoreError::unreadable("facts")),
    }
}

/// A stored transaction as a test of rules sees it.
#[derive(Debug)]
pub struct Past {
    /// Its id.
    pub id: TransactionId,
    /// Its number.
    pub number: u64,
    /// When it happened.
    pub at: Timestamp,
    /// When it was decided.
    pub created_at: Timestamp,
    /// Whose it is.
    pub subject: Option<String>,
    /// A user or a business.
    pub kind: String,
    /// What conditions see of it: what was sent, and how it came out.
    pub facts: Facts,
}

/// In which order transactions are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    /// As they happened.
    Time,
    /// One subject after the other, each as it happened; without those of nobody, which are erased ones.
    Subject,
    /// Those of nobody, as they happened.
    Nobody,
}

/// Which transactions a test of rules reads.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// From this instant on.
    pub from: Timestamp,
    /// Until this one.
    pub until: Timestamp,
    /// None with a later number: those that come in meanwhile.
    pub last_number: u64,
}

/// Where a reader stands: behind this subject, instant and number.
#[derive(Debug, Clone, Default)]
pub struct Bookmark {
    subject: String,
    at: i64,
    number: u64,
}

impl Bookmark {
    /// Before everything.
    pub fn start() -> Self {
        Self { subject: String::new(), at: i64::MIN, number: 0 }
    }

    /// Behind this one.
    pub fn behind(past: &Past) -> Self {
        Self { subject: past.subject.clone().unwrap_or_default(), at: past.at.as_micros(), number: past.number }
    }
}

fn past_from_row(row: &Row) -> Result<Past, StoreError> {
    let mut c = row.columns();
    let (id, number, at, created_at) = (TransactionId(c.take()?), c.take()?, c.take()?, c.take()?);
    let (kind, subject) = (c.take()?, c.take()?);
    let mut facts = facts_of(&c.take::<String>()?)?;
    facts.set("score", c.take::<i64>()?.into());
    facts.set("severity", c.take::<Option<String>>()?.into());
    Ok(Past { id, number, at, created_at, subject, kind, facts })
}

const PAST: &str =
    "t.id, t.number, t.txn_date, t.created_at, t.subject_kind, t.subject_vendor_data, t.facts, t.score, t.severity";

/// The next transactions of a span behind a bookmark.
pub async fn list_past(
    tx: &mut Tx,
    application: ApplicationId,
    span: Span,
    (sequence, bookmark): (Sequence, &Bookmark),
    most: u64,
) -> Result<Vec<Past>, StoreError> {
    let in_span = "t.application_id = $1 AND t.txn_date >= $2 AND t.txn_date <= $3 AND t.number <= $4";
    let mut params: Vec<Value> =
        vec![application.0.into(), span.from.into(), span.until.into(), span.last_number.into(), most.into()];
    params.extend([bookmark.at.into(), bookmark.number.into()]);
    let sql = match sequence {
        Sequence::Time => format!(
            "SELECT {PAST} FROM transactions t WHERE {in_span} AND (t.txn_date, t.number) > ($6, $7)
             ORDER BY t.txn_date, t.number LIMIT $5"
        ),
        Sequence::Nobody => format!(
            "SELECT {PAST} FROM transactions t
             WHERE {in_span} AND t.subject_vendor_data IS NULL AND (t.txn_date, t.number) > ($6, $7)
             ORDER BY t.txn_date, t.number LIMIT $5"
        ),
        Sequence::Subject => {
            params.push((&bookmark.subject).into());
            format!(
                "SELECT {PAST} FROM transactions t
                 WHERE {in_span} AND (t.subject_vendor_data, t.txn_date, t.number) > ($8, $6, $7)
                 ORDER BY t.subject_vendor_data, t.txn_date, t.number LIMIT $5"
            )
        }
    };
    tx.query(&sql, &params).await?.iter().map(past_from_row).collect()
}

/// How many transactions are in a span.
pub async fn count_past(tx: &mut Tx, application: ApplicationId, span: Span) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM transactions
         WHERE application_id = $1 AND txn_date >= $2 AND txn_date <= $3 AND number <= $4";
    let params = [application.0.into(), span.from.into(), span.until.into(), span.last_number.into()];
    tx.query_opt(sql, &params).await?.map_or(Ok(0), |row| row.get(0))
}

/// Instant and number of the oldest of the newest transactions of a span; `None`: there are not more than so many.
pub async fn find_newest_from(
    tx: &mut Tx,
    application: ApplicationId,
    span: Span,
    newest: u64,
) -> Result<Option<(Timestamp, u64)>, StoreError> {
    let sql = "SELECT txn_date, number FROM transactions
         WHERE application_id = $1 AND txn_date >= $2 AND txn_date <= $3 AND number <= $4
         ORDER BY txn_date DESC, number DESC LIMIT 1 OFFSET $5";
    let params =
        [application.0.into(), span.from.into(), span.until.into(), span.last_number.into(), newest.saturating_sub(1).into()];
    tx.query_opt(sql, &params).await?.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}
