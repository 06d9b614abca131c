//! One-time links: the first owner's, invitations, new passwords. A link carries 32 random bytes of which the database has
//! the hash; it ends when it is used, when its time is over, and when another one takes its place.

use std::time::{Duration, Instant};

use gavel_core::{
    access::{Actor, Role},
    entry::email::Email,
    ids::{ApplicationId, MemberId},
    json::{FieldErrors, Fields, Value, read},
    review::Preferences,
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    accounts::{self, Visitor, audit_account, audit_in},
    me,
};
use crate::{
    app::App,
    clock::{new_id, random_text},
    secrets::digest,
    store::{
        Tx, applications,
        mails::{self, Mail, MailKind, Recipient},
        member_links::{self, Link, Purpose},
        members::{self, Member, MemberStatus},
        signins,
    },
};

const USED: &str = "This link has been used or has expired.";

impl Purpose {
    /// Seconds a link for it can be used.
    const fn lifetime(self) -> i64 {
        match self {
            Self::Invitation => 7 * 86_400,
            Self::Reset => 3_600,
            Self::SignUp => 86_400,
        }
    }
}

/// Where a token is used: a page of the console, which sends it on.
pub fn address(app: &App, purpose: Purpose, token: &str) -> String {
    format!("{}/{}?token={token}", app.config.public_url, purpose.as_str())
}

/// Makes a link for somebody; answers its token. Earlier ones for the same purpose end.
pub async fn make(
    tx: &mut Tx,
    member: Option<&Member>,
    application: ApplicationId,
    purpose: Purpose,
    now: Timestamp,
) -> Result<String, Error> {
    let token = random_text::<32>();
    let link =
        Link { member: member.map(|member| member.id), application, purpose, expires_at: now.plus_seconds(purpose.lifetime()) };
    member_links::insert_link(tx, digest(token.as_bytes()), &link, now).await?;
    Ok(token)
}

/// Queues a mail to somebody, if this server sends any. Whether it does.
pub async fn mail(
    tx: &mut Tx,
    app: &App,
    member: &Member,
    kind: MailKind,
    token: Option<&str>,
    now: Timestamp,
) -> Result<bool, Error> {
    if app.config.mail.is_none() {
        return Ok(false);
    }
    let id: uuid::Uuid = new_id();
    let sealed = token.map(|token| app.secrets.seal(&sealed_at(id), token.as_bytes()));
    let mail = Mail { id, to: Recipient::Member(member.id), kind, notification: None, sealed, attempts: 0, created_at: now };
    mails::insert_mail(tx, &mail).await?;
    Ok(true)
}

/// Where the token in a mail is sealed for.
pub fn sealed_at(mail: uuid::Uuid) -> String {
    format!("mail {mail}")
}

/// On a server without members: a link with which somebody becomes its first owner.
pub async fn sign_up(app: &App) -> Result<Option<String>, Error> {
    let (app_, now) = (app.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let applications = applications::list_applications(tx).await?;
                match applications.first() {
                    Some(first) if !members::is_anybody_there(tx).await? => {
                        let token = make(tx, None, first.id, Purpose::SignUp, now).await?;
                        Ok(Some(address(&app_, Purpose::SignUp, &token)))
                    }
                    _ => Ok(None),
                }
            })
        })
        .await
}

/// What somebody sends with an invitation or the first owner's link.
pub struct Acceptance {
    token: [u8; 32],
    password: String,
    name: Option<String>,
    email: Option<Email>,
}

impl Acceptance {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let token = fields.required("token", accounts::read_short);
        let password = fields.required("password", accounts::read_new_password);
        let name = fields.optional("name", accounts::read_name);
        let email = fields.optional("email", read::email);
        fields.finish(|| Some(Self { token: digest(token?.as_bytes()), password: password?, name: name?, email: email? }))
    }
}

/// The account a link led to.
#[derive(Debug, Serialize)]
pub struct JoinedView {
    email: String,
    name: String,
}

