//! Rate limits around the routes (contract, conventions §9): which scopes a route counts in, and the headers that tell how
//! the caller stands. The counters are in [`crate::limits`].

use axum::response::Response;
use gavel_core::{ids::ApplicationId, session::Environment, time::Timestamp};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::{
    auth::Credential,
    gate::{Entered, is_api},
    routes::RouteFacts,
};
use crate::{
    actions::{Error, applications},
    app::App,
    limits::{Counted, Name, Scope},
    throttle::Standing,
};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What a route counts in.
fn scopes(facts: &RouteFacts) -> Vec<Scope> {
    let generic = match (&facts.method, facts.path) {
        (&Method::GET, _) => Scope::GenericGet,
        (&Method::POST, "/v3/session/") => Scope::SessionCreate,
        _ => Scope::GenericWrite,
    };
    let besides = match facts.path {
        path if path.ends_with("/generate-pdf/") => Some(Scope::GeneratePdf),
        path if path.ends_with("/update-data/") => Some(Scope::UpdateKyc),
        path if path.ends_with("/update-poa-data/") => Some(Scope::UpdatePoa),
        _ => None,
    };
    [generic].into_iter().chain(besides).collect()
}

/// Whose request it is.
pub(super) fn name_of(entered: &Entered) -> Name {
    match &entered.credential {
        Some(Credential::Key(key)) => Name::Key(key.id),
        Some(Credential::Member(_)) | None => Name::Address(entered.ip),
    }
}

/// Counts a request. `None`: it is not limited.
pub(super) async fn admit(
    app: &App,
    entered: Option<&Entered>,
    facts: &RouteFacts,
    application: Option<ApplicationId>,
) -> Result<Option<Counted>, Error> {
    let (Some(limits), Some(entered)) = (&app.limits, entered) else { return Ok(None) };
    if !is_api(facts.path) {
        return Ok(None); // Health and media.
    }
    let scopes = scopes(facts);
    let sandbox = match application {
        Some(application) if scopes.contains(&Scope::SessionCreate) => {
            applications::environment(app, application).await? == Environment::Sandbox
        }
        _ => false,
    };
    let counted = limits.admit(name_of(entered), scopes, sandbox, app.clock.now());
    counted.map(Some).map_err(|exceeded| Error::Limited(Box::new(exceeded)))
}

/// Tells the caller how it stands; an answer 429 counts as no request.
pub(super) fn finish(app: &App, counted: Option<&Counted>, response: &mut Response) {
    let (Some(limits), Some(counted)) = (&app.limits, counted) else { return };
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => limits.take_back(counted),
        _ => tell(response, &counted.standing),
    }
}

/// The headers of an answer to a request that never came to be counted.
pub(super) fn finish_uncounted(app: &App, name: Name, now: Timestamp, response: &mut Response) {
    let Some(limits) = &app.limits else { return };
    if response.status() != StatusCode::TOO_MANY_REQUESTS && !response.headers().contains_key(LIMIT) {
        tell(response, &limits.look(name, now));
    }
}

/// Writes the three headers.
pub(super) fn tell(response: &mut Response, standing: &Standing) {
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(standing.allowed));
    headers.insert(REMAINING, HeaderValue::from(standing.left));
    // Rounded up: at that second there is one more.
    let micros = standing.frees_at.as_micros().max(0).unsigned_abs();
    headers.insert(RESET, HeaderValue::from(micros.div_ceil(1_000_000)));
}
