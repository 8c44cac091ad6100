//! Whether a node is there: offline and back, and holding what it is paid without taking it.
//!
//! Both let people see what a payment does when a node does not answer: without a node on the way
//! there is no way, and a payee who keeps still leaves a payment locked in every channel that it
//! crossed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lightning::types::payment::PaymentHash;

use crate::node::Node;

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

impl Node {
    /// Whether the node talks to others.
    pub fn is_online(&self) -> bool {
        !self.presence.offline.load(Ordering::Acquire)
    }

    /// Whether the node keeps still when it is paid.
    pub fn is_holding(&self) -> bool {
        self.presence.holding.load(Ordering::Acquire)
    }

    /// Leaves the peer-to-peer network: nobody can pay this node or through it. Its JSON-RPC goes
    /// on.
    pub fn go_offline(&self) {
        self.presence.offline.store(true, Ordering::Release);
        self.ldk.peer_manager.disconnect_all_peers();
    }

    /// Talks to others again, who may connect from now on.
    pub fn go_online(&self) {
        self.presence.offline.store(false, Ordering::Release);
    }

    /// From now on neither takes nor refuses what it is paid.
    pub fn hold_payments(&self) {
        self.presence.holding.store(true, Ordering::Release);
    }

    /// Takes payments again, first of all those that it held.
    pub fn release_payments(&self) {
        self.presence.holding.store(false, Ordering::Release);
        let held = std::mem::take(&mut *self.held());
        for claimable in held {
            self.claim_or_refuse(claimable);
        }
    }

    /// A payment has come: takes it, sends it back, or keeps still.
    pub(crate) fn receive(&self, claimable: Claimable) {
        let mut held = self.held();
        // Asked under the lock, so that nobody releases the rest in between and forgets this one.
        if self.is_holding() {
            held.push(claimable);
            return;
        }
        drop(held);
        self.claim_or_refuse(claimable);
    }

    fn held(&self) -> MutexGuard<'_, Vec<Claimable>> {
        self.presence
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
