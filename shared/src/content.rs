//! The goods' hash, and the invoice's commitment to it.
//!
//! A BOLT11 description that ends in ` sha256:<64 hex digits>` promises the bytes with that hash.
//! The node signs the description with the invoice, so the promise can be checked by hand with
//! `lightning-cli decode` and `sha256sum`.

use std::fmt;
use std::str::FromStr;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::hex::DisplayHex;
use serde::{Deserialize, Serialize};

use crate::lightning::{ParseError, hex_serde, parse_hex};

/// The SHA-256 of the goods' bytes. 64 hex digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha256::Hash::hash(bytes).to_byte_array())
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        self.0.to_lower_hex_string()
    }
}

impl FromStr for ContentHash {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_hex(text, "a SHA-256: 64 hex digits").map(Self)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

hex_serde!(ContentHash);

/// Hashes goods that arrive in pieces.
#[derive(Default)]
pub struct ContentHasher(sha256::HashEngine);

impl ContentHasher {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.input(piece);
    }

    /// The hash of all pieces in order.
    pub fn finish(self) -> ContentHash {
        ContentHash(sha256::Hash::from_engine(self.0).to_byte_array())
    }
}

const MARK: &str = " sha256:";

/// BOLT 11's limit of the `d` field, in bytes: 1023 groups of 5 bits.
const MAX_DESCRIPTION: usize = 639;

/// The invoice description that promises the bytes with hash `sha256` under `title`.
///
/// The title is cut to fit BOLT 11's 639 bytes, and its control characters become spaces:
/// lightningd refuses a description with `\u` escapes in the JSON, which is how they would travel.
pub fn describe(title: &str, sha256: ContentHash) -> String {
    let text = fit(title, MAX_DESCRIPTION - MARK.len() - 64);
    format!("{text}{MARK}{sha256}")
}

/// The invoice description of what has no bytes to promise, such as an answer that is made for each
/// request: the title alone, cut and cleaned in the same way.
pub fn describe_service(title: &str) -> String {
    fit(title, MAX_DESCRIPTION)
}

fn fit(title: &str, room: usize) -> String {
    let mut text = String::new();
    for character in title.chars() {
        let character = if character.is_control() {
            ' '
        } else {
            character
        };
        if text.len() + character.len_utf8() > room {
            break;
        }
        text.push(character);
    }
    text
}

/// The hash that `description` commits to, if it commits to one.
pub fn commitment(description: &str) -> Option<ContentHash> {
    split(description).map(|(_, hash)| hash)
}

/// What `description` says beside its commitment: the title of the goods.
pub fn title(description: &str) -> &str {
    split(description).map_or(description, |(title, _)| title)
}

/// By bytes from the end: a search for text is two kilobytes of the browser's download.
fn split(description: &str) -> Option<(&str, ContentHash)> {
    let (before, hash) = description.split_at_checked(description.len().checked_sub(64)?)?;
    Some((before.strip_suffix(MARK)?, hash.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_commits_to_what_it_was_made_for() {
        let hash = ContentHash::of(b"meow");
        let description = describe("Two cats", hash);
        assert_eq!(
            description,
            "Two cats sha256:404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52"
        );
        assert_eq!(commitment(&description), Some(hash));
        assert_eq!(title(&description), "Two cats");
        assert_eq!(title("just a donation"), "just a donation");
    }

    #[test]
    fn only_the_end_commits() {
        let hash = ContentHash::of(b"meow");
        assert_eq!(
            commitment(&format!("{} and more", describe("x", hash))),
            None
        );
        assert_eq!(commitment("just a donation"), None);
        assert_eq!(commitment(" sha256:abcd"), None);
    }

    #[test]
    fn a_long_title_is_cut_between_characters() {
        let hash = ContentHash::of(b"meow");
        let description = describe(&"é".repeat(400), hash);
        assert!(description.len() <= 639);
        assert_eq!(commitment(&description), Some(hash));
    }

    #[test]
    fn control_characters_do_not_travel() {
        let description = describe("a\u{1}b\nc", ContentHash::of(b""));
        assert!(description.starts_with("a b c sha256:"));
    }

    #[test]
    fn a_service_promises_no_bytes() {
        let description = describe_service(&"a\n".repeat(400));
        assert_eq!(description.len(), 639);
        assert!(description.starts_with("a a "));
        assert_eq!(commitment(&description), None);
    }

    #[test]
    fn pieces_hash_as_the_whole() {
        let mut hasher = ContentHasher::default();
        hasher.update(b"me");
        hasher.update(b"ow");
        assert_eq!(hasher.finish(), ContentHash::of(b"meow"));
    }
}
