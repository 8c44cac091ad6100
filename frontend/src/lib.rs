//! Purrwall in the browser: the store page, and the wall that stands before each item.
//!
//! The browser never holds goods that are not paid for, and shows nothing as payable that
//! [`shared::invoice::check`] has not passed. What to do is decided in [`shared::purchase`]; here
//! it is run and drawn.
//!
//! # Layout, in reading order
//!
//! - [`config`]: which gateway; [`client`]: the calls to it; [`clock`]: its time.
//! - [`json`]: the browser's own, in our types; [`storage`]: what a reload finds again; [`opening`]: what a link brings.
//! - [`goods`]: as they come, and when they are here.
//! - [`hooks`]: `use_purchase`, the only place where a purchase's job becomes a fetch or a timer,
//!   and `use_store`, which loads the catalogue.
//! - [`components`]: drawn from properties, answering by callbacks.
//! - [`widget`]: the custom element's side of it.
//! - [`words`]: all of it in the buyer's language.
//! - [`webln`], [`ios`], [`clipboard`], [`download`]: what the browser offers beside the page.

pub mod client;
pub mod clipboard;
pub mod clock;
pub mod components;
pub mod config;
pub mod download;
pub mod goods;
pub mod hooks;
pub mod ios;
pub mod json;
pub mod opening;
pub mod storage;
pub mod webln;
pub mod widget;
pub mod words;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