/// Accepts an invitation, or makes the first owner.
pub async fn accept(app: &App, visitor: Visitor, body: Acceptance) -> Result<JoinedView, Error> {
    let purpose = look(app, body.token, &[Purpose::Invitation, Purpose::SignUp]).await?;
    if purpose == Purpose::SignUp && body.email.is_none() {
        return Err(Error::field("email", "This field is required."));
    }
    let hash = app.doors.passwords.hash(body.password.clone()).await?;
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let link = take(tx, body.token, purpose, now).await?;
                let member = match link.member {
                    Some(id) => {
                        let mut member = members::lock_member(tx, id).await?.ok_or_else(used)?;
                        if member.status != MemberStatus::Invited {
                            return Err(used());
                        }
                        member.name = body.name.unwrap_or(member.name);
                        (member.status, member.password_hash) = (MemberStatus::Active, Some(hash));
                        members::set_member(tx, &member, now).await?;
                        member
                    }
                    None => {
                        let email = body.email.ok_or_else(used)?;
                        first_owner(tx, &link, (&email, body.name.unwrap_or_default()), hash, now).await?
                    }
                };
                let roles = members::list_roles(tx, member.id).await?;
                let first = *roles.first().ok_or_else(used)?;
                let caller = visitor.caller(&member, first);
                audit_in(tx, &caller, &roles, "member.joined", &[("member", member.id.0)], now).await?;
                Ok(JoinedView { email: member.email, name: member.name })
            })
        })
        .await
}

fn used() -> Error {
    Error::Refused(USED.into())
}

/// A first look at a link, before a password is hashed for it.
async fn look(app: &App, token: [u8; 32], purposes: &'static [Purpose]) -> Result<Purpose, Error> {
    let now = app.clock.now();
    let found =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(member_links::find_link(tx, token).await?) })).await?;
    let found = found.filter(|link| link.expires_at > now && purposes.contains(&link.purpose));
    found.map(|link| link.purpose).ok_or_else(used)
}

/// Uses a link up.
async fn take(tx: &mut Tx, token: [u8; 32], purpose: Purpose, now: Timestamp) -> Result<Link, Error> {
    let link = member_links::take_link(tx, token).await?;
    link.filter(|link| link.expires_at > now && link.purpose == purpose).ok_or_else(used)
}

/// Makes the first owner, of every application there is.
async fn first_owner(
    tx: &mut Tx,
    link: &Link,
    (email, name): (&Email, String),
    hash: String,
    now: Timestamp,
) -> Result<Member, Error> {
    applications::lock_settings(tx, link.application).await?; // Of two that try at once, one comes second.
    if members::is_anybody_there(tx).await? {
        return Err(used());
    }
    let member = new_member(email, name, MemberStatus::Active, Some(hash), now);
    if !members::insert_member(tx, &member).await? {
        return Err(used());
    }
    for application in applications::list_applications(tx).await? {
        members::set_role(tx, member.id, application.id, Role::Owner, now).await?;
    }
    member_links::remove_sign_ups(tx).await?;
    Ok(member)
}

/// An account as it begins.
pub fn new_member(email: &Email, name: String, status: MemberStatus, password_hash: Option<String>, now: Timestamp) -> Member {
    Member {
        id: new_id(),
        email: email.stored().to_owned(),
        email_key: email.key().to_owned(),
        name,
        status,
        password_hash,
        totp_secret: None,
        totp_pending: None,
        totp_step: 0,
        preferences: Preferences::default(),
        created_at: now,
    }
}

/// What somebody sends who forgot the password.
pub struct Forgotten(String);

impl Forgotten {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let email = fields.required("email", read::email);
        fields.finish(|| Some(Self(email?.key().to_owned())))
    }
}

/// What everybody is answered who forgot the password.
#[derive(Debug, Serialize)]
pub struct ForgottenView {
    detail: &'static str,
}

