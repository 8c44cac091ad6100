//! The key by which the owner's own servers are known.

use std::fmt;
use std::str::FromStr;

use hmac::Mac as _;

use crate::mac::{HmacSha256, keyed, over};

/// The key that an owner's server sends to ask whether a receipt or a claim is good. `Debug` does not
/// show it, and it is not kept: only what it is compared by.
#[derive(Clone)]
pub struct VerifyKey([u8; 32]);

/// Text that is no key. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds no key: 32 or more characters without spaces, such as `openssl rand -hex 32` gives")]
pub struct VerifyKeyError;

/// Fewer characters could be guessed.
const SHORTEST: usize = 32;

impl VerifyKey {
    /// Whether this is the key. Takes as long for every text of the same length.
    pub(crate) fn is(&self, text: &[u8]) -> bool {
        digest(text).verify_slice(&self.0).is_ok()
    }
}

impl FromStr for VerifyKey {
    type Err = VerifyKeyError;
    fn from_str(text: &str) -> Result<Self, VerifyKeyError> {
        let text = text.trim().as_bytes();
        if text.len() < SHORTEST || !text.iter().all(u8::is_ascii_graphic) {
            return Err(VerifyKeyError);
        }
        Ok(Self(digest(text).finalize().into_bytes().into()))
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyKey(hidden)")
    }
}

/// What is compared in the key's place: of one length, and by a comparison that takes one time.
fn digest(text: &[u8]) -> HmacSha256 {
    over(keyed(b"purrwall verify"), &[text])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_is_the_key() {
        let text = "0123456789abcdef0123456789abcdef";
        let key: VerifyKey = format!("{text}\n").parse().unwrap();
        assert!(key.is(text.as_bytes()));
        for other in ["", "0", &text[1..], &format!("{text}0")] {
            assert!(!key.is(other.as_bytes()), "{other}");
        }
        assert!(!format!("{key:?}").contains("0123"));
    }

    #[test]
    fn what_could_be_guessed_is_no_key() {
        for text in ["", "secret", &"a ".repeat(32), &"ä".repeat(32)] {
            assert_eq!(text.parse::<VerifyKey>().unwrap_err(), VerifyKeyError);
        }
    }
}
