//! Questionnaires.

use axum::extract::State;
use gavel_core::json::{FieldErrors, Value};
use uuid::Uuid;

use crate::{
    actions::{
        Caller,
        questionnaires::{self, NewQuestionnaire, QuestionnaireChange, QuestionnaireDetail, QuestionnaireRow},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{Ids, Json, Nothing, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for NewQuestionnaire {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewQuestionnaire::read(sent)
    }
}

impl ReadBody for QuestionnaireChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        QuestionnaireChange::read(sent)
    }
}

/// A page of questionnaires.
pub async fn list(State(app): State<App>, caller: Caller, paging: Paging) -> ApiResult<Reply<Page<QuestionnaireRow>>> {
    let (rows, total) = questionnaires::list(&app, &caller, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// Makes a questionnaire.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewQuestionnaire>,
) -> ApiResult<Reply<QuestionnaireDetail>> {
    Ok(Reply(questionnaires::create(&app, &caller, body).await?))
}

/// One version.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<Uuid>) -> ApiResult<Reply<QuestionnaireDetail>> {
    Ok(Reply(questionnaires::show(&app, &caller, id).await?))
}

/// Changes a version or makes the next one.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(body): Json<QuestionnaireChange>,
) -> ApiResult<Reply<QuestionnaireDetail>> {
    Ok(Reply(questionnaires::update(&app, &caller, id, body).await?))
}

/// Removes a version.
pub async fn delete(State(app): State<App>, caller: Caller, Ids(id): Ids<Uuid>) -> ApiResult<Nothing> {
    questionnaires::remove(&app, &caller, id).await?;
    Ok(Nothing)
}
