//! What is paid: claims, invoices and who may have them, payments as they arrive, and what was sold.

pub(crate) mod admission;
pub(crate) mod book;
pub(crate) mod charges;
pub mod claims;
pub(crate) mod cleaning;
pub(crate) mod client;
pub(crate) mod evidence;
pub(crate) mod invoices;
pub(crate) mod label;
pub(crate) mod limits;
pub(crate) mod making;
pub(crate) mod node;
pub(crate) mod nodes;
pub(crate) mod open_invoices;
pub(crate) mod purchases;
pub(crate) mod question;
pub(crate) mod refusals;
pub(crate) mod rendezvous;
pub mod sales;
pub(crate) mod shares;
pub(crate) mod tags;
pub(crate) mod verified;
pub(crate) mod waits;
pub(crate) mod watcher;
pub mod webhooks;
