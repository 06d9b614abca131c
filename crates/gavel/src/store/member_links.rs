//! One-time links: only the SHA-256 of their token is kept.

use gavel_core::{
    ids::{ApplicationId, MemberId},
    time::Timestamp,
};

use super::{Row, StoreError, Tx};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody invited chooses a password.
    Invitation,
    /// Somebody chooses a new password.
    Reset,
    /// The first owner of a server without members makes an account.
    SignUp,
}

impl Purpose {
    /// The name in the database and in the path of the link.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
            Self::SignUp => "sign-up",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Invitation, Self::Reset, Self::SignUp].into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// A link without its token.
#[derive(Debug, Clone)]
pub struct Link {
    /// Whose it is; nobody's for the first owner.
    pub member: Option<MemberId>,
    /// Where it was made.
    pub application: ApplicationId,
    /// What it is for.
    pub purpose: Purpose,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// Writes a link. Others of the same person for the same purpose end.
pub async fn insert_link(tx: &mut Tx, hash: [u8; 32], link: &Link, now: Timestamp) -> Result<(), StoreError> {
    let sql = "DELETE FROM member_links WHERE (member_id = $1 AND purpose = $2) OR expires_at <= $3";
    tx.send(sql, &[link.member.map(|id| id.0).into(), link.purpose.as_str().into(), now.into()]).await?;
    tx.send(
        "INSERT INTO member_links (hash, member_id, application_id, purpose, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            hash.into(),
            link.member.map(|id| id.0).into(),
            link.application.0.into(),
            link.purpose.as_str().into(),
            link.expires_at.into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

const COLUMNS: &str = "member_id, application_id, purpose, expires_at";

fn from_row(row: &Row) -> Result<Link, StoreError> {
    let mut c = row.columns();
    Ok(Link {
        member: c.take::<Option<uuid::Uuid>>()?.map(MemberId),
        application: ApplicationId(c.take()?),
        purpose: Purpose::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("link"))?,
        expires_at: c.take()?,
    })
}

/// The link with this token, expired or not.
pub async fn find_link(tx: &mut Tx, hash: [u8; 32]) -> Result<Option<Link>, StoreError> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM member_links WHERE hash = $1"), &[hash.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Uses a link up. Of two that try, one finds it.
pub async fn take_link(tx: &mut Tx, hash: [u8; 32]) -> Result<Option<Link>, StoreError> {
    let row = tx.query_opt(&format!("DELETE FROM member_links WHERE hash = $1 RETURNING {COLUMNS}"), &[hash.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Ends all links of a person.
pub async fn remove_of(tx: &mut Tx, member: MemberId) -> Result<(), StoreError> {
    tx.send("DELETE FROM member_links WHERE member_id = $1", &[member.0.into()]).await?;
    Ok(())
}

/// Ends all links for a first owner.
pub async fn remove_sign_ups(tx: &mut Tx) -> Result<(), StoreError> {
    tx.send("DELETE FROM member_links WHERE member_id IS NULL", &[]).await?;
    Ok(())
}
