//! What a BOLT11 string says, and who signed it.
//!
//! Source: [BOLT 11](https://github.com/lightning/bolts/blob/master/11-payment-encoding.md). It is read here and not
//! by `lightning-invoice`, which writes an invoice anew to find out what was signed: that was seven kilobytes of the
//! browser's download. `tests/bolt11_vectors.rs` holds all examples of the standard, and this against that.

use std::fmt;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Checksum, Fe32};
use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1};

use crate::content::ContentHash;
use crate::lightning::{Msat, Network, NodeId, PaymentHash};

/// What the string says, its signature verified.
pub(crate) struct Bolt11 {
    pub(crate) network: Network,
    pub(crate) amount_msat: Option<Msat>,
    pub(crate) payee: NodeId,
    pub(crate) payment_hash: PaymentHash,
    pub(crate) description: Option<String>,
    pub(crate) description_hash: Option<ContentHash>,
    pub(crate) created_at: u64,
    pub(crate) expiry_secs: u64,
}

/// Why a string is no payable BOLT11 invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not BOLT11 at all: checksum, letters, lengths.
    Malformed(Malformed),
    /// BOLT11, but a required field is missing or wrong.
    Semantic(BrokenRule),
    /// The signature does not fit the invoice.
    Signature,
    /// A feature that a payer must understand and that nobody here knows.
    UnknownFeature,
    /// A network that lightningd does not serve.
    UnknownNetwork,
}

impl DecodeError {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Malformed(_) => "this is not a BOLT11 invoice",
            Self::Semantic(_) => "the BOLT11 invoice breaks a rule of its standard",
            Self::Signature => "the invoice's signature is not valid",
            Self::UnknownFeature => "the invoice requires a feature that is not known here",
            Self::UnknownNetwork => "the invoice is for an unknown network",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(malformed) => Some(malformed),
            Self::Semantic(rule) => Some(rule),
            _ => None,
        }
    }
}

/// Why a string cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A letter, the separator, or the checksum.
    #[error("it is not bech32")]
    Bech32,
    /// Something else than an invoice.
    #[error("it does not begin with \"ln\"")]
    Prefix,
    /// The unit of the amount.
    #[error("the unit of its amount is not known")]
    Multiplier,
    /// An amount that is no number, or larger than all there is.
    #[error("its amount cannot be read")]
    Amount,
    /// The time, or the signature, is not there.
    #[error("it is too short")]
    TooShort,
    /// A field, or a step of a route hint, ends too soon.
    #[error("a field is cut off")]
    Cut,
    /// A time beyond 64 bits.
    #[error("its expiry cannot be read")]
    Expiry,
    /// The description is no UTF-8.
    #[error("its description is no text")]
    Text,
    /// The payee, or a node of a route hint.
    #[error("it names a node that cannot be")]
    Key,
}

/// A rule of BOLT 11 that a readable invoice breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    /// Nobody can pay a part of a millisatoshi.
    #[error("it asks for a part of a millisatoshi")]
    Amount,
    /// None, or several.
    #[error("it does not have one payment hash")]
    PaymentHash,
    /// None, or several, one that is only a hash included.
    #[error("it does not have one description")]
    Description,
    /// None, or several, or it is not among the features.
    #[error("it does not have one payment secret")]
    PaymentSecret,
}

impl From<Malformed> for DecodeError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<BrokenRule> for DecodeError {
    fn from(rule: BrokenRule) -> Self {
        Self::Semantic(rule)
    }
}

/// BOLT 11's checksum: bech32's, for texts of any length that there is.
enum Bolt11Checksum {}

impl Checksum for Bolt11Checksum {
    type MidstateRepr = u32;
    const CODE_LENGTH: usize = 7089;
    const CHECKSUM_LENGTH: usize = Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = Bech32::TARGET_RESIDUE;
}

const TIMESTAMP_LETTERS: usize = 7;
const SIGNATURE_LETTERS: usize = 104;
const DEFAULT_EXPIRY_SECS: u64 = 3600;
/// A step of a route hint, in bytes; it begins with a public key.
const HOP: usize = 51;
const KEY: usize = 33;

// The fields that are read.
const PAYMENT_HASH: u8 = 1;
const ROUTE: u8 = 3;
const FEATURES: u8 = 5;
const EXPIRY: u8 = 6;
const DESCRIPTION: u8 = 13;
const PAYMENT_SECRET: u8 = 16;
const PAYEE: u8 = 19;
const DESCRIPTION_HASH: u8 = 23;

