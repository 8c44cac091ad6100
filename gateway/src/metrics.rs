//! What is counted and measured, for Prometheus.
//!
//! Each gateway has a recorder of its own rather than the process's one, so that several in one
//! program do not mix. No label comes from a client: routes are the router's, methods lightningd's.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lightningd::{LightningError, Observer};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::clock::unix_now;
use crate::payments::sales::Sale;

/// A handle to a gateway's metrics.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    counts: Counts,
    /// What answers are counted with, by route, so that none of it is registered for each answer.
    answers: RwLock<HashMap<String, Answers>>,
    told_of_skipped: AtomicBool,
    /// Whether payments cannot be turned into webhooks now.
    are_webhooks_stalled: AtomicBool,
    /// Webhooks that are not delivered yet.
    webhooks_pending: AtomicI64,
    /// Those of payments that could not be read from lightningd's book, because the disk is full.
    webhooks_behind: AtomicI64,
    upkeep: AbortHandle,
}

/// What the answers of one route are counted with.
struct Answers {
    took: Histogram,
    /// By method and status.
    counts: HashMap<(&'static str, u16), Counter>,
}

/// What has no labels.
struct Counts {
    created: Counter,
    paid: Counter,
    expired: Counter,
    deleted: Counter,
    earned: Counter,
    open: Gauge,
    waiters: Gauge,
    connections_shed: Counter,
    connections_refused: Counter,
    delivered: Counter,
    webhooks_delivered: Counter,
    webhooks_failed: Counter,
    webhooks_pending: Gauge,
    webhooks_stalled: Gauge,
    webhooks_not_kept: Counter,
    payments_pruned: Counter,
    goods: GoodsCounts,
}

/// What is counted of the goods. The default counts for nobody.
#[derive(Clone, Debug)]
pub(crate) struct GoodsCounts {
    rates_refused: Counter,
    damaged: Gauge,
    repaired: Counter,
}

impl Default for GoodsCounts {
    fn default() -> Self {
        Self {
            rates_refused: Counter::noop(),
            damaged: Gauge::noop(),
            repaired: Counter::noop(),
        }
    }
}

impl GoodsCounts {
    /// A source's rate was not believed.
    pub(crate) fn rate_refused(&self) {
        self.rates_refused.increment(1);
    }

    /// So many more kept copies are damaged.
    pub(crate) fn damaged(&self, more: i8) {
        self.damaged.increment(f64::from(more));
    }

    /// A damaged copy was made again.
    pub(crate) fn repaired(&self) {
        self.repaired.increment(1);
    }
}

const WATCHER_UP: &str = "purrwall_watcher_up";
const WATCHER_LAG: &str = "purrwall_watcher_lag_seconds";
const WATCHER_RECONNECTS: &str = "purrwall_watcher_reconnects_total";
const RPC_DURATION: &str = "purrwall_rpc_duration_seconds";
const RPC_ERRORS: &str = "purrwall_rpc_errors_total";
const RPC_SKIPPED: &str = "purrwall_rpc_unreadable_entries_total";
const REFUSED: &str = "purrwall_purchases_refused_total";
const HTTP_REQUESTS: &str = "purrwall_http_requests_total";
const HTTP_DURATION: &str = "purrwall_http_duration_seconds";

/// In seconds: from a fast local call to the longest wait.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0,
];

/// How often samples are put into their buckets where nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

