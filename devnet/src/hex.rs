//! 32 bytes that lightningd writes as 64 hex digits: hashes, preimages, secrets.

use std::fmt::{self, Write};

use serde::{Serialize, Serializer};

/// 32 bytes, shown and serialized as lower-case hex. Its `Debug` shows nothing, because some of
/// these are preimages.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hex32(pub [u8; 32]);

impl Hex32 {
    /// Reads 64 hex digits of either case.
    pub fn parse(text: &str) -> Option<Self> {
        parse(text)?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl fmt::Debug for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hex32(..)")
    }
}

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&self.0))
    }
}

/// Lower-case hex digits of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string does not fail");
            text
        })
}

fn parse(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways() {
        let hash = Hex32([0xab; 32]);
        assert_eq!(Hex32::parse(&hash.to_string()), Some(hash));
        assert_eq!(Hex32::parse(&hash.to_string().to_uppercase()), Some(hash));
        for wrong in ["", "ab", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Hex32::parse(wrong), None);
        }
    }
}
