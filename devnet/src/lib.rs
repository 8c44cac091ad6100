//! A Lightning network in a box, for development and tests.
//!
//! Real LDK nodes in one process: encrypted transport over TCP on loopback, channels, gossip,
//! route finding, onions, HTLCs. Under them is a simulated regtest chain, so no bitcoind is
//! needed. Each node speaks lightningd's JSON-RPC on a Unix socket of its own, so whatever works
//! with lightningd works with a node of this network, and the other way round.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let dir = std::path::Path::new(".devnet");
//! let network = devnet::Network::story(dir).await?;
//! println!("the store listens on {}", network.store().rpc_path().display());
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! - [`chain`] and [`wallet`]: blocks, transactions, coins.
//! - [`node`]: one node, of `parts` (LDK's), `tasks`, `events`, `openings`, `presence`, [`pay`],
//!   [`ledger`], [`payments`] and [`invoices`].
//! - [`rpc`]: lightningd's JSON-RPC on a socket.
//! - [`plan`] and [`network`]: store, alice, bob and perhaps others, connected as the story has it
//!   or at random.
//! - [`http`]: the network's own page, which draws a [`picture`] of it and the `walks` of payments,
//!   and what other pages need to pay.

pub mod bolt11;
pub mod chain;
pub mod hex;
pub mod http;
pub mod invoices;
pub mod invoicing;
pub mod ledger;
pub mod network;
pub mod node;
pub mod openings;
pub mod pay;
pub mod payments;
pub mod picture;
pub mod plan;
pub mod rpc;
pub mod wallet;

mod events;
mod gossip;
mod ldk;
mod parts;
mod presence;
mod tasks;
mod walks;
mod watched_router;

pub use network::Network;
pub use node::Node;
pub use plan::Plan;

/// Seconds since 1970, as block headers count them.
pub(crate) fn unix_time() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u32::try_from(now.as_secs()).unwrap_or(u32::MAX))
}
