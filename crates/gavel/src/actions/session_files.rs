//! Files people attach to a session, beside those its records name (`/x/sessions/{session_id}/files/`).
//!
//! A file is stored first (`/x/media/`) and attached by its id. It goes with the attachment, unless a record of the session
//! or another session shows it too.

use gavel_core::{
    evidence::{placeholder, stored_media},
    ids::{MediaId, SessionFileId, SessionId, parse_uuid},
    json::{FieldError, FieldErrors, Fields, Value, read},
    review::ActivityType,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::json;

use super::{
    Caller, Error, decision, feed,
    session_notes::{lock_to_note, move_on},
    status,
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, media, records,
        session_files::{self, SessionFile},
        sessions,
    },
};

/// Longest name, in characters.
const MAX_NAME: usize = 255;
/// Most files of one session.
const MOST: usize = 100;

/// A file to attach, as sent.
pub struct NewFile {
    media: MediaId,
    name: Option<String>,
}

impl NewFile {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let media = fields.required("media", |sent| {
            let plain = |text: &str| parse_uuid(text).map(MediaId).ok();
            sent.as_text().and_then(|text| stored_media(text).or_else(|| plain(text))).ok_or_else(FieldError::not_a_uuid)
        });
        let name = fields.optional("name", read::text(MAX_NAME));
        fields.finish(|| Some(Self { media: media?, name: name?.filter(|name| !name.is_empty()) }))
    }
}

/// An attached file as answered.
#[derive(Debug, Serialize)]
pub struct FileView {
    uuid: SessionFileId,
    name: Option<String>,
    content_type: String,
    size: u64,
    url: Option<String>,
    added_by: String,
    created_at: Timestamp,
}

impl FileView {
    fn of(app: &App, file: SessionFile) -> Self {
        Self {
            uuid: file.id,
            url: decision::link(app, &placeholder(file.media)),
            name: file.name,
            content_type: file.content_type,
            size: file.size,
            added_by: file.added_by,
            created_at: file.created_at,
        }
    }
}

/// The attached files of a session, oldest first.
pub async fn list(app: &App, caller: &Caller, id: SessionId) -> Result<Vec<FileView>, Error> {
    let application = caller.application;
    let files = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                sessions::find_session(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                Ok(session_files::list_files(tx, id).await?)
            })
        })
        .await?;
    Ok(files.into_iter().map(|file| FileView::of(app, file)).collect())
}

/// Attaches a file.
pub async fn add(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<NewFile, FieldErrors>,
    seen: Option<u64>,
) -> Result<FileView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut session = lock_to_note(tx, &caller_, id).await?;
            let new = body?;
            let (content_type, size) = session_files::find_media(tx, caller_.application, new.media)
                .await?
                .ok_or_else(|| Error::field("media", "Media not found."))?;
            let others = session_files::list_files(tx, id).await?;
            if others.iter().any(|file| file.media == new.media) {
                return Err(Error::field("media", "This file is attached already."));
            }
            if others.len() >= MOST {
                return Err(Error::field("media", "A session has at most 100 files."));
            }
            status::must_be_at(&session, seen)?;
            move_on(tx, &mut session).await?;
            let file = SessionFile {
                id: new_id(),
                media: new.media,
                name: new.name,
                added_by: caller_.actor.display().to_owned(),
                created_at: now,
                content_type,
                size,
            };
            session_files::insert_file(tx, id, &file).await?;
            media::insert_uses(tx, id, &[file.media]).await?;
            let row = feed::Row { new: Some(told(&file)), ..row_of(ActivityType::FileAdded) };
            let activity = feed::add(tx, &app_, &caller_, &session, row, now).await?;
            let objects = [("session", id.0), ("file", file.id.0), ("media", file.media.0), ("activity", activity.id.0)];
            caller_.audit(tx, "session.file_added", &objects, now).await?;
            Ok(FileView::of(&app_, file))
        })
    })
    .await
}

fn row_of(kind: ActivityType) -> feed::Row {
    feed::Row { changed_fields: vec!["files".to_owned()], ..feed::Row::of(kind) }
}

/// A file as rows of the feed tell of it: a link would not outlive the hour.
fn told(file: &SessionFile) -> serde_json::Value {
    json!({
        "uuid": file.id, "media": placeholder(file.media), "name": file.name, "content_type": file.content_type, "size": file.size,
    })
}

/// What a removal leaves to be deleted from the disk.
#[derive(Debug, Default, Serialize)]
struct Gone {
    #[serde(skip)]
    files: Vec<MediaId>,
}

/// Takes a file off.
pub async fn remove(app: &App, caller: &Caller, id: SessionId, file: SessionFileId, seen: Option<u64>) -> Result<(), Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    let done = app.act(caller, move |tx| {
        Box::pin(async move {
            let mut session = lock_to_note(tx, &caller_, id).await?;
            let file = session_files::find_file(tx, id, file).await?.ok_or(Error::NOT_FOUND)?;
            status::must_be_at(&session, seen)?;
            move_on(tx, &mut session).await?;
            session_files::remove_file(tx, id, file.id).await?;
            let row = feed::Row { previous: Some(told(&file)), ..row_of(ActivityType::FileRemoved) };
            let activity = feed::add(tx, &app_, &caller_, &session, row, now).await?;
            let objects = [("session", id.0), ("file", file.id.0), ("media", file.media.0), ("activity", activity.id.0)];
            caller_.audit(tx, "session.file_removed", &objects, now).await?;
            Ok(Gone { files: release(tx, &session, file.media, now).await? })
        })
    });
    let gone = done.await?;
    app.media.remove(&gone.files).await;
    Ok(())
}

/// The session shows the file no longer, unless one of its records does.
async fn release(tx: &mut Tx, session: &sessions::Session, file: MediaId, now: Timestamp) -> Result<Vec<MediaId>, Error> {
    let shown = records::media_of(&records::list_records(tx, session.id).await?);
    if shown.contains(&file) || session.portrait == Some(file) {
        return Ok(Vec::new());
    }
    Ok(media::release(tx, session.id, &[file], now).await?)
}
