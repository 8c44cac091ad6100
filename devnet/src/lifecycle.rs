//! The start and the end of a node.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Weak};

use anyhow::Context;
use lightning::bitcoin::block::Header;
use lightning::chain::transaction::TransactionData;
use lightning::chain::{BestBlock, Listen};
use tokio::net::TcpListener;

use crate::chain::Chain;
use crate::node::Node;
use crate::plan::Fees;
use crate::rest::{self, server::Rest};
use crate::rpc::server;

impl Node {
    /// Starts a node that follows `chain`, with fresh keys, asks `fees` for forwarding, and opens
    /// its socket at `dir/lightning-rpc`. It has no peers, no channels and no coins yet.
    ///
    /// # Errors
    /// Names the directory, the socket or the port that cannot be used.
    pub async fn start(
        name: &str,
        dir: &Path,
        chain: Arc<Chain>,
        fees: Fees,
    ) -> anyhow::Result<Arc<Self>> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot listen on 127.0.0.1")?;
        let address = listener
            .local_addr()
            .context("cannot read the listener's address")?;
        let node = Arc::new(Self::new(name, dir, address, chain, fees)?);
        let follower: Weak<Self> = Arc::downgrade(&node);
        node.chain.follow(follower);
        node.spawn_tasks();
        node.listen(listener);
        node.start_rpc()?;
        Ok(node)
    }

    /// Opens the JSON-RPC socket again after [`Node::stop_rpc`]. It does nothing while it is open.
    ///
    /// # Errors
    /// Names the socket if it cannot be made.
    pub fn start_rpc(self: &Arc<Self>) -> anyhow::Result<()> {
        self.rpc.start(|| server::start(self))
    }

    /// Opens the node's REST interface in place of the one that is open, if there is one.
    ///
    /// # Errors
    /// Names the address or the file that cannot be used.
    pub fn start_rest(self: &Arc<Self>, address: SocketAddr) -> anyhow::Result<Rest> {
        self.stop_rest();
        let (rest, task) = rest::server::start(self, address)?;
        self.rest.start(|| anyhow::Ok(task))?;
        Ok(rest)
    }

    /// Ends the node: its socket, its connections and its tasks.
    pub fn shut_down(&self) {
        self.stop_rpc();
        self.stop_rest();
        self.listener.stop();
        self.go_offline();
        self.stop.send_replace(true);
    }
}

/// A node sees every block, first its monitors (LDK asks for this order), then its channels.
impl Listen for Node {
    fn filtered_block_connected(&self, header: &Header, txdata: &TransactionData, height: u32) {
        self.ldk
            .chain_monitor
            .filtered_block_connected(header, txdata, height);
        self.ldk
            .channel_manager
            .filtered_block_connected(header, txdata, height);
    }

    fn blocks_disconnected(&self, fork_point: BestBlock) {
        self.ldk.chain_monitor.blocks_disconnected(fork_point);
        self.ldk.channel_manager.blocks_disconnected(fork_point);
    }
}
