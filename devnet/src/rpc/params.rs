//! Parameters as lightningd reads them: by name or by position, numbers also as strings, and
//! errors that quote what was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::RpcError;
use crate::hex::Hex32;

/// The parameters of one call, checked for names and number.
pub(crate) struct Params<'a> {
    given: Vec<(Cow<'a, str>, &'a str)>,
}

/// One parameter as it was written.
#[derive(Clone, Copy)]
pub(crate) struct Token<'a> {
    name: &'a str,
    raw: &'a str,
}

/// The amount of an invoice: some, or whatever the payer likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    Any,
    Msat(u64),
}

impl<'a> Params<'a> {
    /// Reads an object or an array. Positions follow `required`, then `optional`; `null` in an
    /// array stands for a parameter that is left out.
    pub(crate) fn read(
        params: &'a RawValue,
        required: &[&'static str],
        optional: &[&'static str],
    ) -> Result<Self, RpcError> {
        let names = || required.iter().chain(optional).copied();
        let given = if params.get().starts_with('[') {
            let values: Vec<&RawValue> =
                serde_json::from_str(params.get()).map_err(|error| invalid(&error))?;
            let expected = names().count();
            if values.len() > expected {
                let got = values.len();
                let message = format!("too many parameters: got {got}, expected {expected}");
                return Err(RpcError::invalid_params(message));
            }
            names()
                .zip(values)
                .filter(|(_, value)| value.get() != "null")
                .map(|(name, value)| (Cow::Borrowed(name), value.get()))
                .collect()
        } else {
            let Fields(fields) =
                serde_json::from_str(params.get()).map_err(|error| invalid(&error))?;
            fields
        };
        let params = Self { given };
        params.check_names(names)?;
        match required.iter().find(|name| params.token(name).is_none()) {
            None => Ok(params),
            Some(name) => Err(RpcError::invalid_params(format!(
                "missing required parameter: {name}"
            ))),
        }
    }

    /// A parameter that was among `required`.
    pub(crate) fn required<'t, T>(
        &'t self,
        name: &'static str,
        parse: impl FnOnce(Token<'t>) -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        parse(
            self.token(name)
                .expect("the parameter was declared as required"),
        )
    }

    /// A parameter that was among `optional`.
    pub(crate) fn optional<'t, T>(
        &'t self,
        name: &'static str,
        parse: impl FnOnce(Token<'t>) -> Result<T, RpcError>,
    ) -> Result<Option<T>, RpcError> {
        self.token(name).map(parse).transpose()
    }

    fn token(&self, name: &str) -> Option<Token<'_>> {
        let (name, raw) = self.given.iter().find(|(given, _)| given == name)?;
        Some(Token { name, raw })
    }

    fn check_names<N: Iterator<Item = &'static str>>(
        &self,
        names: impl Fn() -> N,
    ) -> Result<(), RpcError> {
        for (index, (name, _)) in self.given.iter().enumerate() {
            if self.given[..index]
                .iter()
                .any(|(earlier, _)| earlier == name)
            {
                return Err(RpcError::invalid_params(format!(
                    "duplicate json names: {name}"
                )));
            }
            if !names().any(|known| known == name) {
                return Err(RpcError::invalid_params(format!(
                    "unknown parameter: {name}, this may be caused by a failure to autodetect \
                     key=value-style parameters. Please try using the -k flag and explicit \
                     key=value pairs of parameters."
                )));
            }
        }
        Ok(())
    }
}

impl<'a> Token<'a> {
    /// The error that this parameter is not what it should be.
    pub(crate) fn should_be(self, what: &str) -> RpcError {
        let Self { name, raw } = self;
        RpcError::invalid_params(format!("{name}: {what}: invalid token '{raw}'"))
    }

    /// A part of this parameter, to be named in errors in its place.
    pub(crate) fn item(self, item: &'a RawValue) -> Self {
        let raw = item.get();
        Self { raw, ..self }
    }

