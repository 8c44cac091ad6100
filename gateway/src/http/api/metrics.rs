//! For operators, on an address of its own: what a store earns is nobody else's business.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::app::App;
use crate::http::api::health;
use crate::http::requests::not_found;
use crate::metrics::Metrics;
use crate::payments::open_invoices::OpenInvoices;

/// The router of that address: figures for Prometheus, and how the store is.
pub(crate) fn metrics_router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(render))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::report))
        .fallback(not_found)
        .with_state(app)
}

async fn render(
    State(metrics): State<Metrics>,
    State(open): State<Arc<OpenInvoices>>,
) -> impl IntoResponse {
    let text = metrics.render(open.count());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
