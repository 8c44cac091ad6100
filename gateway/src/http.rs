//! HTTP: what requests say, and how answers look.

#[cfg(feature = "acme")]
mod acme;
pub(crate) mod admission;
pub(crate) mod answering;
pub(crate) mod api;
pub(crate) mod code;
pub(crate) mod connections;
pub(crate) mod cors;
pub(crate) mod deliver;
pub(crate) mod frontend;
pub(crate) mod listener;
pub(crate) mod owner;
pub(crate) mod part;
pub(crate) mod place;
pub(crate) mod problem;
pub(crate) mod redirect;
pub(crate) mod requests;
pub(crate) mod server;
pub(crate) mod tls;
pub(crate) mod visitor;
