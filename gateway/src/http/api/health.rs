//! For operators: is the process up, and can it sell.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::lightning::{Network, NodeId};
use utoipa::ToSchema;

use crate::errors::chain;
use crate::payments::node::NodeError;
use crate::payments::purchases::Purchases;

/// Whether the process answers; nothing is asked of lightningd.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    responses((status = 200, body = String, description = "It does.")),
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether invoices can be made, and if not, what is wrong and how to mend it. While payments are
/// not followed, those that come are found when buyers ask.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Readiness {
    Ready {
        ready: bool,
        network: Network,
        node_id: NodeId,
        payments_followed: bool,
    },
    NotReady {
        ready: bool,
        problem: String,
        remedy: String,
        payments_followed: bool,
    },
}

/// Whether the store can sell now, by its node's own word.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, body = Readiness, description = "Invoices can be made."),
        (status = 503, body = Readiness, description = "They cannot: what is wrong, and the remedy."),
    ),
)]
pub(crate) async fn readyz(State(purchases): State<Purchases>) -> (StatusCode, Json<Readiness>) {
    let payments_followed = purchases.invoices().are_followed();
    let (problem, remedy) = match purchases.invoices().ask_node().await {
        Ok(node) => match node.syncing {
            None => {
                let ready = Readiness::Ready {
                    ready: true,
                    network: node.network,
                    node_id: node.id,
                    payments_followed,
                };
                return (StatusCode::OK, Json(ready));
            }
            Some(syncing) => (
                syncing,
                "wait until lightningd has caught up with the chain",
            ),
        },
        Err(NodeError::Lightning(error)) => (chain(&error), error.remedy()),
        Err(error) => (chain(&error), "restart purrwall with the right options"),
    };
    let not_ready = Readiness::NotReady {
        ready: false,
        problem,
        remedy: remedy.to_owned(),
        payments_followed,
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(not_ready))
}
