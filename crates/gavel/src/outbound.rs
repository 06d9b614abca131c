//! Calls to the outside: webhooks, and pictures fetched by link.
//!
//! One guard stands before all of them. The scheme must be https (plain http when allowed); the target must not be this
//! machine or a private network (unless allowed). The check is made on literal addresses in the URL and again on every
//! address a name resolves to at the moment of connecting, and the connection goes to exactly those addresses, so a name
//! that answers differently the second time gains nothing. Redirects are not followed; no proxy is taken from the
//! environment.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{actions::Error, authorities::Authorities, config};

/// The client for outbound calls, and its rules.
#[derive(Clone)]
pub struct Outbound {
    rules: config::Outbound,
    client: reqwest::Client,
}

/// Why a URL is not a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotATarget {
    /// Not an absolute http or https URL with a host, or one with a user name.
    #[error("Enter a valid URL.")]
    Form,
    /// Plain http.
    #[error("Only https URLs are allowed.")]
    Scheme,
    /// This machine, a private network, or a metadata address.
    #[error("This host is not allowed.")]
    Host,
}

impl NotATarget {
    /// The contract's text.
    pub fn text(self) -> &'static str {
        match self {
            Self::Form => "Enter a valid URL.",
            Self::Scheme => "Only https URLs are allowed.",
            Self::Host => "This host is not allowed.",
        }
    }
}

impl Outbound {
    /// Builds the client.
    pub fn new(rules: config::Outbound, authorities: &Authorities) -> Result<Self, Error> {
        Self::resolving(rules, authorities, Arc::new(|name| Box::pin(system_addresses(name))))
    }

    /// The same over another look-up of names: tests give answers no real name would.
    #[expect(clippy::disallowed_methods, reason = "the one client, behind the guard")]
    fn resolving(rules: config::Outbound, authorities: &Authorities, lookup: Lookup) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::fault)?
            .with_root_certificates(authorities.roots())
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(GuardedResolver { allow_private: rules.allow_private, lookup }))
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(Error::fault)?;
        Ok(Self { rules, client })
    }

    /// The client; every URL goes through [`Outbound::check`] first.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// How long a receiver has to answer.
    pub fn timeout(&self) -> Duration {
        self.rules.timeout
    }

    /// Checks form, scheme and, where it is named by address, the host.
    pub fn check(&self, text: &str) -> Result<Url, NotATarget> {
        let url = Url::parse(text).map_err(|_| NotATarget::Form)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(NotATarget::Form);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotATarget::Form);
        }
        if url.scheme() == "http" && !self.rules.allow_http {
            return Err(NotATarget::Scheme);
        }
        let private = match url.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
            Some(Host::Ipv4(ip)) => is_inside(ip.into()),
            Some(Host::Ipv6(ip)) => is_inside(ip.into()),
            None => true,
        };
        if private && !self.rules.allow_private {
            return Err(NotATarget::Host);
        }
        Ok(url)
    }
}

/// All addresses of a name. Their ports mean nothing.
type Lookup = Arc<dyn Fn(Name) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

async fn system_addresses(name: Name) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect())
}

/// Resolves names and drops addresses that are not public.
struct GuardedResolver {
    allow_private: bool,
    lookup: Lookup,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_private, found) = (self.allow_private, (self.lookup)(name));
        Box::pin(async move {
            let found = found.await?.into_iter();
            let allowed: Vec<SocketAddr> = found.filter(|address| allow_private || !is_inside(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Box::from(NotATarget::Host));
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to this machine, a private network or the network's own machinery.
fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local() // Holds 169.254.169.254, the metadata address of most clouds.
                || ip.is_multicast()
                || ip.is_broadcast()
                || a == 0 // "This network", the unspecified address among it.
                || (a == 100 && (64..128).contains(&b)) // Shared by carriers, RFC 6598; 100.100.100.200 is a metadata address.
                || (a == 192 && b == 0 && c == 0) // Protocol assignments, RFC 6890.
                || (a == 198 && (18..20).contains(&b)) // Benchmarks, RFC 2544.
                || a >= 240
        }
        IpAddr::V6(ip) => {
            let segments = ip.segments();
            match ip.to_canonical() {
                IpAddr::V4(mapped) => is_inside(mapped.into()),
                IpAddr::V6(_) => {
                    ip.is_loopback()
                        || ip.is_unspecified()
                        || ip.is_multicast()
                        || ip.is_unique_local()
                        || ip.is_unicast_link_local()
                        || (segments[0] & 0xffc0) == 0xfec0 // Site-local, withdrawn but still routed by some.
                        || segments[..6] == [0; 6] // IPv4-compatible, long withdrawn.
                        || segments[..3] == [0x64, 0xff9b, 1] // Translation inside one network, RFC 8215.
                        || (segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] && is_inside(embedded(segments[6], segments[7])))
                        || (segments[0] == 0x2002 && is_inside(embedded(segments[1], segments[2]))) // 6to4
                }
            }
        }
    }
}

