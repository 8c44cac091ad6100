//! What is known of the bytes of kept copies.
//!
//! A copy counts as whole while its file is as it was when it was hashed, by [`Stamp`]. So each copy is
//! hashed once after a start, and again after any change to its file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as Turn;

use crate::stamp::Stamp;

/// What hashing a copy showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It has the promised bytes.
    Whole,
    /// It has others.
    Damaged,
}

/// The findings, by the copy's path.
#[derive(Debug, Default)]
pub(super) struct Checks(Mutex<HashMap<PathBuf, Check>>);

#[derive(Debug, Default)]
struct Check {
    found: Option<(Stamp, Finding)>,
    turn: Arc<Turn<()>>,
}

impl Checks {
    /// What is known of this copy; `None` where its file has changed since, or was never hashed.
    pub(super) fn find(&self, copy: &Path, stamp: Stamp) -> Option<Finding> {
        let (seen, finding) = self.lock().get(copy)?.found?;
        (seen == stamp).then_some(finding)
    }

    /// Whether this copy was damaged when it was last hashed.
    pub(super) fn is_damaged(&self, copy: &Path) -> bool {
        let checks = self.lock();
        let found = checks.get(copy).and_then(|check| check.found);
        matches!(found, Some((_, Finding::Damaged)))
    }

    /// Notes a finding; gives the one of before.
    pub(super) fn set(&self, copy: &Path, stamp: Stamp, finding: Finding) -> Option<Finding> {
        let mut checks = self.lock();
        let check = checks.entry(copy.to_owned()).or_default();
        let before = check.found.replace((stamp, finding));
        before.map(|(_, before)| before)
    }

    /// Who holds this lock hashes the copy; everyone else waits and finds what was found.
    pub(super) fn turn(&self, copy: &Path) -> Arc<Turn<()>> {
        self.lock().entry(copy.to_owned()).or_default().turn.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Check>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
