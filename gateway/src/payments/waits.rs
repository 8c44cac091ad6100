//! How many requests wait for the payment of one invoice. A buyer has a few windows; a stranger with
//! one claim could fill the store with requests.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::lightning::PaymentHash;

/// As many requests wait for this payment as the bound allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("many requests are waiting for this payment already")]
pub(crate) struct TooManyWaits;

/// The requests that wait, by invoice.
#[derive(Debug)]
pub(crate) struct Waits {
    max: usize,
    counts: Mutex<HashMap<PaymentHash, usize>>,
}

impl Waits {
    /// None yet; at most `max` for one invoice.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            counts: Mutex::default(),
        }
    }

    /// Counts a request until the guard is dropped.
    pub(crate) fn enter(&self, payment_hash: PaymentHash) -> Result<Wait<'_>, TooManyWaits> {
        let mut counts = self.counts();
        let count = counts.get(&payment_hash).copied().unwrap_or_default();
        if count >= self.max {
            return Err(TooManyWaits);
        }
        counts.insert(payment_hash, count + 1);
        Ok(Wait {
            waits: self,
            payment_hash,
        })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<PaymentHash, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    waits: &'a Waits,
    payment_hash: PaymentHash,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut counts = self.waits.counts();
        let Some(count) = counts.get_mut(&self.payment_hash) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            counts.remove(&self.payment_hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_invoice_has_places_of_its_own_which_come_free_again() {
        let waits = Waits::new(2);
        let [one, other] = [1, 2].map(|byte| PaymentHash([byte; 32]));
        let first = waits.enter(one).unwrap();
        let second = waits.enter(one).unwrap();
        assert_eq!(waits.enter(one).err(), Some(TooManyWaits));
        let third = waits.enter(other).unwrap();
        drop(first);
        let again = waits.enter(one).unwrap();
        drop((second, third, again));
        assert!(waits.counts().is_empty());
    }
}
