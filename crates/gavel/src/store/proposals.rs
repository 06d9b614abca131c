//! Changes of lists that wait for another person, and what became of them.

use gavel_core::{
    ids::{ApplicationId, ListId, ProposalId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{Row, StoreError, Tx};

/// Who proposed or decided.
#[derive(Debug, Clone)]
pub struct Who {
    /// `API_KEY`, `CONSOLE_USER` or `SYSTEM`.
    pub kind: String,
    /// The key or the person.
    pub id: Option<Uuid>,
    /// As beside entries: `api`, or a person's e-mail address.
    pub name: String,
}

/// A proposal.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// The list it changes.
    pub list: ListId,
    /// `open`, `approved`, `rejected` or `withdrawn`.
    pub state: String,
    /// Why.
    pub comment: String,
    /// JSON array.
    pub changes: String,
    /// How many.
    pub change_count: u64,
    /// Who proposed it.
    pub proposer: Who,
    /// The person behind the proposer, where one is known.
    pub proposer_person: Option<Uuid>,
    /// When.
    pub created_at: Timestamp,
    /// Who decided, and when.
    pub decided: Option<(Who, Timestamp)>,
    /// What they said.
    pub decision_comment: Option<String>,
    /// The revision it became.
    pub revision: Option<u64>,
}

const COLUMNS: &str =
    "id, list_id, state, comment, changes, change_count, proposer_type, proposer_id, proposer_name, proposer_person,
    created_at, decider_type, decider_id, decider_name, decided_at, decision_comment, revision";

fn from_row(row: &Row) -> Result<Proposal, StoreError> {
    let mut c = row.columns();
    Ok(Proposal {
        id: ProposalId(c.take()?),
        list: ListId(c.take()?),
        state: c.take()?,
        comment: c.take()?,
        changes: c.take()?,
        change_count: c.take()?,
        proposer: Who { kind: c.take()?, id: c.take()?, name: c.take()? },
        proposer_person: c.take()?,
        created_at: c.take()?,
        decided: match (c.take::<Option<String>>()?, c.take()?, c.take::<Option<String>>()?, c.take()?) {
            (Some(kind), id, Some(name), Some(at)) => Some((Who { kind, id, name }, at)),
            _ => None,
        },
        decision_comment: c.take()?,
        revision: c.take()?,
    })
}

/// Writes a new proposal.
pub async fn insert_proposal(tx: &mut Tx, application: ApplicationId, proposal: &Proposal) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO proposals (application_id, id, list_id, state, comment, changes, change_count, proposer_type, proposer_id,
             proposer_name, proposer_person, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            application.0.into(),
            proposal.id.0.into(),
            proposal.list.0.into(),
            (&proposal.state).into(),
            (&proposal.comment).into(),
            (&proposal.changes).into(),
            proposal.change_count.into(),
            (&proposal.proposer.kind).into(),
            proposal.proposer.id.into(),
            (&proposal.proposer.name).into(),
            proposal.proposer_person.into(),
            proposal.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A proposal for this list.
pub async fn find_proposal(tx: &mut Tx, list: ListId, id: ProposalId) -> Result<Option<Proposal>, StoreError> {
    find_with(tx, list, id, "").await
}

/// The same, locked until the end of the transaction: whoever decides looks at it as the one before has left it.
pub async fn lock_proposal(tx: &mut Tx, list: ListId, id: ProposalId) -> Result<Option<Proposal>, StoreError> {
    let lock = tx.for_update();
    find_with(tx, list, id, lock).await
}

async fn find_with(tx: &mut Tx, list: ListId, id: ProposalId, lock: &str) -> Result<Option<Proposal>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM proposals WHERE list_id = $1 AND id = $2{lock}");
    tx.query_opt(&sql, &[list.0.into(), id.0.into()]).await?.as_ref().map(from_row).transpose()
}

/// A page of a list's proposals, newest first, and how many there are; of one state, or of all.
pub async fn list_proposals(
    tx: &mut Tx,
    list: ListId,
    state: Option<&str>,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Proposal>, u64), StoreError> {
    let wanted = "list_id = $1 AND (CAST($2 AS text) IS NULL OR state = $2)";
    let total = tx
        .query_opt(&format!("SELECT count(*) FROM proposals WHERE {wanted}"), &[list.0.into(), state.into()])
        .await?
        .map_or(Ok(0), |row| row.get(0))?;
    let sql = format!("SELECT {COLUMNS} FROM proposals WHERE {wanted} ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4");
    let rows = tx.query(&sql, &[list.0.into(), state.into(), limit.into(), offset.into()]).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total))
}

/// Writes what became of an open proposal. `false`: somebody else was first.
pub async fn set_decided(
    tx: &mut Tx,
    id: ProposalId,
    state: &str,
    who: &Who,
    comment: &str,
    (at, revision): (Timestamp, Option<u64>),
) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE proposals SET state = $2, decider_type = $3, decider_id = $4, decider_name = $5, decision_comment = $6,
                 decided_at = $7, revision = $8
             WHERE id = $1 AND state = 'open'",
            &[
                id.0.into(),
                state.into(),
                (&who.kind).into(),
                who.id.into(),
                (&who.name).into(),
                comment.into(),
                at.into(),
                revision.into(),
            ],
        )
        .await?;
    Ok(rows == 1)
}
