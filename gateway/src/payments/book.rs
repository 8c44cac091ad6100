//! What is remembered of invoices, and who waits for them. It only makes answers faster: lightningd
//! is the database.
//!
//! An invoice known to be unpaid is not asked about again while the watcher is healthy, because a
//! payment would have been heard of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lightningd::Standing;
use shared::api::Status;
use shared::lightning::PaymentHash;
use tokio::sync::watch;

/// What is known about one invoice. Whoever waits for it subscribes.
pub(crate) type Entry = watch::Sender<Known>;

/// What was learnt about one invoice.
#[derive(Debug, Default)]
pub(crate) struct Known {
    standing: Option<Standing>,
    /// The watch during which it was learnt.
    watch: Option<u64>,
    /// What the buyer pays, once lightningd was asked about the invoice.
    pub(crate) bolt11: Option<Arc<str>>,
}

impl Known {
    /// The standing, where lightningd could say nothing else now: `paid` and `expired` are final,
    /// and `unpaid` holds up to its expiry while the watch goes on during which it was learnt.
    pub(crate) fn certain(&self, watch: Option<u64>, now: u64) -> Option<Standing> {
        self.standing.filter(|standing| match standing.status {
            Status::Paid | Status::Expired => true,
            Status::Unpaid => watch.is_some() && watch == self.watch && now < standing.expires_at,
        })
    }
}

/// Takes over what lightningd said, unless the entry is final already, and wakes whoever waits if
/// that makes it final. Returns what is known now.
pub(crate) fn learn(entry: &Entry, standing: Standing, watch: Option<u64>) -> Standing {
    let mut latest = standing;
    entry.send_if_modified(|known| match known.standing {
        Some(before) if before.status != Status::Unpaid => {
            latest = before;
            false
        }
        _ => {
            known.standing = Some(standing);
            known.watch = watch;
            standing.status != Status::Unpaid
        }
    });
    latest
}

/// Entries of invoices that were asked about lately, and whether payments are followed.
#[derive(Debug)]
pub(crate) struct Book {
    entries: Mutex<Entries>,
    /// The number of the watcher's current uninterrupted watch; `None` while it has none.
    watch: watch::Sender<Option<u64>>,
}

#[derive(Debug, Default)]
struct Entries {
    by_hash: HashMap<PaymentHash, Arc<Entry>>,
    sweep_at: usize,
}

/// Unused entries are forgotten beyond this number; asking again costs one call.
const MAX_UNUSED: usize = 10_000;

impl Default for Book {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            watch: watch::Sender::new(None),
        }
    }
}

impl Book {
    /// The entry of an invoice, made where there is none.
    pub(crate) fn entry(&self, payment_hash: PaymentHash) -> Arc<Entry> {
        let mut entries = self.entries();
        if entries.by_hash.len() >= entries.sweep_at.max(MAX_UNUSED) {
            // An entry in use has to stay where the watcher finds it.
            entries
                .by_hash
                .retain(|_, entry| Arc::strong_count(entry) > 1);
            entries.sweep_at = 2 * entries.by_hash.len();
        }
        entries.by_hash.entry(payment_hash).or_default().clone()
    }

    /// Learns that an invoice is paid, and wakes whoever waits for it.
    pub(crate) fn paid(&self, payment_hash: PaymentHash, standing: Standing) {
        let entry = self.entries().by_hash.get(&payment_hash).cloned();
        if let Some(entry) = entry {
            learn(&entry, standing, None);
        }
    }

    /// The current watch; `None` while payments are not followed.
    pub(crate) fn watch(&self) -> Option<u64> {
        *self.watch.borrow()
    }

    /// Hears when a watch begins or ends.
    pub(crate) fn watches(&self) -> watch::Receiver<Option<u64>> {
        self.watch.subscribe()
    }

    /// Notes that a watch began, or that it ended; says whether there was one.
    pub(crate) fn set_watch(&self, watch: Option<u64>) -> bool {
        self.watch.send_replace(watch).is_some()
    }

    /// No code of ours panics while it holds the lock; if it did, the data would still be whole.
    fn entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