impl Metrics {
    /// All at zero. Needs a Tokio runtime.
    #[expect(clippy::too_many_lines, reason = "a line for each figure, and no more")]
    pub(crate) fn start() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
            .expect("there are buckets")
            .build_recorder();
        describe_labelled(&recorder);
        let counter = |name, text: &'static str| {
            recorder.describe_counter(KeyName::from(name), None, text.into());
            recorder.register_counter(&Key::from_static_name(name), &META)
        };
        let gauge = |name, text: &'static str| {
            recorder.describe_gauge(KeyName::from(name), None, text.into());
            recorder.register_gauge(&Key::from_static_name(name), &META)
        };
        let counts = Counts {
            created: counter(
                "purrwall_invoices_created_total",
                "Invoices that this gateway made.",
            ),
            paid: counter(
                "purrwall_invoices_paid_total",
                "Payments of the store's invoices that this gateway heard of.",
            ),
            expired: counter(
                "purrwall_invoices_expired_total",
                "Invoices of the store that ran out unpaid.",
            ),
            deleted: counter(
                "purrwall_invoices_deleted_total",
                "Expired invoices that this gateway deleted.",
            ),
            earned: counter(
                "purrwall_earned_msat_total",
                "Millisatoshi that came with those payments.",
            ),
            open: gauge("purrwall_invoices_open", "Invoices that could be paid now."),
            waiters: gauge("purrwall_waiters", "Requests that wait for a payment."),
            connections_shed: counter(
                "purrwall_connections_shed_total",
                "Connections that were closed to make room for others.",
            ),
            connections_refused: counter(
                "purrwall_connections_refused_total",
                "New connections that there was no room for.",
            ),
            delivered: counter(
                "purrwall_delivered_bytes_total",
                "Bytes of paid goods that were read for buyers.",
            ),
            webhooks_delivered: counter(
                "purrwall_webhooks_delivered_total",
                "Webhooks that their receiver took.",
            ),
            webhooks_failed: counter(
                "purrwall_webhooks_failed_total",
                "Tries to send a webhook that its receiver did not take.",
            ),
            webhooks_pending: gauge(
                "purrwall_webhooks_pending",
                "Webhooks that their receiver has not taken yet.",
            ),
            webhooks_stalled: gauge(
                "purrwall_webhooks_stalled",
                "1 while webhooks cannot be kept on the disk, so that new ones wait at lightningd.",
            ),
            webhooks_not_kept: counter(
                "purrwall_webhooks_not_kept_total",
                "Tries to keep webhooks on the disk that failed.",
            ),
            payments_pruned: counter(
                "purrwall_payments_pruned_total",
                "Payments that were deleted at lightningd before webhooks could tell of them.",
            ),
            goods: GoodsCounts {
                rates_refused: counter(
                    "purrwall_rates_refused_total",
                    "Rates of a source that were not believed.",
                ),
                damaged: gauge(
                    "purrwall_goods_damaged",
                    "Kept copies of goods that are damaged and neither sold nor delivered.",
                ),
                repaired: counter(
                    "purrwall_goods_repaired_total",
                    "Damaged copies of goods that were made again from the owner's file.",
                ),
            },
        };
        let handle = recorder.handle();
        let upkeep = handle.clone();
        let upkeep = tokio::spawn(async move {
            loop {
                sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Self(Arc::new(Inner {
            recorder,
            handle,
            counts,
            answers: RwLock::default(),
            told_of_skipped: AtomicBool::new(false),
            are_webhooks_stalled: AtomicBool::new(false),
            webhooks_pending: AtomicI64::new(0),
            webhooks_behind: AtomicI64::new(0),
            upkeep: upkeep.abort_handle(),
        }))
    }

    /// The text that Prometheus reads. `open` is how many invoices could be paid now.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody has so many invoices or webhooks"
    )]
    pub(crate) fn render(&self, open: usize) -> String {
        self.0.counts.open.set(open as f64);
        let stalled = f64::from(u8::from(self.webhooks_are_stalled()));
        self.0.counts.webhooks_stalled.set(stalled);
        let kept = self.0.webhooks_pending.load(Ordering::Relaxed);
        let behind = self.0.webhooks_behind.load(Ordering::Relaxed);
        self.0.counts.webhooks_pending.set((kept + behind) as f64);
        self.0.handle.render()
    }

    /// What a node is counted with, which is at `place` where there are several.
    pub(crate) fn node(&self, place: Option<String>) -> NodeMetrics {
        let label = place.map(|place| Label::new("node", place));
        let key = |name| Key::from_parts(name, label.clone().into_iter().collect::<Vec<_>>());
        let recorder = &self.0.recorder;
        let gauge = |name| recorder.register_gauge(&key(name), &META);
        NodeMetrics {
            watcher_up: gauge(WATCHER_UP),
            watcher_lag: gauge(WATCHER_LAG),
            watcher_reconnects: recorder.register_counter(&key(WATCHER_RECONNECTS), &META),
            all: self.clone(),
            label,
        }
    }

    /// What the goods are counted with.
    pub(crate) fn goods(&self) -> GoodsCounts {
        self.0.counts.goods.clone()
    }

    pub(crate) fn invoice_created(&self) {
        self.0.counts.created.increment(1);
    }

    pub(crate) fn invoices_expired(&self, count: u64) {
        self.0.counts.expired.increment(count);
    }

    pub(crate) fn invoices_deleted(&self, count: u64) {
        self.0.counts.deleted.increment(count);
    }

    /// More webhooks have to be delivered.
    pub(crate) fn webhooks_wait(&self, count: usize) {
        let pending = &self.0.webhooks_pending;
        pending.fetch_add(signed(count), Ordering::Relaxed);
    }

    /// So many webhooks wait at one lightningd, because the disk is full; so many did `before`.
    pub(crate) fn webhooks_are_behind(&self, before: usize, now: usize) {
        let behind = &self.0.webhooks_behind;
        behind.fetch_add(signed(now) - signed(before), Ordering::Relaxed);
    }

    /// Whether webhooks could be kept on the disk just now.
    pub(crate) fn webhooks_are_kept(&self, are_kept: bool) {
        let stalled = &self.0.are_webhooks_stalled;
        stalled.store(!are_kept, Ordering::Relaxed);
        if !are_kept {
            self.0.counts.webhooks_not_kept.increment(1);
        }
    }

    /// Whether webhooks of new payments have to wait, because they cannot be kept on the disk.
    pub(crate) fn webhooks_are_stalled(&self) -> bool {
        self.0.are_webhooks_stalled.load(Ordering::Relaxed)
    }

    /// So many payments were deleted at lightningd before they were read.
    pub(crate) fn payments_pruned(&self, count: u64) {
        self.0.counts.payments_pruned.increment(count);
    }

    /// Counts a try to deliver a webhook.
    pub(crate) fn webhook_tried(&self, is_delivered: bool) {
        let counts = &self.0.counts;
        if is_delivered {
            counts.webhooks_delivered.increment(1);
            self.0.webhooks_pending.fetch_sub(1, Ordering::Relaxed);
        } else {
            counts.webhooks_failed.increment(1);
        }
    }

    /// Counts a request that waits, until the guard is dropped.
    pub(crate) fn waiter(&self) -> Waiter {
        self.0.counts.waiters.increment(1);
        Waiter(self.clone())
    }

    /// Counts a connection that was closed to make room.
    pub(crate) fn connection_shed(&self) {
        self.0.counts.connections_shed.increment(1);
    }

    /// Counts a connection that there was no room for.
    pub(crate) fn connection_refused(&self) {
        self.0.counts.connections_refused.increment(1);
    }

    /// Counts a buyer who paid and was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        let key = Key::from_parts(REFUSED, vec![Label::from_static_parts("reason", reason)]);
        self.0.recorder.register_counter(&key, &META).increment(1);
    }

    pub(crate) fn delivered(&self, bytes: u64) {
        self.0.counts.delivered.increment(bytes);
    }

    /// Measures a request. `route` is the router's, never the address itself.
    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let answers = self.0.answers.read();
        let answers = answers.unwrap_or_else(PoisonError::into_inner);
        if let Some(answers) = answers.get(route)
            && let Some(count) = answers.counts.get(&(method, status))
        {
            answers.took.record(took);
            count.increment(1);
            return;
        }
        drop(answers);
        self.register(method, route, status);
        self.answered(method, route, status, took);
    }

    /// Finds the places for the first such answer.
    fn register(&self, method: &'static str, route: &str, status: u16) {
        let label = Label::new("route", route.to_owned());
        let took = self.histogram(&Key::from_parts(HTTP_DURATION, vec![label.clone()]));
        let labels = [
            Label::from_static_parts("method", method),
            label,
            Label::new("status", status.to_string()),
        ];
        let key = Key::from_parts(HTTP_REQUESTS, labels.to_vec());
        let count = self.0.recorder.register_counter(&key, &META);
        let answers = self.0.answers.write();
        let mut answers = answers.unwrap_or_else(PoisonError::into_inner);
        let answers = answers.entry(route.to_owned()).or_insert_with(|| Answers {
            took,
            counts: HashMap::new(),
        });
        answers.counts.insert((method, status), count);
    }

    fn histogram(&self, key: &Key) -> Histogram {
        self.0.recorder.register_histogram(key, &META)
    }
}

