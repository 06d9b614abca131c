//! The chain through the audit rows, and its checkpoints.
//!
//! Whoever adds to an application's chain holds its row of `audit_heads` to the end of the transaction; a place in the
//! chain is unique besides. The database refuses to change or delete what is written here, and to drop from the queue what
//! is not in the chain.

use std::collections::BTreeMap;

use gavel_core::{
    audit::{Checkpoint, Event, Hash, Personal, Signature, SignedCheckpoint, genesis},
    ids::ApplicationId,
};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    db::{Columns, parts_of},
};

/// Rows of one statement of the sealer.
const PART: usize = 128;

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Rows so far.
    pub count: u64,
    /// Hash of the last one, or what stands before the first.
    pub hash: Hash,
}

/// The columns of an event in a fixed order, for [`event_from`].
pub(super) const EVENT: &str =
    "e.id, e.kind, e.actor_type, e.actor_id, e.method, e.route, e.status_code, e.objects, e.commitment, e.created_at";

/// Reads the columns of [`EVENT`].
pub(super) fn event_from(c: &mut Columns<'_>, seq: u64) -> Result<Event, StoreError> {
    Ok(Event {
        seq,
        id: c.take()?,
        kind: c.take()?,
        actor_type: c.take()?,
        actor_id: c.take()?,
        method: c.take()?,
        route: c.take()?,
        status_code: u16::try_from(c.take::<i64>()?).map_err(|_| StoreError::unreadable("status code"))?,
        objects: serde_json::from_str::<BTreeMap<String, Uuid>>(&c.take::<String>()?)
            .map_err(|_| StoreError::unreadable("objects"))?,
        commitment: bytes(c)?,
        at: c.take()?,
    })
}

fn bytes<const N: usize>(c: &mut Columns<'_>) -> Result<[u8; N], StoreError> {
    c.take::<Vec<u8>>()?.try_into().map_err(|_| StoreError::unreadable("bytes"))
}

/// Applications with rows that wait to be sealed.
pub async fn list_waiting(tx: &mut Tx) -> Result<Vec<ApplicationId>, StoreError> {
    let rows = tx.query("SELECT DISTINCT application_id FROM audit_unsealed", &[]).await?;
    rows.iter().map(|row| row.get(0).map(ApplicationId)).collect()
}

/// Nobody else adds to this chain before the end of the transaction. Answers where it ends.
pub async fn lock_end(tx: &mut Tx, application: ApplicationId) -> Result<End, StoreError> {
    let sql = "INSERT INTO audit_heads (application_id) VALUES ($1) ON CONFLICT (application_id) DO NOTHING";
    tx.send(sql, &[application.0.into()]).await?;
    let sql = format!("SELECT application_id FROM audit_heads WHERE application_id = $1{}", tx.for_update());
    tx.query_opt(&sql, &[application.0.into()]).await?.ok_or_else(|| StoreError::unreadable("head"))?;
    find_end(tx, application).await
}

/// Where a chain ends.
pub async fn find_end(tx: &mut Tx, application: ApplicationId) -> Result<End, StoreError> {
    let sql = "SELECT seq, hash FROM audit_chain WHERE application_id = $1 ORDER BY seq DESC LIMIT 1";
    match tx.query_opt(sql, &[application.0.into()]).await? {
        None => Ok(End { count: 0, hash: genesis(application) }),
        Some(row) => {
            let mut c = row.columns();
            Ok(End { count: c.take()?, hash: Hash(bytes(&mut c)?) })
        }
    }
}

/// The oldest rows of the queue, numbered from after this end. Only under the lock of [`lock_end`].
pub async fn list_unsealed(tx: &mut Tx, application: ApplicationId, end: End, limit: u64) -> Result<Vec<Event>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {EVENT} FROM audit_unsealed u JOIN audit_events e ON e.id = u.event_id
                 WHERE u.application_id = $1 ORDER BY u.event_id LIMIT $2"
            ),
            &[application.0.into(), limit.into()],
        )
        .await?;
    (end.count + 1..).zip(&rows).map(|(seq, row)| event_from(&mut row.columns(), seq)).collect()
}

/// Gives rows of the queue their places, and takes them out of it.
pub async fn insert_sealed(tx: &mut Tx, application: ApplicationId, sealed: &[(Event, Hash)]) -> Result<(), StoreError> {
    let places: Vec<[Value; 4]> =
        sealed.iter().map(|(event, hash)| [application.0.into(), event.seq.into(), event.id.into(), hash.0.into()]).collect();
    insert_many(tx, PART, "INSERT INTO audit_chain (application_id, seq, event_id, hash) VALUES", "", &places).await?;
    let objects: Vec<[Value; 3]> = sealed
        .iter()
        .flat_map(|(event, _)| event.objects.values().map(|id| [application.0.into(), (*id).into(), event.id.into()]))
        .collect();
    // One object may stand in a row under two names.
    let on_conflict = " ON CONFLICT (application_id, object_id, event_id) DO NOTHING";
    insert_many(tx, PART, "INSERT INTO audit_objects (application_id, object_id, event_id) VALUES", on_conflict, &objects)
        .await?;
    for part in parts_of(PART, sealed) {
        let ids: Vec<Value> = part.iter().map(|(event, _)| event.id.into()).collect();
        let sql = format!("DELETE FROM audit_unsealed WHERE event_id IN ({})", super::db::placeholders(1, ids.len()));
        tx.send(&sql, &ids).await?;
    }
    Ok(())
}

