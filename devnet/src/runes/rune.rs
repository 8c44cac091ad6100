//! A rune and its authentication code.
//!
//! The code is the state of SHA-256 after the node's secret and each restriction, each padded to
//! whole blocks as SHA-256 pads the end of a message. With the state one can go on hashing, so
//! anyone can add a restriction. To remove one, they would have to run the hash backwards.

use lightning::bitcoin::hashes::sha256::{HashEngine, Midstate};
use lightning::bitcoin::hashes::{Hash, HashEngine as _, sha256};
use lightningd::rune::{self, CODE, Restriction};

use crate::hex::encode;

const BLOCK: usize = 64;

/// A rune that can be derived from and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rune {
    text: rune::Rune,
    /// How many bytes were hashed to the code.
    hashed: usize,
}

impl Rune {
    /// The rune from which all others of a secret derive. The secret must fit into one block.
    pub(crate) fn master(secret: &[u8]) -> Self {
        let (code, hashed) = go_on(sha256::Hash::engine(), 0, secret);
        Self {
            text: rune::Rune {
                code,
                all: Vec::new(),
            },
            hashed,
        }
    }

    /// Reads a rune of 32 bytes and its restrictions in base64.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = rune::Rune::parse(text)?;
        let hashed = text.all.iter().fold(BLOCK, |hashed, restriction| {
            padded(hashed + restriction.to_string().len())
        });
        Some(Self { text, hashed })
    }

    /// This rune with one more restriction.
    pub(crate) fn restrict(mut self, restriction: Restriction) -> Self {
        let engine =
            HashEngine::from_midstate(Midstate::from_byte_array(self.text.code), self.hashed);
        let text = restriction.to_string();
        (self.text.code, self.hashed) = go_on(engine, self.hashed, text.as_bytes());
        self.text.all.push(restriction);
        self
    }

    /// Whether this rune is `master` with the restrictions that it names.
    pub(crate) fn derives_from(&self, master: &Self) -> bool {
        let restrictions = self.text.all.iter().cloned();
        let derived = restrictions.fold(master.clone(), Self::restrict);
        derived.text.code == self.text.code
    }

    /// The number that the node gave it.
    pub(crate) fn unique_id(&self) -> Option<&str> {
        self.text.unique_id()
    }

    /// Its restrictions, without the unique id.
    pub(crate) fn restrictions(&self) -> &[Restriction] {
        self.text.restrictions()
    }

    /// The text that lightningd hands out.
    pub(crate) fn to_base64(&self) -> String {
        self.text.to_base64()
    }

    /// The text that `decode` shows.
    pub(crate) fn to_text(&self) -> String {
        format!("{}:{}", encode(&self.text.code), self.text.joined())
    }
}

/// Hashes a text and its padding. `hashed` bytes were hashed before, whole blocks.
fn go_on(mut engine: HashEngine, hashed: usize, text: &[u8]) -> ([u8; CODE], usize) {
    let length = hashed + text.len();
    let end = padded(length);
    let mut padding = vec![0; end - length];
    padding[0] = 0x80;
    let bits = (length as u64 * 8).to_be_bytes();
    let tail = padding.len() - bits.len();
    padding[tail..].copy_from_slice(&bits);
    engine.input(text);
    engine.input(&padding);
    (engine.midstate().to_byte_array(), end)
}

/// The length with SHA-256's padding: one bit, and the length in 64 bits at the end of a block.
fn padded(length: usize) -> usize {
    (length + 1 + 8).next_multiple_of(BLOCK)
}

#[cfg(test)]
mod tests {
    use super::super::check::Request;
    use super::*;

    /// Runes made and checked by the reference implementation, PyPI's runes 0.6, with a secret of 16
    /// zeros. After each valid one, requests that it allows and refuses.
    const VECTORS: &str = include_str!("../../tests/fixtures/rune_vectors.csv");

    #[test]
    fn runes_are_read_written_and_derived_as_the_reference_does() {
        let master = Rune::master(&[0; 16]);
        let mut seen = 0;
        for line in VECTORS.lines() {
            let fields: Vec<_> = line.split(',').collect();
            let [kind, _, text, base64, ..] = fields.as_slice() else {
                continue;
            };
            let rune = Rune::parse(base64);
            match *kind {
                "VALID" => {
                    let rune = rune.expect(line);
                    assert_eq!(rune.to_text(), *text);
                    assert_eq!(rune.to_base64(), *base64);
                    assert_eq!(rune.unique_id(), fields.get(4).copied());
                    assert!(rune.derives_from(&master), "{line}");
                }
                "BAD DERIVATION" => {
                    assert!(!rune.expect(line).derives_from(&master), "{line}");
                }
                "MALFORMED" => assert_eq!(rune, None, "{line}"),
                _ => continue,
            }
            seen += 1;
        }
        assert_eq!(seen, 47, "all vectors were read");
    }

    #[test]
    fn anyone_can_restrict_a_rune_and_nobody_can_widen_it() {
        let master = Rune::master(b"secret");
        let id = Restriction::parse("=7").unwrap();
        let narrow = Restriction::parse("method=getinfo").unwrap();
        let given = master.clone().restrict(id);
        let read = Rune::parse(&given.to_base64()).unwrap();
        let restricted = read.restrict(narrow);
        assert!(restricted.derives_from(&master));
        let mut widened = restricted;
        widened.text.all.pop();
        assert!(!widened.derives_from(&master));
    }

    #[test]
    fn conditions_hold_as_the_reference_says() {
        let mut rune = None;
        let mut seen = 0;
        for line in VECTORS.lines() {
            let fields: Vec<_> = line.split(',').collect();
            match fields[0] {
                "VALID" => rune = Rune::parse(fields[3]),
                kind @ ("PASS" | "FAIL") => {
                    let request = Request::of_fields(&fields[1..]);
                    let rune = rune.as_ref().expect("a rune comes first");
                    let checked = request.check_all(rune.restrictions());
                    assert_eq!(checked.is_ok(), kind == "PASS", "{line}: {checked:?}");
                    seen += 1;
                }
                _ => {}
            }
        }
        assert_eq!(seen, 380, "all vectors were read");
    }
}
