//! The table of routes and what lies around them: CORS, limits, headers, the log.

mod admission;
mod content;
mod delivery;
mod discovery;
mod health;
mod invoices;
mod openapi;
mod plain;
mod priced;
mod store;

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::error::{Cause, Error, MAX_BODY};
use crate::frontend;

pub use priced::{PriceLayer, Priced};

/// Everything that the gateway answers.
pub fn router<S>(app: App) -> Router<S> {
    let api = Router::from(api())
        .route("/api/{*nothing}", any(not_found))
        .method_not_allowed_fallback(method_not_allowed)
        // One group is boxed once for each request, several layers each on their own.
        .layer((
            from_fn(open_to_every_site),
            unless_set(CACHE_CONTROL, "no-store"),
            DefaultBodyLimit::max(MAX_BODY),
        ));
    Router::new()
        .merge(api)
        .nest("/buy", plain::router(&app))
        .route("/buy/", get(plain::without_slash))
        .merge(Router::from(discovery()).layer(from_fn(open_to_every_site)))
        .merge(Router::from(operation()))
        .merge(frontend::router(&app.frontend))
        .method_not_allowed_fallback(method_not_allowed)
        .layer((from_fn(finish), CatchPanicLayer::custom(panicked)))
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

/// Every site may use the API as ours does, without cookies: a claim is sent by who has it. The
/// headers are the same for each request, so this costs a tenth of what a general layer does.
async fn open_to_every_site(request: Request, next: Next) -> Response {
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
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    response
}

/// What another site's script may read of an answer.
const EXPOSED: &str =
    "www-authenticate, date, etag, accept-ranges, content-range, content-disposition";

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

/// Sets what every answer has, and logs the request by its route: never the address itself, whose
/// query or path may hold what only the buyer should know.
async fn finish(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;

    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }

    let path = path.as_ref().map_or("(file)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let duration_ms = (started.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
    match response.extensions().get::<Cause>() {
        Some(Cause(cause)) if status >= 500 => {
            tracing::error!(%method, path, status, duration_ms, cause);
        }
        Some(Cause(cause)) => tracing::info!(%method, path, status, duration_ms, cause),
        None => tracing::info!(%method, path, status, duration_ms),
    }
    response
}
