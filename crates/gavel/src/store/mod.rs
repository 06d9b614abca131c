//! The only SQL.
//!
//! [`db`] is the adapter over both engines. Every other module is one noun: functions that take the transaction first,
//! hold one statement each, next to its binds, and translate between rows and the types of `gavel-core`. None of them
//! opens or ends a transaction; that is the business of `actions` and `workers`.

pub mod activities;
pub mod applications;
pub mod audit;
pub mod blocklist;
pub mod db;
pub mod dead_letters;
pub mod deliveries;
pub mod destinations;
pub mod duplicates;
pub mod entries;
pub mod entry_versions;
pub mod events;
pub mod hits;
pub mod idempotency;
pub mod imports;
pub mod keys;
pub mod lists;
pub mod marks;
pub mod media;
pub mod migrate;
pub mod outbox;
pub mod preview;
pub mod records;
pub mod revisions;
pub mod sessions;
pub mod subject_comments;
pub mod subject_facts;
pub mod subject_locks;
pub mod subjects;
pub mod workflows;

pub use db::{Row, Store, StoreError, Tx, Value};
