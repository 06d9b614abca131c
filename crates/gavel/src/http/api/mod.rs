//! Handlers, one file per resource. Each takes, acts and shows; what it may do and with which status it answers stands
//! in the table of routes.

pub mod blocklist;
pub mod businesses;
pub mod decisions;
pub mod destinations;
pub mod entries;
pub mod evidence;
pub mod files;
pub mod health;
pub mod list_history;
pub mod lists;
pub mod media;
pub mod reviews;
pub mod screen;
pub mod sessions;
pub mod users;
pub mod webhooks;
pub mod workflows;
