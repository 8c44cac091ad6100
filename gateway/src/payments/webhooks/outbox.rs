//! The way of an event into the spool, and from there to who delivers it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::metrics::Metrics;
use crate::payments::sales::Sale;
use crate::payments::webhooks::event::event;
use crate::payments::webhooks::spool::{Entry, Spool, SpoolError};

/// The type of the one event there is.
const PAID: &str = "invoice.paid";

/// Where new events are announced, by address.
pub(super) type News = HashMap<String, mpsc::UnboundedSender<Entry>>;

/// Puts events into the spool.
pub(super) struct Outbox {
    pub(super) spool: Arc<Spool>,
    pub(super) news: News,
    pub(super) metrics: Metrics,
    /// The event that is being kept, and the addresses that it is kept for. Where a full disk stops
    /// it midway, the next try goes on from here.
    pub(super) midway: Mutex<Option<(Entry, HashSet<String>)>>,
}

impl Outbox {
    /// Keeps the event of a sale for every address.
    pub(super) fn keep(&self, sale: &Sale) -> Result<(), SpoolError> {
        let entry = Entry::of(sale);
        let body = event(PAID, sale.paid_at, sale);
        let mut midway = self.midway.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = midway.as_ref().is_none_or(|(kept, _)| *kept != entry);
        if is_new {
            self.metrics.webhooks_wait(self.news.len());
        }
        let (_, kept) = match &mut *midway {
            Some(begun) if !is_new => begun,
            other => other.insert((entry.clone(), HashSet::new())),
        };
        for (url, news) in &self.news {
            if !kept.contains(url) {
                let put = self.spool.put(url, &entry, &body);
                self.metrics.webhooks_are_kept(put.is_ok());
                put?;
                kept.insert(url.clone());
                news.send(entry.clone()).ok();
            }
        }
        *midway = None;
        Ok(())
    }
}
