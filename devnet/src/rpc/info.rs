//! `getinfo`, `listnodes`, `listchannels`, `help`, `listconfigs`, `newaddr`, `stop`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use lightning::ln::msgs::SocketAddress;
use lightning::routing::gossip::{ChannelInfo, ChannelUpdateInfo, NodeId};
use lightning::types::features::Bolt11InvoiceFeatures;
use serde::Serialize;
use serde_json::value::RawValue;

use super::SOCKET_MODE;
use super::answer::{Answer, result};
use super::error::RpcError;
use super::fields::{NodeAddress, features_hex, public_key};
use super::params::{Params, Token};
use crate::hex::encode;
use crate::node::Node;
use crate::scid::{parse_scid, scid_text};

/// The release whose answers this node gives, and that it is not lightningd.
const VERSION: &str = "v26.06.6-devnet";

#[derive(Serialize)]
struct Info<'a> {
    id: String,
    alias: &'a str,
    color: String,
    num_peers: usize,
    num_pending_channels: usize,
    num_active_channels: usize,
    num_inactive_channels: usize,
    address: Vec<NodeAddress>,
    binding: Vec<NodeAddress>,
    version: &'static str,
    blockheight: u32,
    network: &'static str,
    fees_collected_msat: u64,
    #[serde(rename = "lightning-dir")]
    lightning_dir: &'a Path,
    our_features: OurFeatures,
}

#[derive(Serialize)]
struct OurFeatures {
    init: String,
    node: String,
    channel: &'static str,
    invoice: String,
}

pub(super) fn getinfo(node: &Arc<Node>, params: &RawValue) -> Answer {
    Params::read(params, &[], &[])?;
    let channels = node.channels();
    let count = |ready: bool, usable: bool| {
        let counted = channels
            .iter()
            .filter(|channel| channel.is_channel_ready == ready && channel.is_usable == usable);
        counted.count()
    };
    let manager = &node.ldk.channel_manager;
    result(&Info {
        id: node.node_id(),
        alias: node.name(),
        color: encode(&node.color()),
        num_peers: node.ldk.peer_manager.list_peers().len(),
        num_pending_channels: count(false, false),
        num_active_channels: count(true, true),
        num_inactive_channels: count(true, false),
        address: vec![node.address().into()],
        binding: vec![node.address().into()],
        version: VERSION,
        blockheight: node.chain.tip().height,
        network: "regtest",
        fees_collected_msat: node.fees_collected_msat(),
        lightning_dir: node.dir(),
        our_features: OurFeatures {
            init: features_hex(manager.init_features().le_flags()),
            node: features_hex(manager.node_features().le_flags()),
            channel: "",
            invoice: features_hex(invoice_features().le_flags()),
        },
    })
}

/// What every invoice of this node asks of the payer.
fn invoice_features() -> Bolt11InvoiceFeatures {
    let mut features = Bolt11InvoiceFeatures::empty();
    features.set_variable_length_onion_required();
    features.set_payment_secret_required();
    features.set_basic_mpp_optional();
    features
}

#[derive(Serialize)]
struct KnownNode {
    nodeid: String,
    #[serde(flatten)]
    announced: Option<AnnouncedNode>,
}

#[derive(Serialize)]
struct AnnouncedNode {
    alias: String,
    color: String,
    last_timestamp: u32,
    features: String,
    addresses: Vec<NodeAddress>,
}

pub(super) fn listnodes(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Nodes {
        nodes: Vec<KnownNode>,
    }
    let params = Params::read(params, &[], &["id"])?;
    let wanted = params.optional("id", node_id)?;
    let graph = node.ldk.graph.read_only();
    let nodes = graph
        .nodes()
        .unordered_iter()
        .filter(|(id, _)| wanted.is_none_or(|wanted| wanted == **id))
        .map(|(id, info)| KnownNode {
            nodeid: id.to_string(),
            announced: info.announcement_info.as_ref().map(|info| AnnouncedNode {
                alias: info.alias().to_string(),
                color: encode(&info.rgb()),
                last_timestamp: info.last_update(),
                features: features_hex(info.features().le_flags()),
                addresses: info.addresses().iter().filter_map(node_address).collect(),
            }),
        })
        .collect();
    result(&Nodes { nodes })
}

#[derive(Serialize)]
struct KnownChannel {
    source: String,
    destination: String,
    short_channel_id: String,
    direction: u8,
    public: bool,
    amount_msat: u64,
    message_flags: u8,
    channel_flags: u8,
    active: bool,
    last_update: u32,
    base_fee_millisatoshi: u32,
    fee_per_millionth: u32,
    delay: u16,
    htlc_minimum_msat: u64,
    htlc_maximum_msat: u64,
    features: String,
}

