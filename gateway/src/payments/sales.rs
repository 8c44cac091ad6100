//! What was sold, by lightningd's word: it is the only book that is kept.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lightningd::{LightningError, Lightningd, Node, Payment, Watch};
use serde::{Deserialize, Serialize};
use shared::lightning::{Msat, PaymentHash};

use crate::payments::label::StoreId;

/// One paid invoice of ours, as owners may see it: nothing in it gives anyone the goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Names the payment.
    pub payment_hash: PaymentHash,
    /// What was sold: an item's id, or `route:` and the name of a route.
    pub item: String,
    /// The price.
    pub amount_msat: Msat,
    /// What came; a payer may pay more than was asked.
    pub amount_received_msat: Msat,
    /// When it was paid, in UNIX seconds.
    pub paid_at: u64,
    /// The payment's number at lightningd. It orders webhooks, and is nobody else's business.
    #[serde(skip)]
    pub pay_index: u64,
}

/// Sales and their sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The newest first.
    pub sales: Vec<Sale>,
    /// By item.
    pub items: BTreeMap<String, Sum>,
    /// Of all.
    pub total: Sum,
    /// How many invoices of lightningd's book could not be read; there may be sales among them.
    pub unreadable: usize,
}

/// What some sales come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub sales: u64,
    /// The prices.
    pub amount_msat: u64,
    /// What came.
    pub amount_received_msat: u64,
}

impl Sale {
    /// The names of what [`csv`](Self::csv) writes.
    pub const CSV_HEADER: &str = "paid_at,item,amount_msat,amount_received_msat,payment_hash\n";

    /// A line of comma-separated values. No field can hold a comma or a quote.
    pub fn csv(&self) -> String {
        let time = UNIX_EPOCH + Duration::from_secs(self.paid_at);
        let time = humantime::format_rfc3339_seconds(time);
        let Self {
            item,
            amount_msat: Msat(amount),
            amount_received_msat: Msat(received),
            payment_hash,
            ..
        } = self;
        format!("{time},{item},{amount},{received},{payment_hash}\n")
    }

    /// The payment as a sale of this store; `None` where the invoice is somebody else's.
    pub fn of(payment: &Payment, store: &StoreId) -> Option<Self> {
        Some(Self {
            payment_hash: payment.payment_hash,
            item: store.item(&payment.label)?,
            amount_msat: payment.standing.amount_msat?,
            amount_received_msat: payment.received_msat,
            paid_at: payment.standing.paid_at.unwrap_or_default(),
            pay_index: payment.pay_index,
        })
    }
}

/// So many invoices are asked for at a time. lightningd answers nobody else while it lists.
const PAGE: u32 = 100;

impl Report {
    /// What was paid to this store at these nodes at `since` (in UNIX seconds) or later.
    pub async fn read(
        nodes: impl IntoIterator<Item = &Lightningd>,
        store: &StoreId,
        since: u64,
    ) -> Result<Self, LightningError> {
        let mut all = Vec::new();
        let mut unreadable = 0;
        for lightningd in nodes {
            let (sales, skipped) = Self::read_one(lightningd, store, since).await?;
            all.extend(sales);
            unreadable += skipped;
        }
        // Each node's are in this order already, and those of one second stay in theirs.
        all.sort_by_key(|sale| Reverse(sale.paid_at));
        Ok(Self::new(all, unreadable))
    }

    /// What was paid at one of them, the newest first, and how many invoices could not be read.
    ///
    /// lightningd's book is read from its end in the order of changes, a payment being an
    /// invoice's last one. So a recent report is quick however long the book is.
    async fn read_one(
        lightningd: &Lightningd,
        store: &StoreId,
        since: u64,
    ) -> Result<(Vec<Sale>, usize), LightningError> {
        let mut sales = Vec::new();
        let mut unreadable = 0;
        let mut above = lightningd.newest_change().await?;
        while above > 0 {
            let page = page_below(lightningd, store, above + 1, since).await?;
            unreadable += page.unreadable;
            sales.extend(page.sales.into_iter().map(|(_, sale)| sale));
            above = page.below.saturating_sub(1);
        }
        Ok((sales, unreadable))
    }

    fn new(sales: Vec<Sale>, unreadable: usize) -> Self {
        let mut items = BTreeMap::<String, Sum>::new();
        let mut total = Sum::default();
        for sale in &sales {
            items.entry(sale.item.clone()).or_default().add(sale);
            total.add(sale);
        }
        Self {
            sales,
            items,
            total,
            unreadable,
        }
    }
}

impl Sum {
    /// Counts a sale.
    pub fn add(&mut self, sale: &Sale) {
        let Msat(amount_msat) = sale.amount_msat;
        let Msat(amount_received_msat) = sale.amount_received_msat;
        self.add_all(&Self {
            sales: 1,
            amount_msat,
            amount_received_msat,
        });
    }

    /// Counts what was summed before. No node's money comes near the bound.
    pub fn add_all(&mut self, other: &Self) {
        self.sales += other.sales;
        self.amount_msat = self.amount_msat.saturating_add(other.amount_msat);
        let received = &mut self.amount_received_msat;
        *received = received.saturating_add(other.amount_received_msat);
    }
}

/// A page of one node's sales, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Each with the number of its change at lightningd.
    pub sales: Vec<(u64, Sale)>,
    /// The page before this one holds changes below this number; 0 where there is nothing more.
    pub below: u64,
    /// How many invoices could not be read.
    pub unreadable: usize,
}

/// What changed at one node after a certain change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// The oldest first.
    pub sales: Vec<Sale>,
    /// The number of the last change that was read; `None` where there is nothing new.
    pub change: Option<u64>,
    /// The highest `pay_index` that was read, of anyone's.
    pub pay_index: u64,
    /// How many invoices could not be read.
    pub unreadable: usize,
}

