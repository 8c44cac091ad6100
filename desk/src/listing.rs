//! The list of sales, the newest first, straight from lightningd's books: some at a time, merged from all
//! nodes.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::str::FromStr;

use purrwall_gateway::LightningError;
use purrwall_gateway::sales::{Book, Sale};

/// So many sales are on a page.
const PAGE: usize = 50;
/// So many pages of a book are read for one of ours: what expired unpaid stands between the sales.
const MOST_READ: u32 = 20;

/// Where a page begins: below which change of each node's book. 0 is the end of a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor(Vec<u64>);

/// Some sales, and where the next ones begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) sales: Vec<Sale>,
    /// `None` where there are no more.
    pub(crate) next: Option<Cursor>,
}

impl Cursor {
    /// The newest sales of these books.
    pub(crate) async fn newest(books: &[Book]) -> Result<Self, LightningError> {
        let mut cursor = Vec::new();
        for book in books {
            cursor.push(book.newest().await? + 1);
        }
        Ok(Self(cursor))
    }

    /// As it stands in a query.
    pub(crate) fn text(&self) -> String {
        let numbers: Vec<_> = self.0.iter().map(u64::to_string).collect();
        numbers.join(".")
    }
}

impl FromStr for Cursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers = text.split('.').map(str::parse::<u64>);
        let numbers: Result<Vec<_>, _> = numbers.collect();
        let numbers = numbers.map_err(|_| ())?;
        // Such a change there will never be; it has to leave room for sums.
        let fits = numbers.iter().all(|number| *number <= u64::MAX / 2);
        fits.then_some(Self(numbers)).ok_or(())
    }
}

/// What was read of one book and not yet listed.
struct Reading<'a> {
    book: &'a Book,
    /// The newest first.
    read: VecDeque<(u64, Sale)>,
    below: u64,
    pages: u32,
}

impl Reading<'_> {
    /// Makes sure that its next sale is known, if there is one within reach.
    async fn refill(&mut self, since: u64) -> Result<(), LightningError> {
        while self.read.is_empty() && self.below > 0 && self.pages < MOST_READ {
            let earlier = self.book.below(self.below, since).await?;
            self.read.extend(earlier.sales);
            self.below = earlier.below;
            self.pages += 1;
        }
        Ok(())
    }

    /// Where the next page goes on.
    fn cursor(&self) -> u64 {
        self.read
            .front()
            .map_or(self.below, |(change, _)| change + 1)
    }
}

/// The sales from `cursor` back to `since` (in UNIX seconds).
pub(crate) async fn list(
    books: &[Book],
    cursor: &Cursor,
    since: u64,
) -> Result<Listed, LightningError> {
    let ends = cursor.0.iter().copied().chain(std::iter::repeat(0));
    let readings = books.iter().zip(ends).map(|(book, below)| Reading {
        book,
        read: VecDeque::new(),
        below,
        pages: 0,
    });
    let mut readings: Vec<_> = readings.collect();
    let mut sales = Vec::new();
    while sales.len() < PAGE {
        for reading in &mut readings {
            reading.refill(since).await?;
        }
        // What one book hides behind many unpaid invoices may be newer than what another shows.
        if readings
            .iter()
            .any(|reading| reading.read.is_empty() && reading.below > 0)
        {
            break;
        }
        let newest = readings
            .iter_mut()
            .filter(|reading| !reading.read.is_empty());
        let newest = newest
            .min_by_key(|reading| Reverse(reading.read.front().map(|(_, sale)| sale.paid_at)));
        let Some((_, sale)) = newest.and_then(|reading| reading.read.pop_front()) else {
            break;
        };
        sales.push(sale);
    }
    let cursors: Vec<_> = readings.iter().map(Reading::cursor).collect();
    let is_more = cursors.iter().any(|below| *below > 0);
    Ok(Listed {
        sales,
        next: is_more.then_some(Cursor(cursors)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_numbers_with_points() {
        let cursor: Cursor = "12.0.7".parse().unwrap();
        assert_eq!(cursor.text(), "12.0.7");
        for wrong in [
            "",
            "a",
            "1.",
            "-1",
            "1,2",
            "18446744073709551615",
            "1 OR 1=1",
        ] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }
}
