//! The network as a picture needs it: nodes, channels and balances, and the walk of a payment.
//!
//! Everything here is what JSON shows; amounts are in millisatoshi, short channel ids as
//! `NxNxN`, nodes by their names.

use lightning::bitcoin::secp256k1::PublicKey;
use lightning::ln::channel_state::ChannelDetails;
use serde::Serialize;

use crate::network::Network;
use crate::node::Node;
use crate::scid::scid_text;
use crate::walks::{Attempt, Walk, WalkEnd};

/// The whole network at one moment.
#[derive(Debug, Serialize)]
pub struct Picture {
    /// The chain's height.
    pub height: u32,
    /// All nodes, the store first.
    pub nodes: Vec<NodePicture>,
    /// All channels, each once.
    pub channels: Vec<ChannelPicture>,
    /// The payment that began last, if there was one.
    pub payment: Option<PaymentPicture>,
}

/// One node.
#[derive(Debug, Serialize)]
pub struct NodePicture {
    /// Its name.
    pub name: String,
    /// Its public key, in hex.
    pub id: String,
    /// Whether it talks to others.
    pub online: bool,
    /// Whether it keeps still when it is paid.
    pub holding: bool,
    /// What it owns in its channels.
    pub channels_msat: u64,
    /// What it can spend on the chain.
    pub onchain_msat: u64,
    /// What it earned by forwarding.
    pub earned_msat: u64,
    /// What it asks for each forwarded payment,
    pub fee_base_msat: u32,
    /// and in millionths of the amount.
    pub fee_proportional_millionths: u32,
    /// The channels that its gossip knows: the map on which it looks for a way.
    pub knows: Vec<String>,
}

/// One channel.
#[derive(Debug, Serialize)]
pub struct ChannelPicture {
    /// Its id, in hex; it never changes.
    pub id: String,
    /// Its place in the chain, once it has one.
    pub short_channel_id: Option<String>,
    /// Who opened it.
    pub from: String,
    /// The other end.
    pub to: String,
    /// Its size.
    pub capacity_msat: u64,
    /// What `from` owns in it and has not locked.
    pub from_msat: u64,
    /// What `to` owns in it and has not locked.
    pub to_msat: u64,
    /// What is locked in payments under way, and belongs to neither end until they settle or fail.
    pub locked_msat: u64,
    /// Whether it can carry payments now.
    pub usable: bool,
    /// Whether it waits for its first block.
    pub opening: bool,
}

