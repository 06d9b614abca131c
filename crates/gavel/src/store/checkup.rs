//! What `gavel doctor` asks a database about work that is left lying: counts and ages, of nobody in particular.

use gavel_core::{guard::Approval, ids::ApplicationId, time::Timestamp};

use super::{StoreError, Tx};

/// How much of something waits, and since when the oldest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// The oldest; none where nothing waits.
    pub since: Option<Timestamp>,
}

async fn waiting(tx: &mut Tx, sql: &str, params: &[super::Value]) -> Result<Waiting, StoreError> {
    let row = tx.query_opt(sql, params).await?.ok_or_else(|| StoreError::unreadable("count"))?;
    Ok(Waiting { count: row.get(0)?, since: row.get(1)? })
}

/// Audit rows that are in no chain yet.
pub async fn find_unsealed(tx: &mut Tx) -> Result<Waiting, StoreError> {
    let sql = "SELECT count(*), min(e.created_at) FROM audit_unsealed u JOIN audit_events e ON e.id = u.event_id";
    waiting(tx, sql, &[]).await
}

/// Events that were given up.
pub async fn find_dead_letters(tx: &mut Tx) -> Result<Waiting, StoreError> {
    waiting(tx, "SELECT count(*), min(given_up_at) FROM dead_letters", &[]).await
}

/// Mails that were tried and have not got through yet.
pub async fn find_stuck_mails(tx: &mut Tx) -> Result<Waiting, StoreError> {
    waiting(tx, "SELECT count(*), min(created_at) FROM mails WHERE failed_at IS NULL AND attempts > 0", &[]).await
}

/// Why mails have not got through, most frequent first; whether they were given up; how many.
pub async fn list_mail_failures(tx: &mut Tx) -> Result<Vec<(String, bool, u64)>, StoreError> {
    let sql = "SELECT failure, failed_at IS NOT NULL, count(*) FROM mails WHERE failure IS NOT NULL
         GROUP BY 1, 2 ORDER BY 3 DESC, 1";
    tx.query(sql, &[]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}

/// Deliveries, mails, sweeps and erasures whose worker took them and has not come back in time.
pub async fn find_expired_leases(tx: &mut Tx, now: Timestamp) -> Result<Waiting, StoreError> {
    let sql = "SELECT count(*), min(leased_until) FROM (
             SELECT leased_until FROM outbox WHERE lease_token IS NOT NULL
             UNION ALL SELECT leased_until FROM mails WHERE lease_token IS NOT NULL AND failed_at IS NULL
             UNION ALL SELECT leased_until FROM sweeps WHERE finished_at IS NULL AND leased_until > 0
             UNION ALL SELECT leased_until FROM erasures WHERE finished_at IS NULL AND leased_until > 0) leases
         WHERE leased_until < $1";
    waiting(tx, sql, &[now.into()]).await
}

/// Lists of an application that somebody has said something of: name, and which of its changes need another person.
pub async fn list_approvals(tx: &mut Tx, application: ApplicationId) -> Result<Vec<(String, Approval)>, StoreError> {
    let sql = "SELECT name, approval FROM lists
         WHERE application_id = $1 AND deleted_at IS NULL AND approval IS NOT NULL ORDER BY name";
    let approval = |text: String| serde_json::from_str(&text).map_err(|_| StoreError::unreadable("approval"));
    tx.query(sql, &[application.0.into()]).await?.iter().map(|row| Ok((row.get(0)?, approval(row.get(1)?)?))).collect()
}
