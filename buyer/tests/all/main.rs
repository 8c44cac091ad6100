//! `purrwall buy` over real Lightning payments, with faulty nodes, stores and disks.

#![expect(
    clippy::unwrap_used,
    reason = "a failing test may panic where code may not"
)]

mod crashes;
mod purchases;
mod sealed;
