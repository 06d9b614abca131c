//! The application and its switches.

use axum::extract::State;
use gavel_core::json::{FieldErrors, Value};

use crate::{
    actions::{
        Caller,
        retention::{self, Report, ReportBody},
        settings::{self, SwitchesChange, SwitchesView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Json, ReadBody, Reply},
    },
};

impl ReadBody for SwitchesChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        SwitchesChange::read(sent)
    }
}

impl ReadBody for ReportBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        ReportBody::read(sent)
    }
}

/// Shows the switches.
pub async fn show(State(app): State<App>, caller: Caller) -> ApiResult<Reply<SwitchesView>> {
    Ok(Reply(settings::show(&app, &caller).await?))
}

/// Changes switches.
pub async fn update(State(app): State<App>, caller: Caller, Json(body): Json<SwitchesChange>) -> ApiResult<Reply<SwitchesView>> {
    Ok(Reply(settings::update(&app, &caller, body).await?))
}

/// What retention would take away.
pub async fn report(State(app): State<App>, caller: Caller, Json(body): Json<ReportBody>) -> ApiResult<Reply<Report>> {
    Ok(Reply(retention::report(&app, &caller, body).await?))
}
