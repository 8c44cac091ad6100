//! The parts of one Lightning node. What it does with them is in the modules that borrow it, from
//! `peers` to `lifecycle`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::watch;

use crate::autoclean::Autoclean;
use crate::background::Background;
use crate::chain::Chain;
use crate::invoices::InvoiceBook;
use crate::ledger::Ledger;
use crate::main_loop::{MainLoop, Pace};
use crate::openings::Openings;
use crate::parts::Parts;
use crate::payments::PaymentBook;
use crate::plan::Fees;
use crate::presence::Presence;
use crate::random::random_bytes;
use crate::runes::Keeper;
use crate::wallet::Wallet;

/// A Lightning node of the devnet.
pub struct Node {
    name: String,
    dir: PathBuf,
    address: SocketAddr,
    pub(crate) ldk: Parts,
    pub(crate) chain: Arc<Chain>,
    pub(crate) wallet: Wallet,
    pub(crate) invoices: InvoiceBook,
    pub(crate) autoclean: Autoclean,
    pub(crate) payments: PaymentBook,
    pub(crate) ledger: Ledger,
    pub(crate) openings: Openings,
    pub(crate) runes: Keeper,
    pub(crate) presence: Presence,
    pub(crate) announced_channels: AtomicUsize,
    /// Turns true when the node's tasks are to end.
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) main_loop: MainLoop,
    /// Takes connections of other nodes.
    pub(crate) listener: Background,
    /// Serves JSON-RPC.
    pub(crate) rpc: Background,
    /// Serves REST.
    pub(crate) rest: Background,
}

impl Node {
    /// A node with fresh keys that is not running yet.
    pub(crate) fn new(
        name: &str,
        dir: &Path,
        address: SocketAddr,
        chain: Arc<Chain>,
        fees: Fees,
    ) -> anyhow::Result<Self> {
        let seed = random_bytes()?;
        Ok(Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            address,
            ldk: Parts::assemble(name, &chain, &seed, &random_bytes()?, fees),
            wallet: Wallet::new(Arc::clone(&chain), &seed),
            chain,
            invoices: InvoiceBook::new(),
            autoclean: Autoclean::default(),
            payments: PaymentBook::default(),
            ledger: Ledger::default(),
            runes: Keeper::new(&random_bytes()?),
            openings: Openings::default(),
            presence: Presence::default(),
            announced_channels: AtomicUsize::new(0),
            stop: watch::Sender::new(false),
            main_loop: MainLoop::new(),
            listener: Background::default(),
            rpc: Background::default(),
            rest: Background::default(),
        })
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

    /// Three bytes of the node id, as lightningd picks them.
    pub(crate) fn color(&self) -> [u8; 3] {
        let id = self.ldk.node_id.serialize();
        [id[0], id[1], id[2]]
    }

    /// What forwarding other nodes' payments earned, in millisatoshi.
    pub fn fees_collected_msat(&self) -> u64 {
        self.ledger.fees_msat()
    }

    /// Whether the node talks to others.
    pub fn is_online(&self) -> bool {
        self.presence.is_online()
    }

    /// Whether the node holds what it is paid: it neither takes a payment nor sends it back.
    pub fn is_holding(&self) -> bool {
        self.presence.is_holding()
    }

    /// Sets how fast the node answers from now on. It starts quick.
    pub fn set_pace(&self, pace: Pace) {
        self.main_loop.set_pace(pace);
    }

    /// Closes the JSON-RPC socket and every connection to it, as lightningd does when it ends:
    /// calls in flight get no answer, the file stays, connecting is refused. The node itself goes
    /// on, so payments arrive meanwhile.
    pub fn stop_rpc(&self) {
        self.rpc.stop();
    }

    /// Closes the REST interface and every connection to it.
    pub fn stop_rest(&self) {
        self.rest.stop();
    }
}
