//! Macaroons in the V2 binary format with first-party caveats: reading and writing, no keys.
//!
//! The format is that of libmacaroons (`doc/format.txt`) and go-macaroon: the byte 2, then fields
//! of type, length and data (type and length as unsigned LEB128), sections ended by a zero byte.
//! The signature is made and verified by the gateway, which alone has the key.

/// A macaroon as it travels. Its signature is *not* verified by reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macaroon {
    /// A hint where it is for; not covered by the signature.
    pub location: Option<Vec<u8>>,
    /// What the root key is derived from.
    pub identifier: Vec<u8>,
    /// First-party caveats, in the order in which they were added.
    pub caveats: Vec<Vec<u8>>,
    /// The end of the chain of HMAC-SHA256.
    pub signature: [u8; 32],
}

/// Why bytes are no macaroon of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MacaroonError {
    /// The first byte is not 2.
    #[error("not a macaroon in the V2 binary format")]
    Version,
    /// The bytes end early, go on too long, or a field stands where it may not.
    #[error("a macaroon with broken fields")]
    Malformed,
    /// A caveat that another service must discharge; L402 has none.
    #[error("a macaroon with a third-party caveat, which L402 does not use")]
    ThirdParty,
}

const VERSION: u8 = 2;
const END: u64 = 0;
const LOCATION: u64 = 1;
const IDENTIFIER: u64 = 2;
const VERIFICATION_ID: u64 = 4;
const SIGNATURE: u64 = 6;

impl Macaroon {
    /// Reads the V2 binary format.
    ///
    /// # Errors
    /// Bytes that are no such macaroon, to the last byte.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MacaroonError> {
        let mut reader = match bytes.split_first() {
            Some((&VERSION, rest)) => Reader(rest),
            _ => return Err(MacaroonError::Version),
        };
        let (location, identifier) = reader.header()?;
        let identifier = identifier.ok_or(MacaroonError::Malformed)?;
        let mut caveats = Vec::new();
        loop {
            let (_, caveat) = reader.header()?;
            match caveat {
                Some(caveat) => caveats.push(caveat),
                None => break,
            }
        }
        let signature = match reader.field()? {
            (SIGNATURE, data) => data.try_into().map_err(|_| MacaroonError::Malformed)?,
            _ => return Err(MacaroonError::Malformed),
        };
        if !reader.0.is_empty() {
            return Err(MacaroonError::Malformed);
        }
        Ok(Self {
            location,
            identifier,
            caveats,
            signature,
        })
    }

    /// Writes the V2 binary format.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        if let Some(location) = &self.location {
            write_field(&mut out, LOCATION, location);
        }
        write_field(&mut out, IDENTIFIER, &self.identifier);
        write_number(&mut out, END);
        for caveat in &self.caveats {
            write_field(&mut out, IDENTIFIER, caveat);
            write_number(&mut out, END);
        }
        write_number(&mut out, END);
        write_field(&mut out, SIGNATURE, &self.signature);
        out
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A section of an optional location and an identifier; no identifier where it is empty.
    #[expect(clippy::type_complexity, reason = "a pair of fields, used twice above")]
    fn header(&mut self) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), MacaroonError> {
        let mut location = None;
        let mut identifier = None;
        loop {
            match self.field()? {
                (END, _) if location.is_some() && identifier.is_none() => {
                    return Err(MacaroonError::Malformed);
                }
                (END, _) => return Ok((location, identifier)),
                (LOCATION, data) if location.is_none() && identifier.is_none() => {
                    location = Some(data.to_vec());
                }
                (IDENTIFIER, data) if identifier.is_none() => identifier = Some(data.to_vec()),
                (VERIFICATION_ID, _) => return Err(MacaroonError::ThirdParty),
                _ => return Err(MacaroonError::Malformed),
            }
        }
    }

    /// A field's type and data; the end of a section has none.
    fn field(&mut self) -> Result<(u64, &'a [u8]), MacaroonError> {
        let kind = self.number()?;
        if kind == END {
            return Ok((END, &[]));
        }
        let length = usize::try_from(self.number()?).map_err(|_| MacaroonError::Malformed)?;
        let (data, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(MacaroonError::Malformed)?;
        self.0 = rest;
        Ok((kind, data))
    }

    fn number(&mut self) -> Result<u64, MacaroonError> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(MacaroonError::Malformed)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(MacaroonError::Malformed)
    }
}

fn write_field(out: &mut Vec<u8>, kind: u64, data: &[u8]) {
    write_number(out, kind);
    write_number(out, data.len() as u64);
    out.extend_from_slice(data);
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Macaroon {
        Macaroon {
            location: None,
            identifier: vec![7; 200],
            caveats: vec![b"item=cat".to_vec(), b"valid_until=1".to_vec()],
            signature: [9; 32],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut with_location = sample();
        with_location.location = Some(b"store".to_vec());
        for macaroon in [sample(), with_location] {
            assert_eq!(Macaroon::from_bytes(&macaroon.to_bytes()), Ok(macaroon));
        }
    }

    #[test]
    fn every_cut_is_an_error_and_none_panics() {
        let bytes = sample().to_bytes();
        for end in 0..bytes.len() {
            assert!(Macaroon::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(Macaroon::from_bytes(&longer), Err(MacaroonError::Malformed));
    }

    #[test]
    fn a_third_party_caveat_is_refused() {
        let mut bytes = vec![VERSION];
        write_field(&mut bytes, IDENTIFIER, b"id");
        write_number(&mut bytes, END);
        write_field(&mut bytes, IDENTIFIER, b"other");
        write_field(&mut bytes, VERIFICATION_ID, b"key");
        assert_eq!(Macaroon::from_bytes(&bytes), Err(MacaroonError::ThirdParty));
    }

    #[test]
    fn a_length_beyond_the_end_is_an_error() {
        let bytes = [
            VERSION, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ];
        assert_eq!(Macaroon::from_bytes(&bytes), Err(MacaroonError::Malformed));
    }
}
