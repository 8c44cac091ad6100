//! A guard before lightningd's socket. It runs as lightningd's user and listens on a socket for one
//! store: it passes on the calls that a store makes, about invoices with the store's own labels, and
//! nothing else. What lightningd answers about the invoices of others is left out.
//!
//! # Layout, in reading order
//!
//! - `policy`: which requests are passed on, and as what. Pure.
//! - `answers`: what is left of an answer. Pure.
//! - `framing`: requests and answers on a stream.
//! - `server`: the socket, and its connections.

mod answers;
mod framing;
mod policy;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

pub use server::listen;

/// Whether an invoice with this label is the store's.
pub type Owns = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What a guard guards, and for whom.
#[derive(Clone)]
pub struct Guard {
    /// lightningd's own socket.
    pub lightning_rpc: PathBuf,
    /// Which invoices the store may see.
    pub owns: Owns,
}
