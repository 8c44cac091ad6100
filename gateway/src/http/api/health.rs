//! Is the process up, and can it sell? Strangers hear no more than that; operators, on the address of
//! the metrics, hear why not and how to mend it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use lightningd::Node;
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
                let mut nodes = purchases.nodes().ask().await.into_iter();
                let ready = nodes.any(|node| node.is_ok_and(|node| node.syncing.is_none()));
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
pub(crate) struct Report {
    /// The first node that can be used; else what is wrong with the first.
    #[serde(flatten)]
    node: NodeReport,
    webhooks_stalled: bool,
    /// Each of them, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<NodeReport>,
}

/// The same of one node.
#[derive(Clone, Serialize)]
struct NodeReport {
    ready: bool,
    #[serde(flatten)]
    word: Word,
    payments_followed: bool,
    /// Where it is, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
}

#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Word {
    Ready { network: Network, node_id: NodeId },
    NotReady { problem: String, remedy: String },
}

/// `GET /readyz` for operators: asks lightningd now.
pub(crate) async fn report(
    State(purchases): State<Purchases>,
    State(metrics): State<Metrics>,
) -> (StatusCode, Json<Report>) {
    let members = purchases.nodes().all();
    let answers = purchases.nodes().ask().await;
    let nodes: Vec<_> = members
        .iter()
        .zip(answers)
        .map(|(member, answer)| {
            let word = word(answer);
            NodeReport {
                ready: matches!(word, Word::Ready { .. }),
                word,
                payments_followed: member.invoices.are_followed(),
                node: Some(member.invoices.our_node().place().to_owned()),
            }
        })
        .collect();
    let first = nodes.iter().find(|node| node.ready).unwrap_or(&nodes[0]);
    let node = NodeReport {
        payments_followed: purchases.nodes().are_followed(),
        node: None,
        ..first.clone()
    };
    let report = Report {
        node,
        webhooks_stalled: metrics.webhooks_are_stalled(),
        nodes: if nodes.len() == 1 { Vec::new() } else { nodes },
    };
    (status(report.node.ready), Json(report))
}

fn word(answer: Result<Node, NodeError>) -> Word {
    let (problem, remedy) = match answer {
        Ok(node) => match node.syncing {
            None => {
                return Word::Ready {
                    network: node.network,
                    node_id: node.id,
                };
            }
            Some(syncing) => (
                syncing,
                "wait until lightningd has caught up with the chain",
            ),
        },
        Err(NodeError::Lightning(error)) => (chain(&error), error.remedy()),
        Err(error) => (chain(&error), "restart purrwall with the right options"),
    };
    Word::NotReady {
        problem,
        remedy: remedy.to_owned(),
    }
}

fn status(is_ready: bool) -> StatusCode {
    if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
