//! A node of the store's: who it is, whether it may be one, and whether it is there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightningd::{LightningError, Lightningd, Node};
use shared::lightning::{Network, NodeId};
use tokio::time::sleep;
use tracing::Span;

use crate::options::Timing;
use crate::payments::question::Question;
use crate::retry::Pauses;

/// Why the store cannot use a node.
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
    /// It is on another network than the store's other nodes.
    #[error(
        "the node at {place} is on {found}, but the store's other nodes are on {expected}; take it out of \
         the [[node]]s"
    )]
    OtherNetwork {
        /// Where it is.
        place: String,
        /// That of the others.
        expected: Network,
        /// Its own.
        found: Network,
    },
    /// It is one of the store's other nodes.
    #[error(
        "the node at {place} is {id}, which is listed already; take one of the two [[node]]s out"
    )]
    Twice {
        /// Where it is.
        place: String,
        /// Who it is.
        id: NodeId,
    },
}

/// Whether a node at `place` may be one of a store's, beside these `others` of it. All have to be on
/// `network` where one is given, and on the same in any case; none may be listed twice.
///
/// # Errors
/// Why it may not.
pub fn check_node<'a>(
    node: &Node,
    place: &str,
    network: Option<Network>,
    others: impl IntoIterator<Item = &'a Node>,
) -> Result<(), NodeError> {
    let found = node.network;
    if let Some(expected) = network.filter(|expected| *expected != found) {
        return Err(NodeError::WrongNetwork { expected, found });
    }
    for other in others {
        let place = place.to_owned();
        if other.network != found {
            let expected = other.network;
            return Err(NodeError::OtherNetwork {
                place,
                expected,
                found,
            });
        }
        if other.id == node.id {
            return Err(NodeError::Twice { place, id: node.id });
        }
    }
    Ok(())
}

/// What the nodes of a store are held against: the configured network, and each other.
#[derive(Debug)]
pub(crate) struct Company {
    network: Option<Network>,
    /// Those that answered and fit, by their place in the list.
    known: Mutex<Vec<Option<Node>>>,
}

impl Company {
    /// Of so many nodes, which have to be on `network` where one is given, and on the same in any case.
    pub(crate) fn new(count: usize, network: Option<Network>) -> Self {
        Self {
            network,
            known: Mutex::new(vec![None; count]),
        }
    }

    /// Takes a node's word on itself, if it may be one of them.
    fn admit(&self, index: usize, place: &str, node: &Node) -> Result<(), NodeError> {
        let mut known = self.known();
        let others = known.iter().enumerate();
        let others = others.filter(|(other, _)| *other != index);
        let others = others.filter_map(|(_, other)| other.as_ref());
        check_node(node, place, self.network, others)?;
        known[index] = Some(node.clone());
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Vec<Option<Node>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a node is there, as far as is known.
#[derive(Debug)]
enum Presence {
    /// It was not asked yet.
    Unknown,
    Here,
    /// It did not answer, or was not let in.
    Away(LightningError),
    Unfit,
}

/// One node, and what it last said of itself.
#[derive(Debug)]
pub(crate) struct OurNode {
    lightningd: Arc<Lightningd>,
    /// Where it is, for people.
    place: String,
    company: Arc<Company>,
    /// Its place in the company.
    index: usize,
    question: Question<Result<Node, LightningError>>,
    state: Mutex<State>,
    pauses: Pauses,
}

#[derive(Debug)]
struct State {
    presence: Presence,
    /// Its last word.
    last: Option<Node>,
    /// Whether it is asked until it is back.
    is_sought: bool,
}

impl OurNode {
    /// The node of `lightningd` at `place`, which is number `index` of the company.
    pub(crate) fn new(
        lightningd: Arc<Lightningd>,
        place: String,
        company: Arc<Company>,
        index: usize,
        timing: Timing,
    ) -> Self {
        Self {
            lightningd,
            place,
            company,
            index,
            question: Question::default(),
            state: Mutex::new(State {
                presence: Presence::Unknown,
                last: None,
                is_sought: false,
            }),
            pauses: Pauses::new(timing.reconnect_min, timing.reconnect_max),
        }
    }

    /// The node, from memory where it was asked since the watcher last connected.
    pub(crate) async fn get(self: &Arc<Self>) -> Result<Node, NodeError> {
        let known = self.last();
        match known {
            Some(node) => self.admit(&node).map(|()| node),
            None => self.ask().await,
        }
    }

    /// Asks lightningd now, together with all who ask at once.
    pub(crate) async fn ask(self: &Arc<Self>) -> Result<Node, NodeError> {
        let lightningd = self.lightningd.clone();
        let call = async move || lightningd.node().await;
        match self.question.ask(|| None, call).await {
            Ok(node) => {
                self.state().last = Some(node.clone());
                let admitted = self.admit(&node);
                self.state().presence = match &admitted {
                    Ok(()) => Presence::Here,
                    Err(_) => Presence::Unfit,
                };
                if admitted.is_ok() && node.syncing.is_some() {
                    self.seek();
                }
                admitted.map(|()| node)
            }
            Err(error) => {
                self.failed(&error);
                Err(error.into())
            }
        }
    }

    /// Takes note of an error of lightningd's: if it is that it is away, it is asked until it is back.
    pub(crate) fn failed(self: &Arc<Self>, error: &LightningError) {
        if error.is_away() {
            self.state().presence = Presence::Away(error.clone());
            self.seek();
        }
    }

    /// Why it is away, if it is.
    pub(crate) fn away(&self) -> Option<LightningError> {
        match &self.state().presence {
            Presence::Away(error) => Some(error.clone()),
            Presence::Unknown | Presence::Here | Presence::Unfit => None,
        }
    }

    /// Whether it answers, as far as is known; one that was never asked is asked now.
    pub(crate) async fn answers(self: &Arc<Self>) -> bool {
        let is_new = matches!(self.state().presence, Presence::Unknown);
        if is_new {
            self.ask().await.ok();
        }
        matches!(self.state().presence, Presence::Here)
    }

    /// What it last said of itself.
    pub(crate) fn last(&self) -> Option<Node> {
        self.state().last.clone()
    }

    /// Where it is, for people.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// What names it in the log, where there are several.
    pub(crate) fn span(&self) -> Span {
        if self.is_alone() {
            return Span::none();
        }
        tracing::info_span!("node", node = self.place)
    }

    fn is_alone(&self) -> bool {
        self.company.known().len() == 1
    }

    fn admit(&self, node: &Node) -> Result<(), NodeError> {
        self.company.admit(self.index, &self.place, node)
    }

    /// Asks in the background until it is there and in step with its chain. Where there is no other node,
    /// nobody would choose another one meanwhile.
    fn seek(self: &Arc<Self>) {
        if self.is_alone() || std::mem::replace(&mut self.state().is_sought, true) {
            return;
        }
        let (node, mut pauses) = (Arc::downgrade(self), self.pauses);
        tokio::spawn(async move {
            loop {
                sleep(pauses.next()).await;
                // The store may have ended meanwhile.
                let Some(node) = node.upgrade() else { return };
                match node.ask().await {
                    Err(NodeError::Lightning(_)) => {}
                    Ok(still) if still.syncing.is_some() => {}
                    Ok(_) | Err(_) => {
                        node.state().is_sought = false;
                        return;
                    }
                }
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
