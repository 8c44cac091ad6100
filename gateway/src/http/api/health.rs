//! Is the process up, and can it sell? Strangers hear no more than that; operators, on the address of
//! the metrics, hear why not and how to mend it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::lightning::{Network, NodeId};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::errors::chain;
use crate::http::problem::Error;
use crate::metrics::Metrics;
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

/// Whether invoices can be made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
}

/// Whether the store can sell now, by its node's own word of the last second.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, body = Readiness, description = "Invoices can be made."),
        (status = 503, body = Readiness, description = "They cannot. The log says why."),
    ),
)]
pub(crate) async fn readyz(
    State(purchases): State<Purchases>,
    State(known): State<KnownReadiness>,
) -> Result<(StatusCode, Json<Readiness>), Error> {
    let ready = known.get(purchases).await?;
    Ok((status(ready), Json(Readiness { ready })))
}

/// What lightningd last said. Anyone may ask, so lightningd is asked once a second at most.
#[derive(Clone, Default)]
pub(crate) struct KnownReadiness(Arc<Mutex<Option<(Instant, bool)>>>);

/// How long lightningd's word is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);

impl KnownReadiness {
    /// Those who ask at once wait for one answer.
    async fn get(&self, purchases: Purchases) -> Result<bool, Error> {
        let mut known = self.0.clone().lock_owned().await;
        match *known {
            Some((asked, ready)) if asked.elapsed() < GOOD_FOR => Ok(ready),
            // In a task of its own, which goes on if the client leaves: else those who come and
            // leave at once would have lightningd asked each time.
            _ => tokio::spawn(async move {
                let node = purchases.invoices().ask_node().await;
                let ready = node.is_ok_and(|node| node.syncing.is_none());
                *known = Some((Instant::now(), ready));
                ready
            })
            .await
            .map_err(|error| Error::Internal(error.to_string())),
        }
    }
}

/// Whether invoices can be made, and if not, what is wrong and how to mend it. While payments are
/// not followed, those that come are found when buyers ask. While webhooks are stalled, those of new
/// payments wait at lightningd, because they cannot be kept on the disk.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Report {
    Ready {
        ready: bool,
        network: Network,
        node_id: NodeId,
        payments_followed: bool,
        webhooks_stalled: bool,
    },
    NotReady {
        ready: bool,
        problem: String,
        remedy: String,
        payments_followed: bool,
        webhooks_stalled: bool,
    },
}

/// `GET /readyz` for operators: asks lightningd now.
pub(crate) async fn report(
    State(purchases): State<Purchases>,
    State(metrics): State<Metrics>,
) -> (StatusCode, Json<Report>) {
    let webhooks_stalled = metrics.webhooks_are_stalled();
    let payments_followed = purchases.invoices().are_followed();
    let (problem, remedy) = match purchases.invoices().ask_node().await {
        Ok(node) => match node.syncing {
            None => {
                let report = Report::Ready {
                    ready: true,
                    network: node.network,
                    node_id: node.id,
                    payments_followed,
                    webhooks_stalled,
                };
                return (status(true), Json(report));
            }
            Some(syncing) => (
                syncing,
                "wait until lightningd has caught up with the chain",
            ),
        },
        Err(NodeError::Lightning(error)) => (chain(&error), error.remedy()),
        Err(error) => (chain(&error), "restart purrwall with the right options"),
    };
    let report = Report::NotReady {
        ready: false,
        problem,
        remedy: remedy.to_owned(),
        payments_followed,
        webhooks_stalled,
    };
    (status(false), Json(report))
}

fn status(is_ready: bool) -> StatusCode {
    if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
