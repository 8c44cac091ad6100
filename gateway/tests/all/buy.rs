//! `purrwall buy` and `purrwall verify`, over real Lightning payments.
//!
//! - `shop`: a store, and a buyer; `faults`: what lies between the buyer and its node.
//! - `purchases`: what is bought, and what is not paid for; `crashes`: a buyer that ends anywhere.
//! - `command_line`: what the program prints, and its exit status.

mod command_line;
mod crashes;
mod faults;
mod purchases;
mod shop;
