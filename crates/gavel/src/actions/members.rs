//! The members of an application: invited, given roles, removed. Whoever may do so is asked of
//! [`gavel_core::access::Actor::may_appoint`]; besides, nobody changes a role of their own, and the last owner stays one.

use gavel_core::{
    access::{Actor, Level, Resource, Role},
    entry::email::Email,
    ids::{ApplicationId, MemberId},
    json::{FieldErrors, Fields, Value, read},
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    accounts::{self, audit_account},
    links::{self, new_member},
    me,
};
use crate::{
    app::App,
    store::{
        Tx,
        mails::{self, MailKind},
        member_links::{self, Purpose},
        members::{self, Member, MemberStatus},
        queue, signins,
    },
};

/// A member as answered.
#[derive(Debug, Serialize)]
pub struct MemberView {
    uuid: MemberId,
    email: String,
    name: String,
    role: Role,
    status: &'static str,
    totp_enabled: bool,
    created_at: Timestamp,
}

impl MemberView {
    fn of(member: Member, role: Role) -> Self {
        Self {
            uuid: member.id,
            email: member.email,
            name: member.name,
            role,
            status: member.status.as_str(),
            totp_enabled: member.totp_secret.is_some(),
            created_at: member.created_at,
        }
    }
}

/// One line for a person at a command line.
impl std::fmt::Display for MemberView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let factor = if self.totp_enabled { ", second factor" } else { "" };
        write!(f, "{}  {}  {}  {}  {}{factor}", self.uuid, self.email, self.name, self.role.as_str(), self.status)
    }
}

/// The member of this address in an application.
pub async fn find_by_email(app: &App, application: ApplicationId, email: &Email) -> Result<Option<MemberId>, Error> {
    let key = email.key().to_owned();
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let Some(member) = members::find_by_email(tx, &key).await? else { return Ok(None) };
                let roles = members::list_roles(tx, member.id).await?;
                Ok(roles.iter().any(|(there, _)| *there == application).then_some(member.id))
            })
        })
        .await
}

/// The members of the caller's application, and how many there are.
pub async fn list(app: &App, caller: &Caller, window: (u64, u64)) -> Result<(Vec<MemberView>, u64), Error> {
    let application = caller.application;
    let page = app
        .store
        .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(members::list_page(tx, application, window).await?) }))
        .await?;
    Ok((page.0.into_iter().map(|(member, role)| MemberView::of(member, role)).collect(), page.1))
}

/// Somebody who can be mentioned.
#[derive(Debug, Serialize)]
pub struct NameView {
    uuid: MemberId,
    name: String,
    email: String,
}

/// The active members of the caller's application by address, and how many there are: for those who write comments and may
/// not look after members.
pub async fn list_names(app: &App, caller: &Caller, window: (u64, u64)) -> Result<(Vec<NameView>, u64), Error> {
    let application = caller.application;
    let (rows, total) = app
        .store
        .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(members::list_names(tx, application, window).await?) }))
        .await?;
    Ok((rows.into_iter().map(|(uuid, name, email)| NameView { uuid, name, email }).collect(), total))
}

/// An invitation as sent.
pub struct Invitation {
    /// Whom.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// Their name, if it is known.
    pub name: String,
}

impl Invitation {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let email = fields.required("email", read::email);
        let role = fields.required("role", read::choice_of(Role::from_name));
        let name = fields.optional("name", accounts::read_name);
        fields.finish(|| Some(Self { email: email?, role: role?, name: name?.unwrap_or_default() }))
    }
}

/// An invitation as answered.
#[derive(Debug, Serialize)]
pub struct InvitedView {
    #[serde(flatten)]
    member: MemberView,
    /// Where the person accepts; only where no mail brings it to them.
    pub invitation_url: Option<String>,
}

/// Invites somebody, or gives somebody who has an account a role here. An invitation that was not accepted is repeated
/// with a new link.
pub async fn invite(app: &App, caller: &Caller, body: Result<Invitation, FieldErrors>) -> Result<InvitedView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let body = body?;
            let (mut member, roles) = find_or_make(tx, &body, now).await?;
            let here = roles.iter().find(|(application, _)| *application == caller_.application).map(|(_, role)| *role);
            if member.status == MemberStatus::Active && here.is_some() {
                return Err(Error::field("email", "This person is a member already."));
            }
            must_appoint(&caller_, here, Some(body.role))?;
            members::set_role(tx, member.id, caller_.application, body.role, now).await?;
            let elsewhere = is_elsewhere(&caller_, &roles);
            if member.status == MemberStatus::Invited && !elsewhere && !body.name.is_empty() && body.name != member.name {
                member.name = body.name;
                members::set_member(tx, &member, now).await?;
            }
            let invitation_url = send_invitation(tx, &app_, &caller_, &member, elsewhere, now).await?;
            caller_.audit(tx, "member.invited", &[("member", member.id.0)], now).await?;
            Ok(InvitedView { member: MemberView::of(member, body.role), invitation_url })
        })
    })
    .await
}

