//! The campaigns, each a program of its own.

pub(crate) mod crash;
