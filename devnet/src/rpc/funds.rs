//! `listfunds`.

use std::sync::Arc;

use lightning::bitcoin::{OutPoint, TxOut};
use lightning::ln::channel_state::ChannelDetails;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answer, result};
use super::channels::channel_state;
use super::params::{Params, Token};
use crate::node::Node;
use crate::scid::scid_text;

#[derive(Serialize)]
struct Coin {
    txid: String,
    output: u32,
    amount_msat: u64,
    scriptpubkey: String,
    status: &'static str,
    reserved: bool,
}

#[derive(Serialize)]
struct ChannelFunds {
    peer_id: String,
    connected: bool,
    state: &'static str,
    channel_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_channel_id: Option<String>,
    our_amount_msat: u64,
    amount_msat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    funding_txid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    funding_output: Option<u16>,
}

pub(super) fn listfunds(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Funds {
        outputs: Vec<Coin>,
        channels: Vec<ChannelFunds>,
    }
    let params = Params::read(params, &[], &["spent"])?;
    // The wallet forgets what it spent, so there is nothing more to show.
    params.optional("spent", Token::boolean)?;
    let channels = node.channels();
    result(&Funds {
        outputs: node.wallet.spendable().iter().map(coin).collect(),
        channels: channels
            .iter()
            .map(|channel| funds(node, channel))
            .collect(),
    })
}

fn coin((outpoint, output): &(OutPoint, TxOut)) -> Coin {
    Coin {
        txid: outpoint.txid.to_string(),
        output: outpoint.vout,
        amount_msat: output.value.to_sat() * 1000,
        scriptpubkey: output.script_pubkey.to_hex_string(),
        status: "confirmed",
        reserved: false,
    }
}

fn funds(node: &Node, channel: &ChannelDetails) -> ChannelFunds {
    ChannelFunds {
        peer_id: channel.counterparty.node_id.to_string(),
        connected: node.peer(channel.counterparty.node_id).is_some(),
        state: channel_state(channel),
        channel_id: channel.channel_id.to_string(),
        short_channel_id: channel.short_channel_id.map(scid_text),
        our_amount_msat: node.to_us_msat(channel),
        amount_msat: channel.channel_value_satoshis * 1000,
        funding_txid: channel.funding_txo.map(|funding| funding.txid.to_string()),
        funding_output: channel.funding_txo.map(|funding| funding.index),
    }
}
