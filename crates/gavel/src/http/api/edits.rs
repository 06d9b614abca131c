//! Corrections of a session's data by hand.

use axum::extract::State;
use gavel_core::{
    edit::{DOCUMENT, Edit, HitReview, PROOF_OF_ADDRESS, read_hit_review, read_hit_reviews},
    ids::SessionId,
    json::{FieldErrors, Value},
};
use serde_json::{Map, Value as Answer, value::RawValue};

use crate::{
    actions::{
        Caller,
        edits::{self, OfNode},
        feature_status::{self, FeatureUpdate, UpdatedFeature},
    },
    app::App,
    http::{
        error::ApiResult,
        extract::{IdPair, Ids, IfMatch, Json, Query, ReadBody, Reply},
    },
};

/// Body of `update-data`.
pub struct DocumentBody(OfNode<Edit>);
/// Body of `update-poa-data`.
pub struct ProofBody(OfNode<Edit>);
/// Body of `update-aml-hit-status`.
pub struct HitBody(OfNode<Vec<HitReview>>);
/// Body of `bulk-update-aml-hit-status`.
pub struct HitsBody(OfNode<Vec<HitReview>>);

impl ReadBody for DocumentBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Ok(Self(OfNode::read(sent, |sent| Edit::read(&DOCUMENT, sent))))
    }
}

impl ReadBody for ProofBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Ok(Self(OfNode::read(sent, |sent| Edit::read(&PROOF_OF_ADDRESS, sent))))
    }
}

impl ReadBody for HitBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Ok(Self(OfNode::read(sent, read_hit_review)))
    }
}

impl ReadBody for HitsBody {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Ok(Self(OfNode::read(sent, read_hit_reviews)))
    }
}

impl ReadBody for FeatureUpdate {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        FeatureUpdate::read(sent)
    }
}

/// Corrects an identity document.
pub async fn update_document(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    query: Query,
    IfMatch(seen): IfMatch,
    Json(body): Json<DocumentBody>,
) -> ApiResult<Reply<Map<String, Answer>>> {
    let edit = body?.0.or_in_query(query.get("node_id"));
    Ok(Reply(edits::update_document(&app, &caller, session, edit, seen).await?))
}

/// Corrects a proof of address.
pub async fn update_proof_of_address(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    query: Query,
    IfMatch(seen): IfMatch,
    Json(body): Json<ProofBody>,
) -> ApiResult<Reply<Map<String, Answer>>> {
    let edit = body?.0.or_in_query(query.get("node_id"));
    Ok(Reply(edits::update_proof_of_address(&app, &caller, session, edit, seen).await?))
}

/// Sets the status of one feature.
pub async fn update_feature_status(
    State(app): State<App>,
    caller: Caller,
    IdPair(session, node): IdPair<SessionId, String>,
    IfMatch(seen): IfMatch,
    Json(body): Json<FeatureUpdate>,
) -> ApiResult<Reply<UpdatedFeature>> {
    Ok(Reply(feature_status::update(&app, &caller, session, node, body, seen).await?))
}

/// Judges one hit of a screening.
pub async fn review_hit(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    query: Query,
    IfMatch(seen): IfMatch,
    Json(body): Json<HitBody>,
) -> ApiResult<Reply<Box<RawValue>>> {
    let reviews = body?.0.or_in_query(query.get("node_id"));
    Ok(Reply(edits::review_hits(&app, &caller, session, (reviews, false), seen).await?))
}

/// Judges several hits of a screening.
pub async fn review_hits(
    State(app): State<App>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
    query: Query,
    IfMatch(seen): IfMatch,
    Json(body): Json<HitsBody>,
) -> ApiResult<Reply<Box<RawValue>>> {
    let reviews = body?.0.or_in_query(query.get("node_id"));
    Ok(Reply(edits::review_hits(&app, &caller, session, (reviews, true), seen).await?))
}
