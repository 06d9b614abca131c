//! Sign-ins: one per device a person uses, found by the SHA-256 of the token in its cookie.

use gavel_core::{
    access::Role,
    ids::{ApplicationId, MemberId, SigninId},
    time::Timestamp,
};

use super::{StoreError, Tx, members::read_role};

/// A sign-in.
#[derive(Debug, Clone)]
pub struct Signin {
    /// Its id.
    pub id: SigninId,
    /// Who signed in.
    pub member: MemberId,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// When it was last used, within a minute.
    pub last_seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// Who is behind a cookie.
#[derive(Debug, Clone)]
pub struct Found {
    /// The sign-in.
    pub id: SigninId,
    /// The person.
    pub member: MemberId,
    /// Address.
    pub email: String,
    /// Full name.
    pub name: String,
    /// When the cookie was last used.
    pub last_seen_at: Timestamp,
    /// What they may do, in the order in which they were given it.
    pub roles: Vec<(ApplicationId, Role)>,
}

/// Writes a sign-in.
pub async fn insert_signin(tx: &mut Tx, signin: &Signin, hash: [u8; 32]) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO signins (id, member_id, hash, ip, user_agent, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            signin.id.0.into(),
            signin.member.0.into(),
            hash.into(),
            signin.ip.as_ref().into(),
            signin.user_agent.as_ref().into(),
            signin.created_at.into(),
            signin.last_seen_at.into(),
            signin.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The living sign-in with this token and the person behind it: not ended, used after `seen_after`, the account active.
pub async fn find_by_hash(
    tx: &mut Tx,
    hash: [u8; 32],
    (now, seen_after): (Timestamp, Timestamp),
) -> Result<Option<Found>, StoreError> {
    let rows = tx
        .query(
            "SELECT s.id, m.id, m.email, m.name, s.last_seen_at, r.application_id, r.role
             FROM signins s JOIN members m ON m.id = s.member_id JOIN member_roles r ON r.member_id = m.id
             WHERE s.hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND m.status = 'active'
             ORDER BY r.created_at, r.application_id",
            &[hash.into(), now.into(), seen_after.into()],
        )
        .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut c = first.columns();
    let (id, member) = (SigninId(c.take()?), MemberId(c.take()?));
    let (email, name, last_seen_at) = (c.take()?, c.take()?, c.take()?);
    let roles = rows.iter().map(|row| Ok((ApplicationId(row.get(5)?), read_role(&row.get::<String>(6)?)?)));
    Ok(Some(Found { id, member, email, name, last_seen_at, roles: roles.collect::<Result<_, StoreError>>()? }))
}

/// Notes that a sign-in is in use.
pub async fn set_seen(tx: &mut Tx, id: SigninId, now: Timestamp) -> Result<(), StoreError> {
    tx.send("UPDATE signins SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2", &[id.0.into(), now.into()]).await?;
    Ok(())
}

/// The living sign-ins of a person, newest first.
pub async fn list_signins(
    tx: &mut Tx,
    member: MemberId,
    (now, seen_after): (Timestamp, Timestamp),
) -> Result<Vec<Signin>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, ip, user_agent, created_at, last_seen_at, expires_at FROM signins
             WHERE member_id = $1 AND expires_at > $2 AND last_seen_at > $3 ORDER BY created_at DESC, id DESC",
            &[member.0.into(), now.into(), seen_after.into()],
        )
        .await?;
    let signin = |row: &super::Row| {
        let mut c = row.columns();
        Ok(Signin {
            id: SigninId(c.take()?),
            member,
            ip: c.take()?,
            user_agent: c.take()?,
            created_at: c.take()?,
            last_seen_at: c.take()?,
            expires_at: c.take()?,
        })
    };
    rows.iter().map(signin).collect()
}

/// Ends a sign-in. `false`: this person has none like it.
pub async fn remove_signin(tx: &mut Tx, member: MemberId, id: SigninId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM signins WHERE member_id = $1 AND id = $2";
    Ok(tx.execute(sql, &[member.0.into(), id.0.into()]).await? == 1)
}

/// Ends all sign-ins of a person, but for one.
pub async fn remove_others(tx: &mut Tx, member: MemberId, kept: Option<SigninId>) -> Result<(), StoreError> {
    let kept = kept.map_or(uuid::Uuid::nil(), |id| id.0);
    tx.send("DELETE FROM signins WHERE member_id = $1 AND id <> $2", &[member.0.into(), kept.into()]).await?;
    Ok(())
}

/// Removes everybody's sign-ins that have ended anyway: they hold addresses and names of browsers.
pub async fn remove_all_ended(tx: &mut Tx, (now, seen_after): (Timestamp, Timestamp)) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM signins WHERE expires_at <= $1 OR last_seen_at <= $2", &[now.into(), seen_after.into()]).await
}

/// Removes what has ended anyway, of one person.
pub async fn remove_ended(tx: &mut Tx, member: MemberId, (now, seen_after): (Timestamp, Timestamp)) -> Result<(), StoreError> {
    tx.send(
        "DELETE FROM signins WHERE member_id = $1 AND (expires_at <= $2 OR last_seen_at <= $3)",
        &[member.0.into(), now.into(), seen_after.into()],
    )
    .await?;
    Ok(())
}
