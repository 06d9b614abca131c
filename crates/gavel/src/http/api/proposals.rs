//! Changes of lists that another person approves.

use axum::extract::State;
use gavel_core::{
    ids::{ListId, ProposalId},
    json::{FieldErrors, Value},
};

use crate::{
    actions::{
        Caller,
        proposals::{self, DecisionNote, Ending, NewProposal, ProposalDetails, ProposalView},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, Json, Query, ReadBody, Reply},
        page::{Page, Paging},
    },
};

impl ReadBody for NewProposal {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        NewProposal::read(sent)
    }
}

impl ReadBody for DecisionNote {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        DecisionNote::read(sent)
    }
}

/// Proposes changes.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Ids(list): Ids<ListId>,
    Json(body): Json<NewProposal>,
) -> ApiResult<Reply<ProposalDetails>> {
    Ok(Reply(proposals::create(&app, &caller, list, body).await?))
}

/// A page of proposals.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(list): Ids<ListId>,
    query: Query,
    paging: Paging,
) -> ApiResult<Reply<Page<ProposalView>>> {
    let states = ["open", "approved", "rejected", "withdrawn"];
    let state = query.choice("status", |name| states.into_iter().find(|known| *known == name))?;
    let (rows, total) = proposals::list(&app, &caller, list, state, paging.window(25)).await?;
    Ok(Reply(paging.page(25, rows, total)))
}

/// One proposal.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, id): IdPair<ListId, ProposalId>,
) -> ApiResult<Reply<ProposalDetails>> {
    Ok(Reply(proposals::show(&app, &caller, list, id).await?))
}

/// Does what it says.
pub async fn approve(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, id): IdPair<ListId, ProposalId>,
    Json(body): Json<DecisionNote>,
) -> ApiResult<Reply<ProposalDetails>> {
    Ok(Reply(proposals::approve(&app, &caller, list, id, body).await?))
}

/// Leaves it undone.
pub async fn reject(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, id): IdPair<ListId, ProposalId>,
    Json(body): Json<DecisionNote>,
) -> ApiResult<Reply<ProposalDetails>> {
    Ok(Reply(proposals::end(&app, &caller, (list, id), Ending::Rejected, body).await?))
}

/// Takes it back.
pub async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    IdPair(list, id): IdPair<ListId, ProposalId>,
    Json(body): Json<DecisionNote>,
) -> ApiResult<Reply<ProposalDetails>> {
    Ok(Reply(proposals::end(&app, &caller, (list, id), Ending::Withdrawn, body).await?))
}
