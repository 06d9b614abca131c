//! `Idempotency-Key` on POST (contract, conventions §10).
//!
//! The key is claimed before the handler runs. The action keeps its answer in its own transaction
//! ([`crate::app::App::act`]), so a crash at any point leaves both or neither. A refusal changes nothing and gives the
//! key back.

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};

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
    let (parts, sent) = request.into_parts();
    let bytes = read_bytes(Request::from_parts(parts.clone(), sent)).await?;
    if facts.takes_json {
        parse_json(&parts.headers, &bytes)?; // What is no JSON is told so, whatever the key was used for.
    }
    let claim = Claim { key: digest(key.as_bytes()), request: fingerprint(&caller.path, &bytes), token: new_id() };
    match find(app, &caller, &claim).await? {
        Found::Claimed => {}
        Found::Answered(sealed) => return replay(app, facts, &sealed),
        Found::Running => return Err(Error::StillRunning.into()),
        Found::OtherRequest => return Err(Error::OtherRequest.into()),
    }
    let application = caller.application;
    caller.claim = Some(claim.clone());
    let mut request = Request::from_parts(parts, Body::from(bytes));
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

fn fingerprint(path: &str, bytes: &Bytes) -> [u8; 32] {
    digest(&[path.trim_end_matches('/').as_bytes(), b"\n", bytes].concat())
}

async fn find(app: &App, caller: &Caller, claim: &Claim) -> Result<Found, Error> {
    let (application, claim, now) = (caller.application, claim.clone(), app.clock.now());
    app.store.write(move |tx| Box::pin(async move { Ok(idempotency::claim(tx, application, &claim, now).await?) })).await
}

fn replay(app: &App, facts: &RouteFacts, sealed: &[u8]) -> ApiResult<Response> {
    let text =
        app.secrets.open("idempotency", sealed).ok_or_else(|| ApiError::Action(Error::fault("a stored answer does not open")))?;
    if facts.success == StatusCode::NO_CONTENT {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok((facts.success, [(header::CONTENT_TYPE, "application/json")], text).into_response())
}
