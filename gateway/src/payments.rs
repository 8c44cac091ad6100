//! What is known about invoices, and the one watcher that follows lightningd's payments.
//!
//! lightningd is the only database. This module only makes answers faster: waiting buyers are woken
//! from memory, and an invoice known to be unpaid is not asked about again while the watcher is
//! healthy, because a payment would have been heard of. RPC load grows with payments, never with
//! the number of buyers who wait.
//!
//! No payment is missed, by two orders of things: who asks lightningd about an invoice first makes
//! its entry, so that a payment during the question finds it; and the watcher wakes before it
//! moves its index, so that a payment may be told twice but never not at all.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::api::Status;
use shared::lightning::{Network, PaymentHash};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::clock::unix_now;
use crate::config::Timing;
use crate::error::{Error, chain};
use crate::lightningd::{LightningError, Lightningd, Node, Payment, Standing};
use crate::limits::OpenInvoices;
use crate::metrics::Metrics;
use crate::sales::Sale;

/// The payments of one lightningd. Its watcher ends with it.
pub struct Payments {
    inner: Arc<Inner>,
    watcher: AbortHandle,
}

struct Inner {
    lightningd: Arc<Lightningd>,
    open: Arc<OpenInvoices>,
    metrics: Metrics,
    network: Option<Network>,
    timing: Timing,
    node: Mutex<Option<Node>>,
    book: Mutex<Book>,
    /// The number of the watcher's current uninterrupted watch; `None` while it has none.
    watch: watch::Sender<Option<u64>>,
    closing: watch::Sender<bool>,
}

impl Payments {
    /// Starts to follow the payments of `lightningd`, which has to be on `network` where one is
    /// given. lightningd may be away now and later. What is paid is no longer `open`.
    pub(crate) fn start(
        lightningd: Arc<Lightningd>,
        open: Arc<OpenInvoices>,
        metrics: Metrics,
        network: Option<Network>,
        timing: Timing,
    ) -> Self {
        let inner = Arc::new(Inner {
            lightningd,
            open,
            metrics,
            network,
            timing,
            node: Mutex::default(),
            book: Mutex::default(),
            watch: watch::Sender::new(None),
            closing: watch::Sender::new(false),
        });
        let watcher = tokio::spawn(run_watcher(inner.clone())).abort_handle();
        Self { inner, watcher }
    }

    /// lightningd itself, for what is not about payments that arrive.
    pub fn lightningd(&self) -> &Lightningd {
        &self.inner.lightningd
    }

    /// The node, from memory where it was asked since the watcher last connected.
    pub async fn node(&self) -> Result<Node, Error> {
        let known = lock(&self.inner.node).clone();
        let node = match known {
            Some(node) => node,
            None => self.inner.ask_node().await?,
        };
        self.inner.check_network(&node)?;
        Ok(node)
    }

    /// Asks lightningd now whether it is there, on the right network and in step with its chain.
    pub async fn ask_node(&self) -> Result<Node, Error> {
        let node = self.inner.ask_node().await?;
        self.inner.check_network(&node)?;
        Ok(node)
    }

    /// Where the invoice stands: from memory where that is certain, else from lightningd.
    pub async fn standing(&self, payment_hash: PaymentHash) -> Result<Standing, Error> {
        let entry = self.inner.entry(payment_hash);
        self.inner.standing(payment_hash, &entry).await
    }

    /// What the buyer pays, from memory where lightningd was asked about the invoice before.
    pub async fn bolt11(&self, payment_hash: PaymentHash) -> Result<Arc<str>, Error> {
        let entry = self.inner.entry(payment_hash);
        let known = entry.borrow().bolt11.clone();
        if let Some(bolt11) = known {
            return Ok(bolt11);
        }
        self.inner.ask(payment_hash, &entry).await?;
        let asked = entry.borrow().bolt11.clone();
        asked.ok_or(Error::UnknownInvoice)
    }

