//! The memory that waiting buyers take.

use std::time::Duration;

use tokio::time::sleep;

use super::buyer::Buyer;
use super::seller::{Seller, sell};
use crate::waiters::{OF_ONE_ADDRESS, resident};

/// How many buyers wait at each. A process of others may often open 1,024 files.
pub(super) const WAITERS: u16 = 500;
/// What buyers take who wait.
pub(super) struct Memory {
    /// What the program takes without them, in bytes.
    pub(super) alone: f64,
    /// What each of them takes, in bytes.
    pub(super) each: f64,
    pub(super) waiting: &'static str,
}

pub(super) async fn measure(seller: &dyn Seller) -> Memory {
    // What the first requests leave behind is not the waiters'.
    for _ in 0..100 {
        sell(seller).await;
    }
    let alone = resident(seller.program());
    let mut sales = Vec::new();
    for _ in 0..WAITERS {
        sales.push(sell(seller).await);
    }
    let mut buyers = Vec::new();
    for (at, sale) in sales.iter().enumerate() {
        let address = &seller.program().address;
        let buyer = Buyer::arrive(address, &sale.wait, at / OF_ONE_ADDRESS).await;
        buyers.push(tokio::spawn(buyer.told()));
    }
    sleep(Duration::from_secs(5)).await;
    let each = (resident(seller.program()) - alone) / f64::from(WAITERS);
    for buyer in buyers {
        assert!(!buyer.is_finished(), "{}: nobody paid", seller.name());
        buyer.abort();
    }
    Memory {
        alone,
        each,
        waiting: seller.waiting(),
    }
}
