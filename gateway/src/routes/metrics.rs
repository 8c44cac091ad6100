//! For Prometheus.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::AppState;
use crate::App;
use crate::error::Error;

/// The router of an address of its own for metrics.
pub fn metrics_router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(render))
        .fallback(super::not_found)
        .with_state(app)
}

async fn render(State(app): AppState) -> impl IntoResponse {
    let text = app.metrics.render(app.open.count());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// `GET /metrics` beside the store: what it earns is nobody's business, so only a program on this
/// machine gets them, and none that asks through a proxy.
pub(super) async fn get_metrics(app: AppState, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_near = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let is_forwarded = ["x-forwarded-for", "forwarded", "via"]
        .iter()
        .any(|name| request.headers().contains_key(*name));
    if is_near && !is_forwarded && !app.metrics_elsewhere {
        render(app).await.into_response()
    } else {
        Error::NotFound.into_response()
    }
}