/// The IPv4 address inside a translated IPv6 address.
fn embedded(high: u16, low: u16) -> IpAddr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    IpAddr::from([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allow_http: bool, allow_private: bool) -> Outbound {
        Outbound::new(config::Outbound { allow_http, allow_private, timeout: Duration::from_secs(1) }, &Authorities::default())
            .unwrap()
    }

    #[test]
    fn only_public_https_targets() {
        let strict = guard(false, false);
        for good in ["https://example.com/hook?x=1", "https://93.184.216.34/", "https://[2606:4700::1111]:8443/x"] {
            assert!(strict.check(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", NotATarget::Form),
            ("/hook", NotATarget::Form),
            ("ftp://example.com/", NotATarget::Form),
            ("https://user:pass@example.com/", NotATarget::Form),
            ("https://user@example.com/", NotATarget::Form),
            ("http://example.com/", NotATarget::Scheme),
            ("https://localhost/", NotATarget::Host),
            ("https://LOCALHOST./", NotATarget::Host),
            ("https://a.localhost/", NotATarget::Host),
            ("https://127.0.0.1/", NotATarget::Host),
            ("https://127.1/", NotATarget::Host),
            ("https://0x7f000001/", NotATarget::Host),
            ("https://2130706433/", NotATarget::Host),
            ("https://0.0.0.0/", NotATarget::Host),
            ("https://10.1.2.3/", NotATarget::Host),
            ("https://172.16.0.1/", NotATarget::Host),
            ("https://192.168.1.1/", NotATarget::Host),
            ("https://169.254.169.254/latest/meta-data/", NotATarget::Host),
            ("https://100.100.100.200/", NotATarget::Host),
            ("https://224.0.0.1/", NotATarget::Host),
            ("https://[::1]/", NotATarget::Host),
            ("https://[::]/", NotATarget::Host),
            ("https://[::ffff:10.0.0.1]/", NotATarget::Host),
            ("https://[fc00::1]/", NotATarget::Host),
            ("https://[fe80::1]/", NotATarget::Host),
            ("https://[64:ff9b::7f00:1]/", NotATarget::Host),
            ("https://[2002:7f00:1::]/", NotATarget::Host),
            ("https://[::127.0.0.1]/", NotATarget::Host),
            ("https://[64:ff9b:1::a00:1]/", NotATarget::Host),
        ] {
            assert_eq!(strict.check(bad).unwrap_err(), why, "{bad}");
        }
        assert!(guard(true, true).check("http://127.0.0.1:9/hook").is_ok());
    }

    #[tokio::test]
    async fn a_name_that_resolves_inside_is_refused_at_connect_time() {
        let strict = guard(true, false);
        // The guard of the URL is passed over on purpose: the resolver must refuse by itself.
        let error = strict.client().get("http://localhost:9/").send().await.unwrap_err();
        assert!(format!("{error:?}").contains("Host"), "{error:?}");
    }

    /// A resolver that gives these answers, one after the other, and the last one from then on.
    fn answering(allow_private: bool, answers: &'static [&'static [&'static str]]) -> GuardedResolver {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let lookup: Lookup = Arc::new(move |_| {
            let asked = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed).min(answers.len() - 1);
            let found = answers[asked].iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
            Box::pin(std::future::ready(Ok(found)))
        });
        GuardedResolver { allow_private, lookup }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to_each_time() {
        let resolver = answering(false, &[&["198.51.100.7"], &["127.0.0.1"], &["10.0.0.1", "198.51.100.8", "::1"]]);
        let resolve = async || {
            let found = resolver.resolve("rebinds.example.com".parse().unwrap()).await;
            found.map(|found| found.map(|address| address.ip().to_string()).collect::<Vec<_>>())
        };
        assert_eq!(resolve().await.unwrap(), ["198.51.100.7"], "public at first");
        let refused = resolve().await.unwrap_err();
        assert_eq!(refused.downcast_ref(), Some(&NotATarget::Host), "and then inside");
        assert_eq!(resolve().await.unwrap(), ["198.51.100.8"], "of several the public ones");
    }

    /// The check of the URL has passed, the name has moved since: no connection is made. Where private targets are allowed
    /// one is, to exactly the address that was looked up, which shows that the listener would have been found.
    #[tokio::test]
    async fn a_name_that_moved_inside_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules = |allow_private| config::Outbound { allow_http: true, allow_private, timeout: Duration::from_secs(1) };
        for allow_private in [false, true] {
            let lookup = answering(allow_private, &[&["127.0.0.1"]]).lookup;
            let outbound = Outbound::resolving(rules(allow_private), &Authorities::default(), lookup).unwrap();
            let url = outbound.check(&format!("http://rebinds.example.com:{port}/hook")).unwrap();
            let sent = tokio::spawn(outbound.client().get(url).send());
            let connected = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
            assert_eq!(connected.is_ok(), allow_private);
            if !allow_private {
                let error = sent.await.unwrap().unwrap_err();
                assert!(format!("{error:?}").contains("Host"), "{error:?}");
            }
        }
    }
}
