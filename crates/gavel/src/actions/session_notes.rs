//! Notes on a session: comments and tags (`/x/sessions/`). They change nothing but the session's feed; no event tells of
//! them.

use gavel_core::{
    ids::SessionId,
    json::{FieldErrors, Fields, Value, read},
    review::{ActivityType, MAX_COMMENT},
    session::SessionKind,
};
use serde_json::json;

use super::{Caller, Error, feed, reviews::ActivityView, status};
use crate::{
    app::App,
    store::{
        Tx, sessions,
        sessions::Session,
        tags::{self, Tag},
    },
};

/// Longest tag, in characters.
pub(super) const MAX_TAG: usize = 64;
/// Most tags of one session, user or business.
pub(super) const MOST_TAGS: usize = 50;

/// A comment as sent.
pub struct NewComment(pub(super) String);

impl NewComment {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let comment = fields.required("comment", read::filled(read::text(MAX_COMMENT)));
        fields.finish(|| comment.map(Self))
    }
}

/// A tag as sent.
pub struct NewTag(String);

impl NewTag {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let tag = fields.required("tag", read::filled(read::trimmed_text(MAX_TAG)));
        fields.finish(|| tag.map(Self))
    }
}

/// The session, locked.
pub(super) async fn lock_to_note(tx: &mut Tx, caller: &Caller, id: SessionId) -> Result<Session, Error> {
    sessions::lock_session(tx, caller.application, id).await?.ok_or(Error::NOT_FOUND)
}

/// Moves the session's version for a row of its feed.
pub(super) async fn move_on(tx: &mut Tx, session: &mut Session) -> Result<(), Error> {
    session.version += 1;
    sessions::set_state(tx, session).await?;
    Ok(())
}

/// Adds a comment. Companies have no feed to read it in.
pub async fn comment(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<NewComment, FieldErrors>,
    seen: Option<u64>,
) -> Result<ActivityView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut session = lock_to_note(tx, &caller_, id).await?;
            if session.kind == SessionKind::Business {
                return Err(Error::NOT_FOUND);
            }
            let comment = body?.0;
            status::must_be_at(&session, seen)?;
            move_on(tx, &mut session).await?;
            let row = feed::Row { comment: Some(comment), ..feed::Row::of(ActivityType::Comment) };
            let activity = feed::add(tx, &app_, &caller_, &session, row, now).await?;
            let objects = [("session", id.0), ("activity", activity.id.0)];
            caller_.audit(tx, "session.commented", &objects, now).await?;
            Ok(activity.into())
        })
    })
    .await
}

/// The tags of a session, oldest first.
pub async fn list_tags(app: &App, caller: &Caller, id: SessionId) -> Result<Vec<Tag>, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                sessions::find_session(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                Ok(tags::list_tags(tx, id).await?)
            })
        })
        .await
}

/// Puts a tag on; one that is there stays as it was written.
pub async fn add_tag(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<NewTag, FieldErrors>,
    seen: Option<u64>,
) -> Result<Tag, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut session = lock_to_note(tx, &caller_, id).await?;
            let tag = Tag { tag: body?.0, added_by: caller_.actor.display().to_owned(), created_at: now };
            status::must_be_at(&session, seen)?;
            if !tags::insert_tag(tx, id, &tag).await? {
                return tags::find_tag(tx, id, &tag.tag).await?.ok_or_else(|| Error::fault("a tag is there and is not"));
            }
            if tags::list_tags(tx, id).await?.len() > MOST_TAGS {
                return Err(Error::field("tag", "A session has at most 50 tags."));
            }
            move_on(tx, &mut session).await?;
            let row = feed::Row {
                new: Some(json!({ "tag": tag.tag })),
                changed_fields: vec!["tags".to_owned()],
                ..feed::Row::of(ActivityType::TagAdded)
            };
            let activity = feed::add(tx, &app_, &caller_, &session, row, now).await?;
            caller_.audit(tx, "session.tag_added", &[("session", id.0), ("activity", activity.id.0)], now).await?;
            Ok(tag)
        })
    })
    .await
}

/// Takes a tag off, however it is written.
pub async fn remove_tag(app: &App, caller: &Caller, id: SessionId, tag: String, seen: Option<u64>) -> Result<(), Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut session = lock_to_note(tx, &caller_, id).await?;
            // No stored text holds U+0000, and PostgreSQL takes none as a parameter.
            let removed = match tag.contains('\0') {
                true => None,
                false => tags::remove_tag(tx, id, tag.trim()).await?,
            };
            let tag = removed.ok_or(Error::NOT_FOUND)?;
            status::must_be_at(&session, seen)?;
            move_on(tx, &mut session).await?;
            let row = feed::Row {
                previous: Some(json!({ "tag": tag })),
                changed_fields: vec!["tags".to_owned()],
                ..feed::Row::of(ActivityType::TagRemoved)
            };
            let activity = feed::add(tx, &app_, &caller_, &session, row, now).await?;
            caller_.audit(tx, "session.tag_removed", &[("session", id.0), ("activity", activity.id.0)], now).await?;
            Ok(())
        })
    })
    .await
}
