//! Puts events into the spool and announces them to whoever delivers them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::metrics::Metrics;
use crate::payments::sales::Sale;
use crate::payments::webhooks::event::event;
use crate::payments::webhooks::spool::{Entry, Spool, SpoolError, Told};

/// The type of the event of a payment.
const PAID: &str = "invoice.paid";
/// The type of the event of a payment that got nothing.
const REFUSED: &str = "purchase.refused";

/// Where new events are announced, by address.
pub(super) type News = HashMap<String, mpsc::UnboundedSender<Entry>>;

/// Puts events into the spool.
pub(super) struct Outbox {
    pub(super) spool: Arc<Spool>,
    pub(super) news: News,
    pub(super) metrics: Metrics,
    /// The events that are being kept, and the addresses that each is kept for. Where a full disk
    /// stops it midway, the next try goes on from here.
    pub(super) midway: Mutex<BTreeMap<Entry, HashSet<String>>>,
}

impl Outbox {
    /// Keeps the event of a sale for every address.
    pub(super) fn sold(&self, sale: &Sale) -> Result<(), SpoolError> {
        self.keep(&Entry::of(sale), &event(PAID, sale.paid_at, sale))
    }

    /// Keeps the event of a refusal for every address.
    pub(super) fn refused(&self, told: &Told) -> Result<(), SpoolError> {
        self.keep(&told.entry(), &event(REFUSED, told.refused_at, told))
    }

    fn keep(&self, entry: &Entry, body: &[u8]) -> Result<(), SpoolError> {
        let mut midway = self.midway.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = midway.entry(entry.clone()).or_insert_with(|| {
            self.metrics.webhooks_wait(self.news.len());
            HashSet::new()
        });
        for (url, news) in &self.news {
            if !kept.contains(url) {
                let put = self.spool.put(url, entry, body);
                self.metrics.webhooks_are_kept(put.is_ok());
                put?;
                kept.insert(url.clone());
                news.send(entry.clone()).ok();
            }
        }
        midway.remove(entry);
        Ok(())
    }
}
