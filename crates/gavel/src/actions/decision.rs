//! The decision: a session with everything recorded about it (contract, sessions §4).
//!
//! It is built from rows as JSON, with stored files as placeholders, because the same object goes into webhooks, where
//! links are made anew for every attempt. [`show`] puts links in.

use gavel_core::{
    evidence::{Feature, ServerMembers, compose, link_decision_media, stored_media},
    ids::SessionId,
    review::ActivityType,
    session::{SessionKind, SessionStatus},
};
use serde_json::{Map, Value, json, value::RawValue};

use super::{Caller, Error, reviews::ActivityView};
use crate::{
    app::App,
    media,
    store::{
        Tx,
        activities::{self, Activity},
        applications::{self, Application},
        events,
        records::{self, Record},
        sessions::{self, Session},
    },
};

/// The feature arrays of a user session, in the contract's order, with the feature whose shape they have.
const USER_ARRAYS: [Feature; 12] = [
    Feature::Ocr,
    Feature::Nfc,
    Feature::Liveness,
    Feature::FaceMatch,
    Feature::PhoneVerification,
    Feature::EmailVerification,
    Feature::ProofOfAddress,
    Feature::DocumentAi,
    Feature::Questionnaire,
    Feature::Aml,
    Feature::IpAnalysis,
    Feature::DatabaseValidation,
];

/// Those a business session has of them.
const BUSINESS_ARRAYS: [Feature; 5] =
    [Feature::PhoneVerification, Feature::EmailVerification, Feature::Questionnaire, Feature::Aml, Feature::IpAnalysis];

/// A decision as answered, and the session's version.
pub async fn show(app: &App, caller: &Caller, id: SessionId, with_events: bool) -> Result<(Value, u64), Error> {
    let (application, build) = (caller.application, app.clone());
    let (decision, version) = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let session = sessions::find_session(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                let application = applications::find_application(tx, application).await?.ok_or(Error::NOT_FOUND)?;
                let mut decision = load(tx, &build, &application, &session).await?;
                if with_events && session.kind == SessionKind::User {
                    add_events(tx, &session, &mut decision).await?;
                }
                Ok((decision, session.version))
            })
        })
        .await?;
    Ok((linked(app, Value::Object(decision)), version))
}

/// A stored file as a link; `None` for any other text.
pub fn link(app: &App, placeholder: &str) -> Option<String> {
    let id = stored_media(placeholder)?;
    Some(media::link(&app.secrets, &app.config.public_url, id, app.clock.now()))
}

/// The same object with links that work for an hour from now.
pub fn linked(app: &App, mut decision: Value) -> Value {
    let now = app.clock.now();
    link_decision_media(&mut decision, &|id| media::link(&app.secrets, &app.config.public_url, id, now));
    decision
}

/// Builds the decision as this transaction sees it.
pub async fn load(tx: &mut Tx, app: &App, application: &Application, session: &Session) -> Result<Map<String, Value>, Error> {
    let records = records::list_records(tx, session.id).await?;
    let activities = activities::list_activities(tx, session.id).await?;
    Ok(build(app, application, session, records, &activities))
}

fn build(
    app: &App,
    application: &Application,
    session: &Session,
    records: Vec<Record>,
    activities: &[Activity],
) -> Map<String, Value> {
    let unfinished = session.status.is_unfinished();
    let mut decision = Map::new();
    let mut put = |name: &str, value: Value| decision.insert(name.to_owned(), value);
    put("session_id", session.id.to_string().into());
    put("session_kind", session.kind.as_str().into());
    put("session_number", session.number.into());
    put("session_url", if unfinished { session_url(app, session).into() } else { Value::Null });
    put("status", session.status.as_str().into());
    put("environment", application.environment.as_str().into());
    put("workflow_id", session.workflow_id.map(|id| id.to_string()).into());
    put("features", feature_names(session).into());
    put("vendor_data", session.vendor_data.clone().into());
    put("metadata", raw(session.metadata.as_deref()));
    put("expected_details", raw(session.expected_details.as_deref()));
    put("contact_details", raw(session.contact_details.as_deref()));
    put("callback", session.callback.clone().into());
    let skip_reason = records.iter().rev().find_map(|record| record.data.get("skip_reason").cloned()).unwrap_or_default();
    let arrays: &[Feature] = match session.kind {
        SessionKind::User => &USER_ARRAYS,
        SessionKind::Business => &BUSINESS_ARRAYS,
    };
    let mut items: Vec<(&str, Vec<Value>)> = arrays.iter().map(|feature| (feature.array(), Vec::new())).collect();
    for record in records {
        if let Some((_, array)) = items.iter_mut().find(|(name, _)| *name == record.feature.array()) {
            array.push(Value::Object(item(record)));
        }
    }
    for (name, array) in items {
        put(name, if array.is_empty() { Value::Null } else { array.into() });
    }
    match session.kind {
        SessionKind::User => {
            put("nfc_skip_reason", skip_reason);
        }
        SessionKind::Business => {
            for name in ["registry_checks", "key_people_checks", "document_verifications"] {
                put(name, Value::Null); // KYB features are not recorded by this version.
            }
        }
    }
    put("reviews", activities.iter().filter(|row| is_review(row)).map(review).collect::<Vec<_>>().into());
    put("created_at", session.created_at.to_string().into());
    put("expires_at", session.expires_at.filter(|_| unfinished).map(|at| at.to_string()).into());
    decision
}

