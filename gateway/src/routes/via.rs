//! The name by which this gateway knows requests again that it has passed on (RFC 9110, 7.6.3).

use axum::http::header::VIA;
use axum::http::{HeaderMap, HeaderValue};

/// A gateway's name among those who pass requests on.
#[derive(Clone)]
pub(crate) struct Via(String);

impl Via {
    /// A new one, which no other gateway has.
    pub(crate) fn new() -> Self {
        let number = getrandom::u64().unwrap_or_default();
        Self(format!("purrwall-{number:016x}"))
    }

    /// Whether this gateway has passed the request on before.
    pub(crate) fn has_passed(&self, headers: &HeaderMap) -> bool {
        let names = headers.get_all(VIA).iter();
        let names = names.filter_map(|value| value.to_str().ok());
        names
            .flat_map(|value| value.split([',', ' ']))
            .any(|name| name == self.0)
    }

    /// Says that this gateway passes it on.
    pub(crate) fn sign(&self, headers: &mut HeaderMap) {
        let via = HeaderValue::try_from(format!("1.1 {}", self.0));
        headers.append(VIA, via.expect("the name is plain ASCII"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_comes_back_is_known_again() {
        let via = |value| HeaderMap::from_iter([(VIA, HeaderValue::from_static(value))]);
        let ours = Via("purrwall-1".to_owned());
        assert!(ours.has_passed(&via("1.1 other, 1.1 purrwall-1")));
        assert!(!ours.has_passed(&via("1.1 purrwall-12")));
        let mut signed = HeaderMap::new();
        ours.sign(&mut signed);
        assert!(ours.has_passed(&signed));
        assert!(!Via::new().has_passed(&signed));
    }
}
