//! A rune's text, read without the node's key: its restrictions, each a list of alternatives of which
//! a request must meet one.
//!
//! Core Lightning documents them with `createrune`; the format is that of PyPI's `runes`.

mod restriction;

use std::fmt;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub use restriction::{Alternative, Condition, Restriction};

/// The bytes of a rune's authentication code.
pub const CODE: usize = 32;
/// lightningd writes the padding, and some tools leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A rune: an authentication code and the restrictions that it stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Rune {
    /// Follows from the node's secret and all restrictions.
    pub code: [u8; CODE],
    /// In order; the first may be the [unique id](Restriction::unique_id) instead.
    pub all: Vec<Restriction>,
}

impl Rune {
    /// Reads a rune: [`CODE`] bytes and its restrictions, in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (code, restrictions) = bytes.split_first_chunk()?;
        let restrictions = str::from_utf8(restrictions).ok()?;
        let all: Vec<Restriction> = if restrictions.is_empty() {
            Vec::new()
        } else {
            restriction::split(restrictions, '&')
                .into_iter()
                .map(Restriction::parse)
                .collect::<Option<_>>()?
        };
        let is_id = |index: usize, restriction: &Restriction| {
            index == 0 && restriction.unique_id().is_some()
        };
        let mut numbered = all.iter().enumerate();
        if numbered.any(|(index, each)| each.has_nameless_field() && !is_id(index, each)) {
            return None;
        }
        Some(Self { code: *code, all })
    }

    /// The number that the node gave it.
    pub fn unique_id(&self) -> Option<&str> {
        self.all.first()?.unique_id()
    }

    /// Its restrictions, without the unique id.
    pub fn restrictions(&self) -> &[Restriction] {
        &self.all[usize::from(self.unique_id().is_some())..]
    }

    /// The text that lightningd hands out.
    pub fn to_base64(&self) -> String {
        let mut bytes = self.code.to_vec();
        bytes.extend(self.joined().into_bytes());
        BASE64.encode(bytes)
    }

    /// The restrictions as the rune holds them.
    pub fn joined(&self) -> String {
        let all: Vec<_> = self.all.iter().map(Restriction::to_string).collect();
        all.join("&")
    }

    /// Whether it may allow a request with these fields, such as `("method", "pay")`. What is said of
    /// other fields is taken as met: whoever has the rune chooses them.
    pub fn may_allow(&self, fields: &[(&str, &str)]) -> bool {
        let mut restrictions = self.restrictions().iter();
        restrictions.all(|restriction| restriction.may_hold(fields))
    }
}

/// Without the code, with which everyone could use it.
impl fmt::Debug for Rune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rune").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rune(restrictions: &[&str]) -> Rune {
        Rune {
            code: [7; CODE],
            all: restrictions
                .iter()
                .map(|text| Restriction::parse(text).unwrap())
                .collect(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let written = rune(&["=6-1", "method=invoice|method^list", r"pnamelabel=a\|b\\"]);
        let read = Rune::parse(&written.to_base64()).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.unique_id(), Some("6"));
        assert_eq!(read.restrictions().len(), 2);
        let without_padding = written.to_base64().replace('=', "");
        assert_eq!(Rune::parse(&without_padding), Some(written));
    }

    #[test]
    fn its_code_is_not_shown() {
        let shown = format!("{:?}", rune(&["method=invoice"]));
        assert_eq!(shown, "Rune { .. }");
    }

    #[test]
    fn what_it_may_allow_is_what_no_restriction_rules_out() {
        let rune = rune(&[
            "=1",
            "method=invoice|method=delinvoice|method^list",
            "method/invoice|pnamelabel^purrwall/cats/",
            "method/delinvoice|pnamestatus=expired",
            "method/invoice|rate=60",
        ]);
        let own = ("pnamelabel", "purrwall/cats/cat/x");
        assert!(rune.may_allow(&[("method", "listfunds")]));
        assert!(rune.may_allow(&[("method", "invoice"), own]));
        assert!(rune.may_allow(&[("method", "invoice")]), "with some label");
        assert!(!rune.may_allow(&[("method", "invoice"), ("pnamelabel", "mine")]));
        assert!(!rune.may_allow(&[("method", "pay")]));
        let paid = ("pnamestatus", "paid");
        assert!(!rune.may_allow(&[("method", "delinvoice"), own, paid]));
    }
}
