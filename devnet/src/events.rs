//! What a node does about the events that LDK reports.

use lightning::bitcoin::Amount;
use lightning::events::Event;
use lightning::ln::types::ChannelId;
use lightning::routing::router::Path;

use crate::hex::Hex32;
use crate::node::Node;
use crate::openings::OpenError;
use crate::presence::Claimable;
use crate::walks::WalkEnd;

impl Node {
    /// Acts on one event. Events about features that the devnet does not use are only logged.
    pub(crate) fn handle_event(&self, event: Event) {
        match event {
            Event::FundingGenerationReady {
                temporary_channel_id,
                counterparty_node_id,
                channel_value_satoshis,
                output_script,
                user_channel_id,
            } => self.fund_channel(
                user_channel_id,
                temporary_channel_id,
                counterparty_node_id,
                Amount::from_sat(channel_value_satoshis),
                output_script,
            ),
            Event::ChannelPending {
                channel_id,
                user_channel_id,
                funding_txo,
                ..
            } => {
                let output_index = u16::try_from(funding_txo.vout).unwrap_or(u16::MAX);
                self.openings
                    .succeed(user_channel_id, channel_id, output_index);
            }
            Event::ChannelClosed {
                user_channel_id,
                reason,
                ..
            } => {
                self.openings
                    .fail(user_channel_id, OpenError::Refused(reason.to_string()));
            }
            Event::PaymentClaimable {
                payment_hash,
                amount_msat,
                ..
            } => {
                self.receive(Claimable {
                    payment_hash,
                    amount_msat,
                });
            }
            Event::PaymentClaimed {
                payment_hash,
                amount_msat,
                htlcs,
                ..
            } => {
                self.enter_received(payment_hash, amount_msat, &htlcs);
            }
            Event::PaymentSent {
                payment_hash,
                payment_preimage,
                fee_paid_msat,
                ..
            } => {
                let (hash, preimage) = (Hex32(payment_hash.0), Hex32(payment_preimage.0));
                // First the walk: a caller that waits for the payment may look at it at once.
                self.ldk.walks.end(hash, WalkEnd::Arrived);
                self.payments
                    .succeed(hash, preimage, fee_paid_msat.unwrap_or(0));
            }
            Event::PaymentFailed {
                payment_hash: Some(hash),
                reason,
                ..
            } => {
                self.fail_payment(Hex32(hash.0), self.payment_error(reason));
            }
            Event::PaymentPathFailed {
                payment_hash,
                short_channel_id,
                ..
            } => self
                .ldk
                .walks
                .turn_back(Hex32(payment_hash.0), short_channel_id),
            Event::PaymentPathSuccessful { path, .. } => self.enter_sent(&path),
            Event::PaymentForwarded {
                prev_channel_id: Some(from),
                next_channel_id: Some(to),
                total_fee_earned_msat,
                outbound_amount_forwarded_msat: Some(forwarded),
                ..
            } => self.enter_forwarded(from, to, forwarded, total_fee_earned_msat.unwrap_or(0)),
            other => tracing::debug!(node = self.name(), event = ?other, "nothing to do"),
        }
    }

    fn enter_sent(&self, path: &Path) {
        let Some(first_hop) = path.hops.first().map(|hop| hop.short_channel_id) else {
            return;
        };
        let channels = self.channels();
        let channel = channels
            .iter()
            .find(|channel| channel.get_outbound_payment_scid() == Some(first_hop));
        if let Some(channel) = channel {
            let msat = path.final_value_msat() + path.fee_msat();
            self.ledger.sent(channel.channel_id, msat);
        }
    }

    fn enter_forwarded(&self, from: ChannelId, to: ChannelId, forwarded: u64, fee: u64) {
        self.ledger.received(from, forwarded + fee);
        self.ledger.sent(to, forwarded);
        self.ledger.earned(fee);
    }
}
