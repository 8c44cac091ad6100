//! Buyers of every kind, who come back for what they paid for.

pub(crate) mod claim;
pub(crate) mod command;
pub(crate) mod page;
pub(crate) mod program;
pub(crate) mod returns;
