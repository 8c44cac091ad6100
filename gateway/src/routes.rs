//! The table of routes and what lies around them: CORS, limits, headers, the log.

mod content;
mod discovery;
mod health;
mod invoices;
mod plain;
mod store;

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, REFERRER_POLICY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::App;
use crate::error::{Cause, Error, MAX_BODY};
use crate::frontend;

/// Everything that the gateway answers.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .route("/store", get(store::get_store))
        .route("/items/{item}/invoices", post(invoices::create_invoice))
        .route("/items/{item}/content", get(content::get_content))
        .route("/invoice", get(invoices::get_invoice))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(unless_set(CACHE_CONTROL, "no-store"))
        .layer(cors());
    Router::new()
        .nest("/api/v1", api)
        .nest("/buy", plain::router(&app))
        .route("/buy/", get(|| async { Redirect::permanent("/buy") }))
        .route(
            "/.well-known/l402.json",
            get(discovery::get_manifest).layer(cors()),
        )
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .merge(frontend::router(&app.frontend))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(unless_set(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(unless_set(REFERRER_POLICY, "no-referrer"))
        .layer(from_fn(log))
        .with_state(app)
}

/// What handlers get.
pub(crate) type AppState = axum::extract::State<App>;

/// Other sites may use the API as ours does, without credentials: a claim is no cookie.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_methods([Method::GET, Method::POST, Method::HEAD])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([WWW_AUTHENTICATE, DATE])
        .max_age(Duration::from_hours(24))
}

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

/// Logs each request by its route. Never the address itself, whose query or path may hold what
/// only the buyer should know.
async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;

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
