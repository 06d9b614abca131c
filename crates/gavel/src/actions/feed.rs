//! Rows of a session's feed: decisions, corrections, notes, tags, files.
//!
//! A row is written in the transaction of what it tells, after the session's version has moved: one row per version at
//! most. Whoever is named in a comment, or is to be told of a row, is found here.

use gavel_core::{review::ActivityType, session::SessionStatus, time::Timestamp};
use serde_json::{Value, value::to_raw_value};

use super::{Caller, Error, notify};
use crate::{
    app::App,
    clock::new_id,
    store::{Tx, activities::Activity, sessions::Session},
};

/// What a row tells beside who did it and when.
pub(super) struct Row {
    pub kind: ActivityType,
    pub previous_status: Option<SessionStatus>,
    pub new_status: Option<SessionStatus>,
    pub comment: Option<String>,
    pub previous: Option<Value>,
    pub new: Option<Value>,
    pub changed_fields: Vec<String>,
    pub metadata: Option<Value>,
}

impl Row {
    /// A row that tells nothing yet.
    pub(super) fn of(kind: ActivityType) -> Self {
        Self {
            kind,
            previous_status: None,
            new_status: None,
            comment: None,
            previous: None,
            new: None,
            changed_fields: Vec::new(),
            metadata: None,
        }
    }
}

/// Writes a row.
pub(super) async fn add(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    session: &Session,
    row: Row,
    now: Timestamp,
) -> Result<Activity, Error> {
    let json = |value: Option<Value>| value.map(|value| to_raw_value(&value)).transpose().map_err(Error::fault);
    let activity = Activity {
        id: new_id(),
        kind: row.kind,
        actor_type: caller.actor.actor_type().as_str().to_owned(),
        actor_id: caller.actor.id(),
        actor_display: caller.actor.display().to_owned(),
        actor_email: caller.actor.email().map(str::to_owned),
        previous_status: row.previous_status,
        new_status: row.new_status,
        comment: row.comment,
        mentioned_emails: Vec::new(),
        previous_value: json(row.previous)?,
        new_value: json(row.new)?,
        changed_fields: row.changed_fields,
        metadata: json(row.metadata)?,
        created_at: now,
    };
    notify::write_row(tx, app, caller, session, activity).await
}