pub(super) fn listchannels(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Channels {
        channels: Vec<KnownChannel>,
    }
    let params = Params::read(params, &[], &["short_channel_id", "source", "destination"])?;
    let scid = params.optional("short_channel_id", |token| {
        let parsed = parse_scid(&token.string()?);
        parsed.ok_or_else(|| token.should_be("should be a short_channel_id of form NxNxN"))
    })?;
    let source = params.optional("source", node_id)?;
    let destination = params.optional("destination", node_id)?;
    let chosen = [scid.is_some(), source.is_some(), destination.is_some()];
    if chosen.into_iter().filter(|chosen| *chosen).count() > 1 {
        let message = "Can only specify one of `short_channel_id`, `source` or `destination`";
        return Err(RpcError::invalid_params(message));
    }
    let graph = node.ldk.graph.read_only();
    let channels = graph
        .channels()
        .unordered_iter()
        .filter(|(id, _)| scid.is_none_or(|wanted| wanted == **id))
        .flat_map(|(id, channel)| directions(*id, channel))
        .filter(|(from, _, _)| source.is_none_or(|wanted| wanted == *from))
        .filter(|(_, to, _)| destination.is_none_or(|wanted| wanted == *to))
        .map(|(_, _, channel)| channel)
        .collect();
    result(&Channels { channels })
}

fn directions(scid: u64, channel: &ChannelInfo) -> Vec<(NodeId, NodeId, KnownChannel)> {
    let known = |direction: u8, from: NodeId, to: NodeId, update: &ChannelUpdateInfo| {
        let channel = KnownChannel {
            source: from.to_string(),
            destination: to.to_string(),
            short_channel_id: scid_text(scid),
            direction,
            public: true,
            amount_msat: channel.capacity_sats.unwrap_or(0) * 1000,
            // BOLT 7: bit 0 is always set, and so is bit 1 of a disabled channel's flags.
            message_flags: 1,
            channel_flags: direction | u8::from(!update.enabled) << 1,
            active: update.enabled,
            last_update: update.last_update,
            base_fee_millisatoshi: update.fees.base_msat,
            fee_per_millionth: update.fees.proportional_millionths,
            delay: update.cltv_expiry_delta,
            htlc_minimum_msat: update.htlc_minimum_msat,
            htlc_maximum_msat: update.htlc_maximum_msat,
            features: features_hex(channel.features.le_flags()),
        };
        (from, to, channel)
    };
    let (one, two) = (channel.node_one, channel.node_two);
    let forth = channel
        .one_to_two
        .as_ref()
        .map(|update| known(0, one, two, update));
    let back = channel
        .two_to_one
        .as_ref()
        .map(|update| known(1, two, one, update));
    forth.into_iter().chain(back).collect()
}

/// Clients ask what `invoice` takes, to see which lightningd they talk with.
const INVOICE_USAGE: &str = "invoice amount_msat label description [expiry] [fallbacks] [preimage] \
                             [exposeprivatechannels] [cltv] [deschashonly]";

pub(super) fn help(params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Usage {
        command: &'static str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    struct Help {
        help: [Usage; 1],
        format_hint: &'static str,
    }
    let params = Params::read(params, &["command"], &[])?;
    params.required("command", |token| match token.string()?.as_str() {
        "invoice" => Ok(()),
        other => Err(RpcError::unknown_command(other)),
    })?;
    result(&Help {
        help: [Usage {
            command: INVOICE_USAGE,
        }],
        format_hint: "simple",
    })
}

/// How lightningd calls the mode of its socket's file, the one setting that both have.
const FILE_MODE: &str = "rpc-file-mode";

pub(super) fn listconfigs(params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Setting {
        value_str: String,
        source: &'static str,
    }
    #[derive(Serialize)]
    struct Settings {
        configs: BTreeMap<&'static str, Setting>,
    }
    let params = Params::read(params, &[], &["config"])?;
    params.optional("config", |token| match token.string()?.as_str() {
        FILE_MODE => Ok(()),
        _ => Err(token.should_be("should be 'rpc-file-mode', the one setting that the devnet has")),
    })?;
    let mode = Setting {
        value_str: format!("{SOCKET_MODE:04o}"),
        source: "default",
    };
    result(&Settings {
        configs: BTreeMap::from([(FILE_MODE, mode)]),
    })
}

pub(super) fn newaddr(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct NewAddress {
        bech32: String,
    }
    let params = Params::read(params, &[], &["addresstype"])?;
    params.optional("addresstype", |token| match token.string().as_deref() {
        Ok("bech32") => Ok(()),
        _ => Err(token.should_be("should be 'bech32', the one kind that the devnet has")),
    })?;
    result(&NewAddress {
        bech32: node.wallet.new_address().to_string(),
    })
}

pub(super) fn stop(params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Stopped {
        result: &'static str,
    }
    Params::read(params, &[], &[])?;
    result(&Stopped {
        result: "Shutdown complete",
    })
}

fn node_id(token: Token) -> Result<NodeId, RpcError> {
    public_key(token).map(|key| NodeId::from_pubkey(&key))
}

fn node_address(address: &SocketAddress) -> Option<NodeAddress> {
    match address {
        SocketAddress::TcpIpV4 { addr, port } => Some(SocketAddr::from((*addr, *port)).into()),
        SocketAddress::TcpIpV6 { addr, port } => Some(SocketAddr::from((*addr, *port)).into()),
        _ => None,
    }
}
