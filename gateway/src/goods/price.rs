//! Prices as owners write them: `100 sat`, `1500 msat`, `0.25 USD`.
//!
//! Everything is rounded up to a whole millisatoshi, in decimal digits and whole numbers. So the
//! store never gets less than the price, and never a whole millisatoshi more.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use shared::fiat::{Currency, Decimal, FiatPrice, Rate};
use shared::lightning::Msat;

/// What an item costs: always more than nothing.
///
/// ```
/// use purrwall_gateway::{ParsePriceError, Price};
///
/// let price: Price = "1.5 sat".parse()?;
/// assert_eq!(price.to_string(), "1.5 sat");
/// assert!("free".parse::<Price>().is_err());
/// # Ok::<(), ParsePriceError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Price {
    /// The same amount at any time.
    Fixed(Msat),
    /// An amount that follows a rate.
    Fiat(FiatPrice),
}

/// Text that is no price; says what one looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePriceError {
    /// Not a number, a space and a unit.
    #[error(
        "is not a price: write a decimal number and a unit, such as \"100 sat\", \"1500 msat\" or \
         \"0.25 USD\""
    )]
    Form,
    /// The item would be free.
    #[error("is a price of nothing; Lightning cannot ask for less than 0.001 sat")]
    Nothing,
}

impl FromStr for Price {
    type Err = ParsePriceError;
    fn from_str(text: &str) -> Result<Self, ParsePriceError> {
        let (number, unit) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or(ParsePriceError::Form)?;
        let number: Decimal = number.parse().map_err(|_| ParsePriceError::Form)?;
        if number.is_zero() {
            return Err(ParsePriceError::Nothing);
        }
        let msat_per_unit = match unit.trim_start() {
            "sat" => 1000,
            "msat" => 1,
            currency => {
                let currency = currency.parse().map_err(|_| ParsePriceError::Form)?;
                return Ok(Self::Fiat(FiatPrice {
                    amount: number,
                    currency,
                }));
            }
        };
        let msat = number.times_rounded_up(msat_per_unit);
        msat.map(|msat| Self::Fixed(Msat(msat)))
            .ok_or(ParsePriceError::Form)
    }
}

/// Written so that it can be read again.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(msat) => msat.fmt(f),
            Self::Fiat(price) => price.fmt(f),
        }
    }
}

/// A price at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What an invoice asks for.
    pub msat: Msat,
    /// The rate that it follows.
    pub rate: Option<Rate>,
}

/// Why there is no rate to sell at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// None was ever learnt.
    #[error("no rate for {0} is known yet")]
    Unknown(Currency),
    /// The last one is too old.
    #[error("the rate for {0} is too old")]
    Stale(Currency),
    /// The source's newest answer is not believed.
    #[error("the newest rate for {0} is not believed; the log says why")]
    Doubtful(Currency),
}

/// Why there is no price at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPrice {
    /// No rate to sell at.
    #[error(transparent)]
    Rate(#[from] NoRate),
    /// A rate that makes the price more than an invoice can ask for.
    #[error("at its rate for {0} the price is more than an invoice can ask for")]
    Absurd(Currency),
}

impl Price {
    /// What it is at this moment, where `rate` knows what a currency is worth.
    pub(crate) fn quote(
        self,
        rate: impl FnOnce(Currency) -> Result<Rate, NoRate>,
    ) -> Result<Quote, NoPrice> {
        let price = match self {
            Self::Fixed(msat) => return Ok(Quote { msat, rate: None }),
            Self::Fiat(price) => price,
        };
        let rate = rate(price.currency)?;
        let msat = rate.msat(price.amount);
        let msat = msat.ok_or(NoPrice::Absurd(price.currency))?;
        Ok(Quote {
            msat,
            rate: Some(rate),
        })
    }

    /// As the owner set it, and about what that is.
    pub(crate) fn for_people(&self, quote: &Quote) -> String {
        match self {
            Self::Fixed(msat) => msat.for_people(),
            Self::Fiat(price) => format!("{price} ≈\u{a0}{}", quote.msat.for_people()),
        }
    }

    /// What is sold, and for a price that follows a rate which rate that was; pages read it by
    /// [`shared::fiat::StatedRate`].
    pub fn stated(&self, title: &str, quote: &Quote) -> String {
        let Some(Rate {
            currency,
            per_btc,
            at,
        }) = quote.rate
        else {
            return title.to_owned();
        };
        let at = std::time::UNIX_EPOCH + Duration::from_secs(at);
        let at = humantime::format_rfc3339_seconds(at);
        format!("{title} ({self} at {per_btc} {currency}/BTC of {at})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(text.parse::<Price>().unwrap().to_string(), expected);
    }

    #[test]
    fn prices_as_owners_write_them() {
        check("100 sat", "100 sat");
        check(" 1500  msat ", "1.5 sat");
        check("0.250 USD", "0.25 USD");
        check("1.5 sat", "1.5 sat");
    }

    #[test]
    fn a_part_of_a_millisatoshi_is_a_whole_one() {
        check("0.1 msat", "0.001 sat");
        check("0.0010001 sat", "0.002 sat");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: ParsePriceError) {
        assert_eq!(text.parse::<Price>(), Err(expected), "{text:?}");
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "", "100", "sat", "100sat", "100 sats", "1e3 sat", "-1 sat", "1 usd", "1,5 sat",
        ] {
            check_refused(text, ParsePriceError::Form);
        }
        check_refused("0 sat", ParsePriceError::Nothing);
        check_refused("0.00 USD", ParsePriceError::Nothing);
        check_refused("2100000000000001 sat", ParsePriceError::Form);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Price>();
        }

        #[test]
        fn a_price_is_read_as_it_is_written(number in "[0-9]{1,6}(\\.[0-9]{1,8})?", unit in "sat|msat|[A-Z]{3}") {
            if let Ok(price) = format!("{number} {unit}").parse::<Price>() {
                prop_assert_eq!(price.to_string().parse(), Ok(price));
            }
        }

        #[test]
        fn satoshi_are_rounded_up_by_less_than_a_millisatoshi(whole in 0..1_000_000u64, fraction in 1..100_000_000u64) {
            let Ok(Price::Fixed(Msat(msat))) = format!("{whole}.{fraction:08} sat").parse() else {
                return Err(TestCaseError::fail("not read"));
            };
            // In units of 10^-8 sat, which are 10^-5 msat.
            let exact = whole * 100_000_000 + fraction;
            prop_assert!(msat * 100_000 >= exact && (msat - 1) * 100_000 < exact);
        }
    }
}
