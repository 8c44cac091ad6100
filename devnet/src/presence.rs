//! Whether a node is there: offline and back, and holding what it is paid without taking it.
//!
//! Both let people see what a payment does when a node does not answer: a payment cannot pass a
//! node that is away, and a payee that holds a payment leaves it locked in every channel that
//! it crossed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lightning::types::payment::PaymentHash;

/// Whether a node answers, and the payments that it holds.
#[derive(Default)]
pub(crate) struct Presence {
    offline: AtomicBool,
    holding: AtomicBool,
    held: Mutex<Vec<Claimable>>,
}

/// A payment that has come and that the payee may take or send back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimable {
    pub(crate) payment_hash: PaymentHash,
    pub(crate) amount_msat: u64,
}

impl Presence {
    pub(crate) fn is_online(&self) -> bool {
        !self.offline.load(Ordering::Acquire)
    }

    pub(crate) fn set_online(&self, online: bool) {
        self.offline.store(!online, Ordering::Release);
    }

    pub(crate) fn is_holding(&self) -> bool {
        self.holding.load(Ordering::Acquire)
    }

    /// From now on payments are held.
    pub(crate) fn hold(&self) {
        self.holding.store(true, Ordering::Release);
    }

    /// From now on payments are not held any more. Returns those that were.
    pub(crate) fn release(&self) -> Vec<Claimable> {
        self.holding.store(false, Ordering::Release);
        std::mem::take(&mut *self.held())
    }

    /// Keeps a payment if payments are held now, or else returns it.
    pub(crate) fn admit(&self, claimable: Claimable) -> Option<Claimable> {
        let mut held = self.held();
        // Checked under the lock: otherwise a release in between would forget this payment.
        if self.is_holding() {
            held.push(claimable);
            return None;
        }
        Some(claimable)
    }

    fn held(&self) -> MutexGuard<'_, Vec<Claimable>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
