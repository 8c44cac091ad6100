//! What a gateway is told: plain values, checked by whoever read them. Nothing is read here.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method};
use ipnet::IpNet;
use lightningd::Endpoint;
use shared::api::{ItemId, MAX_WAIT_SECS, Scene, Word};
use shared::fiat::{Currency, Decimal};
use shared::lightning::Network;

use crate::goods::price::Price;
use crate::look::colours::Colours;
use crate::payments::label::StoreId;
pub use crate::routes::pattern::{ParsePatternError, Pattern};
use crate::verify_key::VerifyKey;

/// Everything that a gateway is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where lightningd is; where there are several, each purchase goes to one of them. There has to be one
    /// at least.
    pub nodes: Vec<Endpoint>,
    /// The network that every node has to be on; `None` takes any, but the same for all.
    pub network: Option<Network>,
    /// The store itself.
    pub store: StoreOptions,
    /// The goods.
    pub catalogue: CatalogueOptions,
    /// Services of the owner's behind a price.
    pub routes: Vec<RouteOptions>,
    /// The built page.
    pub page: PageOptions,
    /// How many invoices are made and kept.
    pub limits: LimitsOptions,
    /// What browsers may do.
    pub web: WebOptions,
    /// The key of the owner's own servers, which ask whether a receipt or a claim is good; `None` lets
    /// nobody ask.
    pub verify_key: Option<VerifyKey>,
    /// How many connections may be open.
    pub connections: ConnectionsOptions,
    /// How long things may take.
    pub timing: Timing,
}

impl Options {
    /// The defaults, with this lightningd (by its socket, or by clnrest and a rune) and the two cats
    /// that are built in.
    pub fn new(lightning: impl Into<Endpoint>) -> Self {
        Self {
            nodes: vec![lightning.into()],
            network: None,
            store: StoreOptions::default(),
            catalogue: CatalogueOptions::default(),
            routes: Vec::new(),
            page: PageOptions::default(),
            limits: LimitsOptions::default(),
            web: WebOptions::default(),
            verify_key: None,
            connections: ConnectionsOptions::default(),
            timing: Timing::default(),
        }
    }
}

/// The store itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Its name at lightningd, which tells its invoices from those of other stores at the same node.
    pub id: StoreId,
    /// The store's name, as buyers see it.
    pub name: String,
    /// The address by which buyers know it, without a slash at its end.
    pub public_url: Option<String>,
    /// How long a new invoice can be paid, in seconds; at most [`MAX_EXPIRY`].
    pub invoice_expiry_secs: u32,
}

/// The longest time that an invoice can be paid. lightningd aborts at 2^60 seconds, and nobody
/// waits longer than this.
pub const MAX_EXPIRY: Duration = Duration::from_hours(30 * 24);

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            id: StoreId::default(),
            name: "Purrwall".into(),
            public_url: None,
            invoice_expiry_secs: 600,
        }
    }
}

/// What is sold. By default the two cats that are built in.
#[derive(Clone, Debug)]
pub struct CatalogueOptions {
    /// The store's file; the goods lie in its folder or below. `None` where there is none.
    pub file: Option<PathBuf>,
    /// Where versions that were offered are kept.
    pub versions_dir: PathBuf,
    /// The file of the seal secret, made for the first goods that are sold sealed.
    pub seal_secret_file: PathBuf,
    /// Files and folders that are never for sale.
    pub private: Vec<PathBuf>,
    /// The items in the owner's order.
    pub items: Vec<ItemOptions>,
    /// Whether the built-in cats are sold where there are no items.
    pub cats: bool,
    /// One for each currency of a price.
    pub rates: Vec<RateOptions>,
    /// How the store looks.
    pub look: LookOptions,
}

impl Default for CatalogueOptions {
    fn default() -> Self {
        Self {
            file: None,
            versions_dir: PathBuf::new(),
            seal_secret_file: PathBuf::new(),
            private: Vec::new(),
            items: Vec::new(),
            cats: true,
            rates: Vec::new(),
            look: LookOptions::default(),
        }
    }
}

