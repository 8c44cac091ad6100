//! The runes of a node: those it made, when they were used, and those that are refused for good.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use lightningd::rune::Restriction;
use thiserror::Error;

use super::check::Request;
use super::rune::Rune;

/// The runes of one node.
pub(crate) struct Keeper {
    master: Rune,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In order of their unique ids, from 0.
    made: Vec<Rune>,
    /// By unique id.
    last_used: HashMap<String, SystemTime>,
    blacklist: Vec<RangeInclusive<u64>>,
}

/// Why a rune does not allow a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    /// This node did not make the rune, or it was changed.
    #[error("Not authorized: Not derived from master")]
    NotOurs,
    /// The request does not meet its restrictions.
    #[error("Not permitted: {0}")]
    NotPermitted(String),
    /// The node refuses it for good.
    #[error("Not authorized: Blacklisted rune")]
    Blacklisted,
}

impl Keeper {
    /// No runes yet. They derive from the secret.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self {
            master: Rune::master(secret),
            state: Mutex::default(),
        }
    }

    /// Makes a rune with the next unique id and these restrictions.
    pub(crate) fn make(&self, restrictions: Vec<Restriction>) -> Rune {
        let mut state = self.state();
        let id = format!("={}", state.made.len());
        let id = Restriction::parse(&id).expect("a number is a unique id");
        let rune = restrictions
            .into_iter()
            .fold(self.master.clone().restrict(id), Rune::restrict);
        state.made.push(rune.clone());
        rune
    }

    /// The runes that the node made.
    pub(crate) fn made(&self) -> Vec<Rune> {
        self.state().made.clone()
    }

    pub(crate) fn has_made(&self, rune: &Rune) -> bool {
        self.state().made.contains(rune)
    }

    pub(crate) fn is_ours(&self, rune: &Rune) -> bool {
        rune.derives_from(&self.master)
    }

    pub(crate) fn is_blacklisted(&self, rune: &Rune) -> bool {
        self.state().is_blacklisted(rune)
    }

    /// When the rune, or one derived from it, allowed a request last.
    pub(crate) fn last_used(&self, rune: &Rune) -> Option<SystemTime> {
        self.state().last_used.get(rune.unique_id()?).copied()
    }

    /// Whether the rune allows a request now. If it does, this counts as a use.
    ///
    /// Restrictions come before the blacklist: of a rune that is blacklisted and used too often
    /// lightningd says that it was used too soon.
    pub(crate) fn check(
        &self,
        rune: &Rune,
        request: Request,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        if !self.is_ours(rune) {
            return Err(Refusal::NotOurs);
        }
        let mut state = self.state();
        let id = rune.unique_id().unwrap_or_default();
        let last_used = state.last_used.get(id);
        let since = last_used.and_then(|last_used| now.duration_since(*last_used).ok());
        request
            .after(since)
            .check_all(rune.restrictions())
            .map_err(Refusal::NotPermitted)?;
        if state.is_blacklisted(rune) {
            return Err(Refusal::Blacklisted);
        }
        state.last_used.insert(id.to_owned(), now);
        Ok(())
    }

    /// Refuses all runes with these unique ids, and all that derive from them.
    pub(crate) fn blacklist(&self, ids: RangeInclusive<u64>) {
        let mut state = self.state();
        state.blacklist.push(ids);
        state.blacklist.sort_by_key(|range| *range.start());
        let mut merged: Vec<RangeInclusive<u64>> = Vec::new();
        for range in state.blacklist.drain(..) {
            match merged.last_mut() {
                Some(last) if *range.start() <= last.end().saturating_add(1) => {
                    *last = *last.start()..=*last.end().max(range.end());
                }
                _ => merged.push(range),
            }
        }
        state.blacklist = merged;
    }

    /// The unique ids that are refused.
    pub(crate) fn blacklisted(&self) -> Vec<RangeInclusive<u64>> {
        self.state().blacklist.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_blacklisted(&self, rune: &Rune) -> bool {
        let id = rune.unique_id().and_then(|id| id.parse::<u64>().ok());
        id.is_some_and(|id| self.blacklist.iter().any(|range| range.contains(&id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_blacklist_that_touch_become_one() {
        let keeper = Keeper::new(&[7; 32]);
        for range in [5..=6, 0..=1, 2..=2, 9..=9] {
            keeper.blacklist(range);
        }
        assert_eq!(keeper.blacklisted(), [0..=2, 5..=6, 9..=9]);
    }
}
