//! `POST /v1/<method>`: the request is checked, then its rune, then the method is called.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use tower_http::cors::CorsLayer;

use crate::node::Node;
use crate::rpc::answer::Reply;
use crate::rpc::error::RpcError;
use crate::rpc::methods;

const METHOD_NOT_FOUND: i32 = -32601;
const NOT_AUTHORIZED: i32 = 1501;

pub(super) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/v1/{method}", post(call).fallback(only_post))
        .fallback(no_path)
        .layer(CorsLayer::permissive())
        .with_state(node)
}

async fn call(
    State(node): State<Arc<Node>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let rune = headers.get("rune").and_then(|rune| rune.to_str().ok());
    let rune = rune.ok_or_else(|| {
        let message = "Not authorized: Missing rune";
        Problem::new(StatusCode::FORBIDDEN, Some(NOT_AUTHORIZED), message)
    })?;
    let params = params(&body)?;
    let check = raw(&json!({"rune": rune, "method": method, "params": params}));
    let checked = finish(methods::call(&node, "checkrune", &check).await, &node).await;
    checked.map_err(|error| Problem::of(StatusCode::UNAUTHORIZED, error))?;

    let answer = finish(methods::call(&node, &method, &raw(&params)).await, &node).await;
    match answer {
        Ok(answer) => Ok((StatusCode::CREATED, Json(answer)).into_response()),
        Err(error) if error.code == METHOD_NOT_FOUND => {
            Err(Problem::of(StatusCode::NOT_FOUND, error))
        }
        Err(error) => Err(Problem::of(StatusCode::INTERNAL_SERVER_ERROR, error)),
    }
}

/// The body is an object, or empty.
fn params(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|error| {
        let body = String::from_utf8_lossy(body);
        let message = format!("Could not parse `{body}` JSON request: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, None, message)
    })
}

async fn finish(reply: Reply, node: &Node) -> Result<Box<RawValue>, RpcError> {
    match reply {
        Reply::Now(answer) => answer,
        Reply::Later(answer) => answer.await,
        Reply::Stop(answer) => {
            node.go_offline();
            node.stop_rpc();
            answer
        }
    }
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("JSON can be written as JSON")
}

async fn only_post() -> Problem {
    let message = "Path invalid, http_method must be POST for CLN methods";
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Some(METHOD_NOT_FOUND),
        message,
    )
}

async fn no_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        Some(METHOD_NOT_FOUND),
        "Path not found",
    )
}

/// An error as clnrest writes it: every member is there, perhaps null.
struct Problem {
    status: StatusCode,
    body: Value,
}

impl Problem {
    fn new(status: StatusCode, code: Option<i32>, message: impl Into<String>) -> Self {
        let message = message.into();
        let body = json!({"code": code, "message": message, "data": null});
        Self { status, body }
    }

    fn of(status: StatusCode, error: RpcError) -> Self {
        let RpcError {
            code,
            message,
            data,
        } = error;
        let body = json!({"code": code, "message": message, "data": data});
        Self { status, body }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
