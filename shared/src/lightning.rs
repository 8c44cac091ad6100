//! Lightning's own quantities. Each is parsed once, where it enters, and trusted after that.

use std::fmt;
use std::str::FromStr;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::PublicKey;
use serde::{Deserialize, Serialize};

use crate::text::{fixed, from_hex, to_hex};

/// An amount in millisatoshi, the unit of every amount in Purrwall. A plain integer on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Msat(pub u64);

impl Msat {
    /// The amount of `sat` satoshi; `None` above `u64::MAX` msat.
    pub fn from_sat(sat: u64) -> Option<Self> {
        sat.checked_mul(1000).map(Self)
    }
}

impl Msat {
    /// The amount as people read it, always in satoshi: whole ones, rounded up, from ten on, because
    /// nobody is helped by their thousandths.
    pub fn for_people(self) -> String {
        self.rounded().to_string()
    }

    /// The amount in satoshi, to the last millisatoshi.
    pub fn text(self) -> String {
        [&fixed(self.0, 1000), " sat"].concat()
    }

    /// What [`for_people`](Self::for_people) shows.
    #[must_use]
    pub fn rounded(self) -> Self {
        if self.0 < 10_000 {
            self
        } else {
            Self(self.0.div_ceil(1000) * 1000)
        }
    }
}

/// Shows the amount in satoshi, to the last millisatoshi: `100 sat`, `1.5 sat`.
impl fmt::Display for Msat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

/// Says which value is not a Lightning quantity, and what one looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct ParseError {
    value: String,
    expected: &'static str,
}

impl ParseError {
    pub(crate) fn new(value: &str, expected: &'static str) -> Self {
        // A value from a stranger may be megabytes long; the beginning identifies it.
        let value = &value[..value.floor_char_boundary(80)];
        Self {
            value: value.to_owned(),
            expected,
        }
    }
}

macro_rules! hex_serde {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_hex())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use hex_serde;

/// Parses exactly `N` bytes of hex, in any case.
pub(crate) fn parse_hex<const N: usize>(
    text: &str,
    expected: &'static str,
) -> Result<[u8; N], ParseError> {
    from_hex(text).ok_or_else(|| ParseError::new(text, expected))
}

/// The SHA-256 of the preimage; names the payment. Everyone who saw the invoice knows it, so it
/// never unlocks anything. 64 hex digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentHash(pub [u8; 32]);

impl PaymentHash {
    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

impl FromStr for PaymentHash {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_hex(text, "a payment_hash: 64 hex digits").map(Self)
    }
}

impl fmt::Display for PaymentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for PaymentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

hex_serde!(PaymentHash);

/// The 32 bytes whose SHA-256 is the payment hash; whoever has them knows that the invoice was
/// paid. A secret: `Debug` does not show it, and there is no `Display`. 64 hex digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Preimage(pub [u8; 32]);

impl Preimage {
    /// The payment hash that this preimage belongs to.
    pub fn payment_hash(&self) -> PaymentHash {
        PaymentHash(sha256::Hash::hash(&self.0).to_byte_array())
    }

    /// 64 lower-case hex digits. For headers, receipts and answers, never for logs.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

impl FromStr for Preimage {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        // The value may be a real preimage with a typing error, so the error does not repeat it.
        from_hex(text)
            .map(Self)
            .ok_or_else(|| ParseError::new("(hidden)", "a preimage: 64 hex digits"))
    }
}

impl fmt::Debug for Preimage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Preimage(hidden)")
    }
}

hex_serde!(Preimage);

/// A node's public key (compressed secp256k1 point). 66 hex digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(PublicKey);

impl NodeId {
    /// 66 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0.serialize())
    }
}

impl From<PublicKey> for NodeId {
    fn from(key: PublicKey) -> Self {
        Self(key)
    }
}

impl FromStr for NodeId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = "a node id: 66 hex digits beginning with 02 or 03";
        let bytes: [u8; 33] = parse_hex(text, expected)?;
        PublicKey::from_slice(&bytes)
            .map(Self)
            .map_err(|_| ParseError::new(text, expected))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

hex_serde!(NodeId);

/// The nodes one of which has to be paid; there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payees(Vec<NodeId>);

impl Payees {
    /// This node and these others.
    pub fn new(node: NodeId, mut others: Vec<NodeId>) -> Self {
        if !others.contains(&node) {
            others.push(node);
        }
        Self(others)
    }

