//! A BOLT11 string, read, and its signature verified.
//!
//! Source: [BOLT 11](https://github.com/lightning/bolts/blob/master/11-payment-encoding.md). `lightning-invoice` reads
//! the fields. It would also verify the signature, but writes the invoice anew to find out what was signed, and that is
//! kilobytes of the browser's download. So what was signed is taken from the letters here, and with it come the rules
//! that belong to the same step (`tests/bolt11_vectors.rs` holds all examples of the standard).

use std::iter::repeat_n;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Fe32, Fe32IterExt as _};
use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1};
use lightning_invoice::{
    Bolt11Bech32, Bolt11ParseError, Bolt11SemanticError, RawBolt11Invoice, TaggedField,
};

/// Why a string is no payable BOLT11 invoice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum DecodeError {
    /// Not BOLT11 at all: checksum, letters, lengths.
    Malformed(#[from] Bolt11ParseError),
    /// BOLT11, but a required field is missing or wrong.
    Semantic(#[from] Bolt11SemanticError),
    /// The signature does not fit the invoice.
    Signature,
    /// A feature that a payer must understand and that nobody here knows.
    UnknownFeature,
    /// A network that lightningd does not serve.
    UnknownNetwork,
}

impl DecodeError {
    /// In words.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "this is not a BOLT11 invoice",
            Self::Semantic(_) => "the BOLT11 invoice breaks a rule of its standard",
            Self::Signature => "the invoice's signature is not valid",
            Self::UnknownFeature => "the invoice requires a feature that is not known here",
            Self::UnknownNetwork => "the invoice is for an unknown network",
        }
    }
}

/// The length of the signature, in letters of 5 bits.
const SIGNATURE_LETTERS: usize = 104;

/// Reads the string; gives what it says, with a payment hash and a description, and the node that signed it.
pub(crate) fn read(bolt11: &str) -> Result<(RawBolt11Invoice, PublicKey), DecodeError> {
    let parts = CheckedHrpstring::new::<Bolt11Bech32>(bolt11).map_err(Bolt11ParseError::from)?;
    // Only ASCII is made lower case: the tables for the rest of Unicode are 7 KB of the browser's download.
    let prefix = parts.hrp().to_lowercase();
    // The iterator's type parameter is unused.
    let letters: Vec<Fe32> = parts.fe32_iter::<std::vec::IntoIter<u8>>().collect();
    let (data, signature) = letters
        .split_last_chunk::<SIGNATURE_LETTERS>()
        .ok_or(Bolt11ParseError::TooShortDataPart)?;
    let invoice = RawBolt11Invoice::from_raw(&prefix, data)?;
    // An amount beyond 64 bits is not none.
    let amount = invoice.amount_pico_btc();
    if invoice.hrp.raw_amount.is_some() && amount.is_none() {
        return Err(Bolt11ParseError::IntegerOverflowError.into());
    }
    let named = invoice.payee_pub_key().map(|key| &key.0);
    let payee = signer(named, &signed(&prefix, data), signature).ok_or(DecodeError::Signature)?;
    check_fields(&invoice)?;
    check_features(&invoice)?;
    if amount.is_some_and(|amount| amount % 10 != 0) {
        return Err(Bolt11SemanticError::ImpreciseAmount.into());
    }
    Ok((invoice, payee))
}

/// There is one payment hash, one description or hash of one, and one payment secret.
fn check_fields(invoice: &RawBolt11Invoice) -> Result<(), Bolt11SemanticError> {
    use Bolt11SemanticError as Broken;
    let count = |is_one: fn(&TaggedField) -> bool| {
        let fields = invoice.known_tagged_fields();
        fields.filter(|field| is_one(field)).count()
    };
    let hashes = count(|field| matches!(field, TaggedField::PaymentHash(_)));
    let descriptions = count(|field| {
        matches!(
            field,
            TaggedField::Description(_) | TaggedField::DescriptionHash(_)
        )
    });
    let secrets = count(|field| matches!(field, TaggedField::PaymentSecret(_)));
    for (count, none, several) in [
        (hashes, Broken::NoPaymentHash, Broken::MultiplePaymentHashes),
        (
            descriptions,
            Broken::NoDescription,
            Broken::MultipleDescriptions,
        ),
        (
            secrets,
            Broken::NoPaymentSecret,
            Broken::MultiplePaymentSecrets,
        ),
    ] {
        match count {
            0 => return Err(none),
            1 => {}
            _ => return Err(several),
        }
    }
    Ok(())
}

/// What a payer has to understand is known, and payment secrets are among it.
fn check_features(invoice: &RawBolt11Invoice) -> Result<(), DecodeError> {
    let is_known = invoice.features().is_some_and(|features| {
        !features.requires_unknown_bits() && features.supports_payment_secret()
    });
    if is_known {
        Ok(())
    } else {
        Err(DecodeError::UnknownFeature)
    }
}

/// What is signed: the hash of the prefix, and of the data with zeros up to a whole byte.
fn signed(prefix: &str, data: &[Fe32]) -> Message {
    let padded = data.iter().copied().chain(repeat_n(Fe32::Q, 2));
    let length = (data.len() * 5).div_ceil(8);
    let bytes: Vec<u8> = padded.fes_to_bytes().take(length).collect();
    let mut engine = sha256::Hash::engine();
    engine.input(prefix.as_bytes());
    engine.input(&bytes);
    Message::from_digest(sha256::Hash::from_engine(engine).to_byte_array())
}

/// The node that signed; `None` if nobody did, or another one than the invoice names. If it names one, the signature
/// has to have its one form (low S), which libsecp256k1 alone accepts; otherwise the key follows from the signature,
/// in either form.
fn signer(
    named: Option<&PublicKey>,
    message: &Message,
    signature: &[Fe32; SIGNATURE_LETTERS],
) -> Option<PublicKey> {
    let bytes: Vec<u8> = signature.iter().copied().fes_to_bytes().collect();
    let (recovery, signature) = bytes.split_last()?;
    let recovery = RecoveryId::from_i32(i32::from(*recovery)).ok()?;
    let signature = RecoverableSignature::from_compact(signature, recovery).ok()?;
    let secp = Secp256k1::verification_only();
    match named {
        Some(key) => {
            let verified = secp.verify_ecdsa(message, &signature.to_standard(), key);
            verified.is_ok().then_some(*key)
        }
        None => secp.recover_ecdsa(message, &signature).ok(),
    }
}
