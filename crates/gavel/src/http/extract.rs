//! What a handler takes: the caller, ids from the path, the body, the query; and how it shows its answer.

use std::{collections::HashMap, str::FromStr};

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use gavel_core::{
    ids::SigninId,
    json::{FieldErrors, SyntaxError, Value},
    time::Day,
};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;

use super::{
    auth::Credential,
    error::{ApiError, ApiResult, body},
    gate::Entered,
    routes::RouteFacts,
};
use crate::{
    actions::{Caller, Error, accounts::Visitor},
    store::db::without_null,
};

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Caller>().cloned().ok_or(ApiError::NoCredentials)
    }
}

/// The sign-in of the person who calls; only where a cookie is the way in.
pub struct CurrentSignin(pub SigninId);

impl<S: Sync> FromRequestParts<S> for CurrentSignin {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        match parts.extensions.get::<Entered>().and_then(|entered| entered.credential.as_ref()) {
            Some(Credential::Member(person)) => Ok(Self(person.found.id)),
            _ => Err(Error::Forbidden.into()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let lost = || Error::fault("a route without its facts");
        let facts = parts.extensions.get::<&'static RouteFacts>().ok_or_else(lost)?;
        let entered = parts.extensions.get::<Entered>().ok_or_else(lost)?;
        Ok(Self {
            method: facts.method.to_string(),
            route: facts.path,
            success: facts.success.as_u16(),
            path: entered.path.clone(),
            ip: Some(entered.ip),
            user_agent: parts.headers.get(header::USER_AGENT).map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()),
        })
    }
}

/// The ids in the path. Any other text where an id belongs is 404.
pub struct Ids<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Ids<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let [first] = segments(parts, state).await?;
        Ok(Self(first.parse().map_err(|_| Error::NOT_FOUND)?))
    }
}

/// Two ids in the path, in their order.
pub struct IdPair<A, B>(pub A, pub B);

impl<S: Send + Sync, A: FromStr, B: FromStr> FromRequestParts<S> for IdPair<A, B> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let [first, second] = segments(parts, state).await?;
        Ok(Self(first.parse().map_err(|_| Error::NOT_FOUND)?, second.parse().map_err(|_| Error::NOT_FOUND)?))
    }
}

/// The one segment of the path that is no id: any text.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let [only] = segments(parts, state).await?;
        Ok(Self(only))
    }
}

async fn segments<S: Send + Sync, const N: usize>(parts: &mut Parts, state: &S) -> ApiResult<[String; N]> {
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Error::NOT_FOUND)?;
    let texts: Vec<String> = params.iter().map(|(_, text)| text.to_owned()).collect();
    texts.try_into().map_err(|_| Error::fault("a route and its handler disagree about ids").into())
}

/// What a body is read as. Reading collects everything that is wrong with it.
pub trait ReadBody: Sized {
    /// From JSON whose syntax is right.
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors>;
}

/// A JSON body. Size, media type and syntax are settled here; what is wrong with its fields is only told after the
/// objects of the path have been found, so it is handed on as it is (contract, conventions §4).
pub struct Json<T>(pub Result<T, FieldErrors>);

impl<S: Sync, T: ReadBody> FromRequest<S> for Json<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, _: &S) -> ApiResult<Self> {
        let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
        let bytes = read_bytes(request).await?;
        Ok(Self(T::read(&parse_json(&headers, &extensions, &bytes)?)))
    }
}

/// Marks a request whose body must say that it is JSON: one that a browser may send by itself.
#[derive(Debug, Clone, Copy)]
pub struct JsonOnly;

/// The body as JSON, when its type and its syntax are right.
pub fn parse_json<'a>(headers: &HeaderMap, extensions: &Extensions, bytes: &'a [u8]) -> ApiResult<Value<'a>> {
    let unnamed = content_type(headers).is_empty() && extensions.get::<JsonOnly>().is_some();
    if !bytes.is_empty() && (unnamed || !is_json(headers)) {
        return Err(ApiError::MediaType(content_type(headers)));
    }
    Value::parse_body(bytes).map_err(|e: SyntaxError| ApiError::Syntax(e.to_string()))
}

/// The whole body, at most as large as the route allows.
pub async fn read_bytes(request: Request) -> ApiResult<Bytes> {
    let limit = request.extensions().get::<&'static RouteFacts>().map_or(0, |facts| facts.body_limit);
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge),
        Err(_) => Err(ApiError::Syntax("the body ended early".into())),
    }
}

/// The content type as sent, without parameters.
pub fn content_type(headers: &HeaderMap) -> String {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// No type at all is read as JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let sent = content_type(headers);
    sent.is_empty() || sent == "application/json" || (sent.starts_with("application/") && sent.ends_with("+json"))
}

/// The query: the last of repeated parameters counts, an empty one is absent.
#[derive(Debug, Default)]
pub struct Query(HashMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned();
        let mut all: HashMap<String, String> = pairs.collect();
        all.retain(|_, value| !value.is_empty());
        Ok(Self(all))
    }
}

impl Query {
    /// The parameter, if given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A text that stored ones are compared with. None of them holds U+0000, and PostgreSQL takes none as a parameter: like any
    /// value nobody has, it finds nothing.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(without_null)
    }

    /// A comma list of such texts.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        Some(self.list(name)?.into_iter().map(without_null).collect())
    }

    /// A boolean; any other text is ignored.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        }
    }

    /// One of a fixed set of values.
    pub fn choice<T>(&self, name: &'static str, from_name: impl Fn(&str) -> Option<T>) -> Result<Option<T>, FieldErrors> {
        let Some(sent) = self.get(name) else { return Ok(None) };
        let refused = || FieldErrors::one(name, format!("Select a valid choice. {sent} is not one of the available choices."));
        from_name(sent).map(Some).ok_or_else(refused)
    }

    /// A day.
    pub fn day(&self, name: &'static str) -> Result<Option<Day>, FieldErrors> {
        let parse = |text| Day::parse(text).ok_or_else(|| FieldErrors::one(name, "Enter a valid date."));
        self.get(name).map(parse).transpose()
    }

    /// A comma list; blank members are dropped.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.get(name)?.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
    }
}

/// A JSON answer; the route line says with which status.
pub struct Reply<T>(pub T);

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        body(StatusCode::OK, &self.0)
    }
}

/// No body.
pub struct Nothing;

impl IntoResponse for Nothing {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// A JSON answer about one session, with its version as `ETag`.
pub struct Versioned<T>(pub T, pub u64);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = body(StatusCode::OK, &self.0);
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.1)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The version of a session the caller has seen, from `If-Match`. A value that is not a version of ours matches none.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub Option<u64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let Some(sent) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = sent.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None)); // "Whatever version there is": the session is looked up anyway.
        }
        let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
        Ok(Self(Some(text.parse().unwrap_or(u64::MAX))))
    }
}
