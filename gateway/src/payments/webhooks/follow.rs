//! From lightningd's payments to the spool.
//!
//! This follows payments on a connection of its own, beside the watcher that wakes buyers: it goes
//! on from an index that outlives the process, and a full disk must not keep buyers waiting.

use std::convert::Infallible;
use std::sync::Arc;

use lightningd::{LightningError, Watch};

use crate::metrics::Metrics;
use crate::options::Timing;
use crate::payments::invoices::Invoices;
use crate::payments::label::StoreId;
use crate::payments::node::NodeError;
use crate::payments::sales::Sale;
use crate::payments::webhooks::outbox::Outbox;
use crate::payments::webhooks::place::Place;
use crate::payments::webhooks::spool::SpoolError;
use crate::retry::{Attempt, Health, Pauses, retry};

/// While only payments of others come, the index is written once in so many.
const INDEX_EVERY: u64 = 1000;

/// While the disk is full, no more sales than these are counted.
const MOST_COUNTED: usize = 1000;

#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    #[error("lightningd's payments cannot be read")]
    Lightning(#[from] LightningError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("webhooks cannot be kept")]
    Spool(#[from] SpoolError),
}

/// Turns payments into events.
pub(super) struct Follower {
    pub(super) invoices: Invoices,
    /// Whether it is the first node of the store.
    pub(super) is_first: bool,
    pub(super) store: StoreId,
    pub(super) outbox: Arc<Outbox>,
    pub(super) metrics: Metrics,
    pub(super) timing: Timing,
    /// When webhooks were first sent, in UNIX seconds.
    pub(super) since: u64,
    /// How many webhooks of its sales wait at lightningd, because the disk is full.
    pub(super) behind: usize,
}

impl Attempt for Follower {
    type Done = Infallible;
    type Error = FollowError;

    async fn attempt(&mut self, health: &mut Health) -> Result<Infallible, FollowError> {
        self.follow(health).await
    }

    fn tell(&self, _: &FollowError, cause: &str) {
        tracing::warn!("webhooks of new payments have to wait: {cause}");
    }
}

impl Follower {
    /// Follows payments over as many connections as it takes.
    pub(super) async fn run(self) -> Infallible {
        let pauses = Pauses::new(self.timing.reconnect_min, self.timing.reconnect_max);
        retry(pauses, self).await
    }

    async fn follow(&mut self, health: &mut Health) -> Result<Infallible, FollowError> {
        let mut connection = self.invoices.lightningd().watch().await?;
        let node = self.invoices.node().await?.id;
        let newest = connection.newest_pay_index().await?;
        if self.is_first {
            self.outbox.spool.hand_over(node)?;
        }
        let kept = self.outbox.spool.place(node)?;
        let mut place = if let Some(kept) = kept {
            kept.in_book(&mut connection, newest).await?
        } else {
            // What was sold before there were webhooks is not reported.
            Place::before(&mut connection, newest, self.since).await?
        };
        if kept != Some(place) {
            self.outbox.spool.set_place(node, place)?;
        }
        // Payments up to here became events, whatever lightningd still has of them.
        let told = kept.map_or(newest, |kept| kept.pay_index);
        let mut saved = place;
        loop {
            // Not earlier: a payment that cannot be kept comes again with each try, and would be told
            // of each time.
            if place.pay_index >= newest {
                health.is_well();
            }
            let payment = connection
                .next_payment(place.pay_index, self.timing.watch_round)
                .await?;
            let mut save = true;
            if let Some(payment) = &payment {
                let ours = Sale::of(payment, &self.store);
                if let Some(ours) = &ours {
                    if let Err(error) = self.outbox.sold(ours) {
                        self.count_behind(&mut connection, payment.pay_index, newest)
                            .await?;
                        return Err(error.into());
                    }
                    let webhooks = self.outbox.news.len();
                    self.are_behind(self.behind.saturating_sub(webhooks));
                }
                self.tell_of_pruned(place.pay_index.max(told), payment.pay_index);
                save = ours.is_some() || payment.pay_index - saved.pay_index >= INDEX_EVERY;
                place = Place::of(payment);
            }
            if save && saved != place {
                let written = self.outbox.spool.set_place(node, place);
                self.metrics.webhooks_are_kept(written.is_ok());
                written?;
                saved = place;
            }
        }
    }

    /// Counts the sales after `last` up to `newest`, whose webhooks wait at lightningd.
    async fn count_behind(
        &mut self,
        connection: &mut Watch,
        mut last: u64,
        newest: u64,
    ) -> Result<(), LightningError> {
        let mut behind = 0;
        while last < newest && behind < MOST_COUNTED {
            let payment = connection
                .next_payment(last, self.timing.watch_round)
                .await?;
            let Some(payment) = payment else { break };
            behind += usize::from(Sale::of(&payment, &self.store).is_some());
            last = payment.pay_index;
        }
        self.are_behind(behind * self.outbox.news.len());
        Ok(())
    }

    fn are_behind(&mut self, webhooks: usize) {
        self.metrics.webhooks_are_behind(self.behind, webhooks);
        self.behind = webhooks;
    }

    /// lightningd numbers payments without gaps, so numbers that are missing are paid invoices that
    /// were deleted before this gateway heard of them.
    fn tell_of_pruned(&self, last: u64, next: u64) {
        let pruned = next.saturating_sub(last + 1);
        if pruned > 0 {
            self.metrics.payments_pruned(pruned);
            tracing::error!(
                pruned,
                first = last + 1,
                "paid invoices were deleted at lightningd before their payments were read: nobody can \
                 be told of those that were this store's. Let lightningd keep paid invoices longer \
                 (autoclean-paidinvoices-age)"
            );
        }
    }
}
