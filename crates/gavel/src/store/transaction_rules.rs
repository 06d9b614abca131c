//! Rules over transactions: one row each, in the order of their creation, with what became of what they matched.

use gavel_core::{
    ids::{ApplicationId, RuleId, TransactionId},
    time::Timestamp,
    transaction::{
        Severity, TransactionStatus,
        rule::{Combine, Mode},
    },
};
use serde_json::Value as Json;

use super::{Row, StoreError, Tx, Value, db::placeholders, transactions::read_json};

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Its place in the order of creation.
    pub position: u64,
    /// What people call it; one of a kind.
    pub title: String,
    /// In more words.
    pub description: Option<String>,
    /// Any text.
    pub category: String,
    /// Whether it runs.
    pub mode: Mode,
    /// How conditions and aggregations are put together.
    pub evaluation_mode: Combine,
    /// JSON of scope, conditions, aggregations and actions, as answered.
    pub parts: [Json; 4],
    /// The customer's own.
    pub metadata: Json,
    /// How bad a match is; known of rules of the library.
    pub severity: Option<Severity>,
    /// Its name in the library and the bundle it came with.
    pub library: Option<(String, String)>,
    /// What it has done.
    pub counts: Counts,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

impl Rule {
    /// How many of its conditions ask a pattern.
    pub fn patterns(&self) -> usize {
        let conditions = self.parts[1].as_array().map(Vec::as_slice).unwrap_or_default();
        conditions.iter().filter(|condition| condition["operator"] == "regex").count()
    }
}

/// What a rule has done: how often it ran, and where the transactions came out that it matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// How often it ran.
    pub runs: u64,
    /// Matched and approved.
    pub approved: u64,
    /// Matched and in review.
    pub reviewed: u64,
    /// Matched and declined.
    pub declined: u64,
    /// Matched and waiting for the subject.
    pub awaiting_user: u64,
    /// When it matched last.
    pub latest_triggered_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, position, title, description, category, mode, evaluation_mode, scope, conditions, aggregations, actions,
    metadata, severity, library_key, bundle, run_count, approved_count, reviewed_count, declined_count, awaiting_user_count,
    latest_triggered_at, created_at, updated_at";

fn known<T>(value: Option<T>, what: &str) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::unreadable(what))
}

fn from_row(row: &Row) -> Result<Rule, StoreError> {
    let mut c = row.columns();
    Ok(Rule {
        id: RuleId(c.take()?),
        position: c.take()?,
        title: c.take()?,
        description: c.take()?,
        category: c.take()?,
        mode: known(Mode::from_name(&c.take::<String>()?), "rule mode")?,
        evaluation_mode: known(Combine::from_mode(&c.take::<String>()?), "evaluation mode")?,
        parts: [
            read_json(&c.take::<String>()?)?,
            read_json(&c.take::<String>()?)?,
            read_json(&c.take::<String>()?)?,
            read_json(&c.take::<String>()?)?,
        ],
        metadata: read_json(&c.take::<String>()?)?,
        severity: c.take::<Option<String>>()?.map(|name| known(Severity::from_name(&name), "severity")).transpose()?,
        library: c.take::<Option<String>>()?.zip(c.take()?),
        counts: Counts {
            runs: c.take()?,
            approved: c.take()?,
            reviewed: c.take()?,
            declined: c.take()?,
            awaiting_user: c.take()?,
            latest_triggered_at: c.take()?,
        },
        created_at: c.take()?,
        updated_at: c.take()?,
    })
}

/// What a change can move, in the order of `id, title, description, category, mode, evaluation_mode, scope, conditions,
/// aggregations, actions, metadata, updated_at`.
fn movable(rule: &Rule) -> Vec<Value> {
    let mut params = vec![
        rule.id.0.into(),
        (&rule.title).into(),
        rule.description.as_ref().into(),
        (&rule.category).into(),
        rule.mode.as_str().into(),
        rule.evaluation_mode.mode().into(),
    ];
    params.extend(rule.parts.iter().map(|part| Value::from(part.to_string())));
    params.extend([rule.metadata.to_string().into(), rule.updated_at.into()]);
    params
}

