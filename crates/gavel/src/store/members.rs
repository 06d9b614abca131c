//! People: their accounts, and their role in each application.
//!
//! An account belongs to the server, a role to an application. Whoever has no role left is removed: the row stays, since
//! old rows name it, and another account may have the address.

use gavel_core::{
    access::Role,
    ids::{ApplicationId, MemberId},
    review::{Preferences, Reach},
    time::Timestamp,
};

use super::{Row, StoreError, Tx, db::placeholders};

/// Whether somebody can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Has a link and no password yet.
    Invited,
    /// Can sign in.
    Active,
    /// Has no role any more.
    Removed,
}

impl MemberStatus {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Removed => "removed",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Invited, Self::Active, Self::Removed].into_iter().find(|status| status.as_str() == name)
    }
}

/// An account.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// Address as shown.
    pub email: String,
    /// Address as compared.
    pub email_key: String,
    /// Full name; may be empty.
    pub name: String,
    /// Whether they can sign in.
    pub status: MemberStatus,
    /// Argon2id, with its parameters.
    pub password_hash: Option<String>,
    /// Encrypted secret of the second factor.
    pub totp_secret: Option<Vec<u8>>,
    /// One that is not confirmed yet, encrypted.
    pub totp_pending: Option<Vec<u8>>,
    /// Time step of the last code taken.
    pub totp_step: u64,
    /// How far notices reach.
    pub preferences: Preferences,
    /// When the account was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "m.id, m.email, m.email_key, m.name, m.status, m.password_hash, m.totp_secret, m.totp_pending, m.totp_step,
    m.notify_mention, m.notify_comment, m.notify_activity, m.notify_webhook, m.created_at";
/// How many columns an account has; what follows it in a row begins here.
const WIDTH: usize = 14;

fn from_row(row: &Row) -> Result<Member, StoreError> {
    let mut c = row.columns();
    let reach = |name: String| Reach::from_name(&name).ok_or_else(|| StoreError::unreadable("preference"));
    Ok(Member {
        id: MemberId(c.take()?),
        email: c.take()?,
        email_key: c.take()?,
        name: c.take()?,
        status: MemberStatus::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("member status"))?,
        password_hash: c.take()?,
        totp_secret: c.take()?,
        totp_pending: c.take()?,
        totp_step: c.take()?,
        preferences: Preferences {
            mention: reach(c.take()?)?,
            comment: reach(c.take()?)?,
            activity: reach(c.take()?)?,
            webhook: reach(c.take()?)?,
        },
        created_at: c.take()?,
    })
}

pub(super) fn read_role(name: &str) -> Result<Role, StoreError> {
    Role::from_name(name).ok_or_else(|| StoreError::unreadable("role"))
}

