//! Who asks: the address that limits are counted by.
//!
//! A proxy's word counts only where the proxy is trusted, because anyone can send the header.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::App;

/// What proxies append the address to that they were asked from.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who asks; nobody where the server does not say it, as behind a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client(Option<IpAddr>);

impl Client {
    /// Who sends a request, as far as its server noted who connected.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, app: &App) -> Self {
        Self::find(peer(extensions), headers, &app.limits.trusted_proxies)
    }

    /// Whether the request comes straight from a trusted proxy.
    pub(crate) fn is_trusted(extensions: &Extensions, app: &App) -> bool {
        peer(extensions).is_some_and(|peer| is_in(&peer, &app.limits.trusted_proxies))
    }

    /// Of the addresses behind the last trusted proxy, the nearest. `peer` is who connected.
    pub(crate) fn find(
        peer: Option<IpAddr>,
        headers: &HeaderMap,
        trusted_proxies: &[IpNet],
    ) -> Self {
        let Some(mut nearest) = peer.map(|peer| peer.to_canonical()) else {
            return Self(None);
        };
        // The last entry is the nearest proxy's; what cannot be read ends what can be trusted.
        let mut hops = headers
            .get_all(X_FORWARDED_FOR)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(address)
            .rev();
        while is_in(&nearest, trusted_proxies)
            && let Some(Some(hop)) = hops.next()
        {
            nearest = hop;
        }
        Self(Some(nearest))
    }

    /// Whom a limit is counted for: an IPv4 address, or an IPv6 network of 64 bits, which is what
    /// one customer gets.
    pub(crate) fn key(self) -> Option<IpAddr> {
        self.0.map(|address| match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Ipv6Addr::from_bits(network).into()
            }
        })
    }
}

/// Who connected.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(address)| address.ip().to_canonical())
}

fn is_in(address: &IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse()
        .or_else(|_| text.parse().map(|with_port: SocketAddr| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers, app))
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
        let client = Client::find(Some(peer.parse().unwrap()), &headers, &trusted);
        assert_eq!(client.0, Some(expected.parse().unwrap()));
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
    fn an_ipv6_customer_is_one_client() {
        let key = |address: &str| Client(Some(address.parse().unwrap())).key();
        assert_eq!(key("2001:db8:0:1::5"), key("2001:db8:0:1:ffff::9"));
        assert_ne!(key("2001:db8:0:1::5"), key("2001:db8:0:2::5"));
        assert_ne!(key("198.51.100.1"), key("198.51.100.2"));
        assert_eq!(Client(None).key(), None);
    }
}
