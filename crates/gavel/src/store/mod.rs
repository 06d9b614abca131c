//! The only SQL.
//!
//! [`db`] is the adapter over both engines. Every other module is one noun: functions that take the transaction first,
//! hold one statement each, next to its binds, and translate between rows and the types of `gavel-core`. None of them
//! opens or ends a transaction; that is the business of `actions` and `workers`.

pub mod activities;
pub mod applications;
pub mod asked;
pub mod audit;
pub mod audit_chain;
pub mod audit_keys;
pub mod audit_log;
pub mod blocklist;
pub mod checkup;
pub mod corrections;
pub mod db;
pub mod dead_letters;
pub mod deliveries;
pub mod destinations;
pub mod duplicates;
pub mod entries;
pub mod entry_versions;
pub mod erase;
pub mod erase_transactions;
pub mod erasures;
pub mod events;
pub mod hits;
pub mod idempotency;
pub mod imported;
pub mod imports;
pub mod keys;
pub mod lists;
pub mod mails;
pub mod marks;
pub mod media;
pub mod member_links;
pub mod members;
pub mod migrate;
pub mod notifications;
pub mod outbox;
pub mod pending_reviews;
pub mod presences;
pub mod preview;
pub mod preview_transactions;
pub mod proposals;
pub mod questionnaires;
pub mod queue;
pub mod records;
pub mod retention;
pub mod revisions;
pub mod screenings;
pub mod session_files;
pub mod session_imports;
pub mod sessions;
pub mod settings;
pub mod shares;
pub mod signins;
pub mod subject_comments;
pub mod subject_facts;
pub mod subject_locks;
pub mod subject_origins;
pub mod subject_tags;
pub mod subjects;
pub mod sweeps;
pub mod tags;
pub mod traces;
pub mod transaction_locks;
pub mod transaction_parts;
pub mod transaction_past;
pub mod transaction_rule_runs;
pub mod transaction_rules;
pub mod transactions;
pub mod workflows;

pub use db::{Row, Store, StoreError, Tx, Value};

use gavel_core::entry::{EntryType, EntryValue};

/// Three columns: type, value and match key of a value that was screened.
fn read_entry_value(c: &mut db::Columns<'_>) -> Result<EntryValue, StoreError> {
    let entry_type = EntryType::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("entry type"))?;
    Ok(EntryValue::from_store(entry_type, c.take()?, c.take()?))
}