/// Writes a new account. `false`: there is one with this address.
pub async fn insert_member(tx: &mut Tx, member: &Member) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "INSERT INTO members (id, email, email_key, name, status, password_hash, totp_step, notify_mention, notify_comment,
                 notify_activity, notify_webhook, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
             ON CONFLICT (email_key) WHERE status <> 'removed' DO NOTHING",
            &[
                member.id.0.into(),
                (&member.email).into(),
                (&member.email_key).into(),
                (&member.name).into(),
                member.status.as_str().into(),
                member.password_hash.as_ref().into(),
                member.totp_step.into(),
                member.preferences.mention.as_str().into(),
                member.preferences.comment.as_str().into(),
                member.preferences.activity.as_str().into(),
                member.preferences.webhook.as_str().into(),
                member.created_at.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Writes everything of an account that can change. Under the lock of [`lock_member`].
pub async fn set_member(tx: &mut Tx, member: &Member, now: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "UPDATE members SET name = $2, status = $3, password_hash = $4, totp_secret = $5, totp_pending = $6, totp_step = $7,
             notify_mention = $8, notify_comment = $9, notify_activity = $10, notify_webhook = $11, updated_at = $12
         WHERE id = $1",
        &[
            member.id.0.into(),
            (&member.name).into(),
            member.status.as_str().into(),
            member.password_hash.as_ref().into(),
            member.totp_secret.clone().into(),
            member.totp_pending.clone().into(),
            member.totp_step.into(),
            member.preferences.mention.as_str().into(),
            member.preferences.comment.as_str().into(),
            member.preferences.activity.as_str().into(),
            member.preferences.webhook.as_str().into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The account of this address, if it is not removed.
pub async fn find_by_email(tx: &mut Tx, email_key: &str) -> Result<Option<Member>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM members m WHERE m.email_key = $1 AND m.status <> 'removed'");
    tx.query_opt(&sql, &[email_key.into()]).await?.as_ref().map(from_row).transpose()
}

/// The account, if it is not removed.
pub async fn find_member(tx: &mut Tx, id: MemberId) -> Result<Option<Member>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM members m WHERE m.id = $1 AND m.status <> 'removed'");
    tx.query_opt(&sql, &[id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// The account, locked until the end, if it is not removed.
pub async fn lock_member(tx: &mut Tx, id: MemberId) -> Result<Option<Member>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM members m WHERE m.id = $1 AND m.status <> 'removed'{}", tx.for_update());
    tx.query_opt(&sql, &[id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// Whether anybody has an account.
pub async fn is_anybody_there(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(tx.query_opt("SELECT 1 FROM members WHERE status <> 'removed' LIMIT 1", &[]).await?.is_some())
}

/// Everybody with a role in an application, oldest first, and how many there are.
pub async fn list_page(
    tx: &mut Tx,
    application: ApplicationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<(Member, Role)>, u64), StoreError> {
    let count = "SELECT count(*) FROM member_roles WHERE application_id = $1";
    let total = tx.query_opt(count, &[application.0.into()]).await?.map_or(Ok(0), |row| row.get(0))?;
    let sql = format!(
        "SELECT {COLUMNS}, r.role FROM member_roles r JOIN members m ON m.id = r.member_id
         WHERE r.application_id = $1 ORDER BY r.created_at, m.id LIMIT $2 OFFSET $3"
    );
    let rows = tx.query(&sql, &[application.0.into(), limit.into(), offset.into()]).await?;
    let both = |row: &Row| Ok((from_row(row)?, read_role(&row.get::<String>(WIDTH)?)?));
    Ok((rows.iter().map(both).collect::<Result<_, StoreError>>()?, total))
}

/// A page of the active members of an application by their addresses: id, name, address; and how many there are.
pub async fn list_names(
    tx: &mut Tx,
    application: ApplicationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<(MemberId, String, String)>, u64), StoreError> {
    let of = "FROM member_roles r JOIN members m ON m.id = r.member_id WHERE r.application_id = $1 AND m.status = 'active'";
    let count = tx.query_opt(&format!("SELECT count(*) {of}"), &[application.0.into()]).await?;
    let sql = format!("SELECT m.id, m.name, m.email {of} ORDER BY m.email_key, m.id LIMIT $2 OFFSET $3");
    let rows = tx.query(&sql, &[application.0.into(), limit.into(), offset.into()]).await?;
    let named = |row: &Row| Ok((MemberId(row.get(0)?), row.get(1)?, row.get(2)?));
    Ok((rows.iter().map(named).collect::<Result<_, StoreError>>()?, count.map_or(Ok(0), |row| row.get(0))?))
}

/// The active members of an application.
pub async fn list_active(tx: &mut Tx, application: ApplicationId) -> Result<Vec<(Member, Role)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, r.role FROM member_roles r JOIN members m ON m.id = r.member_id
         WHERE r.application_id = $1 AND m.status = 'active' ORDER BY m.id"
    );
    let both = |row: &Row| Ok((from_row(row)?, read_role(&row.get::<String>(WIDTH)?)?));
    tx.query(&sql, &[application.0.into()]).await?.iter().map(both).collect()
}

/// The active members of an application among these addresses.
///
/// The number of addresses is filled up to a power of two with the last one, so that few statements are kept prepared.
pub async fn list_active_by_email(
    tx: &mut Tx,
    application: ApplicationId,
    emails: &[String],
) -> Result<Vec<(Member, Role)>, StoreError> {
    let Some(last) = emails.last() else { return Ok(Vec::new()) };
    let count = emails.len().next_power_of_two();
    let sql = format!(
        "SELECT {COLUMNS}, r.role FROM member_roles r JOIN members m ON m.id = r.member_id
         WHERE r.application_id = $1 AND m.status = 'active' AND m.email IN ({})",
        placeholders(2, count)
    );
    let filled = emails.iter().chain(std::iter::repeat(last)).take(count);
    let params: Vec<_> = std::iter::once(application.0.into()).chain(filled.map(Into::into)).collect();
    let both = |row: &Row| Ok((from_row(row)?, read_role(&row.get::<String>(WIDTH)?)?));
    tx.query(&sql, &params).await?.iter().map(both).collect()
}

/// The active members of an application who wrote a row on this session.
pub async fn list_writers(
    tx: &mut Tx,
    application: ApplicationId,
    session: gavel_core::ids::SessionId,
) -> Result<Vec<(Member, Role)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, r.role FROM members m JOIN member_roles r ON r.member_id = m.id AND r.application_id = $1
         WHERE m.status = 'active' AND m.id IN (
             SELECT a.actor_id FROM activities a WHERE a.session_id = $2 AND a.actor_type = 'CONSOLE_USER')
         ORDER BY m.id"
    );
    let both = |row: &Row| Ok((from_row(row)?, read_role(&row.get::<String>(WIDTH)?)?));
    tx.query(&sql, &[application.0.into(), session.0.into()]).await?.iter().map(both).collect()
}

/// What somebody may do, in the order in which they were given it.
pub async fn list_roles(tx: &mut Tx, id: MemberId) -> Result<Vec<(ApplicationId, Role)>, StoreError> {
    let sql = "SELECT application_id, role FROM member_roles WHERE member_id = $1 ORDER BY created_at, application_id";
    let rows = tx.query(sql, &[id.0.into()]).await?;
    rows.iter().map(|row| Ok((ApplicationId(row.get(0)?), read_role(&row.get::<String>(1)?)?))).collect()
}

/// Gives a role, in the place of the one there was.
pub async fn set_role(
    tx: &mut Tx,
    id: MemberId,
    application: ApplicationId,
    role: Role,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO member_roles (member_id, application_id, role, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (member_id, application_id) DO UPDATE SET role = excluded.role",
        &[id.0.into(), application.0.into(), role.as_str().into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Takes the role.
pub async fn remove_role(tx: &mut Tx, id: MemberId, application: ApplicationId) -> Result<(), StoreError> {
    let sql = "DELETE FROM member_roles WHERE member_id = $1 AND application_id = $2";
    tx.send(sql, &[id.0.into(), application.0.into()]).await?;
    Ok(())
}

/// The active owners of an application. Their roles stay as they are until the end: whoever takes one waits.
pub async fn lock_owners(tx: &mut Tx, application: ApplicationId) -> Result<Vec<MemberId>, StoreError> {
    let lock = match tx.for_update() {
        "" => String::new(),
        clause => format!("{clause} OF r"),
    };
    let sql = format!(
        "SELECT r.member_id FROM member_roles r JOIN members m ON m.id = r.member_id
         WHERE r.application_id = $1 AND r.role = 'Owner' AND m.status = 'active' ORDER BY r.member_id{lock}"
    );
    let rows = tx.query(&sql, &[application.0.into()]).await?;
    rows.iter().map(|row| row.get(0).map(MemberId)).collect()
}

/// Puts recovery codes in the place of all there were.
pub async fn set_recovery_codes(tx: &mut Tx, id: MemberId, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    tx.send("DELETE FROM recovery_codes WHERE member_id = $1", &[id.0.into()]).await?;
    for hash in hashes {
        let sql = "INSERT INTO recovery_codes (member_id, hash) VALUES ($1, $2)";
        tx.send(sql, &[id.0.into(), (*hash).into()]).await?;
    }
    Ok(())
}

/// Uses a recovery code up. `false`: there is none like this.
pub async fn take_recovery_code(tx: &mut Tx, id: MemberId, hash: [u8; 32]) -> Result<bool, StoreError> {
    let sql = "DELETE FROM recovery_codes WHERE member_id = $1 AND hash = $2";
    Ok(tx.execute(sql, &[id.0.into(), hash.into()]).await? == 1)
}

/// How many recovery codes are left.
pub async fn count_recovery_codes(tx: &mut Tx, id: MemberId) -> Result<u64, StoreError> {
    let row = tx.query_opt("SELECT count(*) FROM recovery_codes WHERE member_id = $1", &[id.0.into()]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}
