//! Values of records that an edit has changed since they were screened.
//!
//! `signals` holds what a decision was made with and stays as it is, so that it can be repeated. What a record holds *now*
//! is a correction where there is one, else the signal. Those who ask about now (duplicates, marks) read both.

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, RecordId, SessionId},
    time::Timestamp,
};

use super::{StoreError, Tx};

/// A condition on `signals s`: no correction has taken the signal's place.
pub(super) const NOT_CORRECTED: &str =
    "NOT EXISTS (SELECT 1 FROM corrected_signals x WHERE x.record_id = s.record_id AND x.entry_type = s.entry_type)";

/// Notes the value a record holds now; none: one that lists do not know.
pub async fn set_correction(
    tx: &mut Tx,
    application: ApplicationId,
    (session, record, recorded_at): (SessionId, RecordId, Timestamp),
    entry_type: EntryType,
    value: Option<&EntryValue>,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO corrected_signals (record_id, entry_type, application_id, session_id, key_digest, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (record_id, entry_type) DO UPDATE SET key_digest = excluded.key_digest",
        &[
            record.0.into(),
            entry_type.as_str().into(),
            application.0.into(),
            session.0.into(),
            value.map(|value| value.digest().to_vec()).into(),
            recorded_at.into(),
        ],
    )
    .await?;
    Ok(())
}
