//! Core Lightning's runes: bearer tokens. Anyone can restrict a rune further, and nobody can lift a
//! restriction.
//!
//! `rune` is the token and its authentication code, `restriction` what it restricts, `check` decides
//! whether a request meets the restrictions, and `keeper` is what a node remembers of its runes.

mod check;
mod keeper;
mod restriction;
mod rune;

pub(crate) use check::Request;
pub(crate) use keeper::{Keeper, Refusal};
pub(crate) use restriction::{Alternative, Condition, Restriction};
pub(crate) use rune::Rune;
