//! The key of sealed goods, and the two things that open it: the payment's preimage and the claim.

use std::fmt;
use std::str::FromStr;

use bitcoin::hashes::{Hash as _, HashEngine as _, Hmac, HmacEngine, sha256};
use serde::{Deserialize, Serialize};

use crate::claim::Identifier;
use crate::lightning::{ParseError, Preimage, hex_serde, parse_hex};
use crate::text::to_hex;

/// The AES-256 key of one version of goods, the same for all of its buyers. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ContentKey(pub [u8; 32]);

impl ContentKey {
    /// The key without what payment and claim give: worth nothing alone.
    pub fn wrap(&self, preimage: &Preimage, identifier: &Identifier) -> WrappedKey {
        WrappedKey(xor(self.0, pad(preimage, identifier)))
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(hidden)")
    }
}

/// A content key as it stands in a manifest, before anyone paid. 64 hex digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WrappedKey(pub [u8; 32]);

impl WrappedKey {
    /// The content key, with the preimage of the payment that the claim is for.
    pub fn unwrap(&self, preimage: &Preimage, identifier: &Identifier) -> ContentKey {
        ContentKey(xor(self.0, pad(preimage, identifier)))
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

impl FromStr for WrappedKey {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_hex(text, "a wrapped key: 64 hex digits").map(Self)
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

hex_serde!(WrappedKey);

/// The name of a seal secret: 8 hex digits on the wire. The secret does not follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretId(pub [u8; 4]);

impl SecretId {
    /// 8 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

impl FromStr for SecretId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_hex(text, "the name of a seal secret: 8 hex digits").map(Self)
    }
}

hex_serde!(SecretId);

/// HKDF-SHA256 with the preimage as the key, the token_id as the salt and the payment hash as the
/// information. Nodes that route the payment learn the preimage, but the token_id is in the claim alone.
fn pad(preimage: &Preimage, identifier: &Identifier) -> [u8; 32] {
    let info = &identifier.payment_hash.0;
    hkdf(&preimage.0, &identifier.token_id, info)
}

/// RFC 5869, for the 32 bytes that one round gives.
fn hkdf(key: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let extracted = hmac(salt, &[key]);
    hmac(&extracted, &[info, &[1]])
}

/// HMAC-SHA256 over these parts.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut engine = HmacEngine::<sha256::Hash>::new(key);
    for part in parts {
        engine.input(part);
    }
    Hmac::from_engine(engine).to_byte_array()
}

fn xor(one: [u8; 32], other: [u8; 32]) -> [u8; 32] {
    std::array::from_fn(|at| one[at] ^ other[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hkdf_is_that_of_rfc_5869() {
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        // Test case 1 goes on for ten bytes more.
        assert_eq!(
            to_hex(&hkdf(&[0x0b; 22], &salt, &info)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        );
    }

    #[test]
    fn payment_and_claim_open_the_key_and_neither_alone_does() {
        let (key, preimage) = (ContentKey([1; 32]), Preimage([2; 32]));
        let identifier = Identifier {
            payment_hash: preimage.payment_hash(),
            token_id: [3; 32],
        };
        let wrapped = key.wrap(&preimage, &identifier);
        assert_eq!(wrapped.unwrap(&preimage, &identifier), key);
        let others = [
            (Preimage([4; 32]), identifier),
            (
                preimage,
                Identifier {
                    token_id: [4; 32],
                    ..identifier
                },
            ),
            (
                preimage,
                Identifier {
                    payment_hash: Preimage([4; 32]).payment_hash(),
                    ..identifier
                },
            ),
        ];
        for (preimage, identifier) in others {
            assert_ne!(wrapped.unwrap(&preimage, &identifier), key);
        }
        assert!(!format!("{key:?}").contains("01"));
    }
}
