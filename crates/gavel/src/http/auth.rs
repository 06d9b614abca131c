//! Who is calling: API keys and their cache, the throttle on wrong ones, and the cookies of people (contract,
//! conventions §3). A key beside a cookie wins.

use std::{net::IpAddr, sync::Arc, time::Duration};

use gavel_core::{
    access::Role,
    ids::{ApplicationId, parse_uuid},
    time::Timestamp,
};
use http::{HeaderMap, HeaderValue, header};
use ipnet::IpNet;
use moka::future::Cache;

use super::error::ApiError;
use crate::{
    actions::signins,
    app::App,
    secrets::digest,
    store::{
        keys::{self, ApiKey},
        signins::Found,
    },
    throttle::Throttle,
};

/// How long a key that was found is believed without asking the database: a revocation in another process takes effect
/// within this time.
const CACHED: Duration = Duration::from_secs(1);
/// The window of the throttle, in seconds.
const WINDOW: i64 = 60;
/// The header in which somebody with roles in several applications names one.
const APPLICATION: &str = "x-gavel-application";
/// The header that must stand beside a cookie wherever something may change.
const CSRF: &str = "x-csrf-token";

/// Checks credentials. One per server.
pub struct Gatekeeper {
    cache: Cache<[u8; 32], Arc<ApiKey>>,
    failures: Throttle<IpAddr>,
}

/// Who is calling.
#[derive(Clone)]
pub enum Credential {
    /// An API key.
    Key(Arc<ApiKey>),
    /// A person, by cookie.
    Member(Arc<Person>),
}

/// A person who has signed in.
pub struct Person {
    /// The sign-in and who it is.
    pub found: Found,
    /// The application they named: `Err` when it is none of theirs.
    named: Option<Result<ApplicationId, ()>>,
    /// What they sent against forged requests.
    csrf: Vec<u8>,
}

impl Person {
    /// What they may do where they work: in the application of the path, or that of the header, or their only one.
    /// `Ok(None)`: they have several and named none.
    pub fn place(&self, in_path: Option<ApplicationId>) -> Result<Option<(ApplicationId, Role)>, ApiError> {
        let role = |id: ApplicationId| self.found.roles.iter().find(|(there, _)| *there == id).copied();
        let named = in_path.map(Ok).or(self.named);
        match (named, self.found.roles.as_slice()) {
            (Some(Ok(id)), _) => role(id).map(Some).ok_or_else(forbidden),
            (Some(Err(())), _) => Err(forbidden()),
            (None, [only]) => Ok(Some(*only)),
            (None, _) => Ok(None),
        }
    }

    /// Refuses a request that another site may have made the browser send.
    pub fn must_mean_it(&self, app: &App) -> Result<(), ApiError> {
        if app.secrets.csrf_is_valid(self.found.id, &self.csrf) { Ok(()) } else { Err(forbidden()) }
    }
}

fn forbidden() -> ApiError {
    crate::actions::Error::Forbidden.into()
}

impl Gatekeeper {
    /// `allowed` wrong keys per address and minute.
    pub fn new(allowed: usize) -> Self {
        let cache = Cache::builder().max_capacity(10_000).time_to_live(CACHED).build();
        Self { cache, failures: Throttle::new(allowed, WINDOW) }
    }

    /// Who sent a request. A cookie that is none any more is no credential: browsers keep sending it.
    pub async fn authenticate(&self, app: &App, headers: &HeaderMap, from: IpAddr) -> Result<Credential, ApiError> {
        match (credential(headers), cookie(headers, cookie_name(app))) {
            (Some(key), _) => self.find_key(app, key, from).await.map(Credential::Key),
            (None, Some(token)) => {
                let found = signins::find(app, token).await?.ok_or(ApiError::NoCredentials)?;
                let named = headers.get(APPLICATION).map(|sent| sent.to_str().ok().and_then(|id| parse_uuid(id.trim()).ok()));
                let named = named.map(|id| id.map(ApplicationId).ok_or(()));
                let csrf = headers.get(CSRF).map(|sent| sent.as_bytes().to_vec()).unwrap_or_default();
                Ok(Credential::Member(Arc::new(Person { found, named, csrf })))
            }
            (None, None) => Err(ApiError::NoCredentials),
        }
    }

    async fn find_key(&self, app: &App, key: &[u8], from: IpAddr) -> Result<Arc<ApiKey>, ApiError> {
        let hash = digest(key);
        let now = app.clock.now();
        let found = match self.cache.get(&hash).await {
            Some(found) => Some(found),
            None => {
                let found = app.store.read(move |tx| Box::pin(keys::find_by_hash(tx, hash))).await?.map(Arc::new);
                if let Some(found) = &found {
                    self.cache.insert(hash, found.clone()).await;
                }
                found
            }
        };
        match found {
            Some(key) if key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now) => Ok(key),
            _ => Err(self.failed(from, now)),
        }
    }

    /// Counts a wrong key.
    fn failed(&self, from: IpAddr, now: Timestamp) -> ApiError {
        self.failures.count(&from, now).map_or(ApiError::InvalidKey, ApiError::Throttled)
    }
}