impl CatalogueOptions {
    /// Whether the built-in cats are what is sold.
    pub fn sells_cats(&self) -> bool {
        self.cats && self.items.is_empty()
    }
}

/// How the store looks and what it says of itself. What is not set stays as it is built in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookOptions {
    /// The heading of the store's page.
    pub headline: Option<String>,
    /// The sentence below it; empty leaves it out.
    pub subline: Option<String>,
    /// What stands at the foot of the page; empty leaves it out.
    pub footer: Option<String>,
    /// The colours of the main button, of the ground and of the text.
    pub colours: Colours,
    /// The picture beside the store's name.
    pub logo: Option<NamedFile>,
    /// The picture in the browser's tab.
    pub favicon: Option<NamedFile>,
    /// The list of wallets for buyers who have none; `None` takes the built-in one.
    pub wallets: Option<NamedFile>,
    /// What stands before items that say nothing else; `None` is the box for the built-in cats, and
    /// the card for all others.
    pub scene: Option<Scene>,
    /// The words on buttons of items that say nothing else; none are chosen by the kind of goods.
    pub button: Vec<Word>,
}

/// A file that the store's file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The file, as a path that may begin at the store's folder.
    pub path: PathBuf,
    /// Where it was named, for errors.
    pub place: String,
}

/// An item as its owner describes it.
#[derive(Clone, Debug)]
pub struct ItemOptions {
    /// Its name in URLs.
    pub id: ItemId,
    /// Its name for people.
    pub title: String,
    /// What is shown before payment.
    pub teaser: String,
    /// The goods, as a path that may begin at the store's folder.
    pub file: PathBuf,
    /// Where the file was named, for errors.
    pub place: String,
    /// What it costs.
    pub price: Price,
    /// How long the goods can be fetched after the invoice has expired; `None` is for good.
    pub valid_for: Option<Duration>,
    /// Their media type; `None` guesses by the file's name.
    pub content_type: Option<String>,
    /// Whether they are sold sealed, and where their ciphertext lies: addresses that end in a slash, to be
    /// tried in turn. `None` sells them as they are.
    pub sealed_at: Option<Vec<String>>,
    /// What stands before it until it is paid for; `None` leaves that to the store's look.
    pub scene: Option<Scene>,
    /// A picture to show before the payment; `None` takes the goods, where they are a picture.
    pub preview: Option<NamedFile>,
    /// The words on its button; none leaves them to the store's look.
    pub button: Vec<Word>,
}

/// A service of the owner's behind a price.
#[derive(Clone, Debug)]
pub struct RouteOptions {
    /// Its name in claims; routes with the same name are paid for together.
    pub name: ItemId,
    /// Which paths are meant.
    pub path: Pattern,
    /// What buyers read.
    pub title: String,
    /// What it costs.
    pub price: Price,
    /// How long it is open after the invoice has expired; `None` is for good.
    pub valid_for: Option<Duration>,
    /// The service's host and port, by HTTP. `None` where a proxy stands before the service and asks at
    /// `/auth/<name>` whether a request may pass.
    pub upstream: Option<Authority>,
    /// The methods that it has; none is all.
    pub methods: Vec<Method>,
    /// Paths that cost nothing.
    pub free: Vec<Pattern>,
    /// What the service is told is signed with it.
    pub signing_key: Option<Arc<str>>,
}

/// Where the rate of a currency comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateOptions {
    /// The currency.
    pub currency: Currency,
    /// The source.
    pub source: RateSource,
}

/// Where a rate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateSource {
    /// The owner.
    Fixed(Decimal),
    /// A JSON document.
    Endpoint {
        /// Its address: HTTPS, or HTTP on this machine.
        url: String,
        /// Where in the document the rate stands (RFC 6901).
        pointer: String,
        /// Another document that has to agree.
        second: Option<RateEndpoint>,
        /// A rate that is older sells nothing.
        max_age: Duration,
        /// What is believed.
        limits: RateLimits,
    },
}