/// One node's book, as far as it is about this store. lightningd numbers the changes of its invoices, and a
/// payment is an invoice's last one, so each sale stands in the book once.
#[derive(Clone)]
pub struct Book {
    pub(crate) lightningd: Arc<Lightningd>,
    pub(crate) store: StoreId,
}

impl Book {
    /// Who keeps it.
    pub async fn node(&self) -> Result<Node, LightningError> {
        self.lightningd.node().await
    }

    /// The number of the newest change.
    pub async fn newest(&self) -> Result<u64, LightningError> {
        self.lightningd.newest_change().await
    }

    /// The sales of the changes below this number, a page of them, back to `since` (in UNIX seconds).
    pub async fn below(&self, below: u64, since: u64) -> Result<Earlier, LightningError> {
        page_below(&self.lightningd, &self.store, below, since).await
    }

    /// The sales of the changes after this one, a page of them.
    pub async fn after(&self, change: u64) -> Result<Later, LightningError> {
        let page = self.lightningd.payments_by_change(change + 1, PAGE).await?;
        let payments = page
            .entries
            .iter()
            .filter_map(|(_, payment)| payment.as_ref());
        let pay_index = payments.clone().map(|payment| payment.pay_index).max();
        Ok(Later {
            sales: payments
                .filter_map(|payment| Sale::of(payment, &self.store))
                .collect(),
            change: page.next.map(|next| next - 1),
            pay_index: pay_index.unwrap_or_default(),
            unreadable: page.unreadable,
        })
    }

    /// A connection of its own, on which the next payment can be waited for.
    pub async fn watch(&self) -> Result<Watch, LightningError> {
        self.lightningd.watch().await
    }
}

async fn page_below(
    lightningd: &Lightningd,
    store: &StoreId,
    below: u64,
    since: u64,
) -> Result<Earlier, LightningError> {
    let start = below.saturating_sub(u64::from(PAGE)).max(1);
    let page = lightningd.payments_by_change(start, PAGE).await?;
    let mut earlier = Earlier {
        sales: Vec::new(),
        below: if start == 1 { 0 } else { start },
        unreadable: page.unreadable,
    };
    let entries = page.entries.into_iter().rev();
    for (change, payment) in entries.filter(|(change, _)| *change < below) {
        let Some(payment) = payment else { continue };
        if payment.standing.paid_at < Some(since) {
            earlier.below = 0;
            break;
        }
        earlier
            .sales
            .extend(Sale::of(&payment, store).map(|sale| (change, sale)));
    }
    Ok(earlier)
}

/// Whether this store has asked for money at this node, ever: lightningd has an invoice of it, paid
/// or not. Reads the book until one is found.
pub async fn has_begun(lightningd: &Lightningd, store: &StoreId) -> Result<bool, LightningError> {
    let mut next = Some(1);
    while let Some(start) = next {
        let page = lightningd.page(start, PAGE).await?;
        let mut labels = page.entries.iter().map(|listed| &listed.label);
        if labels.any(|label| store.item(label).is_some()) {
            return Ok(true);
        }
        next = page.next;
    }
    Ok(false)
}

/// A moment as owners write it, in UNIX seconds: a date or a time in UTC, or how long it is ago.
pub fn moment(text: &str, now: SystemTime) -> Result<u64, String> {
    let wrong = || {
        format!(
            "{text:?} is no moment; write a date such as 2026-01-31, a time such as \
             2026-01-31T18:00:00Z, or how long it is ago, such as 30d"
        )
    };
    let midnight = format!("{text}T00:00:00Z");
    let moment = humantime::parse_rfc3339(text)
        .or_else(|_| humantime::parse_rfc3339(&midnight))
        .ok();
    let ago = || now.checked_sub(humantime::parse_duration(text).ok()?);
    let moment = moment.or_else(ago).ok_or_else(wrong)?;
    let since = moment.duration_since(UNIX_EPOCH);
    Ok(since.unwrap_or(Duration::ZERO).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(item: &str, amount: u64, received: u64) -> Sale {
        Sale {
            payment_hash: PaymentHash([7; 32]),
            item: item.into(),
            amount_msat: Msat(amount),
            amount_received_msat: Msat(received),
            paid_at: 1,
            pay_index: 1,
        }
    }

    #[test]
    fn sales_are_summed_by_item_and_in_all() {
        let report = Report::new(
            vec![
                sale("cat", 100, 150),
                sale("two-cats", 200, 200),
                sale("cat", 100, 100),
            ],
            3,
        );
        assert_eq!(report.unreadable, 3);
        let sum = |sales, amount_msat, amount_received_msat| Sum {
            sales,
            amount_msat,
            amount_received_msat,
        };
        assert_eq!(report.items["cat"], sum(2, 200, 250));
        assert_eq!(report.items["two-cats"], sum(1, 200, 200));
        assert_eq!(report.total, sum(3, 400, 450));
        assert_eq!(Report::new(Vec::new(), 0).total, Sum::default());
    }

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        assert_eq!(moment(text, now).ok(), expected, "{text}");
    }

    #[test]
    fn a_moment_is_a_date_a_time_or_how_long_ago() {
        check("2026-01-31", Some(1_769_817_600));
        check("2026-01-31T18:00:00Z", Some(1_769_882_400));
        check("30d", Some(2_000_000_000 - 30 * 86_400));
        check("90m", Some(2_000_000_000 - 90 * 60));
        check("1000years", Some(0));
        check("yesterday", None);
        check("2026-13-01", None);
        check("", None);
    }
}
