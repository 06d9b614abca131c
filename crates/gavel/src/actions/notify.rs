//! Writing a row of a session's feed: whom its comment mentions, and who is told of it (contract, reviews §5 and §6).
//!
//! [`write_row`] is the one way to a row. Everything is in the row's transaction: a change that is refused tells nobody,
//! and a mail is sent only of what is committed.

use std::collections::BTreeSet;

use gavel_core::{
    access::Role,
    ids::ApplicationId,
    review::{NoticeKind, Reach, matched, mentions},
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
        notifications::{self, NewNotification},
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
    let mut told = BTreeSet::from_iter(activity.actor_id); // Nobody is told of what they did.
    for member in &mentioned {
        if told.insert(member.id.0) {
            tell(tx, app, caller, session, &activity, member, NoticeKind::Mention).await?;
        }
    }
    if let Some(kind) = NoticeKind::of_row(activity.kind) {
        for (member, _) in members::list_writers(tx, caller.application, session.id).await? {
            if told.insert(member.id.0) {
                tell(tx, app, caller, session, &activity, &member, kind).await?;
            }
        }
    }
    Ok(activity)
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
    caller: &Caller,
    session: &Session,
    activity: &Activity,
    member: &Member,
    kind: NoticeKind,
) -> Result<(), Error> {
    let reach = member.preferences.reach(kind);
    if reach == Reach::Off {
        return Ok(());
    }
    let notification = NewNotification {
        id: new_id(),
        application: caller.application,
        member: member.id,
        kind,
        session: session.id,
        activity: activity.id,
        created_at: activity.created_at,
    };
    notifications::insert_notification(tx, &notification).await?;
    if reach == Reach::Email && app.config.mail.is_some() {
        let mail = Mail {
            id: new_id(),
            to: Recipient::Member(member.id),
            kind: MailKind::Notification,
            notification: Some(notification.id),
            sealed: None,
            attempts: 0,
            created_at: activity.created_at,
        };
        mails::insert_mail(tx, &mail).await?;
    }
    Ok(())
}
