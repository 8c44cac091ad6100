//! A client of Core Lightning's `lightningd`, typed: its JSON-RPC on the Unix socket, or its REST plugin
//! clnrest with a rune.
//!
//! It has the calls that a store needs: to make, find and delete invoices, and to follow payments.
//! It cannot spend: paying is the feature `pay`, off by default, for programs that buy.
//!
//! cln-rpc provides the types of requests and answers. Its client is not used, because it holds
//! one connection, knows no deadline, and reports a lost connection as an error of lightningd's.
//!
//! # Layout, in reading order
//!
//! - `client`: the calls; whoever measures hands an [`Observer`] in.
//! - `invoice`: invoices and payments; the only place that reads the fields of lightningd's answers.
//! - `entries`: pages of the book, and what a watch heard of; an entry that cannot be read is skipped.
//! - `watch`: a connection that follows payments.
//! - `pay`: pays, with the feature `pay`.
//! - `endpoint`: where lightningd is; `pool`: how many connections there are, and who gets one.
//! - `connection`: one of them, over either way: `socket` or `rest`; `call`: what both share.
//! - `rune`: what a rune restricts, read without a key.
//! - `error`: why a call failed.

mod call;
mod client;
mod connection;
mod endpoint;
mod entries;
mod error;
mod invoice;
mod observer;
#[cfg(feature = "pay")]
mod pay;
mod pool;
mod rest;
pub mod rune;
mod socket;
mod watch;

pub use client::Lightningd;
pub use endpoint::Endpoint;
pub use entries::Page;
pub use error::LightningError;
pub use invoice::{KnownInvoice, ListedInvoice, NewInvoice, Node, Payment, Standing};
pub use observer::Observer;
#[cfg(feature = "pay")]
pub use pay::Sent;
pub use rest::{Rest, RestError};
pub use watch::Watch;
