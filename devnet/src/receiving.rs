//! What a node does with a payment that comes for one of its invoices.

use lightning::events::ClaimedHTLC;
use lightning::types::payment::{PaymentHash, PaymentPreimage};

use crate::clock::unix_time;
use crate::hex::Hex32;
use crate::node::Node;
use crate::presence::Claimable;

impl Node {
    /// From now on the node holds what it is paid.
    pub fn hold_payments(&self) {
        self.presence.hold();
    }

    /// Takes payments again, first of all those that it held.
    pub fn release_payments(&self) {
        for claimable in self.presence.release() {
            self.claim_or_refuse(claimable);
        }
    }

    /// A payment has come: takes it, sends it back, or holds it.
    pub(crate) fn receive(&self, claimable: Claimable) {
        if let Some(claimable) = self.presence.admit(claimable) {
            self.claim_or_refuse(claimable);
        }
    }

    fn claim_or_refuse(&self, claimable: Claimable) {
        let Claimable {
            payment_hash,
            amount_msat,
        } = claimable;
        let now = u64::from(unix_time());
        match self
            .invoices
            .preimage_for(Hex32(payment_hash.0), amount_msat, now)
        {
            Some(preimage) => self
                .ldk
                .channel_manager
                .claim_funds(PaymentPreimage(preimage.0)),
            None => self.ldk.channel_manager.fail_htlc_backwards(&payment_hash),
        }
    }

    /// Enters a payment that was claimed.
    pub(crate) fn enter_received(
        &self,
        payment_hash: PaymentHash,
        amount_msat: u64,
        htlcs: &[ClaimedHTLC],
    ) {
        for htlc in htlcs {
            self.ledger.received(htlc.channel_id, htlc.value_msat);
        }
        self.invoices
            .mark_paid(Hex32(payment_hash.0), amount_msat, u64::from(unix_time()));
    }
}
