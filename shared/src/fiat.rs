//! Prices in a currency of a state, and the rate that turns them into millisatoshi.
//!
//! All of it in decimal digits and whole numbers: no float ever touches a price.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::lightning::{Msat, ParseError};
use crate::text::{fixed, split_last};

/// A decimal number of at most 8 digits after the point, from 0 to 184 billion. On the wire it is
/// text, such as `"0.25"`: JSON's numbers are floats in many programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(u64);

const DIGITS: u32 = 8;
const ONE: u64 = 10_u64.pow(DIGITS);
const MSAT_PER_BTC: u128 = 100_000_000_000;

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// As it is written.
    pub fn text(self) -> String {
        fixed(self.0, ONE)
    }

    /// This many times `factor`, rounded up to a whole number; `None` above `u64::MAX`.
    pub fn times_rounded_up(self, factor: u64) -> Option<u64> {
        let product = u128::from(self.0) * u128::from(factor);
        u64::try_from(product.div_ceil(u128::from(ONE))).ok()
    }

    /// Whether the larger of the two is at most so many per cent more than the smaller.
    pub fn is_within(self, percent: u32, other: Self) -> bool {
        let (less, more) = (self.min(other), self.max(other));
        u128::from(more.0) * 100 <= u128::from(less.0) * (100 + u128::from(percent))
    }
}

impl FromStr for Decimal {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).map(Self).ok_or_else(|| {
            ParseError::new(
                text,
                "a decimal number such as 12 or 0.25, of at most 8 digits after the point",
            )
        })
    }
}

fn parse(text: &str) -> Option<u64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 8 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let padded = [fraction, &"00000000"[fraction.len()..]].concat();
    whole.checked_mul(ONE)?.checked_add(padded.parse().ok()?)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A currency by its three capital letters, as ISO 4217 has them: `USD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The three letters.
    #[expect(clippy::missing_panics_doc, reason = "it cannot panic")]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("three ASCII letters")
    }
}

impl FromStr for Currency {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(ParseError::new(
                text,
                "a currency: three capital letters such as USD",
            )),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! text_serde {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

text_serde!(Decimal);
text_serde!(Currency);

/// What an owner asks in a currency, where the price in millisatoshi follows a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FiatPrice {
    /// So much …
    pub amount: Decimal,
    /// … of this.
    pub currency: Currency,
}

impl fmt::Display for FiatPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// What one bitcoin costs, and when that was so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rate {
    /// The currency.
    pub currency: Currency,
    /// So much of it for one bitcoin. Never 0.
    pub per_btc: Decimal,
    /// When the store learnt it, in UNIX seconds.
    pub at: u64,
}

impl Rate {
    /// What `amount` of the currency is at this rate, rounded up to a whole millisatoshi; `None`
    /// where that is more than `u64::MAX`, or the rate is 0.
    pub fn msat(&self, amount: Decimal) -> Option<Msat> {
        msat(amount, self.per_btc)
    }

    /// What an amount is worth at this rate, to the nearest hundredth; `None` where that is beyond any
    /// [`Decimal`].
    pub fn worth(&self, Msat(amount): Msat) -> Option<Decimal> {
        // At most 2^128.
        let units = u128::from(amount) * u128::from(self.per_btc.0) / MSAT_PER_BTC;
        let hundredth = u128::from(ONE / 100);
        let rounded = (units + hundredth / 2) / hundredth * hundredth;
        u64::try_from(rounded).ok().map(Decimal)
    }
}

fn msat(amount: Decimal, per_btc: Decimal) -> Option<Msat> {
    if per_btc.is_zero() {
        return None;
    }
    // At most 2^64 · 10^11, which is less than 2^101.
    let dividend = u128::from(amount.0) * MSAT_PER_BTC;
    let is_enough = |msat: u64| u128::from(msat) * u128::from(per_btc.0) >= dividend;
    if is_enough(0) {
        return Some(Msat(0));
    }
    // The largest amount that is not enough, bit by bit: the library's division of such numbers is a kilobyte of the
    // browser's download.
    let mut too_little = 0;
    for bit in (0..u64::BITS).rev() {
        let more = too_little | 1 << bit;
        if !is_enough(more) {
            too_little = more;
        }
    }
    too_little.checked_add(1).map(Msat)
}

/// A price and the rate that it was turned into millisatoshi with, as an invoice's title states them:
/// `Two cats (0.25 USD at 65000 USD/BTC of 2026-11-23T06:00:00Z)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedRate<'a> {
    /// What the owner asks.
    pub price: FiatPrice,
    /// So much of the price's currency for one bitcoin.
    pub per_btc: Decimal,
    /// When the store learnt it, in RFC 3339.
    pub at: &'a str,
}

