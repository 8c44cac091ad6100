//! A buyer who asks as the page and the widget do, and keeps the claim, perhaps with the preimage.

use anyhow::Result;
use shared::lightning::PaymentHash;

use crate::buyer::Purchase;
use crate::kinds::returns::{Outcome, Places, Returns};

/// Has the claim.
pub(crate) struct ClaimKeeper {
    pub(crate) purchase: Purchase,
    /// Also the preimage, which the page and the widget keep once they heard of the payment.
    pub(crate) has_proof: bool,
}

impl Returns for ClaimKeeper {
    fn kind(&self) -> &'static str {
        if self.has_proof {
            "claim with preimage"
        } else {
            "claim"
        }
    }

    fn payment(&self) -> Option<PaymentHash> {
        let claim = self.purchase.claim().ok()?;
        Some(claim.payment_hash())
    }

    fn comes_back(&mut self, places: &Places) -> Result<Outcome> {
        let answer = self.purchase.fetch(places.store, self.has_proof)?;
        let is_delivery = self.purchase.is_delivery(&answer);
        Ok(if self.has_proof {
            Outcome::must_be(&answer, is_delivery)
        } else {
            Outcome::of(&answer, is_delivery)
        })
    }
}
