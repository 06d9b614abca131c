//! What people do with their own account: name, preferences, password, second factor.

use gavel_core::{
    access::Role,
    ids::{ApplicationId, MemberId, SigninId},
    json::{FieldErrors, Fields, Value, read},
    review::{Preferences, Reach},
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    accounts::{self, audit_account, lock_own},
    doors,
};
use crate::{
    app::App,
    store::{
        Tx, applications,
        members::{self, Member},
        signins,
    },
    totp::{RECOVERY_CODES, Totp, recovery_codes},
};

/// An application somebody has a role in.
#[derive(Debug, Serialize)]
pub struct AccessView {
    uuid: ApplicationId,
    name: String,
    role: Role,
}

/// An account as shown to whose it is.
#[derive(Debug, Serialize)]
pub struct MeView {
    uuid: MemberId,
    email: String,
    name: String,
    totp_enabled: bool,
    recovery_codes_left: u64,
    notifications: Preferences,
    applications: Vec<AccessView>,
    csrf_token: String,
    created_at: Timestamp,
}

/// Builds it.
pub async fn view(tx: &mut Tx, app: &App, member: &Member, signin: SigninId) -> Result<MeView, Error> {
    let mut access = Vec::new();
    for (id, role) in members::list_roles(tx, member.id).await? {
        let found = applications::find_application(tx, id).await?.ok_or_else(|| Error::fault("a role in no application"))?;
        access.push(AccessView { uuid: id, name: found.name, role });
    }
    Ok(MeView {
        uuid: member.id,
        email: member.email.clone(),
        name: member.name.clone(),
        totp_enabled: member.totp_secret.is_some(),
        recovery_codes_left: members::count_recovery_codes(tx, member.id).await?,
        notifications: member.preferences,
        applications: access,
        csrf_token: app.secrets.csrf_token(signin),
        created_at: member.created_at,
    })
}

/// Shows the caller's account.
pub async fn show(app: &App, caller: &Caller, signin: SigninId) -> Result<MeView, Error> {
    let (app_, id) = (app.clone(), accounts::member_of(caller)?);
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let member = members::find_member(tx, id).await?.ok_or(Error::Forbidden)?;
                view(tx, &app_, &member, signin).await
            })
        })
        .await
}

/// A change of one's own account as sent. What is not sent stays.
pub struct MeChange {
    name: Option<String>,
    mention: Option<Reach>,
    comment: Option<Reach>,
    activity: Option<Reach>,
    webhook: Option<Reach>,
}

impl MeChange {
    /// Reads the body of a change.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let name = fields.optional("name", accounts::read_name);
        let reaches = fields.optional(
            "notifications",
            read::nested(|sent| {
                let mut fields = Fields::of(sent)?;
                let mut reach = |name: &'static str| fields.optional(name, read::choice_of(Reach::from_name));
                let (mention, comment) = (reach("mention"), reach("comment"));
                let (activity, webhook) = (reach("activity"), reach("webhook"));
                fields.finish(|| Some((mention?, comment?, activity?, webhook?)))
            }),
        );
        fields.finish(|| {
            let (mention, comment, activity, webhook) = reaches?.unwrap_or_default();
            Some(Self { name: name?, mention, comment, activity, webhook })
        })
    }
}

/// Changes name and preferences.
pub async fn update(app: &App, caller: &Caller, signin: SigninId, body: Result<MeChange, FieldErrors>) -> Result<MeView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (mut member, body) = (lock_own(tx, &caller_).await?, body?);
            let old = member.preferences;
            member.preferences = Preferences {
                mention: body.mention.unwrap_or(old.mention),
                comment: body.comment.unwrap_or(old.comment),
                activity: body.activity.unwrap_or(old.activity),
                webhook: body.webhook.unwrap_or(old.webhook),
            };
            member.name = body.name.unwrap_or(member.name);
            members::set_member(tx, &member, now).await?;
            audit_account(tx, &caller_, member.id, "member.changed", now).await?;
            view(tx, &app_, &member, signin).await
        })
    })
    .await
}

/// A change of one's own password.
pub struct PasswordChange {
    current: String,
    new: String,
}

impl PasswordChange {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let current = fields.required("current_password", accounts::read_password);
        let new = fields.required("new_password", accounts::read_new_password);
        fields.finish(|| Some(Self { current: current?, new: new? }))
    }
}

/// Changes the password, and ends all other sign-ins.
pub async fn change_password(app: &App, caller: &Caller, signin: SigninId, body: PasswordChange) -> Result<(), Error> {
    let compared = confirm_password(app, caller, "current_password", body.current).await?;
    let new = app.doors.passwords.hash(body.new).await?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut member = lock_own(tx, &caller_).await?;
            if member.password_hash != compared.password_hash {
                return Err(Error::field("current_password", "This is not your password."));
            }
            member.password_hash = Some(new);
            members::set_member(tx, &member, now).await?;
            signins::remove_others(tx, member.id, Some(signin)).await?;
            audit_account(tx, &caller_, member.id, "member.password_changed", now).await
        })
    })
    .await
}

