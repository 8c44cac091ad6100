//! The gateway's tests: one program, because linking many takes longer than running them.
//!
//! - `fake_lightningd`, `nodes`, `tools`, `buyer`: what the tests are made with.
//! - `invoices`, `payments`, `content`, `discovery`, `recorded`: the API, over a lightningd that goes wrong.
//! - `openapi`: the API's own description, held against its answers.
//! - `page`: static files, CORS, headers.
//! - `plain`: the page that needs no script.
//! - `macaroons`: claims against other implementations.
//! - `purchase`, `story`: whole purchases, over real Lightning payments too.
//! - `buy`: `purrwall buy` and `purrwall verify`.
//! - `own_store`, `goods`, `prices`, `reload`: a store of one's own, from its file; `guide`: docs/store.md.
//! - `sales`: what was sold, as owners see it.
//! - `proxies`: behind nginx, Apache and HAProxy, one gateway or several.
//! - `tls`: HTTPS by ourselves.
//! - `webhooks`: every payment is told, and receivers can check it.
//! - `library`, `visit`, `examples`: the gateway in programs of one's own.
//! - `spam`: limits on invoices, and the deletion of expired ones.
//! - `plugin`: as lightningd runs it.
//! - `watcher`: a lightningd that goes wrong in every way.
//! - `observed`: metrics, request ids, and what browsers are told; `systemd`: the unit.
//! - `running`: what it costs, what systemd is told, how it ends.
//! - `process`: the program itself, its start, its end and its log.

#![expect(
    clippy::unwrap_used,
    reason = "a failing test may panic where code may not"
)]

mod buy;
mod buyer;
mod content;
mod discovery;
mod examples;
mod fake_lightningd;
mod goods;
mod guide;
mod invoices;
mod library;
mod macaroons;
mod nodes;
mod observed;
mod openapi;
mod own_store;
mod page;
mod payments;
mod plain;
mod plugin;
mod prices;
mod process;
mod proxies;
mod purchase;
mod recorded;
mod reload;
mod running;
mod sales;
mod spam;
mod story;
mod systemd;
mod tls;
mod tools;
mod visit;
mod watcher;
mod webhooks;
