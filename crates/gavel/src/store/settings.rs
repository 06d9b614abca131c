//! The switches of an application, all in its own row.

use gavel_core::{
    guard::{Retention, Sweep},
    ids::ApplicationId,
    transaction::Thresholds,
};

use super::{StoreError, Tx};

/// The switches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// Whether a review sets the session's status.
    pub reviews_change_status: bool,
    /// Whether what an automatically declined session has shown is blocked.
    pub auto_blocklist_on_decline: bool,
    /// Days after which an approval ages out.
    pub kyc_expiry_days: Option<i64>,
    /// What becomes of approved sessions whose values are blocked later.
    pub sweep: Sweep,
    /// How long personal values are kept.
    pub retention: Retention,
    /// From which scores on a transaction goes to review, and is declined.
    pub transaction_scores: Thresholds,
}

/// The switches of an application.
pub async fn find_switches(tx: &mut Tx, id: ApplicationId) -> Result<Option<Switches>, StoreError> {
    let sql = "SELECT reviews_change_status, auto_blocklist_on_decline, kyc_expiry_days, sweep, retention, data_retention_months,
             transaction_review_score, transaction_decline_score
         FROM applications WHERE id = $1";
    let row = tx.query_opt(sql, &[id.0.into()]).await?;
    row.map(|row| {
        let mut c = row.columns();
        let unreadable = || StoreError::unreadable("switches");
        let (reviews_change_status, auto_blocklist_on_decline, kyc_expiry_days) = (c.take()?, c.take()?, c.take()?);
        let sweep = c.take::<Option<String>>()?.map_or(Some(Sweep::Off), |name| Sweep::from_name(&name));
        let kept = c.take::<Option<String>>()?.map(|text| serde_json::from_str::<Retention>(&text));
        let kept = kept.transpose().map_err(|_| unreadable())?.unwrap_or_default();
        let retention = Retention { sessions: c.take()?, ..kept };
        let sweep = sweep.ok_or_else(unreadable)?;
        let mut score = || u8::try_from(c.take::<i64>()?).map_err(|_| unreadable());
        let transaction_scores = Thresholds { review: score()?, decline: score()? };
        Ok(Switches { reviews_change_status, auto_blocklist_on_decline, kyc_expiry_days, sweep, retention, transaction_scores })
    })
    .transpose()
}

/// Writes the switches.
pub async fn set_switches(tx: &mut Tx, id: ApplicationId, switches: &Switches) -> Result<(), StoreError> {
    // Those of sessions are also part of the older configuration of webhooks and have a column of their own.
    let rest = Retention { sessions: None, ..switches.retention };
    let retention = serde_json::to_string(&rest).map_err(|_| StoreError::unreadable("switches"))?;
    tx.send(
        "UPDATE applications SET reviews_change_status = $2, auto_blocklist_on_decline = $3, kyc_expiry_days = $4, sweep = $5,
             retention = $6, data_retention_months = $7, transaction_review_score = $8, transaction_decline_score = $9
         WHERE id = $1",
        &[
            id.0.into(),
            switches.reviews_change_status.into(),
            switches.auto_blocklist_on_decline.into(),
            switches.kyc_expiry_days.into(),
            switches.sweep.as_str().into(),
            retention.into(),
            switches.retention.sessions.into(),
            i64::from(switches.transaction_scores.review).into(),
            i64::from(switches.transaction_scores.decline).into(),
        ],
    )
    .await?;
    Ok(())
}
