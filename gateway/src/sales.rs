//! What was sold, by lightningd's word: it is the only book that is kept.

use serde::Serialize;
use shared::lightning::{Msat, PaymentHash};

use crate::label;
use crate::lightningd::Payment;

/// One paid invoice of ours, as owners may see it: nothing in it gives anyone the goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
}

impl Sale {
    /// The payment as a sale; `None` where the invoice is not ours.
    pub fn of(payment: &Payment) -> Option<Self> {
        Some(Self {
            payment_hash: payment.payment_hash,
            item: label::item(&payment.label)?.to_owned(),
            amount_msat: payment.amount_msat?,
            amount_received_msat: payment.received_msat,
            paid_at: payment.paid_at,
        })
    }
}
