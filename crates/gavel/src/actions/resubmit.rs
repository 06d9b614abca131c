//! A session opened again: chosen features are emptied and wait to be repeated (contract, sessions §7).

use gavel_core::{
    evidence::{Feature, Item},
    ids::{MediaId, RecordId},
    json::FieldErrors,
    session::{FeatureStatus, SessionFeature, StatusUpdate, is_backend_only},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{Caller, Error, evidence::risks, searchable};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, media,
        records::{self, Record},
        session_files,
        sessions::{self, Session},
    },
};

/// What opening a session again leaves behind.
pub(super) struct Reopened {
    /// `resubmit_info` of the event.
    pub info: Value,
    /// Files of what was captured and is gone.
    pub files: Vec<MediaId>,
}

/// Empties the features that are to be repeated and opens the session again.
pub(super) async fn reopen(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    session: &mut Session,
    update: &StatusUpdate,
    now: Timestamp,
) -> Result<Reopened, Error> {
    let records = records::list_records(tx, session.id).await?;
    let features = features(session, &records);
    let refused = |text: String| Error::Invalid(FieldErrors::plain("nodes_to_resubmit", text));
    let selected: Vec<SessionFeature<'_>> =
        update.select(&features).map_err(refused)?.into_iter().map(|place| features[place]).collect();
    if let Some(limits) = &app.limits
        && is_backend_only(&selected.iter().map(|feature| feature.feature).collect::<Vec<_>>())
    {
        limits.resubmit(session.id, now).map_err(|exceeded| Error::Limited(Box::new(exceeded)))?;
    }
    let (mut nodes, mut reasons) = (Vec::new(), Map::new());
    for feature in &selected {
        let node_id = feature.node_id.unwrap_or_default();
        if reasons.insert(node_id.to_owned(), update.comment.clone().unwrap_or_default().into()).is_none() {
            nodes.push(json!({ "node_id": node_id, "feature": feature.feature.workflow_name() }));
        }
    }
    let is_selected = |record: &Record| selected.iter().any(|feature| feature.node_id == record.node_id.as_deref());
    let (taken, kept): (Vec<Record>, Vec<Record>) = records.iter().cloned().partition(is_selected);
    empty(tx, caller, session, &selected, &taken, &kept, now).await?;
    let mut still_used = records::media_of(&kept);
    still_used.extend(session_files::list_files(tx, session.id).await?.iter().map(|file| file.media));
    let files: Vec<MediaId> = records::media_of(&taken).into_iter().filter(|file| !still_used.contains(file)).collect();
    let files = media::release(tx, session.id, &files, now).await?;
    sessions::clear_risks(tx, session.id).await?;
    sessions::insert_risks(tx, session.id, &kept.iter().flat_map(risks).collect::<Vec<_>>()).await?;
    sessions::set_searchable(tx, session.id, &searchable::of(session, &kept)).await?;
    session.expires_at = Some(now.plus_seconds(session.lifetime));
    Ok(Reopened { info: json!({ "nodes_to_resubmit": nodes, "reasons": reasons }), files })
}

/// Every feature of the session: those with a result, then those without.
fn features<'s>(session: &'s Session, records: &'s [Record]) -> Vec<SessionFeature<'s>> {
    let recorded = records.iter().map(|record| SessionFeature {
        node_id: record.node_id.as_deref(),
        feature: record.feature,
        status: record.status,
    });
    let missing = session.steps.iter().filter(|step| records.iter().all(|r| r.node_id.as_deref() != Some(&step.node_id)));
    let missing = missing.filter_map(|step| {
        let feature = Feature::from_name(&step.feature)?;
        Some(SessionFeature { node_id: Some(&step.node_id), feature, status: FeatureStatus::NotFinished })
    });
    recorded.chain(missing).collect()
}

/// Leaves one empty record per selected step, in the place of what was recorded there.
async fn empty(
    tx: &mut Tx,
    caller: &Caller,
    session: &Session,
    selected: &[SessionFeature<'_>],
    taken: &[Record],
    kept: &[Record],
    now: Timestamp,
) -> Result<(), Error> {
    for record in taken {
        records::clear_record(tx, record.id).await?;
    }
    let mut last = taken.iter().chain(kept).map(|record| record.ordinal).max().unwrap_or(0);
    let mut done: Vec<Option<&str>> = Vec::new();
    for feature in selected {
        if done.contains(&feature.node_id) {
            continue;
        }
        done.push(feature.node_id);
        let ordinal = taken.iter().find(|record| record.node_id.as_deref() == feature.node_id).map(|record| record.ordinal);
        let record = Record {
            id: new_id::<RecordId>(),
            session: session.id,
            feature: feature.feature,
            node_id: feature.node_id.map(str::to_owned),
            ordinal: ordinal.unwrap_or(last + 1),
            status: FeatureStatus::ResubRequested,
            data: Item::empty(feature.feature, 0).data,
            warnings: json!([]),
            matches: json!([]),
            is_blocklisted: false,
            created_at: now,
            weighed_with: None,
        };
        last = last.max(record.ordinal);
        records::insert_record(tx, caller.application, &record).await?;
    }
    Ok(())
}
