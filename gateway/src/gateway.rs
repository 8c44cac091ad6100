//! The gateway in a program of one's own: its routes to nest, prices for other routes, and all that the
//! program `purrwall` does with it.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use lightningd::{Endpoint, LightningError, Node};
use shared::api::ItemId;
use shared::fiat::Currency;
use tokio::net::TcpListener;

use crate::app::{App, Shelf};
use crate::goods::catalogue::{Catalogue, CatalogueError};
use crate::goods::price::Price;
use crate::http::api::metrics::metrics_router;
use crate::http::listener::Listener;
use crate::http::redirect;
use crate::http::server;
use crate::http::tls::Tls;
use crate::metrics::Metrics;
use crate::options::{
    CatalogueOptions, ConnectionsOptions, Options, StoreOptions, WebhooksOptions,
};
use crate::payments::node::NodeError;
use crate::payments::purchases::Purchases;
use crate::payments::sales::Report;
use crate::payments::webhooks;
use crate::priced::PriceLayer;
use crate::router::router;
use crate::secret::Secret;

/// A gateway in front of one lightningd, or of several. A clone is another handle to the same one.
///
/// It follows each node's payments in a task of its own, which ends with the last handle, router and
/// layer. lightningd may be away at any time: requests are answered with 503 then.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) app: App,
}

impl Gateway {
    /// A gateway with nothing in its catalogue, to put prices on routes of your own.
    ///
    /// `lightning` is lightningd's socket, or its REST plugin with a rune. Every claim follows from
    /// `secret`: programs that share it accept each other's claims, and whoever loses it has to sell
    /// again what was sold. It has no name, so that the pages to pay on carry the titles of your routes
    /// alone.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn new(lightning: impl Into<Endpoint>, secret: &Secret) -> Self {
        let mut options = Options::new(lightning);
        options.store.name.clear();
        Self {
            app: App::new(options, secret, Catalogue::default(), Metrics::start()),
        }
    }

    /// A gateway that sells what the options name. The crate `purrwall` reads them from a store's
    /// file. Keeps a copy of the goods, so it takes as long as they are large.
    ///
    /// # Errors
    /// What is wrong with the goods, and the remedy.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn with(options: Options, secret: &Secret) -> Result<Self, CatalogueError> {
        let metrics = Metrics::start();
        let catalogue = Catalogue::load(&options.catalogue, None, &metrics.goods())?;
        Ok(Self {
            app: App::new(options, secret, catalogue, metrics),
        })
    }

    /// Sells what these options name from now on. Reading the goods takes as long as they are large,
    /// on a thread of its own; what cannot be read leaves the catalogue as it is.
    ///
    /// # Errors
    /// What is wrong with the goods, and the remedy.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub async fn restock(&self, options: CatalogueOptions) -> Result<(), CatalogueError> {
        let current: Shelf = self.app.part();
        let before = current.catalogue();
        let counts = self.app.part::<Metrics>().goods();
        let load = move || Catalogue::load(&options, Some(&before), &counts);
        let loaded = tokio::task::spawn_blocking(load).await;
        current.replace(loaded.expect("loading does not panic")?);
        Ok(())
    }

    /// How many items are for sale now.
    pub fn items(&self) -> usize {
        self.app.part::<Shelf>().catalogue().items().len()
    }

    /// Asks each lightningd now who the node is, and whether it is on the right network, in the order of the
    /// options.
    pub async fn nodes(&self) -> Vec<Result<Node, NodeError>> {
        self.purchases().nodes().ask().await
    }

    /// Asks several nodes now whether they can be one store's: they have to be on the same network, and each
    /// another one. Those that are away are asked when they are back.
    ///
    /// # Errors
    /// Which of them cannot be, and why.
    pub async fn check_nodes(&self) -> Result<(), NodeError> {
        if self.purchases().nodes().all().len() == 1 {
            return Ok(());
        }
        for node in self.nodes().await {
            match node {
                Ok(_) | Err(NodeError::Lightning(_)) => {}
                Err(unfit) => return Err(unfit),
            }
        }
        Ok(())
    }

    /// Whether payments are followed at this moment, at every node. Without it they are found by asking.
    pub fn follows_payments(&self) -> bool {
        self.purchases().nodes().are_followed()
    }

    /// What was sold at `since` (in UNIX seconds) or later, at all nodes.
    ///
    /// # Errors
    /// If one of them does not answer.
    pub async fn sales(&self, since: u64) -> Result<Report, LightningError> {
        let store: Arc<StoreOptions> = self.app.part();
        let purchases = self.purchases();
        let nodes = purchases.nodes().all().iter();
        let nodes = nodes.map(|member| &**member.invoices.lightningd());
        Report::read(nodes, &store.id, since).await
    }

    /// Answers requests until `shutdown` is done. Then it takes no new ones, answers buyers who wait
    /// at once, and finishes the open requests within a bound.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        self.serve_on(listener, None, shutdown).await;
    }

    /// [`serve`](Self::serve) over TLS.
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        tls: Tls,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        self.serve_on(listener, Some(&tls), shutdown).await;
    }

    /// Leads all requests to https, at one of these names, until `shutdown` is done.
    ///
    /// # Panics
    /// If there is no name.
    pub async fn serve_redirect(
        self,
        listener: TcpListener,
        domains: Vec<String>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        assert!(!domains.is_empty(), "https is at some name");
        let app = &self.app;
        let few = ConnectionsOptions {
            total: redirect::CONNECTIONS,
            per_client: redirect::CONNECTIONS_PER_CLIENT,
            ..app.part()
        };
        let listener = Listener::new(listener, few, app.part(), app.part(), app.part());
        let router = redirect::router(domains);
        server::serve(listener, None, router, app.part(), shutdown, || {}).await;
    }

    async fn serve_on(
        self,
        listener: TcpListener,
        tls: Option<&Tls>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        let (app, router) = (&self.app, self.router());
        let listener = Listener::new(listener, app.part(), app.part(), app.part(), app.part());
        let nodes = self.purchases().nodes().clone();
        let closing = move || nodes.close();
        server::serve(listener, tls, router, app.part(), shutdown, closing).await;
    }

    /// `/metrics` and `/readyz` with all that an operator should know, for an address that strangers
    /// cannot reach.
    pub fn metrics_router(&self) -> Router {
        metrics_router(self.app.clone())
    }

    /// Uses this secret from now on, in which keys were added or taken away. Claims of a key that it
    /// does not have are refused.
    pub fn replace_secret(&self, secret: &Secret) {
        self.purchases().claims().replace_secret(secret);
    }

    /// Reports payments, and buyers who paid and were refused, to the addresses that the options name,
    /// without end.
    pub async fn send_webhooks(&self, options: WebhooksOptions) {
        let purchases = self.purchases();
        let store = self.app.part::<Arc<StoreOptions>>().id.clone();
        let (metrics, timing) = (self.app.part(), self.app.part());
        webhooks::run(options, &purchases, store, metrics, timing).await;
    }

    pub(crate) fn purchases(&self) -> Purchases {
        self.app.part()
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
        router(self.app.clone())
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
            && !self
                .app
                .part::<Shelf>()
                .catalogue()
                .rates()
                .follows(fiat.currency)
        {
            return Err(PriceError::Rate(fiat.currency));
        }
        Ok(PriceLayer::new(self.app.clone(), &name, price))
    }
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
