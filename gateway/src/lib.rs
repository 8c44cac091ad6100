//! Purrwall's gateway: sells over the Lightning Network, through a Core Lightning node
//! (`lightningd`).
//!
//! The program `purrwall` is made with it, and so can be a program of your own:
//!
//! - [`Gateway::router`]: a whole store, nested in another Axum app.
//! - [`Gateway::price`]: a price on any route of one's own, for clients that speak
//!   [L402](https://github.com/lightninglabs/L402).
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use purrwall_gateway::{Gateway, Secret};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // 32 random bytes, made at the first start. Every claim follows from them.
//! let secret = Secret::load_or_create("my.secret".as_ref())?;
//! let gateway = Gateway::new("/home/me/.lightning/bitcoin/lightning-rpc", &secret);
//! let price = gateway
//!     .price("quotes", "21 sat".parse()?)?
//!     .title("A day of wise words")
//!     .valid_for(Duration::from_hours(24));
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "Wise words at /quote" }))
//!     .route("/quote", get(|| async { "Curiosity is no crime." }).layer(price));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! It keeps no state that a restart would lose. lightningd knows the invoices and the payments;
//! claims follow from the secret; so any number of gateways with the same secret can share one
//! lightningd. It has no code that could spend the node's money.
//!
//! # Layout, in reading order
//!
//! - [`Gateway`]: the library's face. [`options`]: what it is told; [`Secret`]: what claims follow from;
//!   [`VerifyKey`]: what the owner's own servers are known by.
//! - `app`: the parts, each handed only to those who need it.
//! - `owning`: what the owner may know and do, beyond what strangers may.
//! - `router`: the table of routes. `priced`: the tower layer that puts a price on any route.
//! - `routes/`: routes with a price before services of the owner's.
//! - `http/`: what requests say and how answers look; `http/api/`: a file for each noun;
//!   `http/problem`: the one place where an error becomes a status.
//! - `look`: the owner's words, colours and pictures. `pages/`: the pages without script.
//! - `payments/`: claims, invoices, the one watcher, limits, cleaning, sales, webhooks.
//! - `goods/`: the catalogue, the versions that were offered, prices and rates, delivery.
//! - `retry`: the one loop of everything that has to go on. `metrics`: what is counted.

mod app;
mod clock;
mod errors;
mod gateway;
pub mod goods;
mod http;
pub mod look;
mod mac;
mod metrics;
pub mod options;
mod owning;
mod pages;
mod payments;
mod priced;
mod retry;
mod router;
mod routes;
mod secret;
pub mod stamp;
mod verify_key;

pub use errors::chain;
pub use gateway::{Gateway, PriceError};
pub use goods::price::{ParsePriceError, Price};
pub use http::code::Code;
pub use http::tls::{Tls, TlsError};
pub use lightningd::{Endpoint, LightningError, Node, Rest, RestError};
pub use owning::{NodeReport, plain_style};
pub use pages::qr_code::draw as draw_qr_code;
pub use payments::cleaning::PAID_ARE_DELETED;
pub use payments::label::{ParseStoreIdError, StoreId};
pub use payments::node::{NodeError, check_node};
pub use payments::{claims, sales, webhooks};
pub use priced::{Admitted, PriceLayer, Priced};
pub use secret::{KeyId, KeyUse, ParseKeyIdError, ParseSecretError, Secret, SecretError};
pub use verify_key::{VerifyKey, VerifyKeyError};
