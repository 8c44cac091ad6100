//! The one watcher of a node, which follows its payments over as many connections as it takes.

use std::convert::Infallible;
use std::sync::Arc;

use lightningd::{LightningError, Lightningd, Payment};

use crate::errors::chain;
use crate::metrics::NodeMetrics;
use crate::options::Timing;
use crate::payments::book::Book;
use crate::payments::label::StoreId;
use crate::payments::node::{NodeError, OurNode};
use crate::payments::open_invoices::OpenInvoices;
use crate::payments::sales::Sale;
use crate::retry::{Attempt, Health, Pauses, retry};

/// What the watcher tells of each payment.
pub(crate) struct Watcher {
    pub(crate) lightningd: Arc<Lightningd>,
    pub(crate) node: Arc<OurNode>,
    pub(crate) book: Arc<Book>,
    pub(crate) open: Arc<OpenInvoices>,
    pub(crate) store: StoreId,
    pub(crate) metrics: NodeMetrics,
    pub(crate) timing: Timing,
}

struct Watching {
    watcher: Watcher,
    place: Place,
}

impl Attempt for Watching {
    type Done = Infallible;
    type Error = LightningError;

    async fn attempt(&mut self, health: &mut Health) -> Result<Infallible, LightningError> {
        let ended = self.watcher.follow(&mut self.place, health).await;
        if self.watcher.book.set_watch(None) {
            self.place.watches += 1;
        }
        self.watcher.metrics.watcher_is_up(false);
        if let Err(error) = &ended {
            self.watcher.node.failed(error);
        }
        ended
    }

    fn tell(&self, error: &LightningError, cause: &str) {
        tracing::warn!("payments are not followed: {cause}; {}", error.remedy());
    }
}

/// Where the watcher stands, over all connections.
#[derive(Default)]
struct Place {
    /// The payment that was told last; `None` before the first watch.
    newest: Option<u64>,
    /// How many watches there were.
    watches: u64,
}

impl Watcher {
    /// Follows payments without end.
    pub(crate) async fn run(self) -> Infallible {
        let pauses = Pauses::new(self.timing.reconnect_min, self.timing.reconnect_max);
        let watching = Watching {
            watcher: self,
            place: Place::default(),
        };
        retry(pauses, watching).await
    }

    /// One watch: from a new connection up to its end.
    async fn follow(
        &self,
        place: &mut Place,
        health: &mut Health,
    ) -> Result<Infallible, LightningError> {
        let mut connection = self.lightningd.watch().await?;
        match self.node.ask().await {
            Ok(node) => {
                tracing::info!(node_id = %node.id, network = %node.network, "payments are followed");
            }
            Err(NodeError::Lightning(error)) => return Err(error),
            Err(unfit) => tracing::error!("{}", chain(&unfit)),
        }
        // Earlier payments are found by asking, so they are not replayed. Those missed since the
        // last watch are told now, unless lightningd has another book than then.
        let now_newest = connection.newest_pay_index().await?;
        let before = place.newest;
        let mut last = before.map_or(now_newest, |before| before.min(now_newest));
        self.book.set_watch(Some(place.watches));
        self.metrics.watcher_is_up(true);
        health.is_well();
        loop {
            let wait = self.timing.watch_round;
            if let Some(payment) = connection.next_payment(last, wait).await? {
                // Waiting buyers are woken before the index moves: a payment may be reported twice,
                // but is never lost.
                self.paid(&payment);
                last = payment.pay_index;
            }
            place.newest = Some(last);
        }
    }

    fn paid(&self, payment: &Payment) {
        self.open.remove(payment.payment_hash);
        self.book.paid(payment.payment_hash, payment.standing);
        if let Some(sale) = Sale::of(payment, &self.store) {
            let lag_secs = self.metrics.sold(&sale);
            tracing::info!(
                payment_hash = %sale.payment_hash,
                item = sale.item,
                amount_msat = sale.amount_msat.0,
                received_msat = sale.amount_received_msat.0,
                lag_secs,
                "paid"
            );
        }
    }
}
