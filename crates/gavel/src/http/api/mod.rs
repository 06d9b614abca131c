//! Handlers, one file per resource. Each takes, acts and shows; what it may do and with which status it answers stands
//! in the table of routes.

pub mod api_keys;
pub mod audit;
pub mod blocklist;
pub mod businesses;
pub mod decisions;
pub mod destinations;
pub mod edits;
pub mod entries;
pub mod evidence;
pub mod files;
pub mod health;
pub mod list_history;
pub mod lists;
pub mod me;
pub mod media;
pub mod members;
pub mod notifications;
pub mod proposals;
pub mod questionnaires;
pub mod queue;
pub mod reviews;
pub mod screen;
pub mod session_notes;
pub mod sessions;
pub mod settings;
pub mod signins;
pub mod subjects;
pub mod sweeps;
pub mod transaction_rules;
pub mod transactions;
pub mod users;
pub mod webhooks;
pub mod workflows;
