//! What is drawn. Properties in, callbacks out; only [`wall`] and [`store_page`] hold state that
//! reaches beyond the screen.
//!
//! What comes from the gateway or a wallet is hostile: it is drawn as text nodes alone.

pub mod announcer;
pub mod box_view;
pub mod content_view;
pub mod copy_button;
pub mod countdown;
pub mod devnet_switch;
pub mod icons;
pub mod invoice_panel;
pub mod item_card;
pub mod notice;
pub mod offer;
pub mod qr_code;
pub mod store_page;
pub mod trouble;
pub mod verified;
pub mod wall;
pub mod wallet_button;
