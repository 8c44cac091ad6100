//! For Prometheus.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::{App, MetricsPlace};
use crate::http::problem::Error;
use crate::http::requests::not_found;
use crate::metrics::Metrics;
use crate::payments::open_invoices::OpenInvoices;

/// The router of an address of its own for metrics.
pub(crate) fn metrics_router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(render))
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

/// `GET /metrics` beside the store: what it earns is nobody's business, so only a program on this
/// machine gets them, and none that asks through a proxy.
pub(crate) async fn get_metrics(
    metrics: State<Metrics>,
    open: State<Arc<OpenInvoices>>,
    State(place): State<MetricsPlace>,
    request: Request,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_near = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let is_forwarded = ["x-forwarded-for", "forwarded", "via"]
        .iter()
        .any(|name| request.headers().contains_key(*name));
    if is_near && !is_forwarded && !place.is_elsewhere {
        render(metrics, open).await.into_response()
    } else {
        Error::NotFound.into_response()
    }
}
