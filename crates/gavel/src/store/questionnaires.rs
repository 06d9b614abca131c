//! Versions of questionnaires.

use gavel_core::{
    ids::{ApplicationId, QuestionnaireGroupId, QuestionnaireId},
    questionnaire::Form,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx, Value, db::placeholders};

/// One version of a questionnaire.
#[derive(Debug, Clone, PartialEq)]
pub struct Questionnaire {
    /// This version.
    pub id: QuestionnaireId,
    /// All versions of it; stable.
    pub group: QuestionnaireGroupId,
    /// From 1.
    pub version: u64,
    /// Otherwise a draft.
    pub is_published: bool,
    /// Its name.
    pub title: String,
    /// What it is for.
    pub description: Option<String>,
    /// Codes of the languages it is asked in.
    pub languages: Vec<String>,
    /// The one to fall back to.
    pub default_language: String,
    /// Whether it is in use.
    pub is_active: bool,
    /// What it asks.
    pub form: Form,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// When this version was made.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

const COLUMNS: &str =
    "id, group_id, version, status, title, description, languages, default_language, is_active, form, published_at,
    created_at, updated_at";

fn from_row(row: &Row) -> Result<Questionnaire, StoreError> {
    let mut c = row.columns();
    Ok(Questionnaire {
        id: QuestionnaireId(c.take()?),
        group: QuestionnaireGroupId(c.take()?),
        version: c.take()?,
        is_published: c.take::<String>()? == "published",
        title: c.take()?,
        description: c.take()?,
        languages: from_json(&c.take::<String>()?)?,
        default_language: c.take()?,
        is_active: c.take()?,
        form: from_json(&c.take::<String>()?)?,
        published_at: c.take()?,
        created_at: c.take()?,
        updated_at: c.take()?,
    })
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::unreadable("questionnaire"))
}

fn to_json(part: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(part).map_err(|error| StoreError::Fault(error.to_string()))
}

fn status_of(questionnaire: &Questionnaire) -> &'static str {
    if questionnaire.is_published { "published" } else { "draft" }
}

/// Writes a version.
pub async fn insert_version(tx: &mut Tx, application: ApplicationId, questionnaire: &Questionnaire) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO questionnaires (id, group_id, application_id, version, status, title, description, languages, default_language,
             is_active, form, published_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &[
            questionnaire.id.0.into(),
            questionnaire.group.0.into(),
            application.0.into(),
            questionnaire.version.into(),
            status_of(questionnaire).into(),
            (&questionnaire.title).into(),
            questionnaire.description.as_deref().into(),
            to_json(&questionnaire.languages)?.into(),
            (&questionnaire.default_language).into(),
            questionnaire.is_active.into(),
            to_json(&questionnaire.form)?.into(),
            questionnaire.published_at.into(),
            questionnaire.created_at.into(),
            questionnaire.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Writes what a change in place moves.
pub async fn set_version(tx: &mut Tx, questionnaire: &Questionnaire) -> Result<(), StoreError> {
    tx.send(
        "UPDATE questionnaires SET status = $2, title = $3, description = $4, languages = $5, default_language = $6, is_active = $7,
             form = $8, published_at = $9, updated_at = $10
         WHERE id = $1",
        &[
            questionnaire.id.0.into(),
            status_of(questionnaire).into(),
            (&questionnaire.title).into(),
            questionnaire.description.as_deref().into(),
            to_json(&questionnaire.languages)?.into(),
            (&questionnaire.default_language).into(),
            questionnaire.is_active.into(),
            to_json(&questionnaire.form)?.into(),
            questionnaire.published_at.into(),
            questionnaire.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The version named, or of the questionnaire named the latest published version or else its draft.
pub async fn find_version(tx: &mut Tx, application: ApplicationId, id: Uuid) -> Result<Option<Questionnaire>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM questionnaires WHERE application_id = $1 AND (group_id = $2 OR id = $2)
         ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END, status DESC, version DESC LIMIT 1"
    );
    tx.query_opt(&sql, &[application.0.into(), id.into()]).await?.as_ref().map(from_row).transpose()
}

/// The number of a questionnaire's latest version.
pub async fn find_last_version(
    tx: &mut Tx,
    application: ApplicationId,
    group: QuestionnaireGroupId,
) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT max(version) FROM questionnaires WHERE application_id = $1 AND group_id = $2";
    let row = tx.query_opt(sql, &[application.0.into(), group.0.into()]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// Which questionnaires these ids mean, each the id of a version or of a questionnaire; nothing for an unknown one.
pub async fn find_groups(
    tx: &mut Tx,
    application: ApplicationId,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, QuestionnaireGroupId)>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let params: Vec<Value> = [application.0].iter().chain(ids).map(|id| (*id).into()).collect();
    let ids = placeholders(2, ids.len());
    let sql = format!(
        "SELECT id, group_id FROM questionnaires WHERE application_id = $1 AND id IN ({ids})
         UNION SELECT group_id, group_id FROM questionnaires WHERE application_id = $1 AND group_id IN ({ids})"
    );
    tx.query(&sql, &params).await?.iter().map(|row| Ok((row.get(0)?, QuestionnaireGroupId(row.get(1)?)))).collect()
}

/// Removes a version.
pub async fn remove_version(tx: &mut Tx, id: QuestionnaireId) -> Result<(), StoreError> {
    tx.send("DELETE FROM questionnaires WHERE id = $1", &[id.0.into()]).await?;
    Ok(())
}

/// Removes the draft of a questionnaire, if there is one.
pub async fn remove_draft(tx: &mut Tx, application: ApplicationId, group: QuestionnaireGroupId) -> Result<(), StoreError> {
    let sql = "DELETE FROM questionnaires WHERE application_id = $1 AND group_id = $2 AND status = 'draft'";
    tx.send(sql, &[application.0.into(), group.0.into()]).await?;
    Ok(())
}

/// One row per questionnaire, its latest published version or else its draft; newest first. With the total.
pub async fn list_questionnaires(
    tx: &mut Tx,
    application: ApplicationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Questionnaire>, u64), StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM questionnaires q
         WHERE application_id = $1 AND id = (
             SELECT c.id FROM questionnaires c WHERE c.group_id = q.group_id ORDER BY c.status DESC, c.version DESC LIMIT 1)
         ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
    );
    let rows = tx.query(&sql, &[application.0.into(), limit.into(), offset.into()]).await?;
    let sql = "SELECT count(DISTINCT group_id) FROM questionnaires WHERE application_id = $1";
    let total = tx.query_opt(sql, &[application.0.into()]).await?.map_or(Ok(0), |row| row.get(0))?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}
