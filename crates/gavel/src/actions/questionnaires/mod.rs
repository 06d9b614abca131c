//! Questionnaires: what people are asked (contract, entities §6).
//!
//! A questionnaire is a group of versions, like a workflow, and changes by the same table ([`Step`]). A workflow names one
//! by the id of a version or of the group; what somebody has answered stands in their session, so nothing here touches it.
//! Changes of an application's questionnaires and workflows wait for each other ([`applications::lock_settings`]): a
//! workflow never comes to name a questionnaire that goes in the same moment.

mod body;
mod view;

use std::collections::HashMap;

use gavel_core::{
    ids::{ApplicationId, QuestionnaireGroupId, QuestionnaireId},
    json::FieldErrors,
    time::Timestamp,
    workflow::Features,
};
use uuid::Uuid;

use super::{Caller, Error, versions::Step, workflows};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, applications,
        questionnaires::{self, Questionnaire},
    },
};
pub use body::{NewQuestionnaire, QuestionnaireChange};
pub use view::{QuestionnaireDetail, QuestionnaireRow};

/// A page of questionnaires and how many there are.
pub async fn list(app: &App, caller: &Caller, window: (u64, u64)) -> Result<(Vec<QuestionnaireRow>, u64), Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let (rows, total) = questionnaires::list_questionnaires(tx, application, window).await?;
                let mut names = workflow_names(tx, application).await?;
                let row = |row: Questionnaire| {
                    let names = names.remove(&row.group).unwrap_or_default();
                    QuestionnaireRow::of(row, names)
                };
                Ok((rows.into_iter().map(row).collect(), total))
            })
        })
        .await
}

/// The labels of the workflows that ask for each questionnaire, in the order of the list of workflows.
async fn workflow_names(tx: &mut Tx, application: ApplicationId) -> Result<HashMap<QuestionnaireGroupId, Vec<String>>, Error> {
    let askers = workflows::list_askers(tx, application).await?;
    let named: Vec<Uuid> = askers.iter().flat_map(|(_, named)| named.iter().copied()).collect();
    let groups: HashMap<_, _> = questionnaires::find_groups(tx, application, &named).await?.into_iter().collect();
    let mut names: HashMap<_, Vec<String>> = HashMap::new();
    for (label, named) in askers {
        let mut asked: Vec<_> = named.iter().filter_map(|id| groups.get(id)).collect();
        asked.sort_unstable();
        asked.dedup();
        for group in asked {
            names.entry(*group).or_default().push(label.clone());
        }
    }
    Ok(names)
}

/// Refuses features that name a questionnaire the application does not have.
pub(super) async fn must_know(tx: &mut Tx, application: ApplicationId, features: &Features) -> Result<(), Error> {
    let named: Vec<Uuid> = features.questionnaires().collect();
    let known = questionnaires::find_groups(tx, application, &named).await?;
    match named.iter().find(|id| !known.iter().any(|(known, _)| known == *id)) {
        None => Ok(()),
        Some(id) => {
            let text = format!(
                "Questionnaire '{id}' was not found for this application. Create the questionnaire first, then use its questionnaire_id."
            );
            Err(Error::Invalid(FieldErrors::plain("features", text)))
        }
    }
}

/// One version.
pub async fn show(app: &App, caller: &Caller, id: Uuid) -> Result<QuestionnaireDetail, Error> {
    let application = caller.application;
    let found = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { find(tx, application, id).await })).await?;
    Ok(QuestionnaireDetail::of(found))
}

async fn find(tx: &mut Tx, application: ApplicationId, id: Uuid) -> Result<Questionnaire, Error> {
    questionnaires::find_version(tx, application, id).await?.ok_or(Error::NOT_FOUND)
}

/// Makes a questionnaire with its first version.
pub async fn create(
    app: &App,
    caller: &Caller,
    body: Result<NewQuestionnaire, FieldErrors>,
) -> Result<QuestionnaireDetail, Error> {
    let (caller_, now, new) = (caller.clone(), app.clock.now(), body?);
    app.act(caller, move |tx| {
        Box::pin(async move {
            let questionnaire = new.questionnaire((new_id(), new_id()), now);
            questionnaires::insert_version(tx, caller_.application, &questionnaire).await?;
            caller_.audit(tx, "questionnaire.created", &objects(&questionnaire), now).await?;
            Ok(QuestionnaireDetail::of(questionnaire))
        })
    })
    .await
}

/// Changes a version, publishes a draft, or makes the next version, as its state and the body say.
pub async fn update(
    app: &App,
    caller: &Caller,
    id: Uuid,
    body: Result<QuestionnaireChange, FieldErrors>,
) -> Result<QuestionnaireDetail, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            applications::lock_settings(tx, caller_.application).await?;
            let standing = find(tx, caller_.application, id).await?;
            let change = body?;
            let step = Step::of(standing.is_published, change.publish)?;
            let mut questionnaire = change.over(standing.clone())?;
            match step {
                Step::Next => questionnaire = next_version(tx, caller_.application, questionnaire, now).await?,
                Step::Publish => {
                    let published =
                        Questionnaire { is_published: true, published_at: Some(now), updated_at: now, ..questionnaire };
                    questionnaires::set_version(tx, &published).await?;
                    questionnaire = published;
                }
                Step::Change if questionnaire != standing => {
                    questionnaire.updated_at = now;
                    questionnaires::set_version(tx, &questionnaire).await?;
                }
                Step::Change => {}
            }
            caller_.audit(tx, "questionnaire.updated", &objects(&questionnaire), now).await?;
            Ok(QuestionnaireDetail::of(questionnaire))
        })
    })
    .await
}

/// Writes the next published version in the place of a draft, if there is one.
async fn next_version(
    tx: &mut Tx,
    application: ApplicationId,
    questionnaire: Questionnaire,
    now: Timestamp,
) -> Result<Questionnaire, Error> {
    questionnaires::remove_draft(tx, application, questionnaire.group).await?;
    let last = questionnaires::find_last_version(tx, application, questionnaire.group).await?.unwrap_or(0);
    let next = Questionnaire {
        id: new_id(),
        version: last + 1,
        published_at: Some(now),
        created_at: now,
        updated_at: now,
        ..questionnaire
    };
    questionnaires::insert_version(tx, application, &next).await?;
    Ok(next)
}

/// Removes a version for good. Workflows that name it keep its id, and sessions their answers.
pub async fn remove(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            applications::lock_settings(tx, caller_.application).await?;
            let questionnaire = find(tx, caller_.application, id).await?;
            questionnaires::remove_version(tx, questionnaire.id).await?;
            caller_.audit(tx, "questionnaire.deleted", &objects(&questionnaire), now).await?;
            Ok(())
        })
    })
    .await
}

fn objects(questionnaire: &Questionnaire) -> [(&'static str, Uuid); 2] {
    [("questionnaire_group", questionnaire.group.0), ("questionnaire", questionnaire.id.0)]
}

/// The ids of a questionnaire and of its first version.
type NewIds = (QuestionnaireGroupId, QuestionnaireId);
