//! Keeping changes of one subject and of the lists that know it apart.
//!
//! A subject may not exist yet when an entry about it is added, so there is no row both could lock. What they share is a
//! name: the application, the kind and the match key. Whoever makes a subject, starts its session, sets its status or
//! changes an entry about it holds that name from before it looks at anything; a change of many entries holds the whole
//! kind instead. The names come before all rows in the one order of locks.

use gavel_core::{
    ids::{ApplicationId, ListId},
    session::SessionKind,
    time::Timestamp,
};
use sha2::{Digest, Sha256};

use super::{
    StoreError, Tx, Value,
    db::placeholders,
    subjects::{CHUNK, COLUMNS, Subject, from_row},
};

/// More names than these are not worth holding one by one.
pub const FEW: usize = 16;

/// The subjects a change is about.
#[derive(Debug, Clone)]
pub enum Scope {
    /// None: the change is about something else.
    Nobody,
    /// Those lists know by these digests.
    Keys(SessionKind, Vec<[u8; 32]>),
    /// Those the entries of a list name or named.
    List(SessionKind, ListId),
}

fn name(application: ApplicationId, kind: SessionKind, rest: &[u8]) -> i64 {
    let mut hash = Sha256::new();
    for part in [b"gavel subject".as_slice(), application.0.as_bytes(), kind.as_str().as_bytes(), rest] {
        hash.update(part);
    }
    let bytes = hash.finalize();
    i64::from_be_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|place: usize| bytes[place]))
}

/// Holds the name of one subject, whether it exists or not.
pub async fn hold_key(tx: &mut Tx, application: ApplicationId, kind: SessionKind, digest: &[u8; 32]) -> Result<(), StoreError> {
    tx.hold(&[name(application, kind, b"")], &[name(application, kind, digest)]).await
}

/// Holds several names, of one kind or of both.
pub async fn hold_keys(tx: &mut Tx, application: ApplicationId, keys: &[(SessionKind, [u8; 32])]) -> Result<(), StoreError> {
    let kinds = SessionKind::ALL.into_iter().filter(|kind| keys.iter().any(|(known, _)| known == kind));
    let kinds: Vec<i64> = kinds.map(|kind| name(application, kind, b"")).collect();
    let mut names: Vec<i64> = keys.iter().map(|(kind, digest)| name(application, *kind, digest)).collect();
    names.sort_unstable();
    tx.hold(&kinds, &names).await
}

/// Holds the names of a whole kind.
pub async fn hold_kind(tx: &mut Tx, application: ApplicationId, kind: SessionKind) -> Result<(), StoreError> {
    tx.hold(&[], &[name(application, kind, b"")]).await
}

/// Holds the names a change is about and locks the subjects there are, in order of id. Comes before every other lock.
pub async fn lock(tx: &mut Tx, application: ApplicationId, scope: &Scope) -> Result<(), StoreError> {
    match scope {
        Scope::Nobody => return Ok(()),
        Scope::Keys(kind, digests) if digests.len() <= FEW => {
            let mut names: Vec<i64> = digests.iter().map(|digest| name(application, *kind, digest)).collect();
            names.sort_unstable();
            names.dedup();
            tx.hold(&[name(application, *kind, b"")], &names).await?;
        }
        Scope::Keys(kind, _) | Scope::List(kind, _) => tx.hold(&[], &[name(application, *kind, b"")]).await?,
    }
    let lock = tx.for_update();
    for (condition, params) in conditions(application, scope) {
        let sql = format!("SELECT u.id FROM subjects u WHERE {condition} ORDER BY u.id{lock}");
        tx.query(&sql, &params).await?;
    }
    Ok(())
}

/// Holds the tags of an application: what is put on first and taken off last makes and ends a tag. Comes before the rows.
pub async fn hold_tags(tx: &mut Tx, application: ApplicationId) -> Result<(), StoreError> {
    tx.hold(&[], &[name(application, SessionKind::User, b"tags")]).await
}

/// Holds what completing the subjects of a migration needs: one process at a time.
pub async fn lock_upgrade(tx: &mut Tx) -> Result<(), StoreError> {
    tx.hold(&[], &[name(ApplicationId(uuid::Uuid::nil()), SessionKind::User, b"upgrade")]).await
}

