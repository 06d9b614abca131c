//! The API, one module per resource.

mod authentication;
mod blocklist;
mod console_routes;
mod conventions;
mod decision;
mod decision_form;
mod destinations;
mod entries;
mod entries_from_sessions;
mod evidence;
mod idempotency;
mod lists;
mod main_job;
mod matches;
mod media;
mod paging;
mod reviews;
mod screen;
mod session_list;
mod sessions;
mod update_status;
mod upkeep;
mod webhook;
mod workflows;
