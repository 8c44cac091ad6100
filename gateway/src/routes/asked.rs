//! The request that a proxy asks about, as the proxy's headers say it.

use axum::extract::{OriginalUri, Request};
use axum::http::header::HOST;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::routes::pattern::{AMBIGUOUS, is_ambiguous};

/// The two names that a header has with proxies: Caddy's and Traefik's, and the one that is usual with
/// nginx.
type Names = [&'static str; 2];

const METHOD: Names = ["x-forwarded-method", "x-original-method"];
const TARGET: Names = ["x-forwarded-uri", "x-original-uri"];
const HOST_NAME: Names = ["x-forwarded-host", "x-original-host"];

/// What a visitor has asked a proxy for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// A path that can be read in one way only, and its query.
    pub(crate) target: PathAndQuery,
    host: Option<HeaderValue>,
}

/// Why nobody can tell what the proxy asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskedError {
    #[error(
        "the proxy has to say which request it asks about; it names the {1} in {name} or {other}",
        name = .0[0],
        other = .0[1]
    )]
    Missing(Names, &'static str),
    #[error(
        "{name} and {other} say two things of one request; a proxy says it in one of them, and takes \
         away what visitors send under the other name",
        name = .0[0],
        other = .0[1]
    )]
    Differ(Names),
    #[error("{AMBIGUOUS}")]
    Ambiguous,
}

impl Asked {
    /// Reads what the proxy says. A visitor may have sent the same headers, and a proxy may pass on those
    /// that it does not set itself, so where two are there they have to agree.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, AskedError> {
        let method = said(headers, METHOD)?.and_then(|said| Method::from_bytes(said).ok());
        let target = said(headers, TARGET)?.ok_or(AskedError::Missing(TARGET, "path"))?;
        Ok(Self {
            method: method.ok_or(AskedError::Missing(METHOD, "method"))?,
            target: unambiguous(target).ok_or(AskedError::Ambiguous)?,
            host: said(headers, HOST_NAME)?.and_then(|host| HeaderValue::from_bytes(host).ok()),
        })
    }

    /// The request as the visitor sent it, with the body of the one that asks.
    pub(crate) fn restore(self, request: Request) -> Request {
        let (mut parts, body) = request.into_parts();
        parts.method = self.method;
        parts.uri = Uri::from(self.target);
        parts.extensions.insert(OriginalUri(parts.uri.clone()));
        if let Some(host) = self.host {
            parts.headers.insert(HOST, host);
        }
        Request::from_parts(parts, body)
    }
}

/// What is said under one of two names, and under both if it is the same.
fn said(headers: &HeaderMap, names: Names) -> Result<Option<&[u8]>, AskedError> {
    let names_of = names.map(HeaderName::from_static);
    let values = names_of.iter().flat_map(|name| headers.get_all(name));
    let mut values = values.map(HeaderValue::as_bytes);
    let first = values.next();
    if values.any(|other| Some(other) != first) {
        return Err(AskedError::Differ(names));
    }
    Ok(first)
}

/// A path and its query. Where a fragment begins, programs do not agree.
fn unambiguous(target: &[u8]) -> Option<PathAndQuery> {
    if !target.starts_with(b"/") || target.contains(&b'#') {
        return None;
    }
    let target = PathAndQuery::try_from(target).ok()?;
    (!is_ambiguous(target.path())).then_some(target)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_request_is_what_the_proxy_says_in_either_form() {
        for (method, target, host) in [
            ("x-forwarded-method", "x-forwarded-uri", "x-forwarded-host"),
            ("x-original-method", "x-original-uri", "x-original-host"),
        ] {
            let told = headers(&[
                (method, "PUT"),
                (target, "/a%20b?c=/../d"),
                (host, "cats.example"),
            ]);
            let asked = Asked::read(&told).unwrap();
            let request = Request::get("/auth/a").header("host", "10.0.0.7");
            let request = asked.restore(request.body(Body::empty()).unwrap());
            assert_eq!(request.method(), Method::PUT);
            assert_eq!(*request.uri(), *"/a%20b?c=/../d");
            assert_eq!(request.headers()["host"], "cats.example");
        }
    }

    #[test]
    fn what_a_visitor_adds_does_not_count() {
        let asked = [("x-original-uri", "/paid"), ("x-original-method", "GET")];
        for more in [
            ("x-forwarded-uri", "/free"),
            ("x-original-uri", "/free"),
            ("x-forwarded-method", "HEAD"),
        ] {
            let told = headers(&[&asked[..], &[more]].concat());
            let error = Asked::read(&told).unwrap_err();
            assert!(matches!(error, AskedError::Differ(_)), "{error}");
        }
        let same = headers(&[&asked[..], &[("x-forwarded-uri", "/paid")]].concat());
        assert_eq!(Asked::read(&same).unwrap().target, "/paid");
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let read = |pairs: &[_]| Asked::read(&headers(pairs)).unwrap_err();
        let error = read(&[("x-forwarded-method", "GET")]).to_string();
        assert!(
            error.contains("path in x-forwarded-uri or x-original-uri"),
            "{error}"
        );
        let error = read(&[("x-forwarded-uri", "/a")]).to_string();
        assert!(error.contains("method in x-forwarded-method"), "{error}");
        for target in [
            "",
            "a",
            "http://cats.example/a",
            "//a",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a%2fb",
            "/free#/../paid",
            "/a b",
        ] {
            let told = [("x-forwarded-method", "GET"), ("x-forwarded-uri", target)];
            assert_eq!(read(&told), AskedError::Ambiguous, "{target}");
        }
    }
}
