//! From lightningd's payments to the spool.
//!
//! This follows payments on a connection of its own, beside the watcher that wakes buyers: it goes
//! on from an index that outlives the process, and a full disk must not keep buyers waiting.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use lightningd::{LightningError, Lightningd, Payment};
use tokio::sync::mpsc;

use crate::metrics::Metrics;
use crate::options::Timing;
use crate::payments::sales::Sale;
use crate::payments::webhooks::event::event;
use crate::payments::webhooks::spool::{Entry, Spool, SpoolError};
use crate::retry::{Attempt, Health, Pauses, retry};

/// The type of the one event there is.
const PAID: &str = "invoice.paid";
/// While only payments of others come, the index is written once in so many.
const INDEX_EVERY: u64 = 1000;

#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    #[error("lightningd's payments cannot be read")]
    Lightning(#[from] LightningError),
    #[error("webhooks cannot be kept")]
    Spool(#[from] SpoolError),
}

/// Where new events are announced, by address.
pub(super) type News = HashMap<String, mpsc::UnboundedSender<Entry>>;

/// Turns payments into events.
pub(super) struct Follower {
    pub(super) lightningd: Arc<Lightningd>,
    pub(super) spool: Arc<Spool>,
    pub(super) news: News,
    pub(super) metrics: Metrics,
    pub(super) timing: Timing,
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

    async fn follow(&self, health: &mut Health) -> Result<Infallible, FollowError> {
        let mut connection = self.lightningd.watch().await?;
        let newest = connection.newest_pay_index().await?;
        let mut last = if let Some(kept) = self.spool.index()? {
            // lightningd may have come back with another book.
            kept.min(newest)
        } else {
            // What was sold before there were webhooks is not reported.
            self.spool.set_index(newest)?;
            newest
        };
        let mut saved = last;
        health.is_well();
        loop {
            let payment = connection
                .next_payment(last, self.timing.watch_round)
                .await?;
            let mut save = true;
            if let Some(payment) = &payment {
                save = self.keep(payment)? || payment.pay_index - saved >= INDEX_EVERY;
                last = payment.pay_index;
            }
            if save && saved != last {
                self.spool.set_index(last)?;
                saved = last;
            }
        }
    }

    /// Keeps a payment of ours for every address; says whether it is one.
    fn keep(&self, payment: &Payment) -> Result<bool, SpoolError> {
        let Some(sale) = Sale::of(payment) else {
            return Ok(false);
        };
        let entry = Entry {
            pay_index: payment.pay_index,
            id: sale.payment_hash.to_hex(),
        };
        let body = event(PAID, sale.paid_at, &sale);
        for (url, news) in &self.news {
            self.spool.put(url, &entry, &body)?;
            self.metrics.webhooks_wait(1);
            news.send(entry.clone()).ok();
        }
        Ok(true)
    }
}
