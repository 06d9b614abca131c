//! Stored files: in by key, out by signed link.

use axum::{
    extract::{FromRequest, Multipart, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use gavel_core::ids::MediaId;
use http::header;

use crate::{
    actions::{
        Caller, Error,
        media::{self, MediaView},
    },
    app::App,
    http::{
        error::{ApiError, ApiResult},
        extract::{Ids, Query, Reply, content_type, read_bytes},
    },
};

/// A file: the raw body, or the first part of a multipart form.
pub struct Upload(Bytes);

impl<S: Sync + Send> FromRequest<S> for Upload {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let form = content_type(request.headers()) == "multipart/form-data";
        let (parts, body) = request.into_parts();
        let content = read_bytes(Request::from_parts(parts.clone(), body)).await?;
        if !form {
            return Ok(Self(content));
        }
        let no_form = |_| ApiError::Syntax("the form cannot be read".into());
        let mut fields = Multipart::from_request(Request::from_parts(parts, content.into()), state)
            .await
            .map_err(|_| ApiError::Syntax("the form has no boundary".into()))?;
        while let Some(field) = fields.next_field().await.map_err(no_form)? {
            if field.name() == Some("file") {
                return Ok(Self(field.bytes().await.map_err(no_form)?));
            }
        }
        Err(Error::field("file", "No file was submitted.").into())
    }
}

/// Stores a file.
pub async fn upload(State(app): State<App>, caller: Caller, Upload(content): Upload) -> ApiResult<Reply<MediaView>> {
    if content.len() > app.config.media_max_bytes {
        return Err(ApiError::TooLarge);
    }
    Ok(Reply(media::upload(&app, &caller, content).await?))
}

/// Hands a file out. The link is the permission; the content is never run or framed by a browser.
pub async fn download(State(app): State<App>, Ids(id): Ids<MediaId>, query: Query) -> ApiResult<Response> {
    let expires = query.get("expires").unwrap_or_default();
    let signature = query.get("signature").unwrap_or_default();
    let (content_type, content) = media::download(&app, id, expires, signature).await?.ok_or(ApiError::Link)?;
    let headers = [
        (header::CONTENT_TYPE, content_type.as_str()),
        (header::CACHE_CONTROL, "private, max-age=300"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CONTENT_DISPOSITION, "inline"),
    ];
    Ok((headers, content).into_response())
}
