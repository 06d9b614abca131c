//! What every request passes first: size of its head, its path, its key, and the headers every answer carries
//! (contract, conventions §1, §3, §4, §11).

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{Router, body::Body, extract::Request, response::IntoResponse, response::Response};
use futures_util::FutureExt;
use gavel_core::ids::ApplicationId;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;
use tower::ServiceExt;

use super::{
    aliases::{self, Target},
    auth::{Credential, Gatekeeper, client_ip},
    error::{ApiError, body},
    limit,
    linger::Lingering,
    routes::{self, Access, Route},
};
use crate::{actions::Error, app::App, clock::new_id, limits::Name};

/// Longest request target in bytes.
const TARGET_LIMIT: usize = 8 << 10;
/// Largest headers in bytes, names and values together.
const HEADERS_LIMIT: usize = 32 << 10;
/// What may stand in a segment without being escaped.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the gate found out about a request.
#[derive(Clone)]
pub struct Entered {
    /// Who it is, on paths where that is asked.
    pub credential: Option<Credential>,
    /// The application an alias names.
    pub application: Option<ApplicationId>,
    /// The client's address.
    pub ip: IpAddr,
    /// The path as sent.
    pub path: String,
}

/// The whole HTTP server: gate and routes.
#[derive(Clone)]
pub struct Server {
    app: App,
    keeper: Arc<Gatekeeper>,
    routes: Router,
    /// Paths below the API that ask nobody who they are.
    open: Arc<BTreeSet<&'static str>>,
}

impl Server {
    /// Puts the gate before the routes of a table.
    pub fn new(app: App, table: Vec<Route>) -> Self {
        let keeper = Arc::new(Gatekeeper::new(app.config.failed_authentications));
        let public = table.iter().filter(|route| route.facts.access == Access::Public);
        let open = public.map(|route| route.facts.path.trim_end_matches('/')).collect();
        let routes = routes::router(&app, table);
        Self { app, keeper, routes, open: Arc::new(open) }
    }

    /// Answers one request. A panic in a handler ends as 500 and nowhere else.
    pub async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let id = request_id(&request);
        let (head, mut body) = request.into_parts();
        let lingering = Lingering::of(&head.headers, &mut body);
        let request = Request::from_parts(head, body);
        let route = canonical(request.uri());
        // An escaped spelling such as `/%763/` is the same path and needs the same key.
        let api = is_api(route.as_ref().unwrap_or(request.uri()).path());
        let ip = client_ip(peer.ip(), request.headers(), &self.app.config.trusted_proxies);
        let mut caller = Name::Address(ip);
        let answered = std::panic::AssertUnwindSafe(self.pass(ip, request, route, api, &mut caller)).catch_unwind().await;
        let mut response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => error.into_response(),
            Err(_) => ApiError::Action(Error::fault("a handler panicked")).into_response(),
        };
        if response.status().is_server_error() {
            tracing::error!(request_id = ?id, status = response.status().as_u16(), "a request failed");
        }
        if let Some(body) = lingering {
            body.finish().await;
        }
        if api {
            limit::finish_uncounted(&self.app, caller, self.app.clock.now(), &mut response);
        }
        let headers = response.headers_mut();
        headers.insert("x-request-id", id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if api {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }

    async fn pass(
        &self,
        ip: IpAddr,
        mut request: Request,
        route: Option<Uri>,
        api: bool,
        caller: &mut Name,
    ) -> Result<Response, ApiError> {
        if let Some(refused) = head_too_large(&request) {
            return Ok(refused);
        }
        let path = request.uri().path().to_owned();
        let open = self.open.contains(route.as_ref().unwrap_or(request.uri()).path());
        let credential = match api && !open && request.method() != Method::OPTIONS {
            true => Some(self.keeper.authenticate(&self.app, request.headers(), ip).await?),
            false => None,
        };
        *request.uri_mut() = route.ok_or(Error::NOT_FOUND)?;
        // Without a credential only OPTIONS comes as far as an alias; what it is told is the same for every application.
        let target = follow_alias(&mut request, credential.as_ref())?;
        let (application, also) = target.map_or((None, &[][..]), |target| (target.application, target.also));
        spell_out_names(&mut request);
        let entered = Entered { credential, application, ip, path };
        *caller = limit::name_of(&entered);
        request.extensions_mut().insert(entered);
        let mut response = match self.routes.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        allow_also(&mut response, also);
        Ok(response)
    }
}

