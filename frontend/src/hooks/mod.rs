//! State that lives in components.

pub mod use_purchase;
pub mod use_server_now;
pub mod use_store;
