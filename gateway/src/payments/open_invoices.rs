//! The invoices that are open: unpaid and not expired.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::lightning::PaymentHash;

use crate::clock::unix_now;
use crate::metrics::Metrics;
use crate::options::LimitsOptions;
use crate::payments::client::ClientKey;
use crate::payments::shares::{Refusal, Shares};

/// No more invoices may be open, in all or for this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct TooManyOpen {
    pub(crate) why: Refusal,
    /// When to try again, in seconds.
    pub(crate) retry_secs: u64,
}

/// The invoices that could be paid now, as far as is known: those that were made here, and those
/// that were found in lightningd's book.
pub(crate) struct OpenInvoices {
    metrics: Metrics,
    state: Mutex<State>,
}

struct State {
    shares: Shares,
    open: HashMap<PaymentHash, Open>,
    by_expiry: BTreeSet<(u64, PaymentHash)>,
}

/// One of them.
struct Open {
    expires_at: u64,
    origin: Origin,
}

/// Whose share it is in.
#[derive(Clone, Copy)]
enum Origin {
    /// It was made here, for this client.
    Made(Option<ClientKey>),
    /// It was found: made before a restart, or by another gateway.
    Found,
}

/// Nobody is asked to wait for longer: buyers pay, so places come free before their time.
const MAX_RETRY_SECS: u64 = 60;

impl OpenInvoices {
    /// None yet.
    pub(crate) fn new(options: &LimitsOptions, metrics: Metrics) -> Self {
        Self {
            metrics,
            state: Mutex::new(State {
                shares: Shares::new(options),
                open: HashMap::new(),
                by_expiry: BTreeSet::new(),
            }),
        }
    }

    /// Notes an invoice that was found and can be paid until `expires_at` (UNIX seconds), unless it
    /// is known.
    pub(crate) fn found(&self, payment_hash: PaymentHash, expires_at: u64) {
        let state = &mut *self.state();
        if let Entry::Vacant(place) = state.open.entry(payment_hash)
            && state.shares.find()
        {
            let origin = Origin::Found;
            place.insert(Open { expires_at, origin });
            state.by_expiry.insert((expires_at, payment_hash));
        }
    }

    /// Forgets an invoice that was paid.
    pub(crate) fn remove(&self, payment_hash: PaymentHash) {
        self.state().remove(payment_hash);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count_at(unix_now())
    }

    fn count_at(&self, now: u64) -> usize {
        let mut state = self.state();
        self.metrics.invoices_expired(state.forget_expired(now));
        state.open.len()
    }

    /// Takes a place for an invoice that is about to be made for the client. Its share counts from
    /// here on, so that no two requests at once get the last place.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        client: Option<ClientKey>,
        now: u64,
    ) -> Result<Place, TooManyOpen> {
        let mut state = self.state();
        self.metrics.invoices_expired(state.forget_expired(now));
        state.shares.take(client).map_err(|why| {
            let next = state.by_expiry.first();
            let wait = match why {
                Refusal::Store => next.map_or(1, |(expires_at, _)| expires_at.saturating_sub(now)),
                Refusal::Client | Refusal::Network => MAX_RETRY_SECS,
            };
            TooManyOpen {
                why,
                retry_secs: wait.clamp(1, MAX_RETRY_SECS),
            }
        })?;
        Ok(Place {
            open: self.clone(),
            client,
            is_taken: false,
        })
    }

    /// No code of ours panics while it holds the lock; if it did, the data would still be whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives how many there were.
    fn forget_expired(&mut self, now: u64) -> u64 {
        let mut count = 0;
        while let Some(&(expires_at, payment_hash)) = self.by_expiry.first()
            && expires_at <= now
        {
            self.remove(payment_hash);
            count += 1;
        }
        count
    }

    fn remove(&mut self, payment_hash: PaymentHash) {
        let Some(Open { expires_at, origin }) = self.open.remove(&payment_hash) else {
            return;
        };
        self.by_expiry.remove(&(expires_at, payment_hash));
        match origin {
            Origin::Made(client) => self.shares.give_back(client),
            Origin::Found => self.shares.lose(),
        }
    }
}

/// A place for an invoice, given back when it is dropped.
pub(crate) struct Place {
    open: Arc<OpenInvoices>,
    client: Option<ClientKey>,
    is_taken: bool,
}

impl Place {
    /// Puts the invoice there that was made.
    pub(crate) fn take(mut self, payment_hash: PaymentHash, expires_at: u64) {
        self.is_taken = true;
        self.open.metrics.invoice_created();
        let state = &mut *self.open.state();
        // The cleaning may have found it before this gateway heard that it was made.
        state.remove(payment_hash);
        let origin = Origin::Made(self.client);
        state.open.insert(payment_hash, Open { expires_at, origin });
        state.by_expiry.insert((expires_at, payment_hash));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_taken {
            self.open.state().shares.give_back(self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::num::NonZeroU32;

    use super::*;

    fn hash(number: u8) -> PaymentHash {
        PaymentHash([number; 32])
    }

    fn open(per_client: u32, in_all: u32) -> Arc<OpenInvoices> {
        let options = LimitsOptions {
            open_invoices_per_client: NonZeroU32::new(per_client),
            open_invoices: NonZeroU32::new(in_all),
            ..LimitsOptions::default()
        };
        Arc::new(OpenInvoices::new(&options, Metrics::start()))
    }

    #[tokio::test]
    async fn places_come_free_by_payment_by_expiry_and_by_failure() {
        let open = open(0, 2);
        let reserve = |now| open.reserve(None, now);
        reserve(100).unwrap().take(hash(1), 130);
        let place = reserve(100).unwrap();
        let full = |now| match reserve(now) {
            Err(TooManyOpen { retry_secs, .. }) => Some(retry_secs),
            _ => None,
        };
        assert_eq!(full(100), Some(30), "one is open, one is being made");
        drop(place);
        reserve(100).unwrap().take(hash(2), 900);
        assert_eq!(full(100), Some(30));
        open.remove(hash(1));
        assert_eq!(open.count_at(100), 1);
        reserve(100).unwrap().take(hash(3), 800);
        assert_eq!(full(100), Some(60), "not longer, others may pay");
        assert_eq!(full(799), Some(1));
        assert_eq!(full(800), None);
        assert_eq!(open.count_at(900), 0);
    }

    #[tokio::test]
    async fn an_invoice_counts_once() {
        let open = open(0, 0);
        open.found(hash(1), 130);
        open.found(hash(1), 130);
        assert_eq!(open.count_at(100), 1);
        open.remove(hash(9));
        open.remove(hash(1));
        assert_eq!(open.count_at(100), 0);
    }

    #[tokio::test]
    async fn what_was_found_is_in_nobodys_share_until_it_is_known_whose_it_is() {
        let open = open(1, 1);
        let address: IpAddr = "198.51.100.1".parse().unwrap();
        let client = Some(ClientKey::from(address));
        open.found(hash(1), 130);
        open.found(hash(2), 130);
        let place = open.reserve(client, 100).unwrap();
        open.found(hash(3), 130);
        place.take(hash(3), 130);
        assert_eq!(open.count_at(100), 3);
        let refused = open.reserve(client, 100).err();
        assert_eq!(refused.map(|refused| refused.why), Some(Refusal::Client));
        open.remove(hash(3));
        open.reserve(client, 100).unwrap().take(hash(4), 140);
        assert!(open.reserve(client, 139).is_err());
        assert!(open.reserve(client, 140).is_ok());
    }
}
