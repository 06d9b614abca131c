//! `Idempotency-Key` on POST (contract, conventions §10).
//!
//! The key is claimed before the handler runs. The action keeps its answer in its own transaction
//! ([`crate::app::App::act`]), so a crash at any point leaves both or neither. A refusal changes nothing and gives the
//! key back.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequestParts, RawPathParams, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::StreamExt;
use gavel_core::{access::Actor, ids::parse_uuid};
use http::{HeaderMap, Method, StatusCode, header};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use uuid::Uuid;

use super::{
    error::{ApiError, ApiResult},
    extract::{parse_json, read_bytes},
    routes::RouteFacts,
};
use crate::{
    actions::{Caller, Error},
    app::App,
    clock::new_id,
    secrets::digest,
    store::idempotency::{self, Claim, Found},
};

/// Longest key, in bytes.
const KEY_LIMIT: usize = 255;
/// How long a client may send nothing of a body that is kept in a file.
const SILENCE: Duration = Duration::from_secs(60);
/// What is read of a kept body at a time.
const PIECE: usize = 64 << 10;

/// Runs the handler, or answers what it answered before.
pub(super) async fn run(
    app: &App,
    mut caller: Caller,
    facts: &'static RouteFacts,
    mut request: Request,
    next: Next,
) -> ApiResult<Response> {
    let Some(key) = key_of(&facts.method, request.headers())? else {
        request.extensions_mut().insert(caller);
        return Ok(next.run(request).await);
    };
    let (mut parts, sent) = request.into_parts();
    let object = object(&mut parts).await?;
    let request = Request::from_parts(parts.clone(), sent);
    let kept = if facts.streams { Kept::spool(app, request).await? } else { Kept::Memory(read_bytes(request).await?) };
    if let Kept::Memory(bytes) = &kept
        && facts.takes_json
    {
        parse_json(&parts.headers, &parts.extensions, bytes)?; // What is no JSON is told so, whatever the key was used for.
    }
    let request = fingerprint(&asked(&caller, facts, &parts), &kept);
    let claim = Claim { key: claimed(&caller, &key), request, token: new_id(), object };
    match find(app, &caller, &claim).await? {
        Found::Claimed => {}
        Found::Answered(sealed) => return replay(app, facts, &sealed),
        Found::Running => return Err(Error::StillRunning.into()),
        Found::OtherRequest => return Err(Error::OtherRequest.into()),
    }
    let application = caller.application;
    caller.claim = Some(claim.clone());
    let mut request = Request::from_parts(parts, kept.into_body());
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    // Nothing is kept for refusals and for calls that change nothing; what was kept stays.
    app.store
        .write::<_, Error, _>(move |tx| Box::pin(async move { Ok(idempotency::release(tx, application, &claim).await?) }))
        .await?;
    Ok(response)
}

fn key_of(method: &Method, headers: &HeaderMap) -> ApiResult<Option<String>> {
    let Some(sent) = headers.get("idempotency-key").filter(|_| *method == Method::POST) else { return Ok(None) };
    let key = sent.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > KEY_LIMIT {
        return Err(Error::Refused(format!("Idempotency-Key must be 1 to {KEY_LIMIT} visible ASCII characters.")).into());
    }
    Ok(Some(key.to_owned()))
}

/// What is claimed. The keys of an application share theirs; a person's are their own, since what they are answered may be
/// about them alone.
fn claimed(caller: &Caller, key: &str) -> [u8; 32] {
    match &caller.actor {
        Actor::Member { id, .. } => digest(&[&id.as_bytes()[..], key.as_bytes()].concat()),
        Actor::ApiKey { .. } | Actor::System => digest(key.as_bytes()),
    }
}

/// What is asked for: the path, and where the query says what to do with a file, the query too.
fn asked(caller: &Caller, facts: &RouteFacts, parts: &http::request::Parts) -> String {
    let path = caller.path.trim_end_matches('/');
    match parts.uri.query().filter(|_| facts.streams) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// The first id of the path: the session, user or business it is about, where it is about one.
async fn object(parts: &mut http::request::Parts) -> ApiResult<Option<Uuid>> {
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| Error::NOT_FOUND)?;
    Ok(params.iter().find_map(|(_, text)| parse_uuid(text).ok()))
}

/// A body that is kept until its key is claimed.
enum Kept {
    Memory(Bytes),
    /// In a file without a name, which goes with its last handle; and what it hashes to.
    File(std::fs::File, [u8; 32]),
}

impl Kept {
    /// Writes a body of any size to the data folder.
    async fn spool(app: &App, request: Request) -> ApiResult<Self> {
        let unwritten = |error: std::io::Error| ApiError::Action(Error::Unavailable(error.to_string()));
        let file = tempfile::tempfile_in(&app.config.data).map_err(unwritten)?;
        let mut file = tokio::fs::File::from_std(file);
        let (mut body, mut hash) = (request.into_body().into_data_stream(), Sha256::new());
        let early = || ApiError::Syntax("the body ended early".into());
        while let Some(piece) = tokio::time::timeout(SILENCE, body.next()).await.map_err(|_| early())? {
            let piece = piece.map_err(|_| early())?;
            hash.update(&piece);
            file.write_all(&piece).await.map_err(unwritten)?;
        }
        file.rewind().await.map_err(unwritten)?;
        Ok(Self::File(file.into_std().await, hash.finalize().into()))
    }

    fn into_body(self) -> Body {
        match self {
            Self::Memory(bytes) => Body::from(bytes),
            Self::File(file, _) => {
                let pieces = futures_util::stream::try_unfold(tokio::fs::File::from_std(file), async |mut file| {
                    let mut piece = vec![0; PIECE];
                    let read = file.read(&mut piece).await?;
                    piece.truncate(read);
                    Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
                });
                Body::from_stream(pieces)
            }
        }
    }
}

fn fingerprint(asked: &str, kept: &Kept) -> [u8; 32] {
    let body: &[u8] = match kept {
        Kept::Memory(bytes) => bytes,
        Kept::File(_, hash) => hash,
    };
    digest(&[asked.as_bytes(), b"\n", body].concat())
}

async fn find(app: &App, caller: &Caller, claim: &Claim) -> Result<Found, Error> {
    let (application, claim, now) = (caller.application, claim.clone(), app.clock.now());
    app.store.write(move |tx| Box::pin(async move { Ok(idempotency::claim(tx, application, &claim, now).await?) })).await
}

fn replay(app: &App, facts: &RouteFacts, sealed: &[u8]) -> ApiResult<Response> {
    if sealed.is_empty() {
        return Err(Error::Erased.into()); // The request was done; what it answered spoke of somebody who is erased.
    }
    let text =
        app.secrets.open("idempotency", sealed).ok_or_else(|| ApiError::Action(Error::fault("a stored answer does not open")))?;
    if facts.success == StatusCode::NO_CONTENT {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok((facts.success, [(header::CONTENT_TYPE, "application/json")], text).into_response())
}