/// Writes a new rule behind all others. `false`: another has its title, or its name in the library.
pub async fn insert_rule(tx: &mut Tx, application: ApplicationId, rule: &Rule) -> Result<bool, StoreError> {
    let mut params = movable(rule);
    params.extend([
        rule.severity.map(Severity::as_str).into(),
        rule.library.as_ref().map(|(key, _)| key).into(),
        rule.library.as_ref().map(|(_, bundle)| bundle).into(),
        rule.created_at.into(),
        application.0.into(),
    ]);
    let sql =
        "INSERT INTO transaction_rules (id, title, description, category, mode, evaluation_mode, scope, conditions, aggregations,
             actions, metadata, updated_at, severity, library_key, bundle, created_at, application_id, position,
             run_count, approved_count, reviewed_count, declined_count, awaiting_user_count)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
             (SELECT coalesce(max(position), 0) + 1 FROM transaction_rules WHERE application_id = $17), 0, 0, 0, 0, 0)
         ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, &params).await? == 1)
}

/// Writes what a change moves.
pub async fn set_rule(tx: &mut Tx, rule: &Rule) -> Result<(), StoreError> {
    let sql =
        "UPDATE transaction_rules SET title = $2, description = $3, category = $4, mode = $5, evaluation_mode = $6, scope = $7,
             conditions = $8, aggregations = $9, actions = $10, metadata = $11, updated_at = $12
         WHERE id = $1";
    tx.send(sql, &movable(rule)).await
}

/// Removes a rule; its runs stay. `false`: it is not there.
pub async fn remove_rule(tx: &mut Tx, application: ApplicationId, id: RuleId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM transaction_rules WHERE application_id = $1 AND id = $2";
    Ok(tx.execute(sql, &[application.0.into(), id.0.into()]).await? == 1)
}

/// The rule, when it is of this application.
pub async fn find_rule(tx: &mut Tx, application: ApplicationId, id: RuleId) -> Result<Option<Rule>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM transaction_rules WHERE application_id = $1 AND id = $2");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// All rules of an application, in the order of creation. They are few enough to be read at once.
pub async fn list_rules(tx: &mut Tx, application: ApplicationId) -> Result<Vec<Rule>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM transaction_rules WHERE application_id = $1 ORDER BY position");
    tx.query(&sql, &[application.0.into()]).await?.iter().map(from_row).collect()
}

/// Whether another rule of the application has this title.
pub async fn is_title_taken(tx: &mut Tx, application: ApplicationId, title: &str, but: RuleId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM transaction_rules WHERE application_id = $1 AND title = $2 AND id <> $3";
    Ok(tx.query_opt(sql, &[application.0.into(), title.into(), but.0.into()]).await?.is_some())
}

/// Counts a run of each of these rules.
pub async fn count_runs(tx: &mut Tx, rules: &[RuleId]) -> Result<(), StoreError> {
    for chunk in rules.chunks(256) {
        let sql =
            format!("UPDATE transaction_rules SET run_count = run_count + 1 WHERE id IN ({})", placeholders(1, chunk.len()));
        let params: Vec<Value> = chunk.iter().map(|id| id.0.into()).collect();
        tx.send(&sql, &params).await?;
    }
    Ok(())
}

/// Where matches of transactions with this status are counted.
const fn column_of(status: TransactionStatus) -> &'static str {
    match status {
        TransactionStatus::Approved => "approved_count",
        TransactionStatus::InReview => "reviewed_count",
        TransactionStatus::Declined => "declined_count",
        TransactionStatus::AwaitingUser => "awaiting_user_count",
    }
}

/// Counts the matches of a transaction whose status has changed where they belong now.
pub async fn move_matches(
    tx: &mut Tx,
    transaction: TransactionId,
    from: TransactionStatus,
    to: TransactionStatus,
) -> Result<(), StoreError> {
    let (from, to) = (column_of(from), column_of(to));
    let sql = format!(
        "UPDATE transaction_rules SET {from} = {from} - 1, {to} = {to} + 1
         WHERE id IN (SELECT rule_id FROM transaction_rule_runs WHERE transaction_id = $1 AND matched = $2)"
    );
    tx.send(&sql, &[transaction.0.into(), true.into()]).await
}

/// Counts a match of each of these rules by where the transaction came out.
pub async fn count_matches(tx: &mut Tx, rules: &[RuleId], status: TransactionStatus, at: Timestamp) -> Result<(), StoreError> {
    let column = column_of(status);
    for chunk in rules.chunks(256) {
        let sql = format!(
            "UPDATE transaction_rules SET {column} = {column} + 1,
                 latest_triggered_at = CASE WHEN latest_triggered_at > $1 THEN latest_triggered_at ELSE $1 END
             WHERE id IN ({})",
            placeholders(2, chunk.len())
        );
        let mut params: Vec<Value> = vec![at.into()];
        params.extend(chunk.iter().map(|id| Value::from(id.0)));
        tx.send(&sql, &params).await?;
    }
    Ok(())
}
