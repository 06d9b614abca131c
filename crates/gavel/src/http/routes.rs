//! What a route is: a line of the table in [`super::table`], and what happens between the gate and its handler.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, RawPathParams, Request, State},
    handler::Handler,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter},
};
use gavel_core::{
    access::{Actor, Level, Power, Resource},
    ids::{ApplicationId, parse_uuid},
};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::{
    auth::{Credential, Person},
    error::{ApiError, ApiResult, body},
    extract::JsonOnly,
    filters,
    gate::Entered,
    idempotent, limit,
    mask::Mask,
};
use crate::{
    actions::{Caller, Error},
    app::App,
    store::keys::ApiKey,
};

/// Largest JSON body.
pub(super) const JSON_LIMIT: usize = 1 << 20;
/// What a multipart form may add to its file.
const FORM: usize = 64 << 10;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A key with this level on this resource.
    Scope(Resource, Level),
    /// A key with full access, or a person whose role has this power.
    Power(Power),
    /// Only a person, whatever the role.
    Member,
}

/// What is known of a route without its handler.
#[derive(Debug, Clone)]
pub struct RouteFacts {
    /// HTTP method.
    pub method: Method,
    /// Template with a slash at the end.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What a key needs beside it.
    pub also: Option<(Resource, Level)>,
    /// Status of a success.
    pub success: StatusCode,
    /// Largest body in bytes.
    pub body_limit: usize,
    /// The body is JSON; otherwise it is the handler's own.
    pub takes_json: bool,
    /// The body may be of any size: it is never held in memory.
    pub streams: bool,
}

/// One line of the table.
pub struct Route {
    /// What is known of it.
    pub facts: RouteFacts,
    handler: MethodRouter<App>,
}

impl Route {
    /// A route with its defaults: 200, JSON of at most 1 MiB.
    pub fn new<T: 'static>(method: Method, path: &'static str, access: Access, handler: impl Handler<T, App>) -> Self {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        let facts = RouteFacts {
            method,
            path,
            access,
            also: None,
            success: StatusCode::OK,
            body_limit: JSON_LIMIT,
            takes_json: true,
            streams: false,
        };
        Self { facts, handler: MethodRouter::new().on(filter, handler) }
    }

    /// Answers 201.
    pub fn creates(mut self) -> Self {
        self.facts.success = StatusCode::CREATED;
        self
    }

    /// Answers 204.
    pub fn without_answer(mut self) -> Self {
        self.facts.success = StatusCode::NO_CONTENT;
        self
    }

    /// Needs another scope as well.
    pub fn and_needs(mut self, resource: Resource, level: Level) -> Self {
        self.facts.also = Some((resource, level));
        self
    }

    /// Takes larger bodies.
    pub fn up_to(mut self, bytes: usize) -> Self {
        self.facts.body_limit = bytes;
        self
    }

    /// Takes files of at most so many bytes. A form around one may add a little, so the handler has the last word.
    pub fn takes_files(mut self, bytes: usize) -> Self {
        self.facts.body_limit = bytes.saturating_add(FORM);
        self.facts.takes_json = false;
        self
    }

    /// Takes forms of at most so many bytes, and JSON.
    pub fn takes_forms(mut self, bytes: usize) -> Self {
        self.facts.body_limit = bytes;
        self.facts.takes_json = false;
        self
    }

    /// Takes bodies of any size, a piece at a time.
    pub fn takes_streams(mut self) -> Self {
        self.facts.takes_json = false;
        self.facts.streams = true;
        self
    }
}

/// Builds the router of a table.
pub fn router(app: &App, routes: Vec<Route>) -> Router {
    let mut by_path: BTreeMap<&'static str, Vec<Route>> = BTreeMap::new();
    for route in routes {
        by_path.entry(route.facts.path).or_default().push(route);
    }
    let mut router = Router::new().fallback(async || ApiError::Action(Error::NOT_FOUND));
    for (path, routes) in by_path {
        let allow = allowed(&routes);
        let mut methods = MethodRouter::new();
        for route in routes {
            // One per route for the life of the process.
            let facts: &'static RouteFacts = Box::leak(Box::new(route.facts));
            methods = methods.merge(route.handler.layer(from_fn_with_state((app.clone(), facts), enter)));
        }
        let refused = allow.clone();
        methods = methods
            .options(async move || (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]))
            .fallback(async move |method: Method| method_not_allowed(&method, refused));
        router = router.route(path.trim_end_matches('/'), methods);
    }
    // Each route has a limit of its own (`read_bytes`); the framework's would cut forms with files short.
    router.layer(DefaultBodyLimit::disable()).with_state(app.clone())
}

