//! Where invoices stand: from memory where that is certain, else from lightningd.
//!
//! lightningd is the only database. RPC load grows with payments, never with the number of buyers
//! who wait, because waiting buyers are woken from memory, and those who ask about the same invoice at
//! once share one call.
//!
//! No payment is missed, because of the order of two things: whoever asks lightningd about an
//! invoice makes its entry first, so that a payment during the question finds it; and the watcher
//! wakes before it moves its index, so that a payment may be reported twice, but is never lost.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use lightningd::{LightningError, Lightningd, Node, Standing};
use shared::api::Status;
use shared::lightning::PaymentHash;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

use crate::clock::unix_now;
use crate::metrics::NodeMetrics;
use crate::options::Timing;
use crate::payments::book::{Asked, Book, Entry, Found};
use crate::payments::label::StoreId;
use crate::payments::node::{NodeError, OurNode};
use crate::payments::open_invoices::OpenInvoices;
use crate::payments::waits::{TooManyWaits, Waits};
use crate::payments::watcher::Watcher;

/// Why nothing can be said about an invoice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvoiceError {
    /// lightningd does not answer.
    #[error("lightningd is not available")]
    Lightning(#[from] LightningError),
    /// The node has no such invoice, or no longer has it.
    #[error("the store's node no longer has this invoice")]
    Unknown,
    /// As many requests wait for it as the bound allows.
    #[error(transparent)]
    TooManyWaits(#[from] TooManyWaits),
}

/// The invoices of one lightningd. Its watcher ends with it. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Invoices(Arc<Inner>);

struct Inner {
    lightningd: Arc<Lightningd>,
    node: Arc<OurNode>,
    book: Arc<Book>,
    metrics: NodeMetrics,
    waits: Waits,
    closing: watch::Sender<bool>,
    watcher: AbortHandle,
}

impl Invoices {
    /// Starts to follow the payments of `lightningd`, which is `node`'s. It may be away now and later. Paid
    /// invoices are no longer `open`.
    pub(crate) fn start(
        lightningd: Arc<Lightningd>,
        node: Arc<OurNode>,
        open: Arc<OpenInvoices>,
        store: StoreId,
        metrics: NodeMetrics,
        waits_per_claim: usize,
        timing: Timing,
    ) -> Self {
        let book = Arc::new(Book::default());
        let watcher = Watcher {
            lightningd: lightningd.clone(),
            node: node.clone(),
            book: book.clone(),
            open,
            store,
            metrics: metrics.clone(),
            timing,
        };
        Self(Arc::new(Inner {
            lightningd,
            node,
            book,
            metrics,
            waits: Waits::new(waits_per_claim),
            closing: watch::Sender::new(false),
            watcher: tokio::spawn(watcher.run().in_current_span()).abort_handle(),
        }))
    }

    /// lightningd itself, for what is not about invoices that are known.
    pub(crate) fn lightningd(&self) -> &Arc<Lightningd> {
        &self.0.lightningd
    }

    /// The node, and whether it is there.
    pub(crate) fn our_node(&self) -> &Arc<OurNode> {
        &self.0.node
    }

    /// The node, from memory where it was asked since the watcher last connected.
    pub(crate) async fn node(&self) -> Result<Node, NodeError> {
        self.0.node.get().await
    }

    /// Asks lightningd now whether it is there, on the right network and in step with its chain.
    pub(crate) async fn ask_node(&self) -> Result<Node, NodeError> {
        self.0.node.ask().await
    }

    /// Whether it is known where the invoice stands, so that lightningd need not be asked.
    pub(crate) fn is_known(&self, payment_hash: PaymentHash) -> bool {
        let entry = self.0.book.entry(payment_hash);
        self.0.certain(&entry).is_some()
    }

    /// Where the invoice stands.
    pub(crate) async fn standing(
        &self,
        payment_hash: PaymentHash,
    ) -> Result<Standing, InvoiceError> {
        let entry = self.0.book.entry(payment_hash);
        let found = self.0.find(payment_hash, &entry).await?;
        if let Some(bolt11) = found.bolt11 {
            entry.keep_bolt11(bolt11);
        }
        Ok(found.standing)
    }

    /// What the buyer pays, from memory where [`standing`](Self::standing) asked lightningd before. It is not
    /// kept for those who [`wait`](Self::wait): they have it.
    pub(crate) async fn bolt11(&self, payment_hash: PaymentHash) -> Result<Arc<str>, InvoiceError> {
        let entry = self.0.book.entry(payment_hash);
        let kept = entry.known().bolt11.clone();
        if let Some(bolt11) = kept {
            return Ok(bolt11);
        }
        // What is certain without asking says no more than that it is missing.
        let missing = || self.0.certain(&entry).filter(|one| matches!(one, Ok(None)));
        let asked = self.0.ask(payment_hash, &entry, missing).await?;
        let found = asked.and_then(|found| found.bolt11);
        let bolt11 = found.ok_or(InvoiceError::Unknown)?;
        entry.keep_bolt11(bolt11.clone());
        Ok(bolt11)
    }

    /// Where the invoice stands once that is final, or at `until`, whichever comes first.
    ///
    /// If lightningd goes away in between, the wait goes on: the answer may still come in time.
    pub(crate) async fn wait(
        &self,
        payment_hash: PaymentHash,
        until: Instant,
    ) -> Result<Standing, InvoiceError> {
        let inner = &self.0;
        let entry = inner.book.entry(payment_hash);
        if until <= Instant::now() {
            return Ok(inner.find(payment_hash, &entry).await?.standing);
        }
        let mut decided = pin!(entry.decided());
        let mut watch = inner.book.watches();
        let mut closing = inner.closing.subscribe();
        let mut standing = inner.find(payment_hash, &entry).await?.standing;
        let is_unpaid = standing.status == Status::Unpaid;
        let _place = is_unpaid
            .then(|| inner.waits.enter(payment_hash))
            .transpose()?;
        let _waiter = inner.metrics.all.waiter();
        while standing.status == Status::Unpaid && Instant::now() < until {
            tokio::select! {
                () = &mut decided => {}
                // A payment between two watches has to be asked for.
                _ = watch.changed() => if watch.borrow_and_update().is_none() { continue },
                () = sleep_until(alarm(standing.expires_at, until)) => {}
                _ = closing.wait_for(|closing| *closing) => break,
            }
            match inner.find(payment_hash, &entry).await {
                Ok(found) => standing = found.standing,
                Err(InvoiceError::Lightning(_)) if Instant::now() < until => {}
                Err(error) => return Err(error),
            }
        }
        Ok(standing)
    }

    /// Whether payments are followed at this moment. Without it they are found by asking.
    pub(crate) fn are_followed(&self) -> bool {
        self.0.book.watch().is_some()
    }

    /// Answers everyone who waits with what is known.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

/// lightningd marks an invoice as expired a moment after its time.
const EXPIRY_GRACE: Duration = Duration::from_secs(1);

/// When to look again at an invoice that nobody pays: after its expiry, once, or at `until`.
fn alarm(expires_at: u64, until: Instant) -> Instant {
    match expires_at.checked_sub(unix_now()) {
        Some(left) => until.min(Instant::now() + Duration::from_secs(left) + EXPIRY_GRACE),
        None => until,
    }
}

impl Inner {
    async fn find(
        &self,
        payment_hash: PaymentHash,
        entry: &Arc<Entry>,
    ) -> Result<Found, InvoiceError> {
        let asked = match self.certain(entry) {
            Some(known) => known,
            // Rare, and much larger than the rest of a request that waits.
            None => Box::pin(self.ask(payment_hash, entry, || self.certain(entry))).await,
        };
        asked?.ok_or(InvoiceError::Unknown)
    }

    /// What is known without asking.
    fn certain(&self, entry: &Entry) -> Option<Asked> {
        let certain = entry.known().certain(self.book.watch(), unix_now())?;
        Some(Ok(certain.map(|standing| Found {
            standing,
            bolt11: None,
        })))
    }

    /// Asks lightningd, together with all who ask about this invoice now, unless `known` has the answer once
    /// it is our turn.
    async fn ask(
        &self,
        payment_hash: PaymentHash,
        entry: &Arc<Entry>,
        known: impl FnOnce() -> Option<Asked>,
    ) -> Asked {
        let (lightningd, book) = (self.lightningd.clone(), self.book.clone());
        let learning = entry.clone();
        let call = async move || {
            // Read before lightningd is asked: if the watch ends meanwhile, so does the certainty.
            let watch = book.watch();
            let found = lightningd.find_by_payment_hash(payment_hash).await?;
            let Some(found) = found else {
                learning.miss(watch);
                return Ok(None);
            };
            Ok(Some(Found {
                standing: learning.learn(found.standing, watch),
                bolt11: found.bolt11.map(Arc::from),
            }))
        };
        let asked = entry.question.ask(known, call).await;
        if let Err(error) = &asked {
            self.node.failed(error);
        }
        asked
    }
}
