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
    /// What is read; behind a screened value its transactions, in this order.
    from: &'static str,
    sql: String,
    params: Vec<Value>,
    /// Every filter is in it.
    whole: bool,
}

impl Narrowed {
    fn of(application: ApplicationId, question: &Question<'_>) -> Self {
        let has = |name: &str| question.filters.iter().any(|(field, _)| *field == name);
        // Where the other side says more than the time does, the time is not to be searched by.
        let by_counterparty = has("counterparty_vendor_data") && !has("subject_vendor_data");
        let date = if by_counterparty { "+t.txn_date" } else { "t.txn_date" };
        let mut narrowed = Self {
            from: "transactions t",
            sql: format!("t.application_id = $1 AND {date} >= $2 AND {date} <= $3"),
            params: vec![application.0.into(), question.from.into(), question.until.into()],
            whole: true,
        };
        for (field, values) in &question.filters {
            match (column_of(field), values.as_slice()) {
                (Some(column), values) => narrowed.by_column(column, values),
                (None, [value]) if narrowed.from == "transactions t" => narrowed.by_signal(field, value),
                (None, _) => narrowed.whole = false,
            }
        }
        narrowed
    }

    fn by_column(&mut self, column: &'static str, values: &[String]) {
        let these = placeholders(self.params.len() + 1, values.len());
        self.params.extend(values.iter().map(Value::from));
        self.sql.push_str(&format!(" AND t.{column} IN ({these})"));
    }

    /// Narrows to transactions that have shown a value, where it is one that is screened; others may be left.
    fn by_signal(&mut self, field: &str, value: &str) {
        self.whole = false;
        let Some((side, value)) = signal_of(field, value) else { return };
        self.from = "transaction_signals s CROSS JOIN transactions t";
        let at = self.params.len();
        self.sql.push_str(&format!(
            " AND t.id = s.transaction_id AND s.application_id = $1 AND s.entry_type = ${} AND s.key_digest = ${} AND s.side = ${}",
            at + 1,
            at + 2,
            at + 3
        ));
        self.params.extend([value.entry_type().as_str().into(), value.digest().into(), side.into()]);
    }
}

/// What came together before a transaction that is not written yet; the transaction itself is not in it. `current`: its facts,
/// where it will be counted as well.
pub async fn tally_before(
    tx: &mut Tx,
    application: ApplicationId,
    question: &Question<'_>,
    current: Option<&Facts>,
) -> Result<Tally, StoreError> {
    let narrowed = Narrowed::of(application, question);
    if narrowed.whole {
        let counted = match (question.aggregation.metric, question.aggregation.field.as_str()) {
            (Metric::Count, _) => Some(count(tx, &narrowed).await?),
            (Metric::Sum | Metric::Avg, "amount") => Some(sum(tx, &narrowed, question.aggregation.metric).await?),
            (Metric::Min | Metric::Max, "amount") => Some(extreme(tx, &narrowed, question.aggregation.metric).await?),
            (Metric::DistinctCount, field) => match column_of(field) {
                Some(column) => {
                    Some(distinct(tx, narrowed_but(&narrowed, column, current.and_then(|facts| facts.text(field)))).await?)
                }
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
    let sql = format!("SELECT count(*) FROM {} WHERE {}", narrowed.from, narrowed.sql);
    let row = tx.query_opt(&sql, &narrowed.params).await?;
    Ok(Tally::Count(row.map_or(Ok(0), |row| row.get(0))?))
}

async fn sum(tx: &mut Tx, narrowed: &Narrowed, metric: Metric) -> Result<Tally, StoreError> {
    let limbs: Vec<String> = (0..4).map(|limb| format!("CAST(coalesce(sum(t.amount_{limb}), 0) AS bigint)")).collect();
    let sql = format!("SELECT count(*), {} FROM {} WHERE {}", limbs.join(", "), narrowed.from, narrowed.sql);
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
    let mut sql = format!("SELECT count(DISTINCT t.{column}) FROM {} WHERE {}", narrowed.from, narrowed.sql);
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
    // The window's beginning moves on with what is read, so that no part is looked for from the start again.
    let sql = format!(
        "SELECT t.txn_date, t.number, t.facts FROM {} WHERE {} AND (t.txn_date > ${} OR t.number > ${})
         ORDER BY t.txn_date, t.number LIMIT ${}",
        narrowed.from,
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
                let (at, number) = (Value::from(last.get::<i64>(0)?), last.get::<u64>(1)?.into());
                narrowed.params[1] = at.clone();
                (narrowed.params[behind], narrowed.params[behind + 1]) = (at, number);
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

/// The next transactions of a span behind a bookmark. The bookmark stands in the bounds of the statement, so that each part
/// begins where the last one ended, in an index that has them in this order.
pub async fn list_past(
    tx: &mut Tx,
    application: ApplicationId,
    span: Span,
    (sequence, bookmark): (Sequence, &Bookmark),
    most: u64,
) -> Result<Vec<Past>, StoreError> {
    let params = |from: i64, most: u64| -> Vec<Value> {
        let span: [Value; 4] = [application.0.into(), from.into(), span.until.into(), span.last_number.into()];
        let behind: [Value; 3] = [most.into(), bookmark.at.into(), bookmark.number.into()];
        span.into_iter().chain(behind).collect()
    };
    let of = |whose: &str| {
        format!(
            "SELECT {PAST} FROM transactions t
             WHERE t.application_id = $1 AND t.txn_date >= $2 AND t.txn_date <= $3 AND t.number <= $4 {whose}
                 AND (t.txn_date > $6 OR t.number > $7)
             ORDER BY t.txn_date, t.number LIMIT $5"
        )
    };
    let start = span.from.as_micros();
    let goes_on = params(start.max(bookmark.at), most);
    match sequence {
        Sequence::Time => read_past(tx, &of(""), &goes_on).await,
        Sequence::Nobody => read_past(tx, &of("AND t.subject_vendor_data IS NULL"), &goes_on).await,
        Sequence::Subject => {
            // The rest of the subject at the bookmark, then those behind it.
            let subject = || Value::from(&bookmark.subject);
            let rest = goes_on.into_iter().chain([subject()]).collect::<Vec<_>>();
            let mut found = read_past(tx, &of("AND t.subject_vendor_data = $8"), &rest).await?;
            let left = most - found.len() as u64;
            if left > 0 {
                let sql = format!(
                    "SELECT {PAST} FROM transactions t
                     WHERE t.application_id = $1 AND t.subject_vendor_data > $6
                         AND +t.txn_date >= $2 AND +t.txn_date <= $3 AND +t.number <= $4
                     ORDER BY t.subject_vendor_data, t.txn_date, t.number LIMIT $5"
                );
                let behind = params(start, left).into_iter().take(5).chain([subject()]).collect::<Vec<_>>();
                found.extend(read_past(tx, &sql, &behind).await?);
            }
            Ok(found)
        }
    }
}

async fn read_past(tx: &mut Tx, sql: &str, params: &[Value]) -> Result<Vec<Past>, StoreError> {
    tx.query(sql, params).await?.iter().map(past_from_row).collect()
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
