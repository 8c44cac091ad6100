//! lightningd's JSON-RPC.
//!
//! `wire` cuts a stream into requests and writes answers, `params` reads parameters as lightningd
//! does, `answer` and `error` are what a method answers with, and each family of methods has a
//! module that does the work. `methods` finds the method, `cost` is what it takes lightningd, and
//! `server` is the socket.

pub(crate) mod answer;
mod autoclean;
mod channels;
mod cost;
mod decode;
pub(crate) mod error;
mod fields;
mod funds;
mod info;
mod invoices;
pub(crate) mod methods;
mod params;
mod pay;
mod runes;
pub(crate) mod server;
mod waiting;
pub(crate) mod wire;

/// Only the owner may talk to the node, as with lightningd.
const SOCKET_MODE: u32 = 0o600;
