//! How many invoices are open: unpaid and not expired.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::lightning::PaymentHash;

use crate::clock::unix_now;
use crate::metrics::Metrics;

/// No more invoices may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as many invoices are waiting for their payment as the store allows")]
pub(crate) struct TooManyOpen {
    /// When to try again, in seconds.
    pub(crate) retry_secs: u64,
}

/// The invoices that could be paid now, as far as is known: those that were made here, and those
/// that were found in lightningd's book.
pub(crate) struct OpenInvoices {
    max: Option<NonZeroU32>,
    metrics: Metrics,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    expiries: HashMap<PaymentHash, u64>,
    by_expiry: BTreeSet<(u64, PaymentHash)>,
    /// Those that lightningd is making.
    reserved: usize,
}

/// Nobody is asked to wait for longer: buyers pay, so places come free before their time.
const MAX_RETRY_SECS: u64 = 60;

impl OpenInvoices {
    /// None yet; at most `max`, where that is given.
    pub(crate) fn new(max: Option<NonZeroU32>, metrics: Metrics) -> Self {
        Self {
            max,
            metrics,
            state: Mutex::default(),
        }
    }

    /// Notes an invoice that can be paid until `expires_at` (UNIX seconds).
    pub(crate) fn add(&self, payment_hash: PaymentHash, expires_at: u64) {
        let mut state = lock(&self.state);
        if state.expiries.insert(payment_hash, expires_at).is_none() {
            state.by_expiry.insert((expires_at, payment_hash));
        }
    }

    /// Forgets an invoice that was paid.
    pub(crate) fn remove(&self, payment_hash: PaymentHash) {
        let mut state = lock(&self.state);
        if let Some(expires_at) = state.expiries.remove(&payment_hash) {
            state.by_expiry.remove(&(expires_at, payment_hash));
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count_at(unix_now())
    }

    fn count_at(&self, now: u64) -> usize {
        let mut state = lock(&self.state);
        self.metrics.invoices_expired(state.forget_expired(now));
        state.expiries.len()
    }

    pub(crate) fn reserve(&self, now: u64) -> Result<Place<'_>, TooManyOpen> {
        let mut state = lock(&self.state);
        self.metrics.invoices_expired(state.forget_expired(now));
        let count = state.expiries.len() + state.reserved;
        if self.max.is_some_and(|max| count >= max.get() as usize) {
            let next = state.by_expiry.first();
            let wait = next.map_or(1, |(expires_at, _)| expires_at.saturating_sub(now));
            return Err(TooManyOpen {
                retry_secs: wait.clamp(1, MAX_RETRY_SECS),
            });
        }
        state.reserved += 1;
        Ok(Place(self))
    }
}

impl State {
    /// Gives how many there were.
    fn forget_expired(&mut self, now: u64) -> u64 {
        let mut count = 0;
        while let Some(&(expires_at, payment_hash)) = self.by_expiry.first()
            && expires_at <= now
        {
            self.by_expiry.pop_first();
            self.expiries.remove(&payment_hash);
            count += 1;
        }
        count
    }
}

/// A place for an invoice, given back when it is dropped.
pub(crate) struct Place<'a>(&'a OpenInvoices);

impl Place<'_> {
    /// Puts the invoice there that was made.
    pub(crate) fn take(self, payment_hash: PaymentHash, expires_at: u64) {
        self.0.metrics.invoice_created();
        self.0.add(payment_hash, expires_at);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).reserved -= 1;
    }
}

/// No code of ours panics while it holds a lock; if it did, the data would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u8) -> PaymentHash {
        PaymentHash([number; 32])
    }

    #[tokio::test]
    async fn places_come_free_by_payment_by_expiry_and_by_failure() {
        let open = OpenInvoices::new(NonZeroU32::new(2), Metrics::start());
        open.reserve(100).unwrap().take(hash(1), 130);
        let place = open.reserve(100).unwrap();
        let full = |now| match open.reserve(now) {
            Err(TooManyOpen { retry_secs }) => Some(retry_secs),
            _ => None,
        };
        assert_eq!(full(100), Some(30), "one is open, one is being made");
        drop(place);
        open.reserve(100).unwrap().take(hash(2), 900);
        assert_eq!(full(100), Some(30));
        open.remove(hash(1));
        assert_eq!(open.count_at(100), 1);
        open.reserve(100).unwrap().take(hash(3), 800);
        assert_eq!(full(100), Some(60), "not longer, others may pay");
        assert_eq!(full(799), Some(1));
        assert_eq!(full(800), None);
        assert_eq!(open.count_at(900), 0);
    }

    #[tokio::test]
    async fn an_invoice_counts_once() {
        let open = OpenInvoices::new(None, Metrics::start());
        open.add(hash(1), 130);
        open.add(hash(1), 130);
        assert_eq!(open.count_at(100), 1);
        open.remove(hash(9));
        open.remove(hash(1));
        assert_eq!(open.count_at(100), 0);
    }
}
