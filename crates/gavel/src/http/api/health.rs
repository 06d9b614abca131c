//! Is the server there, and can it work?

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::{
    app::App,
    http::error::body,
    store::{StoreError, applications},
};

/// The process runs.
pub async fn livez() -> Response {
    body(StatusCode::OK, &json!({ "status": "ok" }))
}

/// The process can serve without delay: its database answers, its screening indexes are loaded.
pub async fn readyz(State(app): State<App>) -> Response {
    match app.live.is_loaded() {
        true => healthcheck(State(app)).await,
        false => body(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "loading", "timestamp": app.clock.now() })),
    }
}

/// The contract's health call.
pub async fn healthcheck(State(app): State<App>) -> Response {
    let asked = app.store.read::<_, StoreError, _>(|tx| Box::pin(applications::list_applications(tx))).await;
    let (status, word) = match asked {
        Ok(_) => (StatusCode::OK, "ok"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    body(status, &json!({ "status": word, "timestamp": app.clock.now() })).into_response()
}
