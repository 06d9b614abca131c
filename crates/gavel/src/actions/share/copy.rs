//! What a copy of a session takes over, row by row and file by file.
//!
//! Nothing in the copy names anything of the owner's: ids of its sessions, lists and entries are left out, files are its
//! own under ids of their own.

use std::collections::HashMap;

use gavel_core::{
    evidence::{link_media, placeholder},
    ids::{ApplicationId, MediaId},
    review::ActivityType,
    session::SessionStatus,
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    actions::{Error, evidence::risks, notify, searchable, steps::steps_of},
    app::App,
    clock::{new_id, random_text},
    store::{
        Tx, activities,
        media::{self, Media},
        records::{self, Record},
        sessions::{self, Session, Step},
        shares,
        workflows::Workflow,
    },
};

/// The files of an original, copied.
pub(super) struct Copied {
    /// The version of the original they are of.
    pub version: u64,
    /// The original's id of each, and the copy. Those that are gone have none.
    pub files: Vec<(MediaId, Media)>,
}

/// The files the records of a session and its portrait are.
pub(super) async fn list_files(tx: &mut Tx, original: &Session) -> Result<Vec<Media>, Error> {
    let mut ids = records::media_of(&records::list_records(tx, original.id).await?);
    ids.extend(original.portrait);
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(media::find_media(tx, id).await?);
    }
    Ok(found)
}

/// Copies files. One that is gone is left out: its link in the copy leads nowhere, as in the original.
pub(super) async fn files(app: &App, version: u64, originals: Vec<Media>) -> Result<Copied, Error> {
    let mut copied = Copied { version, files: Vec::with_capacity(originals.len()) };
    for original in originals {
        let Some(content) = app.media.read(original.id).await? else { continue };
        let copy = Media { id: new_id(), created_at: app.clock.now(), ..original };
        if let Err(error) = app.media.put(copy.id, content).await {
            let written: Vec<MediaId> = copied.files.iter().map(|(_, file)| file.id).collect();
            app.media.remove(&written).await;
            return Err(error);
        }
        copied.files.push((original.id, copy));
    }
    Ok(copied)
}

/// The copy's own row, still without an outcome. Its steps are those of the workflow it comes under, then those that were
/// recorded besides.
pub(super) fn session(
    original: &Session,
    workflow: &Workflow,
    vendor_data: Option<String>,
    number: i64,
    now: Timestamp,
) -> Result<Session, Error> {
    let mut steps = steps_of(workflow)?;
    for step in &original.steps {
        if steps.iter().all(|known| known.node_id != step.node_id) {
            steps.push(Step { config: serde_json::Map::new(), in_workflow: false, ..step.clone() });
        }
    }
    Ok(Session {
        id: new_id(),
        number,
        token: random_text::<9>(),
        status: SessionStatus::NotStarted,
        version: 0,
        vendor_data,
        workflow_version_id: Some(workflow.id),
        workflow_id: Some(workflow.workflow_id),
        workflow_version: i64::try_from(workflow.version).ok(),
        callback: None,
        callback_method: "initiator".to_owned(),
        metadata: None,
        language: None,
        contact_details: None,
        portrait: None,
        steps,
        created_at: now,
        lifetime: workflow.session_expiration_time,
        expires_at: None,
        first_outcome: None,
        ..original.clone()
    })
}

/// Writes the copy: its row, its files, what was recorded, what was decided.
pub(super) async fn rows(
    tx: &mut Tx,
    application: ApplicationId,
    original: &Session,
    session: &mut Session,
    copied: &Copied,
) -> Result<(), Error> {
    for (_, file) in &copied.files {
        media::insert_media(tx, application, file).await?;
    }
    let copies: HashMap<MediaId, MediaId> = copied.files.iter().map(|(of, file)| (*of, file.id)).collect();
    session.portrait = original.portrait.and_then(|id| copies.get(&id).copied());
    session.first_outcome = Some(session.status);
    session.approved_at = original.approved_at.filter(|_| session.status == SessionStatus::Approved);
    let mut decided = activities::list_activities(tx, original.id).await?;
    decided.retain(|row| row.kind == ActivityType::StatusUpdated && row.actor_type != "SYSTEM");
    session.version = decided.len() as u64 + 1;
    sessions::insert_session(tx, application, session).await?;
    sessions::set_state(tx, session).await?; // What a new session does not have otherwise: an outcome.
    for (version, row) in (1..).zip(decided.into_iter().rev()) {
        notify::copy_row(tx, application, session.id, version, row).await?;
    }
    let files: Vec<MediaId> = copied.files.iter().map(|(_, file)| file.id).collect();
    media::insert_uses(tx, session.id, &files).await?;
    let mut written = Vec::new();
    for record in records::list_records(tx, original.id).await? {
        let of = record.id;
        let copy = copy_of(record, session, &copies);
        records::insert_record(tx, application, &copy).await?;
        shares::copy_signals(tx, of, (application, session.id, copy.id)).await?;
        sessions::insert_risks(tx, session.id, &risks(&copy).collect::<Vec<_>>()).await?;
        written.push(copy);
    }
    Ok(sessions::set_searchable(tx, session.id, &searchable::of(session, &written)).await?)
}

fn copy_of(record: Record, session: &Session, copies: &HashMap<MediaId, MediaId>) -> Record {
    // A file that is gone gets an id nobody has: the owner's own would be one of another application.
    let copied = |id: MediaId| placeholder(copies.get(&id).copied().unwrap_or_else(new_id));
    let mut data = Value::Object(record.data);
    link_media(record.feature.array(), &mut data, &copied);
    let data = if let Value::Object(data) = data { data } else { serde_json::Map::new() };
    let mut warnings = record.warnings;
    warnings.as_array_mut().into_iter().flatten().for_each(leave_out);
    Record {
        id: new_id(),
        session: session.id,
        data,
        warnings,
        matches: Value::Array(Vec::new()),
        is_blocklisted: false,
        weighed_with: None,
        ..record
    }
}

/// Takes the owner's sessions and entries out of a warning.
fn leave_out(warning: &mut Value) {
    let Some(data) = warning.get_mut("additional_data").and_then(Value::as_object_mut) else { return };
    for (name, value) in data {
        let is_of_owner = name.ends_with("_session_id") || name.ends_with("_session_number");
        if is_of_owner || matches!(name.as_str(), "list_uuid" | "entry_uuid") {
            *value = Value::Null;
        }
    }
}
