//! The network's HTTP side, for pages under development: a WebLN provider, and new blocks.
//!
//! | method and path | does |
//! |---|---|
//! | `GET /webln.js?node=NAME` | a script that makes `window.webln` pay from that node |
//! | `GET /info/NAME` | what WebLN's `getInfo` answers |
//! | `POST /pay/NAME` | pays `{"bolt11"}`: 200 `{"preimage"}`, 400 or 422 `{"message"}` |
//! | `POST /mine` | mines a block: 200 `{"height"}` |
//!
//! Any page may call it, without credentials: coins here are worth nothing. It must listen on
//! loopback only.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tower_http::cors::CorsLayer;

use crate::network::Network;
use crate::node::Node;
use crate::pay::{DEFAULT_RETRY, PayRequest};

const WEBLN: &str = include_str!("webln.js");

/// The routes over a network.
pub fn router(network: Arc<Network>) -> Router {
    Router::new()
        .route("/webln.js", get(webln))
        .route("/info/{node}", get(info))
        .route("/pay/{node}", post(pay))
        .route("/mine", post(mine))
        .layer(CorsLayer::permissive())
        .with_state(network)
}

async fn webln() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, WEBLN)
}

async fn info(
    State(network): State<Arc<Network>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let node = find(&network, &name)?;
    let info = json!({
        "node": {
            "alias": node.name(),
            "pubkey": node.node_id(),
            "color": format!("#{}", crate::hex::encode(&node.color())),
        },
        "methods": ["getInfo", "sendPayment"],
        "supports": ["lightning"],
        "version": env!("CARGO_PKG_VERSION"),
    });
    Ok(Json(info).into_response())
}

#[derive(Deserialize)]
struct PayBody {
    bolt11: String,
}

async fn pay(
    State(network): State<Arc<Network>>,
    Path(name): Path<String>,
    body: Result<Json<PayBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let node = find(&network, &name)?;
    let Json(PayBody { bolt11 }) =
        body.map_err(|error| Problem(StatusCode::BAD_REQUEST, error.body_text()))?;
    let request = PayRequest {
        bolt11,
        amount_msat: None,
        max_fee_msat: None,
        retry_for: DEFAULT_RETRY,
    };
    let paid = node.pay(request).await;
    let paid =
        paid.map_err(|error| Problem(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    Ok(Json(json!({ "preimage": paid.payment.preimage })).into_response())
}

async fn mine(State(network): State<Arc<Network>>) -> Response {
    Json(json!({ "height": network.mine(1) })).into_response()
}

fn find<'a>(network: &'a Network, name: &str) -> Result<&'a Arc<Node>, Problem> {
    network.node(name).ok_or_else(|| {
        Problem(
            StatusCode::NOT_FOUND,
            format!("no node is called {name}; there are store, alice, bob"),
        )
    })
}

/// What went wrong, in words for the page.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}
