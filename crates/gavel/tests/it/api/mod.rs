//! The API, one module per resource.

mod main_job;
