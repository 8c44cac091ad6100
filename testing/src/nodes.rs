//! Real Lightning nodes, known by their sockets alone: the devnet's, or lightningd's where
//! `PURRWALL_STORE_RPC`, `PURRWALL_ALICE_RPC` and `PURRWALL_BOB_RPC` name them.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::rest;
pub use crate::rpc::call;

/// The network takes a while to start, so the tests that can share one do, and so one runtime.
pub fn run(test: impl Future<Output = ()>) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(test);
}

/// The network that tests share within [`run`].
pub async fn nodes() -> &'static Nodes {
    static NODES: OnceCell<Nodes> = OnceCell::const_new();
    NODES.get_or_init(Nodes::devnet).await
}

/// The sockets of the story.
pub struct Nodes {
    pub store: PathBuf,
    pub alice: PathBuf,
    pub bob: PathBuf,
    /// Ends with the nodes.
    devnet: Option<(devnet::Network, TempDir)>,
}

impl Nodes {
    /// A new network of the story in this process.
    pub async fn devnet() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let network = devnet::Network::story(dir.path()).await.unwrap();
        let socket = |name: &str| dir.path().join(name).join("lightning-rpc");
        if rest::is_wanted() {
            let address = network.store().start_rest(rest::ANY_PORT).unwrap();
            let rune = rest::recorded_rune(&socket("store")).await;
            let client = rest::client(&address, address.address, &rune);
            rest::know(socket("store"), client);
        }
        Self {
            store: socket("store"),
            alice: socket("alice"),
            bob: socket("bob"),
            devnet: Some((network, dir)),
        }
    }

    /// Starts alice's clnrest, at an address of its own; `None` where she is no node of the devnet's.
    pub fn rest_of_alice(&self) -> Option<devnet::Rest> {
        let (network, _) = self.devnet.as_ref()?;
        Some(network.alice().start_rest(rest::ANY_PORT).unwrap())
    }

    /// The running nodes that the environment names, or what it does not.
    pub fn from_environment() -> Result<Self, String> {
        let socket = |variable: &str| {
            env::var_os(variable)
                .map(PathBuf::from)
                .ok_or_else(|| format!("{variable} names no socket of a running lightningd"))
        };
        Ok(Self {
            store: socket("PURRWALL_STORE_RPC")?,
            alice: socket("PURRWALL_ALICE_RPC")?,
            bob: socket("PURRWALL_BOB_RPC")?,
            devnet: None,
        })
    }
}

/// Pays the invoice; gives the preimage that the payer learns.
pub async fn pay(payer: &Path, bolt11: &str) -> String {
    let paid = call(payer, "xpay", json!({ "invstring": bolt11 }))
        .await
        .unwrap();
    paid["payment_preimage"].as_str().unwrap().to_owned()
}

/// What the node owns in its channels, in msat.
pub async fn balance(socket: &Path) -> u64 {
    let listed = call(socket, "listpeerchannels", json!({})).await.unwrap();
    let channels = listed["channels"].as_array().unwrap();
    channels
        .iter()
        .map(|channel| channel["to_us_msat"].as_u64().unwrap())
        .sum()
}