/// Sends a link for a new password, if there is such an account. Answer and time are the same when there is none.
pub async fn forgot(app: &App, visitor: Visitor, Forgotten(email_key): Forgotten) -> Result<ForgottenView, Error> {
    /// The answer comes after a multiple of this, which is longer than the work.
    const BEAT: Duration = Duration::from_millis(250);
    let (began, now) = (Instant::now(), app.clock.now());
    app.doors.may_ask_for_mail(visitor.ip, now)?;
    if app.doors.may_send_link(&email_key, now) {
        send_reset(app, visitor, email_key, now).await?;
    }
    let beats = u32::try_from(began.elapsed().as_millis() / BEAT.as_millis() + 1).unwrap_or(1);
    tokio::time::sleep((BEAT * beats).saturating_sub(began.elapsed())).await;
    Ok(ForgottenView { detail: "If there is an account with this address, a link is on its way." })
}

async fn send_reset(app: &App, visitor: Visitor, email_key: String, now: Timestamp) -> Result<(), Error> {
    let app_ = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let found = members::find_by_email(tx, &email_key).await?;
                let Some(member) = found.filter(|member| member.status == MemberStatus::Active) else { return Ok(()) };
                let roles = members::list_roles(tx, member.id).await?;
                let Some(first) = roles.first() else { return Ok(()) };
                if app_.config.mail.is_some() {
                    let token = make(tx, Some(&member), first.0, Purpose::Reset, now).await?;
                    mail(tx, &app_, &member, MailKind::Reset, Some(&token), now).await?;
                    // Whoever asks is not known to be the member: the row is about them, not by them.
                    let caller = Caller { actor: Actor::System, ..visitor.caller(&member, *first) };
                    audit_in(tx, &caller, &roles, "member.reset_requested", &[("member", member.id.0)], now).await?;
                }
                Ok(())
            })
        })
        .await
}

/// A link for a new password, for whoever runs the server to hand over. With `second_factor` that goes as well.
pub async fn reset_by_hand(app: &App, caller: &Caller, id: MemberId, second_factor: bool) -> Result<String, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let mut member = members::lock_member(tx, id).await?.ok_or(Error::NOT_FOUND)?;
                if member.status != MemberStatus::Active {
                    return Err(Error::Refused("This person has not accepted the invitation; invite them again.".into()));
                }
                if second_factor {
                    me::clear_totp(tx, &mut member).await?;
                    members::set_member(tx, &member, now).await?;
                    audit_account(tx, &caller_, id, "member.totp_disabled", now).await?;
                }
                let token = make(tx, Some(&member), caller_.application, Purpose::Reset, now).await?;
                audit_account(tx, &caller_, id, "member.reset_requested", now).await?;
                Ok(address(&app_, Purpose::Reset, &token))
            })
        })
        .await
}

/// What somebody sends with a link for a new password.
pub struct Reset {
    token: [u8; 32],
    password: String,
}

impl Reset {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let token = fields.required("token", accounts::read_short);
        let password = fields.required("password", accounts::read_new_password);
        fields.finish(|| Some(Self { token: digest(token?.as_bytes()), password: password? }))
    }
}

/// Sets a new password by a link, and ends all sign-ins. The second factor stays as it is: a mailbox alone is not enough.
pub async fn reset(app: &App, visitor: Visitor, body: Reset) -> Result<JoinedView, Error> {
    look(app, body.token, &[Purpose::Reset]).await?;
    let hash = app.doors.passwords.hash(body.password).await?;
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let link = take(tx, body.token, Purpose::Reset, now).await?;
                let found = members::lock_member(tx, link.member.ok_or_else(used)?).await?;
                let mut member = found.filter(|member| member.status == MemberStatus::Active).ok_or_else(used)?;
                member.password_hash = Some(hash);
                members::set_member(tx, &member, now).await?;
                signins::remove_others(tx, member.id, None).await?;
                member_links::remove_of(tx, member.id).await?;
                let roles = members::list_roles(tx, member.id).await?;
                let first = *roles.first().ok_or_else(used)?;
                let caller = visitor.caller(&member, first);
                audit_in(tx, &caller, &roles, "member.password_reset", &[("member", member.id.0)], now).await?;
                Ok(JoinedView { email: member.email, name: member.name })
            })
        })
        .await
}
