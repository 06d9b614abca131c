//! E-mail: what waits in the outbox, sent one after the other, never inside a request.
//!
//! A pass claims what is due under a lease, makes each text from what is true now (who has left, or was told of a session
//! that is deleted, gets nothing), sends it, and records what became of it under the lease's token. A process killed
//! between sending and recording sends the mail again, with the same `Message-ID`. What a server refuses for good, and what
//! did not get through for two days, is given up; that it was stays on record for a month.

use std::time::Duration;

use gavel_core::{
    access::{Level, Power, Resource, Role},
    review::NoticeKind,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    actions::{Error, letters, links, notifications as inbox},
    app::App,
    clock::new_id,
    mailer::{DEADLINE, Letter, Mailer, NotSent},
    store::{
        Tx, applications,
        db::Dialect,
        mails::{self, Mail, MailKind, Recipient},
        member_links::Purpose,
        members::{self, Member},
        notifications::{self, About, FeedRow},
    },
};

/// Between two looks at the outbox.
const POLL: Duration = Duration::from_secs(1);
/// Mails claimed at a time.
const AT_ONCE: u64 = 8;
/// Seconds before each further attempt; the last one is repeated until [`GIVE_UP`].
const WAITS: [i64; 6] = [60, 300, 900, 3_600, 14_400, 43_200];
/// Seconds after which a mail is given up.
const GIVE_UP: i64 = 2 * 86_400;
/// Seconds for which it is on record that a mail was given up.
const REMEMBERED: i64 = 30 * 86_400;

/// Sends until told to stop.
pub async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    let Some(settings) = app.config.mail.clone() else { return };
    let host = url::Url::parse(&app.config.public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let mailer = match Mailer::new(&settings, host.as_deref().unwrap_or("localhost")) {
        Ok(mailer) => mailer,
        Err(reason) => return tracing::error!(reason, "no e-mail can be sent"),
    };
    begin(&app).await;
    while !*stopped.borrow() {
        match pass(&app, &mailer).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "e-mail could not be claimed"),
        }
        let _ = tokio::time::timeout(POLL, stopped.changed()).await;
    }
}

async fn begin(app: &App) {
    let (alone, old) = (app.store.dialect() == Dialect::Sqlite, app.clock.now().plus_seconds(-REMEMBERED));
    let begun = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if alone {
                    mails::free_leases(tx).await?;
                }
                Ok(mails::remove_old(tx, old).await?)
            })
        })
        .await;
    if let Err(error) = begun {
        tracing::warn!(%error, "the outbox of e-mail was not tidied");
    }
}

/// Sends what is due; answers how many mails that were.
async fn pass(app: &App, mailer: &Mailer) -> Result<usize, Error> {
    let (now, token): (_, Uuid) = (app.clock.now(), new_id());
    let lease = i64::try_from((DEADLINE.as_secs() + 10) * AT_ONCE).map_err(Error::fault)?;
    let until = now.plus_seconds(lease);
    let claimed = app
        .store
        .write::<_, Error, _>(move |tx| Box::pin(async move { Ok(mails::claim_due(tx, (now, until), token, AT_ONCE).await?) }))
        .await?;
    let count = claimed.len();
    for mail in claimed {
        let id = mail.id;
        if let Err(error) = deliver(app, mailer, mail, token).await {
            tracing::warn!(%error, mail = %id, "what became of a mail was not recorded; it may be sent again");
        }
    }
    Ok(count)
}

