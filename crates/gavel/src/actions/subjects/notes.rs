//! Notes on users and businesses: comments and tags (`/x/users/`, `/x/businesses/`). A user's are rows of its comments;
//! no event tells of them.

use gavel_core::{
    ids::SubjectId,
    json::{FieldError, FieldErrors, Fields, Value, read},
    session::SessionKind,
    subject::CommentType,
};
use serde_json::json;

use super::telling::{Deed, Scribe};
use crate::{
    actions::{
        Caller, Error,
        session_notes::{MAX_TAG, MOST_TAGS, NewComment},
    },
    app::App,
    clock::new_id,
    store::{
        Tx,
        subject_comments::{self, Comment, NewComment as Row},
        subject_locks,
        subject_tags::{self, Link, Tag},
        subjects::{self, Subject},
    },
};

/// Most tags of one application.
const MOST_IN_ALL: u64 = 1_000;
/// What a tag looks like unless something else is asked for.
const COLOR: &str = "#6b7280";

/// A tag as sent.
pub struct NewTag {
    name: String,
    color: String,
}

impl NewTag {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let name = fields.required("tag", read::filled(read::trimmed_text(MAX_TAG)));
        let color = fields.optional("color", read_color);
        fields.finish(|| Some(Self { name: name?, color: color?.unwrap_or_else(|| COLOR.to_owned()) }))
    }
}

fn read_color(sent: &Value<'_>) -> Result<String, FieldError> {
    let text = read::text(7)(sent)?.to_lowercase();
    match text.strip_prefix('#') {
        Some(digits) if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(text),
        _ => Err(FieldError::text("Enter a color as #rrggbb.")),
    }
}

async fn lock(tx: &mut Tx, caller: &Caller, kind: SessionKind, id: SubjectId) -> Result<Subject, Error> {
    subjects::lock_subject(tx, caller.application, kind, id).await?.ok_or(Error::NOT_FOUND)
}

/// Comments on a user. Businesses have no comments.
pub async fn comment(app: &App, caller: &Caller, id: SubjectId, body: Result<NewComment, FieldErrors>) -> Result<Comment, Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let user = lock(tx, &caller_, SessionKind::User, id).await?;
            let now = clock.now();
            let comment = body?.0;
            let scribe = Scribe::of(tx, &caller_, now).await?;
            let row = Row { comment: Some(&comment), ..scribe.comment(CommentType::Comment) };
            let written = row.id;
            scribe.add_comment(tx, &user, row).await?;
            caller_.audit(tx, "user.commented", &[("user", id.0), ("comment", written)], now).await?;
            subject_comments::find_comment(tx, id, written).await?.ok_or_else(|| Error::fault("a comment is not there"))
        })
    })
    .await
}

/// The tags of a subject, oldest first.
pub async fn list_tags(app: &App, caller: &Caller, kind: SessionKind, id: SubjectId) -> Result<Vec<Link>, Error> {
    let application = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                subjects::find_subject(tx, application, kind, id).await?.ok_or(Error::NOT_FOUND)?;
                links(tx, id).await
            })
        })
        .await
}

async fn links(tx: &mut Tx, id: SubjectId) -> Result<Vec<Link>, Error> {
    Ok(subject_tags::list_links(tx, &[id]).await?.remove(&id).unwrap_or_default())
}

/// Puts a tag on; one that is there stays as it is.
pub async fn add_tag(
    app: &App,
    caller: &Caller,
    kind: SessionKind,
    id: SubjectId,
    body: Result<NewTag, FieldErrors>,
) -> Result<Link, Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            subject_locks::hold_tags(tx, caller.application).await?;
            let subject = lock(tx, &caller, kind, id).await?;
            let now = clock.now();
            let NewTag { name, color } = body?;
            subject_tags::insert_tag(tx, caller.application, &Tag { uuid: new_id(), name: name.clone(), color }, now).await?;
            let tag = subject_tags::find_tag(tx, caller.application, &name).await?;
            let tag = tag.ok_or_else(|| Error::fault("a tag was made and is not there"))?;
            let others = links(tx, id).await?;
            if let Some(there) = others.iter().find(|link| link.tag.uuid == tag.uuid) {
                return Ok(there.clone());
            }
            if others.len() >= MOST_TAGS {
                return Err(Error::field("tag", "A user or business has at most 50 tags."));
            }
            if subject_tags::count_tags(tx, caller.application).await? > MOST_IN_ALL {
                return Err(Error::field("tag", "An application has at most 1,000 tags."));
            }
            let link = Link {
                uuid: new_id(),
                tag,
                added_by_email: caller.actor.email().map(str::to_owned),
                added_by_name: caller.actor.display().to_owned(),
                created_at: now,
            };
            subject_tags::insert_link(tx, id, &link).await?;
            let scribe = Scribe::of(tx, &caller, now).await?;
            tell(tx, &scribe, &subject, &link.tag, Deed::TagAdded).await?;
            Ok(link)
        })
    })
    .await
}

/// Takes a tag off, however it is written.
pub async fn remove_tag(app: &App, caller: &Caller, kind: SessionKind, id: SubjectId, tag: String) -> Result<(), Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            subject_locks::hold_tags(tx, caller.application).await?;
            let subject = lock(tx, &caller, kind, id).await?;
            let now = clock.now();
            // No stored text holds U+0000, and PostgreSQL takes none as a parameter.
            let tag = match tag.contains('\0') {
                true => None,
                false => subject_tags::find_tag(tx, caller.application, tag.trim()).await?,
            };
            let tag = tag.ok_or(Error::NOT_FOUND)?;
            if !subject_tags::remove_link(tx, id, tag.uuid).await? {
                return Err(Error::NOT_FOUND);
            }
            subject_tags::remove_unused(tx, caller.application).await?;
            let scribe = Scribe::of(tx, &caller, now).await?;
            tell(tx, &scribe, &subject, &tag, Deed::TagRemoved).await
        })
    })
    .await
}

/// The row of a user's comments, and the trail's.
async fn tell(tx: &mut Tx, scribe: &Scribe<'_>, subject: &Subject, tag: &Tag, deed: Deed) -> Result<(), Error> {
    let said = Some(json!({ "tag": tag.name }).to_string());
    let (kind, values) = match deed {
        Deed::TagRemoved => (CommentType::TagRemoved, (said, None)),
        Deed::Created | Deed::Updated | Deed::StatusUpdated | Deed::TagAdded => (CommentType::TagAdded, (None, said)),
    };
    let row = Row { values, changed_fields: vec!["tags".to_owned()], ..scribe.comment(kind) };
    scribe.add_comment(tx, subject, row).await?;
    scribe.audit(tx, subject, deed).await
}