/// Asks for the password once more. A stolen cookie does not get more tries than a stranger.
async fn confirm_password(app: &App, caller: &Caller, field: &'static str, password: String) -> Result<Member, Error> {
    let id = accounts::member_of(caller)?;
    let read = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(members::find_member(tx, id).await?) }));
    let member = read.await?.ok_or(Error::Forbidden)?;
    let (app_, key) = (app.clone(), member.email_key.clone());
    let compared = async move {
        match app_.doors.passwords.is_right(password, member.password_hash.clone()).await? {
            true => Ok(member),
            false => Err(Error::WrongSignIn),
        }
    };
    let done = doors::attempt(app, key, caller.ip, compared).await;
    done.map_err(|error| told(error, field, "This is not your password."))
}

/// What was compared and wrong, as an error of the field that it stood in.
fn told(error: Error, field: &'static str, text: &'static str) -> Error {
    match error {
        Error::WrongSignIn => Error::field(field, text),
        other => other,
    }
}

/// A second factor that is not confirmed yet.
#[derive(Debug, Serialize)]
pub struct TotpView {
    secret: String,
    otpauth_url: String,
}

const TOTP_IS_ON: &str = "The second factor is on already.";

/// Makes a secret for an authenticator app. Nothing changes until it is confirmed.
pub async fn start_totp(app: &App, caller: &Caller) -> Result<TotpView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut member = lock_own(tx, &caller_).await?;
            if member.totp_secret.is_some() {
                return Err(Error::Refused(TOTP_IS_ON.into()));
            }
            let totp = Totp::make(&member.email)?;
            member.totp_pending = Some(app_.secrets.seal(&accounts::totp_place(member.id), totp.secret()));
            members::set_member(tx, &member, now).await?;
            audit_account(tx, &caller_, member.id, "member.totp_started", now).await?;
            Ok(TotpView { secret: totp.base32(), otpauth_url: totp.url() })
        })
    })
    .await
}

/// A code.
pub struct Code(String);

impl Code {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let code = fields.required("code", accounts::read_short);
        fields.finish(|| code.map(Self))
    }
}

/// Recovery codes, shown this once.
#[derive(Debug, Serialize)]
pub struct RecoveryView {
    recovery_codes: Vec<String>,
}

/// Turns the second factor on, once the app shows the right code; ends all other sign-ins.
pub async fn confirm_totp(app: &App, caller: &Caller, signin: SigninId, Code(code): Code) -> Result<RecoveryView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut member = lock_own(tx, &caller_).await?;
            if member.totp_secret.is_some() {
                return Err(Error::Refused(TOTP_IS_ON.into()));
            }
            let pending = member.totp_pending.take().ok_or_else(|| Error::Refused("Start the second factor first.".into()))?;
            let step = accounts::open_totp(&app_, &member, &pending)?.step_of(&code, now, member.totp_step);
            member.totp_step = step.ok_or_else(|| Error::field("code", "This code is wrong."))?;
            member.totp_secret = Some(pending);
            members::set_member(tx, &member, now).await?;
            let (codes, hashes) = recovery_codes();
            debug_assert_eq!(hashes.len(), RECOVERY_CODES);
            members::set_recovery_codes(tx, member.id, &hashes).await?;
            signins::remove_others(tx, member.id, Some(signin)).await?;
            audit_account(tx, &caller_, member.id, "member.totp_enabled", now).await?;
            Ok(RecoveryView { recovery_codes: codes })
        })
    })
    .await
}

/// What it takes to turn the second factor off.
pub struct TotpEnd {
    password: String,
    code: String,
}

impl TotpEnd {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let password = fields.required("password", accounts::read_password);
        let code = fields.required("code", accounts::read_short);
        fields.finish(|| Some(Self { password: password?, code: code? }))
    }
}

/// Turns the second factor off.
pub async fn disable_totp(app: &App, caller: &Caller, body: TotpEnd) -> Result<(), Error> {
    let email_key = confirm_password(app, caller, "password", body.password).await?.email_key;
    let (app_, caller_, code) = (app.clone(), caller.clone(), body.code);
    let compared = async move { end_totp(&app_, &caller_, code).await };
    let done = doors::attempt(app, email_key, caller.ip, compared).await;
    done.map_err(|error| told(error, "code", "This code is wrong."))
}

async fn end_totp(app: &App, caller: &Caller, code: String) -> Result<(), Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let mut member = lock_own(tx, &caller_).await?;
            if member.totp_secret.is_none() {
                return Err(Error::Refused("The second factor is off.".into()));
            }
            accounts::second_factor(tx, &app_, &mut member, Some(&code), now).await?;
            clear_totp(tx, &mut member).await?;
            members::set_member(tx, &member, now).await?;
            audit_account(tx, &caller_, member.id, "member.totp_disabled", now).await
        })
    })
    .await
}

/// Takes the second factor off an account; the account is the caller's to write.
pub async fn clear_totp(tx: &mut Tx, member: &mut Member) -> Result<(), Error> {
    member.totp_secret = None;
    member.totp_pending = None;
    members::set_recovery_codes(tx, member.id, &[]).await?;
    Ok(())
}
