//! lightningd's REST plugin, clnrest: the methods over HTTPS, for clients that have a rune.
//!
//! `certificates` are its own authority and the certificate for `localhost`, `routes` turns a
//! request into a call, and `server` listens.

mod certificates;
mod routes;
pub(crate) mod server;