/// The condition that picks the subjects of a scope, a part at a time.
fn conditions(application: ApplicationId, scope: &Scope) -> Vec<(String, Vec<Value>)> {
    let own = |kind: &SessionKind| -> Vec<Value> { vec![application.0.into(), kind.as_str().into()] };
    match scope {
        Scope::Nobody => Vec::new(),
        Scope::Keys(kind, digests) => {
            let part = |chunk: &[[u8; 32]]| {
                let these = placeholders(3, chunk.len());
                let condition = format!("u.application_id = $1 AND u.kind = $2 AND u.key_digest IN ({these})");
                (condition, own(kind).into_iter().chain(chunk.iter().map(|digest| Value::from(*digest))).collect())
            };
            digests.chunks(CHUNK).map(part).collect()
        }
        Scope::List(kind, list) => {
            let condition = "u.application_id = $1 AND u.kind = $2
                AND u.key_digest IN (SELECT e.key_digest FROM entries e WHERE e.list_id = $3)";
            vec![(condition.to_owned(), own(kind).into_iter().chain([list.0.into()]).collect())]
        }
    }
}

/// A live entry of a blocklist about subject `u` that the flood guard does not hold. The parameter is the instant.
fn covered(now: usize) -> String {
    format!(
        "EXISTS (SELECT 1 FROM lists l JOIN entries e ON e.list_id = l.id AND e.key_digest = u.key_digest
             WHERE l.application_id = u.application_id AND l.list_type = 'blocklist' AND l.entry_type = u.kind
                 AND l.deleted_at IS NULL AND e.removed_rev IS NULL AND e.held_at IS NULL
                 AND (e.expires_at IS NULL OR e.expires_at > ${now}))"
    )
}

/// The subjects of a scope whose status does not say what the entries say: blocked and not covered, or the other way
/// round. In order of id, locked: those a change has added only now were not before, and need not be, since nobody without
/// their names waits for the revision while holding them.
pub async fn list_misjudged(
    tx: &mut Tx,
    application: ApplicationId,
    scope: &Scope,
    now: Timestamp,
) -> Result<Vec<Subject>, StoreError> {
    let mut found: Vec<Subject> = Vec::new();
    for (condition, mut params) in conditions(application, scope) {
        params.push(now.into());
        let covered = covered(params.len());
        let lock = tx.for_update();
        let sql = format!(
            "SELECT {COLUMNS} FROM subjects u WHERE {condition} AND (u.status = 'BLOCKED') <> {covered} ORDER BY u.id{lock}"
        );
        for row in tx.query(&sql, &params).await? {
            found.push(from_row(&row)?);
        }
    }
    found.sort_by_key(|subject| subject.id);
    found.dedup_by_key(|subject| subject.id);
    Ok(found)
}

/// The keys of blocked subjects an entry about which expired after one instant and up to another.
pub async fn list_expired(
    tx: &mut Tx,
    (after, now): (Timestamp, Timestamp),
    most: u64,
) -> Result<Vec<(ApplicationId, SessionKind, [u8; 32])>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT u.application_id, u.kind, u.key_digest
         FROM entries x JOIN lists lx ON lx.id = x.list_id AND lx.list_type = 'blocklist' AND lx.entry_type IN ('user', 'business')
         JOIN subjects u ON u.application_id = x.application_id AND u.kind = lx.entry_type AND u.key_digest = x.key_digest
         WHERE x.removed_rev IS NULL AND x.expires_at > $1 AND x.expires_at <= $2 AND u.status = 'BLOCKED' AND NOT {}
         LIMIT $3",
        covered(2)
    );
    let rows = tx.query(&sql, &[after.into(), now.into(), most.into()]).await?;
    rows.iter()
        .map(|row| {
            let mut c = row.columns();
            let application = ApplicationId(c.take()?);
            let kind = SessionKind::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("subject kind"))?;
            let digest: Vec<u8> = c.take()?;
            Ok((application, kind, digest.try_into().map_err(|_| StoreError::unreadable("digest"))?))
        })
        .collect()
}

/// Whom the entries of a list are about, when it is a blocklist of subjects.
pub async fn find_blocked_kind(tx: &mut Tx, application: ApplicationId, list: ListId) -> Result<Option<SessionKind>, StoreError> {
    let sql = "SELECT entry_type FROM lists
         WHERE id = $1 AND application_id = $2 AND list_type = 'blocklist' AND entry_type IN ('user', 'business')";
    let row = tx.query_opt(sql, &[list.0.into(), application.0.into()]).await?;
    row.map(|row| row.get::<String>(0)).transpose().map(|name| name.as_deref().and_then(SessionKind::from_name))
}

/// The digest of an entry that is not removed.
pub async fn find_entry_key(tx: &mut Tx, list: ListId, entry: gavel_core::ids::EntryId) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT key_digest FROM entries WHERE id = $1 AND list_id = $2 AND removed_rev IS NULL";
    let row = tx.query_opt(sql, &[entry.0.into(), list.0.into()]).await?;
    let digest = row.map(|row| row.get::<Vec<u8>>(0)).transpose()?;
    digest.map(|digest| digest.try_into().map_err(|_| StoreError::unreadable("digest"))).transpose()
}
