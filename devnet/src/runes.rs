//! Core Lightning's runes: bearer tokens. Anyone can restrict a rune further, and nobody can lift a
//! restriction.
//!
//! `rune` is the token and its authentication code, `check` decides whether a request meets the
//! restrictions, and `keeper` is what a node remembers of its runes. Texts are read by
//! [`lightningd::rune`].

mod check;
mod keeper;
mod rune;

pub(crate) use check::Request;
pub(crate) use keeper::{Keeper, Refusal};
pub(crate) use rune::Rune;