/// The features that a payer may be required to know: onions of variable length, payment secrets, payments in parts,
/// metadata, trampolines (BOLT 9).
const KNOWN_FEATURES: [usize; 5] = [8, SECRET_FEATURE, 16, 48, 56];
const SECRET_FEATURE: usize = 14;

impl Bolt11 {
    /// Reads the string, and verifies its signature.
    pub(crate) fn read(text: &str) -> Result<Self, DecodeError> {
        let parts = CheckedHrpstring::new::<Bolt11Checksum>(text).map_err(|_| Malformed::Bech32)?;
        let prefix = parts.hrp().to_lowercase();
        // The iterator's type parameter is unused.
        let letters = parts.fe32_iter::<std::vec::IntoIter<u8>>();
        let letters: Vec<u8> = letters.map(Fe32::to_u8).collect();
        let (data, signature) = letters
            .split_last_chunk::<SIGNATURE_LETTERS>()
            .ok_or(Malformed::TooShort)?;
        let (created_at, fields) = data
            .split_at_checked(TIMESTAMP_LETTERS)
            .ok_or(Malformed::TooShort)?;
        let (network, amount_msat) = read_prefix(&prefix)?;
        let fields = Fields::read(fields)?;
        let descriptions = fields.all(DESCRIPTION).map(text_of);
        let descriptions = descriptions.collect::<Result<Vec<String>, _>>()?;
        for route in fields.all(ROUTE) {
            check_route(&bytes(route))?;
        }
        let expiry = fields.all(EXPIRY).next();
        let expiry_secs = match expiry {
            Some(letters) => number(letters).ok_or(Malformed::Expiry)?,
            None => DEFAULT_EXPIRY_SECS,
        };
        let payee = signer(&bytes(signature), signed(&prefix, data), &fields)?;
        check_features(&fields)?;
        let description_hash = fields.all(DESCRIPTION_HASH).next().map(digest);
        if descriptions.len() + fields.all(DESCRIPTION_HASH).count() != 1 {
            return Err(BrokenRule::Description.into());
        }
        fields.one(PAYMENT_SECRET, BrokenRule::PaymentSecret)?;
        let payment_hash = fields.one(PAYMENT_HASH, BrokenRule::PaymentHash)?;
        Ok(Self {
            network,
            amount_msat,
            payee: payee.into(),
            payment_hash: PaymentHash(digest(payment_hash)),
            description: descriptions.into_iter().next(),
            description_hash: description_hash.map(ContentHash),
            created_at: number(created_at).ok_or(Malformed::TooShort)?,
            expiry_secs,
        })
    }
}

/// The network and the amount, which stand before the data: `lnbc2500u` asks for 2500 millionths of a bitcoin.
fn read_prefix(prefix: &str) -> Result<(Network, Option<Msat>), DecodeError> {
    let rest = prefix.strip_prefix("ln").ok_or(Malformed::Prefix)?;
    let digits = rest.bytes().position(|byte| byte.is_ascii_digit());
    let (currency, amount) = rest.split_at(digits.unwrap_or(rest.len()));
    let network = match currency {
        "bc" => Network::Bitcoin,
        "tb" => Network::Testnet,
        "tbs" => Network::Signet,
        "bcrt" => Network::Regtest,
        _ => return Err(DecodeError::UnknownNetwork),
    };
    let Some((digits, unit)) = amount.split_at_checked(amount.len().wrapping_sub(1)) else {
        return Ok((network, None));
    };
    let (digits, picobitcoin): (&str, u64) = match unit.as_bytes() {
        b"m" => (digits, 1_000_000_000),
        b"u" => (digits, 1_000_000),
        b"n" => (digits, 1_000),
        b"p" => (digits, 1),
        [b'0'..=b'9'] => (amount, 1_000_000_000_000),
        _ => return Err(Malformed::Multiplier.into()),
    };
    let amount: Option<u64> = digits.parse().ok();
    let amount = amount.and_then(|amount| amount.checked_mul(picobitcoin));
    let amount = amount.ok_or(Malformed::Amount)?;
    if amount % 10 != 0 {
        return Err(BrokenRule::Amount.into());
    }
    Ok((network, Some(Msat(amount / 10))))
}

/// Each field's number and letters, in order.
struct Fields<'a>(Vec<(u8, &'a [u8])>);

