//! A folder of purchases, with a budget for each and for all of them.
//!
//! What was spent is what the purchases that are remembered in the folder say, so it outlasts the
//! process, and processes that share the folder share the budget. A purchase counts from the moment at
//! which the node is told to pay, unless the node says that nothing was sent.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lightningd::{Endpoint, Lightningd};
use shared::api::ItemId;
use shared::invoice::{self, Invoice};
use shared::lightning::{Msat, Payees};
use tokio::task::spawn_blocking;

use crate::address::Address;
use crate::buy::{Bought, Buyer, Timing};
use crate::checks::{FailedCheck, Limits};
use crate::error::BuyError;
use crate::files::{FileError, PURCHASE, Purchase, io_error, read_purchase};
use crate::store::Store;
use crate::ticket::Scheme;

/// A folder of one store's goods, and what may be paid for them.
#[derive(Clone, Debug)]
pub struct Purse {
    /// Where goods, receipts and purchases are. The goods have the item's name.
    pub dir: PathBuf,
    /// The buyer's own node, which pays.
    pub endpoint: Endpoint,
    /// How long that node may take for an answer to anything but a payment.
    pub deadline: Duration,
    /// The scheme that stores are spoken with.
    pub scheme: Scheme,
    /// The nodes of which one has to be paid; `None` pays any.
    pub payees: Option<Payees>,
    /// The most that one item may cost. Routing fees come on top, see [`max_fee`](crate::max_fee).
    pub each: Msat,
    /// The most that all items in the folder may cost together. Routing fees come on top here, too.
    pub total: Msat,
    /// How long things may take.
    pub timing: Timing,
}

/// What came of asking for an item.
#[derive(Debug)]
pub struct Kept {
    /// The goods and their receipt.
    pub bought: Bought,
    /// Whether it was paid for before, so that nothing was paid now.
    pub was_paid: bool,
    /// What of the budget for all remains.
    pub remaining: Msat,
}

/// A bound on what is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// For each item, by the owner of the purse.
    Each(Msat),
    /// For this item, by whoever asks for it.
    Asked(Msat),
    /// What remains of the budget for all.
    Remaining {
        /// So much.
        left: Msat,
        /// Of so much.
        total: Msat,
    },
}

/// Why there are no goods.
#[derive(Debug, thiserror::Error)]
pub enum PurseError {
    /// The price is above a bound. Nothing was paid.
    #[error("the price of {item} is {price}, but {}; nothing was paid", bound.in_words())]
    TooDear {
        /// What was to be bought.
        item: ItemId,
        /// By the store's invoice.
        price: Msat,
        /// The tightest.
        bound: Bound,
    },
    /// Anything else that keeps a purchase from being made.
    #[error(transparent)]
    Buy(#[from] BuyError),
}

impl From<FileError> for PurseError {
    fn from(error: FileError) -> Self {
        Self::Buy(error.into())
    }
}

impl Bound {
    fn amount(self) -> Msat {
        match self {
            Self::Each(most) | Self::Asked(most) => most,
            Self::Remaining { left, .. } => left,
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::Each(most) => format!("one item may cost {most} at most (--max-sat)"),
            Self::Asked(most) => format!("max_sat of this call allows {most}"),
            Self::Remaining { left, total } => {
                format!("of the budget of {total} in all (--max-total-sat), {left} remain")
            }
        }
    }
}

impl Purse {
    /// Buys the item, unless it was bought before; gives the goods either way. Waits while another
    /// purchase is made in the folder.
    pub async fn buy(&self, address: Address, asked: Option<Msat>) -> Result<Kept, PurseError> {
        let item = address.item().clone();
        let _lock = self.lock().await?;
        let out = self.dir.join(item.as_str());
        let was_paid = self.has_paid(&item)?;
        let bound = self.bound(&item, asked)?;
        let buyer = Buyer {
            store: Store::new(address, self.scheme),
            lightningd: Lightningd::new(self.endpoint.clone(), self.deadline),
            limits: Limits {
                max_price: bound.amount(),
                payees: self.payees.clone(),
            },
            out,
            keeps: true,
            timing: self.timing,
        };
        let bought = buyer.buy().await.map_err(|error| match error {
            BuyError::Check(check) => match *check {
                FailedCheck(invoice::FailedCheck::AboveMaximum { found, .. }) => {
                    PurseError::TooDear {
                        item,
                        price: found,
                        bound,
                    }
                }
                _ => BuyError::Check(check).into(),
            },
            error => error.into(),
        })?;
        Ok(Kept {
            bought,
            was_paid,
            remaining: self.remaining()?,
        })
    }

