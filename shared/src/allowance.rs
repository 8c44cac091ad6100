//! What a buyer lets a remembered wallet pay at one click: so much for a purchase, and so much for a day.
//!
//! The browser keeps it in its storage, where all tabs read it. Nothing is ever given back to a day's sum: a wallet that
//! says that it failed may have paid all the same.

use crate::lightning::Msat;
use crate::text::decimal;

/// What the fields offer at first.
pub const OFFERED: Allowance = Allowance([500, 2_000, 0, 0]);
/// The highest limit, in satoshi. What is meant to be a thousand may not become a million by a slip.
const MOST_SAT: u64 = 1_000_000;

/// The limits for one purchase and for one day, in satoshi; the day of the sum, so many days after 1 January 1970 in the
/// buyer's zone; and the sum, in millisatoshi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance([u64; 4]);

impl Allowance {
    /// Reads what [`text`](Self::text) wrote.
    pub fn read(text: &str) -> Option<Self> {
        let mut numbers = [0; 4];
        let mut words = text.split(' ');
        for number in &mut numbers {
            *number = words.next()?.parse().ok()?;
        }
        words.next().is_none().then_some(Self(numbers))
    }

    /// Four numbers, for the storage.
    pub fn text(self) -> String {
        let [purchase, day, today, spent] = self.0.map(decimal);
        [&*purchase, " ", &day, " ", &today, " ", &spent].concat()
    }

    /// The limits for a purchase and for a day, in satoshi.
    pub fn limits(self) -> [u64; 2] {
        [self.0[0], self.0[1]]
    }

    /// These limits as the buyer typed them, with the sum of those before.
    ///
    /// # Errors
    /// The index of the limit that is no whole number from 1 to 1,000,000. The one for a day is none either where it is
    /// lower than the one for a purchase.
    pub fn typed(self, limits: [&str; 2]) -> Result<Self, usize> {
        let mut typed = self;
        let mut least = 1;
        for (index, text) in limits.into_iter().enumerate() {
            let limit = text.trim().parse().ok();
            let limit = limit.filter(|limit| (least..=MOST_SAT).contains(limit));
            least = limit.ok_or(index)?;
            typed.0[index] = least;
        }
        Ok(typed)
    }

    /// What is left after this is spent on `today`; `None` where it is above a limit. A clock that is set back begins
    /// no new day.
    #[must_use]
    pub fn spend(self, amount: Msat, today: u64) -> Option<Self> {
        let [purchase_sat, day_sat, day, spent] = self.0;
        let spent = if today > day { 0 } else { spent };
        let spent = spent.checked_add(amount.0)?;
        let fits =
            amount.0 <= purchase_sat.saturating_mul(1000) && spent <= day_sat.saturating_mul(1000);
        fits.then_some(Self([purchase_sat, day_sat, day.max(today), spent]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAT: u64 = 1_000;
    const TODAY: u64 = 20_000;

    fn allowance(purchase: &str, day: &str) -> Allowance {
        OFFERED.typed([purchase, day]).unwrap()
    }

    #[test]
    fn nothing_above_a_limit_is_spent() {
        let allowance = allowance("500", "1200");
        assert_eq!(allowance.spend(Msat(500 * SAT + 1), TODAY), None);
        let once = allowance.spend(Msat(500 * SAT), TODAY).unwrap();
        let twice = once.spend(Msat(500 * SAT), TODAY).unwrap();
        assert_eq!(twice.spend(Msat(200 * SAT + 1), TODAY), None);
        let spent = twice.spend(Msat(200 * SAT), TODAY).unwrap();
        assert_eq!(spent.spend(Msat(1), TODAY), None);
        assert_eq!(spent.spend(Msat(u64::MAX), TODAY), None);
    }

    #[test]
    fn a_new_day_has_a_sum_of_its_own_and_a_clock_that_is_set_back_does_not() {
        let spent = allowance("500", "500").spend(Msat(500 * SAT), TODAY);
        let spent = spent.unwrap();
        assert_eq!(spent.spend(Msat(1), TODAY), None);
        assert_eq!(spent.spend(Msat(1), TODAY - 1), None);
        let next = spent.spend(Msat(1), TODAY + 1).unwrap();
        assert_eq!(next, Allowance([500, 500, TODAY + 1, 1]));
    }

    #[test]
    fn other_limits_keep_the_sum() {
        let spent = allowance("500", "500").spend(Msat(500 * SAT), TODAY);
        let raised = spent.unwrap().typed(["500", "600"]).unwrap();
        assert_eq!(raised.limits(), [500, 600]);
        assert_eq!(raised.spend(Msat(100 * SAT + 1), TODAY), None);
        assert!(raised.spend(Msat(100 * SAT), TODAY).is_some());
    }

    #[test]
    fn limits_that_are_none_are_named() {
        for bad in ["", "0", "-1", "1.5", "1,000", "1e3", "1000001", "all"] {
            assert_eq!(OFFERED.typed([bad, "9"]), Err(0));
            assert_eq!(OFFERED.typed(["9", bad]), Err(1));
        }
        assert_eq!(OFFERED.typed(["10", "9"]), Err(1));
        assert!(OFFERED.typed([" 1000000 ", "1000000"]).is_ok());
    }

    #[test]
    fn the_storage_gives_back_what_it_was_given() {
        let spent = OFFERED.spend(Msat(7), TODAY).unwrap();
        assert_eq!(spent.text(), "500 2000 20000 7");
        assert_eq!(Allowance::read(&spent.text()), Some(spent));
        for damaged in ["", "500 2000", "500 2000 1 x", "500 2000 1 2 3"] {
            assert_eq!(Allowance::read(damaged), None);
        }
    }
}
