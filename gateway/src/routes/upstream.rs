//! The owner's service behind a route: what it is told of the payment, and what it never sees.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{AUTHORIZATION, COOKIE, FORWARDED, HOST};
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bitcoin::hex::DisplayHex as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::clock::unix_now;
use crate::errors::chain;
use crate::http::place::original;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::options::LimitsOptions;
use crate::payments::claims::parts;
use crate::priced::Admitted;
use crate::routes::forward::{Forward, ForwardError};

/// What begins so is the gateway's to say.
const OURS: &str = "x-purrwall-";
const PAYMENT_HASH: HeaderName = HeaderName::from_static("x-purrwall-payment-hash");
const ITEM: HeaderName = HeaderName::from_static("x-purrwall-item");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-purrwall-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-purrwall-signature");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What proxies say of who asks.
const SAID_BY_PROXIES: [HeaderName; 5] = [
    FORWARDED_FOR,
    FORWARDED_HOST,
    PROTO,
    HeaderName::from_static("x-forwarded-port"),
    FORWARDED,
];

/// A service of the owner's.
#[derive(Clone)]
pub(crate) struct Upstream {
    forward: Forward,
    signing_key: Option<Arc<str>>,
    limits: Arc<LimitsOptions>,
}

impl Upstream {
    /// The service at this address. `via` names this gateway, so that it knows its own requests again.
    pub(crate) fn new(
        authority: Authority,
        signing_key: Option<Arc<str>>,
        limits: Arc<LimitsOptions>,
        via: String,
    ) -> Self {
        Self {
            forward: Forward::new(authority, via),
            signing_key,
            limits,
        }
    }

    /// The service's answer. Of one that it could not give, the buyer's claim is no less good.
    pub(crate) async fn answer(&self, mut request: Request) -> Response {
        let admitted = request.extensions_mut().remove::<Admitted>();
        // Whatever routers took away of the path is the service's to see.
        let uri = original(request.extensions(), request.uri());
        let target = uri.path_and_query().cloned();
        let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
        self.prepare(&mut request, admitted.as_ref(), &target);
        match self.forward.pass(request, target).await {
            // A program would pay for the same thing again.
            Ok(answer) if answer.status() == StatusCode::PAYMENT_REQUIRED && admitted.is_some() => {
                Error::Upstream("it asks for a payment of its own".to_owned()).into_response()
            }
            Ok(answer) => answer,
            Err(ForwardError::Loop) => Error::Loop.into_response(),
            Err(error) => Error::Upstream(chain(&error)).into_response(),
        }
    }

    /// Tells the service who asks and what was paid, and takes away what is not for it.
    fn prepare(&self, request: &mut Request, admitted: Option<&Admitted>, target: &PathAndQuery) {
        let visitor = Visitor::of(request.extensions(), request.headers(), &self.limits);
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(address)| address.ip().to_canonical().to_string());
        let method = request.method().clone();
        let headers = request.headers_mut();
        take_ours_away(headers);
        if !visitor.comes_from_proxy {
            for name in SAID_BY_PROXIES {
                headers.remove(name);
            }
        }
        let scheme = if visitor.is_https { "https" } else { "http" };
        headers.insert(PROTO, HeaderValue::from_static(scheme));
        if let (None, Some(host)) = (headers.get(FORWARDED_HOST), headers.get(HOST).cloned()) {
            headers.insert(FORWARDED_HOST, host);
        }
        if let Some(Ok(peer)) = peer.map(HeaderValue::try_from) {
            headers.append(FORWARDED_FOR, peer);
        }
        let Some(admitted) = admitted else { return };
        let payment_hash = admitted.payment_hash.to_hex();
        let timestamp = unix_now().to_string();
        let text = |text: &str| HeaderValue::try_from(text).expect("names and digits are ASCII");
        headers.insert(PAYMENT_HASH, text(&payment_hash));
        headers.insert(ITEM, text(&admitted.name));
        if let Some(key) = &self.signing_key {
            let target = target.as_str();
            let said = [
                &*timestamp,
                method.as_str(),
                target,
                &payment_hash,
                &admitted.name,
            ];
            headers.insert(SIGNATURE, text(&sign(key, &said.join("\n"))));
            headers.insert(TIMESTAMP, text(&timestamp));
        }
    }
}

/// HMAC-SHA256 in hex.
fn sign(key: &str, said: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes());
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(said.as_bytes());
    mac.finalize().into_bytes().to_lower_hex_string()
}

/// Takes away the claim in whatever form it came, and what only the gateway may say.
fn take_ours_away(headers: &mut HeaderMap) {
    let ours: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(OURS))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
    keep(headers, &AUTHORIZATION, |value| {
        let has_ours = parts([value.as_bytes()]).next().is_some();
        (!has_ours).then(|| value.clone())
    });
    keep(headers, &COOKIE, |value| {
        let pairs = value.to_str().ok()?.split(';').map(str::trim);
        let others: Vec<_> = pairs
            .filter(|pair| !pair.starts_with("purrwall-"))
            .collect();
        HeaderValue::try_from(others.join("; ")).ok()
    });
}

/// Keeps of each value of a header what `what` gives.
fn keep(
    headers: &mut HeaderMap,
    name: &HeaderName,
    what: impl Fn(&HeaderValue) -> Option<HeaderValue>,
) {
    let kept: Vec<_> = headers.get_all(name).iter().filter_map(what).collect();
    headers.remove(name);
    for value in kept.into_iter().filter(|value| !value.is_empty()) {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_claim_goes_further_and_nobody_else_speaks_for_the_gateway() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "L402 abc:def"),
            ("authorization", "Basic dXNlcg=="),
            ("authorization", "Payment e30"),
            ("cookie", "a=b; purrwall-route.forecast=abc:def; c=d"),
            ("cookie", "purrwall-route.other=abc"),
            ("x-purrwall-item", "route:forecast"),
            ("x-purrwall-anything", "x"),
            ("x-own", "kept"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        take_ours_away(&mut headers);
        let left: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(left.len(), 3, "{left:?}");
        for kept in [
            ("authorization", "Basic dXNlcg=="),
            ("cookie", "a=b; c=d"),
            ("x-own", "kept"),
        ] {
            assert!(left.contains(&kept), "{left:?}");
        }
    }

    /// The same in Python: `hmac.new(b"k" * 32, b"1\nGET\n/a?b\nab\nroute:x", "sha256").hexdigest()`.
    #[test]
    fn a_signature_is_an_hmac_in_hex() {
        let signed = sign(&"k".repeat(32), "1\nGET\n/a?b\nab\nroute:x");
        assert_eq!(
            signed,
            "2b52be7536a8f3bf8a5225c355a703835040405004829a466feac3d55277dd24"
        );
    }
}
