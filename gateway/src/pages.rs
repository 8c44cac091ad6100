//! The pages without script: one flow from the offer over the invoice to what was paid for, for items
//! of the store and for priced routes alike.

pub(crate) mod base;
pub(crate) mod code_page;
pub(crate) mod cookie;
mod deadline;
mod drawings;
pub(crate) mod flow;
pub(crate) mod keep;
pub(crate) mod look_files;
pub(crate) mod paywall_page;
pub(crate) mod problem_page;
pub(crate) mod qr_code;
pub(crate) mod stage;
pub(crate) mod store_page;
pub(crate) mod views;
