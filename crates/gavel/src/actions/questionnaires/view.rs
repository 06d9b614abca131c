//! A questionnaire as answered.

use gavel_core::{
    ids::{QuestionnaireGroupId, QuestionnaireId},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;

use crate::store::questionnaires::Questionnaire;

/// A row of the list.
#[derive(Debug, Serialize)]
pub struct QuestionnaireRow {
    uuid: QuestionnaireId,
    title: String,
    description: Option<String>,
    languages: Vec<String>,
    default_language: String,
    is_active: bool,
    is_simple_questionnaire: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    question_types: Vec<&'static str>,
    workflow_names: Vec<String>,
    questionnaire_group_id: QuestionnaireGroupId,
    version: u64,
    status: &'static str,
    published_at: Option<Timestamp>,
    is_editable: bool,
}

/// One version.
#[derive(Debug, Serialize)]
pub struct QuestionnaireDetail {
    questionnaire_id: QuestionnaireId,
    title: String,
    description: Option<String>,
    languages: Vec<String>,
    default_language: String,
    is_active: bool,
    is_simple_questionnaire: bool,
    graph: Value,
    sections: [(); 0],
    questionnaire_group_id: QuestionnaireGroupId,
    version: u64,
    status: &'static str,
    published_at: Option<Timestamp>,
    is_editable: bool,
}

fn status(row: &Questionnaire) -> &'static str {
    if row.is_published { "published" } else { "draft" }
}

impl QuestionnaireRow {
    pub(super) fn of(row: Questionnaire, workflow_names: Vec<String>) -> Self {
        Self {
            uuid: row.id,
            status: status(&row),
            title: row.title,
            description: row.description,
            languages: row.languages,
            default_language: row.default_language,
            is_active: row.is_active,
            is_simple_questionnaire: true,
            created_at: row.created_at,
            updated_at: row.updated_at,
            question_types: row.form.question_types(),
            workflow_names,
            questionnaire_group_id: row.group,
            version: row.version,
            published_at: row.published_at,
            is_editable: !row.is_published,
        }
    }
}

impl QuestionnaireDetail {
    pub(super) fn of(row: Questionnaire) -> Self {
        Self {
            questionnaire_id: row.id,
            status: status(&row),
            title: row.title,
            description: row.description,
            languages: row.languages,
            default_language: row.default_language,
            is_active: row.is_active,
            is_simple_questionnaire: true,
            graph: row.form.graph(),
            sections: [],
            questionnaire_group_id: row.group,
            version: row.version,
            published_at: row.published_at,
            is_editable: !row.is_published,
        }
    }
}
