//! The table of routes and what lies around them: CORS, limits, headers, the log.

mod admission;
mod content;
mod delivery;
mod discovery;
mod health;
mod invoices;
mod metrics;
mod openapi;
mod plain;
mod priced;
mod purchase;
mod store;

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::Instrument as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::client::Client;
use crate::error::{Cause, Error, MAX_BODY};
use crate::frontend;

pub use metrics::metrics_router;
pub use priced::{PriceLayer, Priced};

/// Everything that the gateway answers.
pub fn router<S>(app: App) -> Router<S> {
    let api = Router::from(api())
        .route("/api/{*nothing}", any(not_found))
        .method_not_allowed_fallback(method_not_allowed)
        // One group is boxed once for each request, several layers each on their own.
        .layer((
            from_fn_with_state(app.clone(), open_to_other_sites),
            unless_set(CACHE_CONTROL, "no-store"),
            DefaultBodyLimit::max(MAX_BODY),
        ));
    Router::new()
        .merge(api)
        .nest("/buy", plain::router(&app))
        .route("/buy/", get(plain::without_slash))
        .merge(
            Router::from(discovery()).layer(from_fn_with_state(app.clone(), open_to_other_sites)),
        )
        .merge(Router::from(operation()))
        .route("/metrics", get(metrics::get_metrics))
        .merge(frontend::router(&app))
        .method_not_allowed_fallback(method_not_allowed)
        .layer((
            from_fn_with_state(app.clone(), finish),
            CatchPanicLayer::custom(panicked),
            from_fn_with_state(app.clone(), in_time),
        ))
        .with_state(app)
}

/// What buyers' programs ask; each route is in the OpenAPI document, too.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(store::get_store))
        .routes(routes!(invoices::create_invoice))
        .routes(routes!(invoices::get_invoice))
        .routes(routes!(content::get_content))
        .routes(routes!(openapi::get_document))
}

/// What programs ask that know nothing but the host.
fn discovery() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(discovery::get_manifest))
}

/// What operators ask.
fn operation() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

/// What handlers get.
pub(crate) type AppState = axum::extract::State<App>;

/// Other sites may use the API as ours does, without cookies: a claim is sent by who has it. Where
/// that is every site, the headers are the same for each request, which a general layer does not
/// know.
async fn open_to_other_sites(State(app): AppState, request: Request, next: Next) -> Response {
    let allowed_origin = match &app.web.cors_origins {
        None => Some(HeaderValue::from_static("*")),
        Some(origins) => request
            .headers()
            .get(ORIGIN)
            .filter(|origin| origins.contains(origin))
            .cloned(),
    };
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let allowed = [
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, HEAD"),
            (
                ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, range, if-range",
            ),
            (ACCESS_CONTROL_MAX_AGE, "86400"),
        ];
        (StatusCode::NO_CONTENT, allowed).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if app.web.cors_origins.is_some() {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    let Some(allowed_origin) = allowed_origin else {
        for name in [
            ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_MAX_AGE,
        ] {
            headers.remove(name);
        }
        return response;
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed_origin);
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    response
}

/// What another site's script may read of an answer.
const EXPOSED: &str = "www-authenticate, date, etag, accept-ranges, content-range, content-disposition, \
     retry-after, x-request-id";

fn unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn not_found() -> Error {
    Error::NotFound
}

async fn method_not_allowed() -> Error {
    Error::MethodNotAllowed
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that CatchPanicLayer asks for"
)]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    Error::Internal(format!("a handler panicked: {text}")).into_response()
}

/// Ends a request that takes longer than any should; who sends a body byte by byte ends here, too.
/// What is streamed later takes as long as it takes.
async fn in_time(State(app): AppState, request: Request, next: Next) -> Response {
    match timeout(app.timing.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TooSlow.into_response(),
    }
}

/// Sets what every answer has, counts and logs the request by its route: never the address itself,
/// whose query or path may hold what only the buyer should know.
async fn finish(State(app): AppState, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_name(request.method());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let request_id = request_id(&app, &request);
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
    headers.insert(X_REQUEST_ID, request_id);

    let path = path.as_ref().map_or("(file)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let took = started.elapsed();
    app.metrics.answered(method, path, status, took);
    let duration_ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
    span.in_scope(|| match response.extensions().get::<Cause>() {
        Some(Cause(cause)) if status >= 500 => {
            tracing::error!(method, path, status, duration_ms, cause);
        }
        Some(Cause(cause)) => tracing::info!(method, path, status, duration_ms, cause),
        None => tracing::info!(method, path, status, duration_ms),
    });
    response
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the request in log and answer: as a trusted proxy names it, else anew. A stranger's name
/// for it might be anything.
fn request_id(app: &App, request: &Request) -> HeaderValue {
    let is_name = |value: &&HeaderValue| {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=64).contains(&value.len()) && value.as_bytes().iter().all(is_plain)
    };
    let given = request.headers().get(X_REQUEST_ID).filter(is_name);
    if let (Some(given), true) = (given, Client::is_trusted(request.extensions(), app)) {
        return given.clone();
    }
    let number = getrandom::u64().unwrap_or_default();
    HeaderValue::try_from(format!("{number:016x}")).expect("digits are plain ASCII")
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
