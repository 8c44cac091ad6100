//! What was sold, by lightningd's word: it is the only book that is kept.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lightningd::{LightningError, Lightningd, Payment};
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub sales: u64,
    /// The prices.
    pub amount_msat: u64,
    /// What came.
    pub amount_received_msat: u64,
}

impl Sale {
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
        'pages: while above > 0 {
            let start = above.saturating_sub(PAGE.into());
            let page = lightningd.payments_by_change(start + 1, PAGE).await?;
            unreadable += page.unreadable;
            let page = page.entries.into_iter();
            let page = page.filter(|(change, _)| *change <= above);
            let payments: Vec<_> = page.filter_map(|(_, payment)| payment).collect();
            for payment in payments.iter().rev() {
                if payment.standing.paid_at < Some(since) {
                    break 'pages;
                }
                sales.extend(Sale::of(payment, store));
            }
            above = start;
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
    /// No node's money comes near the bound.
    fn add(&mut self, sale: &Sale) {
        let Msat(amount) = sale.amount_msat;
        let Msat(received) = sale.amount_received_msat;
        self.sales += 1;
        self.amount_msat = self.amount_msat.saturating_add(amount);
        self.amount_received_msat = self.amount_received_msat.saturating_add(received);
    }
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