/// A payment and its walk.
#[derive(Debug, Serialize)]
pub struct PaymentPicture {
    /// Tells payments apart: who pays, and when they began.
    pub id: String,
    /// Who pays.
    pub payer: String,
    /// The payee; absent if it is not a node of this network.
    pub payee: Option<String>,
    /// What the payee is to get.
    pub amount_msat: u64,
    /// Whether it pays for sealed goods, so that its preimage is a part of their key.
    pub sealed: bool,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ways that were tried, the newest last; none if the map showed none.
    pub attempts: Vec<AttemptPicture>,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentStatus {
    /// On its way.
    Pending,
    /// The payee has it.
    Complete,
    /// Nothing was paid.
    Failed,
}

/// One way that was tried.
#[derive(Debug, Serialize)]
pub struct AttemptPicture {
    /// Its channels, in order.
    pub hops: Vec<HopPicture>,
    /// What the way costs.
    pub fee_msat: u64,
    /// Whether the payment came back.
    pub failed: bool,
    /// The hop that it could not pass, counted from 0, if a node reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<usize>,
}

/// One channel of a way.
#[derive(Debug, Serialize)]
pub struct HopPicture {
    /// The channel.
    pub short_channel_id: String,
    /// The node at its near end.
    pub from: String,
    /// The node at its far end.
    pub to: String,
    /// What crosses it.
    pub amount_msat: u64,
    /// What `to` keeps of that for forwarding; nothing at the payee.
    pub fee_msat: u64,
}

impl Picture {
    /// Draws the network as it is now.
    pub fn of(network: &Network) -> Self {
        let last_walk = network
            .nodes()
            .iter()
            .filter_map(|node| Some((node, node.ldk.walks.last()?)))
            .max_by_key(|(_, walk)| walk.started_at);
        Self {
            height: network.mine(0),
            nodes: network
                .nodes()
                .iter()
                .map(|node| picture_of(node))
                .collect(),
            channels: network
                .nodes()
                .iter()
                .flat_map(|node| channels_opened_by(node, network))
                .collect(),
            payment: last_walk.map(|(payer, walk)| payment(payer, &walk, network)),
        }
    }
}

fn picture_of(node: &Node) -> NodePicture {
    let config = node.ldk.channel_manager.get_current_config().channel_config;
    NodePicture {
        name: node.name().to_owned(),
        id: node.node_id(),
        online: node.is_online(),
        holding: node.is_holding(),
        channels_msat: node.channel_balance_msat(),
        onchain_msat: node.wallet.balance().to_sat() * 1000,
        earned_msat: node.fees_collected_msat(),
        fee_base_msat: config.forwarding_fee_base_msat,
        fee_proportional_millionths: config.forwarding_fee_proportional_millionths,
        knows: node.known_channels().into_iter().map(scid_text).collect(),
    }
}

fn channels_opened_by(node: &Node, network: &Network) -> Vec<ChannelPicture> {
    let mut opened = node.channels();
    opened.retain(|channel| channel.is_outbound);
    // LDK keeps no order; the oldest first, and those without a block last.
    opened.sort_by_key(|channel| {
        (
            channel.short_channel_id.unwrap_or(u64::MAX),
            channel.channel_id.0,
        )
    });
    let pictures = opened.into_iter().filter_map(|channel| {
        let peer = find(network, &channel.counterparty.node_id)?;
        let mut their_channels = peer.channels().into_iter();
        let same = their_channels.find(|theirs| theirs.channel_id == channel.channel_id);
        let theirs_msat = same.map_or(0, |theirs| peer.to_us_msat(&theirs));
        Some(channel_picture(node, &channel, peer.name(), theirs_msat))
    });
    pictures.collect()
}

fn channel_picture(
    node: &Node,
    channel: &ChannelDetails,
    peer: &str,
    theirs_msat: u64,
) -> ChannelPicture {
    let sent: u64 = channel
        .pending_outbound_htlcs
        .iter()
        .map(|htlc| htlc.amount_msat)
        .sum();
    let coming: u64 = channel
        .pending_inbound_htlcs
        .iter()
        .map(|htlc| htlc.amount_msat)
        .sum();
    ChannelPicture {
        id: channel.channel_id.to_string(),
        short_channel_id: channel.short_channel_id.map(scid_text),
        from: node.name().to_owned(),
        to: peer.to_owned(),
        capacity_msat: channel.channel_value_satoshis * 1000,
        from_msat: node.to_us_msat(channel).saturating_sub(sent),
        to_msat: theirs_msat.saturating_sub(coming),
        locked_msat: sent + coming,
        usable: channel.is_usable,
        opening: !channel.is_channel_ready,
    }
}

fn payment(payer: &Node, walk: &Walk, network: &Network) -> PaymentPicture {
    let (status, reason) = match &walk.end {
        None => (PaymentStatus::Pending, None),
        Some(WalkEnd::Arrived) => (PaymentStatus::Complete, None),
        Some(WalkEnd::Failed(reason)) => (PaymentStatus::Failed, Some(reason.clone())),
    };
    let since_epoch = walk.started_at.duration_since(std::time::UNIX_EPOCH);
    PaymentPicture {
        id: format!(
            "{}-{}",
            payer.name(),
            since_epoch.unwrap_or_default().as_micros()
        ),
        payer: payer.name().to_owned(),
        payee: find(network, &walk.payee).map(|node| node.name().to_owned()),
        amount_msat: walk.amount_msat,
        sealed: walk.sealed,
        status,
        reason,
        attempts: walk
            .attempts
            .iter()
            .map(|tried| attempt(payer, tried, network))
            .collect(),
    }
}

fn attempt(payer: &Node, attempt: &Attempt, network: &Network) -> AttemptPicture {
    let mut from = payer.name().to_owned();
    let mut hops = Vec::new();
    for (index, hop) in attempt.hops.iter().enumerate() {
        let to = find(network, &hop.to)
            .map_or_else(|| hop.to.to_string(), |node| node.name().to_owned());
        let next_msat = attempt.hops.get(index + 1).map(|next| next.amount_msat);
        hops.push(HopPicture {
            short_channel_id: scid_text(hop.short_channel_id),
            from: std::mem::replace(&mut from, to.clone()),
            to,
            amount_msat: hop.amount_msat,
            fee_msat: next_msat.map_or(0, |next| hop.amount_msat - next),
        });
    }
    let failed_at = attempt.failed_at.and_then(|scid| {
        let mut hops = attempt.hops.iter();
        hops.position(|hop| hop.short_channel_id == scid)
    });
    AttemptPicture {
        fee_msat: hops.iter().map(|hop| hop.fee_msat).sum(),
        hops,
        failed: attempt.failed,
        failed_at,
    }
}

fn find<'a>(network: &'a Network, id: &PublicKey) -> Option<&'a Node> {
    let mut nodes = network.nodes().iter();
    nodes
        .find(|node| node.ldk.node_id == *id)
        .map(AsRef::as_ref)
}
