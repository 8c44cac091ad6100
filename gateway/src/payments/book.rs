//! What is remembered of invoices, and who waits for them. It only makes answers faster: lightningd
//! is the database.
//!
//! An invoice known to be unpaid is not asked about again while the watcher is healthy, because a
//! payment would have been heard of. An invoice that lightningd does not have is not asked about again
//! for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lightningd::{LightningError, Standing};
use shared::api::Status;
use shared::lightning::PaymentHash;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};

use crate::payments::question::Question;

/// What is known about one invoice.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    known: Mutex<Known>,
    /// Wakes whoever waits for the invoice.
    decided: Notify,
    /// Those who ask lightningd about it at once.
    pub(crate) question: Question<Asked>,
}

/// lightningd's word on an invoice; `None` where it does not have it.
pub(crate) type Asked = Result<Option<Found>, LightningError>;

/// An invoice that lightningd has.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where it stands.
    pub(crate) standing: Standing,
    /// What the buyer pays; `None` where that is not known without asking.
    pub(crate) bolt11: Option<Arc<str>>,
}

/// What was learnt about one invoice.
#[derive(Debug, Default)]
pub(crate) struct Known {
    standing: Option<Standing>,
    /// When lightningd did not have it.
    missed: Option<Instant>,
    /// The watch during which the newest of these was learnt.
    watch: Option<u64>,
    /// What the buyer pays, once somebody asked who does not wait: those who do have it.
    pub(crate) bolt11: Option<Arc<str>>,
}

/// How long it is remembered that lightningd does not have an invoice. Nobody waits for one to come
/// back: only an owner who restores a database brings it.
const MISSING_FOR: Duration = Duration::from_mins(1);

impl Known {
    /// What is known without asking lightningd, which could say nothing else now: `paid` and `expired` are final, and
    /// `unpaid` holds up to its expiry while the watch goes on during which it was learnt. That
    /// lightningd does not have the invoice (`Some(None)`) is taken as certain for a while, up to the
    /// next watch.
    #[expect(clippy::option_option, reason = "what is known, and what it says")]
    pub(crate) fn certain(&self, watch: Option<u64>, now: u64) -> Option<Option<Standing>> {
        let is_same_watch = watch == self.watch;
        match self.standing {
            Some(standing) if standing.status != Status::Unpaid => Some(Some(standing)),
            _ if self
                .missed
                .is_some_and(|missed| missed.elapsed() < MISSING_FOR) =>
            {
                is_same_watch.then_some(None)
            }
            Some(standing) if self.missed.is_none() && now < standing.expires_at => {
                (watch.is_some() && is_same_watch).then_some(Some(standing))
            }
            _ => None,
        }
    }
}

impl Entry {
    /// Takes over what lightningd said, unless the entry is final already, and wakes whoever waits
    /// if that makes it final. Returns what is known now.
    pub(crate) fn learn(&self, standing: Standing, watch: Option<u64>) -> Standing {
        let mut known = self.known();
        if let Some(before) = known.standing
            && before.status != Status::Unpaid
        {
            return before;
        }
        known.standing = Some(standing);
        known.missed = None;
        known.watch = watch;
        drop(known);
        if standing.status != Status::Unpaid {
            self.decided.notify_waiters();
        }
        standing
    }

    /// Learns that lightningd does not have the invoice. What is final stays.
    pub(crate) fn miss(&self, watch: Option<u64>) {
        let mut known = self.known();
        known.missed = Some(Instant::now());
        known.watch = watch;
    }

    /// Keeps what the buyer pays.
    pub(crate) fn keep_bolt11(&self, bolt11: Arc<str>) {
        self.known().bolt11 = Some(bolt11);
    }

    /// What was learnt.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        // No code of ours panics while it holds the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Done once the standing becomes final after this call, however late it is awaited.
    pub(crate) fn decided(&self) -> Notified<'_> {
        self.decided.notified()
    }
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
            entry.learn(standing, None);
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
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNPAID: Standing = Standing {
        status: Status::Unpaid,
        expires_at: 200,
        amount_msat: None,
        preimage: None,
        paid_at: None,
    };
    const PAID: Standing = Standing {
        status: Status::Paid,
        ..UNPAID
    };

    #[test]
    fn unpaid_is_certain_during_one_watch_and_up_to_the_expiry() {
        let entry = Entry::default();
        let certain = |watch, now| entry.known().certain(watch, now);
        assert_eq!(certain(Some(1), 100), None);
        entry.learn(UNPAID, Some(1));
        assert_eq!(certain(Some(1), 199), Some(Some(UNPAID)));
        assert_eq!(certain(Some(1), 200), None);
        assert_eq!(certain(Some(2), 100), None);
        assert_eq!(certain(None, 100), None);
        entry.learn(UNPAID, None);
        assert_eq!(certain(None, 100), None, "nobody would hear of a payment");
        entry.learn(PAID, None);
        assert_eq!(certain(Some(9), 900), Some(Some(PAID)));
    }

    #[test]
    fn missing_is_certain_up_to_the_next_watch() {
        let entry = Entry::default();
        let certain = |watch| entry.known().certain(watch, 100);
        entry.miss(None);
        assert_eq!(certain(None), Some(None));
        assert_eq!(certain(Some(0)), None);
        entry.learn(UNPAID, Some(1));
        entry.miss(Some(1));
        assert_eq!(certain(Some(1)), Some(None));
        assert_eq!(certain(Some(2)), None);
        entry.learn(PAID, None);
        entry.miss(Some(2));
        assert_eq!(certain(Some(2)), Some(Some(PAID)), "it stays paid");
    }
}
