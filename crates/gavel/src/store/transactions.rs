//! Transactions: one row each. What hangs on it (signals, hits, alerts, activities) is in [`super::transaction_parts`].

use gavel_core::{
    ids::{ApplicationId, SessionId, TransactionId},
    session::{SessionKind, SessionStatus},
    time::Timestamp,
    transaction::{Amount, Category, CurrencyKind, Direction, Reason, Severity, Source, TransactionStatus},
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value, db::placeholders};

/// A transaction.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Its id.
    pub id: TransactionId,
    /// What a list shows.
    pub head: Head,
    /// Moves by one with every event.
    pub version: u64,
    /// Where it came from.
    pub source: Source,
    /// What kind of money.
    pub currency_kind: Option<CurrencyKind>,
    /// The same in another currency.
    pub amount_in_default_currency: Option<Amount>,
    /// That currency.
    pub default_currency: Option<String>,
    /// The payment's id elsewhere.
    pub payment_txn_id: Option<String>,
    /// Name of a time zone.
    pub zone_id: Option<String>,
    /// A person or a company.
    pub subject_kind: SessionKind,
    /// JSON array, as answered.
    pub parties: Json,
    /// JSON array, as answered.
    pub payment_methods: Json,
    /// The caller's free values.
    pub props: Json,
    /// The caller's graph, as answered.
    pub network_snapshot: Option<Json>,
    /// What conditions of rules see: a JSON object.
    pub facts: Json,
    /// The session the subject was sent to.
    pub remediation_session: Option<SessionId>,
    /// Which lists it was decided by.
    pub lists_revision: u64,
    /// At which instant.
    pub evaluated_at: Timestamp,
}

/// What a list shows of a transaction.
#[derive(Debug, Clone)]
pub struct Head {
    /// Running number per application, from 1.
    pub number: u64,
    /// The caller's own id.
    pub txn_id: String,
    /// What kind of event.
    pub category: Category,
    /// What was done.
    pub action_type: String,
    /// Where it stands.
    pub status: TransactionStatus,
    /// Which way the money goes.
    pub direction: Direction,
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: String,
    /// What it is for.
    pub payment_details: Option<String>,
    /// 0 to 100.
    pub score: u8,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Why it stands there.
    pub reason: Option<Reason>,
    /// The customer's own user or business.
    pub subject: Named,
    /// The other side.
    pub counterparty: Named,
    /// When it happened.
    pub txn_date: Timestamp,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// What a list shows of a party.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The caller's own id of it.
    pub vendor_data: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its country, as sent.
    pub country: Option<String>,
}

const HEAD: &str =
    "id, number, txn_id, category, action_type, status, direction, amount, currency, payment_details, score, severity,
    reason_code, reason_label, subject_vendor_data, subject_name, subject_country, counterparty_vendor_data, counterparty_name,
    counterparty_country, txn_date, created_at";

const REST: &str =
    "version, source, currency_type, default_amount, default_currency, payment_txn_id, zone_id, subject_kind, parties,
    payment_methods, props, network_snapshot, facts, remediation_session_id, lists_revision, evaluated_at";

/// Columns of [`HEAD`].
const HEAD_WIDTH: usize = 22;

fn unreadable<T>(found: Option<T>, what: &'static str) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::unreadable(what))
}

/// A body may be 128 levels deep; what is stored of it has a few more around it.
pub(super) fn read_json(text: &str) -> Result<Json, StoreError> {
    let mut stored = serde_json::Deserializer::from_str(text);
    stored.disable_recursion_limit();
    serde::Deserialize::deserialize(&mut stored).map_err(|_| StoreError::unreadable("transaction"))
}

fn read_amount(text: &str) -> Result<Amount, StoreError> {
    unreadable(Amount::parse(text).ok(), "amount")
}

fn head_from_row(row: &Row) -> Result<(TransactionId, Head), StoreError> {
    let mut c = row.columns();
    let id = TransactionId(c.take()?);
    let head = Head {
        number: c.take()?,
        txn_id: c.take()?,
        category: unreadable(Category::from_name(&c.take::<String>()?), "transaction category")?,
        action_type: c.take()?,
        status: unreadable(TransactionStatus::from_name(&c.take::<String>()?), "transaction status")?,
        direction: unreadable(Direction::from_name(&c.take::<String>()?), "direction")?,
        amount: read_amount(&c.take::<String>()?)?,
        currency: c.take()?,
        payment_details: c.take()?,
        score: unreadable(u8::try_from(c.take::<i64>()?).ok(), "score")?,
        severity: c.take::<Option<String>>()?.map(|name| unreadable(Severity::from_name(&name), "severity")).transpose()?,
        reason: c.take::<Option<String>>()?.zip(c.take()?).map(|(code, label)| Reason { code, label }),
        subject: Named { vendor_data: c.take()?, name: c.take()?, country: c.take()? },
        counterparty: Named { vendor_data: c.take()?, name: c.take()?, country: c.take()? },
        txn_date: c.take()?,
        created_at: c.take()?,
    };
    Ok((id, head))
}

