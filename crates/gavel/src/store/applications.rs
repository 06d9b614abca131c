//! Applications, their settings and their counters.

use gavel_core::{
    ids::ApplicationId,
    session::{Environment, SessionKind},
    time::Timestamp,
};

use super::{Row, StoreError, Tx};

/// An application and its settings.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// What people call it.
    pub name: String,
    /// Live or sandbox; fixed at creation.
    pub environment: Environment,
    /// Whether a review sets the session's status (contract, reviews §2).
    pub reviews_change_status: bool,
    /// Secret of the single-URL webhook configuration, encrypted.
    pub webhook_secret: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, name, environment, reviews_change_status, webhook_secret, created_at";

fn from_row(row: &Row) -> Result<Application, StoreError> {
    let mut c = row.columns();
    Ok(Application {
        id: ApplicationId(c.take()?),
        name: c.take()?,
        environment: Environment::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("environment"))?,
        reviews_change_status: c.take()?,
        webhook_secret: c.take()?,
        created_at: c.take()?,
    })
}

/// Counters of an application. A row is locked from its first change to the end of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Number of the last change to any list.
    ListsRevision,
    /// Number of the last user session.
    SessionNumber,
    /// Number of the last business session.
    BusinessSessionNumber,
    /// Number of the last transaction.
    TransactionNumber,
    /// Number of the last change to any rule of transactions.
    RulesRevision,
}

impl Counter {
    const ALL: [Self; 5] =
        [Self::ListsRevision, Self::SessionNumber, Self::BusinessSessionNumber, Self::TransactionNumber, Self::RulesRevision];

    fn name(self) -> &'static str {
        match self {
            Self::ListsRevision => "lists_revision",
            Self::SessionNumber => "session_number",
            Self::BusinessSessionNumber => "business_session_number",
            Self::TransactionNumber => "transaction_number",
            Self::RulesRevision => "rules_revision",
        }
    }
}

/// Writes a new application with its counters at zero.
pub async fn insert_application(tx: &mut Tx, application: &Application) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO applications (id, name, environment, reviews_change_status, auto_blocklist_on_decline,
             webhook_version, webhook_secret, capture_method, created_at)
         VALUES ($1, $2, $3, $4, $5, 'v3', $6, 'both', $7)",
        &[
            application.id.0.into(),
            (&application.name).into(),
            application.environment.as_str().into(),
            application.reviews_change_status.into(),
            false.into(),
            application.webhook_secret.clone().into(),
            application.created_at.into(),
        ],
    )
    .await?;
    for counter in Counter::ALL {
        tx.send(
            "INSERT INTO counters (application_id, name, value) VALUES ($1, $2, 0)",
            &[application.id.0.into(), counter.name().into()],
        )
        .await?;
    }
    Ok(())
}

