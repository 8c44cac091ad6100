//! Fields that several methods share, as lightningd writes and reads them.

use std::net::SocketAddr;

use lightning::bitcoin::secp256k1::PublicKey;
use serde::Serialize;

use super::error::RpcError;
use super::params::Token;
use crate::hex::encode;

/// An address as lightningd shows it.
#[derive(Serialize)]
pub(super) struct NodeAddress {
    r#type: &'static str,
    address: String,
    port: u16,
}

impl From<SocketAddr> for NodeAddress {
    fn from(address: SocketAddr) -> Self {
        Self {
            r#type: if address.is_ipv4() { "ipv4" } else { "ipv6" },
            address: address.ip().to_string(),
            port: address.port(),
        }
    }
}

/// Feature bits as the BOLTs write them: big-endian, without leading zeros.
pub(super) fn features_hex(little_endian: &[u8]) -> String {
    let bytes: Vec<u8> = little_endian
        .iter()
        .rev()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect();
    encode(&bytes)
}

pub(super) fn public_key(token: Token) -> Result<PublicKey, RpcError> {
    token
        .string()?
        .parse()
        .map_err(|_| token.should_be("should be a node id"))
}
