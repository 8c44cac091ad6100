//! Who asks: the address that limits are counted by, and the scheme that the visitor came by.
//!
//! A proxy's word on an address counts only where the proxy is trusted, because anyone can send the
//! header.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};

use crate::options::LimitsOptions;
use crate::payments::client::ClientKey;

/// Each proxy appends the address from which it was asked.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The scheme by which a proxy was asked.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Where a browser's request comes from, what it may read of the answer, and what the answer is for.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Marks a request that came over the gateway's own TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// `None` where it is not known, or is not one client's.
    address: Option<IpAddr>,
    /// Whether the request comes straight from a trusted proxy.
    pub(crate) comes_from_proxy: bool,
    /// Whether the visitor reached the store by https: over the gateway's own TLS, or as a proxy says.
    /// Whoever makes the proxy's header up makes their own browser more careful, no more.
    pub(crate) is_https: bool,
    /// Whether the browser asks for a page of another site that cannot read the answer, and not for
    /// the person in front of it: a picture, a script or a frame in that page.
    pub(crate) is_embedded: bool,
}

impl Visitor {
    /// Who sends a request, as far as its server noted who connected.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, limits: &LimitsOptions) -> Self {
        let peer = peer(extensions);
        Self {
            address: find(peer, headers, limits),
            comes_from_proxy: peer.is_some_and(|peer| limits.trusts(&peer)),
            is_https: extensions.get::<OverTls>().is_some() || says_https(headers),
            is_embedded: is_embedded(headers),
        }
    }

    /// Whom limits are counted for.
    pub(crate) fn key(self) -> Option<ClientKey> {
        self.address.map(ClientKey::from)
    }
}

/// Of the addresses behind the last trusted proxy, the nearest. `peer` is who connected.
///
/// `None` where many may share the address: it is that of a proxy that does not say whom it asks for,
/// or this machine's own, from which Tor and proxies connect that nobody named. Any of their visitors
/// would use up the share of all.
fn find(peer: Option<IpAddr>, headers: &HeaderMap, limits: &LimitsOptions) -> Option<IpAddr> {
    let mut nearest = peer?.to_canonical();
    // The last entry is the nearest proxy's. An entry that cannot be read ends what can be trusted.
    let mut hops = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(address)
        .rev();
    while limits.trusts(&nearest)
        && let Some(Some(hop)) = hops.next()
    {
        nearest = hop;
    }
    let is_shared = Some(nearest) == peer && (limits.trusts(&nearest) || is_this_machine(nearest));
    (!is_shared).then_some(nearest)
}

/// Programs on this machine connect from this address unless they choose another one on purpose.
fn is_this_machine(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

fn is_embedded(headers: &HeaderMap) -> bool {
    let says = |name, value: &str| headers.get(name).is_some_and(|said| said == value);
    let is_for_a_person = says(SEC_FETCH_MODE, "navigate") && says(SEC_FETCH_DEST, "document");
    let is_readable = says(SEC_FETCH_MODE, "cors");
    says(SEC_FETCH_SITE, "cross-site") && !is_for_a_person && !is_readable
}

fn says_https(headers: &HeaderMap) -> bool {
    headers
        .get(X_FORWARDED_PROTO)
        .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// Who connected.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(address)| address.ip().to_canonical())
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse()
        .or_else(|_| text.parse().map(|with_port: SocketAddr| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

impl<S: Sync> FromRequestParts<S> for Visitor
where
    Arc<LimitsOptions>: FromRef<S>,
{
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let limits = Arc::<LimitsOptions>::from_ref(state);
        Ok(Self::of(&parts.extensions, &parts.headers, &limits))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let expected = expected.parse().unwrap();
        assert_eq!(found(peer, forwarded), Some(expected));
    }

    fn found(peer: &str, forwarded: &[&str]) -> Option<IpAddr> {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let limits = LimitsOptions {
            trusted_proxies: trusted.to_vec(),
            ..LimitsOptions::default()
        };
        let peer: IpAddr = peer.parse().unwrap();
        find(Some(peer.to_canonical()), &headers, &limits)
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        check("127.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn an_address_that_many_share_is_nobodys() {
        assert_eq!(found("10.0.0.9", &[]), None);
        assert_eq!(found("10.0.0.9", &["nonsense"]), None);
        for tor in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(found(tor, &[]), None);
        }
        check("127.0.0.2", &[], "127.0.0.2");
        let peer = Some(Ipv6Addr::LOCALHOST.into());
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, "198.51.100.1".parse().unwrap());
        let nobody = find(peer, &headers, &LimitsOptions::default());
        assert_eq!(nobody, None, "who is not trusted is not believed either");
    }

    #[test]
    fn what_a_foreign_page_loads_is_told_from_what_a_person_or_a_script_asks_for() {
        let embedded = |site: &'static str, mode: &'static str, dest: &'static str| {
            let told = [
                (SEC_FETCH_SITE, site),
                (SEC_FETCH_MODE, mode),
                (SEC_FETCH_DEST, dest),
            ];
            let value = |(name, text)| (name, HeaderValue::from_static(text));
            is_embedded(&told.map(value).into_iter().collect())
        };
        for dest in ["image", "script", "video", "empty"] {
            assert!(embedded("cross-site", "no-cors", dest), "{dest}");
            assert!(!embedded("same-origin", "no-cors", dest), "{dest}");
        }
        assert!(embedded("cross-site", "navigate", "iframe"));
        assert!(!embedded("cross-site", "navigate", "document"));
        assert!(!embedded("cross-site", "cors", "empty"));
        assert!(!embedded("none", "navigate", "document"));
        assert!(
            !is_embedded(&HeaderMap::new()),
            "programs and old browsers say nothing"
        );
    }

    #[test]
    fn what_the_client_claims_before_the_proxies_does_not_count() {
        check("127.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1");
        check(
            "127.0.0.1",
            &["1.2.3.4", "198.51.100.1, 10.0.0.9"],
            "198.51.100.1",
        );
        check("127.0.0.1", &["nonsense, 10.0.0.9"], "10.0.0.9");
        check("127.0.0.1", &["10.0.0.8, 10.0.0.9"], "10.0.0.8");
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        check("127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        check("fd00::1", &["[2001:db8::5]:4711"], "2001:db8::5");
        check("fd00::1", &["2001:db8::5"], "2001:db8::5");
    }

    #[test]
    fn https_is_by_our_own_tls_or_by_a_proxys_word() {
        let limits = LimitsOptions::default();
        let mut extensions = Extensions::new();
        let mut headers = HeaderMap::new();
        let is_https = |extensions: &Extensions, headers: &HeaderMap| {
            Visitor::of(extensions, headers, &limits).is_https
        };
        assert!(!is_https(&extensions, &headers));
        extensions.insert(OverTls);
        assert!(is_https(&extensions, &headers));
        extensions.clear();
        headers.insert(X_FORWARDED_PROTO, "HTTPS".parse().unwrap());
        assert!(is_https(&extensions, &headers));
    }
}