impl<'a> Fields<'a> {
    fn read(mut letters: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Vec::new();
        while let [tag, high, low, rest @ ..] = letters {
            let length = usize::from(*high) << 5 | usize::from(*low);
            let (field, rest) = rest.split_at_checked(length).ok_or(Malformed::Cut)?;
            // BOLT 11: what has another length is skipped, as what has another number is.
            let is_right = match *tag {
                PAYMENT_HASH | DESCRIPTION_HASH | PAYMENT_SECRET => length == 52,
                PAYEE => length == 53,
                _ => true,
            };
            if is_right {
                fields.push((*tag, field));
            }
            letters = rest;
        }
        if letters.is_empty() {
            Ok(Self(fields))
        } else {
            Err(Malformed::Cut)
        }
    }

    fn all(&self, tag: u8) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |(other, _)| *other == tag)
            .map(|(_, letters)| *letters)
    }

    /// The one of its kind.
    fn one(&self, tag: u8, rule: BrokenRule) -> Result<&'a [u8], BrokenRule> {
        let mut all = self.all(tag);
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(rule),
        }
    }
}

/// The whole bytes of these letters of five bits. What fills up the last letter is left out.
fn bytes(letters: &[u8]) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u16, 0);
    for letter in letters {
        bits = bits << 5 | u16::from(*letter);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count).to_be_bytes()[1]);
        }
    }
    bytes
}

/// The number that these letters write; `None` beyond 64 bits.
fn number(letters: &[u8]) -> Option<u64> {
    letters.iter().try_fold(0_u64, |number, letter| {
        Some(number.checked_mul(32)? | u64::from(*letter))
    })
}

fn digest(letters: &[u8]) -> [u8; 32] {
    let bytes = bytes(letters);
    *bytes.first_chunk().expect("52 letters are 32 bytes")
}

fn text_of(letters: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes(letters)).map_err(|_| Malformed::Text)
}

fn key(bytes: &[u8]) -> Result<PublicKey, Malformed> {
    PublicKey::from_slice(bytes).map_err(|_| Malformed::Key)
}

fn check_route(hops: &[u8]) -> Result<(), Malformed> {
    for hop in hops.chunks(HOP) {
        if hop.len() < HOP {
            return Err(Malformed::Cut);
        }
        key(&hop[..KEY])?;
    }
    Ok(())
}

/// Each even feature has to be known to whoever pays, and payment secrets have to be among them.
fn check_features(fields: &Fields<'_>) -> Result<(), DecodeError> {
    let mut has_secret = false;
    for letters in fields.all(FEATURES) {
        for (place, letter) in letters.iter().rev().enumerate() {
            for feature in (0..5).filter(|bit| letter >> bit & 1 == 1) {
                let feature = place * 5 + feature;
                if feature % 2 == 0 && !KNOWN_FEATURES.contains(&feature) {
                    return Err(DecodeError::UnknownFeature);
                }
                has_secret |= feature / 2 == SECRET_FEATURE / 2;
            }
        }
    }
    if has_secret {
        Ok(())
    } else {
        Err(BrokenRule::PaymentSecret.into())
    }
}

/// The hash that is signed: of the prefix, and of the data with zeros up to a whole byte.
fn signed(prefix: &str, data: &[u8]) -> Message {
    let mut padded = bytes(&[data, &[0, 0]].concat());
    padded.truncate((data.len() * 5).div_ceil(8));
    let mut engine = sha256::Hash::engine();
    engine.input(prefix.as_bytes());
    engine.input(&padded);
    Message::from_digest(sha256::Hash::from_engine(engine).to_byte_array())
}

/// The node that signed. If the invoice names it, the signature has to have its one form (low S), which libsecp256k1
/// alone accepts; otherwise the key follows from the signature, in either form.
fn signer(
    signature: &[u8],
    message: Message,
    fields: &Fields<'_>,
) -> Result<PublicKey, DecodeError> {
    let named = fields.all(PAYEE).next();
    let named = named.map(|letters| key(&bytes(letters))).transpose()?;
    let verified = || {
        let (recovery, signature) = signature.split_last()?;
        let recovery = RecoveryId::from_i32(i32::from(*recovery)).ok()?;
        let signature = RecoverableSignature::from_compact(signature, recovery).ok()?;
        let secp = Secp256k1::verification_only();
        match named {
            Some(key) => {
                let verified = secp.verify_ecdsa(&message, &signature.to_standard(), &key);
                verified.is_ok().then_some(key)
            }
            None => secp.recover_ecdsa(&message, &signature).ok(),
        }
    };
    verified().ok_or(DecodeError::Signature)
}
