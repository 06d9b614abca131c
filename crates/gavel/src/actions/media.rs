//! Files: taken from an upload or from a link, looked at, stored, handed out by signed link.

use std::time::Duration;

use bytes::Bytes;
use gavel_core::{ids::MediaId, json::FieldErrors};
use serde::Serialize;

use super::{Caller, Error};
use crate::{
    app::App,
    clock::new_id,
    media::{link, link_holds, sniff},
    secrets::{digest, hex},
    store::media::{self, Media},
};

/// How long a link in evidence may take.
const FETCH: Duration = Duration::from_secs(10);
/// Largest file behind a link, in bytes.
const FETCH_LIMIT: usize = 20 << 20;

/// A stored file as answered.
#[derive(Debug, Serialize)]
pub struct MediaView {
    uuid: MediaId,
    content_type: String,
    size: u64,
    sha256: String,
    url: String,
}

/// Stores an upload.
pub async fn upload(app: &App, caller: &Caller, content: Bytes) -> Result<MediaView, Error> {
    let media = store(app, content.to_vec()).await?;
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            media::insert_media(tx, caller_.application, &media).await?;
            caller_.audit(tx, "media.stored", &[("media", media.id.0)], media.created_at).await?;
            Ok(MediaView {
                uuid: media.id,
                url: link(&app_.secrets, &app_.config.public_url, media.id, media.created_at),
                content_type: media.content_type,
                size: media.size,
                sha256: hex(&media.sha256),
            })
        })
    })
    .await
}

/// Looks at the content and writes the file; its row is the caller's to write.
async fn store(app: &App, content: Vec<u8>) -> Result<Media, Error> {
    let refused = "Unsupported file. Send JPEG, PNG, WebP, TIFF, PDF, MP4 or WebM.";
    let content_type = sniff(&content).ok_or_else(|| Error::field("file", refused))?;
    let media = Media {
        id: new_id(),
        content_type: content_type.to_owned(),
        size: content.len() as u64,
        sha256: digest(&content).to_vec(),
        created_at: app.clock.now(),
    };
    app.media.put(media.id, content).await?;
    Ok(media)
}

/// Why a link in evidence did not become a stored file.
#[derive(Debug)]
pub enum FetchError {
    /// What the sender is told.
    Refused(&'static str),
    /// The file could not be stored.
    Store(Error),
}

impl FetchError {
    /// Under the path of the field that held the link.
    pub fn at(self, path: String) -> Error {
        match self {
            Self::Refused(text) => Error::Invalid(FieldErrors::one(path, text)),
            Self::Store(error) => error,
        }
    }
}

/// Fetches a file by link, through the outbound guard, and stores its content.
pub async fn fetch(app: &App, url: &str) -> Result<Media, FetchError> {
    let url = app.outbound.check(url).map_err(|e| FetchError::Refused(e.text()))?;
    let get = async {
        let failed = |_| FetchError::Refused("The file could not be fetched.");
        let mut response = app.outbound.client().get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(FetchError::Refused("The file could not be fetched."));
        }
        let mut content = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if content.len() + chunk.len() > FETCH_LIMIT {
                return Err(FetchError::Refused("The file is larger than 20 MB."));
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content)
    };
    let content =
        tokio::time::timeout(FETCH, get).await.map_err(|_| FetchError::Refused("The file took longer than 10 seconds."))??;
    if sniff(&content).is_none() {
        return Err(FetchError::Refused("Unsupported file. Send JPEG, PNG, WebP, TIFF, PDF, MP4 or WebM."));
    }
    store(app, content).await.map_err(FetchError::Store)
}

/// The content behind a signed link. `None`: the link does not hold.
pub async fn download(app: &App, id: MediaId, expires: &str, signature: &str) -> Result<Option<(String, Vec<u8>)>, Error> {
    if !link_holds(&app.secrets, id, expires, signature, app.clock.now()) {
        return Ok(None);
    }
    let content_type =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(media::find_content_type(tx, id).await?) })).await?;
    let content_type = content_type.ok_or(Error::NOT_FOUND)?;
    let content = app.media.read(id).await?.ok_or(Error::NOT_FOUND)?;
    Ok(Some((content_type, content)))
}