/// The name of the cookie. Where the server is reached by https, the prefix keeps other hosts of the same domain from
/// setting it.
pub fn cookie_name(app: &App) -> &'static str {
    if is_https(app) { "__Host-gavel" } else { "gavel" }
}

fn is_https(app: &App) -> bool {
    app.config.public_url.starts_with("https://")
}

/// The cookie of a sign-in, or without a token its end.
pub fn set_cookie(app: &App, token: Option<&str>) -> HeaderValue {
    let secure = if is_https(app) { "; Secure" } else { "" };
    let age = if token.is_some() { signins::LIFETIME } else { 0 };
    let (name, token) = (cookie_name(app), token.unwrap_or_default());
    let text = format!("{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The value of a cookie.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let sent = headers.get_all(header::COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    sent.filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")).find(|value| !value.is_empty())
}

/// The key as sent. A filled `x-api-key` hides `Authorization`; any other scheme than Bearer is no credential.
fn credential(headers: &HeaderMap) -> Option<&[u8]> {
    let named = headers.get("x-api-key").map(|value| value.as_bytes().trim_ascii()).filter(|key| !key.is_empty());
    named.or_else(|| {
        let sent = headers.get(header::AUTHORIZATION)?.as_bytes().trim_ascii();
        let (scheme, rest) = sent.split_at_checked(6)?;
        let key = rest.trim_ascii();
        (scheme.eq_ignore_ascii_case(b"bearer") && rest.first().is_some_and(u8::is_ascii_whitespace) && !key.is_empty())
            .then_some(key)
    })
}

/// The client's address: the peer, or behind trusted proxies the right-most forwarded address that is not one of them.
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|range| range.contains(&ip.to_canonical()));
    let peer = peer.to_canonical();
    if !is_trusted(&peer) {
        return peer;
    }
    let forwarded: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().parse().ok())
        .collect();
    forwarded.into_iter().rev().find(|ip| !is_trusted(ip)).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn credentials_in_either_header() {
        for (sent, key) in [
            (vec![("x-api-key", " k ")], Some("k")),
            (vec![("authorization", "bEaReR  k ")], Some("k")),
            (vec![("x-api-key", ""), ("authorization", "Bearer k")], Some("k")),
            (vec![("x-api-key", "a"), ("authorization", "Bearer b")], Some("a")),
            (vec![("authorization", "Basic k")], None),
            (vec![("authorization", "Bearer")], None),
            (vec![("authorization", "Bearerk")], None),
            (vec![], None),
        ] {
            assert_eq!(credential(&headers(&sent)).map(|k| std::str::from_utf8(k).unwrap()), key, "{sent:?}");
        }
    }

    #[test]
    fn forwarded_addresses_count_only_behind_a_trusted_proxy() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let sent = headers(&[("x-forwarded-for", "1.1.1.1, 2.2.2.2, 10.0.0.7")]);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(client_ip(ip("10.0.0.1"), &sent, &trusted), ip("2.2.2.2"));
        assert_eq!(client_ip(ip("3.3.3.3"), &sent, &trusted), ip("3.3.3.3"));
        assert_eq!(client_ip(ip("10.0.0.1"), &headers(&[]), &trusted), ip("10.0.0.1"));
    }

    #[test]
    fn wrong_keys_are_throttled_per_address() {
        let keeper = Gatekeeper::new(2);
        let (ip, at) = ("1.1.1.1".parse().unwrap(), |s: i64| Timestamp::from_micros(s * 1_000_000));
        assert!(matches!(keeper.failed(ip, at(0)), ApiError::InvalidKey));
        assert!(matches!(keeper.failed(ip, at(10)), ApiError::InvalidKey));
        assert!(matches!(keeper.failed(ip, at(20)), ApiError::Throttled(40)));
        assert!(matches!(keeper.failed("2.2.2.2".parse().unwrap(), at(20)), ApiError::InvalidKey));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        for (sent, found) in [
            (vec![("cookie", "a=1; gavel=t; b=2")], Some("t")),
            (vec![("cookie", "gavel=t")], Some("t")),
            (vec![("cookie", "a=1"), ("cookie", "gavel=t")], Some("t")),
            (vec![("cookie", "gavel=; gavel=t")], Some("t")),
            (vec![("cookie", "xgavel=t; gavel2=t; gavel")], None),
            (vec![], None),
        ] {
            assert_eq!(cookie(&headers(&sent), "gavel").map(|k| std::str::from_utf8(k).unwrap()), found, "{sent:?}");
        }
    }
}
