//! Purrwall's gateway: sells over the Lightning Network, through a Core Lightning node
//! (`lightningd`).
//!
//! This crate is the program `purrwall`, and a library to build one's own:
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
//! claims follow from the secret; so any number of gateways with the same secret may stand before
//! one lightningd.
//!
//! What is listed here is the library, and follows semantic versioning. The modules that rustdoc
//! does not show are parts of the program and may change at any time.
//!
//! # Layout, in reading order
//!
//! - `gateway`: the library's face.
//! - `config`: flags and environment, as one checked value; `secret`: the root secret's file.
//! - `catalogue`: what is sold; `kept`: the goods in each version that was offered.
//! - `price` and `rates`: what it costs; `reload`: the catalogue read again when it changes.
//! - `lightningd`: typed calls over the socket; the only place that knows lightningd's names.
//! - `payments`: what is known about invoices, and the one watcher that follows payments.
//! - `sales`: what was sold; `webhooks`: payments told to the owner's own programs.
//! - `claim`: the buyer's ticket, minted, verified, and read from a header.
//! - `limits`: how many invoices are made, and for whom (`client`); `cleaning`: expired ones deleted.
//! - `server`: connections, their limits, and their end; `tls`: a certificate of the gateway's own.
//! - `metrics`: what is counted and measured.
//! - `error`: the one place where an error becomes a status and a problem document.
//! - `buyer`: the other side: buys from a store, through a lightningd of its own.
//! - `routes`: the table of routes, a file for each noun; `frontend`: the built page's files;
//!   `plain`: the page that needs no script.

/// Compiles the examples of docs/library.md.
#[cfg(doctest)]
#[doc = include_str!("../../docs/library.md")]
struct Guide;

#[doc(hidden)]
pub mod buyer;
#[doc(hidden)]
pub mod catalogue;
#[doc(hidden)]
pub mod claim;
mod cleaning;
mod client;
mod clock;
#[doc(hidden)]
pub mod config;
mod durable;
#[doc(hidden)]
pub mod error;
mod frontend;
mod gateway;
#[doc(hidden)]
pub mod kept;
mod label;
#[doc(hidden)]
pub mod lightningd;
mod limits;
mod metrics;
#[doc(hidden)]
pub mod payments;
mod plain;
#[doc(hidden)]
pub mod price;
#[doc(hidden)]
pub mod rates;
#[doc(hidden)]
pub mod reload;
mod routes;
#[doc(hidden)]
pub mod sales;
#[doc(hidden)]
pub mod secret;
mod server;
#[doc(hidden)]
pub mod tls;
#[doc(hidden)]
pub mod webhooks;

use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

pub use gateway::{Gateway, OpenError, PriceError};
pub use price::{ParsePriceError, Price};
pub use routes::{PriceLayer, Priced};
pub use secret::{ParseSecretError, Secret, SecretError};

#[doc(hidden)]
pub use routes::{metrics_router, router};
#[doc(hidden)]
pub use server::{serve, serve_tls};

use catalogue::{Catalogue, CatalogueError};
use claim::Claims;
use cleaning::Cleaning;
use config::{Config, FrontendConfig, StoreConfig, Timing, WebConfig};
use lightningd::Lightningd;
use limits::{Limits, OpenInvoices};
use metrics::Metrics;
use payments::Payments;

/// What a gateway is made of. A clone is another handle to the same one.
#[doc(hidden)]
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
#[doc(hidden)]
pub struct Parts {
    /// The store's own settings.
    pub store: StoreConfig,
    /// The page's.
    pub frontend: FrontendConfig,
    /// What is sold; replaced as a whole.
    catalogue: RwLock<Arc<Catalogue>>,
    /// The tickets.
    pub claims: Claims,
    /// The node's invoices and payments.
    pub payments: Payments,
    /// How many invoices may be asked for.
    limits: Limits,
    open: Arc<OpenInvoices>,
    metrics: Metrics,
    /// Whether they have an address of their own.
    metrics_elsewhere: bool,
    web: WebConfig,
    timing: Timing,
    _cleaning: Cleaning,
}

impl App {
    /// Reads the goods, puts the parts together and starts to follow payments. Needs a Tokio
    /// runtime; lightningd may be away.
    pub fn new(config: Config, secret: &Secret) -> Result<Self, CatalogueError> {
        let catalogue = Catalogue::load(&config.catalogue, None)?;
        Ok(Self::with(config, secret, catalogue))
    }

    /// The same, selling what is in `catalogue`.
    fn with(config: Config, secret: &Secret, catalogue: Catalogue) -> Self {
        let timing = config.timing;
        let metrics = Metrics::start();
        let lightningd = Lightningd::new(config.lightning_rpc, timing.call_deadline);
        let lightningd = Arc::new(lightningd.measured(metrics.clone()));
        let open = OpenInvoices::new(config.limits.open_invoices, metrics.clone());
        let open = Arc::new(open);
        let delete_after = config.limits.delete_expired;
        Self(Arc::new(Parts {
            store: config.store,
            frontend: config.frontend,
            catalogue: RwLock::new(Arc::new(catalogue)),
            claims: Claims::new(secret),
            payments: Payments::start(
                lightningd.clone(),
                open.clone(),
                metrics.clone(),
                config.network,
                timing,
            ),
            limits: Limits::new(config.limits, open.clone()),
            open: open.clone(),
            metrics: metrics.clone(),
            metrics_elsewhere: config.metrics_listen.is_some(),
            web: config.web,
            timing,
            _cleaning: Cleaning::start(lightningd, open, metrics, delete_after, timing),
        }))
    }

    /// What is sold now. Who answers a request asks once, so that the answer is of one catalogue.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        let catalogue = self.catalogue.read();
        catalogue.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sells this from now on.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        let current = self.catalogue.write();
        *current.unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
