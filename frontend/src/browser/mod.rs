//! What the browser offers: the network, storage, the clipboard, downloads, wallets.
//!
//! Nothing here knows what is on the screen.

pub mod address_bar;
pub mod allowance;
pub mod client;
pub mod clipboard;
pub mod clock;
pub mod download;
pub mod gateway;
pub mod goods;
pub mod ios;
pub mod json;
pub mod kind;
pub mod object;
pub mod sealed;
pub mod storage;
pub mod use_store;
pub mod webln;