fn from_row(row: &Row) -> Result<Transaction, StoreError> {
    let (id, head) = head_from_row(row)?;
    let mut c = row.columns_from(HEAD_WIDTH);
    Ok(Transaction {
        id,
        head,
        version: c.take()?,
        source: unreadable(Source::from_name(&c.take::<String>()?), "transaction source")?,
        currency_kind: c
            .take::<Option<String>>()?
            .map(|name| unreadable(CurrencyKind::from_name(&name), "currency"))
            .transpose()?,
        amount_in_default_currency: c.take::<Option<String>>()?.as_deref().map(read_amount).transpose()?,
        default_currency: c.take()?,
        payment_txn_id: c.take()?,
        zone_id: c.take()?,
        subject_kind: unreadable(SessionKind::from_name(&c.take::<String>()?), "subject kind")?,
        parties: read_json(&c.take::<String>()?)?,
        payment_methods: read_json(&c.take::<String>()?)?,
        props: read_json(&c.take::<String>()?)?,
        network_snapshot: c.take::<Option<String>>()?.as_deref().map(read_json).transpose()?,
        facts: read_json(&c.take::<String>()?)?,
        remediation_session: c.take::<Option<Uuid>>()?.map(SessionId),
        lists_revision: c.take()?,
        evaluated_at: c.take()?,
    })
}

/// Every column, in the order of [`params_of`].
fn columns() -> String {
    format!(
        "{HEAD}, {REST}, application_id, amount_0, amount_1, amount_2, amount_3, default_amount_0, default_amount_1,
         default_amount_2, default_amount_3"
    )
}

/// Writes a new transaction. `false`: the application has one with this `txn_id`.
pub async fn insert_transaction(tx: &mut Tx, application: ApplicationId, new: &Transaction) -> Result<bool, StoreError> {
    let params = params_of(application, new);
    let sql = format!(
        "INSERT INTO transactions ({}) VALUES ({}) ON CONFLICT (application_id, txn_id) DO NOTHING",
        columns(),
        placeholders(1, params.len())
    );
    Ok(tx.execute(&sql, &params).await? == 1)
}

/// Writes a transaction that is there anew: an import says something else of it.
pub async fn set_transaction(tx: &mut Tx, application: ApplicationId, changed: &Transaction) -> Result<(), StoreError> {
    let params = params_of(application, changed);
    let columns = columns();
    let sets: Vec<String> =
        columns.split(',').zip(1..).skip(1).map(|(column, place)| format!("{} = ${place}", column.trim())).collect();
    tx.send(&format!("UPDATE transactions SET {} WHERE id = $1", sets.join(", ")), &params).await?;
    Ok(())
}

fn params_of(application: ApplicationId, new: &Transaction) -> Vec<Value> {
    let Head { subject, counterparty, reason, .. } = &new.head;
    let default = new.amount_in_default_currency.as_ref();
    let mut params: Vec<Value> = vec![
        new.id.0.into(),
        new.head.number.into(),
        (&new.head.txn_id).into(),
        new.head.category.as_str().into(),
        (&new.head.action_type).into(),
        new.head.status.as_str().into(),
        new.head.direction.as_str().into(),
        new.head.amount.as_str().into(),
        (&new.head.currency).into(),
        new.head.payment_details.as_ref().into(),
        i64::from(new.head.score).into(),
        new.head.severity.map(Severity::as_str).into(),
        reason.as_ref().map(|reason| &reason.code).into(),
        reason.as_ref().map(|reason| &reason.label).into(),
    ];
    for Named { vendor_data, name, country } in [subject, counterparty] {
        params.extend([vendor_data.as_ref().into(), name.as_ref().into(), country.as_ref().into()]);
    }
    params.extend([
        new.head.txn_date.into(),
        new.head.created_at.into(),
        new.version.into(),
        new.source.as_str().into(),
        new.currency_kind.map(CurrencyKind::as_str).into(),
        default.map(Amount::as_str).into(),
        new.default_currency.as_ref().into(),
        new.payment_txn_id.as_ref().into(),
        new.zone_id.as_ref().into(),
        new.subject_kind.as_str().into(),
        new.parties.to_string().into(),
        new.payment_methods.to_string().into(),
        new.props.to_string().into(),
        new.network_snapshot.as_ref().map(Json::to_string).into(),
        new.facts.to_string().into(),
        new.remediation_session.map(|id| id.0).into(),
        new.lists_revision.into(),
        new.evaluated_at.into(),
        application.0.into(),
    ]);
    params.extend(new.head.amount.limbs().map(Value::from));
    params.extend([0, 1, 2, 3].map(|limb: usize| Value::from(default.map(|amount| amount.limbs()[limb]))));
    params
}

