//! Signing in and out, and the links that lead to an account.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use gavel_core::{
    ids::SigninId,
    json::{FieldErrors, Value},
};
use http::{StatusCode, header};

use crate::{
    actions::{
        Caller,
        accounts::Visitor,
        links::{self, Acceptance, Forgotten, ForgottenView, JoinedView, Reset},
        signins::{self, Credentials, SigninView},
    },
    app::App,
    http::{
        auth::set_cookie,
        error::ApiResult,
        extract::{CurrentSignin, Ids, Json, Nothing, ReadBody, Reply},
    },
};

impl ReadBody for Credentials {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for Forgotten {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for Reset {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for Acceptance {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

/// Signs in; the answer sets the cookie.
pub async fn sign_in(State(app): State<App>, visitor: Visitor, Json(body): Json<Credentials>) -> ApiResult<Response> {
    let done = signins::sign_in(&app, visitor, body?).await?;
    Ok(([(header::SET_COOKIE, set_cookie(&app, Some(&done.token)))], Reply(done.me)).into_response())
}

/// Signs out; the answer takes the cookie away.
pub async fn sign_out(State(app): State<App>, caller: Caller, CurrentSignin(signin): CurrentSignin) -> ApiResult<Response> {
    signins::sign_out(&app, &caller, signin).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&app, None))]).into_response())
}

/// Asks for a link to a new password.
pub async fn forgot(State(app): State<App>, visitor: Visitor, Json(body): Json<Forgotten>) -> ApiResult<Reply<ForgottenView>> {
    Ok(Reply(links::forgot(&app, visitor, body?).await?))
}

/// Sets a new password by a link.
pub async fn reset(State(app): State<App>, visitor: Visitor, Json(body): Json<Reset>) -> ApiResult<Reply<JoinedView>> {
    Ok(Reply(links::reset(&app, visitor, body?).await?))
}

/// Accepts an invitation.
pub async fn accept(State(app): State<App>, visitor: Visitor, Json(body): Json<Acceptance>) -> ApiResult<Reply<JoinedView>> {
    Ok(Reply(links::accept(&app, visitor, body?).await?))
}

/// The caller's sign-ins.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    CurrentSignin(signin): CurrentSignin,
) -> ApiResult<Reply<Vec<SigninView>>> {
    Ok(Reply(signins::list(&app, &caller, signin).await?))
}

/// Ends one of them.
pub async fn revoke(State(app): State<App>, caller: Caller, Ids(id): Ids<SigninId>) -> ApiResult<Nothing> {
    signins::revoke(&app, &caller, id).await?;
    Ok(Nothing)
}