/// What is counted of one node. A clone counts the same.
#[derive(Clone, Debug)]
pub(crate) struct NodeMetrics {
    /// What is counted of all nodes together.
    pub(crate) all: Metrics,
    /// Names the node, where there are several.
    label: Option<Label>,
    watcher_up: Gauge,
    watcher_lag: Gauge,
    watcher_reconnects: Counter,
}

impl NodeMetrics {
    /// Counts a payment; gives how many seconds ago it came.
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since a payment are few"
    )]
    pub(crate) fn sold(&self, sale: &Sale) -> u64 {
        let lag = unix_now().saturating_sub(sale.paid_at);
        let counts = &self.all.0.counts;
        counts.paid.increment(1);
        counts.earned.increment(sale.amount_received_msat.0);
        self.watcher_lag.set(lag as f64);
        lag
    }

    pub(crate) fn watcher_is_up(&self, is_up: bool) {
        self.watcher_up.set(f64::from(u8::from(is_up)));
        if !is_up {
            self.watcher_reconnects.increment(1);
        }
    }

    fn key(&self, name: &'static str, method: &str) -> Key {
        let method = Label::new("method", method.to_owned());
        let labels = [method].into_iter().chain(self.label.clone());
        Key::from_parts(name, labels.collect::<Vec<_>>())
    }
}

