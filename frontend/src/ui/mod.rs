//! Pieces that page, widget and wall draw with.
//!
//! Whatever has no state is a function: a Yew component adds two kilobytes to the download. Texts
//! from the gateway or a wallet are hostile, so they are drawn as text nodes only.

pub mod copy_button;
pub mod drawing;
pub mod element;
pub mod notice;
pub mod qr_code;
pub mod receipt_button;
pub mod trouble;
