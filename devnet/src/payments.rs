//! What a node pays: one entry per payment hash, so that nothing is paid twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use thiserror::Error;
use tokio::sync::watch;

use crate::hex::Hex32;

/// A payment that arrived.
#[derive(Debug, Clone)]
pub struct SentPayment {
    /// What it paid for.
    pub payment_hash: Hex32,
    /// The proof of payment.
    pub preimage: Hex32,
    /// The payee, in hex.
    pub destination: String,
    /// What the payee got.
    pub amount_msat: u64,
    /// What it cost, fees included.
    pub amount_sent_msat: u64,
    /// When it began.
    pub created_at: SystemTime,
}

/// Why a payment did not arrive. Nothing was paid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaymentError {
    /// The payee refused it for good.
    #[error("Destination said it doesn't know invoice: incorrect_or_unknown_payment_details")]
    RefusedByDestination,
    /// No path has the capacity within the fee limit.
    #[error(
        "Failed: We could not find a usable set of paths. \
         Total source capacity is only {capacity_msat}msat (in {channels} channels)."
    )]
    NoRoute {
        /// What all channels of the payer together can send.
        capacity_msat: u64,
        /// How many channels that are.
        channels: usize,
    },
    /// The invoice is too old.
    #[error("Invoice expired {0} seconds ago")]
    Expired(u64),
    /// Every attempt failed until the time was up.
    #[error("Failed: timed out after trying every path")]
    TimedOut,
    /// Anything else that LDK reports.
    #[error("Failed: {0}")]
    Other(String),
}

/// How a payment ended.
pub type Outcome = Result<Arc<SentPayment>, PaymentError>;

/// What a request to pay has to do.
pub enum Begin {
    /// It is new: send it, and wait here.
    Send(watch::Receiver<Option<Outcome>>),
    /// It is on its way already: wait here.
    Join(watch::Receiver<Option<Outcome>>),
    /// It was made before.
    Done(Arc<SentPayment>),
}

/// A payment of the book.
pub enum Listed {
    /// It is on its way; it has no preimage and no cost yet.
    Pending(SentPayment),
    /// It arrived.
    Complete(Arc<SentPayment>),
}

/// The payments of one node.
#[derive(Default)]
pub struct PaymentBook {
    entries: Mutex<HashMap<Hex32, Entry>>,
}

enum Entry {
    Pending {
        payment: SentPayment,
        done: watch::Sender<Option<Outcome>>,
    },
    Complete(Arc<SentPayment>),
}

impl PaymentBook {
    /// Enters a payment, unless it is known already. `draft` has no preimage and no cost yet.
    pub fn begin(&self, draft: SentPayment) -> Begin {
        match self.entries().entry(draft.payment_hash) {
            MapEntry::Occupied(entry) => match entry.get() {
                Entry::Pending { done, .. } => Begin::Join(done.subscribe()),
                Entry::Complete(payment) => Begin::Done(Arc::clone(payment)),
            },
            MapEntry::Vacant(entry) => {
                let (done, receiver) = watch::channel(None);
                entry.insert(Entry::Pending {
                    payment: draft,
                    done,
                });
                Begin::Send(receiver)
            }
        }
    }

    /// Enters that a payment arrived, and tells those who wait for it.
    pub fn succeed(&self, payment_hash: Hex32, preimage: Hex32, fee_msat: u64) {
        let mut entries = self.entries();
        let Some(Entry::Pending { payment, done }) = entries.remove(&payment_hash) else {
            return;
        };
        let amount_sent_msat = payment.amount_msat + fee_msat;
        let payment = Arc::new(SentPayment {
            preimage,
            amount_sent_msat,
            ..payment
        });
        done.send_replace(Some(Ok(Arc::clone(&payment))));
        entries.insert(payment_hash, Entry::Complete(payment));
    }

    /// Forgets a payment that failed, so that it can be tried again.
    pub fn fail(&self, payment_hash: Hex32, error: PaymentError) {
        let mut entries = self.entries();
        if let Some(Entry::Pending { done, .. }) = entries.get(&payment_hash) {
            done.send_replace(Some(Err(error)));
            entries.remove(&payment_hash);
        }
    }

    /// The payments that are on their way or arrived, as they are known now.
    pub fn list(&self) -> Vec<Listed> {
        let entries = self.entries();
        let list = entries.values().map(|entry| match entry {
            Entry::Pending { payment, .. } => Listed::Pending(payment.clone()),
            Entry::Complete(payment) => Listed::Complete(Arc::clone(payment)),
        });
        list.collect()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Hex32, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
