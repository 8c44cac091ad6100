//! Who asks: the address that limits are counted by, and the scheme that the visitor came by.
//!
//! A proxy's word on an address counts only where the proxy is trusted, because anyone can send the
//! header.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};

use crate::options::LimitsOptions;
use crate::payments::limits::ClientKey;

/// Each proxy appends the address from which it was asked.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The scheme by which a proxy was asked.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Marks a request that came over the gateway's own TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// `None` where the server does not say it, as behind a Unix socket.
    address: Option<IpAddr>,
    /// Whether the request comes straight from a trusted proxy.
    pub(crate) comes_from_proxy: bool,
    /// Whether the visitor reached the store by https: over the gateway's own TLS, or as a proxy says.
    /// Whoever makes the proxy's header up makes their own browser more careful, no more.
    pub(crate) is_https: bool,
}

impl Visitor {
    /// Who sends a request, as far as its server noted who connected.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, limits: &LimitsOptions) -> Self {
        let peer = peer(extensions);
        Self {
            address: find(peer, headers, limits),
            comes_from_proxy: peer.is_some_and(|peer| limits.trusts(&peer)),
            is_https: extensions.get::<OverTls>().is_some() || says_https(headers),
        }
    }

    /// Whom limits are counted for.
    pub(crate) fn key(self) -> Option<ClientKey> {
        self.address.map(ClientKey::from)
    }
}

/// Of the addresses behind the last trusted proxy, the nearest. `peer` is who connected.
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
    Some(nearest)
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
    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let limits = LimitsOptions {
            trusted_proxies: trusted.to_vec(),
            ..LimitsOptions::default()
        };
        let found = find(Some(peer.parse().unwrap()), &headers, &limits);
        assert_eq!(found, Some(expected.parse().unwrap()));
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        check("127.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("127.0.0.1", &[], "127.0.0.1");
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