/// A JSON document with a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateEndpoint {
    /// Its address.
    pub url: String,
    /// Where in the document the rate stands.
    pub pointer: String,
}

/// Which rates of a document are believed. At any other, nothing is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// The lowest.
    pub min: Option<Decimal>,
    /// The highest.
    pub max: Option<Decimal>,
    /// How many per cent the larger of two rates in a row may be above the smaller. With a second
    /// source, that one's word counts instead.
    pub max_jump: u32,
    /// How many per cent the larger of the two sources' rates may be above the smaller.
    pub max_difference: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            min: None,
            max: None,
            max_jump: 50,
            max_difference: 5,
        }
    }
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageOptions {
    /// The folder of the built page; `None` serves the page that is built in, if there is one.
    pub dir: Option<PathBuf>,
    /// A script that index.html is to load, for development.
    pub webln_script: Option<String>,
}

impl PageOptions {
    /// Whether a page is built in.
    pub const INSIDE: bool = cfg!(page_inside);
}

/// How many invoices are made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsOptions {
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// For each client; `None` is no limit.
    pub invoices_per_minute: Option<NonZeroU32>,
    /// Unpaid and not expired, for each client; `None` is no limit.
    pub open_invoices_per_client: Option<NonZeroU32>,
    /// The same for each network of 256 IPv4 addresses or of 56 bits of IPv6; one of 48 bits may have
    /// four times as many. `None` is no limit.
    pub open_invoices_per_network: Option<NonZeroU32>,
    /// The same for all clients together. Beyond it, only a network that has none gets one. Clients
    /// whose address is not known have as many among themselves, and no more. `None` is no limit.
    pub open_invoices: Option<NonZeroU32>,
    /// No more than these whoever asks, with those that were found in lightningd's book: the gateway
    /// remembers each of them.
    pub most_open_invoices: NonZeroU32,
    /// How long after their expiry they are deleted; `None` leaves that to lightningd.
    pub delete_expired: Option<Duration>,
}

impl Default for LimitsOptions {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            invoices_per_minute: NonZeroU32::new(30),
            open_invoices_per_client: NonZeroU32::new(5),
            open_invoices_per_network: NonZeroU32::new(50),
            open_invoices: NonZeroU32::new(10_000),
            most_open_invoices: NonZeroU32::new(100_000).expect("it is not 0"),
            delete_expired: Some(Duration::from_hours(1)),
        }
    }
}

impl LimitsOptions {
    /// Whether the address is that of a trusted proxy.
    pub(crate) fn trusts(&self, address: &IpAddr) -> bool {
        let mut proxies = self.trusted_proxies.iter();
        proxies.any(|proxy| proxy.contains(address))
    }
}

/// How many connections may be open, and how many requests may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionsOptions {
    /// Connections in all.
    pub total: usize,
    /// Connections of one client: an IPv4 address, or an IPv6 network of 64 bits. Trusted proxies
    /// have no bound but the total.
    pub per_client: usize,
    /// Requests that wait for the payment of one invoice.
    pub waits_per_claim: usize,
}

/// Descriptors for all that is no connection: lightningd's socket, webhooks, the log, the listeners,
/// and the connections that are being closed.
const RESERVED_DESCRIPTORS: u64 = 192;
/// A connection takes some 20 kB, so these take some 300 MB.
const MOST_CONNECTIONS: u64 = 16_384;

impl ConnectionsOptions {
    /// The bounds of a program that may open so many descriptors.
    pub fn within(descriptors: u64) -> Self {
        // While goods are delivered, their file takes a descriptor, too.
        let total = (descriptors.saturating_sub(RESERVED_DESCRIPTORS) / 2).min(MOST_CONNECTIONS);
        let total = usize::try_from(total).unwrap_or(usize::MAX).max(8);
        Self {
            total,
            per_client: total / 2,
            // A buyer has a few windows; a crowd that shares one claim is not a buyer.
            waits_per_claim: 64,
        }
    }
}

