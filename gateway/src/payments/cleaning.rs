//! Deletes our expired unpaid invoices from lightningd, in the background and at a bounded pace.
//!
//! The book is read once, in pages, and then from where it ended: however many invoices of others
//! there are, start, creation and status never wait for it. Of what is read, only what bears our
//! label and was not paid is remembered, until its time to be deleted. lightningd deletes an
//! invoice only if it is expired, so one that is paid at the last moment stays.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use lightningd::{LightningError, Lightningd};
use shared::api::Status;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tracing::Instrument as _;

use crate::clock::unix_now;
use crate::metrics::Metrics;
use crate::options::Timing;
use crate::payments::label::{OldLabels, StoreId};
use crate::payments::open_invoices::OpenInvoices;
use crate::retry::{Attempt, Health, Pauses, retry};

/// The background tasks; they end with this.
pub(crate) struct Cleaning {
    task: AbortHandle,
    warning: AbortHandle,
}

impl Cleaning {
    /// Deletes invoices `after` they have expired; without it, looks once whether lightningd does.
    pub(crate) fn start(
        lightningd: Arc<Lightningd>,
        open: Arc<OpenInvoices>,
        metrics: Metrics,
        store: StoreId,
        old_labels: Arc<OldLabels>,
        after: Option<Duration>,
        timing: Timing,
    ) -> Self {
        let asked = lightningd.clone();
        let warning = async move { warn_if_paid_are_deleted(&asked, timing).await };
        let task = async move {
            match after {
                Some(after) => {
                    let cleaner = Cleaner {
                        lightningd,
                        open,
                        metrics,
                        store,
                        old_labels,
                        after,
                        timing,
                    };
                    let round = timing.cleaning_round;
                    match retry(Pauses::new(round, round), cleaner).await {}
                }
                None => warn_unless_lightningd_cleans(&lightningd, timing).await,
            }
        };
        Self {
            task: tokio::spawn(task.in_current_span()).abort_handle(),
            warning: tokio::spawn(warning.in_current_span()).abort_handle(),
        }
    }
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        self.task.abort();
        self.warning.abort();
    }
}

/// So many invoices are read at once: some 100 kB.
const PAGE: u32 = 100;

struct Cleaner {
    lightningd: Arc<Lightningd>,
    open: Arc<OpenInvoices>,
    metrics: Metrics,
    store: StoreId,
    old_labels: Arc<OldLabels>,
    after: Duration,
    timing: Timing,
}

/// What is known of lightningd's book.
struct Read {
    /// The number of the first invoice that was not read.
    next: u64,
    /// Ours that are not paid, by expiry.
    unpaid: BTreeSet<(u64, String)>,
    /// Whether an earlier gateway gave one of the labels.
    has_old_labels: bool,
}

impl Attempt for Cleaner {
    type Done = Infallible;
    type Error = LightningError;

    async fn attempt(&mut self, health: &mut Health) -> Result<Infallible, LightningError> {
        // lightningd may have come back with another book, so it is read from the beginning.
        let mut read = Read {
            next: 1,
            unpaid: BTreeSet::new(),
            has_old_labels: false,
        };
        self.old_labels.set(true);
        self.follow(&mut read, health).await
    }

    fn tell(&self, _: &LightningError, cause: &str) {
        tracing::warn!("expired invoices are not deleted: {cause}");
    }
}

impl Cleaner {
    async fn follow(
        &self,
        read: &mut Read,
        health: &mut Health,
    ) -> Result<Infallible, LightningError> {
        loop {
            let mut deleted = self.delete_due(read).await?;
            while self.read_page(read).await? {
                deleted += self.delete_due(read).await?;
                sleep(self.timing.cleaning_pause).await;
            }
            self.old_labels.set(read.has_old_labels);
            if deleted > 0 {
                self.metrics.invoices_deleted(deleted);
                tracing::info!(deleted, "expired invoices were deleted");
            }
            health.is_well();
            sleep(self.timing.cleaning_round).await;
        }
    }

    /// Reads on; false at the book's end.
    async fn read_page(&self, read: &mut Read) -> Result<bool, LightningError> {
        let page = self.lightningd.page(read.next, PAGE).await?;
        let Some(next) = page.next else {
            return Ok(false);
        };
        read.next = next;
        for listed in page.entries {
            let standing = listed.invoice.standing;
            read.has_old_labels |= OldLabels::is_one(&listed.label);
            if standing.status == Status::Paid || self.store.item(&listed.label).is_none() {
                continue;
            }
            if standing.status == Status::Unpaid {
                self.open
                    .found(listed.invoice.payment_hash, standing.expires_at);
            }
            read.unpaid.insert((standing.expires_at, listed.label));
        }
        Ok(true)
    }

    /// Deletes what is old enough, and gives how many there were.
    async fn delete_due(&self, read: &mut Read) -> Result<u64, LightningError> {
        let mut deleted = 0;
        while let Some((expires_at, _)) = read.unpaid.first()
            && expires_at.saturating_add(self.after.as_secs()) < unix_now()
            && let Some((_, label)) = read.unpaid.pop_first()
        {
            deleted += u64::from(self.lightningd.delete_expired(label).await?);
            sleep(self.timing.cleaning_pause).await;
        }
        Ok(deleted)
    }
}

/// Asks lightningd's plugin autoclean until there is an answer; `None` where there is no such plugin.
async fn ask<T, Asked: Future<Output = Result<T, LightningError>>>(
    timing: Timing,
    question: impl Fn() -> Asked,
) -> Option<T> {
    loop {
        match question().await {
            Ok(answer) => return Some(answer),
            Err(LightningError::Rpc { .. }) => return None,
            Err(_) => sleep(timing.cleaning_round).await,
        }
    }
}

async fn warn_if_paid_are_deleted(lightningd: &Lightningd, timing: Timing) {
    let cleans = ask(timing, || lightningd.cleans_paid()).await.flatten();
    if let Some(age_secs) = cleans {
        tracing::warn!(age_secs, "{PAID_ARE_DELETED}");
    }
}

/// What is wrong where lightningd deletes paid invoices, and the remedy.
pub const PAID_ARE_DELETED: &str = "lightningd deletes paid invoices, so that buyers who kept only \
    their claim lose what they paid for, and sales are missing from the books: take \
    autoclean-paidinvoices-age out of lightningd's configuration, or set it to 0";

async fn warn_unless_lightningd_cleans(lightningd: &Lightningd, timing: Timing) {
    let cleans = ask(timing, || lightningd.cleans_expired()).await;
    if cleans != Some(true) {
        tracing::warn!(
            "nobody deletes expired invoices, so lightningd's database grows with each that is not \
             paid: set delete_expired to a time such as 1h, or lightningd's option \
             autoclean-expiredinvoices-age"
        );
    }
}
