//! The goods' hash, and the invoice's commitment to it.
//!
//! A BOLT11 description that ends in ` sha256:<64 hex digits>` promises the bytes with that hash.
//! The node signs the description with the invoice, so the promise can be checked by hand with
//! `lightning-cli decode` and `sha256sum`.

use std::fmt;
use std::str::FromStr;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Nonce};
use crate::lightning::{ParseError, hex_serde, parse_hex};
use crate::text::to_hex;

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
        to_hex(&self.0)
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

/// BOLT 11's limit of the `d` field, in bytes: 1023 groups of 5 bits.
const MAX_DESCRIPTION: usize = 639;

/// What an invoice's description says:
/// `<title> [valid:<seconds>] [manifest:<hex>] [nonce:<hex>] [sha256:<hex>]`.
///
/// The node signs it with the invoice, so this is what was sold, whatever the store's owner changes
/// afterwards. The hash stands last, and only the title is ever cut. A reader skips words of the
/// form `key:value` that it does not know between the title and the hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Description<'a> {
    /// What the payer reads.
    pub title: &'a str,
    /// How long what was sold can be had after the invoice's time, in seconds; `None` is for good.
    pub valid_secs: Option<u64>,
    /// The hash of the manifest, if the goods are sold sealed.
    pub manifest: Option<Digest>,
    /// What the payment's preimage follows from at the store, if the goods are sold sealed.
    pub nonce: Option<Nonce>,
    /// The hash of the goods. What is made anew for each request has none.
    pub sha256: Option<ContentHash>,
}

impl<'a> Description<'a> {
    /// Reads a description, anyone's. What has none of the words is all title.
    pub fn read(text: &'a str) -> Self {
        let mut read = Self {
            title: text,
            ..Self::default()
        };
        let mut is_last = true;
        while let Some((before, key, value)) = last_field(read.title) {
            match key {
                "sha256" if is_last => read.sha256 = value.parse().ok(),
                "manifest" if read.manifest.is_none() => read.manifest = value.parse().ok(),
                "nonce" if read.nonce.is_none() => read.nonce = value.parse().ok(),
                "valid" if read.valid_secs.is_none() => read.valid_secs = value.parse().ok(),
                _ => {}
            }
            read.title = before;
            is_last = false;
        }
        read
    }
}

/// The description as it stands in the invoice, in at most 639 bytes.
///
/// The title's control characters become spaces: lightningd refuses a description with `\u` escapes
/// in the JSON, which is how they would travel. A title that ends like one of the fields gets a full
/// stop, so that it is not read as one.
impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let valid = self.valid_secs.map(|secs| format!(" valid:{secs}"));
        let manifest = self.manifest.map(|hash| format!(" manifest:{hash}"));
        let nonce = self.nonce.map(|nonce| format!(" nonce:{nonce}"));
        let sha256 = self.sha256.map(|sha256| format!(" sha256:{sha256}"));
        let fields = [valid, manifest, nonce, sha256]
            .map(Option::unwrap_or_default)
            .concat();
        let room = MAX_DESCRIPTION - fields.len();
        let mut title = fit(self.title, room);
        if last_field(&title).is_some() {
            title = fit(&title, room - 1) + ".";
        }
        f.write_str(&title)?;
        f.write_str(&fields)
    }
}

/// The description of an invoice for the bytes with hash `sha256`, sold for good under `title`.
pub fn describe(title: &str, sha256: ContentHash) -> String {
    let description = Description {
        title,
        sha256: Some(sha256),
        ..Description::default()
    };
    description.to_string()
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
    Description::read(description).sha256
}

/// What `description` says beside its fields: the title of what was sold.
pub fn title(description: &str) -> &str {
    Description::read(description).title
}