/// Many rows by few statements, each of at most so many: a power of two.
pub(super) async fn insert_many<const N: usize>(
    tx: &mut Tx,
    most: usize,
    begin: &str,
    end: &str,
    rows: &[[Value; N]],
) -> Result<(), StoreError> {
    for part in parts_of(most, rows) {
        let mut sql = begin.to_owned();
        for n in 0..part.len() {
            sql.push_str(if n > 0 { ",(" } else { " (" });
            sql.push_str(&super::db::placeholders(n * N + 1, N));
            sql.push(')');
        }
        sql.push_str(end);
        let values: Vec<Value> = part.iter().flatten().cloned().collect();
        tx.send(&sql, &values).await?;
    }
    Ok(())
}

/// A sealed row as an export shows it.
pub struct Sealed {
    /// The row.
    pub event: Event,
    /// Its hash.
    pub hash: Hash,
    /// Its values, where they were asked for and are still there.
    pub personal: Option<Personal>,
}

/// Sealed rows with numbers after the first and up to the second.
pub async fn list_sealed(
    tx: &mut Tx,
    application: ApplicationId,
    (after, to): (u64, u64),
    limit: u64,
) -> Result<Vec<Sealed>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT c.seq, c.hash, {EVENT}, v.salt, v.personal FROM audit_chain c JOIN audit_events e ON e.id = c.event_id
                     LEFT JOIN audit_values v ON v.event_id = c.event_id
                 WHERE c.application_id = $1 AND c.seq > $2 AND c.seq <= $3 ORDER BY c.seq LIMIT $4"
            ),
            &[application.0.into(), after.into(), to.into(), limit.into()],
        )
        .await?;
    rows.iter().map(sealed_from).collect()
}

fn sealed_from(row: &Row) -> Result<Sealed, StoreError> {
    let mut c = row.columns();
    let (seq, hash) = (c.take()?, Hash(bytes(&mut c)?));
    let event = event_from(&mut c, seq)?;
    let (salt, text): (Option<Vec<u8>>, Option<String>) = (c.take()?, c.take()?);
    let salt = salt.map(|salt| salt.try_into().map_err(|_| StoreError::unreadable("salt"))).transpose()?;
    Ok(Sealed { event, hash, personal: salt.zip(text).map(|(salt, text)| Personal { salt, text }) })
}

/// Applications whose chain goes on behind its last checkpoint.
pub async fn list_unsigned(tx: &mut Tx) -> Result<Vec<ApplicationId>, StoreError> {
    let rows = tx
        .query(
            "SELECT h.application_id FROM audit_heads h
             WHERE COALESCE((SELECT max(c.seq) FROM audit_chain c WHERE c.application_id = h.application_id), 0)
                 > COALESCE((SELECT max(p.row_count) FROM audit_checkpoints p WHERE p.application_id = h.application_id), 0)",
            &[],
        )
        .await?;
    rows.iter().map(|row| row.get(0).map(ApplicationId)).collect()
}

/// Writes a checkpoint, unless there is one of this count.
pub async fn insert_checkpoint(tx: &mut Tx, signed: &SignedCheckpoint) -> Result<(), StoreError> {
    let checkpoint = &signed.checkpoint;
    tx.send(
        "INSERT INTO audit_checkpoints (application_id, row_count, head, signed_at, key_id, signature)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (application_id, row_count) DO NOTHING",
        &[
            checkpoint.application.0.into(),
            checkpoint.count.into(),
            checkpoint.head.0.into(),
            checkpoint.at.into(),
            (&signed.key_id).into(),
            signed.signature.0.to_vec().into(),
        ],
    )
    .await?;
    Ok(())
}

/// A page of checkpoints, the longest chain first, and how many there are.
pub async fn list_checkpoints(
    tx: &mut Tx,
    application: ApplicationId,
    (limit, offset): (u64, u64),
) -> Result<(Vec<SignedCheckpoint>, u64), StoreError> {
    let rows = tx
        .query(
            "SELECT row_count, head, signed_at, key_id, signature FROM audit_checkpoints
             WHERE application_id = $1 ORDER BY row_count DESC LIMIT $2 OFFSET $3",
            &[application.0.into(), limit.into(), offset.into()],
        )
        .await?;
    let read = |row: &Row| {
        let mut c = row.columns();
        Ok(SignedCheckpoint {
            checkpoint: Checkpoint { application, count: c.take()?, head: Hash(bytes(&mut c)?), at: c.take()? },
            key_id: c.take()?,
            signature: Signature(bytes(&mut c)?),
        })
    };
    let count = tx.query_opt("SELECT count(*) FROM audit_checkpoints WHERE application_id = $1", &[application.0.into()]).await?;
    Ok((rows.iter().map(read).collect::<Result<_, StoreError>>()?, count.map_or(Ok(0), |row| row.get(0))?))
}