    /// The text between the quotes of a string, or the text of anything else: so numbers may be
    /// strings.
    fn unquoted(self) -> &'a str {
        self.raw
            .strip_prefix('"')
            .and_then(|raw| raw.strip_suffix('"'))
            .unwrap_or(self.raw)
    }

    fn is_string(self) -> bool {
        self.raw.starts_with('"')
    }

    pub(crate) fn boolean(self) -> Result<bool, RpcError> {
        self.unquoted()
            .parse()
            .map_err(|_| self.should_be("should be 'true' or 'false'"))
    }

    /// An unsigned number. Like C's `strtoull`, a negative one counts back from 2^64.
    pub(crate) fn u64(self) -> Result<u64, RpcError> {
        let text = self.unquoted();
        let parsed = match text.strip_prefix('-') {
            Some(digits) => digits.parse().map(u64::wrapping_neg),
            None => text.parse(),
        };
        parsed.map_err(|_| self.should_be("should be an unsigned 64 bit integer"))
    }

    pub(crate) fn u32(self) -> Result<u32, RpcError> {
        let parsed = self.unquoted().parse();
        parsed.map_err(|_| self.should_be("should be an unsigned 32 bit integer"))
    }

    pub(crate) fn integer(self) -> Result<u32, RpcError> {
        self.unquoted()
            .parse()
            .map_err(|_| self.should_be("should be an integer"))
    }

    /// A string, with its escapes resolved.
    pub(crate) fn string(self) -> Result<String, RpcError> {
        serde_json::from_str(self.raw).map_err(|_| self.should_be("should be a string"))
    }

    /// A string that is written in UTF-8, without `\u`.
    pub(crate) fn escaped_string(self) -> Result<String, RpcError> {
        let refuse = || self.should_be("should be a string (without \\u)");
        if has_unicode_escape(self.raw) {
            return Err(refuse());
        }
        serde_json::from_str(self.raw).map_err(|_| refuse())
    }

    /// A label: a string, or a number as it is written.
    pub(crate) fn label(self) -> Result<String, RpcError> {
        if self
            .raw
            .starts_with(|c: char| c.is_ascii_digit() || c == '-')
        {
            return Ok(self.raw.to_owned());
        }
        serde_json::from_str(self.raw).map_err(|_| self.should_be("should be a string or number"))
    }

    pub(crate) fn hash(self) -> Result<Hex32, RpcError> {
        self.hex32()
            .ok_or_else(|| self.should_be("should be a 32 byte hex value"))
    }

    pub(crate) fn preimage(self) -> Result<Hex32, RpcError> {
        self.hex32()
            .ok_or_else(|| self.should_be("should be 64 hex digits"))
    }

    fn hex32(self) -> Option<Hex32> {
        self.is_string()
            .then(|| Hex32::parse(self.unquoted()))
            .flatten()
    }

    /// An amount, for something that may leave it open.
    pub(crate) fn amount_or_any(self) -> Result<Amount, RpcError> {
        if self.raw == r#""any""# {
            return Ok(Amount::Any);
        }
        match parse_msat(self.unquoted()) {
            Some(msat) if msat > 0 => Ok(Amount::Msat(msat)),
            _ => Err(self.should_be("should be positive msat or 'any'")),
        }
    }

    pub(crate) fn msat(self) -> Result<u64, RpcError> {
        parse_msat(self.unquoted()).ok_or_else(|| self.should_be("should be a millisatoshi amount"))
    }

    /// An amount in satoshi unless it names another unit.
    pub(crate) fn sat(self) -> Result<u64, RpcError> {
        let text = self.unquoted();
        let sat = match text.parse() {
            Ok(sat) => Some(sat),
            Err(_) => parse_msat(text)
                .filter(|msat| msat.is_multiple_of(1000))
                .map(|m| m / 1000),
        };
        sat.ok_or_else(|| self.should_be("should be a satoshi amount"))
    }

    /// Reads the value with serde, for what has a shape of its own.
    pub(crate) fn json<T: Deserialize<'a>>(self, what: &str) -> Result<T, RpcError> {
        serde_json::from_str(self.raw).map_err(|_| self.should_be(what))
    }
}

/// `5`, `5msat`, `5sat`, `0.00000005btc`: the units of lightningd, never rounded.
fn parse_msat(text: &str) -> Option<u64> {
    const MSAT_PER_BTC: u64 = 100_000_000_000;
    const BTC_DECIMALS: usize = 11;
    let digits = |text: &str| -> Option<u64> {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())?
    };
    if let Some(number) = text.strip_suffix("msat") {
        return digits(number);
    }
    if let Some(number) = text.strip_suffix("sat") {
        return digits(number)?.checked_mul(1000);
    }
    let Some(number) = text.strip_suffix("btc") else {
        return digits(text);
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.len() > BTC_DECIMALS {
        return None;
    }
    let fraction = digits(&format!("{fraction:0<BTC_DECIMALS$}"))?;
    digits(whole)?
        .checked_mul(MSAT_PER_BTC)?
        .checked_add(fraction)
}

/// Whether a JSON string contains a `\u` escape (and not an escaped backslash before a `u`).
fn has_unicode_escape(raw: &str) -> bool {
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'u') {
            return true;
        }
    }
    false
}

fn invalid(error: &serde_json::Error) -> RpcError {
    RpcError::invalid_params(error.to_string())
}

/// The members of an object in order, duplicates included.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    fields.push((Cow::Owned(name), value.get()));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units_and_are_never_rounded() {
        let table = [
            ("100000", Some(100_000)),
            ("100000msat", Some(100_000)),
            ("100sat", Some(100_000)),
            ("0.000001btc", Some(100_000)),
            ("1btc", Some(100_000_000_000)),
            ("0.00000000001btc", Some(1)),
            ("0.000000000001btc", None),
            ("1.5sat", None),
            ("1.500sat", None),
            ("1.5", None),
            ("", None),
            ("msat", None),
            ("+1", None),
            ("18446744073709551616", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_msat(text), expected, "{text}");
        }
    }

    #[test]
    fn only_real_unicode_escapes_count() {
        assert!(has_unicode_escape(r#""snow \u2603""#));
        assert!(!has_unicode_escape(r#""c:\\users""#));
        assert!(!has_unicode_escape(r#""line\nbreak""#));
    }
}
