//! What the tests share.
//!
//! - `fake_lightningd`: a lightningd that goes wrong in every way.
//! - `rpc`: a call to a node's socket.
//! - `nodes`: real Lightning nodes, of the devnet or of the environment.
//! - `rest`: clnrest before any of them, so that every test can run over it; `line`: a bad line to it.
//! - `tools`: a gateway in this process, asked through its router.
//! - `page_buyer`: a buyer without a browser, driven by the page's own state machine.
//! - `sealed`: what anyone can do with a manifest and a ciphertext.
//! - `static_host`: somebody else's static files, and what can go wrong with them.
//! - `shop`, `faults`: a store for `purrwall buy`, and a faulty way to it.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a failing test may panic where code may not"
)]
#![expect(missing_docs, reason = "read by the tests beside it alone")]

pub mod fake_lightningd;
pub mod faults;
pub mod line;
pub mod nodes;
pub mod page_buyer;
pub mod rest;
pub mod rpc;
pub mod sealed;
pub mod shop;
pub mod static_host;
pub mod tools;
