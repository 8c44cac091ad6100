//! `connect`, `fundchannel`, `listpeerchannels`.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use lightning::bitcoin::Amount;
use lightning::bitcoin::consensus::encode::serialize_hex;
use lightning::ln::channel_state::ChannelDetails;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answer, result};
use super::error::RpcError;
use super::fields::{NodeAddress, features_hex, public_key};
use super::params::{Params, Token};
use crate::node::Node;
use crate::openings::OpenError;
use crate::scid::{parse_scid, scid_text};

/// The port that lightningd assumes on regtest.
const DEFAULT_PORT: u16 = 19846;
/// How many confirmations a channel needs here.
const MIN_DEPTH: u32 = 1;

pub(super) fn connect(
    node: &Arc<Node>,
    params: &RawValue,
) -> Result<impl Future<Output = Answer> + use<>, RpcError> {
    #[derive(Serialize)]
    struct Connected {
        id: String,
        features: String,
        direction: &'static str,
        address: NodeAddress,
    }
    let params = Params::read(params, &["id"], &["host", "port"])?;
    let host = params.optional("host", Token::string)?;
    let port = params.optional("port", Token::u32)?;
    let (id, in_id) = params.required("id", |token| {
        let text = token.string()?;
        let (id, rest) = text.split_once('@').unwrap_or((&text, ""));
        let id = id
            .parse()
            .map_err(|_| token.should_be("should be a node id"))?;
        Ok((id, (!rest.is_empty()).then(|| rest.to_owned())))
    })?;
    let port = port
        .map(u16::try_from)
        .transpose()
        .unwrap_or(Some(0))
        .unwrap_or(DEFAULT_PORT);
    let address = match in_id.or(host) {
        Some(text) => parse_address(&text, port)
            .ok_or_else(|| RpcError::invalid_params(format!("Host {text} not valid")))?,
        None => match node.peer(id) {
            Some(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            None => {
                return Err(RpcError::new(
                    401,
                    "Unable to connect, no address known for peer",
                ));
            }
        },
    };
    let node = Arc::clone(node);
    Ok(async move {
        let connected = node.connect(id, address).await;
        let peer = connected.map_err(|error| RpcError::new(401, error.to_string()))?;
        result(&Connected {
            id: id.to_string(),
            features: features_hex(peer.init_features.le_flags()),
            direction: if peer.is_inbound_connection {
                "in"
            } else {
                "out"
            },
            address: address.into(),
        })
    })
}

pub(super) fn fundchannel(
    node: &Arc<Node>,
    params: &RawValue,
) -> Result<impl Future<Output = Answer> + use<>, RpcError> {
    #[derive(Serialize)]
    struct Funded {
        tx: String,
        txid: String,
        outnum: u16,
        channel_id: String,
        channel_type: ChannelType,
        mindepth: u32,
    }
    let params = Params::read(params, &["id", "amount"], &["feerate", "announce"])?;
    let peer = params.required("id", public_key)?;
    let amount = Amount::from_sat(params.required("amount", Token::sat)?);
    let announce = params.optional("announce", Token::boolean)?.unwrap_or(true);
    let node = Arc::clone(node);
    Ok(async move {
        let opened = node
            .open_channel(peer, amount, announce)
            .await
            .map_err(|error| {
                let code = match error {
                    OpenError::InsufficientFunds { .. } => 301,
                    OpenError::UnknownPeer => 306,
                    OpenError::Refused(_) => 307,
                };
                RpcError::new(code, error.to_string())
            })?;
        result(&Funded {
            tx: serialize_hex(&opened.funding),
            txid: opened.funding.compute_txid().to_string(),
            outnum: opened.output_index,
            channel_id: opened.channel_id.to_string(),
            channel_type: ChannelType::ONLY,
            mindepth: MIN_DEPTH,
        })
    })
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are lightningd's")]
struct PeerChannel {
    peer_id: String,
    peer_connected: bool,
    reestablished: bool,
    channel_type: ChannelType,
    updates: Updates,
    state: &'static str,
    lost_state: bool,
    feerate: FeeRate,
    owner: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_channel_id: Option<String>,
    direction: u8,
    channel_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    funding_txid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    funding_outnum: Option<u16>,
    private: bool,
    opener: &'static str,
    features: Vec<&'static str>,
    funding: Funding,
    to_us_msat: u64,
    total_msat: u64,
    fee_base_msat: u32,
    fee_proportional_millionths: u32,
    their_reserve_msat: u64,
    our_reserve_msat: u64,
    spendable_msat: u64,
    receivable_msat: u64,
    minimum_htlc_in_msat: u64,
    minimum_htlc_out_msat: u64,
    in_payments_fulfilled: u64,
    in_fulfilled_msat: u64,
    out_payments_fulfilled: u64,
    out_fulfilled_msat: u64,
    htlcs: Vec<Htlc>,
}

#[derive(Serialize)]
struct ChannelType {
    bits: [usize; 1],
    names: [&'static str; 1],
}

impl ChannelType {
    /// The one kind of channel that the devnet opens.
    const ONLY: Self = Self {
        bits: [12],
        names: ["static_remotekey/even"],
    };
}

#[derive(Serialize)]
struct Updates {
    local: Update,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<Update>,
}

#[derive(Serialize)]
struct Update {
    htlc_minimum_msat: u64,
    htlc_maximum_msat: u64,
    cltv_expiry_delta: u16,
    fee_base_msat: u32,
    fee_proportional_millionths: u32,
}

#[derive(Serialize)]
struct FeeRate {
    perkw: u32,
    perkb: u32,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the fields are lightningd's")]
struct Funding {
    local_funds_msat: u64,
    remote_funds_msat: u64,
    pushed_msat: u64,
}

#[derive(Serialize)]
struct Htlc {
    direction: &'static str,
    amount_msat: u64,
    expiry: u32,
    payment_hash: String,
}

pub(super) fn listpeerchannels(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct PeerChannels {
        channels: Vec<PeerChannel>,
    }
    let params = Params::read(params, &[], &["id", "short_channel_id", "channel_id"])?;
    let peer = params.optional("id", public_key)?;
    let scid = params.optional("short_channel_id", |token| {
        let parsed = parse_scid(&token.string()?);
        parsed.ok_or_else(|| token.should_be("should be a short_channel_id of form NxNxN"))
    })?;
    let channel_id = params.optional("channel_id", Token::hash)?;
    let channels = node
        .channels()
        .iter()
        .filter(|channel| channel_id.is_none_or(|id| id.0 == channel.channel_id.0))
        .filter(|channel| peer.is_none_or(|peer| peer == channel.counterparty.node_id))
        .filter(|channel| scid.is_none_or(|scid| Some(scid) == channel.short_channel_id))
        .map(|channel| peer_channel(node, channel))
        .collect();
    result(&PeerChannels { channels })
}

fn peer_channel(node: &Node, channel: &ChannelDetails) -> PeerChannel {
    let total_msat = channel.channel_value_satoshis * 1000;
    let connected = node.peer(channel.counterparty.node_id).is_some();
    let feerate = channel.feerate_sat_per_1000_weight.unwrap_or(0);
    let config = channel.config.unwrap_or_default();
    let tally = node.ledger.tally(channel.channel_id);
    let (local_funds_msat, remote_funds_msat) = if channel.is_outbound {
        (total_msat, 0)
    } else {
        (0, total_msat)
    };
    PeerChannel {
        peer_id: channel.counterparty.node_id.to_string(),
        peer_connected: connected,
        reestablished: connected,
        channel_type: ChannelType::ONLY,
        updates: updates(channel),
        state: channel_state(channel),
        lost_state: false,
        feerate: FeeRate {
            perkw: feerate,
            perkb: feerate * 4,
        },
        owner: "channeld",
        short_channel_id: channel.short_channel_id.map(scid_text),
        direction: u8::from(node.ldk.node_id > channel.counterparty.node_id),
        channel_id: channel.channel_id.to_string(),
        funding_txid: channel.funding_txo.map(|funding| funding.txid.to_string()),
        funding_outnum: channel.funding_txo.map(|funding| funding.index),
        private: !channel.is_announced,
        opener: if channel.is_outbound {
            "local"
        } else {
            "remote"
        },
        features: vec!["option_static_remotekey"],
        funding: Funding {
            local_funds_msat,
            remote_funds_msat,
            pushed_msat: 0,
        },
        to_us_msat: node.to_us_msat(channel),
        total_msat,
        fee_base_msat: config.forwarding_fee_base_msat,
        fee_proportional_millionths: config.forwarding_fee_proportional_millionths,
        their_reserve_msat: channel.counterparty.unspendable_punishment_reserve * 1000,
        our_reserve_msat: channel.unspendable_punishment_reserve.unwrap_or(0) * 1000,
        spendable_msat: channel.outbound_capacity_msat,
        receivable_msat: channel.inbound_capacity_msat,
        minimum_htlc_in_msat: channel.inbound_htlc_minimum_msat.unwrap_or(0),
        minimum_htlc_out_msat: channel.counterparty.outbound_htlc_minimum_msat.unwrap_or(0),
        in_payments_fulfilled: tally.in_count,
        in_fulfilled_msat: tally.in_msat,
        out_payments_fulfilled: tally.out_count,
        out_fulfilled_msat: tally.out_msat,
        htlcs: htlcs(channel),
    }
}

/// How lightningd calls what the channel is at.
pub(super) fn channel_state(channel: &ChannelDetails) -> &'static str {
    if channel.is_channel_ready {
        "CHANNELD_NORMAL"
    } else {
        "CHANNELD_AWAITING_LOCKIN"
    }
}

fn updates(channel: &ChannelDetails) -> Updates {
    let config = channel.config.unwrap_or_default();
    Updates {
        local: Update {
            htlc_minimum_msat: channel.counterparty.outbound_htlc_minimum_msat.unwrap_or(0),
            htlc_maximum_msat: channel.counterparty.outbound_htlc_maximum_msat.unwrap_or(0),
            cltv_expiry_delta: config.cltv_expiry_delta,
            fee_base_msat: config.forwarding_fee_base_msat,
            fee_proportional_millionths: config.forwarding_fee_proportional_millionths,
        },
        remote: channel
            .counterparty
            .forwarding_info
            .as_ref()
            .map(|info| Update {
                htlc_minimum_msat: channel.inbound_htlc_minimum_msat.unwrap_or(0),
                htlc_maximum_msat: channel.inbound_htlc_maximum_msat.unwrap_or(0),
                cltv_expiry_delta: info.cltv_expiry_delta,
                fee_base_msat: info.fee_base_msat,
                fee_proportional_millionths: info.fee_proportional_millionths,
            }),
    }
}

fn htlcs(channel: &ChannelDetails) -> Vec<Htlc> {
    let inbound = channel.pending_inbound_htlcs.iter().map(|htlc| Htlc {
        direction: "in",
        amount_msat: htlc.amount_msat,
        expiry: htlc.cltv_expiry,
        payment_hash: htlc.payment_hash.to_string(),
    });
    let outbound = channel.pending_outbound_htlcs.iter().map(|htlc| Htlc {
        direction: "out",
        amount_msat: htlc.amount_msat,
        expiry: htlc.cltv_expiry,
        payment_hash: htlc.payment_hash.to_string(),
    });
    inbound.chain(outbound).collect()
}

fn parse_address(text: &str, port: u16) -> Option<SocketAddr> {
    let host = |text: &str| {
        if text == "localhost" {
            "127.0.0.1".to_owned()
        } else {
            text.into()
        }
    };
    match text.rsplit_once(':') {
        Some((name, port)) => format!("{}:{port}", host(name)).parse().ok(),
        None => Some(SocketAddr::new(host(text).parse::<IpAddr>().ok()?, port)),
    }
}
