//! The node itself: who it is, and whether it is on the right network.

use std::sync::{Arc, Mutex, PoisonError};

use lightningd::{LightningError, Lightningd, Node};
use shared::lightning::Network;

use crate::payments::question::Question;

/// Why the store cannot use its node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// lightningd does not answer, or answers with an error.
    #[error("lightningd is not available")]
    Lightning(#[from] LightningError),
    /// It is on another network than the configured one.
    #[error(
        "lightningd is on {found}, but --network says {expected}; correct it, or name the other \
         node's socket with --lightning-rpc"
    )]
    WrongNetwork {
        /// As configured.
        expected: Network,
        /// lightningd's word.
        found: Network,
    },
}

/// One node, and what it last said of itself.
#[derive(Debug)]
pub(crate) struct OurNode {
    lightningd: Arc<Lightningd>,
    network: Option<Network>,
    question: Question<Result<Node, LightningError>>,
    last: Mutex<Option<Node>>,
}

impl OurNode {
    /// The node of `lightningd`, which has to be on `network` where one is given.
    pub(crate) fn new(lightningd: Arc<Lightningd>, network: Option<Network>) -> Self {
        Self {
            lightningd,
            network,
            question: Question::default(),
            last: Mutex::default(),
        }
    }

    /// The node, from memory where it was asked since the watcher last connected.
    pub(crate) async fn get(&self) -> Result<Node, NodeError> {
        let known = self.last().clone();
        match known {
            Some(node) => self.checked(node),
            None => self.ask().await,
        }
    }

    /// Asks lightningd now, together with all who ask at once.
    pub(crate) async fn ask(&self) -> Result<Node, NodeError> {
        let lightningd = self.lightningd.clone();
        let call = async move { lightningd.node().await };
        let node = self.question.ask(|| None, call).await?;
        *self.last() = Some(node.clone());
        self.checked(node)
    }

    fn checked(&self, node: Node) -> Result<Node, NodeError> {
        match self.network {
            Some(expected) if expected != node.network => Err(NodeError::WrongNetwork {
                expected,
                found: node.network,
            }),
            _ => Ok(node),
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Node>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
