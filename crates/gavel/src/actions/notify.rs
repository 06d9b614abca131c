//! Writing a row of a session's feed: whom its comment mentions, and who is told of it (contract, reviews §5 and §6); and
//! who is told of a destination that has paused itself.
//!
//! [`write_row`] is the one way to a row, but for those a copy of a session takes over ([`copy_row`]). Everything is in the row's transaction: a change that is refused tells nobody,
//! and a mail is sent only of what is committed.

use std::collections::BTreeSet;

use gavel_core::{
    access::{Level, Resource, Role},
    ids::{ApplicationId, DestinationId, SessionId},
    review::{NoticeKind, Reach, matched, mentions},
    time::Timestamp,
};

use super::{Caller, Error};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        activities::{self, Activity},
        mails::{self, Mail, MailKind, Recipient},
        members::{self, Member},
        notifications::{self, NewNotification, Place},
        sessions::Session,
    },
};

/// Writes a row with its mentions, and tells people. Answers the row as it was written.
pub(super) async fn write_row(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    session: &Session,
    mut activity: Activity,
) -> Result<Activity, Error> {
    let mentioned = find_mentioned(tx, caller.application, activity.comment.as_deref()).await?;
    activity.mentioned_emails = mentioned.iter().map(|member| member.email.clone()).collect();
    activities::insert_activity(tx, (caller.application, session.id), session.version, &activity).await?;
    let (application, at) = (caller.application, Place::Row(session.id, activity.id));
    let mut told = BTreeSet::from_iter(activity.actor_id); // Nobody is told of what they did.
    for member in &mentioned {
        if told.insert(member.id.0) {
            tell(tx, app, (application, at), member, NoticeKind::Mention, activity.created_at).await?;
        }
    }
    if let Some(kind) = NoticeKind::of_row(activity.kind) {
        for (member, _) in members::list_writers(tx, caller.application, session.id).await? {
            if told.insert(member.id.0) {
                tell(tx, app, (application, at), &member, kind, activity.created_at).await?;
            }
        }
    }
    Ok(activity)
}

/// Writes a row that was written elsewhere: the people it calls are not of this application, and nobody is told of it.
pub(super) async fn copy_row(
    tx: &mut Tx,
    application: ApplicationId,
    session: SessionId,
    version: u64,
    row: Activity,
) -> Result<(), Error> {
    let row = Activity { id: new_id(), actor_id: None, mentioned_emails: Vec::new(), metadata: None, ..row };
    Ok(activities::insert_activity(tx, (application, session), version, &row).await?)
}

/// Tells those who may mend it that a destination was paused, in the transaction of the pause.
pub(super) async fn destination_paused(
    tx: &mut Tx,
    app: &App,
    (application, destination): (ApplicationId, DestinationId),
    now: Timestamp,
) -> Result<(), Error> {
    for (member, role) in members::list_active(tx, application).await? {
        if role.level(Resource::Webhooks) >= Level::Write {
            tell(tx, app, (application, Place::Destination(destination)), &member, NoticeKind::Webhook, now).await?;
        }
    }
    Ok(())
}

/// The members whom a comment mentions. One question to the database however many it calls; none when it calls nobody.
async fn find_mentioned(tx: &mut Tx, application: ApplicationId, comment: Option<&str>) -> Result<Vec<Member>, Error> {
    let Some(comment) = comment.filter(|comment| comment.contains('@')) else { return Ok(Vec::new()) };
    let called: BTreeSet<String> = mentions(comment).into_iter().map(str::to_lowercase).collect();
    let called: Vec<String> = called.into_iter().collect();
    let found: Vec<(Member, Role)> = members::list_active_by_email(tx, application, &called).await?;
    Ok(matched(comment, &found, |(member, _)| &member.email).into_iter().map(|(member, _)| member.clone()).collect())
}

/// Puts a notice into somebody's inbox, and a mail into the outbox, as far as they want it.
async fn tell(
    tx: &mut Tx,
    app: &App,
    (application, at): (ApplicationId, Place),
    member: &Member,
    kind: NoticeKind,
    created_at: Timestamp,
) -> Result<(), Error> {
    let reach = member.preferences.reach(kind);
    if reach == Reach::Off {
        return Ok(());
    }
    let notification = NewNotification { id: new_id(), application, member: member.id, kind, at, created_at };
    notifications::insert_notification(tx, &notification).await?;
    if reach == Reach::Email && app.config.mail.is_some() {
        let mail = Mail {
            id: new_id(),
            to: Recipient::Member(member.id),
            kind: MailKind::Notification,
            notification: Some(notification.id),
            sealed: None,
            attempts: 0,
            created_at,
        };
        mails::insert_mail(tx, &mail).await?;
    }
    Ok(())
}
