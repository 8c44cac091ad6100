//! A guard before lightningd's socket. It runs as lightningd's user and listens on a socket for one
//! store: it passes on the calls that a store makes, about invoices with the store's own labels, and
//! nothing else. What lightningd answers about the invoices of others is left out.
//!
//! # Layout, in reading order
//!
//! - `owns`: whose invoice a label names.
//! - `policy`: which requests are passed on, and as what. Pure.
//! - `answers`: what is left of an answer. Pure.
//! - `framing`: requests and answers on a stream.
//! - `server`: the socket, and its connections.

mod answers;
mod framing;
mod owns;
mod policy;
mod server;

pub use owns::Owns;
pub use server::{Guard, listen};
