//! Which days a page is about, and how they are drawn together.

use std::collections::BTreeMap;

use purrwall_gateway::sales::Sum;

use crate::days::{Day, date, month, start_of};
use crate::words::Words;

/// The days up to today that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Days(u64),
    All,
}

/// One bar of a plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    /// The day, the first day of the week, or the month.
    pub(crate) name: String,
    pub(crate) sum: Sum,
}

/// More bars than these become months.
const MOST_DAYS: u64 = 92;

impl Range {
    pub(crate) const ALL: [Self; 5] = [
        Self::Days(1),
        Self::Days(7),
        Self::Days(30),
        Self::Days(365),
        Self::All,
    ];

    /// As it stands in a query; what is something else is a month.
    pub(crate) fn parse(text: &str) -> Self {
        let known = Self::ALL.into_iter().find(|range| range.key() == text);
        known.unwrap_or(Self::Days(30))
    }

    pub(crate) fn key(self) -> String {
        match self {
            Self::Days(days) => days.to_string(),
            Self::All => "all".to_owned(),
        }
    }

    pub(crate) fn name(self, words: Words) -> String {
        match self {
            Self::Days(1) => words.t("Today").to_owned(),
            Self::Days(days) => words.fill("{days} days", &[("days", &days.to_string())]),
            Self::All => words.t("All").to_owned(),
        }
    }

    /// Its first day.
    pub(crate) fn first(self, today: Day) -> Day {
        match self {
            Self::Days(days) => (today + 1).saturating_sub(days),
            Self::All => 0,
        }
    }

    /// Its first second, in UNIX seconds.
    pub(crate) fn since(self, today: Day) -> u64 {
        start_of(self.first(today))
    }

    /// The bars of its plot, without gaps: days, weeks or months. One day alone is no plot.
    pub(crate) fn bars(self, today: Day, days: &BTreeMap<Day, Sum>) -> Vec<Bar> {
        let first = match self {
            Self::Days(1) => return Vec::new(),
            Self::Days(_) => self.first(today),
            Self::All => match days.keys().next() {
                Some(first) => (*first).min(today),
                None => return Vec::new(),
            },
        };
        let count = today - first + 1;
        let name: &dyn Fn(Day) -> String = match self {
            Self::Days(_) if count > MOST_DAYS => &|day| date(day - (day - first) % 7),
            Self::All if count > MOST_DAYS => &month,
            _ => &date,
        };
        let mut bars: Vec<Bar> = Vec::new();
        for day in first..=today {
            let name = name(day);
            if bars.last().is_none_or(|bar| bar.name != name) {
                let sum = Sum::default();
                bars.push(Bar { name, sum });
            }
            if let (Some(sum), Some(bar)) = (days.get(&day), bars.last_mut()) {
                bar.sum.add_all(sum);
            }
        }
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = 20_785;

    fn sums(days: &[Day]) -> BTreeMap<Day, Sum> {
        let sum = Sum {
            sales: 1,
            amount_msat: 1000,
            amount_received_msat: 1000,
        };
        days.iter().map(|day| (*day, sum)).collect()
    }

    fn check(range: Range, days: &[Day], count: usize, first: &str, last: &str) {
        let bars = range.bars(TODAY, &sums(days));
        assert_eq!(bars.len(), count, "{range:?}");
        assert_eq!(bars[0].name, first);
        assert_eq!(bars[count - 1].name, last);
        let sales: u64 = bars.iter().map(|bar| bar.sum.sales).sum();
        assert_eq!(sales, days.len() as u64);
    }

    #[test]
    fn days_become_weeks_and_months_where_there_are_many() {
        check(
            Range::Days(7),
            &[TODAY, TODAY - 6],
            7,
            "2026-11-22",
            "2026-11-28",
        );
        check(Range::Days(30), &[TODAY], 30, "2026-10-30", "2026-11-28");
        check(
            Range::Days(365),
            &[TODAY - 364, TODAY],
            53,
            "2025-11-29",
            "2026-11-28",
        );
        check(
            Range::All,
            &[TODAY - 10, TODAY],
            11,
            "2026-11-18",
            "2026-11-28",
        );
        check(Range::All, &[TODAY - 400, TODAY], 14, "2025-10", "2026-11");
        assert!(Range::Days(1).bars(TODAY, &sums(&[TODAY])).is_empty());
        assert!(Range::All.bars(TODAY, &sums(&[])).is_empty());
    }

    #[test]
    fn a_range_begins_at_midnight() {
        assert_eq!(Range::parse("7"), Range::Days(7));
        assert_eq!(Range::parse("all"), Range::All);
        assert_eq!(Range::parse("nonsense"), Range::Days(30));
        assert_eq!(Range::Days(1).since(TODAY), TODAY * 86_400);
        assert_eq!(Range::All.since(TODAY), 0);
    }
}
