//! The campaigns, each a program of its own.

pub(crate) mod ageing;
pub(crate) mod crash;
pub(crate) mod disk;
pub(crate) mod flood;
pub(crate) mod owner;
