//! What is drawn. Properties in, callbacks out; only [`wall`] and [`store_page`] hold state that
//! reaches beyond the screen.
//!
//! What remembers nothing is a function: a component of Yew's costs the visitor two kilobytes
//! more. What comes from the gateway or a wallet is hostile: it is drawn as text nodes alone.

pub mod announcements;
pub mod box_view;
pub mod content_view;
pub mod copy_button;
pub mod countdown;
pub mod drawing;
pub mod element;
pub mod failed_check;
pub mod invoice_panel;
pub mod language_chooser;
pub mod notice;
pub mod offer;
pub mod purchases;
pub mod qr_code;
pub mod receipt_button;
pub mod store_page;
pub mod trouble;
pub mod verified;
pub mod wall;
pub mod wallet_button;
pub mod widget;
