//! A node's channels: what they hold, which it knows of, and how it opens one.

use std::sync::Arc;

use lightning::bitcoin::secp256k1::PublicKey;
use lightning::bitcoin::{Amount, ScriptBuf, TxOut};
use lightning::ln::channel_state::ChannelDetails;
use lightning::ln::types::ChannelId;

use crate::node::Node;
use crate::openings::{OpenError, OpenedChannel};

impl Node {
    /// What this node owns in its channels, in millisatoshi, exact once payments have settled.
    pub fn channel_balance_msat(&self) -> u64 {
        self.channels()
            .iter()
            .map(|channel| self.to_us_msat(channel))
            .sum()
    }

    /// How many of its channels can carry payments now.
    pub fn usable_channels(&self) -> usize {
        self.ldk.channel_manager.list_usable_channels().len()
    }

    pub(crate) fn channels(&self) -> Vec<ChannelDetails> {
        self.ldk.channel_manager.list_channels()
    }

    /// This node's part of a channel: what it put in, and what came and went since.
    pub(crate) fn to_us_msat(&self, channel: &ChannelDetails) -> u64 {
        let funded = if channel.is_outbound {
            channel.channel_value_satoshis * 1000
        } else {
            0
        };
        let tally = self.ledger.tally(channel.channel_id);
        (funded + tally.in_msat).saturating_sub(tally.out_msat)
    }

    /// The short channel ids of the channels that this node's map shows in both directions.
    pub(crate) fn known_channels(&self) -> Vec<u64> {
        let graph = self.ldk.graph.read_only();
        let channels = graph.channels().unordered_iter();
        channels
            .filter(|(_, channel)| channel.one_to_two.is_some() && channel.two_to_one.is_some())
            .map(|(id, _)| *id)
            .collect()
    }

    /// Opens a channel of `amount` to a connected peer and waits for its funding transaction.
    pub async fn open_channel(
        self: &Arc<Self>,
        peer: PublicKey,
        amount: Amount,
        is_public: bool,
    ) -> Result<OpenedChannel, OpenError> {
        if self.peer(peer).is_none() {
            return Err(OpenError::UnknownPeer);
        }
        let available = self.wallet.balance();
        if available <= amount {
            return Err(OpenError::InsufficientFunds {
                needed: amount,
                available,
            });
        }
        let mut config = self.ldk.channel_manager.get_current_config();
        config.channel_handshake_config.announce_for_forwarding = is_public;
        let (id, done) = self.openings.begin()?;
        let asked = self.ldk.channel_manager.create_channel(
            peer,
            amount.to_sat(),
            0,
            id,
            None,
            Some(config),
        );
        if let Err(error) = asked {
            self.openings
                .fail(id, OpenError::Refused(format!("{error:?}")));
        }
        let lost = |_| Err(OpenError::Refused("the node was stopped".to_owned()));
        done.await.unwrap_or_else(lost)
    }

    /// The peer agreed: makes the transaction that pays to the channel.
    pub(crate) fn fund_channel(
        &self,
        id: u128,
        temporary_id: ChannelId,
        peer: PublicKey,
        value: Amount,
        script_pubkey: ScriptBuf,
    ) {
        let funding = match self.wallet.pay_to(TxOut {
            value,
            script_pubkey,
        }) {
            Ok(funding) => funding,
            Err(error) => {
                let (needed, available) = (error.needed, error.available);
                self.openings
                    .fail(id, OpenError::InsufficientFunds { needed, available });
                return;
            }
        };
        self.openings.keep_funding(id, &funding);
        let manager = &self.ldk.channel_manager;
        if let Err(error) = manager.funding_transaction_generated(temporary_id, peer, funding) {
            self.openings
                .fail(id, OpenError::Refused(format!("{error:?}")));
        }
    }
}
