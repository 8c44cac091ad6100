//! Who gets in. Every request passes here: its host, where it comes from, its session; and every answer
//! gets the headers that keep it to itself.
//!
//! Cookies and `SameSite` know no ports: goods that the store shows on the same host are same-site. So
//! nothing here follows from a cookie alone.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::desk::Desk;
use crate::pages::error_page;
use crate::refused::Refused;
use crate::sign_in;
use crate::words::{Words, said};

/// What everyone may ask for.
const PUBLIC: [&str; 3] = [sign_in::PATH, "/style.css", "/desk.js"];

/// Lets a request in, or says why not.
pub(crate) async fn gate(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    let words = Words::accepted(request.headers());
    let session = desk.sessions.find(request.headers());
    let path = request.uri().path();
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = match check_sender(&desk, request.method(), request.headers()) {
        Err(refused) => refused.into_response(),
        Ok(()) if session.is_none() && !PUBLIC.contains(&path) => {
            if is_reading {
                Redirect::to(sign_in::PATH).into_response()
            } else {
                let why = "You are not signed in any more. Nothing was changed. Sign in, and do it again.";
                Refused::new(StatusCode::UNAUTHORIZED, said(why)).into_response()
            }
        }
        Ok(()) => {
            if let Some(session) = session.clone() {
                request.extensions_mut().insert(session);
            }
            next.run(request).await
        }
    };
    let mut response = match response.extensions().get::<Refused>().cloned() {
        Some(refused) => error_page(&desk, words, session.as_ref(), &refused),
        None => response,
    };
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const HEADERS: [(HeaderName, &str); 8] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (CACHE_CONTROL, "no-store"),
    // Not `no-referrer`: with it browsers would send `Origin: null` with our own forms.
    (REFERRER_POLICY, "same-origin"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// The host has to be this desk's, against names of others that lead here; what a page of another origin
/// sends is refused, whatever it asks for.
fn check_sender(desk: &Desk, method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
    let refused = |english| Err(Refused::new(StatusCode::FORBIDDEN, said(english)));
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    let Some(host) = host.filter(|host| is_ours(desk, host)) else {
        return refused(
            "This is not the address of the desk. Open the one that purrwall desk prints.",
        );
    };
    let why = "This came from another page than the desk’s own. Nothing was changed. Open the desk by its address.";
    if let Some(site) = headers.get(SEC_FETCH_SITE)
        && site != "same-origin"
        && site != "none"
    {
        return refused(why);
    }
    let scheme = if desk.is_over_tls() { "https" } else { "http" };
    let own = format!("{scheme}://{host}");
    let mut origins = headers.get_all(ORIGIN).iter();
    let is_own = |origin: &HeaderValue| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
    match (origins.next(), origins.next()) {
        (Some(origin), None) if is_own(origin) => Ok(()),
        (None, _) if matches!(*method, Method::GET | Method::HEAD) => Ok(()),
        _ => refused(why),
    }
}

/// Whether a `Host` is a name of this desk. Its port may be that of a tunnel.
fn is_ours(desk: &Desk, host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    match address {
        Some(address) => address.is_loopback() || address == desk.options.address.ip(),
        None if name.eq_ignore_ascii_case("localhost") => true,
        None => desk.is_certified_for(name),
    }
}
