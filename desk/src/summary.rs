//! The sums of one node's sales by day and item, so that a page need not read a million sales. lightningd's
//! book is the only one that counts: this is made from it, follows it, and can be made again at any time.

use std::collections::BTreeMap;

use purrwall_gateway::sales::{Sale, Sum};
use serde::{Deserialize, Serialize};
use shared::lightning::NodeId;

use crate::days::{Day, day_of};

/// Changes with the form of the file, so that an older one is made again.
const FORM: u32 = 1;

/// The sums, up to one change of lightningd's book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    form: u32,
    /// Whose book it is.
    pub(crate) node: NodeId,
    /// The number of the last change that is in the sums.
    pub(crate) change: u64,
    /// How many invoices could not be read.
    pub(crate) unreadable: u64,
    days: BTreeMap<Day, BTreeMap<String, Sum>>,
}

/// The sums of some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) all: Sum,
    pub(crate) items: BTreeMap<String, Sum>,
    pub(crate) days: BTreeMap<Day, Sum>,
}

impl Summary {
    /// Of a book that was not read yet.
    pub(crate) fn new(node: NodeId) -> Self {
        Self {
            form: FORM,
            node,
            change: 0,
            unreadable: 0,
            days: BTreeMap::new(),
        }
    }

    /// A kept one; `None` where it is of another form.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let summary: Self = serde_json::from_slice(text).ok()?;
        (summary.form == FORM).then_some(summary)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("string keys and no failing field")
    }

    /// Counts a sale.
    pub(crate) fn add(&mut self, sale: &Sale) {
        let day = self.days.entry(day_of(sale.paid_at)).or_default();
        day.entry(sale.item.clone()).or_default().add(sale);
    }

    /// Adds the sums since a day to those of other nodes.
    pub(crate) fn add_to(&self, totals: &mut Totals, since: Day) {
        for (day, items) in self.days.range(since..) {
            for (item, sum) in items {
                totals.all.add_all(sum);
                totals.items.entry(item.clone()).or_default().add_all(sum);
                totals.days.entry(*day).or_default().add_all(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::lightning::{Msat, PaymentHash};

    use super::*;

    fn node() -> NodeId {
        let id = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        id.parse().unwrap()
    }

    fn sale(item: &str, day: Day) -> Sale {
        Sale {
            payment_hash: PaymentHash([1; 32]),
            item: item.to_owned(),
            amount_msat: Msat(1000),
            amount_received_msat: Msat(1500),
            paid_at: day * 86_400 + 7,
            pay_index: 1,
        }
    }

    #[test]
    fn sales_are_summed_by_day_and_item_and_kept() {
        let mut summary = Summary::new(node());
        for (item, day) in [("cat", 10), ("two-cats", 10), ("cat", 11), ("cat", 12)] {
            summary.add(&sale(item, day));
        }
        summary.change = 9;
        let kept = Summary::read(&summary.write()).unwrap();
        assert_eq!(kept, summary);

        let mut totals = Totals::default();
        kept.add_to(&mut totals, 11);
        assert_eq!(
            (totals.all.sales, totals.all.amount_received_msat),
            (2, 3000)
        );
        assert_eq!(totals.items.keys().collect::<Vec<_>>(), ["cat"]);
        kept.add_to(&mut totals, 0);
        assert_eq!(totals.all.sales, 6);
        assert_eq!(totals.days[&10].sales, 2);
        assert_eq!(totals.items["cat"].amount_msat, 5000);
    }

    #[test]
    fn another_form_is_made_again() {
        let text = String::from_utf8(Summary::new(node()).write()).unwrap();
        let other = text.replace("\"form\":1", "\"form\":0");
        assert_eq!(Summary::read(other.as_bytes()), None);
        assert_eq!(Summary::read(b"{"), None);
    }
}
