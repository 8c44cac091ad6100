//! The program's tests, which run it as owners do: one program, because linking many takes longer than
//! running them.
//!
//! - `kubernetes`: packaging/kubernetes.
//! - `process`: its start, its end and its log; `running`: what it costs; `systemd`: the unit.
//! - `own_store`, `goods`, `prices`, `reload`: a store of one's own, from its file; `guide`: docs/store.md.
//! - `desk`: the owner's desk.
//! - `look`: what a store says and how it looks.
//! - `secret`: lost and rotated; `parts`: what the library is made of.
//! - `rune`, `guard`: a node that a gateway cannot spend from, behind clnrest or behind the guard.
//! - `sealed`: goods whose ciphertext may lie anywhere.
//! - `sales`: what was sold, as owners see it; `webhooks`: every payment is reported.
//! - `proxies`: behind nginx, Apache and HAProxy, one gateway or several; `tls`: HTTPS by itself;
//!   `acme`: with a certificate that it gets.
//! - `examples`: the gateway in programs of one's own.
//! - `buy`: `purrwall buy` and `purrwall verify`; `mcp`: `purrwall mcp`, as an agent uses it.
//! - `plugin`: as lightningd runs it.

#![expect(
    clippy::unwrap_used,
    reason = "a failing test may panic where code may not"
)]

mod acme;
mod buy;
mod desk;
mod examples;
mod goods;
mod guard;
mod guide;
mod kubernetes;
mod look;
mod mcp;
mod own_store;
mod parts;
mod plugin;
mod prices;
mod process;
mod proxies;
mod reload;
mod rune;
mod running;
mod sales;
mod sealed;
mod secret;
mod several_nodes;
mod systemd;
mod tls;
mod webhooks;