/// The account of an invitation, locked, with the roles it has so far.
async fn find_or_make(tx: &mut Tx, body: &Invitation, now: Timestamp) -> Result<(Member, Vec<(ApplicationId, Role)>), Error> {
    let new = new_member(&body.email, body.name.clone(), MemberStatus::Invited, None, now);
    if members::insert_member(tx, &new).await? {
        return Ok((new, Vec::new()));
    }
    let gone = || Error::Unavailable("an account went while it was looked at".into());
    let found = members::find_by_email(tx, body.email.key()).await?.ok_or_else(gone)?;
    let member = members::lock_member(tx, found.id).await?.ok_or_else(gone)?;
    let roles = members::list_roles(tx, member.id).await?;
    Ok((member, roles))
}

/// Whether somebody has, or was promised, a role in another application than the caller's.
fn is_elsewhere(caller: &Caller, roles: &[(ApplicationId, Role)]) -> bool {
    roles.iter().any(|(application, _)| *application != caller.application)
}

/// Lets the person know, by mail or by way of the inviter. A link gives all the roles of the account, so whoever was shown
/// the one before must not have more by it now: it always ends. An inviter never sees the link of somebody who has a role in
/// another application; whoever runs the server does.
async fn send_invitation(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    member: &Member,
    elsewhere: bool,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    if member.status == MemberStatus::Active {
        links::mail(tx, app, member, MailKind::Access, None, now).await?;
        return Ok(None);
    }
    if elsewhere && app.config.mail.is_none() && !matches!(caller.actor, Actor::System) {
        member_links::remove_of(tx, member.id).await?;
        return Ok(None);
    }
    let token = links::make(tx, Some(member), caller.application, Purpose::Invitation, now).await?;
    match links::mail(tx, app, member, MailKind::Invitation, Some(&token), now).await? {
        true => Ok(None),
        false => Ok(Some(links::address(app, Purpose::Invitation, &token))),
    }
}

fn must_appoint(caller: &Caller, now: Option<Role>, then: Option<Role>) -> Result<(), Error> {
    if caller.actor.may_appoint(now, then) { Ok(()) } else { Err(Error::Forbidden) }
}

/// A change of a member as sent. What is not sent stays.
pub struct MemberChange {
    /// Another role.
    pub role: Option<Role>,
    /// Another name.
    pub name: Option<String>,
}

impl MemberChange {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let role = fields.optional("role", read::choice_of(Role::from_name));
        let name = fields.optional("name", accounts::read_name);
        fields.finish(|| Some(Self { role: role?, name: name? }))
    }
}

/// A changed member as answered.
#[derive(Debug, Serialize)]
pub struct ChangedView {
    #[serde(flatten)]
    member: MemberView,
    /// Where somebody invited accepts the other role; only where no mail brings it to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation_url: Option<String>,
}

/// Changes role or name. Rows that were written before keep the name they were written with. An invitation to another role
/// is another link.
pub async fn update(
    app: &App,
    caller: &Caller,
    id: MemberId,
    body: Result<MemberChange, FieldErrors>,
) -> Result<ChangedView, Error> {
    let (app_, caller_, now) = (app.clone(), caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (mut member, roles, mut role) = lock(tx, &caller_, id).await?;
            let mut invitation_url = None;
            let body = body?;
            let then = body.role.unwrap_or(role);
            must_appoint(&caller_, Some(role), Some(then))?;
            if then != role {
                if caller_.actor.id() == Some(id.0) {
                    return Err(Error::Forbidden); // Nobody lifts themselves.
                }
                must_leave_an_owner(tx, &caller_, &member, role, Some(then)).await?;
                members::set_role(tx, id, caller_.application, then, now).await?;
                caller_.audit(tx, "member.role_changed", &[("member", id.0)], now).await?;
                if !may_decide(then) {
                    release_claims(tx, &caller_, id, now).await?;
                }
                if member.status == MemberStatus::Invited {
                    invitation_url = send_invitation(tx, &app_, &caller_, &member, is_elsewhere(&caller_, &roles), now).await?;
                }
                role = then;
            }
            if let Some(name) = body.name.filter(|name| *name != member.name) {
                if roles.len() > 1 && caller_.actor.id() != Some(id.0) {
                    return Err(Error::field("name", "Members of several applications name themselves."));
                }
                member.name = name;
                members::set_member(tx, &member, now).await?;
                audit_account(tx, &caller_, id, "member.renamed", now).await?;
            }
            Ok(ChangedView { member: MemberView::of(member, role), invitation_url })
        })
    })
    .await
}