    /// Where the invoice stands once that is final, or at `until`, whichever comes first.
    ///
    /// While lightningd is away in between, the wait goes on; the answer may be there in time.
    pub async fn wait(&self, payment_hash: PaymentHash, until: Instant) -> Result<Standing, Error> {
        let inner = &self.inner;
        let entry = inner.entry(payment_hash);
        let mut known = entry.subscribe();
        let mut watch = inner.watch.subscribe();
        let mut closing = inner.closing.subscribe();
        let mut standing = inner.standing(payment_hash, &entry).await?;
        let _waiter = inner.metrics.waiter();
        while standing.status == Status::Unpaid && Instant::now() < until {
            tokio::select! {
                _ = known.changed() => {}
                // A payment between two watches has to be asked for.
                _ = watch.changed() => if watch.borrow_and_update().is_none() { continue },
                () = sleep_until(alarm(standing.expires_at, until)) => {}
                _ = closing.wait_for(|closing| *closing) => break,
            }
            match inner.standing(payment_hash, &entry).await {
                Ok(now) => standing = now,
                Err(Error::Lightning(_)) if Instant::now() < until => {}
                Err(error) => return Err(error),
            }
        }
        Ok(standing)
    }

    /// Whether payments are followed at this moment. Without it they are found by asking.
    pub fn are_followed(&self) -> bool {
        self.inner.watch.borrow().is_some()
    }

    /// Lets everyone who waits go, with what is known.
    pub fn close(&self) {
        self.inner.closing.send_replace(true);
    }
}

impl Drop for Payments {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

/// lightningd marks an invoice as expired a moment after its time.
const EXPIRY_GRACE: Duration = Duration::from_secs(1);

/// When to look again at an invoice that nobody pays: after its expiry, once, or at `until`.
fn alarm(expires_at: u64, until: Instant) -> Instant {
    match expires_at.checked_sub(unix_now()) {
        Some(left) => until.min(Instant::now() + Duration::from_secs(left) + EXPIRY_GRACE),
        None => until,
    }
}

impl Inner {
    async fn ask_node(&self) -> Result<Node, LightningError> {
        let node = self.lightningd.node().await?;
        *lock(&self.node) = Some(node.clone());
        Ok(node)
    }

    fn check_network(&self, node: &Node) -> Result<(), Error> {
        match self.network {
            Some(expected) if expected != node.network => Err(Error::WrongNetwork {
                expected,
                found: node.network,
            }),
            _ => Ok(()),
        }
    }

    fn entry(&self, payment_hash: PaymentHash) -> Arc<Entry> {
        lock(&self.book).entry(payment_hash)
    }

    async fn standing(&self, payment_hash: PaymentHash, entry: &Entry) -> Result<Standing, Error> {
        let certain = entry.borrow().certain(*self.watch.borrow(), unix_now());
        match certain {
            Some(standing) => Ok(standing),
            None => self.ask(payment_hash, entry).await,
        }
    }

    async fn ask(&self, payment_hash: PaymentHash, entry: &Entry) -> Result<Standing, Error> {
        // Read before lightningd is asked: should the watch end meanwhile, so does the certainty.
        let watch = *self.watch.borrow();
        let found = self.lightningd.find_by_payment_hash(payment_hash).await?;
        let found = found.ok_or(Error::UnknownInvoice)?;
        if let Some(bolt11) = found.bolt11 {
            entry.send_if_modified(|known| {
                known.bolt11 = Some(bolt11.into());
                false
            });
        }
        Ok(learn(entry, found.standing, watch))
    }

