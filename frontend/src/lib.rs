//! Purrwall in the browser: the store page, and the wall that stands in front of each item.
//!
//! The browser never holds goods that are not paid for, and shows nothing as payable that
//! [`shared::invoice::check`] has not passed. [`shared::purchase`] decides what to do; this crate does
//! it and draws it.
//!
//! There are two programs, so that nobody loads what the other one shows: `purrwall-page` is the store's own
//! page, `purrwall-widget` the custom element on other sites.
//!
//! # Layout
//!
//! Each module uses only those below it.
//!
//! - [`page`]: the store's own page; [`widget`]: the custom element on other sites.
//! - [`wall`]: one item, from the offer to the goods. Its `use_purchase` is the only place where a
//!   purchase's job becomes a request or a timer.
//! - [`ui`]: pieces that page, widget and wall draw with.
//! - [`i18n`]: everything that buyers read, in their language.
//! - [`browser`]: what the browser offers. Its [`browser::client`] alone touches the network.
//! - [`hooks`]: states and effects of components.

pub mod browser;
pub mod hooks;
pub mod i18n;
pub mod page;
pub mod ui;
pub mod wall;
pub mod widget;

/// Smaller than the standard library's.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
