//! The decision: a session with everything recorded about it (contract, sessions §4).
//!
//! It is put together from rows as text, because it goes into every event, with stored files as placeholders, because
//! links are made anew for every attempt of a webhook. [`linked`] puts links in.

use gavel_core::{
    evidence::{Feature, MEDIA_PREFIX, ServerMembers, Shown, compose, link_decision_media, stored_media},
    ids::SessionId,
    session::{SessionKind, SessionStatus},
    time::Timestamp,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

use super::{Caller, Error, reviews::ActivityView};
use crate::{
    app::App,
    media,
    store::{
        Tx,
        activities::{self, Decided},
        applications::{self, Application},
        events,
        records::{self, Record, ShownRecord},
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
pub async fn show(app: &App, caller: &Caller, id: SessionId, with_events: bool) -> Result<(Box<RawValue>, u64), Error> {
    let (application, build) = (caller.application, app.clone());
    let (decision, version) = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let session = sessions::find_session(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                let application = applications::find_application(tx, application).await?.ok_or(Error::NOT_FOUND)?;
                let mut decision = load(tx, &build, &application, &session).await?;
                if with_events && session.kind == SessionKind::User {
                    decision = add_events(tx, &session, &decision).await?;
                }
                Ok((decision, session.version))
            })
        })
        .await?;
    Ok((linked(app, decision)?, version))
}

/// A stored file as a link; `None` for any other text.
pub fn link(app: &App, placeholder: &str) -> Option<String> {
    let id = stored_media(placeholder)?;
    Some(media::link(&app.secrets, &app.config.public_url, id, app.clock.now()))
}

/// The same object with links that work for an hour from now.
pub fn linked(app: &App, decision: Box<RawValue>) -> Result<Box<RawValue>, Error> {
    if !decision.get().contains(MEDIA_PREFIX) {
        return Ok(decision);
    }
    let now = app.clock.now();
    let mut decision: Value = serde_json::from_str(decision.get()).map_err(Error::fault)?;
    link_decision_media(&mut decision, &|id| media::link(&app.secrets, &app.config.public_url, id, now));
    to_raw_value(&decision).map_err(Error::fault)
}

/// Builds the decision as this transaction sees it.
pub async fn load(tx: &mut Tx, app: &App, application: &Application, session: &Session) -> Result<Box<RawValue>, Error> {
    let records = records::list_shown(tx, session.id).await?;
    let decided = activities::list_decided(tx, session.id).await?;
    let items = records.iter().map(|record| Ok((record.feature.array(), shown(record)?)));
    let items = items.collect::<Result<_, serde_json::Error>>().map_err(Error::fault)?;
    let skip_reason = records.iter().rev().find_map(skip_reason);
    to_raw_value(&Decision { app, application, session, items, skip_reason, decided: &decided }).map_err(Error::fault)
}

fn shown(record: &ShownRecord) -> serde_json::Result<Shown<'_>> {
    let ShownRecord { feature, node_id, status, data, warnings, matches } = record;
    compose(*feature, data, ServerMembers { node_id: node_id.as_deref(), status: *status, warnings, matches })
}

/// Why a chip was not read: kept with the record, shown beside them all.
fn skip_reason(record: &ShownRecord) -> Option<Value> {
    let data = Some(&record.data).filter(|_| record.feature == Feature::Nfc)?;
    serde_json::from_str::<Map<String, Value>>(data).ok()?.swap_remove("skip_reason")
}

/// What a decision is made of; serialises as the object.
struct Decision<'a> {
    app: &'a App,
    application: &'a Application,
    session: &'a Session,
    items: Vec<(&'static str, Shown<'a>)>,
    skip_reason: Option<Value>,
    decided: &'a [Decided],
}

impl Serialize for Decision<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { app, application, session, items, skip_reason, decided } = self;
        let unfinished = session.status.is_unfinished();
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("session_id", &session.id)?;
        object.serialize_entry("session_kind", session.kind.as_str())?;
        object.serialize_entry("session_number", &session.number)?;
        object.serialize_entry("session_url", &unfinished.then(|| session_url(app, session)))?;
        object.serialize_entry("status", session.status.as_str())?;
        object.serialize_entry("environment", application.environment.as_str())?;
        object.serialize_entry("workflow_id", &session.workflow_id)?;
        object.serialize_entry("features", &feature_names(session))?;
        object.serialize_entry("vendor_data", &session.vendor_data)?;
        object.serialize_entry("metadata", &session.metadata)?;
        object.serialize_entry("expected_details", &session.expected_details)?;
        object.serialize_entry("contact_details", &session.contact_details)?;
        object.serialize_entry("callback", &session.callback)?;
        let arrays: &[Feature] = match session.kind {
            SessionKind::User => &USER_ARRAYS,
            SessionKind::Business => &BUSINESS_ARRAYS,
        };
        for name in arrays.iter().map(|feature| feature.array()) {
            let of_it: Vec<&Shown<'_>> = items.iter().filter(|(array, _)| *array == name).map(|(_, item)| item).collect();
            object.serialize_entry(name, &Some(of_it).filter(|items| !items.is_empty()))?;
        }
        match session.kind {
            SessionKind::User => object.serialize_entry("nfc_skip_reason", skip_reason)?,
            SessionKind::Business => {
                for name in ["registry_checks", "key_people_checks", "document_verifications"] {
                    object.serialize_entry(name, &())?; // KYB features are not recorded by this version.
                }
            }
        }
        object.serialize_entry("reviews", &decided.iter().map(Review::of).collect::<Vec<_>>())?;
        object.serialize_entry("created_at", &session.created_at)?;
        object.serialize_entry("expires_at", &session.expires_at.filter(|_| unfinished))?;
        object.end()
    }
}

/// One of `reviews[]`.
#[derive(Serialize)]
struct Review<'a> {
    user: &'a str,
    new_status: Option<SessionStatus>,
    comment: Option<&'a str>,
    created_at: Timestamp,
}

impl<'a> Review<'a> {
    fn of(row: &'a Decided) -> Self {
        Self {
            user: user_of(row.actor_email.as_deref(), &row.actor_display),
            new_status: row.new_status,
            comment: row.comment.as_deref(),
            created_at: row.created_at,
        }
    }
}

/// One feature item as answered.
pub fn item(record: &Record) -> Result<Box<RawValue>, Error> {
    let data = serde_json::to_string(&record.data).map_err(Error::fault)?;
    let raw = |json: &Value| to_raw_value(json).map_err(Error::fault);
    let (warnings, matches) = (raw(&record.warnings)?, raw(&record.matches)?);
    let node_id = record.node_id.as_deref();
    let server = ServerMembers { node_id, status: record.status, warnings: &warnings, matches: &matches };
    to_raw_value(&compose(record.feature, &data, server).map_err(Error::fault)?).map_err(Error::fault)
}

/// `user` of a review: `API Client` for a key, the address of a console user.
pub fn user_of<'a>(email: Option<&'a str>, display: &'a str) -> &'a str {
    email.unwrap_or(display)
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
async fn add_events(tx: &mut Tx, session: &Session, decision: &RawValue) -> Result<Box<RawValue>, Error> {
    let mut decision: Map<String, Value> = serde_json::from_str(decision.get()).map_err(Error::fault)?;
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
    to_raw_value(&decision).map_err(Error::fault)
}
