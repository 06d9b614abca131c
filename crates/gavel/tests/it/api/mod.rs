//! The API, one module per resource.

mod console_routes;
mod main_job;