async fn deliver(app: &App, mailer: &Mailer, mail: Mail, token: Uuid) -> Result<(), Error> {
    let (app_, mail_) = (app.clone(), mail.clone());
    let letter = app.store.read(move |tx| Box::pin(async move { compose(tx, &app_, &mail_).await })).await?;
    let sent = match &letter {
        Some(letter) => mailer.send(letter).await,
        None => Ok(()), // Nothing is left to say.
    };
    let (id, now) = (mail.id, app.clock.now());
    let next = WAITS.get(usize::try_from(mail.attempts).unwrap_or(usize::MAX)).copied().unwrap_or(WAITS[WAITS.len() - 1]);
    let due = now.plus_seconds(next);
    let too_late = due >= mail.created_at.plus_seconds(GIVE_UP);
    match &sent {
        Ok(()) => {}
        Err(NotSent::ForNow(code)) if !too_late => tracing::warn!(mail = %id, code, "a mail was not sent; it will be repeated"),
        Err(NotSent::ForNow(code) | NotSent::ForGood(code)) => tracing::error!(mail = %id, code, "a mail was given up"),
    }
    app.store
        .write(move |tx| {
            Box::pin(async move {
                match sent {
                    Ok(()) => drop(mails::remove_claimed(tx, id, token).await?),
                    Err(NotSent::ForNow(code)) if !too_late => mails::set_due(tx, id, token, due, &code).await?,
                    Err(NotSent::ForNow(code) | NotSent::ForGood(code)) => {
                        mails::set_failed(tx, id, token, now, &code).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}

/// The text of a mail as things are now. `None`: there is nobody to tell any more, or nothing.
async fn compose(tx: &mut Tx, app: &App, mail: &Mail) -> Result<Option<Letter>, Error> {
    let id = match mail.to {
        Recipient::Member(id) => id,
        Recipient::Person(_) => {
            let written = letters::compose(tx, app, mail).await?;
            return Ok(written.map(|(to, subject, text)| Letter { id: mail.id, to: (String::new(), to), subject, text }));
        }
    };
    let Some(member) = members::find_member(tx, id).await? else { return Ok(None) };
    let token = match &mail.sealed {
        Some(sealed) => app.secrets.open(&links::sealed_at(mail.id), sealed).and_then(|text| String::from_utf8(text).ok()),
        None => None,
    };
    let written = match (mail.kind, token) {
        (MailKind::Notification, _) => notice(tx, app, mail, &member).await?,
        (MailKind::Access, _) => Some((
            "You have been given access".to_owned(),
            format!("You have been given access to another application of Gavel.\n\nSign in: {}\n", app.config.public_url),
        )),
        (MailKind::Invitation, Some(token)) => Some((
            "Your invitation to Gavel".to_owned(),
            format!(
                "You have been invited to Gavel, where identity verifications are decided.\n\nChoose a password within seven \
                 days:\n{}\n",
                links::address(app, Purpose::Invitation, &token)
            ),
        )),
        (MailKind::Reset, Some(token)) => Some((
            "A new password for Gavel".to_owned(),
            format!(
                "Somebody, most likely you, asked for a new password. Choose one within an hour:\n{}\n\nIf it was not you, \
                 nothing needs to be done: the old password holds.\n",
                links::address(app, Purpose::Reset, &token)
            ),
        )),
        (MailKind::Invitation | MailKind::Reset, None) | (MailKind::Letter, _) => None,
    };
    let to = (member.name, member.email);
    Ok(written.map(|(subject, text)| Letter { id: mail.id, to, subject, text }))
}

/// Subject and text about a row of a feed or a destination, for somebody who may still look at it.
async fn notice(tx: &mut Tx, app: &App, mail: &Mail, member: &Member) -> Result<Option<(String, String)>, Error> {
    let Some(id) = mail.notification else { return Ok(None) };
    let Some((application, row)) = notifications::find_notification(tx, id).await? else { return Ok(None) };
    let roles = members::list_roles(tx, member.id).await?;
    let role: Option<Role> = roles.iter().find(|(there, _)| *there == application).map(|(_, role)| *role);
    let (Some(role), Some(application)) = (role, applications::find_application(tx, application).await?) else {
        return Ok(None);
    };
    Ok(match row.about {
        About::Row(feed) => Some(about_row(app, &application.name, role, row.kind, feed)),
        About::Destination(_, label) if role.level(Resource::Webhooks) >= Level::Write => {
            Some(about_pause(app, &application.name, &label))
        }
        About::Destination(..) => None,
    })
}

/// Whoever sees personal data masked is sent none.
fn about_row(app: &App, application: &str, role: Role, kind: NoticeKind, row: FeedRow) -> (String, String) {
    let who = row.actor_display.filter(|name| !name.is_empty()).unwrap_or_else(|| "Somebody".to_owned());
    let did = match kind {
        NoticeKind::Mention => "mentioned you on",
        NoticeKind::Comment => "commented on",
        NoticeKind::Activity | NoticeKind::Webhook => "changed",
    };
    let subject = format!("{who} {did} session {}", row.session_number);
    let said = match row.comment {
        Some(comment) if role.has(Power::PersonalData) => format!("\n{}\n", inbox::excerpt(&comment)),
        _ => String::new(),
    };
    let link = inbox::session_url(app, row.session);
    (subject.clone(), format!("{subject} ({application}).\n{said}\n{link}\n"))
}

fn about_pause(app: &App, application: &str, label: &str) -> (String, String) {
    // A label may hold anything, a subject is one line.
    let label: String = label.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let [failed, kept] =
        [app.config.webhook_pause_after, app.config.webhook_retention].map(|wait| match wait.as_secs() / 3_600 {
            hours if hours % 24 == 0 => format!("{} day(s)", hours / 24),
            hours => format!("{hours} hour(s)"),
        });
    let text = format!(
        "Nothing has arrived at the webhook destination \"{label}\" ({application}) for {failed}, so it was paused.\n\nIts events \
         wait for {kept}. When the receiver works again, resume the destination, and they are sent in their order.\n\n{}\n",
        app.config.public_url
    );
    (format!("Webhooks to {label} are paused"), text)
}
