//! What lies around every request: its time, its headers, its line in the log.

use std::any::Any;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::api::INVOICE_PATH;
use tokio::time::timeout;
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::Instrument as _;

use crate::http::problem::{Cause, Error};
use crate::http::visitor::{OverTls, Visitor};
use crate::metrics::Metrics;
use crate::options::Timing;

/// Lets a site that isolates itself from other origins load a file all the same.
pub(crate) const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

pub(crate) fn unless_set(
    name: HeaderName,
    value: &'static str,
) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// What the visitor's browser says of the languages that it accepts; empty if it says nothing.
pub(crate) fn accepted_languages(headers: &HeaderMap) -> &str {
    let languages = headers.get(ACCEPT_LANGUAGE);
    languages
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Whether HTML is among what is accepted. Programs accept anything, or name what they can read.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}

pub(crate) async fn not_found() -> Error {
    Error::NotFound
}

pub(crate) async fn method_not_allowed() -> Error {
    Error::MethodNotAllowed
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that CatchPanicLayer asks for"
)]
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    Error::Internal(format!("a handler panicked: {text}")).into_response()
}

/// Ends a request that takes too long, for example because its body arrives byte by byte. What is
/// streamed later takes as long as it takes.
pub(crate) async fn in_time(
    State(timing): State<Timing>,
    request: Request,
    next: Next,
) -> Response {
    match timeout(timing.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TooSlow.into_response(),
    }
}

/// Sets what every answer has, counts and logs the request by its route: never the address itself,
/// whose query or path may hold what only the buyer should know.
pub(crate) async fn finish(
    State(metrics): State<Metrics>,
    visitor: Visitor,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = method_name(request.method());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let request_id = request_id(visitor, &request);
    let is_over_tls = request.extensions().get::<OverTls>().is_some();
    let span = tracing::info_span!(
        "request",
        request_id = request_id.to_str().unwrap_or_default()
    );
    let mut response = next.run(request).instrument(span.clone()).await;

    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // Pages and goods have their own.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    if is_over_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
    headers.insert(X_REQUEST_ID, request_id);

    let path = path.as_ref().map_or("(file)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let took = started.elapsed();
    metrics.answered(method, path, status, took);
    let duration_ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
    span.in_scope(|| match response.extensions().get::<Cause>() {
        Some(Cause(cause)) if status >= 500 => {
            tracing::error!(method, path, status, duration_ms, cause);
        }
        Some(Cause(cause)) => tracing::info!(method, path, status, duration_ms, cause),
        // A buyer who waits asks again and again; the metrics count that.
        None if path == INVOICE_PATH && status == 200 => {
            tracing::debug!(method, path, status, duration_ms);
        }
        None => tracing::info!(method, path, status, duration_ms),
    });
    response
}

/// How long browsers that came over the gateway's own TLS use nothing else. Behind a proxy, the proxy
/// has to say so, because it knows what else is at the host.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the request in log and answer: as a trusted proxy names it, else anew. A stranger's name
/// for it might be anything.
fn request_id(visitor: Visitor, request: &Request) -> HeaderValue {
    let is_name = |value: &&HeaderValue| {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=64).contains(&value.len()) && value.as_bytes().iter().all(is_plain)
    };
    let given = request.headers().get(X_REQUEST_ID).filter(is_name);
    if let (Some(given), true) = (given, visitor.comes_from_proxy) {
        return given.clone();
    }
    HeaderValue::try_from(format!("{:016x}", new_number())).expect("digits are plain ASCII")
}

/// A number that this process has not given yet. Where it begins differs from process to process, so that
/// names rarely meet in a log of several gateways.
fn new_number() -> u64 {
    static FIRST: LazyLock<u64> = LazyLock::new(|| getrandom::u64().unwrap_or_default());
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    /// Spreads neighbours over all digits; because it is odd, no two numbers become the same.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let count = GIVEN.fetch_add(1, Ordering::Relaxed);
    FIRST.wrapping_add(count.wrapping_mul(SPREAD))
}

/// The methods that there are; a client may invent others.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