fn allowed(routes: &[Route]) -> HeaderValue {
    let mut names: Vec<&str> = routes.iter().map(|route| route.facts.method.as_str()).chain(["OPTIONS"]).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.sort_unstable();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

fn method_not_allowed(method: &Method, allow: HeaderValue) -> Response {
    let text = format!("Method \"{method}\" not allowed.");
    let mut response = body(StatusCode::METHOD_NOT_ALLOWED, &json!({ "detail": text }));
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

/// Between the gate and the handler: scope and caller, the rate limit, and what is [`within`] it.
async fn enter(State((app, facts)): State<(App, &'static RouteFacts)>, mut request: Request, next: Next) -> ApiResult<Response> {
    request.extensions_mut().insert(facts);
    let caller = match facts.access {
        Access::Public => None,
        Access::Scope(..) | Access::Power(_) | Access::Member => Some(permitted(&app, &request, facts)?),
    };
    let place = caller.as_ref().map(|caller| caller.application);
    let counted = limit::admit(&app, request.extensions().get::<Entered>(), facts, place).await?;
    let mut response = match caller {
        Some(caller) => within(&app, caller, facts, request, next).await.unwrap_or_else(ApiError::into_response),
        None => {
            // Whoever signs in must mean it as well: no form of another site can send JSON.
            request.extensions_mut().insert(JsonOnly);
            next.run(request).await
        }
    };
    limit::finish(&app, counted.as_ref(), &mut response);
    Ok(response)
}

/// The caller, who may use this route.
fn permitted(app: &App, request: &Request, facts: &'static RouteFacts) -> ApiResult<Caller> {
    let caller = caller(app, request, facts)?;
    match facts.access {
        Access::Public | Access::Member => {}
        Access::Scope(resource, level) => caller.must(resource, level)?,
        Access::Power(power) => caller.must_have(power)?,
    }
    facts.also.map_or(Ok(()), |(resource, level)| caller.must(resource, level))?;
    Ok(caller)
}

/// Ids of the path, `Idempotency-Key`, the handler, the status of a success, and what the caller may see of it.
async fn within(app: &App, caller: Caller, facts: &'static RouteFacts, mut request: Request, next: Next) -> ApiResult<Response> {
    if matches!(caller.actor, Actor::Member { .. }) {
        request.extensions_mut().insert(JsonOnly);
    }
    let mask = Mask::for_actor(&caller.actor, facts.access);
    let request = with_ids(request, mask.is_some()).await?;
    let mut response = idempotent::run(app, caller, facts, request, next).await?;
    if response.status() == StatusCode::OK {
        *response.status_mut() = facts.success;
        if facts.success == StatusCode::NO_CONTENT {
            response = StatusCode::NO_CONTENT.into_response();
        }
    }
    match mask {
        Some(mask) => mask.over(response).await,
        None => Ok(response),
    }
}

/// Refuses a path with another text where an id belongs; done before the body is looked at. Somebody who may not see
/// personal values may not ask for them either.
async fn with_ids(request: Request, masked: bool) -> ApiResult<Request> {
    let (mut parts, body) = request.into_parts();
    let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(|_| Error::NOT_FOUND)?;
    if masked {
        filters::must_be_open(parts.uri.query())?;
        filters::must_name_by_id(&params)?;
    }
    // A node is named by a text.
    let is_id = |name: &str| name != "node_id" && (name.ends_with("_id") || name.ends_with("_uuid"));
    match params.iter().all(|(name, text)| !is_id(name) || parse_uuid(text).is_ok()) {
        true => Ok(Request::from_parts(parts, body)),
        false => Err(Error::NOT_FOUND.into()),
    }
}

fn caller(app: &App, request: &Request, facts: &'static RouteFacts) -> ApiResult<Caller> {
    let entered = request.extensions().get::<Entered>().ok_or(ApiError::NoCredentials)?;
    let (application, actor) = match entered.credential.as_ref().ok_or(ApiError::NoCredentials)? {
        Credential::Key(key) => by_key(key, entered, facts)?,
        Credential::Member(person) => {
            if !matches!(*request.method(), Method::GET | Method::HEAD) {
                person.must_mean_it(app)?;
            }
            by_cookie(person, entered, facts)?
        }
    };
    Ok(Caller {
        application,
        actor,
        method: facts.method.to_string(),
        route: facts.path,
        success: facts.success.as_u16(),
        path: entered.path.clone(),
        ip: Some(entered.ip),
        claim: None,
    })
}

fn by_key(key: &ApiKey, entered: &Entered, facts: &RouteFacts) -> ApiResult<(ApplicationId, Actor)> {
    let listed = key.ip_allowlist.is_empty() || key.ip_allowlist.iter().any(|range| range.contains(&entered.ip));
    if !listed || facts.access == Access::Member {
        return Err(Error::Forbidden.into());
    }
    Ok((key.application, Actor::ApiKey { id: key.id, scopes: key.scopes.clone() }))
}

/// Somebody with roles in several applications says which one is meant, but where it is about themselves.
fn by_cookie(person: &Person, entered: &Entered, facts: &RouteFacts) -> ApiResult<(ApplicationId, Actor)> {
    let place = match person.place(entered.application)? {
        None if facts.access == Access::Member => person.found.roles.first().copied(),
        place => place,
    };
    let unnamed = || Error::Refused("Name the application in the header X-Gavel-Application.".into());
    let (application, role) = place.ok_or_else(unnamed)?;
    let (name, email) = (person.found.name.clone(), person.found.email.clone());
    Ok((application, Actor::Member { id: person.found.member.0, name, email, role }))
}