    /// Each in 66 lower-case hex digits, with spaces between them.
    pub fn to_hex(&self) -> String {
        let mut ids = String::new();
        for node in &self.0 {
            if !ids.is_empty() {
                ids.push(' ');
            }
            ids += &node.to_hex();
        }
        ids
    }

    /// Whether this is one of them.
    pub fn contains(&self, node: &NodeId) -> bool {
        self.0.contains(node)
    }
}

impl FromStr for Payees {
    type Err = ParseError;
    /// Reads node ids with spaces or commas between them.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut nodes: Vec<NodeId> = Vec::new();
        for word in text.split([' ', ',']) {
            if !word.is_empty() {
                nodes.push(word.parse()?);
            }
        }
        if nodes.is_empty() {
            let expected = "node ids, each 66 hex digits, with spaces between them";
            return Err(ParseError::new(text, expected));
        }
        Ok(Self(nodes))
    }
}

/// As it is read.
impl fmt::Display for Payees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// A Bitcoin network, by lightningd's names (`getinfo`, field `network`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Network {
    /// Real money.
    Bitcoin,
    /// The public test network.
    Testnet,
    /// The public test network with signed blocks.
    Signet,
    /// A private network, such as the devnet.
    Regtest,
}

impl Network {
    /// The name that lightningd uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bitcoin => "bitcoin",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }
}

impl FromStr for Network {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "bitcoin" => Ok(Self::Bitcoin),
            "testnet" | "testnet4" => Ok(Self::Testnet),
            "signet" => Ok(Self::Signet),
            "regtest" => Ok(Self::Regtest),
            _ => Err(ParseError::new(
                text,
                "a network: bitcoin, testnet, signet or regtest",
            )),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preimage_hashes_to_its_payment_hash() {
        // From a recorded conversation with lightningd (`pay`).
        let preimage: Preimage = "910ecd36093e2b3b3eb7e326367afa0785af95376674c68419b3c8236c85ed21"
            .parse()
            .unwrap();
        assert_eq!(
            preimage.payment_hash().to_hex(),
            "a03adbefa7a1da6640959ea04bcdf247d9cbfedd9d7c9146c9af0e584dae78de"
        );
    }

    #[test]
    fn people_read_amounts_in_satoshi() {
        for (msat, read, exact) in [
            (100_000, "100 sat", "100 sat"),
            (384_616, "385 sat", "384.616 sat"),
            (1_500, "1.5 sat", "1.5 sat"),
            (1, "0.001 sat", "0.001 sat"),
        ] {
            assert_eq!(Msat(msat).for_people(), read);
            assert_eq!(Msat(msat).to_string(), exact);
        }
    }

    #[test]
    fn preimage_is_never_shown() {
        let preimage = Preimage([0xab; 32]);
        assert!(!format!("{preimage:?}").contains("ab"));
        let error = "abababab".parse::<Preimage>().unwrap_err().to_string();
        assert!(!error.contains("abab"), "{error}");
    }

    #[test]
    fn hex_is_read_in_any_case_and_written_in_lower_case() {
        let text = "A03ADBEFA7A1DA6640959EA04BCDF247D9CBFEDD9D7C9146C9AF0E584DAE78DE";
        let hash: PaymentHash = text.parse().unwrap();
        assert_eq!(hash.to_string(), text.to_lowercase());
    }

    #[test]
    fn payees_are_one_node_or_several() {
        let ids = ["02", "03"].map(|first| {
            [
                first,
                "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            ]
            .concat()
        });
        let [one, other] = &ids;
        let nodes = ids.each_ref().map(|id| id.parse::<NodeId>().unwrap());
        let read = |text: &str| text.parse::<Payees>();
        assert_eq!(read(one).unwrap(), Payees::new(nodes[0], Vec::new()));
        for both in [
            format!("{one} {other}"),
            format!(" {one},{other},"),
            format!("{one},  {other}"),
        ] {
            let payees = read(&both).unwrap();
            assert!(nodes.iter().all(|node| payees.contains(node)), "{both}");
            assert_eq!(payees.to_string(), format!("{one} {other}"));
        }
        for none in ["", " , "] {
            assert!(read(none).is_err(), "no pin must not become none");
        }
        assert!(
            read(&format!("{one} 03zz"))
                .unwrap_err()
                .to_string()
                .contains("03zz")
        );
    }

    #[test]
    fn a_wrong_node_id_is_named() {
        let error = "03zz".parse::<NodeId>().unwrap_err().to_string();
        assert_eq!(
            error,
            "\"03zz\" is not a node id: 66 hex digits beginning with 02 or 03"
        );
    }
}
