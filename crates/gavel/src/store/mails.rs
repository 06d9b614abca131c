//! The outbox of e-mail: what is to be sent to whom. Texts are made when a mail is sent, from what is true then; only the
//! token of a link is kept, encrypted.

use gavel_core::{
    ids::{MemberId, NotificationId, SessionId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx};

/// Why somebody gets a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// They are told of a row.
    Notification,
    /// They are invited.
    Invitation,
    /// They have been given another application.
    Access,
    /// They forgot their password.
    Reset,
    /// The session about them was decided.
    Letter,
}

/// Whose mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// Somebody who works with the server.
    Member(MemberId),
    /// The person a session is about.
    Person(SessionId),
}

impl MailKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Invitation => "invitation",
            Self::Access => "access",
            Self::Reset => "reset",
            Self::Letter => "letter",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        const ALL: [MailKind; 5] =
            [MailKind::Notification, MailKind::Invitation, MailKind::Access, MailKind::Reset, MailKind::Letter];
        ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A mail that waits.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Its id; also in its `Message-ID`, so that a mail sent twice is seen to be one.
    pub id: Uuid,
    /// To whom.
    pub to: Recipient,
    /// Why.
    pub kind: MailKind,
    /// Of what it tells.
    pub notification: Option<NotificationId>,
    /// Token of a link, or the letter to a person, encrypted.
    pub sealed: Option<Vec<u8>>,
    /// Attempts that have failed.
    pub attempts: u64,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Puts a mail into the outbox, due at once.
pub async fn insert_mail(tx: &mut Tx, mail: &Mail) -> Result<(), StoreError> {
    let (member, session) = match mail.to {
        Recipient::Member(id) => (Some(id.0), None),
        Recipient::Person(id) => (None, Some(id.0)),
    };
    tx.send(
        "INSERT INTO mails (id, member_id, session_id, purpose, notification_id, sealed, attempts, due_at, leased_until, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, $7)",
        &[
            mail.id.into(),
            member.into(),
            session.into(),
            mail.kind.as_str().into(),
            mail.notification.map(|id| id.0).into(),
            mail.sealed.clone().into(),
            mail.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Claims mails that are due, oldest first, under a lease.
pub async fn claim_due(
    tx: &mut Tx,
    (now, until): (Timestamp, Timestamp),
    token: Uuid,
    limit: u64,
) -> Result<Vec<Mail>, StoreError> {
    let lock = tx.skip_locked();
    let claimed = tx
        .execute(
            &format!(
                "UPDATE mails SET leased_until = $2, lease_token = $3
                 WHERE id IN (
                     SELECT id FROM mails WHERE failed_at IS NULL AND due_at <= $1 AND leased_until <= $1
                     ORDER BY due_at, id LIMIT $4{lock})"
            ),
            &[now.into(), until.into(), token.into(), limit.into()],
        )
        .await?;
    if claimed == 0 {
        return Ok(Vec::new());
    }
    let sql = "SELECT id, member_id, session_id, purpose, notification_id, sealed, attempts, created_at FROM mails
         WHERE lease_token = $1 ORDER BY due_at, id";
    tx.query(sql, &[token.into()]).await?.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Mail, StoreError> {
    let mut c = row.columns();
    let id = c.take()?;
    let member = c.take::<Option<Uuid>>()?.map(|id| Recipient::Member(MemberId(id)));
    let person = c.take::<Option<Uuid>>()?.map(|id| Recipient::Person(SessionId(id)));
    Ok(Mail {
        id,
        to: member.or(person).ok_or_else(|| StoreError::unreadable("mail"))?,
        kind: MailKind::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("mail"))?,
        notification: c.take::<Option<Uuid>>()?.map(NotificationId),
        sealed: c.take()?,
        attempts: c.take()?,
        created_at: c.take()?,
    })
}

/// Takes a mail out: it was sent, or there is nothing to say any more. `false`: the claim is no longer ours.
pub async fn remove_claimed(tx: &mut Tx, id: Uuid, token: Uuid) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM mails WHERE id = $1 AND lease_token = $2", &[id.into(), token.into()]).await? == 1)
}

/// Lets a mail wait for its next attempt.
pub async fn set_due(tx: &mut Tx, id: Uuid, token: Uuid, due_at: Timestamp, failure: &str) -> Result<(), StoreError> {
    tx.send(
        "UPDATE mails SET attempts = attempts + 1, due_at = $3, leased_until = 0, lease_token = NULL, failure = $4
         WHERE id = $1 AND lease_token = $2",
        &[id.into(), token.into(), due_at.into(), failure.into()],
    )
    .await?;
    Ok(())
}

/// Gives a mail up. What it would have said goes; that it was given up stays for a while.
pub async fn set_failed(tx: &mut Tx, id: Uuid, token: Uuid, now: Timestamp, failure: &str) -> Result<(), StoreError> {
    tx.send(
        "UPDATE mails SET attempts = attempts + 1, failed_at = $3, leased_until = 0, lease_token = NULL, failure = $4,
             sealed = NULL
         WHERE id = $1 AND lease_token = $2",
        &[id.into(), token.into(), now.into(), failure.into()],
    )
    .await?;
    Ok(())
}

/// Removes everything that waits for a person.
pub async fn remove_of(tx: &mut Tx, member: MemberId) -> Result<(), StoreError> {
    tx.send("DELETE FROM mails WHERE member_id = $1", &[member.0.into()]).await?;
    Ok(())
}

/// Removes mails that were given up before a time.
pub async fn remove_old(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM mails WHERE failed_at < $1", &[before.into()]).await
}

/// Frees every lease. Only the one process of a SQLite file does this, at its start: nobody else can hold one.
pub async fn free_leases(tx: &mut Tx) -> Result<(), StoreError> {
    tx.send("UPDATE mails SET leased_until = 0, lease_token = NULL WHERE leased_until > 0", &[]).await?;
    Ok(())
}
