//! The one place where an [`Error`] becomes a status code and a body (contract, conventions §5).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::limit;
use crate::{actions::Error, limits::Exceeded};

/// What a handler answers with when it does not succeed.
pub type ApiResult<T> = Result<T, ApiError>;

/// An answer that is not a success.
#[derive(Debug)]
pub enum ApiError {
    /// The action refused or failed.
    Action(Error),
    /// No credential was sent.
    NoCredentials,
    /// The key is wrong, revoked or expired.
    InvalidKey,
    /// Too many wrong keys from this address; the number of seconds to wait.
    Throttled(u64),
    /// The body is not JSON; why.
    Syntax(String),
    /// The body is larger than this route takes.
    TooLarge,
    /// The body is of a type this route does not take.
    MediaType(String),
    /// A signed link has run out or was altered.
    Link,
}

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::Action(error.into())
    }
}

fn detail(status: StatusCode, text: &str) -> Response {
    body(status, &json!({ "detail": text }))
}

/// A JSON body with a status.
pub fn body(status: StatusCode, value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                [(header::CONTENT_TYPE, "application/json")],
                r#"{"detail":"Internal server error."}"#,
            )
                .into_response()
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Action(error) => action(error),
            Self::NoCredentials => unauthorized("Authentication credentials were not provided."),
            Self::InvalidKey => unauthorized("Invalid API key."),
            Self::Throttled(seconds) => throttled(seconds),
            Self::Syntax(reason) => detail(StatusCode::BAD_REQUEST, &format!("JSON parse error - {reason}")),
            Self::TooLarge => detail(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large."),
            Self::MediaType(sent) => {
                detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, &format!("Unsupported media type \"{sent}\" in request."))
            }
            Self::Link => detail(StatusCode::FORBIDDEN, "Link expired or invalid."),
        }
    }
}

fn throttled(seconds: u64) -> Response {
    let text = format!("Too many failed authentication attempts. Expected available in {seconds} seconds.");
    with_header(detail(StatusCode::TOO_MANY_REQUESTS, &text), header::RETRY_AFTER, HeaderValue::from(seconds))
}

/// One too many, and how the caller stands.
fn limited(exceeded: &Exceeded) -> Response {
    let response = detail(StatusCode::TOO_MANY_REQUESTS, &exceeded.text);
    let mut response = with_header(response, header::RETRY_AFTER, HeaderValue::from(exceeded.wait));
    if let Some(standing) = &exceeded.standing {
        limit::tell(&mut response, standing);
    }
    response
}

fn unauthorized(text: &str) -> Response {
    with_header(detail(StatusCode::UNAUTHORIZED, text), header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn with_header(mut response: Response, name: header::HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}

fn action(error: Error) -> Response {
    match error {
        Error::NotFound(text) => detail(StatusCode::NOT_FOUND, text),
        Error::NoSuch(text) => detail(StatusCode::NOT_FOUND, &text),
        Error::Forbidden => detail(StatusCode::FORBIDDEN, "You do not have permission to perform this action."),
        Error::NotAllowed(text) => detail(StatusCode::FORBIDDEN, text),
        Error::WrongSignIn => unauthorized("E-mail address, password or code is wrong."),
        Error::CodeNeeded => {
            let told = json!({ "detail": "Enter the code of your authenticator app.", "code_required": true });
            with_header(body(StatusCode::UNAUTHORIZED, &told), header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        Error::TooManyAttempts(seconds) => throttled(seconds),
        Error::Limited(exceeded) => limited(&exceeded),
        Error::Invalid(errors) => body(StatusCode::BAD_REQUEST, &errors),
        Error::Refused(text) => detail(StatusCode::BAD_REQUEST, &text),
        Error::RefusedBare(text) => body(StatusCode::BAD_REQUEST, &[text]),
        Error::Stale => detail(StatusCode::PRECONDITION_FAILED, "The session was changed by someone else."),
        Error::Conflict(text) => detail(StatusCode::CONFLICT, &text),
        Error::Busy(text) => detail(StatusCode::TOO_MANY_REQUESTS, text),
        Error::Gone(text) => detail(StatusCode::GONE, text),
        Error::StillRunning => detail(StatusCode::CONFLICT, "A request with this Idempotency-Key is still running."),
        Error::OtherRequest => detail(StatusCode::UNPROCESSABLE_ENTITY, "Idempotency-Key was used with a different request."),
        Error::Erased => detail(StatusCode::GONE, "The data of this subject was erased."),
        Error::NotConfigured(text) => detail(StatusCode::SERVICE_UNAVAILABLE, text),
        Error::Again => action(Error::Unavailable("what this was begun with has moved on".into())),
        Error::Unavailable(reason) => {
            tracing::warn!(reason, "not available");
            let response = detail(StatusCode::SERVICE_UNAVAILABLE, "Service temporarily unavailable.");
            with_header(response, header::RETRY_AFTER, HeaderValue::from_static("1"))
        }
        Error::Fault(reason) => {
            tracing::error!(reason, "internal error");
            detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error.")
        }
    }
}
