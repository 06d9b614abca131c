//! Screening without a session.

use axum::extract::State;
use gavel_core::json::{FieldErrors, Value};

use crate::{
    actions::{
        Caller,
        screen::{self, Question, Verdict},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Json, ReadBody, Reply},
    },
};

impl ReadBody for Question {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Question::read(sent)
    }
}

/// What the lists say about these values.
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<Question>) -> ApiResult<Reply<Verdict>> {
    Ok(Reply(screen::screen(&app, &caller, body).await?))
}
