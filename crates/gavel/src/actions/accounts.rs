//! What everything about accounts shares: readers of fields, who is recorded as having done it, and the second factor.

use std::net::IpAddr;

use gavel_core::{
    access::{Actor, Role},
    ids::{ApplicationId, MemberId},
    json::{FieldError, Value, read},
    time::Timestamp,
};
use uuid::Uuid;

use super::{Caller, Error};
use crate::{
    app::App,
    store::{
        Tx,
        members::{self, Member},
    },
    totp::{Totp, recovery_hash},
};

/// Longest name, in characters.
const NAME: usize = 255;
/// Shortest password, in characters.
const PASSWORD_LEAST: usize = 12;
/// Longest password, in characters.
const PASSWORD_MOST: usize = 256;
/// Longest token or code that is looked at, in characters.
const SHORT: usize = 128;

/// Somebody whom no cookie and no key names: where they come from and what they ask for.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// `POST`.
    pub method: String,
    /// Template of the route.
    pub route: &'static str,
    /// Status code a success is answered with.
    pub success: u16,
    /// The path as sent.
    pub path: String,
    /// Where the request came from.
    pub ip: Option<IpAddr>,
    /// What they use.
    pub user_agent: Option<String>,
}

impl Visitor {
    /// Once it is known who they are.
    pub fn caller(&self, member: &Member, (application, role): (ApplicationId, Role)) -> Caller {
        Caller {
            application,
            actor: actor(member, role),
            method: self.method.clone(),
            route: self.route,
            success: self.success,
            path: self.path.clone(),
            ip: self.ip,
            claim: None,
        }
    }
}

/// A person as an actor.
pub fn actor(member: &Member, role: Role) -> Actor {
    Actor::Member { id: member.id.0, name: member.name.clone(), email: member.email.clone(), role }
}

/// A name as sent: one line.
pub fn read_name(sent: &Value<'_>) -> Result<String, FieldError> {
    let name = read::trimmed_text(NAME)(sent)?;
    match name.chars().any(char::is_control) {
        true => Err(FieldError::text("Control characters are not allowed.")),
        false => Ok(name),
    }
}

/// A password somebody has.
pub fn read_password(sent: &Value<'_>) -> Result<String, FieldError> {
    read::filled(read::text(PASSWORD_MOST))(sent)
}

/// A password somebody chooses.
pub fn read_new_password(sent: &Value<'_>) -> Result<String, FieldError> {
    let password = read_password(sent)?;
    match password.chars().count() {
        0..PASSWORD_LEAST => Err(FieldError::text(format!("Ensure this field has at least {PASSWORD_LEAST} characters."))),
        _ => Ok(password),
    }
}

/// A token or a code.
pub fn read_short(sent: &Value<'_>) -> Result<String, FieldError> {
    read::filled(read::trimmed_text(SHORT))(sent)
}

/// The person who calls. Only routes for those who have signed in get this far.
pub fn member_of(caller: &Caller) -> Result<MemberId, Error> {
    match &caller.actor {
        Actor::Member { id, .. } => Ok(MemberId(*id)),
        Actor::ApiKey { .. } | Actor::System => Err(Error::Forbidden),
    }
}

/// The caller's own account, locked until the end.
pub async fn lock_own(tx: &mut Tx, caller: &Caller) -> Result<Member, Error> {
    members::lock_member(tx, member_of(caller)?).await?.ok_or(Error::Forbidden)
}

/// Writes an audit row about an account in every application it has a role in: an account is one, the trails are many.
pub async fn audit_account(tx: &mut Tx, caller: &Caller, member: MemberId, kind: &str, at: Timestamp) -> Result<(), Error> {
    let roles = members::list_roles(tx, member).await?;
    audit_in(tx, caller, &roles, kind, &[("member", member.0)], at).await
}

/// The same, of these applications and with these objects.
pub async fn audit_in(
    tx: &mut Tx,
    caller: &Caller,
    roles: &[(ApplicationId, Role)],
    kind: &str,
    objects: &[(&str, Uuid)],
    at: Timestamp,
) -> Result<(), Error> {
    for (application, _) in roles {
        let there = Caller { application: *application, ..caller.clone() };
        there.audit(tx, kind, objects, at).await?;
    }
    Ok(())
}

/// Where a secret of a second factor is sealed for.
pub fn totp_place(member: MemberId) -> String {
    format!("totp {member}")
}

/// The secret of an account's second factor.
pub fn open_totp(app: &App, member: &Member, sealed: &[u8]) -> Result<Totp, Error> {
    let secret = app.secrets.open(&totp_place(member.id), sealed);
    Totp::of(secret.ok_or_else(|| Error::fault("the secret of a second factor does not open"))?, &member.email)
}

/// Whether an account that has a second factor is shown it: a code that was not taken before, or a recovery code, which
/// goes. Under the account's lock; what it changes in `member` is the caller's to write.
pub async fn second_factor(tx: &mut Tx, app: &App, member: &mut Member, code: Option<&str>, now: Timestamp) -> Result<(), Error> {
    let Some(sealed) = &member.totp_secret else { return Ok(()) };
    let code = code.ok_or(Error::CodeNeeded)?;
    if let Some(step) = open_totp(app, member, sealed)?.step_of(code, now, member.totp_step) {
        member.totp_step = step;
        return Ok(());
    }
    match recovery_hash(code) {
        Some(hash) if members::take_recovery_code(tx, member.id, hash).await? => Ok(()),
        _ => Err(Error::WrongSignIn),
    }
}
