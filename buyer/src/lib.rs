//! A buyer without a browser: asks, checks, pays through a lightningd, fetches, keeps a receipt.
//!
//! Money comes first. The purchase is on the disk before anything is paid and until the goods and
//! the receipt are; whatever happens in between, the same command goes on from there and does not
//! pay twice. Twice would be paying one invoice while it is being paid already, or a second invoice
//! while the first may still be paid. So before each step that moves money the buyer's own node is
//! asked what it sent, and while that may change, nothing is decided.
//!
//! # Layout, in reading order
//!
//! - `buy`: the order of things ([`Buyer::buy`]); `decide`: what to do next, a pure decision.
//! - `checks`: what the buyer agrees to, and the checks of an invoice.
//! - [`address`]: which item of which store; [`store`]: the store over HTTP; [`challenge`]: its 402.
//! - [`sealed`]: goods whose ciphertext lies anywhere, and the store that sold a false key for one.
//! - [`ticket`]: what opens the goods, in either scheme.
//! - [`files`]: what is on the disk.
//! - [`purse`]: a folder of purchases with a budget in all.

pub mod address;
mod buy;
pub mod challenge;
mod checks;
mod decide;
mod error;
pub mod files;
pub mod purse;
pub mod sealed;
pub mod store;
pub mod ticket;
mod web;

pub use buy::{Bought, Buyer, Timing};
pub use checks::{FailedCheck, Limits, max_fee};
pub use error::{BuyError, SealedError};