/// The transaction, when it is of this application.
pub async fn find_transaction(
    tx: &mut Tx,
    application: ApplicationId,
    id: TransactionId,
) -> Result<Option<Transaction>, StoreError> {
    let sql = format!("SELECT {HEAD}, {REST} FROM transactions WHERE application_id = $1 AND id = $2");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// The same, locked until the end of the transaction of the database.
pub async fn lock_transaction(
    tx: &mut Tx,
    application: ApplicationId,
    id: TransactionId,
) -> Result<Option<Transaction>, StoreError> {
    let lock = tx.for_no_key_update();
    let sql = format!("SELECT {HEAD}, {REST} FROM transactions WHERE application_id = $1 AND id = $2{lock}");
    tx.query_opt(&sql, &[application.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Writes status and version.
pub async fn set_status(tx: &mut Tx, of: &Transaction) -> Result<(), StoreError> {
    let params = [of.id.0.into(), of.head.status.as_str().into(), of.version.into()];
    tx.send("UPDATE transactions SET status = $2, version = $3 WHERE id = $1", &params).await
}

/// Transactions that wait for a session which stands at one of these statuses, or is gone.
pub async fn list_waiting_for(
    tx: &mut Tx,
    ended: &[SessionStatus],
    most: u64,
) -> Result<Vec<(ApplicationId, TransactionId)>, StoreError> {
    let sql = format!(
        "SELECT t.application_id, t.id FROM transactions t
         LEFT JOIN sessions s ON s.id = t.remediation_session_id AND s.deleted_at IS NULL
         WHERE t.status = 'AWAITING_USER' AND t.remediation_session_id IS NOT NULL AND (s.id IS NULL OR s.status IN ({}))
         LIMIT $1",
        placeholders(2, ended.len())
    );
    let params: Vec<Value> = std::iter::once(most.into()).chain(ended.iter().map(|status| status.as_str().into())).collect();
    let read = |row: &Row| Ok((ApplicationId(row.get(0)?), TransactionId(row.get(1)?)));
    tx.query(&sql, &params).await?.iter().map(read).collect()
}

/// Whether the application has a transaction with this `txn_id`.
pub async fn is_known(tx: &mut Tx, application: ApplicationId, txn_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM transactions WHERE application_id = $1 AND txn_id = $2";
    Ok(tx.query_opt(sql, &[application.0.into(), txn_id.into()]).await?.is_some())
}

/// A page of transactions, the latest first, and how many there are in all.
pub async fn list_transactions(
    tx: &mut Tx,
    application: ApplicationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<(TransactionId, Head)>, u64), StoreError> {
    let total = tx.query_opt("SELECT count(*) FROM transactions WHERE application_id = $1", &[application.0.into()]).await?;
    let sql = format!(
        "SELECT {HEAD} FROM transactions WHERE application_id = $1 ORDER BY txn_date DESC, number DESC LIMIT $2 OFFSET $3"
    );
    let rows = tx.query(&sql, &[application.0.into(), limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(head_from_row).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}

/// When the last transaction of a subject before an instant happened.
pub async fn find_previous_date(
    tx: &mut Tx,
    application: ApplicationId,
    (kind, vendor_data): (SessionKind, &str),
    until: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT txn_date FROM transactions
         WHERE application_id = $1 AND subject_vendor_data = $2 AND txn_date <= $3 AND subject_kind = $4
         ORDER BY txn_date DESC LIMIT 1";
    let params = [application.0.into(), vendor_data.into(), until.into(), kind.as_str().into()];
    tx.query_opt(sql, &params).await?.map(|row| row.get(0)).transpose()
}
