//! The gateway's tests: one program, because linking many takes longer than running them.
//!
//! - `invoices`, `payments`, `content`, `discovery`: the API, over a lightningd that goes wrong.
//! - `openapi`: the API's own description, held against its answers.
//! - `page`: static files, CORS, headers.
//! - `plain`: the pages that need no script.
//! - `codes`: codes on paper, as wallets follow them.
//! - `macaroons`: claims against other implementations.
//! - `neighbours`: two stores at one node, and labels of before.
//! - `purchase`, `story`: whole purchases, over real Lightning payments too.
//! - `library`, `visit`: the gateway in programs of one's own.
//! - `refused`: what opens without lightningd's word, and what the owner hears of the rest.
//! - `routes`: services behind a price; `auth`: those behind a proxy that asks.
//! - `schemes`: programs with one credential for a host, and the scheme `Payment`.
//! - `verify`: the question of an owner's own server; `vectors`: what its modules are tested on.
//! - `sealed`: goods whose ciphertext may lie anywhere.
//! - `spam`: limits on invoices, and the deletion of expired ones.
//! - `crowd`: many buyers at once, at lightningd's pace.
//! - `slow_line`: a node elsewhere, behind clnrest.
//! - `watcher`: a lightningd that goes wrong in every way.
//! - `observed`: metrics, request ids, and what browsers are told.

#![expect(
    clippy::unwrap_used,
    reason = "a failing test may panic where code may not"
)]

mod auth;
mod codes;
mod content;
mod crowd;
mod discovery;
mod invoices;
mod library;
mod macaroons;
mod neighbours;
mod observed;
mod openapi;
mod page;
mod payments;
mod plain;
mod purchase;
mod refused;
mod routes;
mod schemes;
mod sealed;
mod several_nodes;
mod slow_line;
mod spam;
mod story;
mod vectors;
mod verify;
mod visit;
mod watcher;
