//! The owner's desk: pages that show what sells, what is stuck and what is for sale, and change the goods.
//!
//! It is rendered here and needs no script. It listens on an address of its own, never on the store's:
//! on this machine alone, or over TLS. The owner signs in with a code that `purrwall desk` prints.
//!
//! Layout, in reading order:
//!
//! - `desk`: the parts; `router`: the addresses; `gate`: who gets in, and the headers of every answer.
//! - `code`, `sessions`, `posted`, `sign_in`: signing in, and forms that nobody else can send.
//! - `pages`, `words`, `refused`, `days`, `figures`: what all pages have; six languages in `words/`.
//! - `sales` with `range`, `plot`, `listing`: what was sold; `ledger` and `summary`: its sums, which follow
//!   lightningd's book.
//! - `goods` with `typed`, `upload`: what is sold, and how that is changed; `shelf` and `shelf_text`: the
//!   store's file, whose comments and order stay.
//! - `embed`: lines of HTML for other sites, and posters.
//! - `health` with `certificate`: what is stuck, and what will be.

mod certificate;
mod code;
mod days;
mod desk;
mod embed;
mod figures;
mod gate;
mod goods;
mod health;
mod ledger;
mod listing;
mod pages;
mod plot;
mod posted;
mod range;
mod refused;
mod router;
mod sales;
mod sessions;
mod shelf;
mod shelf_text;
mod sign_in;
mod summary;
mod typed;
mod upload;
mod words;

pub use code::{GOOD_FOR, new_code};
pub use desk::{Desk, DeskOptions, ReadText, StoreFile};
pub use router::router;
