//! The gateway in a program of one's own: its routes to nest, and prices for other routes.

use std::path::PathBuf;

use axum::Router;
use shared::api::ItemId;
use shared::fiat::Currency;

use crate::App;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::config::{Arguments, Config, ConfigError};
use crate::price::Price;
use crate::routes::{self, PriceLayer};
use crate::secret::{Secret, SecretError};

/// A gateway before one lightningd. A clone is another handle to the same one.
///
/// It follows the node's payments in a task of its own, which ends with the last handle, router and
/// layer. lightningd may be away at any time: requests are answered with 503 then.
#[derive(Clone)]
pub struct Gateway {
    app: App,
}

impl Gateway {
    /// A gateway with nothing in its catalogue, to put prices on routes of your own.
    ///
    /// `lightning_rpc` is lightningd's socket. Every claim follows from `secret`: programs that
    /// share it accept each other's claims, and who loses it has to sell again what was sold.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn new(lightning_rpc: impl Into<PathBuf>, secret: &Secret) -> Self {
        let config = Config::before(lightning_rpc.into());
        Self {
            app: App::with(config, secret, Catalogue::default()),
        }
    }

    /// The store that `purrwall --config FILE` runs, with its catalogue, its rates and its secret.
    ///
    /// As there, a `PURRWALL_…` variable wins over the file. Listening is yours; webhooks, and
    /// reading the file again when it changes, are the program's. Keeps a copy of the goods, so it takes as long as
    /// they are large.
    ///
    /// # Errors
    /// What is wrong with the file, the secret or the goods, and the remedy.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn open(file: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let arguments = Arguments::of_file(&file.into());
        let config = Config::new(&arguments).map_err(Cause::from)?;
        let secret = Secret::of(&config).map_err(Cause::from)?;
        let app = App::new(config, &secret).map_err(Cause::from)?;
        Ok(Self { app })
    }

    /// The gateway's routes, to be nested in another router at any path, whatever its state: the
    /// HTTP API, the plain page at `/buy`, and the store's page where a frontend is set, which
    /// needs the root of a host.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use purrwall_gateway::{Gateway, Secret};
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// # let secret = Secret::from_bytes([7; 32]);
    /// let gateway = Gateway::new("/run/lightning-rpc", &secret);
    /// let app: Router = Router::new()
    ///     .route("/", get(|| async { "My own page" }))
    ///     .nest("/store", gateway.router());
    /// # }
    /// ```
    pub fn router<S>(&self) -> Router<S> {
        routes::router(self.app.clone())
    }

    /// Puts a price on a route: a tower `Layer` for any route, or any `Router`, of yours.
    ///
    /// `name` stands in the claims, so it names what is paid for: routes with the same name are paid
    /// for together. It is 1 to 48 of `a-z`, `0-9`, `-`, and has nothing to do with the items of a
    /// catalogue.
    ///
    /// ```
    /// use axum::{Json, Router, routing::get};
    /// use purrwall_gateway::{Gateway, Secret};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = Secret::from_bytes([7; 32]);
    /// let gateway = Gateway::new("/run/lightning-rpc", &secret);
    /// let price = gateway.price("forecast", "10 sat".parse()?)?;
    /// let forecast = get(|| async { Json(["sun", "rain"]) });
    /// let app: Router = Router::new().route("/forecast", forecast.layer(price));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A name of another form, or a price in a currency whose rate the store's file does not give.
    pub fn price(&self, name: &str, price: Price) -> Result<PriceLayer, PriceError> {
        let name: ItemId = name
            .parse()
            .map_err(|_| PriceError::Name(name.to_owned()))?;
        if let Price::Fiat(fiat) = price
            && !self.app.catalogue().rates().follows(fiat.currency)
        {
            return Err(PriceError::Rate(fiat.currency));
        }
        Ok(PriceLayer::new(self.app.clone(), &name, price))
    }
}

/// For this package's own tests, which shorten its waits.
#[doc(hidden)]
impl From<App> for Gateway {
    fn from(app: App) -> Self {
        Self { app }
    }
}

/// Why a store cannot be opened. With its sources, it says what is wrong, where, and the remedy.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OpenError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Why a price cannot be put on a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// The name of the route has another form.
    #[error("{0:?} is no name for what is sold: write 1 to 48 of a-z, 0-9 and -")]
    Name(String),
    /// The price would follow a rate that nobody knows.
    #[error("there is no rate for {0}; open a store whose file has a section [rates.{0}]")]
    Rate(Currency),
}
