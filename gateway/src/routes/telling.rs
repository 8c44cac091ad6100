//! What a service behind a price is told of the payment, and what it never sees.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bitcoin::hex::DisplayHex as _;

use crate::clock::unix_now;
use crate::mac::{keyed, sum};
use crate::payments::claims::parts;
use crate::priced::Admitted;

/// What begins so is the gateway's to say.
const OURS: &str = "x-purrwall-";
const PAYMENT_HASH: HeaderName = HeaderName::from_static("x-purrwall-payment-hash");
const ITEM: HeaderName = HeaderName::from_static("x-purrwall-item");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-purrwall-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-purrwall-signature");

/// What a service is told of a payment.
pub(crate) const TOLD: [HeaderName; 4] = [PAYMENT_HASH, ITEM, TIMESTAMP, SIGNATURE];

/// How one service is told.
#[derive(Clone)]
pub(crate) struct Telling {
    signing_key: Option<Arc<str>>,
}

impl Telling {
    /// What is told is signed with the key, where there is one.
    pub(crate) fn new(signing_key: Option<Arc<str>>) -> Self {
        Self { signing_key }
    }

    /// The headers that go with a request that is paid for.
    pub(crate) fn of(
        &self,
        admitted: &Admitted,
        method: &Method,
        target: &PathAndQuery,
    ) -> HeaderMap {
        let payment_hash = admitted.payment_hash.to_hex();
        let text = |text: &str| HeaderValue::try_from(text).expect("names and digits are ASCII");
        let mut headers = HeaderMap::new();
        headers.insert(PAYMENT_HASH, text(&payment_hash));
        headers.insert(ITEM, text(&admitted.name));
        if let Some(key) = &self.signing_key {
            let timestamp = unix_now().to_string();
            let said = [
                &*timestamp,
                method.as_str(),
                target.as_str(),
                &payment_hash,
                &admitted.name,
            ];
            headers.insert(SIGNATURE, text(&sign(key, &said.join("\n"))));
            headers.insert(TIMESTAMP, text(&timestamp));
        }
        headers
    }
}

/// HMAC-SHA256 in hex.
fn sign(key: &str, said: &str) -> String {
    sum(keyed(key.as_bytes()), &[said.as_bytes()]).to_lower_hex_string()
}

/// Takes away the claim in whatever form it came, and what only the gateway may say.
pub(crate) fn take_ours_away(headers: &mut HeaderMap) {
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
