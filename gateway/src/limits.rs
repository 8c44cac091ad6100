//! How many invoices are made: for one client, and open in all.
//!
//! An invoice costs who asks for it nothing and stays in lightningd's database, so somebody else
//! has to say when it is enough. What is counted here is forgotten at a restart.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use shared::lightning::PaymentHash;

use crate::client::Client;
use crate::clock::unix_now;
use crate::config::LimitsConfig;
use crate::error::Error;
use crate::metrics::Metrics;

/// What has to be asked before an invoice is made.
pub(crate) struct Limits {
    /// Whose word about the client's address counts.
    pub(crate) trusted_proxies: Vec<IpNet>,
    per_client: Option<PerClient>,
    open: Arc<OpenInvoices>,
}

impl Limits {
    pub(crate) fn new(config: LimitsConfig, open: Arc<OpenInvoices>) -> Self {
        Self {
            trusted_proxies: config.trusted_proxies,
            per_client: config.invoices_per_minute.map(PerClient::new),
            open,
        }
    }

    /// Counts a request for an invoice against the client's share.
    pub(crate) fn count(&self, client: Client) -> Result<(), Error> {
        match (&self.per_client, client.key()) {
            (Some(per_client), Some(key)) => per_client.count(key),
            _ => Ok(()),
        }
    }

    /// Takes a place for an invoice that is about to be made.
    pub(crate) fn reserve(&self) -> Result<Place<'_>, Error> {
        self.open.reserve(unix_now())
    }
}

/// The share of each client: a minute's worth at once, then evenly.
struct PerClient {
    counts: DefaultKeyedRateLimiter<IpAddr>,
    swept: Mutex<Instant>,
}

/// How often clients are forgotten who have their full share again.
const SWEEP: Duration = Duration::from_mins(1);

impl PerClient {
    fn new(per_minute: NonZeroU32) -> Self {
        Self {
            counts: RateLimiter::hashmap(Quota::per_minute(per_minute)),
            swept: Mutex::new(Instant::now()),
        }
    }

    fn count(&self, key: IpAddr) -> Result<(), Error> {
        self.sweep();
        self.counts.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Error::TooManyRequests {
                retry_secs: whole_secs(wait),
            }
        })
    }

    fn sweep(&self) {
        let mut swept = lock(&self.swept);
        if swept.elapsed() >= SWEEP {
            *swept = Instant::now();
            drop(swept);
            self.counts.retain_recent();
        }
    }
}

/// Rounded up, so that nobody comes back too early; at least one.
fn whole_secs(duration: Duration) -> u64 {
    let rest = u64::from(duration.subsec_nanos() > 0);
    (duration.as_secs() + rest).max(1)
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

    fn reserve(&self, now: u64) -> Result<Place<'_>, Error> {
        let mut state = lock(&self.state);
        self.metrics.invoices_expired(state.forget_expired(now));
        let count = state.expiries.len() + state.reserved;
        if self.max.is_some_and(|max| count >= max.get() as usize) {
            let next = state.by_expiry.first();
            let wait = next.map_or(1, |(expires_at, _)| expires_at.saturating_sub(now));
            return Err(Error::TooManyInvoices {
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
    use axum::http::HeaderMap;

    use super::*;

    fn hash(number: u8) -> PaymentHash {
        PaymentHash([number; 32])
    }

    fn client(address: &str) -> Client {
        Client::find(Some(address.parse().unwrap()), &HeaderMap::new(), &[])
    }

    #[tokio::test]
    async fn each_client_has_a_share_of_its_own() {
        let config = LimitsConfig {
            invoices_per_minute: NonZeroU32::new(3),
            ..LimitsConfig::default()
        };
        let limits = Limits::new(config, Arc::new(OpenInvoices::new(None, Metrics::start())));
        let count = |address| limits.count(client(address));
        for _ in 0..3 {
            count("2001:db8::1").unwrap();
        }
        let Err(Error::TooManyRequests { retry_secs }) = count("2001:db8::2") else {
            panic!("the fourth of a network of 64 bits is refused");
        };
        assert!((1..=20).contains(&retry_secs), "{retry_secs}");
        count("198.51.100.1").unwrap();
        let unknown = Client::find(None, &HeaderMap::new(), &[]);
        for _ in 0..9 {
            limits.count(unknown).unwrap();
        }
    }

    #[tokio::test]
    async fn places_come_free_by_payment_by_expiry_and_by_failure() {
        let open = OpenInvoices::new(NonZeroU32::new(2), Metrics::start());
        open.reserve(100).unwrap().take(hash(1), 130);
        let place = open.reserve(100).unwrap();
        let full = |now| match open.reserve(now) {
            Err(Error::TooManyInvoices { retry_secs }) => Some(retry_secs),
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