    /// What of the budget for all remains.
    pub fn remaining(&self) -> Result<Msat, FileError> {
        let spent = self.spent(|_| true)?;
        Ok(Msat(self.total.0.saturating_sub(spent.0)))
    }

    /// Whether the item is paid for, so that asking for it costs nothing.
    pub fn has_paid(&self, item: &ItemId) -> Result<bool, FileError> {
        let known = read_purchase(&self.dir.join(file_name(item)))?;
        Ok(known.is_some_and(|known| known.preimage.is_some()))
    }

    /// The most that the item may cost now.
    pub fn allowed(&self, item: &ItemId) -> Result<Msat, FileError> {
        Ok(self.bound(item, None)?.amount())
    }

    /// The tightest of all bounds on what the item may cost.
    fn bound(&self, item: &ItemId, asked: Option<Msat>) -> Result<Bound, FileError> {
        let own = file_name(item);
        let others = self.spent(|name| name != own)?;
        let remaining = Bound::Remaining {
            left: Msat(self.total.0.saturating_sub(others.0)),
            total: self.total,
        };
        let bounds = [Some(Bound::Each(self.each)), asked.map(Bound::Asked)];
        let bounds = [remaining].into_iter().chain(bounds.into_iter().flatten());
        Ok(bounds
            .min_by_key(|bound| bound.amount())
            .unwrap_or(remaining))
    }

    /// What was paid, or may have been, for the purchases whose files have names that are wanted.
    fn spent(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Msat, FileError> {
        let failed = || io_error("list", &self.dir);
        let mut spent = 0_u64;
        for entry in fs::read_dir(&self.dir).map_err(failed())? {
            let name = entry.map_err(failed())?.file_name();
            let name = name.to_str().unwrap_or_default();
            if name.ends_with(PURCHASE) && is_wanted(name) {
                let path = self.dir.join(name);
                let purchase = read_purchase(&path)?;
                spent = spent.saturating_add(purchase.map_or(Ok(0), |one| price(&path, &one))?);
            }
        }
        Ok(Msat(spent))
    }

    /// Keeps others from buying in the folder, in this process or another one, until it is dropped.
    async fn lock(&self) -> Result<File, FileError> {
        // No item's file has a name that begins with a full stop.
        let path = self.dir.join(".purrwall.lock");
        let locked = spawn_blocking(move || {
            let file = File::create(&path).map_err(io_error("open", &path))?;
            file.lock().map_err(io_error("lock", &path))?;
            Ok(file)
        });
        locked.await.expect("locking does not panic")
    }
}

/// The name of the file that remembers the item's purchase.
fn file_name(item: &ItemId) -> String {
    format!("{item}{PURCHASE}")
}

/// What the purchase cost, or may have cost, in msat.
fn price(path: &Path, purchase: &Purchase) -> Result<u64, FileError> {
    if purchase.preimage.is_none() && purchase.attempted_at.is_none() {
        return Ok(0);
    }
    let invoice = Invoice::decode(&purchase.bolt11).ok();
    let amount = invoice.and_then(|invoice| invoice.amount_msat);
    // What cannot be read must not count as nothing.
    let amount = amount.ok_or_else(|| FileError::Malformed(path.to_owned()))?;
    Ok(amount.0)
}
