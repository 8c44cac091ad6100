//! The network of the story: a store and its two buyers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use lightning::bitcoin::Amount;
use lightning::bitcoin::blockdata::constants::COINBASE_MATURITY;
use lightning::routing::gossip::NodeId;

use crate::chain::Chain;
use crate::node::Node;

/// The size of each channel of the story.
pub const CHANNEL_SATS: u64 = 1_000_000;
/// How many confirmations BOLT 7 wants before a channel is announced.
const ANNOUNCEMENT_DEPTH: u32 = 6;
/// Far more than the network takes on a slow machine; longer means that it will never be ready.
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// Three nodes: alice has a channel to the store, bob one to alice and none to the store.
///
/// Dropping the network ends the nodes.
pub struct Network {
    chain: Arc<Chain>,
    store: Arc<Node>,
    alice: Arc<Node>,
    bob: Arc<Node>,
}

impl Network {
    /// Starts the network of the story, with the sockets at `dir/<node>/lightning-rpc`. When this
    /// returns, alice and bob can both pay the store.
    ///
    /// # Errors
    /// Names the file or port that cannot be used, or the step that did not come about in time.
    pub async fn story(dir: &Path) -> anyhow::Result<Self> {
        let chain = Chain::new();
        let start = |name: &'static str| {
            let (dir, chain) = (dir.join(name), Arc::clone(&chain));
            async move {
                let node = Node::start(name, &dir, chain).await;
                node.with_context(|| format!("cannot start {name}"))
            }
        };
        // From here on the nodes end with the network, also if a later step fails.
        let network = Self {
            store: start("store").await?,
            alice: start("alice").await?,
            bob: start("bob").await?,
            chain,
        };
        network.give_coins();
        network.open(&network.alice, &network.store).await?;
        network.open(&network.bob, &network.alice).await?;
        network.mine(1);
        network
            .until("the channels to be usable", || {
                network.channels_are_usable()
            })
            .await?;
        network.mine(ANNOUNCEMENT_DEPTH - 1);
        network
            .until("gossip to reach bob", || network.bob_knows_the_way())
            .await?;
        Ok(network)
    }

    /// The node that sells.
    pub fn store(&self) -> &Arc<Node> {
        &self.store
    }

    /// The buyer with a channel to the store.
    pub fn alice(&self) -> &Arc<Node> {
        &self.alice
    }

    /// The buyer whose payments go through alice.
    pub fn bob(&self) -> &Arc<Node> {
        &self.bob
    }

    /// All nodes, the store first.
    pub fn nodes(&self) -> [&Arc<Node>; 3] {
        [&self.store, &self.alice, &self.bob]
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes().into_iter().find(|node| node.name() == name)
    }

    /// Mines blocks with whatever is in the mempool and returns the new height.
    pub fn mine(&self, blocks: u32) -> u32 {
        for _ in 0..blocks {
            self.chain.mine(None);
        }
        self.chain.tip().height
    }

    /// Ends all nodes. Dropping the network does the same.
    pub async fn shutdown(self) {
        drop(self);
        // Let the tasks see it, so that their sockets are closed when this returns.
        tokio::task::yield_now().await;
    }

    /// A block's subsidy to each buyer, and enough blocks on top that they may be spent.
    fn give_coins(&self) {
        for buyer in [&self.alice, &self.bob] {
            self.chain
                .mine(Some(buyer.wallet.new_address().script_pubkey()));
        }
        self.mine(COINBASE_MATURITY);
    }

    async fn open(&self, from: &Arc<Node>, to: &Arc<Node>) -> anyhow::Result<()> {
        let step = || {
            format!(
                "cannot open a channel from {} to {}",
                from.name(),
                to.name()
            )
        };
        from.connect(to.ldk.node_id, to.address())
            .await
            .with_context(step)?;
        let amount = Amount::from_sat(CHANNEL_SATS);
        from.open_channel(to.ldk.node_id, amount, true)
            .await
            .with_context(step)?;
        Ok(())
    }

    fn channels_are_usable(&self) -> bool {
        self.nodes().map(|node| node.usable_channels()) == [1, 2, 1]
    }

    /// Whether bob has heard of both directions of the channel between alice and the store.
    fn bob_knows_the_way(&self) -> bool {
        let [alice, store] =
            [&self.alice, &self.store].map(|node| NodeId::from_pubkey(&node.ldk.node_id));
        let graph = self.bob.ldk.graph.read_only();
        graph.channels().unordered_iter().any(|(_, channel)| {
            let ends = [channel.node_one, channel.node_two];
            let announced = channel.one_to_two.is_some() && channel.two_to_one.is_some();
            ends.contains(&alice) && ends.contains(&store) && announced
        })
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
        for node in self.nodes() {
            node.shut_down();
        }
    }
}
