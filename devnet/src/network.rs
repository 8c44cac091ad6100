//! A network: the chain, the nodes of a plan, and their channels.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use lightning::bitcoin::Amount;
use lightning::bitcoin::blockdata::constants::COINBASE_MATURITY;

use crate::chain::Chain;
use crate::node::Node;
use crate::plan::Plan;

pub use crate::plan::CHANNEL_SATS;

/// How many confirmations BOLT 7 wants before a channel is announced.
const ANNOUNCEMENT_DEPTH: u32 = 6;
/// Far more than the network takes on a slow machine; longer means that it will never be ready.
const READY_TIMEOUT: Duration = Duration::from_mins(2);

/// Nodes that are connected as a plan has it. The first is the store, then come alice and bob.
///
/// Dropping the network ends the nodes.
pub struct Network {
    chain: Arc<Chain>,
    nodes: Vec<Arc<Node>>,
}

impl Network {
    /// Starts the network of the story, with the sockets at `dir/<node>/lightning-rpc`. When this
    /// returns, alice and bob can both pay the store.
    ///
    /// # Errors
    /// Names the file or port that cannot be used, or the step that did not come about in time.
    pub async fn story(dir: &Path) -> anyhow::Result<Self> {
        Self::start(dir, &Plan::story()).await
    }

    /// Starts the network of a plan. When this returns, every node knows every channel.
    ///
    /// # Errors
    /// Like [`Network::story`].
    pub async fn start(dir: &Path, plan: &Plan) -> anyhow::Result<Self> {
        // From the first node on they end with the network, also if a later step fails.
        let mut network = Self {
            chain: Chain::new(),
            nodes: Vec::new(),
        };
        for &(name, fees) in &plan.nodes {
            let node = Node::start(name, &dir.join(name), Arc::clone(&network.chain), fees).await;
            let node = node.with_context(|| format!("cannot start {name}"))?;
            network.nodes.push(node);
        }
        network.give_coins();
        for channel in &plan.channels {
            let (from, to) = (&network.nodes[channel.from], &network.nodes[channel.to]);
            network.open(from, to, channel.sats).await?;
            // Confirms the change of this funding before the next channel spends it.
            network.mine(1);
        }
        let ends = plan.channels.len() * 2;
        network
            .until("the channels to be usable", || {
                let usable = network.nodes.iter().map(|node| node.usable_channels());
                usable.sum::<usize>() == ends
            })
            .await?;
        network.mine(ANNOUNCEMENT_DEPTH - 1);
        network
            .until("gossip to reach everyone", || {
                let known = |node: &Arc<Node>| node.known_channels().len() == plan.channels.len();
                network.nodes.iter().all(known)
            })
            .await?;
        Ok(network)
    }

    /// The node that sells.
    pub fn store(&self) -> &Arc<Node> {
        &self.nodes[0]
    }

    /// The nodes that sell, in a network of [`Plan::stores`]: the store, and those after bob.
    pub fn stores(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.iter().take(1).chain(self.nodes.iter().skip(3))
    }

    /// The buyer with a channel to the store.
    pub fn alice(&self) -> &Arc<Node> {
        &self.nodes[1]
    }

    /// The buyer whose payments go through others: in the story, through alice.
    pub fn bob(&self) -> &Arc<Node> {
        &self.nodes[2]
    }

    /// All nodes, the store first.
    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.iter().find(|node| node.name() == name)
    }

    /// Mines blocks, the first with the whole mempool in it, and returns the new height.
    pub fn mine(&self, blocks: u32) -> u32 {
        for _ in 0..blocks {
            self.chain.mine(None);
        }
        self.chain.tip().height
    }

    /// Connects two nodes and lets the first open a channel of `sats` to the second. It is usable
    /// one block later, and announced after six.
    ///
    /// # Errors
    /// Names the channel, and why there is none.
    pub async fn open(&self, from: &Arc<Node>, to: &Arc<Node>, sats: u64) -> anyhow::Result<()> {
        let step = || {
            let (from, to) = (from.name(), to.name());
            format!("cannot open a channel from {from} to {to}")
        };
        from.connect(to.ldk.node_id, to.address())
            .await
            .with_context(step)?;
        from.open_channel(to.ldk.node_id, Amount::from_sat(sats), true)
            .await
            .with_context(step)?;
        Ok(())
    }

    /// Takes a node offline and waits until the others have noticed. A payment that they sent to it
    /// before that would be stuck until it is back.
    ///
    /// # Errors
    /// A node still counts it among its peers.
    pub async fn take_offline(&self, node: &Arc<Node>) -> anyhow::Result<()> {
        node.go_offline();
        let id = node.ldk.node_id;
        self.until("the others to notice", || {
            self.nodes.iter().all(|other| other.peer(id).is_none())
        })
        .await
    }

    /// Brings a node back that went offline, and connects it to those with whom it has channels.
    pub async fn bring_back(&self, node: &Arc<Node>) {
        node.go_online();
        let channels = node.channels();
        for peer in &self.nodes {
            let is_peer = channels
                .iter()
                .any(|channel| channel.counterparty.node_id == peer.ldk.node_id);
            if is_peer && let Err(error) = node.connect(peer.ldk.node_id, peer.address()).await {
                // The peer may be offline itself; then it connects when it is back.
                tracing::debug!(node = node.name(), peer = peer.name(), %error, "not connected");
            }
        }
    }

    /// Ends all nodes. Dropping the network does the same.
    pub async fn shutdown(self) {
        drop(self);
        // Let the tasks see it, so that their sockets are closed when this returns.
        tokio::task::yield_now().await;
    }

    /// A block's subsidy to each node, and enough blocks on top that they may be spent.
    fn give_coins(&self) {
        for node in &self.nodes {
            self.chain
                .mine(Some(node.wallet.new_address().script_pubkey()));
        }
        self.mine(COINBASE_MATURITY);
    }

    async fn until(&self, what: &str, condition: impl Fn() -> bool) -> anyhow::Result<()> {
        let start = Instant::now();
        while !condition() {
            ensure!(
                start.elapsed() < READY_TIMEOUT,
                "waited {READY_TIMEOUT:?} for {what}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in &self.nodes {
            node.shut_down();
        }
    }
}
