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
//! From the bottom up; nothing uses what is above it.
//! - [`chain`] and [`wallet`]: blocks, transactions, coins.
//! - [`invoices`], [`payments`], [`ledger`], [`openings`], `presence`, `walks`, `autoclean` and
//!   `runes`: what a node remembers. They know nothing of LDK's parts, of time or of sockets.
//! - `ldk`, `gossip`, `watched_router` and `parts`: LDK, configured and put together.
//! - [`node`]: what a node consists of.
//! - [`peers`], `channels`, `receiving`, `invoicing`, `history` and [`pay`]: what a node does;
//!   `events` and `tasks` drive it.
//! - `rpc`: lightningd's JSON-RPC on a socket, at the pace of [`main_loop`].
//! - `rest`: the same over HTTPS, for clients that have one of the node's `runes`.
//! - `lifecycle`: a node's start and end.
//! - [`plan`] and [`network`]: store, alice, bob and perhaps others, connected as in the story
//!   or at random.
//! - [`http`]: the network's own page, which draws a [`picture`] of it and of its payments, and
//!   what other pages need to pay.

pub mod bolt11;
pub mod chain;
pub mod hex;
pub mod http;
pub mod invoices;
pub mod ledger;
pub mod main_loop;
pub mod network;
pub mod node;
pub mod openings;
pub mod pay;
pub mod payments;
pub mod peers;
pub mod picture;
pub mod plan;
pub mod wallet;

mod autoclean;
mod background;
mod channels;
mod clock;
mod events;
mod gossip;
mod history;
mod invoicing;
mod ldk;
mod lifecycle;
mod parts;
mod presence;
mod random;
mod receiving;
mod rest;
mod rpc;
mod runes;
mod scid;
mod tasks;
mod walks;
mod watched_router;

pub use main_loop::Pace;
pub use network::Network;
pub use node::Node;
pub use plan::Plan;
pub use rest::server::Rest;
