//! The claims that were verified lately. Whoever waits for a payment, plays a film or uses a service sends the same
//! claim with each request, and its chain of HMACs is most of what it costs to answer some of these.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use shared::macaroon::Macaroon;

/// So many are remembered at least, and twice as many at most.
const ENOUGH: usize = 4096;

/// The hash of all that a claim says. Only the claim itself has it, so a forged one is not found here, however
/// much of it is right.
pub(crate) type Name = [u8; 32];

/// The claims that were found to be the store's.
#[derive(Default)]
pub(crate) struct Verified(Mutex<Generations>);

/// Those that are used again go on to the next generation.
#[derive(Default)]
struct Generations {
    new: HashSet<Name>,
    old: HashSet<Name>,
}

impl Verified {
    /// The claim's name.
    pub(crate) fn name(macaroon: &Macaroon) -> Name {
        let mut hash = Sha256::new_with_prefix(macaroon.signature);
        for part in [&macaroon.identifier].into_iter().chain(&macaroon.caveats) {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// Whether it was found to be the store's.
    pub(crate) fn contains(&self, name: &Name) -> bool {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.new.contains(name) {
            return true;
        }
        let is_old = generations.old.contains(name);
        if is_old {
            generations.insert(*name);
        }
        is_old
    }

    /// It is the store's.
    pub(crate) fn insert(&self, name: Name) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.insert(name);
    }
}

impl Generations {
    fn insert(&mut self, name: Name) {
        self.new.insert(name);
        if self.new.len() == ENOUGH {
            self.old = mem::take(&mut self.new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn macaroon(identifier: &str, caveats: &[&str]) -> Macaroon {
        Macaroon {
            location: None,
            identifier: identifier.as_bytes().to_vec(),
            caveats: caveats
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .collect(),
            signature: [7; 32],
        }
    }

    #[test]
    fn each_claim_has_a_name_of_its_own() {
        let mut other = macaroon("id", &["item=cat"]);
        other.signature[31] = 8;
        let all = [
            macaroon("id", &["item=cat"]),
            macaroon("id", &["item=", "cat"]),
            macaroon("id", &["item=cat", ""]),
            macaroon("iditem=cat", &[]),
            other,
        ];
        let names: HashSet<_> = all.iter().map(Verified::name).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn what_is_used_is_remembered_and_no_more_than_enough() {
        let verified = Verified::default();
        let name = |number: usize| {
            let mut name = Name::default();
            name[..8].copy_from_slice(&number.to_be_bytes());
            name
        };
        for number in 0..10 * ENOUGH {
            verified.insert(name(number));
            assert!(verified.contains(&name(0)), "{number}");
        }
        assert!(!verified.contains(&name(1)));
        let Generations { new, old } = &*verified.0.lock().unwrap();
        assert!(new.len() < ENOUGH && old.len() == ENOUGH);
    }
}