/// The word `key:value` at the end of `text`, and what stands before it. Byte by byte: a search for
/// text is two kilobytes of the browser's download.
fn last_field(text: &str) -> Option<(&str, &str, &str)> {
    let space = text.bytes().rposition(|byte| byte == b' ')?;
    let (before, word) = (&text[..space], &text[space + 1..]);
    let colon = word.bytes().position(|byte| byte == b':')?;
    let (key, value) = (&word[..colon], &word[colon + 1..]);
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    // Keys begin with a letter, so that a time such as 16:45 is none.
    let is_field = is_plain(key) && is_plain(value) && key.as_bytes()[0].is_ascii_lowercase();
    is_field.then_some((before, key, value))
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

    const SERVICE: Description<'_> = Description {
        title: "Access",
        valid_secs: None,
        manifest: None,
        nonce: None,
        sha256: None,
    };

    #[test]
    fn a_service_promises_no_bytes() {
        let title = "a\n".repeat(400);
        let description = Description {
            title: &title,
            ..SERVICE
        };
        let description = description.to_string();
        assert_eq!(description.len(), 639);
        assert!(description.starts_with("a a "));
        assert_eq!(commitment(&description), None);
    }

    #[test]
    fn a_time_limit_stands_before_the_hash_and_is_read_again() {
        let hash = ContentHash::of(b"meow");
        let limited = Description {
            title: "Two cats",
            valid_secs: Some(86_400),
            sha256: Some(hash),
            ..SERVICE
        };
        let text = limited.to_string();
        assert_eq!(text, format!("Two cats valid:86400 sha256:{hash}"));
        assert_eq!(Description::read(&text), limited);
        let route = Description {
            valid_secs: Some(60),
            ..SERVICE
        };
        assert_eq!(route.to_string(), "Access valid:60");
        assert_eq!(Description::read("Access valid:60"), route);
        assert_eq!(Description::read("Access"), SERVICE);
    }

    #[test]
    fn only_the_title_is_cut() {
        let title = "é".repeat(400);
        let limited = Description {
            title: &title,
            valid_secs: Some(u64::MAX),
            manifest: Some(Digest([0xab; 32])),
            nonce: Some(Nonce([0xcd; 8])),
            sha256: Some(ContentHash::of(b"meow")),
        };
        let text = limited.to_string();
        assert!((638..=639).contains(&text.len()));
        let read = Description::read(&text);
        assert!(title.starts_with(read.title));
        let title = read.title;
        assert_eq!(read, Description { title, ..limited });
    }

    #[test]
    fn fields_of_later_versions_are_skipped() {
        let hash = ContentHash::of(b"meow");
        let text = format!("Two cats valid:5 manifest:00ff nonce:abc colour:blue sha256:{hash}");
        let read = Description::read(&text);
        let known = Description {
            title: "Two cats",
            valid_secs: Some(5),
            sha256: Some(hash),
            ..SERVICE
        };
        assert_eq!(read, known);
    }

    #[test]
    fn what_is_sold_sealed_commits_to_its_manifest() {
        let hash = ContentHash::of(b"meow");
        let sealed = Description {
            title: "Two cats",
            manifest: Some(Digest([0x1f; 32])),
            nonce: Some(Nonce([0x2e; 8])),
            sha256: Some(hash),
            ..SERVICE
        };
        let text = sealed.to_string();
        let (manifest, nonce) = ("1f".repeat(32), "2e".repeat(8));
        assert_eq!(
            text,
            format!("Two cats manifest:{manifest} nonce:{nonce} sha256:{hash}")
        );
        assert_eq!(Description::read(&text), sealed);
    }

    #[test]
    fn a_title_cannot_pass_for_a_field() {
        let hash = ContentHash::of(b"meow");
        let of_a_hash = format!("Access sha256:{hash}");
        let long = format!("{} valid:{}", "x".repeat(620), "1".repeat(30));
        for title in [
            "Access valid:99999",
            "A note:high",
            "A nonce:0123456789abcdef",
            &of_a_hash,
            &long,
        ] {
            for sha256 in [None, Some(hash)] {
                let description = Description {
                    title,
                    sha256,
                    ..SERVICE
                };
                let text = description.to_string();
                assert!(text.len() <= 639);
                let read = Description::read(&text);
                let title = read.title;
                assert_eq!(
                    read,
                    Description {
                        title,
                        ..description
                    },
                    "{text}"
                );
            }
        }
        for title in ["At 16:45", "Cats: two", "https://example.com", "valid:5"] {
            assert_eq!(super::title(title), title);
        }
    }

    #[test]
    fn pieces_hash_as_the_whole() {
        let mut hasher = ContentHasher::default();
        hasher.update(b"me");
        hasher.update(b"ow");
        assert_eq!(hasher.finish(), ContentHash::of(b"meow"));
    }
}