impl Observer for NodeMetrics {
    fn called(&self, method: &str, took: Duration, error: Option<&LightningError>) {
        let key = self.key(RPC_DURATION, method);
        self.all.histogram(&key).record(took);
        if let Some(error) = error {
            let kind = Label::from_static_parts("kind", error.kind());
            let key = self.key(RPC_ERRORS, method).with_extra_labels(vec![kind]);
            let errors = self.all.0.recorder.register_counter(&key, &META);
            errors.increment(1);
        }
    }

    fn skipped(&self, method: &str, entries: usize) {
        let key = self.key(RPC_SKIPPED, method);
        let count = entries.try_into().unwrap_or(u64::MAX);
        let all = &self.all.0;
        let skipped = all.recorder.register_counter(&key, &META);
        skipped.increment(count);
        if !all.told_of_skipped.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                method,
                entries,
                "lightningd's book has entries that cannot be read; they are skipped, and from now on \
                 only counted ({RPC_SKIPPED}). If lightningd is newer than purrwall, update purrwall"
            );
        }
    }
}

fn signed(count: usize) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

const META: Metadata<'static> = Metadata::new("purrwall", Level::INFO, None);

/// A request that waits for a payment.
pub(crate) struct Waiter(Metrics);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.0.counts.waiters.decrement(1);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.upkeep.abort();
    }
}

/// What has labels is registered with its first value, so only described at the start.
fn describe_labelled(recorder: &PrometheusRecorder) {
    recorder.describe_gauge(
        WATCHER_UP.into(),
        None,
        "1 while lightningd's payments are followed, else 0.".into(),
    );
    recorder.describe_gauge(
        WATCHER_LAG.into(),
        None,
        "From the newest payment to when it was heard of.".into(),
    );
    recorder.describe_counter(
        WATCHER_RECONNECTS.into(),
        None,
        "Watches of payments that ended.".into(),
    );
    recorder.describe_histogram(
        RPC_DURATION.into(),
        None,
        "Calls to lightningd, by method.".into(),
    );
    recorder.describe_counter(
        RPC_ERRORS.into(),
        None,
        "Calls to lightningd that failed, by method and kind.".into(),
    );
    recorder.describe_counter(
        RPC_SKIPPED.into(),
        None,
        "Entries of lightningd's book that could not be read and were skipped, by method.".into(),
    );
    recorder.describe_counter(
        REFUSED.into(),
        None,
        "Requests with a claim that was paid, or may have been, and that were refused, by reason."
            .into(),
    );
    recorder.describe_counter(
        HTTP_REQUESTS.into(),
        None,
        "Requests, by method, route and status.".into(),
    );
    recorder.describe_histogram(
        HTTP_DURATION.into(),
        None,
        "From a request's head to its answer's, by route.".into(),
    );
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
