//! What the owner may know of a gateway and do with it, beyond what strangers may: for a desk.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use shared::api::ItemId;
use tokio::net::TcpListener;

use crate::app::Shelf;
use crate::gateway::Gateway;
use crate::goods::catalogue::Catalogue;
use crate::http::code::Code;
use crate::http::listener::Listener;
use crate::http::place::Place;
use crate::http::server;
use crate::http::tls::Tls;
use crate::metrics::Metrics;
use crate::options::{ConnectionsOptions, StoreOptions};
use crate::pages::views::STYLE;
use crate::payments::node::NodeError;
use crate::payments::open_invoices::OpenInvoices;
use crate::payments::sales::Book;
use crate::payments::webhooks::{self, ResendError, Which};

/// How a node of the store's is at this moment.
#[derive(Debug)]
pub struct NodeReport {
    /// Where it is.
    pub place: String,
    /// Its own word, or why it cannot be used.
    pub word: Result<lightningd::Node, NodeError>,
    /// Whether its payments are followed.
    pub is_followed: bool,
}

/// A desk has few visitors. These are kept apart from the store's, so that a crowd there leaves it alone.
const CONNECTIONS: ConnectionsOptions = ConnectionsOptions {
    total: 48,
    per_client: 48,
    waits_per_claim: 1,
};

/// The style of the pages without script, for other pages of the same look.
pub fn plain_style() -> &'static str {
    &STYLE
}

impl Gateway {
    /// What is sold at this moment.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.app.part::<Shelf>().catalogue()
    }

    /// What differs from the built-in style, as a style sheet.
    pub fn look_css(&self) -> String {
        self.catalogue().look().css.clone()
    }

    /// An item's small picture and its media type, where it has one.
    pub fn preview(&self, item: &ItemId) -> Option<(&'static str, Vec<u8>)> {
        let catalogue = self.catalogue();
        let preview = catalogue.find(item)?.preview()?;
        Some((preview.media_type, preview.bytes.clone()))
    }

    /// An item's code for paper. `None` where the owner has told no address that wallets would follow: they take
    /// `https://`, and `http://` to onion services.
    pub fn code(&self, item: &ItemId) -> Option<Code> {
        let store = self.app.part::<Arc<StoreOptions>>();
        Code::of(&Place::told(&store)?, item)
    }

    /// Asks each node how it is, in the order of the options.
    pub async fn node_reports(&self) -> Vec<NodeReport> {
        let purchases = self.purchases();
        let words = purchases.nodes().ask().await;
        let members = purchases.nodes().all().iter();
        let reports = members.zip(words).map(|(member, word)| NodeReport {
            place: member.invoices.our_node().place().to_owned(),
            word,
            is_followed: member.invoices.are_followed(),
        });
        reports.collect()
    }

    /// The nodes' books, in the order of the options.
    pub fn books(&self) -> Vec<Book> {
        let store = self.app.part::<Arc<StoreOptions>>().id.clone();
        let purchases = self.purchases();
        let members = purchases.nodes().all().iter();
        let books = members.map(|member| Book {
            lightningd: member.invoices.lightningd().clone(),
            store: store.clone(),
        });
        books.collect()
    }

    /// How many invoices are unpaid and not expired, as far as the gateway knows.
    pub fn open_invoices(&self) -> usize {
        self.app.part::<Arc<OpenInvoices>>().count()
    }

    /// Whether webhooks wait at lightningd, because they cannot be kept on the disk.
    pub fn webhooks_are_stalled(&self) -> bool {
        self.app.part::<Metrics>().webhooks_are_stalled()
    }

    /// Asks for webhooks once more; gives how many.
    ///
    /// # Errors
    /// If lightningd does not answer, or the folder cannot be written.
    pub async fn resend_webhooks(&self, dir: PathBuf, which: Which) -> Result<usize, ResendError> {
        let store = self.app.part::<Arc<StoreOptions>>().id.clone();
        let purchases = self.purchases();
        let nodes = purchases.nodes().all().iter();
        let nodes = nodes.map(|member| &**member.invoices.lightningd());
        let nodes: Vec<_> = nodes.collect();
        webhooks::resend(nodes, &store, dir, which).await
    }

    /// Notes buyers who paid and were refused in this folder of webhooks, without end, where none are sent
    /// from it: [`send_webhooks`](Self::send_webhooks) does it, too.
    pub async fn keep_refusals(&self, dir: PathBuf) {
        webhooks::keep_refusals(dir, &self.purchases()).await;
    }

    /// Answers the owner's requests with this router, as carefully as those of strangers, on an address
    /// of their own, until `shutdown` is done.
    pub async fn serve_owner(
        &self,
        listener: TcpListener,
        tls: Option<&Tls>,
        router: Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        let (app, timing) = (&self.app, self.app.part());
        let listener = Listener::new(listener, CONNECTIONS, app.part(), timing, app.part());
        server::serve(listener, tls, router, timing, shutdown, || {}).await;
    }
}