    fn paid(&self, payment: &Payment) {
        self.open.remove(payment.payment_hash);
        let entry = lock(&self.book).entries.get(&payment.payment_hash).cloned();
        if let Some(entry) = entry {
            learn(&entry, payment.standing, None);
        }
        if let Some(sale) = Sale::of(payment) {
            let lag_secs = self.metrics.sold(&sale);
            tracing::info!(
                payment_hash = %sale.payment_hash,
                item = sale.item,
                amount_msat = sale.amount_msat.0,
                received_msat = sale.amount_received_msat.0,
                lag_secs,
                "paid"
            );
        }
    }
}

/// What is known about one invoice; who waits for it subscribes.
type Entry = watch::Sender<Known>;

#[derive(Debug, Default)]
struct Known {
    standing: Option<Standing>,
    /// The watch during which it was learnt.
    watch: Option<u64>,
    bolt11: Option<Arc<str>>,
}

impl Known {
    /// The standing, where lightningd could say nothing else now: `paid` and `expired` are final,
    /// and `unpaid` holds up to its expiry while the watch goes on during which it was learnt.
    fn certain(&self, watch: Option<u64>, now: u64) -> Option<Standing> {
        self.standing.filter(|standing| match standing.status {
            Status::Paid | Status::Expired => true,
            Status::Unpaid => watch.is_some() && watch == self.watch && now < standing.expires_at,
        })
    }
}

/// Takes over what lightningd said, unless the entry is final already, and wakes who waits where
/// that makes it final. Gives what is known now.
fn learn(entry: &Entry, standing: Standing, watch: Option<u64>) -> Standing {
    let mut latest = standing;
    entry.send_if_modified(|known| match known.standing {
        Some(before) if before.status != Status::Unpaid => {
            latest = before;
            false
        }
        _ => {
            known.standing = Some(standing);
            known.watch = watch;
            standing.status != Status::Unpaid
        }
    });
    latest
}

/// Entries of invoices that were asked about lately.
#[derive(Default)]
struct Book {
    entries: HashMap<PaymentHash, Arc<Entry>>,
    sweep_at: usize,
}

/// Entries that nobody uses are forgotten beyond this number; asking again costs one call.
const MAX_UNUSED: usize = 10_000;

impl Book {
    fn entry(&mut self, payment_hash: PaymentHash) -> Arc<Entry> {
        if self.entries.len() >= self.sweep_at.max(MAX_UNUSED) {
            // An entry in use has to stay where the watcher finds it.
            self.entries.retain(|_, entry| Arc::strong_count(entry) > 1);
            self.sweep_at = 2 * self.entries.len();
        }
        self.entries.entry(payment_hash).or_default().clone()
    }
}

/// Follows lightningd's payments, over as many connections as it takes.
async fn run_watcher(inner: Arc<Inner>) {
    let mut newest = None;
    let mut watches = 0;
    // A node that is away for long is told of once.
    let mut told = String::new();
    let mut pause = inner.timing.reconnect_min;
    loop {
        let started = Instant::now();
        let Err(error) = follow(&inner, &mut newest, watches).await;
        let was_healthy = inner.watch.send_replace(None).is_some();
        inner.metrics.watcher_is_up(false);
        if was_healthy {
            watches += 1;
            told.clear();
        }
        // A lightningd that comes and goes is not healthy, either.
        if was_healthy && started.elapsed() > inner.timing.reconnect_max {
            pause = inner.timing.reconnect_min;
        }
        let cause = chain(&error);
        if cause != told {
            tracing::warn!("payments are not followed: {cause}; {}", error.remedy());
            told = cause;
        }
        sleep(jittered(pause)).await;
        pause = (pause * 2).min(inner.timing.reconnect_max);
    }
}

/// One watch: from a new connection up to its end.
async fn follow(
    inner: &Inner,
    newest: &mut Option<u64>,
    watch: u64,
) -> Result<Infallible, LightningError> {
    let mut connection = inner.lightningd.watch().await?;
    let node = inner.ask_node().await?;
    if let Err(error) = inner.check_network(&node) {
        tracing::error!("{}", chain(&error));
    }
    // Payments of before are found by asking, so they are not replayed. Those missed since the
    // last watch are told now, unless lightningd's book is another one than then.
    let now_newest = connection.newest_pay_index().await?;
    let mut last = newest.map_or(now_newest, |before| before.min(now_newest));
    inner.watch.send_replace(Some(watch));
    inner.metrics.watcher_is_up(true);
    tracing::info!(node_id = %node.id, network = %node.network, "payments are followed");
    loop {
        let wait = inner.timing.watch_round;
        if let Some(payment) = connection.next_payment(last, wait).await? {
            inner.paid(&payment);
            last = payment.pay_index;
        }
        *newest = Some(last);
    }
}

/// A random pause of half to all of `pause`, so that many gateways do not come back in step.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    pause / 2 + pause.mul_f64(f64::from(random) / f64::from(u32::MAX)) / 2
}

/// No code of ours panics while it holds a lock; if it did, the data would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
