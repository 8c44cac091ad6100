//! Which rates are believed.
//!
//! A rate that is a million times too high gives everything away, and one that is too low asks for
//! millions. So a rate is compared with what the owner said, with the rate before it, and with a
//! second source where there is one.

use shared::fiat::Decimal;

use crate::options::RateLimits;

/// Why a rate is not believed. The text names no rate, so that a source whose false rates vary is
/// told of once; [`answer`](Self::answer) has the rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbelievable {
    /// Below the owner's bound.
    #[error("its rate is below `min`, which is {min}")]
    BelowMin {
        /// The rate.
        answer: Decimal,
        /// The bound.
        min: Decimal,
    },
    /// Above the owner's bound.
    #[error("its rate is above `max`, which is {max}")]
    AboveMax {
        /// The rate.
        answer: Decimal,
        /// The bound.
        max: Decimal,
    },
    /// Too far from the rate before.
    #[error(
        "its rate jumped from {before} by more than {percent} % (`max_jump`); if the new one is right, \
         restart purrwall or change this rate's section, for example by `min` and `max`"
    )]
    Jump {
        /// The rate.
        answer: Decimal,
        /// The last one that was believed.
        before: Decimal,
        /// The bound.
        percent: u32,
    },
    /// Too far from the second source.
    #[error("its rate and that of `second_url` differ by more than {percent} % (`max_difference`)")]
    Difference {
        /// The rate.
        answer: Decimal,
        /// The other one.
        second: Decimal,
        /// The bound.
        percent: u32,
    },
}

impl Unbelievable {
    /// The rate that is not believed.
    pub fn answer(&self) -> Decimal {
        match self {
            Self::BelowMin { answer, .. }
            | Self::AboveMax { answer, .. }
            | Self::Jump { answer, .. }
            | Self::Difference { answer, .. } => *answer,
        }
    }
}

/// Believes a rate, or says why not. `before` is the last one that was believed, `second` that of the
/// second source. The second source's agreement makes any jump believable.
pub(super) fn believe(
    limits: &RateLimits,
    before: Option<Decimal>,
    second: Option<Decimal>,
    answer: Decimal,
) -> Result<Decimal, Unbelievable> {
    let &RateLimits {
        min,
        max,
        max_jump,
        max_difference,
    } = limits;
    if let Some(min) = min.filter(|min| answer < *min) {
        return Err(Unbelievable::BelowMin { answer, min });
    }
    if let Some(max) = max.filter(|max| answer > *max) {
        return Err(Unbelievable::AboveMax { answer, max });
    }
    match (second, before) {
        (Some(second), _) if !answer.is_within(max_difference, second) => {
            Err(Unbelievable::Difference {
                answer,
                second,
                percent: max_difference,
            })
        }
        (None, Some(before)) if !answer.is_within(max_jump, before) => Err(Unbelievable::Jump {
            answer,
            before,
            percent: max_jump,
        }),
        _ => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bounds: [&str; 2], before: &str, second: &str, answer: &str, expected: Option<&str>) {
        let number = |text: &str| text.parse::<Decimal>().ok();
        let limits = RateLimits {
            min: number(bounds[0]),
            max: number(bounds[1]),
            ..RateLimits::default()
        };
        let believed = believe(
            &limits,
            number(before),
            number(second),
            number(answer).unwrap(),
        );
        let why = believed.err().map(|why| why.to_string());
        match (&why, expected) {
            (None, None) => {}
            (Some(why), Some(expected)) => assert!(why.contains(expected), "{why}"),
            _ => panic!("{why:?}"),
        }
    }

    #[test]
    fn without_any_word_of_the_owner_a_rate_may_not_jump() {
        check(["", ""], "", "", "65000", None);
        check(["", ""], "65000", "", "97500", None);
        check(["", ""], "65000", "", "43333.4", None);
        for far in ["97501", "43333", "65000000000", "0.000065"] {
            check(["", ""], "65000", "", far, Some("`max_jump`"));
        }
    }

    #[test]
    fn the_owners_bounds_hold_from_the_first_rate_on() {
        check(["10000", "500000"], "", "", "65000", None);
        check(["10000", "500000"], "", "", "9999", Some("`min`"));
        check(["10000", "500000"], "", "65", "65", Some("`min`"));
        check(["10000", "500000"], "", "", "500001", Some("`max`"));
    }

    #[test]
    fn a_second_source_has_the_last_word_on_jumps() {
        check(["", ""], "65000", "66000", "64000", None);
        check(["", ""], "65000", "651000", "650000", None);
        check(
            ["", ""],
            "65000",
            "65000",
            "70000",
            Some("`max_difference`"),
        );
        check(["", ""], "", "65000", "650000", Some("`max_difference`"));
    }
}
