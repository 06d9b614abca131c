//! Signing in and out. A sign-in is a random token in a cookie, of which the database has the hash; it ends when it is not
//! used for [`IDLE`], after [`LIFETIME`] in any case, and at once when somebody ends it.

use gavel_core::{
    ids::SigninId,
    json::{FieldErrors, Fields, Value, read},
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    accounts::{self, Visitor},
    doors,
    me::{self, MeView},
};
use crate::{
    app::App,
    clock::{new_id, random_text},
    secrets::digest,
    store::{
        Tx,
        members::{self, Member, MemberStatus},
        signins::{self, Found, Signin},
    },
};

/// Seconds after which an unused sign-in ends.
pub const IDLE: i64 = 12 * 3_600;
/// Seconds after which every sign-in ends.
pub const LIFETIME: i64 = 7 * 86_400;
/// Seconds between two notes that a sign-in is in use.
const SEEN: i64 = 60;
/// Longest name of a browser that is kept, in characters.
const USER_AGENT: usize = 300;

/// What somebody shows to sign in.
pub struct Credentials {
    email_key: String,
    password: String,
    code: Option<String>,
}

impl Credentials {
    /// Reads the body of a sign-in.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let email = fields.required("email", read::email);
        let password = fields.required("password", accounts::read_password);
        let code = fields.optional("code", accounts::read_short);
        fields.finish(|| Some(Self { email_key: email?.key().to_owned(), password: password?, code: code? }))
    }
}

/// A sign-in just made.
pub struct SignedIn {
    /// What goes into the cookie; nobody has it again.
    pub token: String,
    /// Who it is.
    pub me: MeView,
}

/// Signs in. Unknown addresses, wrong passwords and wrong codes are one answer, after the same work.
pub async fn sign_in(app: &App, visitor: Visitor, body: Credentials) -> Result<SignedIn, Error> {
    let (app_, key, ip) = (app.clone(), body.email_key.clone(), visitor.ip);
    doors::attempt(app, key, ip, async move { compare(&app_, visitor, body).await }).await
}

async fn compare(app: &App, visitor: Visitor, body: Credentials) -> Result<SignedIn, Error> {
    let (now, key) = (app.clock.now(), body.email_key);
    let found =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(members::find_by_email(tx, &key).await?) })).await?;
    let found = found.filter(|member| member.status == MemberStatus::Active);
    let hash = found.as_ref().and_then(|member| member.password_hash.clone());
    let right = app.doors.passwords.is_right(body.password, hash).await?;
    let member = found.filter(|_| right).ok_or(Error::WrongSignIn)?;
    let (app_, token) = (app.clone(), random_text::<32>());
    let hash = digest(token.as_bytes());
    let me = app
        .store
        .write(move |tx| Box::pin(async move { begin(tx, &app_, &visitor, member, body.code.as_deref(), hash, now).await }))
        .await?;
    Ok(SignedIn { token, me })
}

/// The password was right; now under the account's lock. `compared` is the account whose password it was.
async fn begin(
    tx: &mut Tx,
    app: &App,
    visitor: &Visitor,
    compared: Member,
    code: Option<&str>,
    hash: [u8; 32],
    now: Timestamp,
) -> Result<MeView, Error> {
    let member = members::lock_member(tx, compared.id).await?;
    let unchanged = |member: &Member| member.status == MemberStatus::Active && member.password_hash == compared.password_hash;
    let mut member = member.filter(unchanged).ok_or(Error::WrongSignIn)?;
    accounts::second_factor(tx, app, &mut member, code, now).await?;
    members::set_member(tx, &member, now).await?;
    signins::remove_ended(tx, member.id, alive(now)).await?;
    let signin = Signin {
        id: new_id(),
        member: member.id,
        ip: visitor.ip.map(|ip| ip.to_string()),
        user_agent: visitor.user_agent.as_ref().map(|name| name.chars().take(USER_AGENT).collect()),
        created_at: now,
        last_seen_at: now,
        expires_at: now.plus_seconds(LIFETIME),
    };
    signins::insert_signin(tx, &signin, hash).await?;
    let roles = members::list_roles(tx, member.id).await?;
    let first = *roles.first().ok_or(Error::WrongSignIn)?;
    let objects = [("member", member.id.0), ("signin", signin.id.0)];
    accounts::audit_in(tx, &visitor.caller(&member, first), &roles, "member.signed_in", &objects, now).await?;
    me::view(tx, app, &member, signin.id).await
}

/// What a living sign-in is: not ended at this time, and used after that.
fn alive(now: Timestamp) -> (Timestamp, Timestamp) {
    (now, now.plus_seconds(-IDLE))
}

/// Forgets sign-ins that have ended.
pub async fn forget_ended(app: &App) -> Result<u64, Error> {
    let now = app.clock.now();
    app.store.write(move |tx| Box::pin(async move { Ok(signins::remove_all_ended(tx, alive(now)).await?) })).await
}

/// Who is behind a cookie, if it is alive; notes that it is in use.
pub async fn find(app: &App, token: &[u8]) -> Result<Option<Found>, Error> {
    let (hash, now) = (digest(token), app.clock.now());
    let found = app
        .store
        .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(signins::find_by_hash(tx, hash, alive(now)).await?) }))
        .await?;
    if let Some(found) = &found
        && found.last_seen_at <= now.plus_seconds(-SEEN)
    {
        let id = found.id;
        let noted =
            app.store.write::<_, Error, _>(move |tx| Box::pin(async move { Ok(signins::set_seen(tx, id, now).await?) })).await;
        if let Err(error) = noted {
            tracing::warn!(%error, "that a sign-in is in use was not noted");
        }
    }
    Ok(found)
}

/// Ends the sign-in the call came with.
pub async fn sign_out(app: &App, caller: &Caller, signin: SigninId) -> Result<(), Error> {
    end(app, caller, signin, "member.signed_out").await
}

/// Ends one of the caller's sign-ins.
pub async fn revoke(app: &App, caller: &Caller, signin: SigninId) -> Result<(), Error> {
    end(app, caller, signin, "member.signin_revoked").await
}

async fn end(app: &App, caller: &Caller, signin: SigninId, kind: &'static str) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let member = accounts::member_of(&caller_)?;
            if !signins::remove_signin(tx, member, signin).await? {
                return Err(Error::NOT_FOUND);
            }
            let roles = members::list_roles(tx, member).await?;
            accounts::audit_in(tx, &caller_, &roles, kind, &[("member", member.0), ("signin", signin.0)], now).await
        })
    })
    .await
}

/// A sign-in as shown to whose it is.
#[derive(Debug, Serialize)]
pub struct SigninView {
    uuid: SigninId,
    is_current: bool,
    ip: Option<String>,
    user_agent: Option<String>,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
}

/// The caller's living sign-ins, newest first.
pub async fn list(app: &App, caller: &Caller, current: SigninId) -> Result<Vec<SigninView>, Error> {
    let (member, now) = (accounts::member_of(caller)?, app.clock.now());
    let rows = app
        .store
        .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(signins::list_signins(tx, member, alive(now)).await?) }))
        .await?;
    let view = |row: Signin| SigninView {
        uuid: row.id,
        is_current: row.id == current,
        ip: row.ip,
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at.min(row.last_seen_at.plus_seconds(IDLE)),
    };
    Ok(rows.into_iter().map(view).collect())
}