impl<'a> StatedRate<'a> {
    /// Reads it from a title's end; `None` where none stands there.
    pub fn of(title: &'a str) -> Option<Self> {
        let (_, stated) = split_last(title.strip_suffix(')')?, b'(')?;
        let mut words = stated.split(' ');
        let amount = words.next()?.parse().ok()?;
        let currency: Currency = words.next()?.parse().ok()?;
        let per_btc = words
            .next()
            .filter(|word| *word == "at")
            .and(words.next())?;
        let pair = words.next()?;
        let at = words
            .next()
            .filter(|word| *word == "of")
            .and(words.next())?;
        let whole = words.next().is_none() && pair.strip_suffix("/BTC")? == currency.as_str();
        whole.then_some(Self {
            price: FiatPrice { amount, currency },
            per_btc: per_btc.parse().ok()?,
            at,
        })
    }

    /// What the price is at this rate.
    pub fn msat(&self) -> Option<Msat> {
        msat(self.price.amount, self.per_btc)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(units: u64) {
            let decimal = Decimal(units);
            prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            if let Ok(decimal) = text.parse::<Decimal>() {
                prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
            }
        }

        /// Rounded up, and by less than a millisatoshi: the amount is worth at least the price,
        /// and one millisatoshi less would not be.
        #[test]
        fn an_amount_is_the_least_that_is_worth_the_price(amount in 1..=u64::MAX, per_btc in 1..=u64::MAX) {
            let rate = Rate { per_btc: Decimal(per_btc), ..rate("1") };
            let price = u128::from(amount) * MSAT_PER_BTC;
            match rate.msat(Decimal(amount)) {
                Some(Msat(msat)) => {
                    prop_assert!(u128::from(msat) * u128::from(per_btc) >= price);
                    prop_assert!(u128::from(msat - 1) * u128::from(per_btc) < price);
                }
                None => prop_assert!(price / u128::from(per_btc) >= u128::from(u64::MAX)),
            }
        }
    }

    fn rate(per_btc: &str) -> Rate {
        Rate {
            currency: "USD".parse().unwrap(),
            per_btc: per_btc.parse().unwrap(),
            at: 0,
        }
    }

    #[track_caller]
    fn check(amount: &str, per_btc: &str, expected: u64) {
        let msat = rate(per_btc).msat(amount.parse().unwrap());
        assert_eq!(msat, Some(Msat(expected)));
    }

    #[test]
    fn an_amount_is_rounded_up_to_a_whole_millisatoshi() {
        check("0.25", "100000", 250_000);
        // 384615.38… and 0.000…
        check("0.25", "65000", 384_616);
        check("0.00000001", "184000000000", 1);
        check("1", "100000000000", 1);
        check("0", "65000", 0);
    }

    #[test]
    fn what_does_not_fit_is_no_amount() {
        assert_eq!(rate("0.00000001").msat("2".parse().unwrap()), None);
        assert_eq!(rate("0").msat("1".parse().unwrap()), None);
    }

    #[track_caller]
    fn check_refused(text: &str) {
        let error = text.parse::<Decimal>().unwrap_err().to_string();
        assert!(error.contains("decimal number"), "{error}");
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "1 000",
            "0x10",
            "NaN",
            "0.123456789",
            "184467440738",
            "٣",
        ] {
            check_refused(text);
        }
    }

    #[test]
    fn a_decimal_is_written_without_needless_zeros() {
        for (text, written) in [("0.250", "0.25"), ("007", "7"), ("1.00000000", "1")] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!("EUR".parse::<Currency>().unwrap().to_string(), "EUR");
        for text in ["eur", "EU", "EURO", "€", "E1R"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }

    const STATED: &str = "Two (2) cats (0.25 USD at 65000.5 USD/BTC of 2026-11-23T06:00:00Z)";

    #[test]
    fn a_title_states_the_rate_that_the_amount_was_made_with() {
        let stated = StatedRate::of(STATED).unwrap();
        assert_eq!(stated.price.to_string(), "0.25 USD");
        assert_eq!(stated.per_btc.to_string(), "65000.5");
        assert_eq!(stated.at, "2026-11-23T06:00:00Z");
        assert_eq!(stated.msat(), Some(Msat(384_613)));
    }

    #[test]
    fn what_states_no_rate_is_read_as_none() {
        for (from, to) in [
            (")", ""),
            (" (0", " 0"),
            ("USD/BTC", "EUR/BTC"),
            ("USD/BTC", "USD"),
            (" at ", " for "),
            (" of ", " on "),
            ("0.25", "a"),
            ("65000.5", "much"),
            ("Z)", "Z now)"),
        ] {
            let title = STATED.replace(from, to);
            assert_eq!(StatedRate::of(&title), None, "{title}");
        }
    }
}
