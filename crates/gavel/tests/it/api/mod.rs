//! The API, one module per resource.

mod console_routes;
mod decision;
mod decision_form;
mod evidence;
mod destinations;
mod main_job;
mod reviews;
mod session_list;
mod sessions;
mod update_status;
