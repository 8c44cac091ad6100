//! What both sides of Purrwall agree on: the wire types, the checks of a BOLT11 invoice, the
//! claim, and the purchase as a pure state machine.
//!
//! Nothing here does I/O, reads a clock, draws random numbers or waits; times, randomness and
//! answers come in as arguments. So every behaviour is tested natively, and the browser and the
//! gateway's tests run the same code.
//!
//! # Layout, in reading order
//!
//! - [`text`]: numbers and bytes as digits, hex and base64.
//! - [`lightning`]: msat, payment hash, preimage, node id, network; parsed once, then trusted.
//! - [`fiat`]: prices in a state's currency, and the rate that makes them millisatoshi.
//! - [`content`]: the hash of the goods, and how an invoice's description commits to it.
//! - [`digest`]: what it says of goods that are sold sealed.
//! - `bolt11`: what a BOLT11 string says; [`invoice`]: an invoice, and the checks that it must pass before it is shown.
//! - [`qr_code`]: what to draw, so that a wallet's camera reads the invoice.
//! - [`macaroon`]: the V2 binary format; [`claim`]: the buyer's ticket, written in it.
//! - [`sealed`]: goods whose ciphertext may lie anywhere; what the payment reveals is the key.
//! - `mpp`: the scheme `Payment`, beside L402 (with the feature of that name).
//! - [`api`]: requests, answers and paths; [`problem`]: errors on the wire.
//! - [`receipt`]: what was promised and paid, checked offline. [`verdict`]: what the store says of one.
//! - [`drawings`], [`styles`]: what every page looks like.
//! - [`purchase`]: from "buy" to the delivered goods, as states, events and jobs; [`link`]: opens
//!   one on another device. [`allowance`]: what a wallet may pay at one click.

pub mod allowance;
pub mod api;
mod bolt11;
pub mod claim;
pub mod content;
pub mod digest;
pub mod drawings;
pub mod fiat;
pub mod invoice;
pub mod lightning;
pub mod link;
pub mod lnurl;
pub mod macaroon;
#[cfg(feature = "mpp")]
pub mod mpp;
#[cfg(feature = "openapi")]
mod openapi;
pub mod problem;
pub mod purchase;
pub mod qr_code;
pub mod receipt;
pub mod sealed;
pub mod styles;
pub mod text;
pub mod verdict;
