//! Who looks at a session now. Every look is a row that counts for a short while; nobody has to say goodbye.

use gavel_core::{ids::SessionId, time::Timestamp};

use super::{StoreError, Tx, queue::Holder};

/// Somebody who looks.
#[derive(Debug)]
pub struct Presence {
    /// Who.
    pub holder: Holder,
    /// When they last said so.
    pub seen_at: Timestamp,
}

/// Says that somebody looks.
pub async fn set_presence(tx: &mut Tx, session: SessionId, holder: &Holder, now: Timestamp) -> Result<(), StoreError> {
    let [holder_type, holder_id, reviewer, name] = holder.params();
    tx.send(
        "INSERT INTO presences (session_id, holder_type, holder_id, holder_reviewer, holder_name, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (session_id, holder_type, holder_id, holder_reviewer) DO UPDATE
         SET holder_name = excluded.holder_name, seen_at = excluded.seen_at",
        &[session.0.into(), holder_type, holder_id, reviewer, name, now.into()],
    )
    .await?;
    Ok(())
}

/// Everybody who has said so since an instant, the latest first.
pub async fn list_presences(tx: &mut Tx, session: SessionId, since: Timestamp) -> Result<Vec<Presence>, StoreError> {
    let sql = "SELECT holder_type, holder_id, holder_reviewer, holder_name, seen_at FROM presences
         WHERE session_id = $1 AND seen_at > $2 ORDER BY seen_at DESC, holder_id, holder_reviewer LIMIT 200";
    let mut present = Vec::new();
    for row in tx.query(sql, &[session.0.into(), since.into()]).await? {
        let mut c = row.columns();
        if let Some(holder) = Holder::read(&mut c)? {
            present.push(Presence { holder, seen_at: c.take()? });
        }
    }
    Ok(present)
}

/// Forgets those who have not said so since an instant.
pub async fn remove_old(tx: &mut Tx, since: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM presences WHERE seen_at <= $1", &[since.into()]).await
}
