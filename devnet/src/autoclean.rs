//! lightningd's autoclean, for invoices: deletes paid or expired ones once they have some age.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::invoices::{InvoiceBook, Status};

/// A kind of entries that autoclean deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subsystem {
    Paid,
    Expired,
}

/// How one subsystem is set, and what it did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setting {
    /// The age in seconds at which entries are deleted; `None` is never.
    pub(crate) age: Option<u64>,
    /// How many were deleted so far.
    pub(crate) cleaned: u64,
}

/// The settings of a node's autoclean.
#[derive(Default)]
pub(crate) struct Autoclean {
    settings: Mutex<[Setting; 2]>,
}

impl Subsystem {
    const ALL: [Self; 2] = [Self::Paid, Self::Expired];

    /// The subsystem of lightningd's name for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "paidinvoices" => Some(Self::Paid),
            "expiredinvoices" => Some(Self::Expired),
            _ => None,
        }
    }

    pub(crate) fn status(self) -> Status {
        match self {
            Self::Paid => Status::Paid,
            Self::Expired => Status::Expired,
        }
    }
}

impl Autoclean {
    pub(crate) fn setting(&self, subsystem: Subsystem) -> Setting {
        self.settings()[subsystem as usize]
    }

    /// Sets the age at which entries are deleted. Like lightningd's setting, 0 is never.
    pub(crate) fn set_age(&self, subsystem: Subsystem, age: u64) {
        self.settings()[subsystem as usize].age = (age > 0).then_some(age);
    }

    /// Deletes what has reached the age that is set.
    pub(crate) fn clean(&self, book: &InvoiceBook, now: u64) {
        for subsystem in Subsystem::ALL {
            if let Some(age) = self.setting(subsystem).age {
                self.clean_once(book, subsystem, age, now);
            }
        }
    }

    /// Deletes what has reached this age. Returns how many that were.
    pub(crate) fn clean_once(
        &self,
        book: &InvoiceBook,
        subsystem: Subsystem,
        age: u64,
        now: u64,
    ) -> u64 {
        let mut cleaned = 0;
        for label in book.ended_by(subsystem.status(), now.saturating_sub(age)) {
            // What was deleted meanwhile need not be deleted again.
            if book.delete(&label, subsystem.status().as_str()).is_ok() {
                cleaned += 1;
            }
        }
        self.settings()[subsystem as usize].cleaned += cleaned;
        cleaned
    }

    fn settings(&self) -> MutexGuard<'_, [Setting; 2]> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
