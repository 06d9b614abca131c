//! What rules answered about a transaction, and the tags they put on it.

use gavel_core::{
    ids::{ApplicationId, RuleId, TransactionId},
    time::Timestamp,
    transaction::{Severity, TransactionStatus, rule::Mode},
};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    db::{parts, placeholders},
    transactions::read_json,
};

/// A run of a rule: what it answered, and what the rule was then.
#[derive(Debug, Clone)]
pub struct RuleRun {
    /// Its id.
    pub id: Uuid,
    /// The rule, which may be gone.
    pub rule: RuleId,
    /// What people called it.
    pub title: String,
    /// In more words.
    pub description: Option<String>,
    /// Its category.
    pub category: String,
    /// Whether the answer had consequences.
    pub mode: Mode,
    /// Yes or no.
    pub matched: bool,
    /// How bad a match is, where the rule says so.
    pub severity: Option<Severity>,
    /// Points of a match.
    pub score_delta: i64,
    /// The status a match asks for.
    pub status_target: Option<TransactionStatus>,
    /// What a match does, in a few words.
    pub action_summary: Option<String>,
    /// JSON object: what every condition and aggregation saw; empty once the transaction is erased.
    pub explanation: Json,
    /// When.
    pub created_at: Timestamp,
}

const COLUMNS: &str =
    "id, rule_id, title, description, category, mode, matched, severity, score_delta, status_target, action_summary,
    explanation, created_at";

fn from_row(row: &Row) -> Result<RuleRun, StoreError> {
    let mut c = row.columns();
    Ok(RuleRun {
        id: c.take()?,
        rule: RuleId(c.take()?),
        title: c.take()?,
        description: c.take()?,
        category: c.take()?,
        mode: Mode::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("rule mode"))?,
        matched: c.take()?,
        severity: c.take::<Option<String>>()?.as_deref().and_then(Severity::from_name),
        score_delta: c.take()?,
        status_target: c.take::<Option<String>>()?.as_deref().and_then(TransactionStatus::from_name),
        action_summary: c.take()?,
        explanation: read_json(c.take::<Option<String>>()?.as_deref().unwrap_or("{}"))?,
        created_at: c.take()?,
    })
}

/// Writes the runs of a new transaction, in their order.
pub async fn insert_runs(tx: &mut Tx, transaction: TransactionId, runs: &[RuleRun]) -> Result<(), StoreError> {
    const WIDTH: usize = 15;
    let mut ordinal: i64 = 0;
    for part in parts(runs) {
        let mut params: Vec<Value> = Vec::with_capacity(part.len() * WIDTH);
        for run in part {
            ordinal += 1;
            params.extend([
                run.id.into(),
                run.rule.0.into(),
                (&run.title).into(),
                run.description.as_ref().into(),
                (&run.category).into(),
                run.mode.as_str().into(),
                run.matched.into(),
                run.severity.map(Severity::as_str).into(),
                run.score_delta.into(),
                run.status_target.map(TransactionStatus::as_str).into(),
                run.action_summary.as_ref().into(),
                run.explanation.to_string().into(),
                run.created_at.into(),
                transaction.0.into(),
                ordinal.into(),
            ]);
        }
        let rows: Vec<String> = (0..part.len()).map(|row| format!("({})", placeholders(row * WIDTH + 1, WIDTH))).collect();
        let sql = format!("INSERT INTO transaction_rule_runs ({COLUMNS}, transaction_id, ordinal) VALUES {}", rows.join(", "));
        tx.send(&sql, &params).await?;
    }
    Ok(())
}

/// The runs of a transaction, in their order.
pub async fn list_runs(tx: &mut Tx, transaction: TransactionId) -> Result<Vec<RuleRun>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM transaction_rule_runs WHERE transaction_id = $1 ORDER BY ordinal");
    tx.query(&sql, &[transaction.0.into()]).await?.iter().map(from_row).collect()
}

/// A tag of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransactionTag {
    /// Its id.
    pub uuid: Uuid,
    /// As it was first written.
    pub name: String,
    /// As it was first given.
    pub color: String,
}

fn tag_from_row(row: &Row) -> Result<TransactionTag, StoreError> {
    Ok(TransactionTag { uuid: row.get(0)?, name: row.get(1)?, color: row.get(2)? })
}

/// Writes a tag, if the application has none of its name or id.
pub async fn insert_tag(tx: &mut Tx, application: ApplicationId, tag: &TransactionTag, at: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO transaction_tags (id, application_id, name_key, name, color, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        &[
            tag.uuid.into(),
            application.0.into(),
            tag.name.to_lowercase().into(),
            (&tag.name).into(),
            (&tag.color).into(),
            at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The tag of this id.
pub async fn find_tag(tx: &mut Tx, application: ApplicationId, id: Uuid) -> Result<Option<TransactionTag>, StoreError> {
    let sql = "SELECT id, name, color FROM transaction_tags WHERE application_id = $1 AND id = $2";
    tx.query_opt(sql, &[application.0.into(), id.into()]).await?.as_ref().map(tag_from_row).transpose()
}

/// The tag of this name, however it is written.
pub async fn find_tag_by_name(tx: &mut Tx, application: ApplicationId, name: &str) -> Result<Option<TransactionTag>, StoreError> {
    let sql = "SELECT id, name, color FROM transaction_tags WHERE application_id = $1 AND name_key = $2";
    tx.query_opt(sql, &[application.0.into(), name.to_lowercase().into()]).await?.as_ref().map(tag_from_row).transpose()
}

/// Puts tags on a new transaction, in their order.
pub async fn insert_tag_uses(tx: &mut Tx, transaction: TransactionId, tags: &[TransactionTag]) -> Result<(), StoreError> {
    for (ordinal, tag) in (1_i64..).zip(tags) {
        let sql = "INSERT INTO transaction_tag_uses (transaction_id, ordinal, tag_id) VALUES ($1, $2, $3)";
        tx.send(sql, &[transaction.0.into(), ordinal.into(), tag.uuid.into()]).await?;
    }
    Ok(())
}

/// The tags of transactions, each in their order.
pub async fn list_tags(tx: &mut Tx, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, TransactionTag)>, StoreError> {
    let mut found = Vec::new();
    for chunk in transactions.chunks(256) {
        let sql = format!(
            "SELECT t.id, t.name, t.color, u.transaction_id FROM transaction_tag_uses u JOIN transaction_tags t ON t.id = u.tag_id
             WHERE u.transaction_id IN ({}) ORDER BY u.transaction_id, u.ordinal",
            placeholders(1, chunk.len())
        );
        let params: Vec<Value> = chunk.iter().map(|id| id.0.into()).collect();
        for row in tx.query(&sql, &params).await? {
            found.push((TransactionId(row.get(3)?), tag_from_row(&row)?));
        }
    }
    Ok(found)
}
