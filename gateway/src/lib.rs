//! Purrwall's gateway: HTTP in front, lightningd behind, almost nothing between.
//!
//! It keeps no state that a restart would lose. lightningd knows the invoices and the payments;
//! claims follow from the secret; so any number of gateways with the same secret may stand before
//! one lightningd.
//!
//! # Layout, in reading order
//!
//! - [`config`]: flags and environment, as one checked value; [`secret`]: the root secret's file.
//! - [`catalogue`]: what is sold; [`kept`]: the goods in each version that was offered.
//! - [`price`] and [`rates`]: what it costs; [`reload`]: the catalogue read again when it changes.
//! - [`lightningd`]: typed calls over the socket; the only place that knows lightningd's names.
//! - [`payments`]: what is known about invoices, and the one watcher that follows payments.
//! - [`sales`]: what was sold; [`webhooks`]: payments told to the owner's own programs.
//! - [`claim`]: the buyer's ticket, minted, verified, and read from a header.
//! - [`error`]: the one place where an error becomes a status and a problem document.
//! - [`buyer`]: the other side: buys from a store, through a lightningd of its own.
//! - `routes`: the table of routes, a file for each noun; `frontend`: the built page's files;
//!   `plain`: the page that needs no script.

pub mod buyer;
pub mod catalogue;
pub mod claim;
mod clock;
pub mod config;
mod durable;
pub mod error;
mod frontend;
pub mod kept;
mod label;
pub mod lightningd;
pub mod payments;
mod plain;
pub mod price;
pub mod rates;
pub mod reload;
mod routes;
pub mod sales;
pub mod secret;
pub mod webhooks;

use std::io;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

pub use routes::router;

use catalogue::{Catalogue, CatalogueError};
use claim::Claims;
use config::{Config, FrontendConfig, StoreConfig};
use lightningd::Lightningd;
use payments::Payments;
use secret::Secret;

/// What a gateway is made of. A clone is another handle to the same one.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
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
}

impl App {
    /// Reads the goods, puts the parts together and starts to follow payments. Needs a Tokio
    /// runtime; lightningd may be away.
    pub fn new(config: Config, secret: &Secret) -> Result<Self, CatalogueError> {
        let catalogue = Catalogue::load(&config.catalogue, None)?;
        let lightningd = Lightningd::new(config.lightning_rpc, config.timing.call_deadline);
        Ok(Self(Arc::new(Parts {
            store: config.store,
            frontend: config.frontend,
            catalogue: RwLock::new(Arc::new(catalogue)),
            claims: Claims::new(secret),
            payments: Payments::start(lightningd, config.network, config.timing),
        })))
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

/// How long open requests may take after the end was asked for.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Answers requests until `shutdown` is done. Then no new ones are taken, buyers who wait are
/// answered at once, and the open requests are finished.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // An answer is one small packet; Nagle's algorithm would hold it back.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {error}");
        }
    });
    let (ending, mut ended) = tokio::sync::watch::channel(false);
    let waiting = app.clone();
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(async move {
        shutdown.await;
        waiting.payments.close();
        ending.send_replace(true);
    });
    tokio::select! {
        result = server => result,
        () = async {
            // The sender lives as long as the server.
            ended.wait_for(|ended| *ended).await.ok();
            tokio::time::sleep(LAST_REQUESTS).await;
        } => Ok(()),
    }
}
