//! One Lightning node: LDK's parts, its on-chain wallet, its invoice book, its payments, and the
//! socket on which it speaks lightningd's JSON-RPC.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::Context;
use lightning::bitcoin::block::Header;
use lightning::bitcoin::secp256k1::PublicKey;
use lightning::chain::transaction::TransactionData;
use lightning::chain::{BestBlock, Listen};
use lightning::ln::channel_state::ChannelDetails;
use lightning::ln::peer_handler::PeerDetails;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::chain::Chain;
use crate::invoices::InvoiceBook;
use crate::ledger::Ledger;
use crate::openings::Openings;
use crate::parts::Parts;
use crate::payments::PaymentBook;
use crate::plan::Fees;
use crate::presence::Presence;
use crate::rpc;
use crate::wallet::Wallet;

/// How long a connection may take until both sides have said `init`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A Lightning node of the devnet.
pub struct Node {
    name: String,
    dir: PathBuf,
    address: SocketAddr,
    pub(crate) ldk: Parts,
    pub(crate) chain: Arc<Chain>,
    pub(crate) wallet: Wallet,
    pub(crate) invoices: InvoiceBook,
    pub(crate) payments: PaymentBook,
    pub(crate) ledger: Ledger,
    pub(crate) openings: Openings,
    pub(crate) presence: Presence,
    pub(crate) announced_channels: AtomicUsize,
    pub(crate) stop: watch::Sender<bool>,
    listener: Mutex<Option<AbortHandle>>,
    rpc: Mutex<Option<rpc::Server>>,
}

/// Nobody answered at the address, or it was not the node that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("All addresses failed: {0}: Connection establishment: Connection refused")]
pub struct ConnectError(pub SocketAddr);

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
        let seed = random_bytes()?;
        let node = Arc::new(Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            address,
            ldk: Parts::assemble(name, &chain, &seed, &random_bytes()?, fees),
            wallet: Wallet::new(Arc::clone(&chain), &seed),
            chain,
            invoices: InvoiceBook::new(),
            payments: PaymentBook::default(),
            ledger: Ledger::default(),
            openings: Openings::default(),
            presence: Presence::default(),
            announced_channels: AtomicUsize::new(0),
            stop: watch::Sender::new(false),
            listener: Mutex::new(None),
            rpc: Mutex::new(None),
        });
        let follower: Weak<Self> = Arc::downgrade(&node);
        node.chain.follow(follower);
        node.spawn_tasks();
        node.listen(listener);
        node.start_rpc()?;
        Ok(node)
    }

    /// The node's name in the story, which is also its alias.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node's public key, 66 hex digits.
    pub fn node_id(&self) -> String {
        self.ldk.node_id.to_string()
    }

    /// The node's directory, lightningd's `lightning-dir`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The socket on which the node speaks lightningd's JSON-RPC.
    pub fn rpc_path(&self) -> PathBuf {
        self.dir.join("lightning-rpc")
    }

    /// Where other nodes connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What this node owns in its channels, in millisatoshi, exact once payments have settled.
    pub fn channel_balance_msat(&self) -> u64 {
        self.channels()
            .iter()
            .map(|channel| self.to_us_msat(channel))
            .sum()
    }

    /// How many of its channels can carry payments now.
    pub fn usable_channels(&self) -> usize {
        self.ldk.channel_manager.list_usable_channels().len()
    }

    /// What forwarding other nodes' payments earned, in millisatoshi.
    pub fn fees_collected_msat(&self) -> u64 {
        self.ledger.fees_msat()
    }

    /// Opens the JSON-RPC socket again after [`Node::stop_rpc`]. It does nothing while it is open.
    ///
    /// # Errors
    /// Names the socket if it cannot be made.
    pub fn start_rpc(self: &Arc<Self>) -> anyhow::Result<()> {
        let mut rpc = lock(&self.rpc);
        if rpc.is_none() {
            *rpc = Some(rpc::Server::start(self)?);
        }
        Ok(())
    }

    /// Closes the JSON-RPC socket and every connection to it, as lightningd does when it ends:
    /// calls in flight get no answer, the file stays, connecting is refused. The node itself goes
    /// on, so payments arrive meanwhile.
    pub fn stop_rpc(&self) {
        lock(&self.rpc).take();
    }

    /// Connects to another node and waits until both are ready to talk.
    pub async fn connect(
        &self,
        peer: PublicKey,
        address: SocketAddr,
    ) -> Result<PeerDetails, ConnectError> {
        if let Some(details) = self.peer(peer) {
            return Ok(details);
        }
        if !self.is_online() {
            return Err(ConnectError(address));
        }
        let stream = dial(address).await.map_err(|_| ConnectError(address))?;
        let peers = Arc::clone(&self.ldk.peer_manager);
        let closed = lightning_net_tokio::setup_outbound(peers, peer, stream);
        let ready = async {
            loop {
                if let Some(details) = self.peer(peer) {
                    return details;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            details = ready => Ok(details),
            () = closed => Err(ConnectError(address)),
            () = tokio::time::sleep(CONNECT_TIMEOUT) => Err(ConnectError(address)),
        }
    }

    /// Ends the node: its socket, its connections and its tasks.
    pub fn shut_down(&self) {
        self.stop_rpc();
        if let Some(listener) = lock(&self.listener).take() {
            listener.abort();
        }
        self.go_offline();
        self.stop.send_replace(true);
    }

    pub(crate) fn peer(&self, peer: PublicKey) -> Option<PeerDetails> {
        self.ldk.peer_manager.peer_by_node_id(&peer)
    }

    pub(crate) fn channels(&self) -> Vec<ChannelDetails> {
        self.ldk.channel_manager.list_channels()
    }

    /// This node's part of a channel: what it put in, and what came and went since.
    pub(crate) fn to_us_msat(&self, channel: &ChannelDetails) -> u64 {
        let funded = if channel.is_outbound {
            channel.channel_value_satoshis * 1000
        } else {
            0
        };
        let tally = self.ledger.tally(channel.channel_id);
        (funded + tally.in_msat).saturating_sub(tally.out_msat)
    }

    fn listen(self: &Arc<Self>, listener: TcpListener) {
        let node = Arc::downgrade(self);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(node) = node.upgrade() else { return };
                let peers = Arc::clone(&node.ldk.peer_manager);
                if node.is_online()
                    && let Ok(stream) = without_delay(stream)
                {
                    // The connection runs in tasks of its own until it is closed.
                    drop(lightning_net_tokio::setup_inbound(peers, stream));
                }
            }
        });
        *lock(&self.listener) = Some(task.abort_handle());
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

async fn dial(address: SocketAddr) -> io::Result<std::net::TcpStream> {
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
    without_delay(stream)
}

/// A payment is a dance of small messages. If TCP waited for an acknowledgement before it sends
/// the next one, which the other side delays, each payment would take 80 ms longer.
fn without_delay(stream: TcpStream) -> io::Result<std::net::TcpStream> {
    stream.set_nodelay(true)?;
    stream.into_std()
}

/// 32 bytes from the operating system.
pub(crate) fn random_bytes() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the operating system gives no random bytes")?;
    Ok(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
