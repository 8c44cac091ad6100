//! What lies around every request: its time, its headers, its line in the log.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use shared::api::INVOICE_PATH;
use shared::text::to_hex;
use tokio::time::timeout;
use tower::{Layer, Service};
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::{Instrument as _, Span};

use crate::app::App;
use crate::http::problem::{Cause, Error};
use crate::http::visitor::{OverTls, Visitor};
use crate::metrics::Metrics;
use crate::options::LimitsOptions;

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

fn panicked(payload: &(dyn Any + Send)) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    Error::Internal(format!("a handler panicked: {text}")).into_response()
}

/// Lies around every route. One service does all of it, because axum clones and boxes each layer for each
/// request.
#[derive(Clone)]
pub(crate) struct Around {
    metrics: Metrics,
    limits: Arc<LimitsOptions>,
    patience: Duration,
    /// Whether an answer that says nothing of it may be kept.
    may_be_kept: bool,
}

impl Around {
    /// Ends a request that takes longer than `patience`, for example because its body arrives byte by byte.
    /// What is streamed later takes as long as it takes.
    pub(crate) fn new(app: &App, patience: Duration) -> Self {
        Self {
            metrics: app.part(),
            limits: app.part(),
            patience,
            may_be_kept: true,
        }
    }

    /// The same for answers that nobody should keep, unless they say so themselves.
    pub(crate) fn not_kept(mut self) -> Self {
        self.may_be_kept = false;
        self
    }
}

impl<S> Layer<S> for Around {
    type Service = Surrounded<S>;

    fn layer(&self, inner: S) -> Surrounded<S> {
        let around = self.clone();
        Surrounded { around, inner }
    }
}

/// What [`Around`] lies around.
#[derive(Clone)]
pub(crate) struct Surrounded<S> {
    around: Around,
    inner: S,
}

impl<S> Service<Request> for Surrounded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let asked = Asked::by(&request, &self.around);
        let metrics = self.around.metrics.clone();
        // What is half done is dropped with the request, and locks that were held tell it.
        let answering = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let answering = timeout(self.around.patience, answering).instrument(asked.span.clone());
        // An `async` block would hold `answering` twice, and a buyer who waits takes as much memory.
        Box::pin(answering.map(move |answer| {
            let mut response = match answer {
                Ok(Ok(Ok(response))) => response,
                Ok(Err(payload)) => panicked(&*payload),
                Err(_) => Error::TooSlow.into_response(),
            };
            asked.finish(&mut response, &metrics);
            Ok(response)
        }))
    }
}

/// What is known of a request before it is answered.
struct Asked {
    started: Instant,
    method: &'static str,
    path: Option<MatchedPath>,
    request_id: HeaderValue,
    is_over_tls: bool,
    may_be_kept: bool,
    span: Span,
}

impl Asked {
    fn by(request: &Request, around: &Around) -> Self {
        let extensions = request.extensions();
        let visitor = Visitor::of(extensions, request.headers(), &around.limits);
        let request_id = request_id(visitor, request);
        Self {
            started: Instant::now(),
            method: method_name(request.method()),
            path: extensions.get::<MatchedPath>().cloned(),
            is_over_tls: extensions.get::<OverTls>().is_some(),
            may_be_kept: around.may_be_kept,
            span: tracing::info_span!(
                "request",
                request_id = %request_id.to_str().unwrap_or_default()
            ),
            request_id,
        }
    }

    /// Sets what every answer has, counts and logs the request by its route: never the address itself,
    /// whose query or path may hold what only the buyer should know.
    fn finish(self, response: &mut Response, metrics: &Metrics) {
        let Self { method, span, .. } = self;
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
        if !self.may_be_kept {
            headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        }
        if self.is_over_tls {
            headers.insert(STRICT_TRANSPORT_SECURITY, A_YEAR);
        }
        headers.insert(X_REQUEST_ID, self.request_id);

        let path = self.path.as_ref().map_or("(file)", MatchedPath::as_str);
        let status = response.status().as_u16();
        let took = self.started.elapsed();
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
    }
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

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
    let digits = to_hex(&new_number().to_be_bytes());
    HeaderValue::try_from(digits).expect("digits are plain ASCII")
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn what_panics_or_takes_too_long_is_answered_all_the_same() {
        let around = Around {
            metrics: Metrics::start(),
            limits: Arc::default(),
            patience: Duration::from_millis(10),
            may_be_kept: true,
        };
        let router = Router::new()
            .route(
                "/panics",
                get(async || -> StatusCode { panic!("out of cats") }),
            )
            .route("/waits", get(pending::<()>))
            .layer(around);
        for (path, status) in [
            ("/panics", StatusCode::INTERNAL_SERVER_ERROR),
            ("/waits", StatusCode::REQUEST_TIMEOUT),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            assert!(response.headers().contains_key(X_REQUEST_ID), "{path}");
        }
    }
}
