//! What a campaign found: figures, and whatever was lost.

use std::fmt::Display;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Losses that are printed one by one; the rest is counted.
const MOST_PRINTED: usize = 10;

/// Prints figures as they come and counts losses.
#[derive(Default)]
pub(crate) struct Report {
    losses: AtomicUsize,
    line: Mutex<()>,
}

impl Report {
    /// A number and what it counts.
    pub(crate) fn figure(&self, name: &str, value: impl Display) {
        self.say(&format!("  {name}: {value}"));
    }

    /// Something that a buyer or the owner lost.
    pub(crate) fn loss(&self, what: impl Display) {
        if self.losses.fetch_add(1, Ordering::Relaxed) < MOST_PRINTED {
            self.say(&format!("  LOST: {what}"));
        }
    }

    /// A loss for each that is counted here; none where it is zero.
    pub(crate) fn must_be_none(&self, name: &str, count: usize) {
        self.figure(name, count);
        self.losses.fetch_add(count, Ordering::Relaxed);
    }

    /// How much was lost.
    pub(crate) fn losses(&self) -> usize {
        self.losses.load(Ordering::Relaxed)
    }

    fn say(&self, line: &str) {
        let _whole = self.line.lock();
        println!("{line}");
    }
}