impl Default for ConnectionsOptions {
    /// What fits into the 1,024 descriptors that every system gives.
    fn default() -> Self {
        Self::within(1024)
    }
}

/// What browsers may do with the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOptions {
    /// Who may show the store's pages in a frame, as the Content-Security-Policy has it.
    pub frame_ancestors: String,
    /// The origins whose pages may use the API; `None` is all.
    pub cors_origins: Option<Vec<HeaderValue>>,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            frame_ancestors: "'none'".into(),
            cors_origins: None,
        }
    }
}

/// The gateway's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The file of the chain, in PEM.
    pub certificate: PathBuf,
    /// The file of its key, in PEM.
    pub key: PathBuf,
}

/// A certificate that the gateway gets and renews by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeOptions {
    /// The names that it is for, at least one.
    pub domains: Vec<String>,
    /// The address of the CA's directory (RFC 8555, 7.1.1).
    pub directory: String,
    /// The file, in PEM, of the certificate that the CA's own is signed by; `None` trusts those that browsers
    /// trust.
    pub authority: Option<PathBuf>,
    /// Where it is kept, with its key.
    pub dir: PathBuf,
}

/// Who is told of payments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhooksOptions {
    /// Their addresses.
    pub urls: Vec<String>,
    /// Where undelivered webhooks are kept.
    pub dir: PathBuf,
}

/// How long things may take. Owners have no reason to change it; tests shorten it.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A call to lightningd.
    pub call_deadline: Duration,
    /// One question of the watcher's for the next payment, in whole seconds.
    pub watch_round: Duration,
    /// The watcher's first pause after a lost connection; doubled with each failure …
    pub reconnect_min: Duration,
    /// … up to this.
    pub reconnect_max: Duration,
    /// A receiver's answer to a webhook.
    pub webhook_deadline: Duration,
    /// The first pause before a webhook is sent again; doubled with each failure …
    pub webhook_retry_min: Duration,
    /// … up to this.
    pub webhook_retry_max: Duration,
    /// Between two calls for cleaning.
    pub cleaning_pause: Duration,
    /// Between two looks for what there is to clean.
    pub cleaning_round: Duration,
    /// A request's head, and a connection's rest between two requests.
    pub head: Duration,
    /// A request, up to its answer's head.
    pub request: Duration,
    /// A client that reads no byte of an answer.
    pub write: Duration,
    /// What open requests may take after the end was asked for.
    pub last_requests: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            call_deadline: Duration::from_secs(10),
            watch_round: Duration::from_mins(1),
            reconnect_min: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(1),
            webhook_deadline: Duration::from_secs(15),
            webhook_retry_min: Duration::from_secs(5),
            webhook_retry_max: Duration::from_hours(1),
            cleaning_pause: Duration::from_millis(20),
            cleaning_round: Duration::from_secs(30),
            // Longer than proxies keep an idle connection: otherwise they would send a request on one
            // that has just ended.
            head: Duration::from_secs(75),
            // The longest wait, and lightningd's deadline before and after it.
            request: Duration::from_secs(MAX_WAIT_SECS + 30),
            write: Duration::from_mins(1),
            last_requests: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        for descriptors in [1024, 4096, 20_000] {
            let bounds = ConnectionsOptions::within(descriptors);
            let most = 2 * bounds.total as u64 + RESERVED_DESCRIPTORS;
            assert!(most <= descriptors, "{descriptors}: {bounds:?}");
            assert!(bounds.per_client < bounds.total, "{bounds:?}");
        }
        assert_eq!(ConnectionsOptions::default().total, 416);
        assert_eq!(ConnectionsOptions::within(1 << 20).total, 16_384);
        // With very few descriptors, there is still room for some connections.
        assert_eq!(ConnectionsOptions::within(64).total, 8);
    }
}
