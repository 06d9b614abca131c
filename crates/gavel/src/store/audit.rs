//! The audit trail: one row per successful change, written in its transaction and by nobody but [`append`].
//!
//! The row itself holds ids, kinds, times, the route template and a commitment; the personal values (path as sent,
//! address, e-mail) stand beside it with their salt, where an erasure can delete them. A row starts unsealed: the order of
//! ids is not the order of commits, so it waits in a queue until a sealer gives it its place ([`super::audit_chain`]).

use gavel_core::{ids::ApplicationId, time::Timestamp};
use uuid::Uuid;

use super::{StoreError, Tx, Value, audit_chain::insert_many};

/// What happened, by whom, to what.
pub struct Event<'a> {
    /// Its id.
    pub id: Uuid,
    /// Where it happened.
    pub application: ApplicationId,
    /// Such as `review.created`.
    pub kind: &'a str,
    /// `API_KEY`, `CONSOLE_USER` or `SYSTEM`.
    pub actor_type: &'a str,
    /// The key or the person.
    pub actor_id: Option<Uuid>,
    /// HTTP method; `CLI` for commands.
    pub method: &'a str,
    /// Route template, never a path with values.
    pub route: &'a str,
    /// Status code of the answer.
    pub status_code: u16,
    /// Names and ids of the objects.
    pub objects: &'a [(&'a str, Uuid)],
    /// JSON object of the personal values.
    pub personal: String,
    /// Random, one per row.
    pub salt: [u8; 32],
    /// When it happened.
    pub at: Timestamp,
}

/// Rows of one statement. On SQLite a statement inside a savepoint costs more the more pages that has changed, so a
/// change of very many objects is written by few.
const PART: usize = 1_024;

/// Writes the rows, their values, and their places in the queue of the unsealed.
pub async fn append(tx: &mut Tx, events: &[Event<'_>]) -> Result<(), StoreError> {
    let rows: Vec<[Value; 11]> = events.iter().map(to_row).collect();
    let insert = "INSERT INTO audit_events (id, application_id, kind, actor_type, actor_id, method, route, status_code, objects,
             commitment, created_at) VALUES";
    insert_many(tx, PART, insert, "", &rows).await?;
    let values: Vec<[Value; 3]> =
        events.iter().map(|event| [event.id.into(), event.salt.into(), (&event.personal).into()]).collect();
    insert_many(tx, PART, "INSERT INTO audit_values (event_id, salt, personal) VALUES", "", &values).await?;
    let unsealed: Vec<[Value; 2]> = events.iter().map(|event| [event.id.into(), event.application.0.into()]).collect();
    insert_many(tx, PART, "INSERT INTO audit_unsealed (event_id, application_id) VALUES", "", &unsealed).await?;
    tx.wake_sealer();
    Ok(())
}

fn to_row(event: &Event<'_>) -> [Value; 11] {
    let objects: serde_json::Map<_, _> =
        event.objects.iter().map(|(name, id)| ((*name).to_owned(), id.to_string().into())).collect();
    [
        event.id.into(),
        event.application.0.into(),
        event.kind.into(),
        event.actor_type.into(),
        event.actor_id.into(),
        event.method.into(),
        event.route.into(),
        i64::from(event.status_code).into(),
        serde_json::Value::Object(objects).to_string().into(),
        gavel_core::audit::commitment(&event.salt, &event.personal).into(),
        event.at.into(),
    ]
}
