//! The claim: the buyer's ticket. An L402 macaroon whose identifier names the payment.
//!
//! The browser reads a claim to see that it belongs to the invoice; only the gateway can make one
//! or verify it. Source: the L402 protocol specification, "macaroon identifier".

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::lightning::PaymentHash;
use crate::macaroon::{Macaroon, MacaroonError};
use crate::text::{base64, from_base64};

/// The caveat that binds a claim to an item: `item=<id>`.
pub const CAVEAT_ITEM: &str = "item";
/// The caveat that names the version of the goods that was sold: `sha256=<64 hex digits>`.
pub const CAVEAT_SHA256: &str = "sha256";
/// The caveat that ends a claim: `valid_until=<UNIX seconds>`; valid up to and including it.
pub const CAVEAT_VALID_UNTIL: &str = "valid_until";
/// The caveat that names the node that has the invoice: `node=<66 hex digits>`.
pub const CAVEAT_NODE: &str = "node";
/// The caveat that names the key of the store's secret that the claim was made with:
/// `key=<8 hex digits>`.
pub const CAVEAT_KEY: &str = "key";

const IDENTIFIER_VERSION: [u8; 2] = [0, 0];

/// A claim as it travels; base64 on the wire. `Debug` shows the payment hash only, because whoever
/// has the claim can take the goods.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    macaroon: Macaroon,
    identifier: Identifier,
}

/// What a claim's identifier says: version 0 (two bytes) | payment_hash | token_id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identifier {
    /// The payment that unlocks.
    pub payment_hash: PaymentHash,
    /// Names the purchase; the last part of the invoice's label at lightningd.
    pub token_id: [u8; 32],
}

impl Identifier {
    /// The 66 bytes that the root key is derived from.
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            &IDENTIFIER_VERSION,
            &self.payment_hash.0[..],
            &self.token_id,
        ]
        .concat()
    }

    /// Reads those bytes; `None` where they are none of an identifier.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&IDENTIFIER_VERSION)?;
        let (payment_hash, token_id) = rest.split_at_checked(32)?;
        Some(Self {
            payment_hash: PaymentHash(payment_hash.try_into().ok()?),
            token_id: token_id.try_into().ok()?,
        })
    }
}

/// Why text is no claim. Never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Neither standard nor URL-safe base64.
    #[error("the claim is not base64")]
    Base64,
    /// Not a macaroon.
    #[error("the claim is {0}")]
    Macaroon(#[from] MacaroonError),
    /// A macaroon of something else.
    #[error("the claim's identifier is not that of an L402 macaroon of version 0")]
    Identifier,
}

impl Claim {
    /// Takes a macaroon whose identifier is L402's.
    ///
    /// # Errors
    /// [`ClaimError::Identifier`] where it is not.
    pub fn new(macaroon: Macaroon) -> Result<Self, ClaimError> {
        let identifier =
            Identifier::from_bytes(&macaroon.identifier).ok_or(ClaimError::Identifier)?;
        Ok(Self {
            macaroon,
            identifier,
        })
    }

    /// The payment that unlocks.
    pub fn payment_hash(&self) -> PaymentHash {
        self.identifier.payment_hash
    }

    /// Payment and purchase.
    pub fn identifier(&self) -> &Identifier {
        &self.identifier
    }

    /// The macaroon itself, not verified.
    pub fn macaroon(&self) -> &Macaroon {
        &self.macaroon
    }

    /// The values of the caveats `name=…`, in order. Others are skipped, by L402's rule, and what
    /// stands here is worth nothing until the signature is verified.
    pub fn caveats<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.macaroon.caveats.iter().filter_map(move |caveat| {
            let (key, value) = std::str::from_utf8(caveat).ok()?.split_once('=')?;
            (key.trim() == name).then(|| value.trim())
        })
    }

    /// Until when it opens the goods, in UNIX seconds, that second included; `None` is for good.
    pub fn valid_until(&self) -> Option<u64> {
        let ends = self.caveats(CAVEAT_VALID_UNTIL);
        ends.filter_map(|end| end.parse().ok()).min()
    }

    /// Standard base64 with padding, as it stands in headers and JSON.
    pub fn to_base64(&self) -> String {
        base64(&self.macaroon.to_bytes())
    }
}

/// Reads standard and URL-safe base64, with padding or without.
impl FromStr for Claim {
    type Err = ClaimError;
    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let bytes = from_base64(text).ok_or(ClaimError::Base64)?;
        Self::new(Macaroon::from_bytes(&bytes)?)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim(for {})", self.payment_hash())
    }
}

impl Serialize for Claim {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        let identifier = Identifier {
            payment_hash: PaymentHash([0xfb; 32]),
            token_id: [0xff; 32],
        };
        Claim::new(Macaroon {
            location: None,
            identifier: identifier.to_bytes(),
            caveats: vec![b"item=cat".to_vec(), b"other=1".to_vec(), vec![0xff]],
            signature: [0xfe; 32],
        })
        .unwrap()
    }

    #[test]
    fn every_form_of_base64_is_read() {
        let standard = claim().to_base64();
        assert!(standard.contains('+') || standard.contains('/'));
        let url_safe = standard.replace('+', "-").replace('/', "_");
        for text in [&standard, &url_safe, url_safe.trim_end_matches('=')] {
            assert_eq!(text.parse::<Claim>(), Ok(claim()));
        }
    }

    #[test]
    fn a_claim_says_its_payment_and_item() {
        assert_eq!(claim().payment_hash(), PaymentHash([0xfb; 32]));
        assert_eq!(claim().caveats(CAVEAT_ITEM).collect::<Vec<_>>(), ["cat"]);
    }

    #[test]
    fn the_earliest_end_counts() {
        assert_eq!(claim().valid_until(), None);
        let mut macaroon = claim().macaroon;
        for end in ["valid_until=30", "valid_until=20", "valid_until=soon"] {
            macaroon.caveats.push(end.into());
        }
        assert_eq!(Claim::new(macaroon).unwrap().valid_until(), Some(20));
    }

    #[test]
    fn debug_does_not_show_the_ticket() {
        let shown = format!("{:?}", claim());
        assert!(!shown.contains("fefefefe") && !shown.contains(&claim().to_base64()));
    }

    #[test]
    fn another_macaroon_is_no_claim() {
        let mut macaroon = claim().macaroon;
        macaroon.identifier.pop();
        assert_eq!(Claim::new(macaroon), Err(ClaimError::Identifier));
        assert_eq!("%%%".parse::<Claim>(), Err(ClaimError::Base64));
    }
}
