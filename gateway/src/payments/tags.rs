//! How addresses name purchases that were made by a code.
//!
//! Such an address stands in the answer that a wallet gets before it pays, and in its history afterwards. It
//! says which purchase is meant and that this store made it, and opens nothing: that takes the preimage.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::Mac as _;
use shared::claim::Identifier;

use crate::mac::{HmacSha256, over, sum};
use crate::payments::claims::Claims;

/// What tags are made and checked by.
const TAGS: &[u8] = b"purrwall tag\0";
/// The bytes of a tag that nobody else can make.
const MAC: usize = 16;

impl Claims {
    /// The tag of the purchase with this identifier, of what is called `name`.
    pub(crate) fn tag(&self, name: &str, identifier: Identifier) -> String {
        let key = self.derived_key(TAGS);
        let identifier = identifier.to_bytes();
        let mac = &sum(key, &[name.as_bytes(), b"\0", &identifier])[..MAC];
        BASE64_URL_SAFE_NO_PAD.encode([&identifier, mac].concat())
    }

    /// The purchase that the tag names; `None` where this store has not made it for what is called `name`.
    /// So strangers cannot make lightningd be asked about what it never had.
    pub(crate) fn tagged(&self, name: &str, tag: &str) -> Option<Identifier> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
        let (identifier, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        let is_ours = |key: HmacSha256| {
            let made = over(key, &[name.as_bytes(), b"\0", identifier]);
            made.verify_truncated_left(mac).is_ok()
        };
        let mut keys = self.derived_keys(TAGS);
        keys.any(is_ours)
            .then(|| Identifier::from_bytes(identifier))?
    }
}

#[cfg(test)]
mod tests {
    use shared::lightning::PaymentHash;

    use super::*;
    use crate::secret::Secret;

    const IDENTIFIER: Identifier = Identifier {
        payment_hash: PaymentHash([1; 32]),
        token_id: [2; 32],
    };

    fn claims(byte: u8) -> Claims {
        Claims::new(&Secret::from_bytes([byte; 32]))
    }

    #[test]
    fn a_tag_names_a_purchase_of_this_store_and_this_item() {
        let tag = claims(1).tag("cat", IDENTIFIER);
        assert!(claims(1).tagged("cat", &tag) == Some(IDENTIFIER));
        assert!(claims(1).tagged("two-cats", &tag).is_none());
        assert!(claims(2).tagged("cat", &tag).is_none());
    }

    #[test]
    fn what_is_no_tag_names_nothing() {
        let tag = claims(1).tag("cat", IDENTIFIER);
        let cut = &tag[..tag.len() - 4];
        let longer = format!("{tag}AAAA");
        for odd in ["", "AAAA", "meow!", cut, &longer, &"A".repeat(tag.len())] {
            assert!(claims(1).tagged("cat", odd).is_none(), "{odd}");
        }
    }
}