/// Turns a console address into the resource it names; answers what it names.
fn follow_alias(request: &mut Request, credential: Option<&Credential>) -> Result<Option<Target>, ApiError> {
    let theirs = |id| match credential {
        None => true,
        Some(Credential::Key(key)) => key.application == id,
        Some(Credential::Member(person)) => person.found.roles.iter().any(|(application, _)| *application == id),
    };
    let found = aliases::resolve(request.uri().path(), request.method(), theirs).map_err(|_| Error::NOT_FOUND)?;
    let Some(target) = found else { return Ok(None) };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    *request.uri_mut() = format!("{}{query}", target.path).parse().map_err(|_| Error::NOT_FOUND)?;
    if let Some(method) = &target.method {
        *request.method_mut() = method.clone();
    }
    Ok(Some(target))
}

/// Where an answer names the methods of a path, those an alias takes beside them are named too.
fn allow_also(response: &mut Response, also: &[&str]) {
    let Some(allow) = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok()) else { return };
    let mut names: Vec<&str> = allow.split(", ").chain(also.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    if let Ok(allow) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
}

/// In the place of a user's or business's name the words `create` and `delete` are calls for POST alone; whoever reads or
/// changes a user of that name means the user. Spelled otherwise, the routes do not take the word for the call.
fn spell_out_names(request: &mut Request) {
    let path = request.uri().path();
    let spelled = match path.rsplit_once('/') {
        Some((nouns @ ("/v3/users" | "/v3/businesses"), "create")) => format!("{nouns}/%63reate"),
        Some((nouns @ ("/v3/users" | "/v3/businesses"), "delete")) => format!("{nouns}/%64elete"),
        _ => return,
    };
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::PATCH) {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(uri) = format!("{spelled}{query}").parse() {
            *request.uri_mut() = uri;
        }
    }
}

/// Paths that need a key, whether they exist or not.
pub(super) fn is_api(path: &str) -> bool {
    path.starts_with("/v3/") || path.starts_with("/x/") || path == "/v3" || path == "/x"
}

fn head_too_large(request: &Request) -> Option<Response> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_LIMIT {
        return Some(body(StatusCode::URI_TOO_LONG, &json!({ "detail": "Request target too long." })));
    }
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (headers > HEADERS_LIMIT)
        .then(|| body(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &json!({ "detail": "Request headers too large." })))
}

/// The one spelling the routes know: no slash at the end, every segment decoded and encoded again in one way. `None` for
/// bad escapes and bytes that are not UTF-8.
fn canonical(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let path = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
    let mut target = if path.contains('%') {
        path.split('/').map(canonical_segment).collect::<Option<Vec<_>>>()?.join("/")
    } else if path.len() == uri.path().len() {
        return Some(uri.clone());
    } else {
        path.to_owned()
    };
    if let Some(query) = uri.query() {
        target.push('?');
        target.push_str(query);
    }
    target.parse().ok()
}

fn canonical_segment(segment: &str) -> Option<String> {
    let escapes = segment.as_bytes().windows(3).filter(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit());
    if escapes.count() != segment.matches('%').count() {
        return None;
    }
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    Some(utf8_percent_encode(&decoded, SEGMENT).to_string())
}

/// The caller's own id when it is one that fits a log line, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let fits = |value: &&HeaderValue| {
        (1..=128).contains(&value.len())
            && value.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    match request.headers().get("x-request-id").filter(fits) {
        Some(sent) => sent.clone(),
        None => HeaderValue::from_str(&new_id::<uuid::Uuid>().to_string()).unwrap_or(HeaderValue::from_static("none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        let spelled = |text: &str| canonical(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(spelled("/v3/lists/?a=b").as_deref(), Some("/v3/lists?a=b"));
        assert_eq!(spelled("/v3/%6cists").as_deref(), Some("/v3/lists"));
        assert_eq!(spelled("/v3/users/user%201%2F%C3%A9/").as_deref(), Some("/v3/users/user%201%2F%C3%A9"));
        assert_eq!(spelled("/v3/lists//").as_deref(), Some("/v3/lists/"), "an empty segment is not collapsed");
        assert_eq!(spelled("/").as_deref(), Some("/"));
        assert_eq!(spelled("/v3/%ff"), None);
        assert_eq!(spelled("/v3/%zz"), None);
        assert_eq!(spelled("/v3/%4"), None);
    }
}
