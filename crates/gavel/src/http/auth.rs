//! Who is calling: API keys, their cache, and the throttle on wrong ones (contract, conventions §3).

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use gavel_core::time::Timestamp;
use http::{HeaderMap, header};
use ipnet::IpNet;
use moka::future::Cache;

use super::error::ApiError;
use crate::{
    app::App,
    secrets::digest,
    store::keys::{self, ApiKey},
};

/// How long a key that was found is believed without asking the database: a revocation in another process takes effect
/// within this time.
const CACHED: Duration = Duration::from_secs(1);
/// The window of the throttle, in microseconds.
const WINDOW: i64 = 60_000_000;
/// Most addresses the throttle remembers; past it the longest silent ones are forgotten.
const REMEMBERED: usize = 100_000;

/// Checks credentials. One per server.
pub struct Gatekeeper {
    cache: Cache<[u8; 32], Arc<ApiKey>>,
    failures: Mutex<HashMap<IpAddr, VecDeque<i64>>>,
    allowed: usize,
}

impl Gatekeeper {
    /// `allowed` wrong keys per address and minute.
    pub fn new(allowed: usize) -> Self {
        let cache = Cache::builder().max_capacity(10_000).time_to_live(CACHED).build();
        Self { cache, failures: Mutex::default(), allowed }
    }

    /// The key a request carries.
    pub async fn authenticate(&self, app: &App, headers: &HeaderMap, from: IpAddr) -> Result<Arc<ApiKey>, ApiError> {
        let key = credential(headers).ok_or(ApiError::NoCredentials)?;
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
        let now = now.as_micros();
        let mut all = self.failures.lock().unwrap_or_else(|e| e.into_inner());
        if all.len() >= REMEMBERED && !all.contains_key(&from) {
            forget_silent(&mut all, now);
        }
        let times = all.entry(from).or_default();
        while times.front().is_some_and(|first| *first <= now - WINDOW) {
            times.pop_front();
        }
        // Only as many are kept as decide the answer: the window always holds the latest ones.
        if times.len() > self.allowed {
            times.pop_front();
        }
        times.push_back(now);
        match times.front() {
            Some(first) if times.len() > self.allowed => {
                let wait = (first + WINDOW - now).max(1);
                ApiError::Throttled((wait as u64).div_ceil(1_000_000))
            }
            _ => ApiError::InvalidKey,
        }
    }
}

/// Makes room: those silent for a whole window go, and if that is not half of them, the half that was silent longest. So
/// however many addresses an attacker has, the map stays small and is walked only once in a while.
fn forget_silent(all: &mut HashMap<IpAddr, VecDeque<i64>>, now: i64) {
    let last = |times: &VecDeque<i64>| times.back().copied().unwrap_or(i64::MIN);
    all.retain(|_, times| last(times) > now - WINDOW);
    if all.len() > REMEMBERED / 2 {
        let mut lasts: Vec<i64> = all.values().map(last).collect();
        let (_, median, _) = lasts.select_nth_unstable(all.len() / 2);
        let median = *median;
        all.retain(|_, times| last(times) > median);
    }
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
    fn the_throttle_starts_after_the_allowed_failures_and_ends_with_the_window() {
        let keeper = Gatekeeper::new(2);
        let (ip, at) = ("1.1.1.1".parse().unwrap(), |s: i64| Timestamp::from_micros(s * 1_000_000));
        assert!(matches!(keeper.failed(ip, at(0)), ApiError::InvalidKey));
        assert!(matches!(keeper.failed(ip, at(10)), ApiError::InvalidKey));
        assert!(matches!(keeper.failed(ip, at(20)), ApiError::Throttled(40)));
        assert!(matches!(keeper.failed("2.2.2.2".parse().unwrap(), at(20)), ApiError::InvalidKey));
        assert!(matches!(keeper.failed(ip, at(100)), ApiError::InvalidKey));
    }

    #[test]
    fn the_throttle_remembers_a_bounded_number_of_addresses() {
        let keeper = Gatekeeper::new(2);
        for n in 0..(REMEMBERED as u32 + 10) {
            keeper.failed(IpAddr::from(n.to_be_bytes()), Timestamp::from_micros(i64::from(n)));
        }
        let kept = keeper.failures.lock().unwrap();
        assert!(kept.len() <= REMEMBERED / 2 + 10, "{}", kept.len());
        assert!(kept.contains_key(&IpAddr::from((REMEMBERED as u32 + 9).to_be_bytes())));
    }
}