/// Takes somebody out of the application. Whoever is in none any more cannot sign in, and what they were sent is void.
pub async fn remove(app: &App, caller: &Caller, id: MemberId) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (mut member, roles, role) = lock(tx, &caller_, id).await?;
            must_appoint(&caller_, Some(role), None)?;
            must_leave_an_owner(tx, &caller_, &member, role, None).await?;
            members::remove_role(tx, id, caller_.application).await?;
            release_claims(tx, &caller_, id, now).await?;
            if member.status == MemberStatus::Invited {
                member_links::remove_of(tx, id).await?; // It was shown to somebody here, and opens what is left elsewhere.
            }
            if roles.len() == 1 {
                (member.status, member.password_hash) = (MemberStatus::Removed, None);
                me::clear_totp(tx, &mut member).await?;
                members::set_member(tx, &member, now).await?;
                signins::remove_others(tx, id, None).await?;
                member_links::remove_of(tx, id).await?;
                mails::remove_of(tx, id).await?;
            }
            caller_.audit(tx, "member.removed", &[("member", id.0)], now).await?;
            Ok(())
        })
    })
    .await
}

/// Whether somebody with this role may hold and decide sessions.
pub(super) fn may_decide(role: Role) -> bool {
    role.level(Resource::Sessions) >= Level::Write
}

/// Gives the sessions somebody holds back to the queue: they will not come back to them.
async fn release_claims(tx: &mut Tx, caller: &Caller, id: MemberId, now: Timestamp) -> Result<(), Error> {
    for session in queue::end_claims_of(tx, caller.application, id).await? {
        caller.audit(tx, "queue.released", &[("session", session.0), ("member", id.0)], now).await?;
    }
    Ok(())
}

/// A member of the caller's application, locked: the account, all its roles, and the one here.
async fn lock(tx: &mut Tx, caller: &Caller, id: MemberId) -> Result<(Member, Vec<(ApplicationId, Role)>, Role), Error> {
    let member = members::lock_member(tx, id).await?.ok_or(Error::NOT_FOUND)?;
    let roles = members::list_roles(tx, id).await?;
    let here = roles.iter().find(|(application, _)| *application == caller.application).ok_or(Error::NOT_FOUND)?.1;
    Ok((member, roles, here))
}

/// Refuses when the application would be left without an owner who can sign in.
async fn must_leave_an_owner(tx: &mut Tx, caller: &Caller, member: &Member, now: Role, then: Option<Role>) -> Result<(), Error> {
    if now != Role::Owner || then == Some(Role::Owner) || member.status != MemberStatus::Active {
        return Ok(());
    }
    match members::lock_owners(tx, caller.application).await?.iter().any(|owner| *owner != member.id) {
        true => Ok(()),
        false => Err(Error::Refused("The last owner cannot go. Make somebody else an owner first.".into())),
    }
}

/// Makes a member who can sign in at once; the demo does that.
pub async fn add_active(
    app: &App,
    application: ApplicationId,
    invitation: Invitation,
    password: String,
) -> Result<MemberId, Error> {
    let (hash, now) = (app.doors.passwords.hash(password).await?, app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let member = new_member(&invitation.email, invitation.name, MemberStatus::Active, Some(hash), now);
                if !members::insert_member(tx, &member).await? {
                    return Err(Error::field("email", "This person is a member already."));
                }
                members::set_role(tx, member.id, application, invitation.role, now).await?;
                let caller = Caller::system(application, "SERVER", "");
                caller.audit(tx, "member.joined", &[("member", member.id.0)], now).await?;
                Ok(member.id)
            })
        })
        .await
}
