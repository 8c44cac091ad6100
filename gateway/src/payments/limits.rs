//! How many invoices one client may ask for, and hold.
//!
//! Asking for an invoice is free, and the invoice stays in lightningd's database, so the gateway
//! has to limit it. The counts are forgotten at a restart.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::clock::unix_now;
use crate::options::LimitsOptions;
use crate::payments::client::ClientKey;
use crate::payments::open_invoices::{OpenInvoices, Place, TooManyOpen};

/// The client has had its share for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("many invoices were asked for from your network in a short time")]
pub(crate) struct TooManyRequests {
    /// When one more is allowed, in seconds.
    pub(crate) retry_secs: u64,
}

/// What has to be asked before an invoice is made.
pub(crate) struct Limits {
    creations: Option<PerClient>,
    searches: Option<PerClient>,
    wrong_keys: Option<PerClient>,
    open: Arc<OpenInvoices>,
}

impl Limits {
    pub(crate) fn new(options: &LimitsOptions, open: Arc<OpenInvoices>) -> Self {
        let per_minute = options.invoices_per_minute;
        Self {
            creations: per_minute.map(PerClient::new),
            searches: per_minute.map(PerClient::new),
            wrong_keys: per_minute.map(PerClient::new),
            open,
        }
    }

    /// Counts a request for an invoice against the client's share.
    pub(crate) fn count(&self, client: Option<ClientKey>) -> Result<(), TooManyRequests> {
        count(self.creations.as_ref(), client)
    }

    /// Counts a search for the invoice of a purchase by a client that has had its share of requests.
    /// A buyer gets back what exists already, but each search is a call to lightningd, so the same
    /// number is allowed again and no more.
    pub(crate) fn count_search(&self, client: Option<ClientKey>) -> Result<(), TooManyRequests> {
        count(self.searches.as_ref(), client)
    }

    /// Counts a wrong key against the client's share of them.
    pub(crate) fn count_wrong_key(&self, client: Option<ClientKey>) -> Result<(), TooManyRequests> {
        count(self.wrong_keys.as_ref(), client)
    }

    /// Takes a place for an invoice that is about to be made.
    pub(crate) fn reserve(&self, client: Option<ClientKey>) -> Result<Place, TooManyOpen> {
        self.open.reserve(client, unix_now())
    }
}

fn count(share: Option<&PerClient>, client: Option<ClientKey>) -> Result<(), TooManyRequests> {
    match (share, client) {
        (Some(share), Some(client)) => share.count(client),
        _ => Ok(()),
    }
}

/// The share of each client: a minute's worth at once, then evenly.
struct PerClient {
    counts: DefaultKeyedRateLimiter<ClientKey>,
    swept: Mutex<Instant>,
}

/// How often clients that have their full share again are forgotten.
const SWEEP: Duration = Duration::from_mins(1);

impl PerClient {
    fn new(per_minute: NonZeroU32) -> Self {
        Self {
            counts: RateLimiter::hashmap(Quota::per_minute(per_minute)),
            swept: Mutex::new(Instant::now()),
        }
    }

    fn count(&self, key: ClientKey) -> Result<(), TooManyRequests> {
        self.sweep();
        self.counts.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            TooManyRequests {
                retry_secs: whole_secs(wait),
            }
        })
    }

    fn sweep(&self) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::metrics::Metrics;

    #[expect(clippy::unnecessary_wraps, reason = "as callers have it")]
    fn client(address: &str) -> Option<ClientKey> {
        let address: IpAddr = address.parse().unwrap();
        Some(address.into())
    }

    #[tokio::test]
    async fn each_client_has_a_share_of_its_own() {
        let options = LimitsOptions {
            invoices_per_minute: NonZeroU32::new(3),
            ..LimitsOptions::default()
        };
        let open = OpenInvoices::new(&options, Metrics::start());
        let limits = Limits::new(&options, Arc::new(open));
        let count = |address| limits.count(client(address));
        for _ in 0..3 {
            count("2001:db8::1").unwrap();
        }
        let Err(TooManyRequests { retry_secs }) = count("2001:db8::2") else {
            panic!("the fourth of a network of 64 bits is refused");
        };
        assert!((1..=20).contains(&retry_secs), "{retry_secs}");
        limits.count_search(client("2001:db8::2")).unwrap();
        count("198.51.100.1").unwrap();
        for _ in 0..9 {
            limits.count(None).unwrap();
        }
    }
}
