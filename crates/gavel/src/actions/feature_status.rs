//! The status of one feature, set by hand (contract, sessions §12). The session keeps its own.

use gavel_core::{
    evidence::Feature,
    ids::SessionId,
    json::{FieldErrors, Fields, Value, read},
    review::{ActivityType, MAX_COMMENT},
    session::{FeatureStatus, SessionType},
};
use serde::Serialize;
use serde_json::json;

use super::{Caller, Error, edits::note_history, events, feed, searchable, status};
use crate::{
    app::App,
    store::{
        Tx, applications,
        records::{self, Record},
        sessions::{self, Session},
    },
};

/// The `node_id` that stands for a session's only record.
const ONLY: &str = "default";

/// A status for a feature, as sent.
pub struct FeatureUpdate {
    new_status: FeatureStatus,
    comment: Option<String>,
}

impl FeatureUpdate {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let decided = |status: &FeatureStatus| {
            matches!(status, FeatureStatus::Approved | FeatureStatus::Declined | FeatureStatus::InReview)
        };
        let new_status = fields.required("new_status", read::choice_of(|name| FeatureStatus::from_name(name).filter(decided)));
        let comment = fields.optional("comment", read::text(MAX_COMMENT));
        fields.finish(|| Some(Self { new_status: new_status?, comment: comment?.filter(|comment| !comment.is_empty()) }))
    }
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct UpdatedFeature {
    session_id: SessionId,
    node_id: Option<String>,
    feature_type: &'static str,
    new_status: FeatureStatus,
}

/// Sets the status of a feature.
pub async fn update(
    app: &App,
    caller: &Caller,
    id: SessionId,
    node: String,
    body: Result<FeatureUpdate, FieldErrors>,
    seen: Option<u64>,
) -> Result<UpdatedFeature, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller) = (app_, caller_);
            let mut session = sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NO_SESSION)?;
            let mut all = records::list_records(tx, id).await?;
            // The records of standalone calls have no node by which they could be named.
            let place = match session.session_type {
                SessionType::Api => None,
                SessionType::Hosted | SessionType::Migrated => Some(find(&all, &node)?),
            };
            let update = body?;
            let Some(place) = place else {
                return Err(Error::Refused("Cannot change feature status for API sessions.".into()));
            };
            status::must_be_at(&session, seen)?;
            let from = all[place].status;
            if from == update.new_status {
                let text = "The new status is the same as the current status.";
                return Err(Error::Invalid(FieldErrors::plain("new_status", text)));
            }
            all[place].status = update.new_status;
            write(tx, &app, &caller, &mut session, (&all, &all[place]), from, update.comment).await?;
            let record = all.swap_remove(place);
            Ok(UpdatedFeature {
                session_id: id,
                node_id: record.node_id,
                feature_type: record.feature.feature_type(),
                new_status: record.status,
            })
        })
    })
    .await
}

/// The most recent record of this node.
fn find(records: &[Record], node: &str) -> Result<usize, Error> {
    let found = match (records, node) {
        ([_], ONLY) => Some(0),
        _ => records.iter().rposition(|record| record.node_id.as_deref() == Some(node)),
    };
    found.ok_or_else(|| Error::NoSuch(format!("No feature found with node_id '{node}' in this session.")))
}

async fn write(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    session: &mut Session,
    (all, record): (&[Record], &Record),
    from: FeatureStatus,
    comment: Option<String>,
) -> Result<(), Error> {
    let (application, now) =
        (applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?, app.clock.now());
    session.version += 1;
    sessions::set_state(tx, session).await?;
    records::set_status(tx, record.id, record.status).await?;
    sessions::set_searchable(tx, session.id, &searchable::of(session, all)).await?;
    let row = feed::Row {
        comment,
        previous: Some(json!({ "node_id": record.node_id, "status": from })),
        new: Some(json!({ "node_id": record.node_id, "status": record.status })),
        changed_fields: vec!["status".to_owned()],
        ..feed::Row::of(activity_of(record.feature))
    };
    let activity = feed::add(tx, app, caller, session, row, now).await?;
    let details = json!({
        "node_id": record.node_id, "feature": record.feature.name(), "previous_status": from, "new_status": record.status,
    });
    note_history(tx, caller, session, "FEATURE_STATUS_CHANGED", details, now).await?;
    events::data_updated(tx, app, &application, session, &[format!("{}.status", record.feature.array())]).await?;
    let objects = [("session", session.id.0), ("record", record.id.0), ("activity", activity.id.0)];
    caller.audit(tx, "session.feature_status_updated", &objects, now).await?;
    Ok(())
}

/// How the feed calls a change of this feature's status.
fn activity_of(feature: Feature) -> ActivityType {
    match feature {
        Feature::Aml => ActivityType::AmlStatusUpdated,
        Feature::ProofOfAddress => ActivityType::PoaDataUpdated,
        feature if feature.is_business() => ActivityType::KybDataUpdated,
        _ => ActivityType::KycDataUpdated,
    }
}
