//! The paths of a node's latest payments, for the network's page: which were tried, and how each
//! payment ended.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use lightning::bitcoin::secp256k1::PublicKey;
use lightning::routing::router::Path;

use crate::hex::Hex32;

/// How many of a node's payments are remembered.
const KEPT: usize = 16;

/// One payment, as its payer sees it.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    /// What it pays for.
    pub(crate) payment_hash: Hex32,
    /// The payee.
    pub(crate) payee: PublicKey,
    /// What the payee is to get.
    pub(crate) amount_msat: u64,
    /// Whether it pays for sealed goods, so that its preimage is a part of their key.
    pub(crate) sealed: bool,
    /// When the payer began.
    pub(crate) started_at: SystemTime,
    /// The ways that were tried, the newest last.
    pub(crate) attempts: Vec<Attempt>,
    /// How it ended, if it did.
    pub(crate) end: Option<WalkEnd>,
}

/// One way that was tried.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// The way, from the payer's first channel to the payee.
    pub(crate) hops: Vec<Hop>,
    /// Whether the payment came back.
    pub(crate) failed: bool,
    /// The channel that it could not pass, by its short channel id, if a node reported it.
    pub(crate) failed_at: Option<u64>,
}

/// One channel of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hop {
    /// The node at its far end.
    pub(crate) to: PublicKey,
    /// The channel, by its short channel id or an alias.
    pub(crate) short_channel_id: u64,
    /// What crosses it; what it is more than at the next hop is the fee of the node between.
    pub(crate) amount_msat: u64,
}

/// How a payment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WalkEnd {
    /// The payee has it.
    Arrived,
    /// Nothing was paid, for the reason in words.
    Failed(String),
}

/// A node's latest payments.
#[derive(Default)]
pub(crate) struct Walks {
    latest: Mutex<VecDeque<Walk>>,
}

impl Walks {
    /// A payment begins; no way is known yet.
    pub(crate) fn begin(
        &self,
        payment_hash: Hex32,
        payee: PublicKey,
        amount_msat: u64,
        sealed: bool,
    ) {
        let mut latest = self.latest();
        latest.truncate(KEPT - 1);
        latest.push_front(Walk {
            payment_hash,
            payee,
            amount_msat,
            sealed,
            started_at: SystemTime::now(),
            attempts: Vec::new(),
            end: None,
        });
    }

    /// The payer's map shows a way.
    pub(crate) fn choose(&self, payment_hash: Hex32, path: &Path) {
        self.change(payment_hash, |walk| {
            walk.attempts.push(Attempt {
                hops: hops(path),
                failed: false,
                failed_at: None,
            });
        });
    }

    /// The payment came back from the way that was chosen last.
    pub(crate) fn turn_back(&self, payment_hash: Hex32, failed_at: Option<u64>) {
        self.change(payment_hash, |walk| {
            if let Some(attempt) = walk.attempts.last_mut() {
                (attempt.failed, attempt.failed_at) = (true, failed_at);
            }
        });
    }

    /// The payment is over.
    pub(crate) fn end(&self, payment_hash: Hex32, end: WalkEnd) {
        self.change(payment_hash, |walk| walk.end = Some(end));
    }

    /// The payment that began last.
    pub(crate) fn last(&self) -> Option<Walk> {
        self.latest().front().cloned()
    }

    /// Changes the newest payment for this hash, unless it is forgotten already.
    fn change(&self, payment_hash: Hex32, change: impl FnOnce(&mut Walk)) {
        let mut latest = self.latest();
        let mut walks = latest.iter_mut();
        if let Some(walk) = walks.find(|walk| walk.payment_hash == payment_hash) {
            change(walk);
        }
    }

    fn latest(&self) -> MutexGuard<'_, VecDeque<Walk>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// LDK writes beside each hop what stays at its end: a fee, or, at the last, the amount itself.
fn hops(path: &Path) -> Vec<Hop> {
    let mut amount_msat = path.final_value_msat() + path.fee_msat();
    let hops = path.hops.iter().map(|hop| {
        let crossing = amount_msat;
        amount_msat = amount_msat.saturating_sub(hop.fee_msat);
        Hop {
            to: hop.pubkey,
            short_channel_id: hop.short_channel_id,
            amount_msat: crossing,
        }
    });
    hops.collect()
}
