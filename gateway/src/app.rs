//! The parts that a gateway is made of, each handed only to those who need it.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRef;
use lightningd::Lightningd;

use crate::goods::catalogue::Catalogue;
use crate::http::api::health::KnownReadiness;
use crate::metrics::Metrics;
use crate::options::{
    ConnectionsOptions, LimitsOptions, Options, PageOptions, RouteOptions, StoreOptions, Timing,
    WebOptions,
};
use crate::payments::claims::Claims;
use crate::payments::cleaning::Cleaning;
use crate::payments::invoices::Invoices;
use crate::payments::label::OldLabels;
use crate::payments::limits::Limits;
use crate::payments::making::Making;
use crate::payments::node::{Company, OurNode};
use crate::payments::nodes::{Member, Nodes};
use crate::payments::open_invoices::OpenInvoices;
use crate::payments::purchases::{self, Purchases};
use crate::payments::refusals::Refusals;
use crate::secret::Secret;
use crate::verify_key::VerifyKey;

/// What a gateway is made of. Handlers and layers take the parts that they need, as axum's `State`.
/// A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

impl App {
    /// Puts the parts together and starts to follow payments, selling what is in `catalogue`. Needs
    /// a Tokio runtime; lightningd may be away.
    pub(crate) fn new(
        options: Options,
        secret: &Secret,
        catalogue: Catalogue,
        metrics: Metrics,
    ) -> Self {
        let timing = options.timing;
        let open = OpenInvoices::new(&options.limits, metrics.clone());
        let open = Arc::new(open);
        let company = Arc::new(Company::new(options.nodes.len(), options.network));
        let starting = Starting {
            options: &options,
            open: &open,
            metrics: &metrics,
            company: &company,
        };
        let (members, cleaning) = (0..options.nodes.len())
            .map(|index| starting.node(index))
            .unzip();
        let purchases = Purchases::new(purchases::Parts {
            claims: Claims::new(secret),
            nodes: Nodes::new(members),
            limits: Limits::new(&options.limits, open.clone()),
            store: options.store.id.clone(),
            refusals: Refusals::new(metrics.clone()),
            seals: catalogue.seals().clone(),
            expiry_secs: options.store.invoice_expiry_secs,
        });
        Self(Arc::new(Parts {
            store: Arc::new(options.store),
            routes: options.routes.into(),
            page: Arc::new(options.page),
            web: Arc::new(options.web),
            limits: Arc::new(options.limits),
            timing,
            shelf: Shelf(Arc::new(RwLock::new(Arc::new(catalogue)))),
            purchases,
            open,
            metrics,
            connections: options.connections,
            verify_key: options.verify_key,
            readiness: KnownReadiness::default(),
            _cleaning: cleaning,
        }))
    }

    /// One of the parts.
    pub(crate) fn part<Part: FromRef<Self>>(&self) -> Part {
        Part::from_ref(self)
    }
}

/// What each node is started with.
struct Starting<'a> {
    options: &'a Options,
    open: &'a Arc<OpenInvoices>,
    metrics: &'a Metrics,
    company: &'a Arc<Company>,
}

impl Starting<'_> {
    /// Starts to follow the payments of the node at this place in the list, and to clean up there. Where there
    /// are several, the log and the metrics name it.
    fn node(&self, index: usize) -> (Member, Cleaning) {
        let Options {
            nodes,
            store,
            connections,
            limits,
            timing,
            ..
        } = self.options;
        let endpoint = &nodes[index];
        let place = endpoint.to_string();
        let named = (nodes.len() > 1).then(|| place.clone());
        let metrics = self.metrics.node(named);
        let lightningd = Lightningd::new(endpoint.clone(), timing.call_deadline);
        let lightningd = Arc::new(lightningd.observed(Arc::new(metrics.clone())));
        let company = self.company.clone();
        let node = Arc::new(OurNode::new(
            lightningd.clone(),
            place,
            company,
            index,
            *timing,
        ));
        let span = node.span();
        let _entered = span.enter();
        let invoices = Invoices::start(
            lightningd.clone(),
            node,
            self.open.clone(),
            store.id.clone(),
            metrics,
            connections.waits_per_claim,
            *timing,
        );
        let old_labels = Arc::new(OldLabels::default());
        let cleaning = Cleaning::start(
            lightningd.clone(),
            self.open.clone(),
            self.metrics.clone(),
            store.id.clone(),
            old_labels.clone(),
            limits.delete_expired,
            *timing,
        );
        let making = Making::new(lightningd, *timing);
        let member = Member {
            invoices,
            making,
            old_labels,
        };
        (member, cleaning)
    }
}

/// The parts that are handed out, and how.
macro_rules! parts {
    ($($field:ident: $Part:ty,)*) => {
        struct Parts {
            $($field: $Part,)*
            _cleaning: Vec<Cleaning>,
        }

        $(impl FromRef<App> for $Part {
            fn from_ref(app: &App) -> Self {
                app.0.$field.clone()
            }
        })*
    };
}

parts! {
    store: Arc<StoreOptions>,
    routes: Arc<[RouteOptions]>,
    page: Arc<PageOptions>,
    web: Arc<WebOptions>,
    limits: Arc<LimitsOptions>,
    timing: Timing,
    shelf: Shelf,
    purchases: Purchases,
    open: Arc<OpenInvoices>,
    metrics: Metrics,
    connections: ConnectionsOptions,
    verify_key: Option<VerifyKey>,
    readiness: KnownReadiness,
}

/// What is sold now; replaced as a whole.
#[derive(Clone)]
pub(crate) struct Shelf(Arc<RwLock<Arc<Catalogue>>>);

impl Shelf {
    /// What is sold now. Whoever answers a request asks once, so that the answer is of one catalogue.
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        let catalogue = self.0.read();
        catalogue.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sells this from now on.
    pub(crate) fn replace(&self, catalogue: Catalogue) {
        let current = self.0.write();
        *current.unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
    }
}
