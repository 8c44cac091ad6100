//! A store with webhooks, and everything that was bought there.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use shared::claim::Claim;

use crate::buyer::Purchase;
use crate::nodes::Nodes;
use crate::receiver::Receiver;
use crate::report::Report;
use crate::store::{Item, Store, until};

pub(super) const PATIENCE: Duration = Duration::from_mins(1);
pub(super) const UNLIMITED: &str = "invoices_per_minute = 0\nopen_invoices = 0";

/// The store, and who was there.
pub(super) struct Shop<'a> {
    pub(super) store: Store,
    pub(super) nodes: &'a Nodes,
    receiver: Receiver,
    pub(super) purchases: Vec<Purchase>,
    undelivered: usize,
}

impl<'a> Shop<'a> {
    /// Sells the cat, and keeps what it keeps in this folder. It is closed.
    pub(super) fn in_folder(data_dir: &Path, nodes: &'a Nodes) -> Result<Self> {
        let receiver = Receiver::open()?;
        let settings = format!("{UNLIMITED}\nwebhooks = \"{}\"", receiver.url);
        let store = Store::new(&nodes.store, &settings, &[Item::cat()])?;
        Ok(Self {
            store: store.with_data_dir(data_dir),
            nodes,
            receiver,
            purchases: Vec::new(),
            undelivered: 0,
        })
    }

    /// So many buyers come, one after the other.
    pub(super) fn sell(&mut self, count: u32, rng: &mut Rng) -> Result<()> {
        for _ in 0..count {
            let mut purchase = Purchase::new("cat", rng.u32(1..), rng);
            let bought = purchase.complete(self.store.address()?, self.nodes, rng, PATIENCE);
            self.undelivered += usize::from(bought.is_err());
            self.purchases.push(purchase);
        }
        Ok(())
    }

    /// Everyone fetches what is theirs once more, and the owner is told of every sale.
    pub(super) fn judge(&mut self, name: &str, report: &Report) -> Result<()> {
        for purchase in &self.purchases {
            let answer = purchase.fetch(self.store.address()?, false);
            let is_delivery = answer.is_ok_and(|answer| purchase.is_delivery(&answer));
            self.undelivered += usize::from(!is_delivery);
        }
        let claims = self.purchases.iter().map(Purchase::claim);
        let paid: Vec<_> = claims.flatten().map(Claim::payment_hash).collect();
        let missing = || self.receiver.missing(paid.iter().copied());
        until("the webhooks", PATIENCE, || Ok(missing() == 0)).ok();
        report.figure(&format!("purchases {name}"), self.purchases.len());
        report.must_be_none("  paid and undelivered", self.undelivered);
        report.must_be_none("  webhooks that never came", missing());
        Ok(())
    }
}