/// One feature item as answered.
pub fn item(record: Record) -> Map<String, Value> {
    let members =
        ServerMembers { node_id: record.node_id, status: record.status, warnings: record.warnings, matches: record.matches };
    compose(record.feature, record.data, members)
}

fn is_review(row: &Activity) -> bool {
    row.kind == ActivityType::StatusUpdated && row.actor_type != "SYSTEM"
}

fn review(row: &Activity) -> Value {
    json!({
        "user": user_of(row),
        "new_status": row.new_status.map(SessionStatus::as_str),
        "comment": row.comment,
        "created_at": row.created_at,
    })
}

/// `user` of a review: `API Client` for a key, the address of a console user.
pub fn user_of(row: &Activity) -> &str {
    row.actor_email.as_deref().unwrap_or(&row.actor_display)
}

/// Where the person goes.
pub fn session_url(app: &App, session: &Session) -> String {
    let language = session.language.as_ref().map(|language| format!("/{language}")).unwrap_or_default();
    format!("{}{language}/session/{}", app.config.public_url, session.token)
}

/// Names of the features, each once: those of the workflow first.
fn feature_names(session: &Session) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in session.steps.iter().filter(|s| s.in_workflow).chain(session.steps.iter().filter(|s| !s.in_workflow)) {
        if !names.contains(&step.feature) {
            names.push(step.feature.clone());
        }
    }
    names
}

/// Stored JSON as a value; numbers keep their spelling.
pub fn raw(json: Option<&RawValue>) -> Value {
    json.and_then(|json| serde_json::from_str(json.get()).ok()).unwrap_or_default()
}

/// What `include=events` changes.
async fn add_events(tx: &mut Tx, session: &Session, decision: &mut Map<String, Value>) -> Result<(), Error> {
    let history = events::list_history(tx, session.id).await?;
    let activities = activities::list_activities(tx, session.id).await?;
    let records = records::list_records(tx, session.id).await?;
    let history: Vec<Value> = history
        .iter()
        .map(|row| {
            json!({ "uuid": row.id, "type": row.kind, "actor": row.actor, "details": raw(Some(&row.details)), "created_at": row.created_at })
        })
        .collect();
    let marked = |features: &[Feature]| records.iter().any(|record| record.is_blocklisted && features.contains(&record.feature));
    let steps: Vec<Value> = session
        .steps
        .iter()
        .map(|step| {
            // The one feature whose name differs in this form.
            let name = if step.feature == Feature::EmailVerification.name() { "EMAIL" } else { &step.feature };
            json!({ "feature": name, "node_id": step.node_id })
        })
        .collect();
    decision.shift_remove("session_kind");
    decision.insert("features".into(), steps.into());
    decision.insert("events".into(), history.into());
    let feed: Vec<ActivityView> = activities.into_iter().map(ActivityView::from).collect();
    decision.insert("activity_reviews".into(), serde_json::to_value(feed).map_err(Error::fault)?);
    decision.insert(
        "blocklisted".into(),
        json!({
            "face": marked(&[Feature::Liveness, Feature::AgeEstimation, Feature::FaceSearch]),
            "document": marked(&[Feature::Ocr]),
            "phone": marked(&[Feature::PhoneVerification]),
            "email": marked(&[Feature::EmailVerification]),
        }),
    );
    decision.insert("cost_breakdown".into(), Value::Null);
    decision.insert("workflow_type".into(), if session.kind == SessionKind::Business { "kyb" } else { "kyc" }.into());
    decision.insert("workflow_version".into(), session.workflow_version.into());
    decision.insert("workflow_version_id".into(), session.workflow_version_id.map(|id| id.to_string()).into());
    decision.insert("api_service".into(), session.api_service.clone().into());
    decision.insert("session_type".into(), session.session_type.as_str().into());
    decision.insert("has_device_nfc_support".into(), Value::Null);
    Ok(())
}
