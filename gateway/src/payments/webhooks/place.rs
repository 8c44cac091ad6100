//! The place in a node's book of payments that webhooks go on from.

use std::fmt::{self, Display, Formatter};
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use lightningd::{LightningError, Payment, Watch};

/// The last payment that became events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its number, by which lightningd goes on; 0 where none was paid yet.
    pub(super) pay_index: u64,
    /// When it was paid, in UNIX seconds, by which another book is noticed; `None` where an earlier version
    /// kept the number alone.
    pub(super) paid_at: Option<u64>,
}

/// As the spool keeps it: the number, and the time where it is known.
impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.pay_index)?;
        match self.paid_at {
            Some(paid_at) => write!(formatter, " {paid_at}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Place {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (pay_index, paid_at) = match text.trim().split_once(' ') {
            Some((pay_index, paid_at)) => (pay_index, Some(paid_at.parse()?)),
            None => (text.trim(), None),
        };
        let pay_index = pay_index.parse()?;
        Ok(Self { pay_index, paid_at })
    }
}

impl Place {
    /// The place of this payment.
    pub(super) fn of(payment: &Payment) -> Self {
        Self {
            pay_index: payment.pay_index,
            paid_at: payment.standing.paid_at,
        }
    }

    /// Where to go on in the book that the node has now, whose newest payment has the number `newest`.
    ///
    /// lightningd may have come back with an older book, whose next payments get numbers that were told
    /// of before. There, the time of the last payment decides.
    pub(super) async fn in_book(
        self,
        watch: &mut Watch,
        newest: u64,
    ) -> Result<Self, LightningError> {
        let Some(paid_at) = self.paid_at else {
            let pay_index = self.pay_index.min(newest);
            return Ok(Self { pay_index, ..self });
        };
        if self.is_in_book(watch, newest).await? {
            return Ok(self);
        }
        Self::before(watch, newest, paid_at).await
    }

    /// Whether the payment with this number is the one of this place, as far as lightningd still has it.
    async fn is_in_book(self, watch: &mut Watch, newest: u64) -> Result<bool, LightningError> {
        if self.pay_index == 0 {
            return Ok(true);
        }
        if self.pay_index > newest {
            return Ok(false);
        }
        let payment = watch
            .next_payment(self.pay_index - 1, Duration::ZERO)
            .await?;
        Ok(payment.is_none_or(|payment| {
            payment.pay_index != self.pay_index || payment.standing.paid_at == self.paid_at
        }))
    }

    /// The last payment before this time, in UNIX seconds. lightningd numbers payments in the order of time, so
    /// it is found by halving: twenty quick calls in a million payments.
    pub(super) async fn before(
        watch: &mut Watch,
        newest: u64,
        time: u64,
    ) -> Result<Self, LightningError> {
        let mut place = Self {
            pay_index: 0,
            paid_at: Some(time),
        };
        // Whatever comes after this one is not earlier.
        let mut end = newest;
        while place.pay_index < end {
            let middle = place.pay_index + (end - place.pay_index) / 2;
            match watch.next_payment(middle, Duration::ZERO).await? {
                Some(earlier)
                    if earlier.pay_index <= end && earlier.standing.paid_at < Some(time) =>
                {
                    place = Self::of(&earlier);
                }
                _ => end = middle,
            }
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let time = Some(1_700_000_000);
        for (paid_at, text) in [(None, "7"), (time, "7 1700000000")] {
            let place = Place {
                pay_index: 7,
                paid_at,
            };
            assert_eq!(place.to_string(), text);
            assert_eq!(format!("{text}\n").parse(), Ok(place));
        }
        for broken in ["", "x", "7 x", "7 8 9"] {
            broken.parse::<Place>().unwrap_err();
        }
    }
}