/// The application, if it exists.
pub async fn find_application(tx: &mut Tx, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM applications WHERE id = $1"), &[id.0.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// All applications, oldest first.
pub async fn list_applications(tx: &mut Tx) -> Result<Vec<Application>, StoreError> {
    let rows = tx.query(&format!("SELECT {COLUMNS} FROM applications ORDER BY created_at, id"), &[]).await?;
    rows.iter().map(from_row).collect()
}

/// Applications whose approvals age out, and after how many days.
pub async fn list_kyc_expiries(tx: &mut Tx) -> Result<Vec<(ApplicationId, i64)>, StoreError> {
    let rows = tx.query("SELECT id, kyc_expiry_days FROM applications WHERE kyc_expiry_days IS NOT NULL", &[]).await?;
    rows.iter().map(|row| Ok((ApplicationId(row.get(0)?), row.get(1)?))).collect()
}

/// Takes the next number. The row stays locked, so numbers are handed out in the order of commits.
pub async fn take_next(tx: &mut Tx, id: ApplicationId, counter: Counter) -> Result<u64, StoreError> {
    let row = tx
        .query_opt(
            "UPDATE counters SET value = value + 1 WHERE application_id = $1 AND name = $2 RETURNING value",
            &[id.0.into(), counter.name().into()],
        )
        .await?;
    row.ok_or_else(|| StoreError::unreadable("counter"))?.get(0)
}

/// Takes the number of the next session of a kind.
pub async fn take_session_number(tx: &mut Tx, id: ApplicationId, kind: SessionKind) -> Result<i64, StoreError> {
    let counter = match kind {
        SessionKind::User => Counter::SessionNumber,
        SessionKind::Business => Counter::BusinessSessionNumber,
    };
    Ok(i64::try_from(take_next(tx, id, counter).await?).unwrap_or(i64::MAX))
}

/// The last number handed out; its row stays locked. Whoever goes on takes the next one with [`set_current`].
pub async fn lock_current(tx: &mut Tx, id: ApplicationId, counter: Counter) -> Result<u64, StoreError> {
    let sql = format!("SELECT value FROM counters WHERE application_id = $1 AND name = $2{}", tx.for_update());
    let row = tx.query_opt(&sql, &[id.0.into(), counter.name().into()]).await?;
    row.ok_or_else(|| StoreError::unreadable("counter"))?.get(0)
}

/// Hands a number out. Only under the lock of [`lock_current`].
pub async fn set_current(tx: &mut Tx, id: ApplicationId, counter: Counter, value: u64) -> Result<(), StoreError> {
    tx.send(
        "UPDATE counters SET value = $3 WHERE application_id = $1 AND name = $2",
        &[id.0.into(), counter.name().into(), value.into()],
    )
    .await?;
    Ok(())
}

/// The last number handed out, as this transaction sees it.
pub async fn current(tx: &mut Tx, id: ApplicationId, counter: Counter) -> Result<u64, StoreError> {
    let row = tx
        .query_opt("SELECT value FROM counters WHERE application_id = $1 AND name = $2", &[id.0.into(), counter.name().into()])
        .await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// The single-URL webhook configuration, as far as it stands in the application itself.
#[derive(Debug, Clone)]
pub struct SingleUrl {
    /// Form of the decision while there is no URL.
    pub webhook_version: String,
    /// Encrypted.
    pub secret: Vec<u8>,
    /// `mobile`, `desktop` or `both`.
    pub capture_method: String,
    /// 1 to 120.
    pub data_retention_months: Option<i64>,
}

/// Nobody else changes the settings before the end of the transaction. Comes before the lock of a destination. A write,
/// because a locking read would also hold up whoever only refers to the application.
pub async fn lock_settings(tx: &mut Tx, id: ApplicationId) -> Result<(), StoreError> {
    tx.send("UPDATE applications SET webhook_version = webhook_version WHERE id = $1", &[id.0.into()]).await?;
    Ok(())
}

/// Reads the configuration.
pub async fn find_single_url(tx: &mut Tx, id: ApplicationId) -> Result<Option<SingleUrl>, StoreError> {
    let sql = "SELECT webhook_version, webhook_secret, capture_method, data_retention_months FROM applications WHERE id = $1";
    let row = tx.query_opt(sql, &[id.0.into()]).await?;
    row.map(|row| {
        let mut c = row.columns();
        Ok(SingleUrl {
            webhook_version: c.take()?,
            secret: c.take()?,
            capture_method: c.take()?,
            data_retention_months: c.take()?,
        })
    })
    .transpose()
}

/// Writes the configuration.
pub async fn set_single_url(tx: &mut Tx, id: ApplicationId, single: &SingleUrl) -> Result<(), StoreError> {
    tx.send(
        "UPDATE applications SET webhook_version = $2, webhook_secret = $3, capture_method = $4, data_retention_months = $5
         WHERE id = $1",
        &[
            id.0.into(),
            (&single.webhook_version).into(),
            single.secret.clone().into(),
            (&single.capture_method).into(),
            single.data_retention_months.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The version of the destination behind the configuration.
pub async fn set_webhook_version(tx: &mut Tx, id: ApplicationId, version: &str) -> Result<(), StoreError> {
    tx.send("UPDATE applications SET webhook_version = $2 WHERE id = $1", &[id.0.into(), version.into()]).await?;
    Ok(())
}

/// The secret of the destination behind the configuration, encrypted.
pub async fn set_webhook_secret(tx: &mut Tx, id: ApplicationId, sealed: &[u8]) -> Result<(), StoreError> {
    tx.send("UPDATE applications SET webhook_secret = $2 WHERE id = $1", &[id.0.into(), sealed.into()]).await?;
    Ok(())
}

/// A fact every process on this database must agree on; writes it when nobody has yet, and answers what stands.
pub async fn agree_on(tx: &mut Tx, name: &str, value: &str) -> Result<String, StoreError> {
    tx.send("INSERT INTO server_facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", &[name.into(), value.into()])
        .await?;
    let row = tx.query_opt("SELECT value FROM server_facts WHERE name = $1", &[name.into()]).await?;
    row.ok_or_else(|| StoreError::unreadable("server fact"))?.get(0)
}
