//! One's own account.

use axum::extract::State;
use gavel_core::json::{FieldErrors, Value};

use crate::{
    actions::{
        Caller,
        me::{self, Code, MeChange, MeView, PasswordChange, RecoveryView, TotpEnd, TotpView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{CurrentSignin, Json, Nothing, ReadBody, Reply},
    },
};

impl ReadBody for MeChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for PasswordChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for Code {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

impl ReadBody for TotpEnd {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent)
    }
}

/// Shows it.
pub async fn show(State(app): State<App>, caller: Caller, CurrentSignin(signin): CurrentSignin) -> ApiResult<Reply<MeView>> {
    Ok(Reply(me::show(&app, &caller, signin).await?))
}

/// Changes name and preferences.
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    CurrentSignin(signin): CurrentSignin,
    Json(body): Json<MeChange>,
) -> ApiResult<Reply<MeView>> {
    Ok(Reply(me::update(&app, &caller, signin, body).await?))
}

/// Changes the password.
pub async fn change_password(
    State(app): State<App>,
    caller: Caller,
    CurrentSignin(signin): CurrentSignin,
    Json(body): Json<PasswordChange>,
) -> ApiResult<Nothing> {
    me::change_password(&app, &caller, signin, body?).await?;
    Ok(Nothing)
}

/// Makes a secret for an authenticator app.
pub async fn start_totp(State(app): State<App>, caller: Caller) -> ApiResult<Reply<TotpView>> {
    Ok(Reply(me::start_totp(&app, &caller).await?))
}

/// Turns the second factor on.
pub async fn confirm_totp(
    State(app): State<App>,
    caller: Caller,
    CurrentSignin(signin): CurrentSignin,
    Json(body): Json<Code>,
) -> ApiResult<Reply<RecoveryView>> {
    Ok(Reply(me::confirm_totp(&app, &caller, signin, body?).await?))
}

/// Turns it off.
pub async fn disable_totp(State(app): State<App>, caller: Caller, Json(body): Json<TotpEnd>) -> ApiResult<Nothing> {
    me::disable_totp(&app, &caller, body?).await?;
    Ok(Nothing)
}
