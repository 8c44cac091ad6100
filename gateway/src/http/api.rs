//! The HTTP API, a file for each noun.

pub(crate) mod codes;
pub(crate) mod content;
pub(crate) mod directory;
pub(crate) mod discovery;
pub(crate) mod health;
pub(crate) mod invoices;
pub(crate) mod listing;
pub(crate) mod metrics;
pub(crate) mod offers;
pub(crate) mod openapi;
pub(crate) mod preview;
pub(crate) mod responses;
pub(crate) mod sealed;
pub(crate) mod store;
pub(crate) mod verify;
